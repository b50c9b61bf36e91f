//! The worker: leases what may be sent now, starts an attempt for each, and sleeps until something changes. One loop over
//! closed events; it holds nothing that is not in the store, so it may die at any moment. Only a store that is broken ends
//! it before it is told to: whatever else goes wrong is logged, and tried again.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{Instant as Moment, sleep_until},
};

use super::{Push, attempt, now, place::Place, traffic::Plan};
use crate::{
    failpoint,
    link::INFLIGHT_DEFAULT,
    shutdown::Drain,
    store::{At, Due, Expiry, JobId, LeaseAsk, Leased, StoreError, Taken},
};

/// Longer than the longest deadline of a link (`link/spec.rs`) with its waits: a lease that is over was forgotten.
const LEASE: Duration = Duration::from_secs(900);
/// A record with which the host died so often is parked, lest it take the host down for ever.
const CRASHES_MAX: u32 = 5;
/// Jobs in one step of what is done to many.
const STEP: usize = 1000;
/// How long the worker sleeps at the most: should it ever miss an event, this bounds the harm.
const NAP: Duration = Duration::from_secs(5);
/// How long after something went wrong that is no fault of the disk.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// Works until told to stop, then waits for the attempts that are under way. Whoever gives up waiting leaves them marked
/// as being sent, which they may have been.
pub(crate) async fn run(push: Arc<Push>, mut drain: Drain) {
    let mut worker = Worker { push, attempts: Attempts::default(), recovered: false };
    while !drain.begun() {
        let next = match worker.turn().await {
            Ok(next) => next,
            Err(error @ StoreError::Broken(_)) => {
                tracing::error!(%error, "the queue stands still: the store has failed");
                return;
            }
            Err(error) => {
                tracing::error!(%error, "the queue could not go on; it tries again");
                tokio::select! {
                    () = drain.wait() => {}
                    () = tokio::time::sleep(AFTER_ERROR) => {}
                }
                continue;
            }
        };
        worker.sleep(next, &mut drain).await;
    }
    while worker.attempts.next().await {}
    tracing::info!("the queue stands still");
}

struct Worker {
    push: Arc<Push>,
    attempts: Attempts,
    /// Has what an earlier process left under way been given up?
    recovered: bool,
}

impl Worker {
    /// Does what can be done now; until when there is nothing to do unless something happens.
    async fn turn(&mut self) -> Result<Moment, StoreError> {
        self.attempts.reap();
        if !self.recovered {
            // No other process can have one: the store is locked.
            self.expire(true).await?;
            self.recovered = true;
        }
        let now = now();
        let plan = self.push.traffic.lock().plan(&self.push.dispatcher.table(), Instant::now());
        let (wake, idle) = (plan.next, plan.idle());
        self.lease(now, plan).await?;
        let due = self.push.store.next_due(now, idle).await?;
        let mut changed = false;
        if due.lease.is_some_and(|at| at <= now) {
            changed |= self.expire(false).await?;
        }
        if due.age.is_some_and(|at| at <= now) {
            changed |= self.park_aged(now).await?;
        }
        let nap = Moment::now() + if changed { Duration::ZERO } else { NAP };
        Ok([wake.map(Moment::from_std), timer(&due, now)].into_iter().flatten().fold(nap, Moment::min))
    }

    /// Until then, or until something changes.
    async fn sleep(&mut self, until: Moment, drain: &mut Drain) {
        tokio::select! {
            () = drain.wait() => {}
            () = self.push.wake.notified() => {}
            () = self.push.dispatcher.changed() => {}
            true = self.attempts.next() => {}
            () = sleep_until(until) => {}
        }
    }

    /// Begins what may begin: first of all links, then one record for each upstream of which somebody is to find out.
    async fn lease(&mut self, now: At, plan: Plan) -> Result<(), StoreError> {
        let ask = LeaseAsk {
            lease: LEASE,
            jobs_max: self.room(),
            inflight: INFLIGHT_DEFAULT,
            inflight_of: plan.inflight_of.clone(),
            excluded: plan.excluded,
            only: None,
        };
        self.take(now, ask).await?;
        for (_, links) in plan.probes {
            if links.is_empty() {
                continue;
            }
            let ask = LeaseAsk {
                lease: LEASE,
                jobs_max: self.room().min(1),
                inflight: INFLIGHT_DEFAULT,
                inflight_of: plan.inflight_of.clone(),
                only: Some(links),
                ..LeaseAsk::default()
            };
            self.take(now, ask).await?;
        }
        Ok(())
    }

    /// Attempts that may be begun besides those under way.
    fn room(&self) -> usize {
        self.push.inflight.saturating_sub(self.attempts.of.len())
    }

    /// What is leased is begun before anything else is asked for: an error in between must not leave it lying.
    async fn take(&mut self, now: At, ask: LeaseAsk) -> Result<(), StoreError> {
        if ask.jobs_max == 0 {
            return Ok(());
        }
        let Taken { leased, parked } = self.push.store.lease(now, ask).await?;
        if !leased.is_empty() {
            failpoint::pass("push.leased");
        }
        for leased in leased {
            self.attempts.begin(&self.push, leased);
        }
        parked.into_iter().for_each(|job| self.push.ended(job));
        Ok(())
    }

    /// Gives up what is over its time and not under way here: a clock that is set forward must not have a record sent a
    /// second time beside the first. True if there was any.
    async fn expire(&self, all: bool) -> Result<bool, StoreError> {
        let mut any = false;
        loop {
            let except = self.attempts.of.values().copied().collect();
            let expiry = Expiry { now: now(), all, except, tries_max: CRASHES_MAX, jobs_max: STEP };
            let expired = self.push.store.expire(expiry).await?;
            for expired in &expired {
                tracing::warn!(job = %expired.id, to = expired.state.as_str(), "an attempt was never ended; whether it was sent is not known");
                self.push.ended(expired.id);
            }
            any |= !expired.is_empty();
            if expired.len() < STEP {
                return Ok(any);
            }
        }
    }

    /// Parks what has waited for too long. True if there was any.
    async fn park_aged(&self, now: At) -> Result<bool, StoreError> {
        let mut any = false;
        loop {
            let aged = self.push.store.park_aged(now, STEP).await?;
            any |= !aged.is_empty();
            let last = aged.len() < STEP;
            aged.into_iter().for_each(|job| self.push.ended(job));
            if last {
                return Ok(any);
            }
        }
    }
}

/// When the store has something to do that it had not yet. What was due before waits for a place, a token or somebody.
fn timer(due: &Due, now: At) -> Option<Moment> {
    let next = [due.job, due.lease, due.age].into_iter().flatten().filter(|at| *at > now).min()?;
    Some(Moment::now() + left(next))
}

fn left(at: At) -> Duration {
    Duration::from_millis(u64::try_from(at.0.saturating_sub(now().0)).unwrap_or(0))
}

/// The attempts under way in this process.
#[derive(Default)]
struct Attempts {
    tasks: JoinSet<()>,
    of: HashMap<Id, JobId>,
}

impl Attempts {
    fn begin(&mut self, push: &Arc<Push>, leased: Leased) {
        let (job, place) = (leased.job.id, Place::take(push, &leased.job.link));
        let task = self.tasks.spawn(attempt::run(push.clone(), leased, place));
        self.of.insert(task.id(), job);
    }

    /// Waits until one has ended; false: there is none.
    async fn next(&mut self) -> bool {
        let joined = self.tasks.join_next_with_id().await;
        joined.is_some_and(|joined| self.ended(joined))
    }

    /// Forgets those that have ended.
    fn reap(&mut self) {
        while let Some(joined) = self.tasks.try_join_next_with_id() {
            self.ended(joined);
        }
    }

    fn ended(&mut self, joined: Result<(Id, ()), JoinError>) -> bool {
        let id = match joined {
            Ok((id, ())) => id,
            Err(error) => {
                // Its lease ends, and then its record is told of.
                tracing::error!(%error, "an attempt ended badly");
                error.id()
            }
        };
        self.of.remove(&id);
        true
    }
}

#[cfg(test)]
mod tests;
