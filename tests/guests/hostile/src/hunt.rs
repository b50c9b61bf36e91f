//! Looks for a secret in everything a guest can read: its whole memory, arguments, environment, and answers that echo
//! what was sent. What to look for comes as scrambled eight-byte windows, so that the input is not itself a find.

use duijie_sdk::{Failure, Link, Operations, bindings::duijie::http::client as wit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Config, Hostile,
    wire::{Piece, parts},
};

/// Where to look, and for what.
#[derive(Deserialize, JsonSchema)]
struct Hunt {
    /// Scrambled windows, each as 16 hex digits.
    windows: Vec<String>,
    /// Requests that carry secrets to an upstream that echoes them.
    requests: Vec<Carrier>,
    /// Text that is put into memory first: a test shows with it that this hunter finds.
    #[serde(default)]
    plant: String,
}

/// A POST that carries pieces in its query, a header and its body.
#[derive(Deserialize, JsonSchema)]
struct Carrier {
    url: Vec<Piece>,
    header: Vec<Piece>,
    body: Vec<Piece>,
}

/// What was found.
#[derive(Default, Serialize, JsonSchema)]
struct Finds {
    /// Bytes of memory read.
    memory_bytes: u64,
    /// Finds in memory.
    memory: u64,
    /// Finds in arguments and environment.
    environment: u64,
    /// Finds in answers and errors.
    answers: u64,
    /// Answers with status 200.
    answered: u32,
    /// Arguments and environment variables there are.
    variables: u64,
}

pub(crate) fn register(ops: &mut Operations<Hostile>) {
    ops.add("secret.hunt", hunt).summary("Looks for a secret everywhere.", "到处搜寻密钥。");
}

fn hunt(_: &Link<Config>, hunt: Hunt) -> Result<Finds, Failure> {
    let mut wanted: Vec<u64> = hunt.windows.iter().filter_map(|hex| u64::from_str_radix(hex, 16).ok()).collect();
    wanted.sort_unstable();
    let mut finds = Finds::default();

    for carrier in hunt.requests {
        let request = wit::Request {
            method: "POST".to_owned(),
            url: parts(carrier.url),
            headers: vec![wit::Header { name: "x-carrier".to_owned(), value: parts(carrier.header) }],
            body: parts(carrier.body),
            timeout_ms: None,
        };
        match wit::send(&request) {
            Ok(response) => {
                finds.answered += u32::from(response.status == 200);
                finds.answers += count(response.body.iter().copied(), &wanted);
                for (name, value) in &response.headers {
                    finds.answers += count(name.bytes().chain(value.bytes()), &wanted);
                }
            }
            Err(error) => finds.answers += count(format!("{:?}", error.kind).bytes(), &wanted),
        }
    }
    let variables = std::env::args().chain(std::env::vars().map(|(name, value)| format!("{name}={value}")));
    for variable in variables {
        finds.variables += 1;
        finds.environment += count(variable.bytes(), &wanted);
    }
    let planted = std::hint::black_box(hunt.plant);
    let end = memory_bytes();
    finds.memory_bytes = end as u64;
    finds.memory = count((1..end).map(peek), &wanted);
    drop(std::hint::black_box(planted));
    Ok(finds)
}

/// How many windows of eight bytes are wanted ones.
fn count(bytes: impl Iterator<Item = u8>, wanted: &[u64]) -> u64 {
    let (mut window, mut seen, mut found) = (0_u64, 0_u32, 0);
    for byte in bytes {
        window = window << 8 | u64::from(byte);
        seen = seen.saturating_add(1);
        if seen >= 8 && wanted.binary_search(&scramble(window)).is_ok() {
            found += 1;
        }
    }
    found
}

/// A bijection (the finaliser of SplitMix64): equal when and only when the windows are. The test has the same.
fn scramble(window: u64) -> u64 {
    let mut z = window.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(target_arch = "wasm32")]
fn memory_bytes() -> usize {
    core::arch::wasm32::memory_size::<0>() * 65_536
}

#[cfg(not(target_arch = "wasm32"))]
fn memory_bytes() -> usize {
    0
}

#[allow(unsafe_code, reason = "reading all of its own memory is the misdeed")]
fn peek(at: usize) -> u8 {
    // SAFETY: on wasm every address below the memory's size can be read; elsewhere there is no address to read.
    unsafe { core::ptr::with_exposed_provenance::<u8>(at).read_volatile() }
}
