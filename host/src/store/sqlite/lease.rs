//! Which jobs may run now. Every look-up is a range of an index over what waits or runs, so jobs that are over cost nothing
//! however many there are.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    Sqlite, Tx,
    ending::{self, End},
    finish,
    jobs::rows,
    outbox,
    row::{self, JOB},
};
use crate::{
    failure::{Class, Outcome},
    id::LinkId,
    store::{
        Answer, At, Due, Expired, Expiry, Fate, Finish, Job, JobId, LeaseAsk, Leased, Leases, Report, Sealed, Stage,
        StoreError,
    },
};

/// Jobs over their age that one lease parks on its way.
const AGED_STEP: usize = 256;

impl Leases for Sqlite {
    fn lease(&self, now: At, ask: LeaseAsk) -> Answer<'_, Vec<Leased>> {
        self.write(move |tx| lease(tx, now, &ask))
    }

    fn finish(&self, now: At, finish: Finish) -> Answer<'_, Fate> {
        self.write(move |tx| finish::finish(tx.db, now, finish))
    }

    fn expire(&self, expiry: Expiry) -> Answer<'_, Vec<Expired>> {
        self.write(move |tx| finish::expire(tx.db, expiry))
    }

    fn park_aged(&self, now: At, jobs_max: usize) -> Answer<'_, Vec<JobId>> {
        self.write(move |tx| park_aged(tx.db, now, jobs_max))
    }

    fn next_due(&self, excluded: HashSet<LinkId>) -> Answer<'_, Due> {
        self.read(move |db| next_due(db, &excluded))
    }
}

/// The next link by name that has a free job, and when the first of them is due.
const NEXT_LINK: &str = "SELECT link, next_at FROM job INDEXED BY job_due
    WHERE state = 'queued' AND blocked = 0 AND link > ?1 ORDER BY link, next_at, seq LIMIT 1";

/// A link's free job that is due longest.
fn next_job() -> String {
    format!(
        "SELECT {JOB}, payload.sealed FROM job INDEXED BY job_due LEFT JOIN payload ON payload.job = job.seq
            WHERE job.state = 'queued' AND job.blocked = 0 AND job.link = ?1 AND job.next_at <= ?2
                AND (job.parks_at IS NULL OR job.parks_at > ?2)
            ORDER BY job.next_at, job.seq LIMIT 1"
    )
}

fn lease(tx: &mut Tx<'_>, now: At, ask: &LeaseAsk) -> Result<Vec<Leased>, StoreError> {
    park_aged(tx.db, now, AGED_STEP)?;
    let mut round = Round { db: tx.db, now, ask, held: held(tx.db)?, room: HashMap::new(), leased: Vec::new() };
    // One job of each link, beginning after the link that was served last; then again of those that had one.
    let (start, mut after, mut wrapped, mut circle) = (tx.turn.clone(), tx.turn.clone(), false, Vec::new());
    while !round.full() {
        match next_link(tx.db, &after)? {
            None if wrapped => break,
            None => (wrapped, after) = (true, String::new()),
            Some((link, _)) if wrapped && link > start => break,
            Some((link, due)) => {
                if due <= now && round.take(&link)? {
                    tx.turn.clone_from(&link);
                    circle.push(link.clone());
                }
                after = link;
            }
        }
    }
    while !round.full() && !circle.is_empty() {
        let mut again = Vec::with_capacity(circle.len());
        for link in circle {
            if !round.full() && round.take(&link)? {
                tx.turn.clone_from(&link);
                again.push(link);
            }
        }
        circle = again;
    }
    Ok(round.leased)
}

/// One lease under way.
struct Round<'a> {
    db: &'a Connection,
    now: At,
    ask: &'a LeaseAsk,
    held: HashSet<String>,
    /// Attempts that each link may still begin.
    room: HashMap<String, u32>,
    leased: Vec<Leased>,
}

impl Round<'_> {
    fn full(&self) -> bool {
        self.leased.len() >= self.ask.jobs_max
    }

    /// Leases one job of this link, if one may be.
    fn take(&mut self, link: &str) -> Result<bool, StoreError> {
        let asked = self.ask.only.as_ref().is_none_or(|only| only.contains(link));
        if !asked || self.held.contains(link) || self.ask.excluded.contains(link) {
            return Ok(false);
        }
        let room = match self.room.get(link) {
            Some(room) => *room,
            None => {
                let inflight = self.ask.inflight_of.get(link).copied().unwrap_or(self.ask.inflight);
                inflight.saturating_sub(sending(self.db, link)?)
            }
        };
        let leased = if room == 0 { None } else { self.mark(link)? };
        self.room.insert(link.to_owned(), room.saturating_sub(u32::from(leased.is_some())));
        let taken = leased.is_some();
        self.leased.extend(leased);
        Ok(taken)
    }

    fn mark(&self, link: &str) -> Result<Option<Leased>, StoreError> {
        loop {
            let found = self
                .db
                .prepare_cached(&next_job())?
                .query_row(params![link, self.now], |found| Ok((row::job(found)?, found.get("sealed")?)))
                .optional()?;
            let (mut job, payload): (Job, Option<Sealed>) = match found {
                Some(found) => found,
                None => return Ok(None),
            };
            let Some(payload) = payload else {
                // Damage, and no reason to hold up its neighbours.
                why(self.db, &job, "its payload is missing in the store")?;
                ending::end(self.db, self.now, &job, End::Parked)?;
                continue;
            };
            let (n, until) = (job.attempts.saturating_add(1), self.now.plus(self.ask.lease));
            self.db
                .prepare_cached(
                    "UPDATE job SET state = 'sending', attempts = ?2, tries = tries + 1, lease_until = ?3, updated = ?4
                        WHERE seq = ?1",
                )?
                .execute(params![job.seq, n, until, self.now])?;
            self.db
                .prepare_cached("INSERT INTO attempt (job, n, started) VALUES (?1, ?2, ?3)")?
                .execute(params![job.seq, n, self.now])?;
            (job.stage, job.attempts, job.tries) = (Stage::Sending { n, until }, n, job.tries.saturating_add(1));
            job.updated = self.now;
            return Ok(Some(Leased { job, n, payload }));
        }
    }
}

fn next_link(db: &Connection, after: &str) -> Result<Option<(String, At)>, StoreError> {
    let mut query = db.prepare_cached(NEXT_LINK)?;
    Ok(query.query_row([after], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn held(db: &Connection) -> Result<HashSet<String>, StoreError> {
    let mut query = db.prepare_cached("SELECT link FROM hold")?;
    Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

fn sending(db: &Connection, link: &str) -> Result<u32, StoreError> {
    let mut query = db.prepare_cached("SELECT jobs FROM tally WHERE link = ?1 AND state = 'sending'")?;
    Ok(query.query_row([link], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Parks waiting jobs that are over their age.
fn park_aged(db: &Connection, now: At, jobs_max: usize) -> Result<Vec<JobId>, StoreError> {
    let aged: Vec<Job> = db
        .prepare_cached(&format!(
            "SELECT {JOB} FROM job INDEXED BY job_age WHERE state = 'queued' AND parks_at <= ?1 ORDER BY parks_at LIMIT ?2"
        ))?
        .query_map(params![now, rows(jobs_max)], row::job)?
        .collect::<Result<_, _>>()?;
    for job in &aged {
        if job.last.is_none() {
            why(db, job, "it has waited as long as it may and was never sent")?;
        }
        ending::end(db, now, job, End::Parked)?;
    }
    Ok(aged.iter().map(|job| job.id).collect())
}

/// Says why a job is parked that no attempt has parked.
fn why(db: &Connection, job: &Job, message: &str) -> Result<(), StoreError> {
    let outcome = if job.doubt { Outcome::Unknown } else { Outcome::NotSent };
    let message = Some(message.to_owned());
    ending::note(db, job, &Report { class: Some(Class::Internal), outcome, upstream_code: None, message })
}

fn next_due(db: &Connection, excluded: &HashSet<LinkId>) -> Result<Due, StoreError> {
    let first = |sql: &str| -> Result<Option<At>, StoreError> {
        Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
    };
    let held = held(db)?;
    let (mut job, mut after): (Option<At>, String) = (None, String::new());
    while let Some((link, due)) = next_link(db, &after)? {
        if !held.contains(&link) && !excluded.contains(link.as_str()) {
            job = Some(job.map_or(due, |first| first.min(due)));
        }
        after = link;
    }
    Ok(Due {
        job,
        lease: first(
            "SELECT lease_until FROM job INDEXED BY job_sending WHERE state = 'sending' ORDER BY lease_until LIMIT 1",
        )?,
        age: first(
            "SELECT parks_at FROM job INDEXED BY job_age
                WHERE state = 'queued' AND parks_at IS NOT NULL ORDER BY parks_at LIMIT 1",
        )?,
        event: outbox::due(db)?.into_iter().map(|(_, at)| at).min(),
    })
}

#[cfg(test)]
mod tests;
