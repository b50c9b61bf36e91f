//! Taking jobs in: idempotency, supersede and coalesce, the row and its payload, all in the caller's one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    damage,
    ending::{self, End},
    line,
    row::{Id, JOB},
};
use crate::store::{
    Accepted, At, Digest, Fold, Idempotency, Job, JobId, Merge, NewJob, Newer, Place, Repeat, Sealed, StoreError,
    job::ACCEPT_MAX,
};

/// Waiting jobs of a line that one new job ends. There are more only where folds failed or a policy has changed.
const ROOM_STEP: usize = 64;

/// See [`crate::store::Jobs::accept`].
pub(super) fn accept(db: &Connection, now: At, jobs: Vec<NewJob>) -> Result<Vec<Accepted>, StoreError> {
    bounded(jobs.len())?;
    jobs.into_iter().map(|job| Ok(one(db, now, job, None)?.0)).collect()
}

/// Refuses more than one transaction should hold.
pub(super) fn bounded(given: usize) -> Result<(), StoreError> {
    if given > ACCEPT_MAX { Err(StoreError::TooMany { given, max: ACCEPT_MAX }) } else { Ok(()) }
}

/// Takes one job in; the number is that of the job that the answer is about.
pub(super) fn one(
    db: &Connection,
    now: At,
    mut job: NewJob,
    place: Option<Place>,
) -> Result<(Accepted, i64), StoreError> {
    if let Some(given) = &job.idempotency
        && let Some(earlier) = earlier(db, now, &job, given)?
    {
        return Ok(earlier);
    }
    let superseded = make_room(db, now, &mut job)?;
    let newer = match job.newer {
        Newer::Keep => "keep",
        Newer::Supersede => "supersede",
        Newer::Coalesce(_) => "coalesce",
    };
    db.prepare_cached(
        "INSERT INTO job (id, link, connector, operation, platform, key, safe, newer, body, state, blocked, next_at,
                parks_at, accepted, updated, batch, row, callback, request_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'queued', ?10, ?11, ?12, ?13, ?13, ?14, ?15, ?16, ?17)",
    )?
    .execute(params![
        job.id,
        &*job.link,
        &*job.connector,
        job.operation,
        &*job.platform,
        job.key,
        job.repeat == Repeat::Safe,
        newer,
        job.body,
        job.key.is_some(),
        job.due,
        job.parks_at,
        now,
        place.map(|place| Id(place.batch)),
        place.map(|place| place.row),
        job.callback,
        job.request_id,
    ])?;
    let seq = db.last_insert_rowid();
    db.prepare_cached("INSERT INTO payload (job, sealed) VALUES (?1, ?2)")?.execute(params![seq, job.payload])?;
    if let Some(given) = job.idempotency {
        // In the place of one that is over its time and has not been purged yet.
        db.prepare_cached(
            "INSERT OR REPLACE INTO idempotency (platform, key, body, job, until) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![&*job.platform, given.key, given.body, seq, given.until])?;
    }
    line::settle(db, &job.link, job.key)?;
    Ok((Accepted::New { seq, superseded }, seq))
}

/// Was this key used before?
fn earlier(db: &Connection, now: At, job: &NewJob, given: &Idempotency) -> Result<Option<(Accepted, i64)>, StoreError> {
    let found = db
        .prepare_cached(
            "SELECT idempotency.body, job.id, job.seq FROM idempotency JOIN job ON job.seq = idempotency.job
                WHERE idempotency.platform = ?1 AND idempotency.key = ?2
                    AND (idempotency.until > ?3 OR job.state IN ('queued', 'sending', 'parked', 'unknown'))",
        )?
        .query_row(params![&*job.platform, given.key, now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    Ok(found.map(|(body, id, seq): (Digest, JobId, i64)| {
        (if body == given.body { Accepted::Replay(id) } else { Accepted::Conflict(id) }, seq)
    }))
}

/// Ends the earlier jobs of the line that wait and have certainly had no effect, as the new one's policy says.
fn make_room(db: &Connection, now: At, job: &mut NewJob) -> Result<Vec<JobId>, StoreError> {
    let (Some(key), false) = (job.key, matches!(job.newer, Newer::Keep)) else { return Ok(Vec::new()) };
    let waiting = damage::ask(
        db,
        &format!(
            "SELECT {JOB}, payload.sealed FROM job INDEXED BY job_line LEFT JOIN payload ON payload.job = job.seq
                WHERE link = ?1 AND key = ?2 AND state = 'queued'
                ORDER BY seq DESC LIMIT {ROOM_STEP}"
        ),
        params![&*job.link, key],
        |found| found.get::<_, Option<Sealed>>("sealed"),
    )?;
    // What is not understood is set aside when its turn comes.
    let unread = waiting.bad.iter().map(|(seq, _)| *seq).max();
    let mut superseded = Vec::with_capacity(waiting.good.len());
    // From the last one back: folded in this order, each is older than what it is folded into.
    for (old, payload) in waiting.good {
        // What another operation waits behind stays before it, and so does what one that is not understood does.
        if old.operation != job.operation || unread.is_some_and(|unread| old.seq < unread) {
            break;
        }
        if old.doubt {
            continue;
        }
        if let Newer::Coalesce(merge) = &job.newer {
            let Some(merged) = payload.and_then(|payload| fold(merge, &old, &payload, job)) else { break };
            (job.payload, job.body) = merged;
        }
        ending::end(db, now, &old, End::Superseded(job.id))?;
        superseded.push(old.id);
    }
    superseded.reverse();
    Ok(superseded)
}

/// A fold that fails or panics is none: both jobs are sent, and no sum is lost.
fn fold(merge: &Merge, old: &Job, old_payload: &Sealed, new: &NewJob) -> Option<(Sealed, Digest)> {
    let fold = Fold { old: old.id, old_payload, new: new.id, new_payload: &new.payload };
    let merged = catch_unwind(AssertUnwindSafe(|| merge(fold))).ok().flatten();
    if merged.is_none() {
        tracing::warn!(job = %old.id, "a waiting job could not be folded into its successor; both are sent");
    }
    merged.map(|merged| (merged.payload, merged.body))
}
