//! The end of an attempt: by its worker's verdict, fenced by the attempt's number, or because its lease is over.

use rusqlite::{Connection, params};

use super::{
    damage,
    ending::{self, End},
    jobs::{self, rows},
    line,
    row::JOB,
};
use crate::{
    failure::{Class, Outcome},
    store::{At, Expired, Expiry, Fate, Finish, Job, Repeat, Report, Sealed, Stage, State, StoreError, Verdict},
};

/// See [`crate::store::Leases::finish`].
pub(super) fn finish(db: &Connection, now: At, finish: Finish) -> Result<Fate, StoreError> {
    let job = jobs::find(db, finish.id)?.ok_or(StoreError::NotFound)?;
    if !matches!(job.stage, Stage::Sending { n, .. } if n == finish.n) {
        return Err(StoreError::Fenced);
    }
    let report = ending::close(db, now, &job, finish.n, finish.report)?;
    let end = match finish.verdict {
        Verdict::Retry { at } => return again(db, now, job, at, &report),
        Verdict::Done { result, result_until, payload_until } => {
            keep(db, job.seq, result, result_until, payload_until)?;
            End::Done
        }
        Verdict::Failed { payload_until } => {
            ending::keep_until(db, job.seq, payload_until)?;
            End::Failed
        }
        Verdict::Parked => End::Parked,
        Verdict::Unknown => End::Unknown,
    };
    ending::end(db, now, &job, end)?;
    Ok(Fate::AsAsked)
}

/// Back to the queue, unless a newer version waits there and this one has certainly had no effect.
fn again(db: &Connection, now: At, mut job: Job, at: At, report: &Report) -> Result<Fate, StoreError> {
    let unknown = report.outcome == Outcome::Unknown;
    if unknown && job.repeat == Repeat::Unsafe {
        return Err(StoreError::Constraint("an unsafe job of unknown effect is not tried again".into()));
    }
    job.doubt |= unknown;
    if !job.doubt
        && let Some(by) = line::successor(db, &job)?
    {
        ending::end(db, now, &job, End::Superseded(by))?;
        return Ok(Fate::Superseded(by));
    }
    ending::requeue(db, now, &job, at)?;
    Ok(Fate::AsAsked)
}

fn keep(
    db: &Connection,
    seq: i64,
    result: Option<Sealed>,
    result_until: Option<At>,
    payload_until: Option<At>,
) -> Result<(), StoreError> {
    if let Some(result) = result {
        db.prepare_cached("INSERT OR REPLACE INTO result (job, sealed, until) VALUES (?1, ?2, ?3)")?
            .execute(params![seq, result, result_until])?;
    }
    match payload_until {
        Some(until) => ending::keep_until(db, seq, Some(until)).map(drop),
        None => ending::forget(db, seq),
    }
}

/// See [`crate::store::Leases::expire`].
pub(super) fn expire(db: &Connection, expiry: &Expiry) -> Result<Vec<Expired>, StoreError> {
    let until = if expiry.all { At(i64::MAX) } else { expiry.now };
    let sql = format!(
        "SELECT {JOB} FROM job INDEXED BY job_sending
            WHERE state = 'sending' AND lease_until <= ?1 ORDER BY lease_until LIMIT ?2"
    );
    let jobs_max = expiry.jobs_max.saturating_add(expiry.except.len());
    let mut over = damage::ask(db, &sql, params![until, rows(jobs_max)], |_| Ok(()))?;
    let parked = over.set_aside(db, expiry.now)?.into_iter().map(|id| Expired { id, state: State::Parked });
    let mut expired: Vec<Expired> = parked.collect();
    over.good.retain(|(job, ())| !expiry.except.contains(&job.id));
    for (job, ()) in over.good.iter().take(expiry.jobs_max) {
        expired.push(give_up(db, expiry, job)?);
    }
    Ok(expired)
}

fn give_up(db: &Connection, expiry: &Expiry, job: &Job) -> Result<Expired, StoreError> {
    let report = Report {
        class: Some(Class::Internal),
        outcome: Outcome::Unknown,
        upstream_code: None,
        message: Some("the attempt was not ended within its time; the host may have stopped".into()),
    };
    ending::close(db, expiry.now, job, job.attempts, report)?;
    let state = match job.repeat {
        Repeat::Safe if job.tries < expiry.tries_max => {
            ending::requeue(db, expiry.now, job, expiry.now)?;
            State::Queued
        }
        Repeat::Safe => {
            ending::end(db, expiry.now, job, End::Parked)?;
            State::Parked
        }
        Repeat::Unsafe => {
            ending::end(db, expiry.now, job, End::Unknown)?;
            State::Unknown
        }
    };
    Ok(Expired { id: job.id, state })
}
