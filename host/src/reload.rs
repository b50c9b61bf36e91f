//! The directory becomes the table. Desired state is what lies in the connectors and links directories; served state is
//! the table; one task reconciles the two whenever anything says that something may have changed. What fails any step
//! is refused with its reason, and what served before serves on. Every trigger leads to the same reconcile.

mod connectors;
mod links;
mod source;
mod stage;
mod status;
mod swap;
mod watch;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::sync::mpsc;

pub(crate) use self::{
    source::link_files,
    stage::Stager,
    status::{State, Status},
    swap::Reconciler,
    watch::{Watcher, start as watch},
};

/// Reconcile requests waiting; more would all mean the same.
const EVENTS_MAX: usize = 64;
/// A file younger than this may still be being written; it is looked at again when it has settled.
const SETTLE: Duration = Duration::from_millis(200);

/// Where to look, and how often.
#[derive(Debug, Clone)]
pub(crate) struct ReloadOptions {
    /// Holds `*.wasm`.
    pub(crate) connectors: PathBuf,
    /// Holds `*.toml`, in folders.
    pub(crate) links: PathBuf,
    /// Look even when nothing was heard: network disks tell nothing.
    pub(crate) rescan: Duration,
}

/// Everything that can make the reconciler look.
#[derive(Debug)]
pub(crate) enum Event {
    /// The file system said that something changed.
    FilesChanged,
    /// It is time to look anyway.
    Rescan,
    /// Somebody asked: SIGHUP, `POST /v1/reload`.
    Requested,
    /// What was just changing may have settled.
    Settled,
}

/// Asks the reconciler to look.
#[derive(Clone)]
pub(crate) struct Trigger(mpsc::Sender<Event>);

impl Trigger {
    /// Asks, without waiting. When too many ask at once, those already waiting do.
    pub(crate) fn now(&self) {
        let _ = self.0.try_send(Event::Requested);
    }

    fn changed(&self) {
        let _ = self.0.try_send(Event::FilesChanged);
    }

    fn settled_soon(&self) {
        let events = self.0.clone();
        tokio::spawn(async move {
            tokio::time::sleep(SETTLE).await;
            let _ = events.try_send(Event::Settled);
        });
    }
}

/// Runs until the process ends: reconcile at every event, and now and then without one. The watcher was started before
/// the first look, so that nothing falls between the two; it ends with this.
pub(crate) async fn run(
    mut reconciler: Reconciler,
    watcher: Option<Watcher>,
    rescan: Duration,
    trigger: Trigger,
    mut events: mpsc::Receiver<Event>,
) {
    let _watcher = watcher;
    let mut rescan = tokio::time::interval(rescan);
    rescan.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    rescan.tick().await;
    loop {
        let event = tokio::select! {
            event = events.recv() => match event {
                Some(event) => event,
                None => return,
            },
            _ = rescan.tick() => Event::Rescan,
        };
        tracing::debug!(?event, "reconcile");
        // Whatever else is waiting means the same: one look serves all.
        let mut changing = matches!(event, Event::FilesChanged);
        while let Ok(event) = events.try_recv() {
            changing |= matches!(event, Event::FilesChanged);
        }
        let unsettled = reconciler.reconcile().await.unsettled;
        // A second look also finds what was written into a new folder before that folder was watched.
        if changing || unsettled {
            trigger.settled_soon();
        }
    }
}

/// The channel between triggers and [`run`].
pub(crate) fn channel() -> (Trigger, mpsc::Receiver<Event>) {
    let (sender, receiver) = mpsc::channel(EVENTS_MAX);
    (Trigger(sender), receiver)
}

/// What others see of the reconciler.
pub(crate) type SharedStatus = Arc<arc_swap::ArcSwap<Status>>;

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
