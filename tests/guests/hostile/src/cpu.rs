//! Time, memory and stack: loops, bombs, panics. None of these returns by itself where it matters.

use std::{
    hint::black_box,
    thread,
    time::{Duration, Instant, SystemTime},
};

use duijie_sdk::{Failure, Link, Operations, kv};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Config, Hostile, net, wire::Nothing};

/// A personal value that the misdeed tries to carry out.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Person {
    pub(crate) name: String,
}

/// How much.
#[derive(Deserialize, JsonSchema)]
struct Amount {
    count: u64,
}

/// How far it came.
#[derive(Serialize, JsonSchema)]
struct Reached {
    count: u64,
}

pub(crate) fn register(ops: &mut Operations<Hostile>) {
    ops.add("loop.endless", endless).summary("Computes for ever.", "死循环。");
    ops.add("loop.host-calls", host_calls).summary("Makes small host calls for ever.", "无限调用宿主。");
    ops.add("loop.clock", clock_loop).summary("Reads the clock for ever.", "无限读取时钟。");
    ops.add("clock.read", clock).summary("Says how fine the clocks are.", "测量时钟精度。").read();
    ops.add("print.personal", print_personal).summary("Prints a name.", "打印个人信息。").personal(["/name"]);
    ops.add("loop.sleep", sleep).summary("Sleeps through any deadline.", "睡过时限。");
    ops.add("memory.bomb", bomb).summary("Takes memory until it dies.", "耗尽内存。");
    ops.add("memory.take", take).summary("Takes so many MiB, and gives them back.", "占用若干 MiB 内存。");
    ops.add("stack.overflow", overflow).summary("Recurses without end.", "无限递归。");
    ops.add("stack.frames", frames).summary("Recurses without end, with large frames.", "大栈帧无限递归。");
    ops.add("panic.personal", panic_personal)
        .summary("Panics with a name in the message.", "带个人信息崩溃。")
        .personal(["/name"]);
    ops.add("sleep.after-send", sleep_after_send).summary("Sends a request, then sleeps.", "发送后沉睡。");
    ops.add("panic.after-send", panic_after_send).summary("Sends a request, then dies.", "发送后崩溃。");
    ops.add("exit", exit).summary("Calls exit.", "调用 exit。");
}

fn endless(_: &Link<Config>, _: Nothing) -> Result<Nothing, Failure> {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

fn host_calls(_: &Link<Config>, _: Nothing) -> Result<Nothing, Failure> {
    loop {
        kv::get("small")?;
    }
}

fn clock_loop(_: &Link<Config>, _: Nothing) -> Result<Nothing, Failure> {
    loop {
        black_box(Instant::now());
    }
}

/// The finest step that any clock showed, in nanoseconds.
fn clock(_: &Link<Config>, _: Nothing) -> Result<Reached, Failure> {
    let mut finest = u128::MAX;
    let (mut steady, mut wall) = (Instant::now(), SystemTime::now());
    let mut seen = 0;
    while seen < 20 {
        let (steady_now, wall_now) = (Instant::now(), SystemTime::now());
        let steps = [steady_now.duration_since(steady), wall_now.duration_since(wall).unwrap_or_default()];
        for step in steps.iter().map(Duration::as_nanos).filter(|step| *step > 0) {
            finest = finest.min(step);
            seen += 1;
        }
        (steady, wall) = (steady_now, wall_now);
    }
    Ok(Reached { count: finest.try_into().unwrap_or(u64::MAX) })
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "that is the misdeed")]
fn print_personal(_: &Link<Config>, person: Person) -> Result<Nothing, Failure> {
    println!("printed {}", person.name);
    eprintln!("printed {}", person.name);
    Ok(Nothing {})
}

fn sleep(_: &Link<Config>, _: Nothing) -> Result<Nothing, Failure> {
    thread::sleep(Duration::from_secs(3600));
    Ok(Nothing {})
}

fn bomb(_: &Link<Config>, _: Nothing) -> Result<Nothing, Failure> {
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn take(_: &Link<Config>, amount: Amount) -> Result<Reached, Failure> {
    let bytes = usize::try_from(amount.count << 20).unwrap_or(usize::MAX);
    let mut held: Vec<u8> = Vec::new();
    held.try_reserve_exact(bytes).map_err(|_| Failure::internal("memory was refused"))?;
    held.resize(bytes, 1);
    Ok(Reached { count: black_box(held).len() as u64 >> 20 })
}

fn overflow(_: &Link<Config>, _: Nothing) -> Result<Reached, Failure> {
    Ok(Reached { count: deeper(black_box(1)) })
}

#[allow(unconditional_recursion, reason = "that is the misdeed")]
#[inline(never)]
fn deeper(depth: u64) -> u64 {
    // What is added afterwards keeps this from becoming a loop.
    deeper(depth.wrapping_mul(31)).rotate_left(7) ^ depth
}

fn frames(_: &Link<Config>, _: Nothing) -> Result<Reached, Failure> {
    Ok(Reached { count: deeper_in_memory(1) })
}

#[allow(unconditional_recursion, reason = "that is the misdeed")]
fn deeper_in_memory(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    black_box(deeper_in_memory(depth.wrapping_add(1))).wrapping_add(frame.iter().sum())
}

#[allow(clippy::panic, reason = "that is the misdeed")]
fn panic_personal(_: &Link<Config>, person: Person) -> Result<Nothing, Failure> {
    panic!("cannot go on with {}", person.name)
}

fn sleep_after_send(link: &Link<Config>, target: net::Target) -> Result<Nothing, Failure> {
    // Whatever became of the request: the host must not believe that nothing was sent.
    drop(net::get(&target.url));
    sleep(link, Nothing {})
}

#[allow(clippy::panic, reason = "that is the misdeed")]
fn panic_after_send(_: &Link<Config>, target: net::Target) -> Result<Nothing, Failure> {
    let answer = net::get(&target.url);
    panic!("sent: {}", answer.is_ok())
}

fn exit(_: &Link<Config>, _: Nothing) -> Result<Nothing, Failure> {
    std::process::exit(0)
}
