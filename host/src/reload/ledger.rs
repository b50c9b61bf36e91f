//! What the host remembers of rollouts over restarts: which revision each link serves with and which one before, and which
//! revisions are in quarantine. One small file, replaced whole. Holds no secret and no bytes of a connector.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::blocking;
use crate::{
    failpoint, file,
    id::{ConnectorName, LinkId, Revision},
};

/// Its name in the state directory.
const FILE: &str = "rollouts.json";
/// Bytes of it that are read: some hundred thousand links.
const FILE_MAX: u64 = 64 << 20;
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
}

/// The memory of rollouts.
#[derive(Default)]
pub(crate) struct Ledger {
    kept: Arc<Kept>,
    written: Arc<Kept>,
    /// None: what is noted is forgotten with the process.
    path: Option<PathBuf>,
    problem: Option<String>,
}

impl Ledger {
    /// The one in this state directory. One that cannot be read is a problem to be shown, not a reason not to serve.
    pub(crate) fn open(state: &Path) -> Self {
        let path = state.join(FILE);
        let (kept, problem) = match read(&path) {
            Ok(kept) => (Arc::new(kept), None),
            Err(error) => (
                Arc::default(),
                Some(format!(
                    "{}: {error}; what served before this start and what is in quarantine is not known",
                    path.display()
                )),
            ),
        };
        Self { written: kept.clone(), kept, path: Some(path), problem }
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
        self.kept.links.values().flat_map(|served| [Some(served.active), served.previous]).flatten().collect()
    }

    /// Notes what a link serves with; what it served with before becomes the one to go back to.
    pub(super) fn note(&mut self, link: &LinkId, active: Revision) {
        let before = self.served(link);
        if before.is_some_and(|served| served.active == active) {
            return;
        }
        let previous = before.map(|served| served.active);
        Arc::make_mut(&mut self.kept).links.insert(link.clone(), Served { active, previous });
    }

    /// Forgets links that are no more.
    pub(super) fn forget(&mut self, stays: impl Fn(&LinkId) -> bool) {
        if self.kept.links.keys().any(|link| !stays(link)) {
            Arc::make_mut(&mut self.kept).links.retain(|link, _| stays(link));
        }
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
        ledger.note(&link, one);
        ledger.note(&link, two);
        ledger.note(&link, two);
        ledger.note(&gone, one);
        ledger.forget(|id| *id == link);
        ledger.ban(two, why(0));
        ledger.write().await;
        let mut again = Ledger::open(state.path());
        assert_eq!(again.served(&link), Some(Served { active: two, previous: Some(one) }));
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
        ledger.note(&"a".parse().unwrap(), Revision::of(b""));
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
