//! The reconcile itself: look at the connectors, then at the links that are touched by what changed, and publish one new
//! table. What fails changes nothing of what serves. Also what an operator or a verdict does to a rollout, which is to note
//! it and to look.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    ReloadOptions, SharedStatus, Trigger,
    connectors::Connectors,
    ledger::{Ledger, Quarantined},
    links::{Control, Links, Looked},
    rollout::{Rollouts, Verdict},
    stage::Stager,
    status::{QuarantineStatus, State, Status, Step},
};
use crate::{
    failpoint,
    id::{ConnectorName, Pin, Revision},
    link::{Dispatcher, bind::Binder},
    runtime::PreparedRef,
};

/// How long a start waits for the connectors when it is known what served last.
const START_WAIT: Duration = Duration::from_secs(2);
/// Looks of one [`Reconciler::settle`].
const SETTLE_LOOKS_MAX: usize = 10;

/// Keeps the table equal to the directories.
pub(crate) struct Reconciler {
    connectors: Connectors,
    links: Links,
    rollouts: Rollouts,
    ledger: Ledger,
    dispatcher: Arc<Dispatcher>,
    status: SharedStatus,
    began: bool,
}

/// How a reconcile ended.
pub(crate) struct Reconciled {
    /// Something may still be being written: look again soon.
    pub(crate) unsettled: bool,
}

/// Why an operator's wish about a rollout was not granted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WishError {
    /// No link serves with this connector.
    #[error("no link serves with a connector {0}")]
    UnknownConnector(ConnectorName),
    /// There is nothing to go back to.
    #[error(
        "no link of {0} has served with another revision before; put an older version into the directory, or pin one"
    )]
    NothingBefore(ConnectorName),
    /// Not in quarantine.
    #[error("no revision {0} is in quarantine")]
    NotQuarantined(Pin),
    /// The reconciler has ended.
    #[error("the host is going down")]
    Ended,
}

/// What the reconciler is made of.
pub(crate) struct Parts {
    pub(crate) stager: Stager,
    pub(crate) binder: Binder,
    pub(crate) ledger: Ledger,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) status: SharedStatus,
    pub(crate) trigger: Trigger,
}

impl Reconciler {
    pub(crate) fn new(options: &ReloadOptions, parts: Parts) -> Self {
        let Parts { stager, binder, ledger, dispatcher, status, trigger } = parts;
        let connectors = Connectors::new(options.connectors.clone(), stager, trigger);
        let links = Links::new(options.links.clone(), binder);
        let rollouts = Rollouts::new(options.rollout.clone());
        Self { connectors, links, rollouts, ledger, dispatcher, status, began: false }
    }

    /// Looks once, and publishes what changed; `again` gives what failed for passing reasons another try. The first look
    /// waits for the connectors, because before it nothing serves; but not long if it is known what served last.
    pub(crate) async fn reconcile(&mut self, again: bool) -> Reconciled {
        let mut problems = Vec::new();
        let mut unsettled = self.connectors.look(again, &mut problems).await;
        let is_first = !std::mem::replace(&mut self.began, true);
        if is_first {
            let wait = if self.ledger.revisions().is_empty() { Duration::MAX } else { START_WAIT };
            unsettled |= tokio::time::timeout(wait, self.connectors.staged()).await.unwrap_or(false);
        }
        let needed = self.links.needed(&self.connectors, &self.ledger);
        self.connectors.restore(&needed).await;
        if is_first {
            let at_hand = |revision| self.connectors.revision(revision);
            self.rollouts.reopen(self.ledger.trials(), at_hand, (Timestamp::now(), Instant::now()));
        }
        let control =
            Control { connectors: &mut self.connectors, rollouts: &mut self.rollouts, ledger: &mut self.ledger };
        let looked = self.links.look(control, &mut problems).await;
        self.publish(&looked, problems).await;
        Reconciled { unsettled: unsettled || looked.unsettled }
    }

    /// Looks at these links only, and publishes what changed: with thousands of links, one edit is live at once.
    pub(super) async fn reconcile_links(&mut self, paths: Vec<PathBuf>) -> Reconciled {
        let control =
            Control { connectors: &mut self.connectors, rollouts: &mut self.rollouts, ledger: &mut self.ledger };
        let looked = self.links.look_at(paths, control).await;
        // What is wrong with the directories is found by the looks at all of them.
        let known = self.ledger.problem().map(str::to_owned);
        let mut problems = self.status.load().problems.clone();
        problems.retain(|text| Some(text) != known.as_ref());
        self.publish(&looked, problems).await;
        Reconciled { unsettled: looked.unsettled }
    }

    async fn publish(&mut self, looked: &Looked, mut problems: Vec<String>) {
        self.ledger.note_trials(self.rollouts.kept());
        self.ledger.write().await;
        problems.extend(self.ledger.problem().map(str::to_owned));
        if looked.changed {
            failpoint::pass("publish.before");
            self.dispatcher.publish(self.links.table());
            failpoint::pass("publish.after");
            // What was noted is on the disk, or what the disk still names is kept.
            if self.ledger.is_whole() {
                self.connectors.prune(self.ledger.revisions()).await;
            }
        }
        self.tell(problems);
    }

    /// Sends back at once whatever is bound and may go back; the look that follows does the rest.
    fn go_back(&mut self) {
        let control =
            Control { connectors: &mut self.connectors, rollouts: &mut self.rollouts, ledger: &mut self.ledger };
        if self.links.go_back(control) {
            self.dispatcher.publish(self.links.table());
        }
    }

    /// Waits until a revision on trial fails by its own fault.
    pub(super) async fn alarmed(&self) {
        self.rollouts.alarmed().await;
    }

    /// How many links this revision serves.
    pub(super) fn serving(&self, revision: Revision) -> usize {
        self.links.serving(revision)
    }

    fn tell(&self, problems: Vec<String>) {
        let before = self.status.load_full();
        for problem in problems.iter().filter(|problem| !before.problems.contains(problem)) {
            tracing::warn!(problem, "the directories are not as they should be");
        }
        let one = |(revision, why): (&Revision, &Quarantined)| QuarantineStatus {
            revision: *revision,
            connector: why.connector.clone(),
            version: why.version.to_string(),
            reason: why.reason.clone(),
            since: why.since,
        };
        let status = Status {
            ready: true,
            connectors: self.connectors.status(),
            rollouts: self.rollouts.status(Instant::now()),
            quarantined: self.ledger.quarantine().iter().map(one).collect(),
            links: self.links.status(),
            problems,
        };
        let mut status = status;
        for file in &mut status.connectors {
            // Good on its face, and not served all the same.
            if let Some(why) = file.revision.and_then(|revision| self.ledger.quarantine().get(&revision)) {
                (file.state, file.step) = (State::Stale, Some(Step::Quarantine));
                file.reason.get_or_insert_with(|| format!("it is in quarantine: {}", why.reason));
            }
        }
        metrics::gauge!("duijie_revisions_quarantined").set(status.quarantined.len() as f64);
        for (state, count) in status.by_state() {
            metrics::gauge!("duijie_links", "state" => state).set(count as f64);
        }
        self.status.store(Arc::new(status));
    }

    /// Looks until every file that was being written has settled, or is being written for too long.
    pub(crate) async fn settle(&mut self) {
        for _ in 0..SETTLE_LOOKS_MAX {
            let unsettled = self.reconcile(false).await.unsettled | self.connectors.staged().await;
            if !unsettled && !self.reconcile(false).await.unsettled {
                return;
            }
            tokio::time::sleep(super::SETTLE).await;
        }
    }

    /// Is a revision on trial, so that [`judge`](Self::judge) should be asked now and then?
    pub(super) fn on_trial(&self) -> bool {
        self.rollouts.open()
    }

    /// Looks at the revisions on trial; true when something came of it, and a reconcile is due.
    pub(super) fn judge(&mut self) -> bool {
        let verdicts = self.rollouts.judge(Instant::now());
        for (to, verdict) in &verdicts {
            let (connector, version, revision) = (&to.manifest.name, &to.manifest.version, to.revision.short());
            let result = match verdict {
                Verdict::Promoted => "promoted",
                Verdict::Settled => "settled",
                Verdict::RolledBack(_) => "rolled-back",
            };
            metrics::counter!("duijie_rollouts_total", "connector" => connector.to_string(), "result" => result)
                .increment(1);
            match verdict {
                Verdict::RolledBack(reason) => self.ban(to, reason.clone()),
                _ => tracing::info!(%connector, %version, revision, result, "rollout"),
            }
        }
        !verdicts.is_empty()
    }

    fn ban(&mut self, to: &PreparedRef, reason: String) {
        let (connector, version) = (to.manifest.name.clone(), to.manifest.version.clone());
        tracing::error!(%connector, %version, revision = to.revision.short(), reason, "rolled back; the revision is in quarantine");
        self.ledger.ban(to.revision, Quarantined { connector, version, reason, since: Timestamp::now() });
        self.go_back();
    }

    /// Sends every link of this connector back to what it served with before its newest revision, which goes into
    /// quarantine. Returns that revision.
    ///
    /// # Errors
    /// When nothing serves with this connector, or nothing did before.
    pub(super) fn roll_back(&mut self, connector: &ConnectorName) -> Result<Revision, WishError> {
        let to = match self.rollouts.on_trial(connector) {
            Some(to) => to.clone(),
            None => {
                let mut links = self.links.of(connector).peekable();
                if links.peek().is_none() {
                    return Err(WishError::UnknownConnector(connector.clone()));
                }
                let before = |link| self.ledger.served(link).and_then(|served| served.previous);
                let may_go = links.filter(|(id, active)| {
                    before(id)
                        .is_some_and(|previous| previous != active.revision && !self.ledger.is_quarantined(previous))
                });
                let newest = may_go.map(|(_, active)| active).max_by_key(|active| active.manifest.version.clone());
                newest.cloned().ok_or_else(|| WishError::NothingBefore(connector.clone()))?
            }
        };
        self.rollouts.end(connector);
        self.ban(&to, "an operator rolled it back".into());
        Ok(to.revision)
    }

    /// Lets a revision out of quarantine. Returns it.
    ///
    /// # Errors
    /// When it is not in it.
    pub(super) fn release(&mut self, pin: &Pin) -> Result<Revision, WishError> {
        let revision = self.ledger.quarantine().keys().copied().find(|revision| pin.is(*revision));
        match revision {
            Some(revision) if self.ledger.release(revision) => {
                tracing::info!(revision = revision.short(), "an operator let a revision out of quarantine");
                Ok(revision)
            }
            _ => Err(WishError::NotQuarantined(pin.clone())),
        }
    }
}
