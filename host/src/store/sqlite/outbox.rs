//! The events' table. A delivery that was not ended within its time is due again under a new number, so that the late one
//! cannot end it.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Sqlite, jobs::rows, row};
use crate::{
    id::PlatformName,
    store::{Answer, At, Delivery, Event, Outbox, StoreError},
};

impl Outbox for Sqlite {
    fn events_due(&self) -> Answer<'_, Vec<(PlatformName, At)>> {
        self.read(due)
    }

    fn events_lease(
        &self,
        now: At,
        platform: PlatformName,
        lease: Duration,
        events_max: usize,
    ) -> Answer<'_, Vec<Event>> {
        self.write(move |tx| {
            let read = |found: &rusqlite::Row<'_>| {
                Ok(Event {
                    id: found.get("id")?,
                    job: found.get("job_id")?,
                    platform: row::platform(found, "platform")?,
                    state: found.get("came_to")?,
                    at: found.get("at")?,
                    n: found.get::<_, u32>("n")?.saturating_add(1),
                })
            };
            let events: Vec<Event> = tx
                .db
                .prepare_cached(
                    "SELECT event.*, job.id AS job_id FROM event INDEXED BY event_due JOIN job ON job.seq = event.job
                        WHERE event.state IN ('queued', 'sending') AND event.platform = ?1 AND event.next_at <= ?2
                        ORDER BY event.next_at, event.id LIMIT ?3",
                )?
                .query_map(params![&*platform, now, rows(events_max)], read)?
                .collect::<Result<_, _>>()?;
            for event in &events {
                tx.db
                    .prepare_cached(
                        "UPDATE event SET state = 'sending', n = ?2, next_at = ?3, updated = ?4 WHERE id = ?1",
                    )?
                    .execute(params![event.id, event.n, now.plus(lease), now])?;
            }
            Ok(events)
        })
    }

    fn event_finish(&self, now: At, id: i64, n: u32, delivery: Delivery) -> Answer<'_, ()> {
        self.write(move |tx| {
            let found: (u32, bool) = tx
                .db
                .prepare_cached("SELECT n, state = 'sending' FROM event WHERE id = ?1")?
                .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?
                .ok_or(StoreError::NotFound)?;
            if found != (n, true) {
                return Err(StoreError::Fenced);
            }
            let (state, next) = match delivery {
                Delivery::Done => ("done", now),
                Delivery::Retry { at } => ("queued", at),
                Delivery::Parked => ("parked", now),
            };
            tx.db
                .prepare_cached("UPDATE event SET state = ?2, next_at = ?3, updated = ?4 WHERE id = ?1")?
                .execute(params![id, state, next, now])?;
            Ok(())
        })
    }

    fn events_retry(&self, now: At, platform: PlatformName) -> Answer<'_, u64> {
        self.write(move |tx| {
            let queued = tx
                .db
                .prepare_cached(
                    "UPDATE event INDEXED BY event_parked SET state = 'queued', next_at = ?2, updated = ?2
                        WHERE state = 'parked' AND platform = ?1",
                )?
                .execute(params![&*platform, now])?;
            Ok(u64::try_from(queued).unwrap_or(u64::MAX))
        })
    }

    fn events_count(&self) -> Answer<'_, (u64, u64)> {
        self.read(|db| {
            let count = |sql: &str| -> Result<u64, StoreError> {
                Ok(db.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?.unsigned_abs())
            };
            Ok((
                count("SELECT count(*) FROM event INDEXED BY event_due WHERE state IN ('queued', 'sending')")?,
                count("SELECT count(*) FROM event INDEXED BY event_parked WHERE state = 'parked'")?,
            ))
        })
    }
}

/// One look-up a platform, however many events wait.
pub(super) fn due(db: &Connection) -> Result<Vec<(PlatformName, At)>, StoreError> {
    let mut next = db.prepare_cached(
        "SELECT platform, next_at FROM event INDEXED BY event_due
            WHERE state IN ('queued', 'sending') AND platform > ?1 ORDER BY platform, next_at, id LIMIT 1",
    )?;
    let mut due: Vec<(PlatformName, At)> = Vec::new();
    loop {
        let after = due.last().map_or("", |(platform, _)| &**platform);
        let read = |found: &rusqlite::Row<'_>| Ok((row::platform(found, "platform")?, found.get("next_at")?));
        match next.query_row([after], read).optional()? {
            Some(found) => due.push(found),
            None => return Ok(due),
        }
    }
}
