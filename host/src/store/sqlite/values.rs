//! The values' table. What is over its time is invisible at once; it is cleared away in small steps.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Sqlite, jobs::rows, row};
use crate::{
    id::LinkId,
    store::{
        Answer, At, KEY_MAX, StoreError, VALUE_MAX, Value, Values,
        ValuesError::{self, KeyLength, ValueLength},
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

    fn value_set(&self, now: At, link: LinkId, value: Value) -> Answer<'_, ()> {
        self.write(move |tx| {
            check(&value)?;
            put(tx.db, now, &link, &value)
        })
    }

    fn value_delete(&self, link: LinkId, key: Vec<u8>) -> Answer<'_, ()> {
        self.write(move |tx| {
            check_key(&key)?;
            remove(tx.db, &link, &key)
        })
    }

    fn value_add(&self, now: At, link: LinkId, value: Value) -> Answer<'_, bool> {
        self.write(move |tx| {
            check(&value)?;
            if live(tx.db, now, &link, &value.key)?.is_some() {
                return Ok(false);
            }
            put(tx.db, now, &link, &value).map(|()| true)
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

    fn values_links(&self, prefix: Vec<u8>) -> Answer<'_, Vec<LinkId>> {
        self.read(move |db| {
            let mut query =
                db.prepare("SELECT DISTINCT link FROM value WHERE substr(key, 1, ?2) = ?1 ORDER BY link")?;
            let mut found = query.query(params![prefix, rows(prefix.len())])?;
            let mut links = Vec::new();
            while let Some(row) = found.next()? {
                // A name that is none belongs to nothing.
                links.extend(row::link(row, "link").ok());
            }
            Ok(links)
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

fn put(db: &Connection, now: At, link: &str, value: &Value) -> Result<(), StoreError> {
    sweep(db, now, SWEEP_STEP)?;
    db.prepare_cached(
        "INSERT INTO value (link, key, value, expires) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET value = excluded.value, expires = excluded.expires",
    )?
    .execute(params![link, value.key, value.value, value.expires])?;
    Ok(())
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
