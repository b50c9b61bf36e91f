//! Which revision a link is to be served with: what its file and the directory ask for, unless that is in quarantine, would
//! break a contract, or is still on trial elsewhere; and what serves instead. Decides from what is known; loads nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{
    super::{
        connectors::Connectors,
        contract::{self, CHANGES_MAX, Change},
        ledger::Ledger,
        rollout::{Part, Phase, Rollouts},
        status::{Refusal, Step},
    },
    file::File,
    read::Wants,
};
use crate::{
    id::{ConnectorName, LinkId, Revision},
    runtime::PreparedRef,
};

/// Pairs of revisions whose differences are remembered.
const DIFFS_MAX: usize = 32;

/// What a link is to be served with.
#[derive(Clone, Default)]
pub(super) struct Plan {
    /// What its file and the directory ask for.
    pub(super) desired: Option<Revision>,
    /// Serves its calls, or all but those of the canary.
    pub(super) whole: Option<PreparedRef>,
    /// Serves so many of a hundred calls.
    pub(super) canary: Option<(PreparedRef, u8)>,
    /// Why what is desired does not serve, or not wholly.
    pub(super) refusal: Option<Refusal>,
    /// Nothing in the directory fits; the link's file says what it wants.
    pub(super) missing: bool,
    /// This revision is on trial, and so far, whatever this link gets of it.
    pub(super) trial: Option<(PreparedRef, Phase)>,
}

impl Plan {
    fn whole(to: &PreparedRef) -> Self {
        Self { desired: Some(to.revision), whole: Some(to.clone()), ..Self::default() }
    }

    /// Would both lead to the same?
    pub(super) fn is(&self, other: &Self) -> bool {
        let revision = |connector: &Option<PreparedRef>| connector.as_ref().map(|connector| connector.revision);
        let canary = |plan: &Self| plan.canary.as_ref().map(|(connector, share)| (connector.revision, *share));
        self.desired == other.desired
            && revision(&self.whole) == revision(&other.whole)
            && canary(self) == canary(other)
            && self.refusal == other.refusal
            && self.missing == other.missing
    }
}

/// An old revision and a new one.
type Pair = (Revision, Revision);

/// The differences between revisions, remembered: thousands of links ask for the same ones.
#[derive(Default)]
pub(super) struct Diffs(Mutex<HashMap<Pair, Arc<[Change]>>>);

impl Diffs {
    fn between(&self, old: &PreparedRef, new: &PreparedRef) -> Arc<[Change]> {
        let mut known = self.0.lock();
        if known.len() > DIFFS_MAX {
            known.clear();
        }
        let pair = (old.revision, new.revision);
        known.entry(pair).or_insert_with(|| contract::changes(&old.manifest, &new.manifest).into()).clone()
    }
}

/// What plans are made from.
pub(super) struct Planner<'p> {
    pub(super) connectors: &'p Connectors,
    pub(super) rollouts: &'p Rollouts,
    pub(super) ledger: &'p Ledger,
    /// The connectors of the links that the rollout policy names.
    pub(super) named: &'p BTreeSet<ConnectorName>,
    pub(super) diffs: &'p Diffs,
    /// The links as they are.
    pub(super) files: &'p BTreeMap<LinkId, File>,
}

impl Planner<'_> {
    /// The plan for a link that wants this and that `active` serves now, or did last.
    pub(super) fn plan(&self, link: &LinkId, wants: &Wants, active: Option<&PreparedRef>) -> Plan {
        let active = active.filter(|active| active.manifest.name == wants.connector);
        if let Some(pin) = &wants.pin {
            // Whoever names a revision knows what he does.
            return match self.connectors.pinned(&wants.connector, pin) {
                Some(pinned) => Plan::whole(pinned),
                None => Plan { whole: active.cloned(), missing: true, ..Plan::default() },
            };
        }
        let fits = |c: &&PreparedRef| c.manifest.name == wants.connector && wants.version.matches(&c.manifest.version);
        let banned = |revision| self.ledger.is_quarantined(revision);
        let choose =
            |wanted: &dyn Fn(Revision) -> bool| self.connectors.choose(&wants.connector, &wants.version, wanted);
        let (newest, good) = (choose(&|_| true), choose(&|revision| !banned(revision)));
        let desired = newest.map(|newest| newest.revision);
        let failed = newest.filter(|newest| banned(newest.revision));
        let refusal = failed.map(|failed| self.quarantined(failed));
        // Back to what served before, if it still may and nothing newer has come.
        let back = match active {
            Some(active) if banned(active.revision) => self.previous(link).filter(fits),
            other => other.filter(fits),
        };
        let to = match (failed.is_some() || good.is_none(), back, good) {
            (true, Some(back), Some(good)) if back.manifest.version < good.manifest.version => Some(good),
            (true, Some(back), _) => Some(back),
            (_, _, good) => good,
        };
        let missing = newest.is_none();
        let Some(to) = to else {
            // Bad is better than nothing, for as long as nobody brings anything else.
            return Plan { desired, whole: active.filter(fits).cloned(), refusal, missing, ..Plan::default() };
        };
        let plan = Plan { desired, refusal, missing, whole: Some(to.clone()), ..Plan::default() };
        // A link that is new while a revision is a canary begins with what the others serve with.
        let others = || self.rollouts.instead_of(to).filter(fits).filter(|_| !self.rollouts.names(link));
        match active.or_else(others) {
            // A requirement that no longer fits what serves was changed by somebody who wants another.
            Some(active) if active.revision != to.revision && !banned(active.revision) && fits(&active) => {
                self.change(link, wants, active, plan)
            }
            _ => plan,
        }
    }

    /// Of a link that serves with one revision and is to serve with another.
    fn change(&self, link: &LinkId, wants: &Wants, active: &PreparedRef, plan: Plan) -> Plan {
        let Some(to) = plan.whole.clone() else { return plan };
        let stay = |step, reason| Plan {
            desired: plan.desired,
            whole: Some(active.clone()),
            refusal: Some(Refusal { step, reason }),
            ..Plan::default()
        };
        let version = &to.manifest.version;
        if wants.allow_contract_change.as_ref() != Some(version) {
            let changes = self.diffs.between(active, &to);
            let matters = |change: &&Change| change.hook.as_ref().is_none_or(|hook| wants.hooks.contains(hook));
            let mut texts: Vec<&str> = changes.iter().filter(matters).map(|change| change.text.as_str()).collect();
            texts.truncate(CHANGES_MAX);
            if !texts.is_empty() {
                let reason = format!(
                    "version {version} changes what {} promised: {}. If that is well, write allow_contract_change = \
                     \"{version}\" into the link's file",
                    active.manifest.version,
                    texts.join("; ")
                );
                return stay(Step::Contract, reason);
            }
        }
        let phase = self.rollouts.phase(link, &to, self.named);
        let trial = Some((to.clone(), phase));
        let waiting = || format!("version {version} ({}) is on trial", to.revision.short());
        match self.rollouts.part(link, phase) {
            Part::All => Plan { trial, ..plan },
            Part::None => Plan { trial, ..stay(Step::Canary, format!("{} on other links", waiting())) },
            Part::Share(share) => Plan {
                canary: Some((to.clone(), share)),
                trial,
                ..stay(Step::Canary, format!("{} with {share} % of the calls", waiting()))
            },
        }
    }

    fn previous(&self, link: &LinkId) -> Option<&PreparedRef> {
        let previous = self.ledger.served(link)?.previous.filter(|revision| !self.ledger.is_quarantined(*revision))?;
        let before = self.files.get(link).and_then(File::before).filter(|before| before.revision == previous);
        before.or_else(|| self.connectors.revision(previous))
    }

    fn quarantined(&self, failed: &PreparedRef) -> Refusal {
        let why = self.ledger.quarantine().get(&failed.revision).map_or("", |why| why.reason.as_str());
        let revision = failed.revision.short();
        let reason = format!(
            "version {} ({revision}) is in quarantine: {why}. Put a better one into the directory, or let this one out \
             with `duijie release {revision}`",
            failed.manifest.version
        );
        Refusal { step: Step::Quarantine, reason }
    }
}
