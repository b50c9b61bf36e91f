//! How a job leaves a state: one function to an end, one back to the queue. Row, line, payload and event go together.

use rusqlite::{Connection, params};

use super::{line, row};
use crate::store::{At, Job, JobId, Report, State, StoreError};

/// An end.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// See [`State::Done`].
    Done,
    /// See [`State::Failed`].
    Failed,
    /// See [`State::Parked`].
    Parked,
    /// See [`State::Unknown`].
    Unknown,
    /// See [`State::Superseded`].
    Superseded(JobId),
    /// See [`State::Cancelled`].
    Cancelled,
}

impl End {
    fn state(self) -> (State, Option<JobId>) {
        match self {
            Self::Done => (State::Done, None),
            Self::Failed => (State::Failed, None),
            Self::Parked => (State::Parked, None),
            Self::Unknown => (State::Unknown, None),
            Self::Superseded(by) => (State::Superseded, Some(by)),
            Self::Cancelled => (State::Cancelled, None),
        }
    }
}

/// Brings a job to an end, lets the next of its line go, and tells its platform if it wants to hear of it. The payload of
/// what will never be sent is gone.
pub(super) fn end(db: &Connection, now: At, job: &Job, end: End) -> Result<(), StoreError> {
    let (state, by) = end.state();
    db.prepare_cached(
        "UPDATE job SET state = ?2, superseded_by = ?3, blocked = 0, lease_until = NULL, updated = ?4, finished = ?4
            WHERE seq = ?1",
    )?
    .execute(params![job.seq, state, by, now])?;
    if matches!(end, End::Superseded(_) | End::Cancelled) {
        forget(db, job.seq)?;
    }
    if job.callback {
        db.prepare_cached(
            "INSERT INTO event (job, platform, came_to, at, state, next_at, updated)
                VALUES (?1, ?2, ?3, ?4, 'queued', ?4, ?4)",
        )?
        .execute(params![job.seq, &*job.platform, state, now])?;
    }
    line::settle(db, &job.link, job.key)
}

/// Queues a job again, not before `due`, at its place in its line.
pub(super) fn requeue(db: &Connection, now: At, job: &Job, due: At) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE job SET state = 'queued', next_at = ?2, lease_until = NULL, finished = NULL, updated = ?3 WHERE seq = ?1",
    )?
    .execute(params![job.seq, due, now])?;
    line::rejoin(db, job)
}

/// Writes down how the job's last attempt ended, or why it is where it is.
pub(super) fn note(db: &Connection, job: &Job, report: &Report) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE job SET class = ?2, outcome = ?3, code = ?4, message = ?5, doubt = doubt OR ?3 = 'unknown' WHERE seq = ?1",
    )?
    .execute(params![
        job.seq,
        report.class.map(|class| class.as_str()),
        report.outcome.as_str(),
        report.upstream_code,
        report.message
    ])?;
    Ok(())
}

/// Writes down how an attempt ended, on it and on its job.
pub(super) fn close(db: &Connection, now: At, job: &Job, n: u32, report: Report) -> Result<Report, StoreError> {
    let report = row::bounded(report);
    db.prepare_cached(
        "UPDATE attempt SET ended = ?3, class = ?4, outcome = ?5, code = ?6, message = ?7 WHERE job = ?1 AND n = ?2",
    )?
    .execute(params![
        job.seq,
        n,
        now,
        report.class.map(|class| class.as_str()),
        report.outcome.as_str(),
        report.upstream_code,
        report.message
    ])?;
    note(db, job, &report)?;
    Ok(report)
}

/// The payload goes then; none: it stays. False, if it is gone already.
pub(super) fn keep_until(db: &Connection, seq: i64, until: Option<At>) -> Result<bool, StoreError> {
    Ok(db.prepare_cached("UPDATE payload SET until = ?2 WHERE job = ?1")?.execute(params![seq, until])? > 0)
}

/// The payload is gone.
pub(super) fn forget(db: &Connection, seq: i64) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM payload WHERE job = ?1")?.execute([seq])?;
    Ok(())
}
