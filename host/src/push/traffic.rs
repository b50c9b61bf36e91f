//! What may be sent now, over all links: each link's bound and rate, its retries' budget, pauses that an upstream asked
//! for, and who does not answer. Decides and counts; never sends, never touches the store, never reads the clock.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use super::{
    backoff::{self, Budget},
    breaker::{Breakers, Gate, Who},
    pace::Pace,
};
use crate::{
    capability::http::policy::Origin,
    id::LinkId,
    link::{Entry, INFLIGHT_DEFAULT, PushSpec, Table},
};

/// How an attempt ended, as far as others are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The upstream answered, whatever it said.
    Answered,
    /// It did not, or not in time.
    Silent,
    /// It wants to be left alone for a while.
    TooOften,
    /// The link needs its operator.
    NeedsRepair,
    /// Nobody was asked: the host or the link was full, or the connector failed by itself.
    NotAsked,
}

/// What a lease may take.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Links that get nothing.
    pub(super) excluded: HashSet<LinkId>,
    /// Links with a bound of their own.
    pub(super) inflight_of: HashMap<LinkId, u32>,
    /// Those of which one record, of one of these links, is to find out whether they answer again.
    pub(super) probes: Vec<(Who, HashSet<LinkId>)>,
    /// When the plan changes by itself.
    pub(super) next: Option<Instant>,
}

impl Plan {
    /// Links for which no time that comes makes a difference. Those that one record is to find out about are not among them:
    /// it may be due then.
    pub(super) fn idle(&self) -> HashSet<LinkId> {
        let probed: HashSet<&LinkId> = self.probes.iter().flat_map(|(_, links)| links).collect();
        self.excluded.iter().filter(|link| !probed.contains(link)).cloned().collect()
    }

    fn exclude_until(&mut self, link: &LinkId, until: Instant) {
        self.excluded.insert(link.clone());
        self.next = Some(self.next.map_or(until, |next| next.min(until)));
    }
}

/// An attempt that has begun: it must end, once ([`Traffic::ended`]).
#[derive(Debug)]
pub(super) struct Begun {
    link: LinkId,
    /// About whom it is to find out. Kept, since the link may send elsewhere by the time that it ends.
    probes: Vec<Who>,
}

/// What is known of the table's links: made anew when it changes.
#[derive(Default)]
struct Known {
    /// Which table: not held, or the revisions in it would live on.
    of: Weak<Table>,
    links: HashMap<LinkId, Traits>,
    /// Links whose bound or rate is not the usual one.
    special: Vec<LinkId>,
    by_origin: HashMap<Origin, Vec<LinkId>>,
}

/// What of a link matters here.
struct Traits {
    push: PushSpec,
    origins: Vec<Origin>,
}

/// See the head of this file.
#[derive(Default)]
pub(super) struct Traffic {
    known: Known,
    breakers: Breakers,
    budgets: HashMap<LinkId, Budget>,
    paces: HashMap<LinkId, Pace>,
    paused: HashMap<LinkId, Instant>,
    running: HashMap<LinkId, u32>,
}

impl Traffic {
    /// What may be leased now.
    pub(super) fn plan(&mut self, table: &Arc<Table>, now: Instant) -> Plan {
        self.learn(table, now);
        let mut plan = Plan::default();
        self.paused.retain(|_, until| *until > now);
        for (link, until) in &self.paused {
            plan.exclude_until(link, *until);
        }
        let special = std::mem::take(&mut self.known.special);
        for link in &special {
            self.bound(link, &mut plan, now);
        }
        self.known.special = special;
        let gate = |who: &Who| (who.clone(), self.breakers.gate(who, now));
        let mut troubled: Vec<(Who, Gate)> = self.breakers.troubled().map(gate).collect();
        // Last those about whom one record is to find out: nothing else must keep its link back.
        troubled.sort_by_key(|(_, gate)| *gate == Gate::HalfOpen);
        for (who, gate) in troubled {
            self.spare(who, gate, &mut plan);
        }
        plan
    }

    /// One link's own bound and rate.
    fn bound(&mut self, link: &LinkId, plan: &mut Plan, now: Instant) {
        let Some(push) = self.known.links.get(link).map(|traits| traits.push) else { return };
        let mut inflight = push.max_inflight;
        if let Some(per_min) = push.rate_per_min {
            let running = self.running(link);
            let pace = self.paces.entry(link.clone()).or_insert_with(|| Pace::new(per_min, now));
            if pace.per_min() != per_min {
                *pace = Pace::new(per_min, now);
            }
            let ready = pace.ready(now);
            if ready == 0 && running < inflight {
                plan.exclude_until(link, pace.next(now));
            }
            inflight = inflight.min(running.saturating_add(ready));
        }
        plan.inflight_of.insert(link.clone(), inflight);
    }

    /// Keeps records from those that do not answer.
    fn spare(&self, who: Who, gate: Gate, plan: &mut Plan) {
        let links: Vec<LinkId> = match &who {
            Who::Link(link) => vec![link.clone()],
            Who::Origin(origin) => self.known.by_origin.get(origin).cloned().unwrap_or_default(),
        };
        match gate {
            Gate::Closed => {}
            Gate::Ramp { begun, until } => {
                for link in &links {
                    let inflight = plan.inflight_of.get(link).copied().unwrap_or_else(|| self.inflight(link));
                    let running = self.running(link);
                    let more = self.inflight(link).saturating_sub(begun).min(inflight.saturating_sub(running));
                    plan.inflight_of.insert(link.clone(), running.saturating_add(more));
                    if more == 0 {
                        plan.exclude_until(link, until);
                    }
                }
            }
            Gate::Open(until) => links.iter().for_each(|link| plan.exclude_until(link, until)),
            Gate::Probing => plan.excluded.extend(links),
            Gate::HalfOpen => {
                // Of those that nothing else keeps back.
                let free = links.iter().filter(|link| !plan.excluded.contains(*link)).cloned().collect();
                plan.excluded.extend(links);
                plan.probes.push((who, free));
            }
        }
    }

    /// Attempts of this link under way.
    pub(super) fn running(&self, link: &LinkId) -> u32 {
        self.running.get(link).copied().unwrap_or(0)
    }

    fn inflight(&self, link: &LinkId) -> u32 {
        self.known.links.get(link).map_or(INFLIGHT_DEFAULT, |traits| traits.push.max_inflight)
    }

    fn learn(&mut self, table: &Arc<Table>, now: Instant) {
        let of = Arc::downgrade(table);
        if of.ptr_eq(&self.known.of) {
            return;
        }
        let mut known = Known { of, ..Known::default() };
        for (id, entry) in table.iter() {
            let Entry::Serving(serving) = entry else { continue };
            let link = &serving.stable;
            if link.push.max_inflight != INFLIGHT_DEFAULT || link.push.rate_per_min.is_some() {
                known.special.push(id.clone());
            }
            known.links.insert(id.clone(), Traits { push: link.push, origins: link.origins.clone() });
            for origin in &link.origins {
                known.by_origin.entry(origin.clone()).or_default().push(id.clone());
            }
        }
        self.known = known;
        self.paces.retain(|link, _| table.get(link).is_some());
        self.budgets.retain(|link, _| table.get(link).is_some());
        self.breakers.mended(|_| true, now);
    }

    /// Somebody has changed something about these links that may help.
    pub(super) fn mended(&mut self, is_one: impl Fn(&LinkId) -> bool, now: Instant) {
        self.breakers.mended(is_one, now);
    }

    /// An attempt of this link is about to begin.
    pub(super) fn begin(&mut self, link: &LinkId, now: Instant) -> Begun {
        let running = self.running.entry(link.clone()).or_insert(0);
        *running = running.saturating_add(1);
        if let Some(pace) = self.paces.get_mut(link) {
            pace.spend();
        }
        let mut probes = self.asked_by(link);
        probes.retain(|who| self.breakers.begin(who, now));
        Begun { link: link.clone(), probes }
    }

    /// It has ended. `origin` is whom it asked last, `wait` how long it wants to be left alone.
    pub(super) fn ended(
        &mut self,
        Begun { link, probes }: Begun,
        origin: Option<&Origin>,
        how: How,
        wait: Option<Duration>,
        now: Instant,
    ) {
        let link = &link;
        if let Some(running) = self.running.get_mut(link) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.running.remove(link);
            }
        }
        let own = Who::Link(link.clone());
        match how {
            How::Answered => {
                self.budgets.entry(link.clone()).or_default().earn();
                self.breakers.succeeded(&own, now);
                self.answered(origin, now);
            }
            How::TooOften => {
                self.answered(origin, now);
                let until = now + wait.unwrap_or(Duration::from_secs(1));
                let paused = self.paused.entry(link.clone()).or_insert(until);
                *paused = (*paused).max(until);
            }
            How::Silent => {
                if let Some(origin) = origin {
                    let who = Who::Origin(origin.clone());
                    if self.breakers.failed(&who, now) {
                        tracing::warn!(%who, "no answer several times in a row; queued records wait until it answers again");
                    }
                }
            }
            How::NeedsRepair => {
                self.answered(origin, now);
                if self.breakers.failed(&own, now) {
                    tracing::error!(%link, "the link's configuration or credentials are refused; its queued records wait, and one at a time finds out whether it was mended");
                }
            }
            How::NotAsked => {}
        }
        // Whoever was to find out about somebody that it did not get to ask leaves that to the next one.
        for who in probes {
            self.breakers.abandoned(&who, now);
        }
    }

    fn answered(&mut self, origin: Option<&Origin>, now: Instant) {
        let Some(origin) = origin else { return };
        let who = Who::Origin(origin.clone());
        if self.breakers.succeeded(&who, now) {
            tracing::info!(%who, "it answers again; queued records go on");
        }
    }

    /// How long a record of this link waits for its next attempt; `origin` is whom it asked last. Whoever is left alone is
    /// spared already, and spaces what finds out about it: its records need no wait of their own, which would still go on
    /// when it is back, and cost the link's retries nothing.
    pub(super) fn backoff(
        &mut self,
        link: &LinkId,
        origin: Option<&Origin>,
        tries: u32,
        asked: Option<Duration>,
        now: Instant,
    ) -> Duration {
        let asked_last = origin.cloned().map(Who::Origin).into_iter().chain([Who::Link(link.clone())]);
        if asked_last
            .map(|who| self.breakers.gate(&who, now))
            .any(|gate| !matches!(gate, Gate::Closed | Gate::Ramp { .. }))
        {
            return backoff::wait(1, asked, true);
        }
        let within = self.budgets.entry(link.clone()).or_default().spend();
        backoff::wait(tries, asked, within)
    }

    fn asked_by(&self, link: &LinkId) -> Vec<Who> {
        let origins = self.known.links.get(link).map(|traits| traits.origins.as_slice()).unwrap_or_default();
        origins.iter().cloned().map(Who::Origin).chain([Who::Link(link.clone())]).collect()
    }
}

#[cfg(test)]
mod tests;
