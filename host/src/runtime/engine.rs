//! The one engine of the process, its configuration, its linker and its clock. Exactly one engine serves guests:
//! objects of two engines must never meet.

use std::{num::NonZeroUsize, sync::Arc, thread, time::Duration};

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    component::{HasSelf, Linker},
};

use super::{state::State, wasi};
use crate::{bindings::Connector, capability::Context};

/// One tick of the epoch clock. A guest that computes yields to others after this long.
pub(crate) const TICK: Duration = Duration::from_millis(1);
/// Wasm stack of a guest. Rust's default is 1 MiB of *linear* memory; this one holds the machine frames.
const WASM_STACK_BYTES: usize = 512 << 10;
/// The fiber's stack: the wasm stack and room for host functions called from it.
const FIBER_STACK_BYTES: usize = 2 << 20;
/// Memory left resident in a pool slot, so that a fresh instance touches warm pages (measured in decision 0004).
const KEEP_RESIDENT_BYTES: usize = 256 << 10;

/// Instances kept apart for `describe` and `check`, so that a full house can still be reloaded.
const RELOAD_INSTANCES: u32 = 4;

/// What the engine is sized for.
#[derive(Debug, Clone)]
pub(crate) struct EngineOptions {
    /// Calls that may run at the same time in the whole process.
    pub(crate) calls_max: u32,
    /// Hooks that may run at the same time besides them.
    pub(crate) hooks_max: u32,
    /// Linear memory one store may have at the most; links may ask for less.
    pub(crate) memory_bytes_max: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { calls_max: 256, hooks_max: 256, memory_bytes_max: 64 << 20 }
    }
}

/// How code is compiled: the same for the serving engine and for the child that compiles, or the code would not load.
/// Cranelift only, and only what sync components need: no threads, no 64-bit memories, no GC, no exceptions.
fn code_config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_wide_arithmetic(false)
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        // Sync guests need no concurrency support, and a fresh call costs half without it.
        .concurrency_support(false)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(FIBER_STACK_BYTES)
        // A backtrace holds names from a guest; one frame of it is never shown to anybody.
        .wasm_backtrace_max_frames(NonZeroUsize::new(16));
    config
}

/// An engine that only compiles: it reserves no pool, so that it fits under a child's address-space limit.
///
/// # Errors
/// When this machine cannot compile at all.
pub(super) fn compiling_engine() -> wasmtime::Result<Engine> {
    Engine::new(&code_config())
}

fn serving_engine(options: &EngineOptions) -> wasmtime::Result<Engine> {
    let calls = options.calls_max.saturating_add(options.hooks_max).saturating_add(RELOAD_INSTANCES);
    let mut pool = PoolingAllocationConfig::new();
    // A component of any toolchain seen has one memory, up to three tables and up to six core instances; totals bind, not the per-component maxima.
    pool.total_component_instances(calls)
        .total_stacks(calls)
        .total_memories(calls.saturating_mul(2))
        .total_tables(calls.saturating_mul(6))
        .total_core_instances(calls.saturating_mul(12))
        .max_memories_per_component(8)
        .max_tables_per_component(64)
        .max_core_instances_per_component(64)
        .max_memory_size(options.memory_bytes_max)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(64 << 10)
        // Where the kernel can say which pages were touched, resetting a slot costs no more than those.
        .pagemap_scan(Enabled::Auto);
    let mut config = code_config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// The engine with its linker; cheap to clone.
#[derive(Clone)]
pub(crate) struct Runtime {
    engine: Engine,
    linker: Arc<Linker<State>>,
}

impl Runtime {
    /// Makes the engine and starts its clock.
    ///
    /// # Errors
    /// When the pool cannot be reserved (address space) or the clock thread cannot start.
    pub(crate) fn new(options: &EngineOptions) -> wasmtime::Result<Self> {
        let engine = serving_engine(options)?;
        let mut linker = Linker::new(&engine);
        wasi::link(&mut linker)?;
        Connector::add_to_linker::<State, HasSelf<Context>>(&mut linker, |state| &mut state.capability)?;
        start_ticker(&engine)?;
        Ok(Self { engine, linker: Arc::new(linker) })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn linker(&self) -> &Linker<State> {
        &self.linker
    }
}

/// Ticks on a thread of its own: a runtime whose workers are all busy with guests could not run the timer that must
/// interrupt them. Ends with the engine.
fn start_ticker(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    thread::Builder::new().name("epoch".into()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    })?;
    Ok(())
}
