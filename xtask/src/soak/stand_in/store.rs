//! The stand-in's database: what `host/src/store/sqlite` does to the disk, without its questions.

use std::{
    fmt::Write as _,
    fs::{File, OpenOptions},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::Fault;

/// As the host's `audit.rs` has it.
const CHECKPOINT_EVERY: u64 = 256;
/// Count, hash, MAC.
const ANCHOR_LEN: usize = 72;
/// `host/src/store/sqlite/schema/0001.sql`.
const SCHEMA: &str = include_str!("../../../../host/src/store/sqlite/schema/0001.sql");

/// What one commit takes.
pub(super) struct Group {
    /// The first job's number.
    pub(super) first: u64,
    /// Jobs.
    pub(super) count: u64,
    /// Which commit since the start.
    pub(super) n: u64,
}

/// The database, open.
pub(super) struct Store {
    db: Connection,
    reader: Connection,
    anchor: File,
    entries: u64,
    anchored: u64,
    synced: u64,
}

impl Store {
    /// In the host's order: the file, its name, the schema, the settings, the anchor, those that read.
    pub(super) fn open(path: &Path, fault: Fault) -> Result<Self> {
        private(path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all().context("the directory")?;
        let mut db = connect(path)?;
        let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == 0 {
            let tx = db.transaction_with_behavior(TransactionBehavior::Exclusive)?;
            tx.execute_batch(SCHEMA)?;
            tx.execute_batch("PRAGMA application_id=1685416298; PRAGMA user_version=1;")?;
            tx.commit()?;
        }
        if fault == Fault::DeafToWal {
            db.execute_batch("PRAGMA journal_mode=WAL")?;
            if db.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0))? != "wal" {
                bail!("the journal is another");
            }
        } else {
            wal(&db)?;
        }
        db.execute_batch("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=67108864;")?;
        if fault == Fault::NoSync {
            db.execute_batch("PRAGMA synchronous=OFF")?;
        }
        let mut companion = path.as_os_str().to_owned();
        companion.push(".audit");
        let anchor = private(Path::new(&companion))?;
        let reader = connect(path)?;
        reader.execute_batch("PRAGMA query_only=ON")?;
        let entries: i64 = db.query_row("SELECT coalesce(max(n), 0) FROM audit", [], |row| row.get(0))?;
        let entries = entries.unsigned_abs();
        if version == 0 {
            anchor.write_all_at(&self::anchor(0), 0)?;
            anchor.sync_all()?;
        }
        Ok(Self { db, reader, anchor, entries, anchored: entries, synced: 0 })
    }

    /// How many jobs were ever taken.
    pub(super) fn taken(&self) -> Result<u64> {
        let last: i64 = self.db.query_row("SELECT coalesce(max(seq), 0) FROM job", [], |row| row.get(0))?;
        Ok(last.unsigned_abs())
    }

    /// Does everything of a commit but committing: jobs come, are leased, end and are forgotten, and the audit log grows.
    /// What is to be said when it is durable.
    pub(super) fn begin(&mut self, group: &Group) -> Result<String> {
        let mut told = String::new();
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        for n in group.first..group.first + group.count {
            self.db.prepare_cached("SAVEPOINT change")?.execute([])?;
            self.take(n)?;
            self.db.prepare_cached("RELEASE change")?.execute([])?;
            writeln!(told, "took {}", hex::encode(id(n)))?;
        }
        for ended in self.end(group.n)? {
            writeln!(told, "ended {}", hex::encode(ended))?;
        }
        self.lease()?;
        for _ in 0..=group.n % 3 {
            self.audit()?;
        }
        if group.n.is_multiple_of(16) {
            self.db.execute("DELETE FROM idempotency WHERE job < ?1 - 100", [signed(group.first)])?;
            self.db.execute("DELETE FROM result WHERE until < ?1 - 150", [signed(group.first)])?;
        }
        Ok(told)
    }

    /// Commits; this syncs.
    pub(super) fn commit(&self) -> Result<()> {
        self.db.execute_batch("COMMIT").context("committing")
    }

    /// Writes the anchor, and syncs it now and then.
    pub(super) fn anchor(&mut self, always: bool) -> Result<()> {
        if self.anchored == self.entries {
            return Ok(());
        }
        self.anchor.write_all_at(&anchor(self.entries), 0).context("the anchor")?;
        self.anchored = self.entries;
        let epoch = self.entries / CHECKPOINT_EVERY;
        if always || epoch != self.synced {
            self.synced = epoch;
            self.anchor.sync_data().context("the anchor")?;
        }
        // A question now and then, on the connection that reads.
        self.reader.query_row("SELECT count(*) FROM job", [], |row| row.get::<_, i64>(0))?;
        Ok(())
    }

    /// Ends; SQLite writes everything back.
    pub(super) fn close(self) -> Result<()> {
        self.reader.close().map_err(|(_, error)| error)?;
        self.db.close().map_err(|(_, error)| error)?;
        Ok(())
    }

    fn take(&self, n: u64) -> Result<()> {
        let key = "INSERT OR IGNORE INTO value (link, key, value) VALUES (?1, CAST('hdata-key' AS BLOB), ?2)";
        self.db.prepare_cached(key)?.execute(params![format!("link-{}", n % 7), [6_u8; 73]])?;
        self.db
            .prepare_cached(
                "INSERT INTO job (id, link, connector, operation, platform, key, safe, newer, body, state, blocked, next_at,
                        accepted, updated, callback, request_id)
                    VALUES (?1, ?2, 'stand-in', 'push', 'demo', ?3, 1, 'keep', ?4, 'queued', 0, ?5, ?5, ?5, 1, 'r')",
            )?
            .execute(params![id(n), format!("link-{}", n % 7), [7_u8; 32], [8_u8; 32], signed(n)])?;
        let (seq, size) = (self.db.last_insert_rowid(), usize::try_from(100 + n * 131 % 1400)?);
        self.db
            .prepare_cached("INSERT INTO payload (job, sealed) VALUES (?1, ?2)")?
            .execute(params![seq, vec![u8::try_from(n % 251)?; size]])?;
        self.db
            .prepare_cached(
                "INSERT INTO idempotency (platform, key, body, job, until) VALUES ('demo', ?1, ?2, ?3, ?4)",
            )?
            .execute(params![id(n), [8_u8; 32], seq, signed(n)])?;
        Ok(())
    }

    /// Those that were leased in the commit before end now; their ids.
    fn end(&self, n: u64) -> Result<Vec<[u8; 16]>> {
        let mut query = self.db.prepare_cached("SELECT seq, id FROM job WHERE state = 'sending' LIMIT 4")?;
        let sending = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let sending: Vec<(i64, [u8; 16])> = sending.collect::<rusqlite::Result<_>>()?;
        for (seq, _) in &sending {
            self.db
                .prepare_cached("UPDATE job SET state = 'done', lease_until = NULL, finished = ?2 WHERE seq = ?1")?
                .execute(params![seq, signed(n)])?;
            self.db.prepare_cached("UPDATE attempt SET ended = ?2 WHERE job = ?1")?.execute(params![seq, signed(n)])?;
            self.db.prepare_cached("DELETE FROM payload WHERE job = ?1")?.execute([seq])?;
            self.db
                .prepare_cached("INSERT INTO result (job, sealed, until) VALUES (?1, ?2, ?1)")?
                .execute(params![seq, [9_u8; 200]])?;
        }
        Ok(sending.into_iter().map(|(_, id)| id).collect())
    }

    fn lease(&self) -> Result<()> {
        let mut query = self.db.prepare_cached("SELECT seq FROM job WHERE state = 'queued' ORDER BY seq LIMIT 4")?;
        let due: Vec<i64> = query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        for seq in due {
            self.db
                .prepare_cached("UPDATE job SET state = 'sending', lease_until = 1, attempts = 1 WHERE seq = ?1")?
                .execute([seq])?;
            self.db.prepare_cached("INSERT INTO attempt (job, n, started) VALUES (?1, 1, 1)")?.execute([seq])?;
        }
        Ok(())
    }

    fn audit(&mut self) -> Result<()> {
        self.entries += 1;
        self.db
            .prepare_cached(
                "INSERT INTO audit (n, at, actor, act, subject, outcome, request_id, hash)
                    VALUES (?1, ?1, 'demo', 'push', 'link', 'done', 'r', ?2)",
            )?
            .execute(params![signed(self.entries), [1_u8; 32]])?;
        Ok(())
    }
}

/// Asked to the end: the row with the answer comes before the commit that makes it true, `execute_batch` and `query_row`
/// stop at the row, and an error of the commit is then heard by nobody, while the connection goes on saying "wal".
fn wal(db: &Connection) -> Result<()> {
    let mut query = db.prepare("PRAGMA journal_mode=WAL")?;
    let modes: Vec<String> = query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    if modes != ["wal"] {
        bail!("the journal is {modes:?}");
    }
    Ok(())
}

fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.set_prepared_statement_cache_capacity(256);
    db.execute_batch("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;")?;
    Ok(db)
}

fn private(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).with_context(|| format!("opening {}", path.display()))
}

fn id(n: u64) -> [u8; 16] {
    u128::from(n).to_be_bytes()
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// As long as the host's; in the place of its MAC, which needs a key, a number that garbage does not have.
fn anchor(entries: u64) -> [u8; ANCHOR_LEN] {
    let mut bytes = [0; ANCHOR_LEN];
    let mac = entries.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x6475_696a;
    for (place, byte) in bytes.iter_mut().zip(entries.to_be_bytes().into_iter().chain([1; 32])) {
        *place = byte;
    }
    for (place, byte) in bytes.iter_mut().rev().zip(mac.to_le_bytes()) {
        *place = byte;
    }
    bytes
}

/// What an anchor says, if it is one.
pub(super) fn anchored(bytes: &[u8]) -> Option<u64> {
    let entries = u64::from_be_bytes(*bytes.first_chunk()?);
    (bytes.get(..ANCHOR_LEN)? == anchor(entries)).then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_says_its_number_and_garbage_says_none() {
        assert_eq!(anchored(&anchor(300)), Some(300));
        assert_eq!((anchored(&[0xa5; ANCHOR_LEN]), anchored(&[0; ANCHOR_LEN]), anchored(&[])), (None, None, None));
    }
}
