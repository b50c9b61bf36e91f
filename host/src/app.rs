//! The composition root: builds every part from the configuration, wires them, spawns them, and orders the shutdown.
//! Holds no logic of its own; besides the command line the only module that may use `anyhow`.

mod controls;
mod signals;
mod tasks;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::Notify};

use self::{
    controls::Controls,
    signals::{Again, Signals},
    tasks::{Essential, settle, sweep, watch_credentials},
};
use crate::{
    audit::Auditor,
    capability::{credential::Renewals, http::client::ClientPool, kv::space::Kv},
    config::Config,
    failpoint,
    hostkey::HostKey,
    link::{Dispatcher, bind::Binder, table::Lasting},
    push::{self, Push},
    reload::{self, Ledger, Reconciler, Retained, SharedStatus, Signatures, Stager, Status, Trigger, Watcher},
    runtime::{Cache, Compiler, EngineOptions, PreparedRef, Runtime},
    seal::Sealer,
    server::{
        self, ServeOptions,
        admin::{Admin, Versions},
        api::Api,
        auth::{AdminKey, PlatformKeys},
    },
    shutdown::{Drain, Shutdown},
    store::{self, Options, Sqlite, Store},
    telemetry, webhook,
    webhook::Webhooks,
};

/// How long a platform may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long probes may go on after the signal.
const ADMIN_GRACE: Duration = Duration::from_secs(2);
/// What runs here.
const VERSIONS: Versions = Versions { duijie: env!("CARGO_PKG_VERSION"), wasmtime: "48.0.8", contract: "0.1.0" };

/// Everything that answers calls, without a server.
pub(crate) struct Loaded {
    /// Takes calls.
    pub(crate) dispatcher: Arc<Dispatcher>,
    /// What was loaded and what was refused.
    pub(crate) status: Arc<Status>,
    /// Where the store lies that the calls use; gone with this.
    _state: TempDir,
}

struct Parts {
    dispatcher: Arc<Dispatcher>,
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    clients: Arc<ClientPool>,
    lasting: Arc<Lasting>,
    reconciler: Reconciler,
    status: SharedStatus,
}

/// Why the host ends.
enum End {
    /// By a signal.
    Told,
    /// The store has failed.
    Broken(Arc<str>),
    /// This part of it ended by itself.
    Without(&'static str),
}

/// Serves until SIGTERM or SIGINT, then drains. `file` is read again on SIGHUP, for the platforms' keys.
///
/// # Errors
/// When a part cannot be built: a port is taken, a directory is missing, a key cannot be read.
pub(crate) fn serve(config: Config, file: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    let ended = runtime.block_on(run(config, file.to_owned()));
    // A compilation or a guest that is still at it must not hold up the exit.
    runtime.shutdown_background();
    ended
}

async fn run(config: Config, file: PathBuf) -> anyhow::Result<()> {
    // First what fails most often and costs least: ports and keys.
    let api =
        TcpListener::bind(config.api).await.with_context(|| format!("listening on {} (listen.api)", config.api))?;
    let admin = std::net::TcpListener::bind(config.admin)
        .with_context(|| format!("listening on {} (listen.admin)", config.admin))?;
    let listening = serde_json::json!({ "listening": {
        "api": format!("http://{}", api.local_addr()?), "admin": format!("http://{}", admin.local_addr()?),
    }});
    let keys = Arc::new(platform_keys(&config)?);
    let admin_key = AdminKey::from_config(config.admin_key_sha256.as_deref()).context("key `admin.key_sha256`")?;
    let metrics = telemetry::start_metrics()?;
    let renewals = Renewals::open(&config.state).context("reading the renewals of credentials")?;
    let (trigger, events) = reload::channel();
    let mut parts = parts(&config, renewals, trigger.clone()).await?;
    let (shutdown, drain) = Shutdown::new();
    let store = parts.store.clone();
    let (auditor, auditing) = Auditor::start(store.clone());
    let auditing = tokio::spawn(auditing);
    let webhooks = Webhooks::new(&config.webhooks, parts.clients.clone()).context("table `webhooks`")?;
    let (webhooks, events_due) = (Arc::new(webhooks), Arc::new(Notify::new()));
    let push = Arc::new(Push::new(push::Parts {
        dispatcher: parts.dispatcher.clone(),
        store: store.clone(),
        sealer: parts.sealer,
        webhooks: webhooks.clone(),
        events: events_due.clone(),
        inflight: config.push_inflight,
        drain: drain.clone(),
    }));

    push.close_orphans().await.context("closing the batches that the last stop cut off")?;

    let control = Arc::new(Controls { status: parts.status, trigger: trigger.clone() });
    let state = Admin {
        control,
        push: push.clone(),
        auditor: auditor.clone(),
        metrics,
        key: admin_key,
        drain: drain.clone(),
        versions: VERSIONS,
    };
    // Closes last: while the calls drain, probes are still told so.
    let (admin_shutdown, admin_drain) = Shutdown::new();
    let admin = spawn_admin(admin, state, admin_drain)?;

    let watcher = Watcher::start(&config.reload, trigger.clone());
    parts.reconciler.reconcile(false).await;
    tokio::spawn(sweep(parts.lasting, store.clone()));
    tokio::spawn(watch_credentials(push.clone()));
    // After the links are there: what waits would find none.
    let essential = Essential::new();
    let delivering = webhook::run(store.clone(), webhooks.clone(), events_due, drain.clone(), config.drain);
    let working = [
        essential.spawn("the queue", push::worker::run(push.clone(), drain.clone())),
        essential.spawn("the schedules", push::schedule::run(push.clone(), drain.clone())),
        essential.spawn("the webhooks", delivering),
    ];
    tokio::spawn(reload::run(parts.reconciler, watcher, config.reload.rescan, trigger.clone(), events));
    let dispatcher = parts.dispatcher.clone();
    let state = Api {
        dispatcher: parts.dispatcher,
        push,
        auditor,
        keys: keys.clone(),
        body_timeout: BODY_TIMEOUT,
        trusted_proxies: config.trusted_proxies,
    };
    let options = ServeOptions { connections_max: config.connections, grace: config.drain, ..ServeOptions::new("api") };
    let router = server::api::router(Arc::new(state));
    let serving = tokio::spawn(async move { server::serve(api, router, &options, drain).await });
    // Before the announcement: whoever reads it may signal at once.
    let signals = Signals::new()?;
    announce(&listening)?;

    let again = Again { keys: &keys, webhooks: &webhooks, file: &file };
    let end = tokio::select! {
        // A part that ends because the store is broken is no news beside that.
        biased;
        why = store.broken() => End::Broken(why),
        () = signals.until_told(&trigger, &again) => End::Told,
        what = essential.ended() => store.is_broken().map_or(End::Without(what), End::Broken),
    };
    match &end {
        End::Told => {}
        End::Broken(why) => {
            tracing::error!(%why, "the store has failed: nothing more is accepted, and the host ends");
        }
        End::Without(what) => {
            tracing::error!(what, "a part of the host ended by itself: nothing more is accepted, and the host ends");
        }
    }
    tracing::info!(grace_s = config.drain.as_secs(), "draining");
    let began = Instant::now();
    shutdown.begin();
    let drained = serving.await.context("the api listener ended badly")?;
    // A caller who has gone away leaves a call behind that may be half done at the upstream: it is waited for too.
    let calls_cut = dispatcher.idle(config.drain.saturating_sub(began.elapsed())).await;
    tracing::info!(finished = drained.finished, cut = drained.cut, calls_cut, "drained");
    admin_shutdown.begin();
    let _ = admin.join();
    settle(working, auditing, config.drain.saturating_sub(began.elapsed())).await;
    match end {
        End::Told => {}
        End::Broken(why) => {
            anyhow::bail!(
                "the store failed ({why}); what was accepted is on the disk: see to the disk, then start again"
            )
        }
        End::Without(what) => {
            anyhow::bail!(
                "{what} ended by itself, which is a fault of the host (see its log); what was accepted is on the disk: start again"
            )
        }
    }
    let cut = drained.cut.max(calls_cut);
    if cut > 0 {
        anyhow::bail!(
            "{cut} calls were cut off: they did not end within {} s (limits.drain_s)",
            config.drain.as_secs()
        );
    }
    Ok(())
}

/// The admin listener has a thread and a runtime of its own: probes and metrics answer while every worker runs guests.
fn spawn_admin(listener: std::net::TcpListener, state: Admin, drain: Drain) -> anyhow::Result<JoinHandle<()>> {
    listener.set_nonblocking(true)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the admin runtime")?;
    let thread = std::thread::Builder::new().name("admin".into()).spawn(move || {
        runtime.block_on(async move {
            let listener = match TcpListener::from_std(listener) {
                Ok(listener) => listener,
                Err(error) => return tracing::error!(%error, "the admin listener cannot be used"),
            };
            let options = ServeOptions { connections_max: 256, grace: ADMIN_GRACE, ..ServeOptions::new("admin") };
            server::serve(listener, server::admin::router(Arc::new(state)), &options, drain).await;
        });
    });
    thread.context("starting the admin thread")
}

/// One JSON line on stdout when calls are taken, for whoever started this with port 0.
fn announce(listening: &serde_json::Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{listening}")?;
    out.flush()?;
    tracing::info!(%listening, "serving");
    Ok(())
}

/// Loads everything once into a throw-away state directory, for the verbs that run and end.
///
/// # Errors
/// When the host itself cannot be built; what is wrong with files is in the status.
pub(crate) async fn load_once(config: &Config) -> anyhow::Result<Loaded> {
    let state = tempfile::tempdir().context("making a temporary directory")?;
    let renewals = Renewals::look(&config.state).context("reading the renewals of credentials")?;
    let mut config = config.clone();
    config.state = state.path().to_owned();
    let (trigger, _events) = reload::channel();
    let mut parts = parts(&config, renewals, trigger).await?;
    parts.reconciler.settle().await;
    Ok(Loaded { dispatcher: parts.dispatcher, status: parts.status.load_full(), _state: state })
}

/// Takes one connector through every step of loading, for `inspect`.
///
/// # Errors
/// Says which step refused it and why.
pub(crate) async fn prepare(bytes: &[u8]) -> anyhow::Result<PreparedRef> {
    let state = tempfile::tempdir().context("making a temporary directory")?;
    // One instance is enough to describe itself.
    let options = EngineOptions { calls_max: 2, hooks_max: 0, ..EngineOptions::default() };
    let runtime = Runtime::new(&options).map_err(|e| anyhow::anyhow!("starting the engine: {e:#}"))?;
    Ok(stager(&runtime, state.path(), &host_key(state.path())?, Signatures::default())?.prepare(bytes).await?)
}

/// The keys of the configuration.
///
/// # Errors
/// Names the platform whose key or pattern is not valid.
pub(crate) fn platform_keys(config: &Config) -> anyhow::Result<PlatformKeys> {
    Ok(PlatformKeys::from_config(&config.platforms)?)
}

/// The key of this state directory.
fn host_key(state: &Path) -> anyhow::Result<HostKey> {
    HostKey::open(&state.join("host.key"), &state.join(store::FILE)).context("reading the key of the state directory")
}

fn stager(runtime: &Runtime, state: &Path, host_key: &HostKey, signatures: Signatures) -> anyhow::Result<Stager> {
    let opening = || format!("opening the state directory {}", state.display());
    let cache = Cache::open(state, host_key).with_context(opening)?;
    let retained = Retained::open(state).with_context(opening)?;
    let program = std::env::current_exe().context("finding this program")?;
    Ok(Stager::new(runtime.clone(), Compiler::new(program, cache), signatures, retained))
}

/// The key and the store of this state directory. Waits for the disk, and for a host that is ending.
async fn open(state: &Path) -> anyhow::Result<(HostKey, Arc<dyn Store>)> {
    let state = state.to_owned();
    let open = move || {
        let (host_key, path) = (host_key(&state)?, state.join(store::FILE));
        let mut options = Options::new(path.clone(), host_key.derive("audit"));
        options.on_commit = Some(Arc::new(|changes| {
            telemetry::committed(changes);
            failpoint::committed();
        }));
        let opened = Sqlite::open(options);
        let store = opened.with_context(|| format!("opening the store {}", path.display()))?;
        anyhow::Ok((host_key, Arc::new(store) as Arc<dyn Store>))
    };
    tokio::task::spawn_blocking(open).await.context("opening the state directory")?
}

async fn parts(config: &Config, renewals: Renewals, trigger: Trigger) -> anyhow::Result<Parts> {
    let (host_key, store) = open(&config.state).await?;
    let runtime = Runtime::new(&config.engine).map_err(|e| anyhow::anyhow!("starting the engine: {e:#}"))?;
    let dispatcher = Arc::new(Dispatcher::new(config.engine.calls_max as usize, config.engine.hooks_max as usize));
    let status: SharedStatus = Arc::new(ArcSwap::default());
    let sealer = Arc::new(Sealer::new(store.clone(), &host_key));
    let clients = Arc::new(ClientPool::new());
    let lasting = Arc::new(Lasting::new(renewals, Kv::new(store.clone(), sealer.clone())));
    let binder =
        Binder { clients: clients.clone(), lasting: lasting.clone(), memory_bytes_max: config.engine.memory_bytes_max };
    let stager = stager(&runtime, &config.state, &host_key, config.reload.signatures.clone())?;
    let ledger = Ledger::open(&config.state);
    let (dispatcher_too, status_too) = (dispatcher.clone(), status.clone());
    let made = reload::Parts { stager, binder, ledger, dispatcher: dispatcher_too, status: status_too, trigger };
    let reconciler = Reconciler::new(&config.reload, made);
    Ok(Parts { dispatcher, store, sealer, clients, lasting, reconciler, status })
}
