//! What a store holds: the guest's empty WASI world, its limiter, and the capabilities of one call. Made for one call
//! and dropped with it.

use std::{
    sync::LazyLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use wasmtime::{Store, UpdateDeadline, component::ResourceTable};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use super::{
    engine::{Runtime, TICK},
    error::CpuExhausted,
    limits::{CallLimits, StoreLimiter},
};
use crate::capability::Context;

/// Bytes that one host call may copy out of the guest beyond the body limit: names, headers, small parts.
const HOSTCALL_SLACK_BYTES: usize = 3 << 20;
/// Handles and table entries a guest may hold.
const HANDLES_MAX: usize = 256;
/// Random bytes one host call may ask for.
const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// The data of a store.
pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    limiter: StoreLimiter,
    pub(super) capability: Context,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl State {
    /// Was the guest refused memory?
    pub(super) fn out_of_memory(&self) -> bool {
        self.limiter.refused()
    }
}

/// A fresh store with every bound set, before anything of the guest runs.
pub(super) fn new_store(runtime: &Runtime, limits: &CallLimits, capability: Context) -> Store<State> {
    let mut table = ResourceTable::new();
    table.set_max_capacity(HANDLES_MAX);
    let wasi = WasiCtx::builder()
        .wall_clock(CoarseClock)
        .monotonic_clock(CoarseClock)
        .max_random_size(RANDOM_BYTES_MAX)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build();
    let state = State { wasi, table, limiter: StoreLimiter::new(limits.memory_bytes), capability };
    let mut store = Store::new(runtime.engine(), state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(limits.body_bytes.saturating_add(HOSTCALL_SLACK_BYTES));
    store.set_max_component_handles(HANDLES_MAX);
    budget_cpu(&mut store, limits.cpu);
    store
}

/// Each tick that finds the guest computing costs it one tick of its budget, and it yields to others. Time spent
/// waiting in a host call costs at most one tick, since the callback runs once after it.
fn budget_cpu(store: &mut Store<State>, cpu: Duration) {
    let mut ticks_left = cpu.as_millis() / TICK.as_millis().max(1);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| match ticks_left.checked_sub(1) {
        Some(left) => {
            ticks_left = left;
            Ok(UpdateDeadline::Yield(1))
        }
        None => Err(CpuExhausted(cpu).into()),
    });
}

/// Milliseconds and no finer: a guest needs timestamps, not a stopwatch for the host's S-boxes.
struct CoarseClock;

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
const COARSE: Duration = Duration::from_millis(1);

impl HostWallClock for CoarseClock {
    fn resolution(&self) -> Duration {
        COARSE
    }

    fn now(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Duration::from_millis(now.as_millis().try_into().unwrap_or(u64::MAX))
    }
}

impl HostMonotonicClock for CoarseClock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        let millis = STARTED.elapsed().as_millis();
        u64::try_from(millis).unwrap_or(u64::MAX).saturating_mul(1_000_000)
    }
}
