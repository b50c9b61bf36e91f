//! A queue on a real store in a directory of its own, with its worker, for tests of what is in front of it.

use std::{path::PathBuf, sync::Arc};

use tempfile::TempDir;
use tokio::sync::Notify;

use crate::{
    audit::Auditor,
    capability::http::client::ClientPool,
    hostkey::HostKey,
    link::Dispatcher,
    push::{self, Push},
    seal::Sealer,
    shutdown::{Drain, Shutdown},
    store::{Options, Sqlite, Store},
    webhook::Webhooks,
};

/// It ends with this.
pub(crate) struct Queue {
    pub(crate) push: Arc<Push>,
    pub(crate) auditor: Auditor,
    _worker: Shutdown,
    pub(crate) directory: TempDir,
}

/// A queue that sends through this.
pub(crate) fn queue(dispatcher: Arc<Dispatcher>) -> Queue {
    queue_on(dispatcher, |options| options)
}

/// The same on a store that is opened otherwise.
pub(crate) fn queue_on(dispatcher: Arc<Dispatcher>, change: impl FnOnce(Options) -> Options) -> Queue {
    let (queue, drain) = still_on(dispatcher, change);
    tokio::spawn(push::worker::run(queue.push.clone(), drain));
    queue
}

/// A queue whose worker does not run, and the signal for one.
pub(crate) fn still(dispatcher: Arc<Dispatcher>) -> (Queue, Drain) {
    still_on(dispatcher, |options| options)
}

fn still_on(dispatcher: Arc<Dispatcher>, change: impl FnOnce(Options) -> Options) -> (Queue, Drain) {
    let directory = tempfile::tempdir().unwrap();
    let path: PathBuf = directory.path().join("duijie.db");
    let host_key = HostKey::open(&directory.path().join("host.key"), &path).unwrap();
    let options = change(Options::new(&path, *host_key.derive("audit")));
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(options).unwrap());
    let webhooks = Arc::new(Webhooks::new(&[], Arc::new(ClientPool::new())).unwrap());
    let sealer = Arc::new(Sealer::new(store.clone(), &host_key));
    let (auditor, auditing) = Auditor::start(store.clone());
    tokio::spawn(auditing);
    let events = Arc::new(Notify::new());
    let (worker, drain) = Shutdown::new();
    let parts = push::Parts { dispatcher, store, sealer, webhooks, events, inflight: 4, drain: drain.clone() };
    let push = Arc::new(Push::new(parts));
    (Queue { push, auditor, _worker: worker, directory }, drain)
}
