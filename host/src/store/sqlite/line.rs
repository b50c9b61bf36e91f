//! Lines: the jobs of one link and key, of which one at a time may be sent, in the order of acceptance.
//!
//! Held as a mark on each job rather than looked up at every lease: of a line, no queued job is free while one is sending;
//! otherwise the first one is, and only that. Every function here costs a few index look-ups however long the line is.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::store::{Digest, Job, JobId, StoreError};

/// Frees the job whose turn it is. To be called when a job has joined a line or left it.
pub(super) fn settle(db: &Connection, link: &str, key: Option<Digest>) -> Result<(), StoreError> {
    let Some(key) = key else { return Ok(()) };
    db.prepare_cached(
        "UPDATE job SET blocked = 0 WHERE blocked = 1
            AND seq = (SELECT seq FROM job INDEXED BY job_line
                WHERE link = ?1 AND key = ?2 AND state = 'queued' ORDER BY seq LIMIT 1)
            AND NOT EXISTS (SELECT 1 FROM job INDEXED BY job_line
                WHERE link = ?1 AND key = ?2 AND state = 'sending')",
    )?
    .execute(params![link, key])?;
    Ok(())
}

/// The same for a job that is queued again, at its old place: if that is the first, the one that was first waits.
pub(super) fn rejoin(db: &Connection, job: &Job) -> Result<(), StoreError> {
    let Some(key) = job.key else { return Ok(()) };
    db.prepare_cached(
        "UPDATE job SET blocked = 1 WHERE seq = ?3 OR seq = (SELECT seq FROM job INDEXED BY job_line
            WHERE link = ?1 AND key = ?2 AND state = 'queued' AND seq > ?3 ORDER BY seq LIMIT 1)",
    )?
    .execute(params![&*job.link, key, job.seq])?;
    settle(db, &job.link, Some(key))
}

/// The next job of its line that waits, if it takes the place of this one. Another operation that waits in between may build
/// on this one.
pub(super) fn successor(db: &Connection, job: &Job) -> Result<Option<JobId>, StoreError> {
    let Some(key) = job.key else { return Ok(None) };
    let next: Option<(JobId, bool)> = db
        .prepare_cached(
            "SELECT id, operation = ?4 AND newer = 'supersede' FROM job INDEXED BY job_line
                WHERE link = ?1 AND key = ?2 AND state = 'queued' AND seq > ?3 ORDER BY seq LIMIT 1",
        )?
        .query_row(params![&*job.link, key, job.seq, job.operation], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(next.and_then(|(id, takes_its_place)| takes_its_place.then_some(id)))
}

/// The last job of its operation accepted after this one that takes the place of earlier ones and waits or was sent.
pub(super) fn newer(db: &Connection, job: &Job) -> Result<Option<JobId>, StoreError> {
    let Some(key) = job.key else { return Ok(None) };
    Ok(db
        .prepare_cached(
            "SELECT id FROM job INDEXED BY job_newer
                WHERE link = ?1 AND key = ?2 AND operation = ?3 AND seq > ?4 AND newer = 'supersede'
                    AND state IN ('queued', 'sending', 'done')
                ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(params![&*job.link, key, job.operation, job.seq], |row| row.get(0))
        .optional()?)
}
