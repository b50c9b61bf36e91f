//! Holds, deletion in bounded steps, backup and check. A backup is one step over one state: readers and the writer go on,
//! and changes made meanwhile are not in it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
    params,
};

use super::{Sqlite, audit::Anchor, file, jobs::rows, row};
use crate::{
    failure::{MESSAGE_MAX, cut},
    id::LinkId,
    store::{Answer, At, Hold, Purged, StoreError, Upkeep},
};

/// Most findings of a check.
const FINDINGS_MAX: usize = 100;

/// By how much the key of a job that is not over is prolonged: so seldom is it looked at.
const PROLONGED: Duration = Duration::from_secs(7 * 86_400);
/// Keys over their time whose job waits or may be sent again.
const PROLONG: &str = "UPDATE idempotency SET until = ?3
    WHERE (platform, key) IN (SELECT platform, key FROM idempotency INDEXED BY idempotency_until
            WHERE until <= ?1 ORDER BY until LIMIT ?2)
        AND (SELECT state FROM job WHERE seq = idempotency.job) IN ('queued', 'sending', 'parked', 'unknown')";
/// The others. What was prolonged is not among them; of what was not looked at, what would be waits for the next step.
const FORGET: &str = "DELETE FROM idempotency
    WHERE (platform, key) IN (SELECT platform, key FROM idempotency INDEXED BY idempotency_until
            WHERE until <= ?1 ORDER BY until LIMIT ?2)
        AND (SELECT state FROM job WHERE seq = idempotency.job) NOT IN ('queued', 'sending', 'parked', 'unknown')";

impl Upkeep for Sqlite {
    fn hold(&self, now: At, link: LinkId, mut reason: String) -> Answer<'_, ()> {
        cut(&mut reason, MESSAGE_MAX);
        self.write(move |tx| {
            tx.db
                .prepare_cached("INSERT OR REPLACE INTO hold (link, reason, since) VALUES (?1, ?2, ?3)")?
                .execute(params![&*link, reason, now])?;
            Ok(())
        })
    }

    fn hold_free(&self, now: At, link: LinkId, mut reason: String) -> Answer<'_, bool> {
        cut(&mut reason, MESSAGE_MAX);
        self.write(move |tx| {
            let inserted = tx
                .db
                .prepare_cached("INSERT OR IGNORE INTO hold (link, reason, since) VALUES (?1, ?2, ?3)")?
                .execute(params![&*link, reason, now])?;
            Ok(inserted > 0)
        })
    }

    fn resume(&self, link: LinkId, reason: Option<String>) -> Answer<'_, bool> {
        self.write(move |tx| {
            let deleted = tx
                .db
                .prepare_cached("DELETE FROM hold WHERE link = ?1 AND (?2 IS NULL OR reason = ?2)")?
                .execute(params![&*link, reason])?;
            Ok(deleted > 0)
        })
    }

    fn holds(&self) -> Answer<'_, Vec<Hold>> {
        self.read(|db| {
            let mut query = db.prepare_cached("SELECT link, reason, since FROM hold ORDER BY link")?;
            let read = |found: &rusqlite::Row<'_>| {
                Ok(Hold { link: row::link(found, "link")?, reason: found.get("reason")?, since: found.get("since")? })
            };
            Ok(query.query_map([], read)?.collect::<Result<_, _>>()?)
        })
    }

    fn purge(&self, now: At, each_max: usize) -> Answer<'_, Purged> {
        self.write(move |tx| {
            let delete = |sql: &str| -> Result<usize, StoreError> {
                Ok(tx.db.prepare_cached(sql)?.execute(params![now, rows(each_max)])?)
            };
            tx.db.prepare_cached(PROLONG)?.execute(params![now, rows(each_max), now.plus(PROLONGED)])?;
            Ok(Purged {
                payloads: delete(
                    "DELETE FROM payload WHERE job IN
                        (SELECT job FROM payload INDEXED BY payload_until WHERE until <= ?1 ORDER BY until LIMIT ?2)",
                )?,
                results: delete(
                    "DELETE FROM result WHERE job IN
                        (SELECT job FROM result INDEXED BY result_until WHERE until <= ?1 ORDER BY until LIMIT ?2)",
                )?,
                keys: delete(FORGET)?,
                rows: delete(
                    "UPDATE batch_row SET error = NULL, until = NULL WHERE (batch, row) IN (SELECT batch, row FROM batch_row
                        INDEXED BY batch_row_until WHERE until <= ?1 ORDER BY until LIMIT ?2)",
                )?,
            })
        })
    }

    fn backup(&self, to: PathBuf) -> Answer<'_, ()> {
        let anchor = Anchor::path(&self.options.path);
        self.read(move |db| {
            let part = file::beside(&to, ".part");
            let made = copy(db, &anchor, &part, &to);
            if made.is_err() {
                // What is left of it is of no use to anyone; that it cannot be removed is not worth a second error.
                let _ = fs::remove_file(&part);
            }
            made.map_err(|why| StoreError::Backup(why.to_string()))
        })
    }

    fn check(&self) -> Answer<'_, Vec<String>> {
        self.read(|db| Ok(findings(db)?))
    }

    fn is_broken(&self) -> Option<Arc<str>> {
        self.latch.get()
    }

    fn broken(&self) -> BoxFuture<'static, Arc<str>> {
        Box::pin(self.latch.wait())
    }
}

/// A copy under another name until it is whole, checked and on the disk; with the audit log's anchor as it was before, since
/// that may say fewer entries than there are, but not more.
fn copy(db: &Connection, anchor: &Path, part: &Path, to: &Path) -> Result<(), CopyError> {
    let companion = Anchor::path(to);
    // Beside a file that is gone its companion may lie on: it belongs to another backup, which is nothing without it.
    for (path, error) in [(to, CopyError::Exists), (companion.as_path(), CopyError::CompanionExists)] {
        if path.try_exists()? {
            return Err(error);
        }
    }
    let anchored = fs::read(anchor)?;
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    drop(file::private(part)?);
    let mut copy = Connection::open(part)?;
    if Backup::new(db, &mut copy)?.step(-1)? != StepResult::Done {
        return Err(CopyError::Interrupted);
    }
    // One file, without companions, until somebody opens it as a store.
    copy.query_row("PRAGMA journal_mode=DELETE", [], |_| Ok(()))?;
    if let Some(first) = findings(&copy)?.into_iter().next() {
        return Err(CopyError::Unsound(first));
    }
    copy.close().map_err(|(_, error)| error)?;
    File::open(part)?.sync_all()?;
    let placed = place(&companion, &anchored, part, to);
    if placed.is_err() {
        // What is left of it would keep the next one from its name.
        let _ = fs::remove_file(&companion);
    }
    Ok(placed?)
}

fn place(companion: &Path, anchored: &[u8], part: &Path, to: &Path) -> io::Result<()> {
    drop(file::private(companion)?);
    fs::write(companion, anchored)?;
    File::open(companion)?.sync_all()?;
    fs::rename(part, to)?;
    file::sync_folder(to)
}

#[derive(Debug, thiserror::Error)]
enum CopyError {
    #[error("the file exists")]
    Exists,
    #[error("its companion, the .audit file of that name, exists: it belongs to another backup; give another name")]
    CompanionExists,
    #[error("the store could not be read to its end")]
    Interrupted,
    #[error("the copy is not sound: {0}")]
    Unsound(String),
    #[error(transparent)]
    File(#[from] io::Error),
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// What is wrong with a database, in SQLite's words; it quotes names of tables and numbers of rows, never content.
fn findings(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut pages = db.prepare(&format!("PRAGMA integrity_check({FINDINGS_MAX})"))?;
    let mut found: Vec<String> = pages.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    found.retain(|line| line != "ok");
    let mut references = db.prepare("PRAGMA foreign_key_check")?;
    let broken = references.query_map([], |row| {
        let (table, row): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
        Ok(format!("{table}: row {} refers to nothing", row.unwrap_or(0)))
    })?;
    for line in broken.take(FINDINGS_MAX) {
        found.push(line?);
    }
    Ok(found)
}
