//! Which jobs may run now. Every look-up is a range of an index over what waits or runs, so jobs that are over cost nothing
//! however many there are.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    Sqlite, Tx, damage,
    ending::{self, End},
    finish,
    jobs::rows,
    outbox,
    row::JOB,
};
use crate::{
    failure::{Class, Outcome},
    id::LinkId,
    store::{
        Answer, At, Due, Expired, Expiry, Fate, Finish, Job, JobId, LeaseAsk, Leased, Leases, Report, Sealed, Stage,
        StoreError, Taken,
    },
};

/// Jobs over their age that one lease parks on its way.
const AGED_STEP: usize = 256;

impl Leases for Sqlite {
    fn lease(&self, now: At, ask: LeaseAsk) -> Answer<'_, Taken> {
        self.write(move |tx| lease(tx, now, &ask))
    }

    fn finish(&self, now: At, finish: Finish) -> Answer<'_, Fate> {
        self.write(move |tx| finish::finish(tx.db, now, finish))
    }

    fn expire(&self, expiry: Expiry) -> Answer<'_, Vec<Expired>> {
        self.write(move |tx| finish::expire(tx.db, &expiry))
    }

    fn park_aged(&self, now: At, jobs_max: usize) -> Answer<'_, Vec<JobId>> {
        self.write(move |tx| park_aged(tx.db, now, jobs_max))
    }

    fn next_due(&self, now: At, excluded: HashSet<LinkId>) -> Answer<'_, Due> {
        self.read(move |db| next_due(db, now, &excluded))
    }
}

/// The next link by name that has a free job, and when the first of them is due. As bytes: a name may be damaged.
const NEXT_LINK: &str = "SELECT CAST(link AS BLOB), next_at FROM job INDEXED BY job_due
    WHERE state = 'queued' AND blocked = 0 AND link > CAST(?1 AS TEXT) AND typeof(link) = 'text'
    ORDER BY link, next_at, seq LIMIT 1";

/// A link's first free job that is not due yet.
const NEXT_DUE: &str = "SELECT next_at FROM job INDEXED BY job_due
    WHERE state = 'queued' AND blocked = 0 AND link = ?1 AND next_at > ?2 ORDER BY next_at LIMIT 1";

/// A link's free job that is due longest.
fn next_job() -> String {
    format!(
        "SELECT {JOB}, payload.sealed FROM job INDEXED BY job_due LEFT JOIN payload ON payload.job = job.seq
            WHERE job.state = 'queued' AND job.blocked = 0 AND job.link = ?1 AND job.next_at <= ?2
                AND (job.parks_at IS NULL OR job.parks_at > ?2)
            ORDER BY job.next_at, job.seq LIMIT 1"
    )
}

fn lease(tx: &mut Tx<'_>, now: At, ask: &LeaseAsk) -> Result<Taken, StoreError> {
    let taken = Taken { leased: Vec::new(), parked: park_aged(tx.db, now, AGED_STEP)? };
    let mut round = Round { db: tx.db, now, ask, held: held(tx.db)?, room: HashMap::new(), taken };
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
    Ok(round.taken)
}

/// One lease under way.
struct Round<'a> {
    db: &'a Connection,
    now: At,
    ask: &'a LeaseAsk,
    held: HashSet<String>,
    /// Attempts that each link may still begin.
    room: HashMap<String, u32>,
    taken: Taken,
}

impl Round<'_> {
    fn full(&self) -> bool {
        self.taken.leased.len() >= self.ask.jobs_max
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
        self.taken.leased.extend(leased);
        Ok(taken)
    }

    fn mark(&mut self, link: &str) -> Result<Option<Leased>, StoreError> {
        loop {
            let sealed = |found: &rusqlite::Row<'_>| found.get::<_, Option<Sealed>>("sealed");
            let mut found = damage::ask(self.db, &next_job(), params![link, self.now], sealed)?;
            if found.is_empty() {
                return Ok(None);
            }
            // Damage, and no reason to hold up its neighbours.
            self.taken.parked.extend(found.set_aside(self.db, self.now)?);
            let Some((mut job, payload)) = found.good.pop() else { continue };
            let Some(payload) = payload else {
                why(self.db, &job, "its payload is missing in the store")?;
                ending::end(self.db, self.now, &job, End::Parked)?;
                self.taken.parked.push(job.id);
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

/// Passes over names that are none: their jobs are parked when they are too old, and hold up no others until then.
fn next_link(db: &Connection, after: &str) -> Result<Option<(String, At)>, StoreError> {
    let mut query = db.prepare_cached(NEXT_LINK)?;
    let mut after = after.as_bytes().to_vec();
    loop {
        let next: Option<(Vec<u8>, At)> = query.query_row([after], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((name, due)) = next else { return Ok(None) };
        match String::from_utf8(name) {
            Ok(name) => return Ok(Some((name, due))),
            Err(none) => after = none.into_bytes(),
        }
    }
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
    let sql = format!(
        "SELECT {JOB} FROM job INDEXED BY job_age WHERE state = 'queued' AND parks_at <= ?1 ORDER BY parks_at LIMIT ?2"
    );
    let found = damage::ask(db, &sql, params![now, rows(jobs_max)], |_| Ok(()))?;
    let mut parked = found.set_aside(db, now)?;
    for (job, ()) in &found.good {
        if job.last.is_none() {
            why(db, job, "it has waited as long as it may and was never sent")?;
        }
        ending::end(db, now, job, End::Parked)?;
        parked.push(job.id);
    }
    Ok(parked)
}

/// Says why a job is parked that no attempt has parked.
fn why(db: &Connection, job: &Job, message: &str) -> Result<(), StoreError> {
    let outcome = if job.doubt { Outcome::Unknown } else { Outcome::NotSent };
    let message = Some(message.to_owned());
    ending::note(db, job, &Report { class: Some(Class::Internal), outcome, upstream_code: None, message })
}

fn next_due(db: &Connection, now: At, excluded: &HashSet<LinkId>) -> Result<Due, StoreError> {
    let first = |sql: &str| -> Result<Option<At>, StoreError> {
        Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
    };
    let held = held(db)?;
    let (mut job, mut after): (Option<At>, String) = (None, String::new());
    while let Some((link, first)) = next_link(db, &after)? {
        if !held.contains(&link) && !excluded.contains(link.as_str()) {
            let due = if first > now {
                Some(first)
            } else {
                db.prepare_cached(NEXT_DUE)?.query_row(params![link, now], |row| row.get(0)).optional()?
            };
            job = [job, due].into_iter().flatten().min();
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
