//! Rows of jobs that no type allows: damage, or the work of a later version. One such row costs itself alone: it is set
//! aside as parked, for a person to look at, and all others go on.

use rusqlite::{Connection, Params, Row, params};

use super::{line, row};
use crate::{
    failure::{Class, Outcome},
    store::{At, Digest, Job, JobId, StoreError},
};

/// What a question for rows with [`row::JOB`] and perhaps more has found.
pub(super) struct Found<T> {
    /// Those that are understood.
    pub(super) good: Vec<(Job, T)>,
    /// The place in the order of acceptance of each that is not, and why.
    pub(super) bad: Vec<(i64, StoreError)>,
}

impl<T> Found<T> {
    /// Was there nothing?
    pub(super) fn is_empty(&self) -> bool {
        self.good.is_empty() && self.bad.is_empty()
    }

    /// Sets aside what is not understood; the jobs that this has ended, as far as they have a name.
    pub(super) fn set_aside(&self, db: &Connection, now: At) -> Result<Vec<JobId>, StoreError> {
        self.bad.iter().filter_map(|(seq, why)| set_aside(db, now, *seq, why).transpose()).collect()
    }
}

/// Asks for jobs, and with each for something more.
pub(super) fn ask<T>(
    db: &Connection,
    sql: &str,
    given: impl Params,
    more: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Found<T>, StoreError> {
    let mut found = Found { good: Vec::new(), bad: Vec::new() };
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(given)?;
    while let Some(row) = rows.next()? {
        match row::job(row).and_then(|job| Ok((job, more(row)?))).map_err(StoreError::from) {
            Ok(good) => found.good.push(good),
            Err(why @ StoreError::Data(_)) => found.bad.push((row.get("seq")?, why)),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Gives every column of a row a value of its type, whatever is in it: where a bit has turned a text into bytes, no change
/// of the row is taken. What cannot be kept is left empty.
const MEND: &str = "UPDATE job SET link = CAST(link AS TEXT), connector = CAST(connector AS TEXT),
        operation = CAST(operation AS TEXT), platform = CAST(platform AS TEXT), request_id = CAST(request_id AS TEXT),
        id = iif(typeof(id) = 'blob' AND length(id) = 16, id, randomblob(16)),
        key = iif(typeof(key) = 'blob' AND length(key) = 32, key, NULL),
        body = iif(typeof(body) = 'blob' AND length(body) = 32, body, zeroblob(32)),
        batch = iif(typeof(batch) = 'blob', batch, NULL), row = CAST(row AS INTEGER),
        newer = 'keep', state = 'parked', superseded_by = NULL, lease_until = NULL, parks_at = NULL, blocked = 0,
        safe = CAST(safe AS INTEGER), attempts = CAST(attempts AS INTEGER), tries = CAST(tries AS INTEGER), doubt = 1,
        next_at = CAST(next_at AS INTEGER), accepted = CAST(accepted AS INTEGER), callback = CAST(callback AS INTEGER),
        updated = ?2, finished = ?2, class = NULL, outcome = NULL, code = NULL, message = NULL
    WHERE seq = ?1";

/// Parks a job that waits or is under way, whatever its row says; no event tells of it, since what it would say is not
/// understood either.
fn set_aside(db: &Connection, now: At, seq: i64, why: &StoreError) -> Result<Option<JobId>, StoreError> {
    let parked = park(db, now, seq);
    if let Err(StoreError::Constraint(_)) = parked {
        db.execute(MEND, params![seq, now])?;
        park(db, now, seq)?;
    } else {
        parked?;
    }
    let mut query = db.prepare_cached("SELECT id, link, key FROM job WHERE seq = ?1")?;
    let line =
        |row: &Row<'_>| -> rusqlite::Result<(String, Option<Digest>)> { Ok((row.get("link")?, row.get("key")?)) };
    let (id, line) = query.query_row([seq], |row| Ok((row.get::<_, JobId>("id").ok(), line(row))))?;
    if let Ok((link, key)) = line {
        line::settle(db, &link, key)?;
    }
    let job = id.map(|id| id.to_string()).unwrap_or_default();
    tracing::error!(seq, job, %why, "a job is not understood and was set aside; all others go on");
    Ok(id)
}

fn park(db: &Connection, now: At, seq: i64) -> Result<(), StoreError> {
    let (outcome, unknown) = (Outcome::NotSent.as_str(), Outcome::Unknown.as_str());
    db.prepare_cached(
        "UPDATE job SET doubt = doubt OR state = 'sending', outcome = iif(doubt OR state = 'sending', ?3, ?2), class = ?4,
                code = NULL, message = 'what the store holds of it is not understood', state = 'parked', blocked = 0,
                lease_until = NULL, updated = ?5, finished = ?5
            WHERE seq = ?1",
    )?
    .execute(params![seq, outcome, unknown, Class::Internal.as_str(), now])?;
    Ok(())
}
