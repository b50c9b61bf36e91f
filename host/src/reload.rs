//! The directory becomes the table. Desired state is what lies in the connectors and links directories; served state is
//! the table; one task reconciles the two whenever anything says that something may have changed. What fails any step
//! is refused with its reason, and what served before serves on. Every trigger leads to the same reconcile.

mod connectors;
mod contract;
mod ledger;
mod links;
mod retained;
mod rollout;
mod signature;
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

use tokio::sync::{mpsc, oneshot};

pub(crate) use self::{
    ledger::Ledger,
    retained::Retained,
    rollout::Policy,
    signature::Signatures,
    source::link_files,
    stage::Stager,
    status::{State, Status},
    swap::{Parts, Reconciler, WishError},
    watch::Watcher,
};
use crate::id::{ConnectorName, Pin, Revision};

/// Reconcile requests waiting; more would all mean the same.
const EVENTS_MAX: usize = 64;
/// A file younger than this may still be being written; it is looked at again when it has settled.
const SETTLE: Duration = Duration::from_millis(200);
/// How often a revision on trial is looked at.
const JUDGE: Duration = Duration::from_millis(100);

/// Where to look, how often, and what may come in.
#[derive(Debug, Clone)]
pub(crate) struct ReloadOptions {
    /// Holds `*.wasm`.
    pub(crate) connectors: PathBuf,
    /// Holds `*.toml`, in folders.
    pub(crate) links: PathBuf,
    /// Look even when nothing was heard: network disks tell nothing.
    pub(crate) rescan: Duration,
    /// Whose connectors are let in.
    pub(crate) signatures: Signatures,
    /// How new revisions are tried.
    pub(crate) rollout: Policy,
}

/// Everything that can make the reconciler act.
#[derive(Debug)]
pub(crate) enum Event {
    /// The file system said that something changed.
    FilesChanged,
    /// The file system said that these link files changed, and nothing else.
    LinksChanged(Vec<PathBuf>),
    /// It is time to look anyway.
    Rescan,
    /// Somebody asked: SIGHUP, `POST /v1/reload`.
    Requested,
    /// What was just changing may have settled.
    Settled,
    /// A connector file was staged.
    Staged,
    /// It is time to look at the revisions on trial.
    Judge,
    /// An operator wants a connector's newest revision gone.
    RollBack(ConnectorName, Answer),
    /// An operator lets a revision out of quarantine.
    Release(Pin, Answer),
}

/// What became of an operator's wish, once the table has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Granted {
    /// The revision that it was about.
    pub(crate) revision: Revision,
    /// Links that it serves now.
    pub(crate) links: usize,
}

/// Where an operator waits.
pub(crate) type Answer = oneshot::Sender<Result<Granted, WishError>>;

/// Asks the reconciler to look.
#[derive(Clone)]
pub(crate) struct Trigger(mpsc::Sender<Event>);

impl Trigger {
    /// Asks, without waiting. When too many ask at once, those already waiting do.
    pub(crate) fn now(&self) {
        self.tell(Event::Requested);
    }

    /// Sends every link of this connector back to what it served with before. Returns the revision that is gone.
    ///
    /// # Errors
    /// When there is nothing to go back to.
    pub(crate) async fn roll_back(&self, connector: ConnectorName) -> Result<Granted, WishError> {
        self.ask(|answer| Event::RollBack(connector, answer)).await
    }

    /// Lets a revision out of quarantine.
    ///
    /// # Errors
    /// When it is not in it.
    pub(crate) async fn release(&self, pin: Pin) -> Result<Granted, WishError> {
        self.ask(|answer| Event::Release(pin, answer)).await
    }

    async fn ask(&self, event: impl FnOnce(Answer) -> Event) -> Result<Granted, WishError> {
        let (answer, answered) = oneshot::channel();
        // Waits for room: a wish is not the same as whatever else is waiting.
        self.0.send(event(answer)).await.map_err(|_| WishError::Ended)?;
        answered.await.map_err(|_| WishError::Ended)?
    }

    fn tell(&self, event: Event) {
        let _ = self.0.try_send(event);
    }

    fn settled_soon(&self) {
        let trigger = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(SETTLE).await;
            trigger.tell(Event::Settled);
        });
    }
}

/// Runs until the process ends: reconcile at every event, and now and then without one. The watcher was started before
/// the first look, so that nothing falls between the two; it ends with this.
pub(crate) async fn run(
    mut reconciler: Reconciler,
    mut watcher: Watcher,
    rescan: Duration,
    trigger: Trigger,
    mut events: mpsc::Receiver<Event>,
) {
    let mut rescan = tokio::time::interval(rescan);
    rescan.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    rescan.tick().await;
    let mut judge = tokio::time::interval(JUDGE);
    judge.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let event = tokio::select! {
            event = events.recv() => match event {
                Some(event) => event,
                None => return,
            },
            _ = rescan.tick() => Event::Rescan,
            _ = judge.tick(), if reconciler.on_trial() => Event::Judge,
            () = reconciler.alarmed() => Event::Judge,
        };
        let mut heard = Heard::default();
        heard.take(event, &mut reconciler);
        // Whatever else is waiting is served by the same look.
        while let Ok(event) = events.try_recv() {
            heard.take(event, &mut reconciler);
        }
        if heard.look {
            watcher.follow();
            let unsettled = if heard.all {
                reconciler.reconcile(heard.again).await.unsettled
            } else {
                reconciler.reconcile_links(std::mem::take(&mut heard.links)).await.unsettled
            };
            // A second look also finds what was written into a new folder before that folder was watched.
            if heard.changing || unsettled {
                trigger.settled_soon();
            }
        }
        heard.answer(&reconciler);
    }
}

/// What a number of events come to.
#[derive(Default)]
struct Heard {
    /// A look is due.
    look: bool,
    /// At everything, not only at some links.
    all: bool,
    links: Vec<PathBuf>,
    /// Files are changing just now.
    changing: bool,
    /// What failed for passing reasons gets another try.
    again: bool,
    granted: Vec<(Answer, Result<Revision, WishError>)>,
}

impl Heard {
    fn take(&mut self, event: Event, reconciler: &mut Reconciler) {
        if !matches!(event, Event::Judge) {
            tracing::debug!(?event, "reconcile");
        }
        let all = match event {
            Event::LinksChanged(links) => {
                (self.look, self.changing) = (true, true);
                self.links.extend(links);
                false
            }
            Event::FilesChanged => {
                self.changing = true;
                true
            }
            Event::Rescan | Event::Requested => {
                self.again = true;
                true
            }
            Event::Settled | Event::Staged => true,
            Event::Judge => reconciler.judge(),
            Event::RollBack(connector, answer) => self.grant(answer, reconciler.roll_back(&connector)),
            Event::Release(pin, answer) => self.grant(answer, reconciler.release(&pin)),
        };
        self.all |= all;
        self.look |= all;
    }

    fn grant(&mut self, answer: Answer, granted: Result<Revision, WishError>) -> bool {
        let look = granted.is_ok();
        self.granted.push((answer, granted));
        look
    }

    /// Tells whoever wished, now that it is so.
    fn answer(self, reconciler: &Reconciler) {
        for (answer, granted) in self.granted {
            let granted = granted.map(|revision| Granted { revision, links: reconciler.serving(revision) });
            let _ = answer.send(granted);
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
