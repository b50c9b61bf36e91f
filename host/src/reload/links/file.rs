//! One link over time: what serves it, what served it before, and why it does not serve what it should. Changes only when
//! something was bound or refused.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;

use super::{
    Control,
    plan::Plan,
    read::{Stamps, Wants},
};
use crate::{
    id::{LinkId, Revision},
    link::{Canary, Link, Serving},
    reload::{
        rollout::Rollouts,
        status::{LinkStatus, Refusal, State, Step},
    },
    runtime::PreparedRef,
};

/// One link's file and what came of it.
pub(super) struct File {
    /// Everything that was read for it, with its stamp from before: a change of any makes it be read again.
    pub(super) seen: Stamps,
    /// Where it lies.
    pub(super) path: PathBuf,
    /// What it asked for when that much could last be read.
    pub(super) wants: Option<Wants>,
    /// What it was last bound for, in vain or not.
    pub(super) plan: Plan,
    /// What the table says of it.
    pub(super) serving: Option<Serving>,
    /// What served before the revision that is on trial, bound from these very files.
    before: Option<Arc<Link>>,
    /// Is what serves bound from what was last seen?
    fresh: bool,
    refusal: Option<Refusal>,
    since: Timestamp,
}

/// What came of binding a link.
#[derive(Default)]
pub(super) struct Made {
    /// It was bound now, from the files as they are; otherwise it was bound before.
    pub(super) anew: bool,
    pub(super) stable: Option<Arc<Link>>,
    pub(super) canary: Option<Arc<Link>>,
    pub(super) refusal: Option<Refusal>,
}

impl Made {
    pub(super) fn refused(step: Step, reason: String) -> Self {
        Self { anew: true, refusal: Some(Refusal { step, reason }), ..Self::default() }
    }

    /// Was it refused for what its own files say?
    pub(super) fn refused_by_files(&self) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| matches!(refusal.step, Step::Settings | Step::Check))
    }
}

impl File {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            seen: Vec::new(),
            wants: None,
            plan: Plan::default(),
            serving: None,
            before: None,
            fresh: false,
            refusal: None,
            since: Timestamp::now(),
        }
    }

    /// The revision that serves all of it, or all but the canary's share.
    pub(super) fn active(&self) -> Option<&PreparedRef> {
        self.serving.as_ref().map(|serving| &serving.stable.connector)
    }

    /// What served before the revision that is on trial.
    pub(super) fn before(&self) -> Option<&PreparedRef> {
        self.before.as_ref().map(|before| &before.connector)
    }

    /// This link with this revision, if it is bound already: from the files as they are, or, `at_any_rate`, as they were.
    pub(super) fn bound(&self, revision: Revision, at_any_rate: bool) -> Option<Arc<Link>> {
        let serving = self.serving.as_ref().filter(|_| self.fresh || at_any_rate)?;
        let canary = serving.canary.as_ref().map(|canary| &canary.link);
        let all = [Some(&serving.stable), canary, self.before.as_ref()];
        all.into_iter().flatten().find(|link| link.connector.revision == revision).cloned()
    }

    /// Takes what was made of the plan. Returns whether what serves has changed.
    pub(super) fn put(
        &mut self,
        id: &LinkId,
        plan: Plan,
        made: Made,
        active: Option<&PreparedRef>,
        same_files: bool,
        control: &mut Control<'_>,
    ) -> bool {
        let Made { anew, stable, canary, refusal } = made;
        let (was, refused_before) = (self.shown(), self.refusal.take());
        let served = self.serving.is_some();
        let changed = stable.is_some();
        if let Some(link) = stable {
            self.serve(id, &link, canary, &plan, active, same_files, control);
            self.fresh |= anew;
        } else {
            self.fresh &= same_files;
        }
        if let Some(refusal) = refusal.as_ref().filter(|refusal| refused_before.as_ref() != Some(refusal)) {
            let (step, reason, serves_on) = (refusal.step, refusal.reason.as_str(), self.serving.is_some());
            if step == Step::Canary {
                tracing::info!(link = %id, reason, "link waits");
            } else {
                tracing::warn!(link = %id, ?step, reason, serves_on, "link refused");
            }
        }
        (self.plan, self.refusal) = (plan, refusal);
        if self.shown() != was {
            self.since = Timestamp::now();
        }
        // A link that is new and refused is a change, too: it is there.
        changed || !served
    }

    #[expect(clippy::too_many_arguments, reason = "one step of `put`, split off for its length")]
    fn serve(
        &mut self,
        id: &LinkId,
        link: &Arc<Link>,
        canary: Option<Arc<Link>>,
        plan: &Plan,
        active: Option<&PreparedRef>,
        same_files: bool,
        control: &mut Control<'_>,
    ) {
        let (to, manifest) = (&link.connector, &link.connector.manifest);
        tracing::info!(link = %id, connector = %manifest.name, version = %manifest.version, revision = to.revision.short(), "link live");
        let moved = active.filter(|active| active.revision != to.revision);
        self.before = match (same_files, moved, self.serving.take()) {
            (true, Some(_), Some(old)) => Some(old.stable),
            (true, None, _) => self.before.take(),
            _ => None,
        };
        let share = plan.canary.as_ref().map_or(0, |(_, share)| *share);
        let canary = canary.map(|link| Canary::new(link, share));
        // Not if the new revision did not bind and the old one stays for that.
        let as_planned = plan.whole.as_ref().is_some_and(|whole| whole.revision == to.revision);
        if let (Some((trying, phase)), true) = (&plan.trial, as_planned) {
            let from = if trying.revision == to.revision { moved } else { Some(to) };
            from.into_iter().for_each(|from| control.rollouts.join(trying, from, *phase));
        }
        let same_connector = active.is_none_or(|active| active.manifest.name == manifest.name);
        control.ledger.note(id, to.revision, same_connector);
        self.serving = Some(Serving { stable: link.clone(), canary });
    }

    /// Lets go of what served before when nothing is on trial any more.
    pub(super) fn let_go(&mut self, rollouts: &Rollouts) {
        let on_trial = |name| rollouts.on_trial(name).is_some();
        if self.before.as_ref().is_some_and(|before| !on_trial(&before.connector.manifest.name)) {
            self.before = None;
        }
    }

    fn state(&self) -> State {
        match &self.refusal {
            Some(Refusal { step: Step::Canary, .. }) if self.serving.is_some() => State::Canary,
            refusal => State::of(self.serving.is_some(), refusal.is_some()),
        }
    }

    fn shown(&self) -> (State, Option<Revision>, Option<Revision>) {
        (self.state(), self.plan.desired, self.active().map(|active| active.revision))
    }

    /// How the link stands.
    pub(super) fn status(&self, id: &LinkId) -> LinkStatus {
        let connector = self.active();
        LinkStatus {
            link: id.clone(),
            state: self.state(),
            connector: connector.map(|c| format!("{} {}", c.manifest.name, c.manifest.version)),
            desired: self.plan.desired,
            active: connector.map(|c| c.revision),
            step: self.refusal.as_ref().map(|refusal| refusal.step),
            reason: self.refusal.as_ref().map(|refusal| refusal.reason.clone()),
            since: self.since,
        }
    }
}
