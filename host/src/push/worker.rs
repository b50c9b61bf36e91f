//! The worker: leases what may be sent now, starts an attempt for each, and sleeps until something changes. One loop over
//! closed events; it holds nothing that is not in the store, so it may die at any moment.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep_until};

use super::{Push, attempt, now, traffic::Plan};
use crate::{
    failpoint,
    link::INFLIGHT_DEFAULT,
    shutdown::Drain,
    store::{At, Due, Expiry, LeaseAsk, Leased, StoreError},
};

/// Longer than the longest deadline of a link (`link/spec.rs`) with its waits: a lease that is over was forgotten.
const LEASE: Duration = Duration::from_secs(900);
/// A record with which the host died so often is parked, lest it take the host down for ever.
const CRASHES_MAX: u32 = 5;
/// Jobs in one step of what is done to many.
const STEP: usize = 1000;
/// How long the worker sleeps at the most: should it ever miss an event, this bounds the harm.
const NAP: Duration = Duration::from_secs(5);

/// Works until told to stop, then waits for the attempts that are under way. Whoever gives up waiting leaves them marked
/// as being sent, which they may have been.
pub(crate) async fn run(push: Arc<Push>, drain: Drain) {
    match work(&push, drain).await {
        Ok(()) => tracing::info!("the queue stands still"),
        Err(error) => tracing::error!(%error, "the queue stands still: the store has failed"),
    }
}

async fn work(push: &Arc<Push>, mut drain: Drain) -> Result<(), StoreError> {
    // No other process can have one: the store is locked.
    expire(push, true).await?;
    let mut attempts = JoinSet::new();
    while !drain.begun() {
        while attempts.try_join_next().is_some() {}
        let plan = push.traffic.lock().plan(&push.dispatcher.table(), Instant::now());
        let now = now();
        let wake = plan.next;
        let excluded = plan.excluded.clone();
        for leased in lease(push, now, plan, push.inflight.saturating_sub(attempts.len())).await? {
            attempts.spawn(attempt::run(push.clone(), leased));
        }
        let due = push.store.next_due(excluded).await?;
        if due.lease.is_some_and(|at| at <= now) {
            expire(push, false).await?;
            continue;
        }
        if due.age.is_some_and(|at| at <= now) {
            for job in push.store.park_aged(now, STEP).await? {
                push.ended(job);
            }
            continue;
        }
        let next = [wake.map(tokio::time::Instant::from_std), timer(&due, now)].into_iter().flatten().min();
        let nap = tokio::time::Instant::now() + NAP;
        tokio::select! {
            () = drain.wait() => {}
            () = push.wake.notified() => {}
            () = push.dispatcher.changed() => {}
            Some(_) = attempts.join_next() => {}
            () = sleep_until(next.unwrap_or(nap).min(nap)) => {}
        }
    }
    while attempts.join_next().await.is_some() {}
    Ok(())
}

/// When the store has something to do that it had not yet. What was due before waits for a place, a token or somebody.
fn timer(due: &Due, now: At) -> Option<tokio::time::Instant> {
    let next = [due.job, due.lease, due.age].into_iter().flatten().filter(|at| *at > now).min()?;
    Some(tokio::time::Instant::now() + left(next))
}

fn left(at: At) -> Duration {
    Duration::from_millis(u64::try_from(at.0.saturating_sub(now().0)).unwrap_or(0))
}

async fn lease(push: &Push, now: At, plan: Plan, free: usize) -> Result<Vec<Leased>, StoreError> {
    let mut all = Vec::new();
    if free == 0 {
        return Ok(all);
    }
    let ask = LeaseAsk {
        lease: LEASE,
        jobs_max: free,
        inflight: INFLIGHT_DEFAULT,
        inflight_of: plan.inflight_of.clone(),
        excluded: plan.excluded,
        only: None,
    };
    all.append(&mut begin(push, push.store.lease(now, ask).await?));
    for (_, links) in plan.probes {
        if links.is_empty() || all.len() >= free {
            continue;
        }
        let ask = LeaseAsk {
            lease: LEASE,
            jobs_max: 1,
            inflight: INFLIGHT_DEFAULT,
            inflight_of: plan.inflight_of.clone(),
            only: Some(links),
            ..LeaseAsk::default()
        };
        all.append(&mut begin(push, push.store.lease(now, ask).await?));
    }
    if !all.is_empty() {
        failpoint::pass("push.leased");
    }
    Ok(all)
}

fn begin(push: &Push, leased: Vec<Leased>) -> Vec<Leased> {
    let mut traffic = push.traffic.lock();
    for leased in &leased {
        traffic.begin(&leased.job.link, Instant::now());
    }
    leased
}

async fn expire(push: &Push, all: bool) -> Result<(), StoreError> {
    loop {
        let expiry = Expiry { now: now(), all, tries_max: CRASHES_MAX, jobs_max: STEP };
        let expired = push.store.expire(expiry).await?;
        for expired in &expired {
            tracing::warn!(job = %expired.id, to = expired.state.as_str(), "an attempt was never ended; whether it was sent is not known");
            push.ended(expired.id);
        }
        if expired.len() < STEP {
            return Ok(());
        }
    }
}
