//! A new revision on trial. First it serves the links, or the share of calls, that the operator's policy names; then all,
//! and is watched for a while. Judged by a stated rule against the revisions it takes over from, by failures that are the
//! connector's own: never by what an upstream or a platform did. Decides; what is served is `links`' to change.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::select_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::ledger::Tried;
use crate::{
    id::{ConnectorName, LinkId, Revision},
    pattern::Pattern,
    runtime::{Count, PreparedRef},
};

/// Failures of its own below which a revision is never rolled back: two may be chance.
pub(crate) const FAILURES_MIN: u64 = 3;
/// How much worse than the old revisions' its share of failures must be, in percentage points.
pub(crate) const MARGIN_PERCENT: f64 = 2.0;

/// How new revisions are tried.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// These links get a new revision first.
    pub(crate) canary: Vec<Pattern>,
    /// So many of a hundred calls of the other links get it as well.
    pub(crate) share: u8,
    /// So many good calls promote it.
    pub(crate) clean_calls: u64,
    /// So does this time; and for as long it is watched afterwards.
    pub(crate) trial: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self { canary: Vec::new(), share: 0, clean_calls: 1000, trial: Duration::from_secs(600) }
    }
}

/// How far a trial is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    /// Some links or calls have it.
    Canary,
    /// All that can have it do; the old one can come back at once.
    Watch,
}

/// What of a link's calls a new revision is to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All.
    All,
    /// So many of a hundred.
    Share(u8),
    /// None yet.
    None,
}

/// What a look at a trial came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everybody gets it.
    Promoted,
    /// It has stood the test; nothing is held back for it any longer.
    Settled,
    /// It goes back; why.
    RolledBack(String),
}

/// One connector's new revision.
pub(super) struct Trial {
    pub(super) to: PreparedRef,
    from: BTreeMap<Revision, (PreparedRef, Count)>,
    base: Count,
    phase: Phase,
    began: Instant,
    since: Timestamp,
}

/// One trial, as an operator sees it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TrialStatus {
    /// The connector.
    pub(crate) connector: ConnectorName,
    /// The revision on trial.
    pub(crate) revision: Revision,
    /// Its version.
    pub(crate) version: String,
    /// What it takes over from.
    pub(crate) from: Vec<Revision>,
    /// How far it is.
    pub(crate) phase: Phase,
    /// Since when.
    pub(crate) since: Timestamp,
    /// Seconds until time alone ends this phase.
    pub(crate) left_s: u64,
    /// Calls and hooks it has run in this phase.
    pub(crate) calls: u64,
    /// Those among them that failed by its own fault.
    pub(crate) failed: u64,
}

/// All trials, one a connector at the most.
pub(super) struct Rollouts {
    policy: Policy,
    trials: BTreeMap<ConnectorName, Trial>,
}

impl Rollouts {
    pub(super) fn new(policy: Policy) -> Self {
        Self { policy, trials: BTreeMap::new() }
    }

    /// Is this one of the links that the policy names?
    pub(super) fn names(&self, link: &LinkId) -> bool {
        self.policy.canary.iter().any(|pattern| pattern.matches(link))
    }

    /// How far the trial of this revision is, or how it would begin on this link. `named` are the connectors of the links
    /// that the policy names: where it names none and shares nothing, there is nobody to try on.
    pub(super) fn phase(&self, link: &LinkId, to: &PreparedRef, named: &BTreeSet<ConnectorName>) -> Phase {
        let has_canary = || self.policy.share > 0 || self.names(link) || named.contains(&to.manifest.name);
        match self.trial(to) {
            Some(trial) => trial.phase,
            None if has_canary() => Phase::Canary,
            None => Phase::Watch,
        }
    }

    /// While this revision is a canary: what the others serve with.
    pub(super) fn instead_of(&self, to: &PreparedRef) -> Option<&PreparedRef> {
        let trial = self.trial(to).filter(|trial| trial.phase == Phase::Canary)?;
        trial.from.values().map(|(from, _)| from).max_by_key(|from| &from.manifest.version)
    }

    /// Opens the trials that were open when the host was last there, as far as their revisions are at hand.
    pub(super) fn reopen<'c>(
        &mut self,
        kept: &BTreeMap<ConnectorName, Tried>,
        at_hand: impl Fn(Revision) -> Option<&'c PreparedRef>,
        now: (Timestamp, Instant),
    ) {
        for (connector, tried) in kept {
            let from = tried.from.iter().filter_map(|revision| at_hand(*revision));
            let from: BTreeMap<_, _> = from.map(|from| (from.revision, (from.clone(), Count::default()))).collect();
            let Some(to) = at_hand(tried.to).filter(|_| !from.is_empty()) else { continue };
            let age = now.0.duration_since(tried.since).unsigned_abs().min(self.policy.trial);
            let began = now.1.checked_sub(age).unwrap_or(now.1);
            let (to, base) = (to.clone(), Count::default());
            let trial = Trial { to, from, base, phase: tried.phase, began, since: tried.since };
            self.trials.insert(connector.clone(), trial);
        }
    }

    /// The open trials, to be kept.
    pub(super) fn kept(&self) -> BTreeMap<ConnectorName, Tried> {
        let one = |(connector, trial): (&ConnectorName, &Trial)| {
            let from = trial.from.keys().copied().collect();
            (connector.clone(), Tried { to: trial.to.revision, from, phase: trial.phase, since: trial.since })
        };
        self.trials.iter().map(one).collect()
    }

    /// Waits until a revision on trial fails by its own fault; for ever when none is on trial.
    pub(super) async fn alarmed(&self) {
        if self.trials.is_empty() {
            return std::future::pending().await;
        }
        select_all(self.trials.values().map(|trial| Box::pin(trial.to.tally.alarmed()))).await;
    }

    /// What of this link's calls a revision in this phase gets.
    pub(super) fn part(&self, link: &LinkId, phase: Phase) -> Part {
        match phase {
            Phase::Watch => Part::All,
            Phase::Canary if self.names(link) => Part::All,
            Phase::Canary if self.policy.share > 0 => Part::Share(self.policy.share),
            Phase::Canary => Part::None,
        }
    }

    fn trial(&self, to: &PreparedRef) -> Option<&Trial> {
        self.trials.get(&to.manifest.name).filter(|trial| trial.to.revision == to.revision)
    }

    /// The revision of this connector that is on trial.
    pub(super) fn on_trial(&self, connector: &ConnectorName) -> Option<&PreparedRef> {
        self.trials.get(connector).map(|trial| &trial.to)
    }

    /// Is any revision on trial?
    pub(super) fn open(&self) -> bool {
        !self.trials.is_empty()
    }

    /// A link got a new revision, or some of its calls did. Opens the trial, in this phase, if it is the first.
    pub(super) fn join(&mut self, to: &PreparedRef, from: &PreparedRef, phase: Phase) {
        if self.trial(to).is_none() {
            let (connector, version, revision) = (&to.manifest.name, &to.manifest.version, to.revision.short());
            tracing::info!(%connector, %version, revision, ?phase, "rollout begins");
            let trial = Trial {
                to: to.clone(),
                from: BTreeMap::new(),
                base: to.tally.now(),
                phase,
                began: Instant::now(),
                since: Timestamp::now(),
            };
            // A newer revision ends the trial of the one before it: that one serves or does not, as it stands.
            self.trials.insert(connector.clone(), trial);
        }
        if let Some(trial) = self.trials.get_mut(&to.manifest.name) {
            // Watched, it is compared with all that the old one did; as a canary, with what it does meanwhile.
            let base = if trial.phase == Phase::Watch { Count::default() } else { from.tally.now() };
            trial.from.entry(from.revision).or_insert_with(|| (from.clone(), base));
        }
    }

    /// Ends a trial by hand.
    pub(super) fn end(&mut self, connector: &ConnectorName) {
        self.trials.remove(connector);
    }

    /// Looks at every trial; those that are settled or go back are over.
    pub(super) fn judge(&mut self, now: Instant) -> Vec<(PreparedRef, Verdict)> {
        let mut verdicts = Vec::new();
        for trial in self.trials.values_mut() {
            if let Some(verdict) = trial.judge(&self.policy, now) {
                verdicts.push((trial.to.clone(), verdict));
            }
        }
        for (to, verdict) in &verdicts {
            if *verdict != Verdict::Promoted {
                self.trials.remove(&to.manifest.name);
            }
        }
        verdicts
    }

    /// How every trial stands.
    pub(super) fn status(&self, now: Instant) -> Vec<TrialStatus> {
        let one = |(connector, trial): (&ConnectorName, &Trial)| {
            let new = trial.to.tally.now().since(trial.base);
            TrialStatus {
                connector: connector.clone(),
                revision: trial.to.revision,
                version: trial.to.manifest.version.to_string(),
                from: trial.from.keys().copied().collect(),
                phase: trial.phase,
                since: trial.since,
                left_s: self.policy.trial.saturating_sub(now.duration_since(trial.began)).as_secs(),
                calls: new.runs,
                failed: trial.phase.failed(new),
            }
        };
        self.trials.iter().map(one).collect()
    }
}

impl Phase {
    /// Failures that count. While both serve, an upstream that talks nonsense talks it to both; afterwards that could no
    /// longer be told from a connector that does not understand.
    fn failed(self, count: Count) -> u64 {
        match self {
            Self::Canary => count.internal.saturating_add(count.protocol),
            Self::Watch => count.internal,
        }
    }
}

impl Trial {
    fn judge(&mut self, policy: &Policy, now: Instant) -> Option<Verdict> {
        let new = self.to.tally.now().since(self.base);
        let old =
            self.from.values().map(|(from, base)| from.tally.now().since(*base)).fold(Count::default(), Count::and);
        if let Some(why) = worse(self.phase, new, old) {
            return Some(Verdict::RolledBack(why));
        }
        let over = now.duration_since(self.began) >= policy.trial;
        match self.phase {
            Phase::Canary if over || new.clean >= policy.clean_calls => {
                (self.phase, self.began, self.since) = (Phase::Watch, now, Timestamp::now());
                self.base = self.to.tally.now();
                Some(Verdict::Promoted)
            }
            Phase::Watch if over => Some(Verdict::Settled),
            _ => None,
        }
    }
}

/// The rule: at least three failures of its own, and a share of them that is over two percentage points worse than the old
/// revisions' share.
fn worse(phase: Phase, new: Count, old: Count) -> Option<String> {
    let percent = |count: Count| phase.failed(count) as f64 * 100.0 / (count.runs.max(1)) as f64;
    let (ours, theirs) = (percent(new), percent(old));
    (phase.failed(new) >= FAILURES_MIN && ours > theirs + MARGIN_PERCENT).then(|| {
        format!(
            "{} of its {} calls failed by its own fault ({ours:.1} %; before it {theirs:.1} %)",
            phase.failed(new),
            new.runs
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(runs: u64, internal: u64, protocol: u64) -> Count {
        Count { runs, clean: runs.saturating_sub(internal).saturating_sub(protocol), internal, protocol }
    }

    #[test]
    fn a_revision_goes_back_after_three_failures_of_its_own_that_are_too_many() {
        let nothing = Count::default();
        for phase in [Phase::Canary, Phase::Watch] {
            assert!(worse(phase, count(2, 2, 0), nothing).is_none(), "two may be chance");
            let why = worse(phase, count(3, 3, 0), nothing).unwrap();
            assert!(why.contains("3 of its 3 calls"), "{why}");
            assert!(worse(phase, count(60, 3, 0), nothing).is_some(), "5 %");
            assert!(worse(phase, count(200, 3, 0), nothing).is_none(), "1.5 %");
            assert!(worse(phase, count(60, 3, 0), count(100, 4, 0)).is_none(), "hardly worse than before");
        }
    }

    #[test]
    fn what_it_did_not_understand_counts_only_while_the_old_one_serves_beside_it() {
        let (new, old) = (count(10, 0, 5), count(1000, 0, 0));
        assert!(worse(Phase::Canary, new, old).is_some());
        assert!(worse(Phase::Canary, new, count(1000, 0, 500)).is_none(), "the upstream's fault: both suffer");
        assert!(worse(Phase::Watch, new, old).is_none());
    }
}
