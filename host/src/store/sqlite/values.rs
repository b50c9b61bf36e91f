//! The values' table. What is over its time is invisible at once; it is cleared away in small steps, or all of one link's
//! when the link needs the room.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Sqlite, jobs::rows};
use crate::{
    id::LinkId,
    store::{
        Answer, At, KEY_MAX, Quota, StoreError, VALUE_MAX, Value, Values,
        ValuesError::{self, KeyLength, QuotaBytes, QuotaKeys, ValueLength},
    },
};

/// Expired values that one writing operation clears away, so that no caller pays for many.
const SWEEP_STEP: usize = 16;

impl Values for Sqlite {
    fn value(&self, now: At, link: LinkId, key: Vec<u8>) -> Answer<'_, Option<Vec<u8>>> {
        self.read(move |db| {
            check_key(&key)?;
            Ok(live(db, now, &link, &key)?.map(|found| found.value))
        })
    }

    fn value_set(&self, now: At, link: LinkId, value: Value, quota: Quota) -> Answer<'_, ()> {
        self.write(move |tx| {
            check(&value)?;
            put(tx.db, now, &link, &value, quota)
        })
    }

    fn value_delete(&self, link: LinkId, key: Vec<u8>) -> Answer<'_, ()> {
        self.write(move |tx| {
            check_key(&key)?;
            remove(tx.db, &link, &key)
        })
    }

    fn value_add(&self, now: At, link: LinkId, value: Value, quota: Quota) -> Answer<'_, bool> {
        self.write(move |tx| {
            check(&value)?;
            if live(tx.db, now, &link, &value.key)?.is_some() {
                return Ok(false);
            }
            put(tx.db, now, &link, &value, quota).map(|()| true)
        })
    }

    fn values(&self, now: At, link: LinkId) -> Answer<'_, Vec<Value>> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT key, value, expires FROM value WHERE link = ?1 AND (expires IS NULL OR expires > ?2) ORDER BY key",
            )?;
            Ok(query.query_map(params![&*link, now], read)?.collect::<Result<_, _>>()?)
        })
    }

    fn values_sweep(&self, now: At, values_max: usize) -> Answer<'_, usize> {
        self.write(move |tx| sweep(tx.db, now, values_max))
    }
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Value> {
    Ok(Value { key: row.get(0)?, value: row.get(1)?, expires: row.get(2)? })
}

fn live(db: &Connection, now: At, link: &str, key: &[u8]) -> Result<Option<Value>, StoreError> {
    let mut query = db.prepare_cached(
        "SELECT key, value, expires FROM value WHERE link = ?1 AND key = ?2 AND (expires IS NULL OR expires > ?3)",
    )?;
    Ok(query.query_row(params![link, key, now], read).optional()?)
}

fn remove(db: &Connection, link: &str, key: &[u8]) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM value WHERE link = ?1 AND key = ?2")?.execute(params![link, key])?;
    Ok(())
}

fn put(db: &Connection, now: At, link: &str, value: &Value, quota: Quota) -> Result<(), StoreError> {
    sweep(db, now, SWEEP_STEP)?;
    if let Err(full) = room(db, link, value, quota)? {
        // Only now is it worth clearing away everything of this link that is expired; its quota bounds that.
        let cleared = db
            .prepare_cached("DELETE FROM value INDEXED BY value_link_expires WHERE link = ?1 AND expires <= ?2")?
            .execute(params![link, now])?;
        if cleared == 0 {
            return Err(full.into());
        }
        room(db, link, value, quota)??;
    }
    db.prepare_cached(
        "INSERT INTO value (link, key, value, expires) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET value = excluded.value, expires = excluded.expires",
    )?
    .execute(params![link, value.key, value.value, value.expires])?;
    Ok(())
}

/// Does it fit? What makes the link's share no larger always does, so that one over a lowered quota can still work.
fn room(db: &Connection, link: &str, value: &Value, quota: Quota) -> Result<Result<(), ValuesError>, StoreError> {
    let (keys, bytes): (i64, i64) = db
        .prepare_cached("SELECT keys, bytes FROM usage WHERE link = ?1")?
        .query_row([link], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .unwrap_or((0, 0));
    let old: Option<i64> = db
        .prepare_cached("SELECT length(key) + length(value) FROM value WHERE link = ?1 AND key = ?2")?
        .query_row(params![link, value.key], |row| row.get(0))
        .optional()?;
    if old.is_none() && keys >= i64::from(quota.keys) {
        return Ok(Err(QuotaKeys(quota.keys)));
    }
    let new = rows(value.key.len().saturating_add(value.value.len()));
    let sum = bytes.saturating_sub(old.unwrap_or(0)).saturating_add(new);
    Ok(if sum > i64::from(quota.bytes) && sum > bytes { Err(QuotaBytes(quota.bytes)) } else { Ok(()) })
}

fn sweep(db: &Connection, now: At, values_max: usize) -> Result<usize, StoreError> {
    Ok(db
        .prepare_cached(
            "DELETE FROM value WHERE rowid IN
                (SELECT rowid FROM value INDEXED BY value_expires WHERE expires <= ?1 ORDER BY expires LIMIT ?2)",
        )?
        .execute(params![now, rows(values_max)])?)
}

fn check_key(key: &[u8]) -> Result<(), ValuesError> {
    if key.is_empty() || key.len() > KEY_MAX { Err(KeyLength(key.len())) } else { Ok(()) }
}

fn check(value: &Value) -> Result<(), ValuesError> {
    check_key(&value.key)?;
    if value.value.len() > VALUE_MAX { Err(ValueLength(value.value.len())) } else { Ok(()) }
}
