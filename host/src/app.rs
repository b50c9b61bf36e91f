//! The composition root: builds every part from the configuration, wires them, spawns them, and orders the shutdown.
//! Holds no logic of its own; besides the command line the only module that may use `anyhow`.

use std::{io::Write as _, sync::Arc};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use tokio::{net::TcpListener, signal::unix};

use crate::{
    capability::http::client::ClientPool,
    config::Config,
    link::{Dispatcher, bind::Binder, table::Lasting},
    reload::{self, Reconciler, SharedStatus, Stager, Status, Trigger},
    runtime::{Cache, Compiler, EngineOptions, PreparedRef, Runtime},
    server::{self, auth::PlatformKeys},
};

/// Everything that answers calls, without a server.
pub(crate) struct Loaded {
    /// Takes calls.
    pub(crate) dispatcher: Arc<Dispatcher>,
    /// What was loaded and what was refused.
    pub(crate) status: Arc<Status>,
}

struct Parts {
    dispatcher: Arc<Dispatcher>,
    reconciler: Reconciler,
    status: SharedStatus,
}

/// Serves until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// When a part cannot be built: a port is taken, a directory is missing, a key cannot be read.
pub(crate) fn serve(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    let ended = runtime.block_on(run(config));
    // A compilation or a guest that is still at it must not hold up the exit.
    runtime.shutdown_background();
    ended
}

/// Loads everything once into a throw-away state directory, for the verbs that run and end.
///
/// # Errors
/// When the host itself cannot be built; what is wrong with files is in the status.
pub(crate) async fn load_once(config: &Config) -> anyhow::Result<Loaded> {
    let state = tempfile::tempdir().context("making a temporary directory")?;
    let mut config = config.clone();
    config.state = state.path().to_owned();
    let mut parts = parts(&config)?;
    parts.reconciler.reconcile().await;
    Ok(Loaded { dispatcher: parts.dispatcher, status: parts.status.load_full() })
}

/// Takes one connector through every step of loading, for `inspect`.
///
/// # Errors
/// Says which step refused it and why.
pub(crate) async fn prepare(bytes: &[u8]) -> anyhow::Result<PreparedRef> {
    let state = tempfile::tempdir().context("making a temporary directory")?;
    // One instance is enough to describe itself.
    let options = EngineOptions { calls_max: 2, ..EngineOptions::default() };
    let runtime = Runtime::new(&options).map_err(|e| anyhow::anyhow!("starting the engine: {e:#}"))?;
    Ok(stager(&runtime, state.path())?.prepare(bytes).await?)
}

/// The keys of the configuration.
///
/// # Errors
/// Names the platform whose key or pattern is not valid.
pub(crate) fn platform_keys(config: &Config) -> anyhow::Result<PlatformKeys> {
    Ok(PlatformKeys::from_config(&config.platforms)?)
}

fn stager(runtime: &Runtime, state: &std::path::Path) -> anyhow::Result<Stager> {
    let cache = Cache::open(state).with_context(|| format!("opening the state directory {}", state.display()))?;
    let program = std::env::current_exe().context("finding this program")?;
    Ok(Stager::new(runtime.clone(), Compiler::new(program, cache)))
}

fn parts(config: &Config) -> anyhow::Result<Parts> {
    let runtime = Runtime::new(&config.engine).map_err(|e| anyhow::anyhow!("starting the engine: {e:#}"))?;
    let dispatcher = Arc::new(Dispatcher::new(config.engine.calls_max as usize));
    let status: SharedStatus = Arc::new(ArcSwap::default());
    let binder = Binder { clients: Arc::new(ClientPool::new()), lasting: Arc::new(Lasting::default()) };
    let stager = stager(&runtime, &config.state)?;
    let reconciler = Reconciler::new(config.reload.clone(), stager, binder, dispatcher.clone(), status.clone());
    Ok(Parts { dispatcher, reconciler, status })
}
