//! Asking about jobs, and what a person may do to them.

use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use super::{
    Sqlite, accept, damage,
    ending::{self, End},
    line,
    row::{self, Id, JOB},
};
use crate::{
    id::LinkId,
    store::{
        Accepted, Answer, At, Attempt, Filter, Job, JobId, Jobs, NewJob, Page, Retried, Sealed, State, StoreError,
        job::PAGE_MAX,
    },
};

impl Jobs for Sqlite {
    fn accept(&self, now: At, jobs: Vec<NewJob>) -> Answer<'_, Vec<Accepted>> {
        self.write(move |tx| accept::accept(tx.db, now, jobs))
    }

    fn job(&self, id: JobId) -> Answer<'_, Option<Job>> {
        self.read(move |db| find(db, id))
    }

    fn attempts(&self, id: JobId) -> Answer<'_, Vec<Attempt>> {
        self.read(move |db| attempts(db, id))
    }

    fn payload(&self, id: JobId) -> Answer<'_, Option<Sealed>> {
        self.read(move |db| sealed(db, id, "SELECT sealed FROM payload JOIN job ON seq = payload.job WHERE id = ?1"))
    }

    fn result(&self, id: JobId) -> Answer<'_, Option<Sealed>> {
        self.read(move |db| sealed(db, id, "SELECT sealed FROM result JOIN job ON seq = result.job WHERE id = ?1"))
    }

    fn list(&self, filter: Filter, after: i64, jobs_max: usize) -> Answer<'_, Page> {
        self.read(move |db| list(db, &filter, after, jobs_max.clamp(1, PAGE_MAX)))
    }

    fn counts(&self) -> Answer<'_, Vec<(LinkId, State, u64)>> {
        self.read(|db| {
            db.prepare_cached("SELECT link, state, jobs FROM tally WHERE jobs > 0 ORDER BY link, state")?
                .query_map([], |found| {
                    Ok((row::link(found, "link")?, found.get("state")?, found.get::<_, i64>("jobs")?.unsigned_abs()))
                })?
                .map(|found| found.map_err(StoreError::from))
                // A job whose link is no name: the log has said so when it was set aside.
                .filter(|found| !matches!(found, Err(StoreError::Data(_))))
                .collect()
        })
    }

    fn oldest(&self) -> Answer<'_, Vec<(LinkId, At)>> {
        self.read(|db| {
            db.prepare_cached(OLDEST)?
                .query_map([], |found| Ok((row::link(found, "link")?, found.get("accepted")?)))?
                .map(|found| found.map_err(StoreError::from))
                .filter(|found| !matches!(found, Err(StoreError::Data(_))))
                .collect()
        })
    }

    fn retry(&self, now: At, id: JobId, parks_at: Option<At>) -> Answer<'_, Retried> {
        self.write(move |tx| retry(tx.db, now, id, parks_at))
    }

    fn cancel(&self, now: At, id: JobId) -> Answer<'_, ()> {
        self.write(move |tx| {
            let job = find(tx.db, id)?.ok_or(StoreError::NotFound)?;
            match job.stage.state() {
                State::Queued | State::Failed | State::Parked | State::Unknown => {
                    ending::end(tx.db, now, &job, End::Cancelled)
                }
                state => Err(StoreError::State(state)),
            }
        })
    }
}

/// Of each link that has queued jobs, when the one was accepted that was so first.
pub(super) const OLDEST: &str = "SELECT link, (SELECT accepted FROM job INDEXED BY job_link
        WHERE job.link = tally.link AND job.state = 'queued' ORDER BY seq LIMIT 1) AS accepted
    FROM tally WHERE state = 'queued' AND jobs > 0 ORDER BY link";

/// One job by its name.
pub(super) fn find(db: &Connection, id: JobId) -> Result<Option<Job>, StoreError> {
    let mut query = db.prepare_cached(&format!("SELECT {JOB} FROM job WHERE id = ?1"))?;
    Ok(query.query_row([id], row::job).optional()?)
}

fn sealed(db: &Connection, id: JobId, sql: &str) -> Result<Option<Sealed>, StoreError> {
    Ok(db.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?)
}

fn attempts(db: &Connection, id: JobId) -> Result<Vec<Attempt>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT n, started, ended, attempt.class, attempt.outcome, attempt.code, attempt.message
            FROM attempt JOIN job ON job.seq = attempt.job WHERE job.id = ?1 ORDER BY n DESC LIMIT ?2",
    )?;
    let attempt = |found: &rusqlite::Row<'_>| {
        let (n, started, ended) = (found.get("n")?, found.get("started")?, found.get("ended")?);
        Ok(Attempt { n, started, ended, report: row::report(found)? })
    };
    let mut last: Vec<_> =
        query.query_map(params![id, rows(PAGE_MAX)], attempt)?.collect::<Result<_, rusqlite::Error>>()?;
    last.reverse();
    Ok(last)
}

/// The jobs of one state, in the order of acceptance: a range of an index, of which all is wanted but for what an operation
/// leaves out.
pub(super) fn list_sql(filter: &Filter) -> String {
    let (index, lead) = match filter {
        Filter { batch: Some(_), .. } => ("job_batch", "batch = :batch"),
        Filter { link: Some(_), platform: Some(_), .. } => ("job_owner", "link = :link AND platform = :platform"),
        Filter { link: Some(_), .. } => ("job_link", "link = :link"),
        Filter { platform: Some(_), .. } => ("job_platform", "platform = :platform"),
        _ => ("job_state", "TRUE"),
    };
    format!(
        "SELECT {JOB} FROM job INDEXED BY {index}
            WHERE {lead} AND state = :state AND seq > :after
                AND (:batch IS NULL OR batch = :batch) AND (:link IS NULL OR link = :link)
                AND (:platform IS NULL OR platform = :platform) AND (:operation IS NULL OR operation = :operation)
            ORDER BY seq LIMIT :limit"
    )
}

/// The page is the first of what all states begin with. What is not understood is left out: it must not hide its neighbours,
/// and the log names it.
fn list(db: &Connection, filter: &Filter, after: i64, jobs_max: usize) -> Result<Page, StoreError> {
    let sql = list_sql(filter);
    let states = filter.state.as_ref().map_or(&State::ALL[..], std::slice::from_ref);
    let mut jobs: Vec<(i64, Option<Job>)> = Vec::new();
    for state in states {
        let found = damage::ask(
            db,
            &sql,
            named_params! {
                ":batch": filter.batch.map(Id), ":link": filter.link.as_deref(), ":state": state, ":after": after,
                ":platform": filter.platform.as_deref(), ":operation": filter.operation,
                // One more than asked for says whether there is a next page.
                ":limit": rows(jobs_max.saturating_add(1)),
            },
            |_| Ok(()),
        )?;
        for (seq, why) in &found.bad {
            tracing::error!(seq, %why, "a job is not understood and is left out of a list");
        }
        jobs.extend(found.bad.iter().map(|(seq, _)| (*seq, None)));
        jobs.extend(found.good.into_iter().map(|(job, ())| (job.seq, Some(job))));
    }
    jobs.sort_unstable_by_key(|(seq, _)| *seq);
    let more = jobs.len() > jobs_max;
    jobs.truncate(jobs_max);
    let next = jobs.last().filter(|_| more).map(|(seq, _)| *seq);
    Ok(Page { jobs: jobs.into_iter().filter_map(|(_, job)| job).collect(), next })
}

/// A bound as SQL wants it.
pub(super) fn rows(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

fn retry(db: &Connection, now: At, id: JobId, parks_at: Option<At>) -> Result<Retried, StoreError> {
    let job = find(db, id)?.ok_or(StoreError::NotFound)?;
    match job.stage.state() {
        State::Queued => {}
        State::Failed | State::Parked | State::Unknown => {
            if let Some(by) = line::newer(db, &job)? {
                ending::end(db, now, &job, End::Superseded(by))?;
                return Ok(Retried::Superseded(by));
            }
        }
        state => return Err(StoreError::State(state)),
    }
    if !ending::keep_until(db, job.seq, None)? {
        return Err(StoreError::Gone);
    }
    db.prepare_cached("UPDATE job SET tries = 0, parks_at = ?2 WHERE seq = ?1")?.execute(params![job.seq, parks_at])?;
    ending::requeue(db, now, &job, now)?;
    Ok(Retried::Queued)
}
