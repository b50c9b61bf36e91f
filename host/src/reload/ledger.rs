//! What the host remembers of rollouts over restarts: which revision each link serves with and which one before, and which
//! revisions are in quarantine. One small file, replaced whole. Holds no secret and no bytes of a connector.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{blocking, rollout::Phase};
use crate::{
    failpoint, file,
    id::{ConnectorName, LinkId, Revision},
};

/// Its name in the state directory.
const FILE: &str = "rollouts.json";
/// Bytes of it that are read: some hundred thousand links.
const FILE_MAX: u64 = 64 << 20;
/// How long a link whose file is gone is remembered.
const GONE_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Revisions in quarantine that are remembered; the oldest is forgotten first.
const QUARANTINE_MAX: usize = 1000;

/// What a link served with last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Served {
    /// The revision that serves, or did when the host was last there.
    pub(super) active: Revision,
    /// The one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) previous: Option<Revision>,
    /// Since when the link's file is not there; it may come back, and is then what it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<Timestamp>,
}

/// A trial that was open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tried {
    pub(super) to: Revision,
    pub(super) from: BTreeSet<Revision>,
    pub(super) phase: Phase,
    /// Since when it is in this phase.
    pub(super) since: Timestamp,
}

/// A revision that is not served again by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quarantined {
    /// Of this connector.
    pub(crate) connector: ConnectorName,
    /// Its version.
    pub(crate) version: semver::Version,
    /// Why.
    pub(crate) reason: String,
    /// Since when.
    pub(crate) since: Timestamp,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    links: BTreeMap<LinkId, Served>,
    #[serde(default)]
    quarantine: BTreeMap<Revision, Quarantined>,
    #[serde(default)]
    trials: BTreeMap<ConnectorName, Tried>,
}

/// The memory of rollouts.
#[derive(Default)]
pub(crate) struct Ledger {
    kept: Arc<Kept>,
    written: Arc<Kept>,
    /// None: what is noted is forgotten with the process.
    path: Option<PathBuf>,
    problem: Option<String>,
    /// What was written before this start could not be read: nobody knows what it named.
    lost: bool,
}

impl Ledger {
    /// The one in this state directory. One that cannot be read is a problem to be shown, not a reason not to serve.
    pub(crate) fn open(state: &Path) -> Self {
        let path = state.join(FILE);
        let (kept, problem) = match read(&path) {
            Ok(kept) => (Arc::new(kept), None),
            Err(error) => {
                // Not overwritten: somebody may still read in it what served.
                let _ = std::fs::rename(&path, path.with_extension("damaged"));
                let text = "what served before this start and what is in quarantine is not known";
                (Arc::default(), Some(format!("{}: {error}; {text}", path.display())))
            }
        };
        Self { written: kept.clone(), kept, path: Some(path), lost: problem.is_some(), problem }
    }

    /// May revisions that it does not name be dropped?
    pub(super) fn is_whole(&self) -> bool {
        !self.lost && self.problem.is_none()
    }

    /// What is wrong with the file.
    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// What this link served with last.
    pub(super) fn served(&self, link: &LinkId) -> Option<Served> {
        self.kept.links.get(link).copied()
    }

    /// Every revision that may be asked for again.
    pub(super) fn revisions(&self) -> BTreeSet<Revision> {
        let links = self.kept.links.values().flat_map(|served| [Some(served.active), served.previous]).flatten();
        let tried = self.kept.trials.values().flat_map(|tried| tried.from.iter().copied().chain([tried.to]));
        links.chain(tried).collect()
    }

    /// The trials that were open.
    pub(super) fn trials(&self) -> &BTreeMap<ConnectorName, Tried> {
        &self.kept.trials
    }

    /// Notes which trials are open.
    pub(super) fn note_trials(&mut self, trials: BTreeMap<ConnectorName, Tried>) {
        if self.kept.trials != trials {
            Arc::make_mut(&mut self.kept).trials = trials;
        }
    }

    /// Notes what a link serves with; what it served with before becomes the one to go back to, unless that was another
    /// connector's.
    pub(super) fn note(&mut self, link: &LinkId, active: Revision, same_connector: bool) {
        let before = self.served(link);
        if before.is_some_and(|served| served.active == active) {
            return;
        }
        let previous = before.map(|served| served.active).filter(|_| same_connector);
        Arc::make_mut(&mut self.kept).links.insert(link.clone(), Served { active, previous, gone: None });
    }

    /// Notes which links are there. One that is gone is remembered for a while: a file that is saved by deleting it, or a
    /// folder that is not mounted for a moment, must not cost its link what it was.
    pub(super) fn present(&mut self, is_there: impl Fn(&LinkId) -> bool, now: Timestamp) {
        let right = |(link, served): (&LinkId, &Served)| served.gone.is_none() == is_there(link);
        let over = |served: &Served| served.gone.is_some_and(|gone| now.duration_since(gone) > GONE_MAX);
        if self.kept.links.iter().all(right) && !self.kept.links.values().any(over) {
            return;
        }
        let links = &mut Arc::make_mut(&mut self.kept).links;
        for (link, served) in links.iter_mut() {
            served.gone = if is_there(link) { None } else { served.gone.or(Some(now)) };
        }
        links.retain(|_, served| !over(served));
    }

    /// Every revision in quarantine.
    pub(super) fn quarantine(&self) -> &BTreeMap<Revision, Quarantined> {
        &self.kept.quarantine
    }

    /// Is this revision in quarantine?
    pub(super) fn is_quarantined(&self, revision: Revision) -> bool {
        self.kept.quarantine.contains_key(&revision)
    }

    /// Puts a revision into quarantine.
    pub(super) fn ban(&mut self, revision: Revision, why: Quarantined) {
        let quarantine = &mut Arc::make_mut(&mut self.kept).quarantine;
        quarantine.insert(revision, why);
        while quarantine.len() > QUARANTINE_MAX
            && let Some(oldest) = quarantine.iter().min_by_key(|(_, why)| why.since).map(|(revision, _)| *revision)
        {
            quarantine.remove(&oldest);
        }
    }

    /// Lets a revision out of quarantine; false when it was not in it.
    pub(super) fn release(&mut self, revision: Revision) -> bool {
        self.is_quarantined(revision) && Arc::make_mut(&mut self.kept).quarantine.remove(&revision).is_some()
    }

    /// Writes what was noted, if anything was. A disk that takes nothing costs the memory, not the service.
    pub(super) async fn write(&mut self) {
        if Arc::ptr_eq(&self.kept, &self.written) || self.kept == self.written {
            return;
        }
        let Some(path) = self.path.clone() else { return };
        let (kept, shown) = (self.kept.clone(), path.display().to_string());
        let written = blocking(move || file::replace(&path, &serde_json::to_vec(&*kept)?)).await;
        match written {
            Ok(()) => (self.written, self.problem) = (self.kept.clone(), None),
            Err(error) => {
                tracing::error!(file = shown, %error, "what serves cannot be written down; a restart may serve something older");
                self.problem = Some(format!("{shown}: {error}; a restart may serve something older"));
            }
        }
        failpoint::pass("rollout.recorded");
    }
}

fn read(path: &Path) -> io::Result<Kept> {
    match file::read(path, FILE_MAX) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(at: i64) -> Quarantined {
        Quarantined {
            connector: "x".parse().unwrap(),
            version: semver::Version::new(0, 1, 0),
            reason: "traps".into(),
            since: Timestamp::from_second(at).unwrap(),
        }
    }

    #[tokio::test]
    async fn what_serves_and_what_is_banned_is_known_after_a_restart() {
        let state = tempfile::tempdir().unwrap();
        let (link, gone): (LinkId, LinkId) = ("a.b".parse().unwrap(), "a.c".parse().unwrap());
        let [one, two] = [&b"1"[..], b"2"].map(Revision::of);
        let mut ledger = Ledger::open(state.path());
        ledger.note(&link, one, true);
        ledger.note(&link, two, true);
        ledger.note(&link, two, true);
        ledger.note(&gone, one, true);
        let (now, later) = (Timestamp::from_second(0).unwrap(), Timestamp::from_second(8 * 86_400).unwrap());
        ledger.present(|id| *id == link, now);
        assert!(ledger.served(&gone).is_some(), "it may come back");
        ledger.present(|id| *id == link, later);
        ledger.ban(two, why(0));
        ledger.write().await;
        let mut again = Ledger::open(state.path());
        let served = again.served(&link).unwrap();
        assert_eq!((served.active, served.previous), (two, Some(one)));
        assert_eq!(again.served(&gone), None);
        assert_eq!(again.revisions(), [one, two].into());
        assert!(again.is_quarantined(two) && again.problem().is_none());
        assert!(again.release(two) && !again.release(two));
    }

    #[tokio::test]
    async fn a_damaged_file_is_a_problem_and_the_next_write_heals_it() {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join(FILE), "{").unwrap();
        let mut ledger = Ledger::open(state.path());
        assert!(ledger.problem().unwrap().contains(FILE));
        assert!(!ledger.is_whole() && state.path().join("rollouts.damaged").exists());
        ledger.note(&"a".parse().unwrap(), Revision::of(b""), true);
        ledger.write().await;
        assert!(ledger.problem().is_none() && Ledger::open(state.path()).problem().is_none());
    }

    #[test]
    fn the_quarantine_is_bounded_and_the_oldest_is_forgotten() {
        let mut ledger = Ledger::default();
        for n in 0..=QUARANTINE_MAX as i64 {
            ledger.ban(Revision::of(&n.to_be_bytes()), why(n));
        }
        assert_eq!(ledger.quarantine().len(), QUARANTINE_MAX);
        assert!(!ledger.is_quarantined(Revision::of(&0_i64.to_be_bytes())));
    }
}
