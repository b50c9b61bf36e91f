//! The audit log's tables. Chain: each entry's hash is over the one before it, its number and its fields. Checkpoints: the
//! last hash and count under the key. Anchor (`audit/anchor.rs`): the same, in a file beside the database.

mod anchor;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

pub(super) use self::anchor::Anchor;
use super::{Sqlite, Tx, jobs::rows};
use crate::{
    failure::cut,
    store::{Answer, Audit, AuditEntry, AuditFault, AuditReport, Digest, StoreError, audit::FIELD_MAX},
};

/// Entries from one checkpoint to the next.
pub(super) const CHECKPOINT_EVERY: u64 = 256;
/// Most entries on one page.
const ENTRIES_MAX: usize = 1000;

impl Audit for Sqlite {
    fn audit(&self, entry: AuditEntry) -> Answer<'_, u64> {
        self.write(move |tx| append(tx, entry))
    }

    fn audit_verify(&self) -> Answer<'_, AuditReport> {
        let anchor = self.anchor.clone();
        self.read(move |db| verify(db, &anchor))
    }

    fn audit_entries(&self, after: u64, entries_max: usize) -> Answer<'_, Vec<(u64, AuditEntry)>> {
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT * FROM audit WHERE n > ?1 ORDER BY n LIMIT ?2")?;
            let found = query.query_map(params![signed(after), rows(entries_max.min(ENTRIES_MAX))], |row| {
                Ok((row.get::<_, i64>("n")?.unsigned_abs(), read(row)?))
            })?;
            Ok(found.collect::<Result<_, _>>()?)
        })
    }
}

fn append(tx: &Tx<'_>, mut entry: AuditEntry) -> Result<u64, StoreError> {
    let fields = [&mut entry.actor, &mut entry.act, &mut entry.subject, &mut entry.outcome, &mut entry.request_id];
    fields.into_iter().for_each(|field| cut(field, FIELD_MAX));
    let (count, before) = last(tx.db)?;
    let n = count.saturating_add(1);
    let hash = chain(before, n, &entry);
    tx.db
        .prepare_cached(
            "INSERT INTO audit (n, at, actor, act, subject, outcome, request_id, hash)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            signed(n),
            entry.at,
            entry.actor,
            entry.act,
            entry.subject,
            entry.outcome,
            entry.request_id,
            hash
        ])?;
    if n.is_multiple_of(CHECKPOINT_EVERY) {
        tx.db.prepare_cached("INSERT INTO checkpoint (n, hash, mac) VALUES (?1, ?2, ?3)")?.execute(params![
            signed(n),
            hash,
            tx.anchor.mac(n, hash)
        ])?;
    }
    tx.anchor.note(n, hash);
    Ok(n)
}

/// How many entries there are, and the last one's hash.
fn last(db: &Connection) -> Result<(u64, Digest), StoreError> {
    let found = db
        .prepare_cached("SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)))
        .optional()?;
    Ok(found.unwrap_or((0, Digest([0; 32]))))
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        at: row.get("at")?,
        actor: row.get("actor")?,
        act: row.get("act")?,
        subject: row.get("subject")?,
        outcome: row.get("outcome")?,
        request_id: row.get("request_id")?,
    })
}

/// Over lengths as well as fields, so that no byte can move from one field to the next.
fn chain(before: Digest, n: u64, entry: &AuditEntry) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"duijie audit 1");
    hash.update(before.0);
    hash.update(n.to_be_bytes());
    hash.update(entry.at.0.to_be_bytes());
    for field in [&entry.actor, &entry.act, &entry.subject, &entry.outcome, &entry.request_id] {
        hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(field);
    }
    Digest(hash.finalize().into())
}

/// Under the key: this many entries, the last with this hash.
fn mac(key: &[u8; 32], n: u64, hash: Digest) -> Digest {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { return Digest([0; 32]) };
    let mac = mac.chain_update(b"duijie checkpoint 1").chain_update(n.to_be_bytes()).chain_update(hash.0);
    Digest(mac.finalize().into_bytes().into())
}

fn verify(db: &Connection, anchor: &Anchor) -> Result<AuditReport, StoreError> {
    let mut report = AuditReport { entries: 0, checkpoints: 0, fault: None };
    // Read first: entries that are appended meanwhile are more than it says, never fewer.
    let anchored = anchor.read();
    let mut before = Digest([0; 32]);
    let mut query = db.prepare_cached(
        "SELECT audit.*, checkpoint.hash AS point, checkpoint.mac FROM audit LEFT JOIN checkpoint USING (n) ORDER BY n",
    )?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let n = report.entries.saturating_add(1);
        if row.get::<_, i64>("n")?.unsigned_abs() != n {
            report.fault = Some(AuditFault::Missing(n));
            return Ok(report);
        }
        let hash = chain(before, n, &read(row)?);
        if row.get::<_, Digest>("hash")? != hash || matches!(anchored, Some((count, at)) if count == n && at != hash) {
            report.fault = Some(AuditFault::Changed(n));
            return Ok(report);
        }
        if n.is_multiple_of(CHECKPOINT_EVERY) {
            let point = (row.get("point")?, row.get("mac")?);
            if point != (Some(hash), Some(anchor.mac(n, hash))) {
                report.fault = Some(AuditFault::Checkpoint(n));
                return Ok(report);
            }
            report.checkpoints = report.checkpoints.saturating_add(1);
        }
        (report.entries, before) = (n, hash);
    }
    let points: i64 =
        db.prepare_cached("SELECT coalesce(max(n), 0) FROM checkpoint")?.query_row([], |row| row.get(0))?;
    let had = points.unsigned_abs().max(anchored.map_or(0, |(count, _)| count));
    if had > report.entries {
        report.fault = Some(AuditFault::Truncated { had, has: report.entries });
    } else if anchored.is_none() && report.entries > 0 {
        report.fault = Some(AuditFault::Anchor);
    }
    Ok(report)
}

/// Has nothing ever been written into it?
pub(super) fn is_empty(db: &Connection) -> Result<bool, StoreError> {
    Ok(db.query_row("SELECT NOT EXISTS (SELECT 1 FROM audit)", [], |row| row.get(0))?)
}

/// As SQL counts.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
