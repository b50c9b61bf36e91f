//! Is an image a database that has everything it must have? It is opened as the host opens it, with what that repairs.

use std::{
    collections::HashMap,
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, config::DbConfig};

use super::{
    disk::Files,
    images::Image,
    plug::Workload,
    trace::{Ack, Told},
};

/// What the files are compared by, so that only what differs is written.
const BLOCK: usize = 4096;

/// What there must be none of, in rows that the host's triggers and transactions keep in step.
const BROKEN: [(&str, &str); 4] = [
    (
        "counts of jobs are wrong",
        "SELECT count(*) FROM (SELECT link, state, count(*) AS jobs FROM job GROUP BY link, state) AS found
            LEFT JOIN tally USING (link, state) WHERE found.jobs IS NOT tally.jobs",
    ),
    (
        "jobs that wait have no record",
        "SELECT count(*) FROM job WHERE state IN ('queued', 'sending') AND seq NOT IN (SELECT job FROM payload)",
    ),
    // A record that nobody can open any more is as good as lost.
    (
        "records have no key that opens them",
        "SELECT count(*) FROM payload JOIN job ON job.seq = payload.job
            WHERE link NOT IN (SELECT link FROM value WHERE key = CAST('hdata-key' AS BLOB))",
    ),
    ("entries of the audit log are missing", "SELECT coalesce(max(n), 0) - count(*) FROM audit"),
];

/// What was found wrong with an image.
#[derive(Debug, Default)]
pub(in crate::soak) struct Verdict {
    /// Why it cannot be opened or read.
    pub(in crate::soak) unopenable: Option<String>,
    /// Ids of what was acknowledged and is not there, or not as was said.
    pub(in crate::soak) lost: Vec<String>,
    /// What SQLite or the counts find.
    pub(in crate::soak) unsound: Option<String>,
    /// The audit log's anchor speaks of more entries than there are.
    pub(in crate::soak) anchor_ahead: bool,
    /// There are entries, and no anchor that can be read.
    pub(in crate::soak) anchor_none: bool,
}

/// A directory that images are put into, one after the other.
pub(super) struct Bench<'a> {
    dir: PathBuf,
    workload: &'a dyn Workload,
    /// What lies there.
    there: Files,
}

impl<'a> Bench<'a> {
    /// In this directory, which is made.
    pub(super) fn new(dir: PathBuf, workload: &'a dyn Workload) -> Result<Self> {
        fs::create_dir_all(&dir)?;
        Ok(Self { dir, workload, there: Files::new() })
    }

    /// Where.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Puts an image there. What is there already is not written again.
    pub(super) fn lay(&mut self, files: &Files) -> Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| files.contains_key(name)) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        for (name, bytes) in files {
            let path = self.dir.join(name);
            match self.there.get(name) {
                Some(there) if Arc::ptr_eq(there, bytes) => {}
                Some(there) => {
                    let file = File::options().write(true).open(path)?;
                    for (n, block) in bytes.chunks(BLOCK).enumerate() {
                        let from = n * BLOCK;
                        if there.get(from..from + block.len()) != Some(block) {
                            file.write_all_at(block, from as u64)?;
                        }
                    }
                    file.set_len(bytes.len() as u64)?;
                }
                None => fs::write(path, bytes.as_slice())?,
            }
        }
        self.there.clone_from(files);
        Ok(())
    }

    /// Whatever lies there was changed.
    pub(super) fn forget(&mut self) {
        self.there.clear();
    }

    /// Checks an image; deeply: the whole structure, and that it can be written to, checkpointed and opened once more.
    pub(super) fn check(&mut self, image: &Image, deep: bool) -> Result<Verdict> {
        self.lay(&image.files).with_context(|| format!("laying out {}", image.name))?;
        let database = self.workload.database();
        let path = self.dir.join(database);
        let mut verdict = Verdict::default();
        let read = look(&path, deep).and_then(|seen| if deep { write(&path).map(|()| seen) } else { Ok(seen) });
        let read = read.and_then(|seen| if deep { look(&path, false) } else { Ok(seen) });
        match read {
            Ok(seen) => {
                verdict.lost = image.acked.iter().filter(|ack| !seen.has(ack)).map(|ack| ack.id.clone()).collect();
                verdict.unsound = seen.unsound;
                let anchor = image.files.get(&format!("{database}.audit"));
                match anchor.and_then(|bytes| self.workload.anchor(bytes)) {
                    Some(count) => verdict.anchor_ahead = count > seen.entries,
                    None => verdict.anchor_none = seen.entries > 0,
                }
            }
            Err(error) => verdict.unopenable = Some(error.to_string()),
        }
        // Only looking at a database in WAL mode leaves its files as they are: the log is read, not written back.
        let wal = image.files.get(database).and_then(|bytes| bytes.get(18)) == Some(&2);
        if deep || !wal || image.files.keys().any(|name| name.ends_with("-journal")) {
            self.forget();
        }
        Ok(verdict)
    }
}

/// What an opened database says.
struct Seen {
    /// Whether each job has ended.
    jobs: HashMap<String, bool>,
    /// How many jobs each batch has that is whole.
    batches: HashMap<String, u64>,
    /// Entries of the audit log.
    entries: u64,
    unsound: Option<String>,
}

impl Seen {
    fn has(&self, ack: &Ack) -> bool {
        match ack.told {
            Told::Taken => self.jobs.contains_key(&ack.id),
            Told::Ended => self.jobs.get(&ack.id) == Some(&true),
            Told::Batch(jobs) => self.batches.get(&ack.id) == Some(&jobs),
        }
    }
}

/// As `host/src/store/sqlite/file.rs` does it, but nothing is written back at the end.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;")?;
    connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))?;
    connection.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;")?;
    Ok(connection)
}

fn look(path: &Path, deep: bool) -> rusqlite::Result<Seen> {
    let db = open(path)?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let mut seen = Seen { jobs: HashMap::new(), batches: HashMap::new(), entries: 0, unsound: findings(&db, deep)? };
    if (tables > 0) != (version > 0) {
        seen.unsound = Some(format!("{tables} tables in version {version}"));
    }
    if version == 0 || tables == 0 {
        return Ok(seen);
    }
    let mut jobs = db.prepare("SELECT id, state FROM job")?;
    let mut rows = jobs.query([])?;
    while let Some(row) = rows.next()? {
        let state: String = row.get(1)?;
        seen.jobs.insert(hex::encode(row.get_ref(0)?.as_blob()?), !matches!(state.as_str(), "queued" | "sending"));
    }
    let mut batches = db.prepare(
        "SELECT id, (SELECT count(job) FROM batch_row WHERE batch = seq) FROM batch WHERE closed IS NOT NULL",
    )?;
    let mut rows = batches.query([])?;
    while let Some(row) = rows.next()? {
        seen.batches.insert(hex::encode(row.get_ref(0)?.as_blob()?), row.get::<_, i64>(1)?.unsigned_abs());
    }
    seen.entries =
        db.query_row("SELECT coalesce(max(n), 0) FROM audit", [], |row| row.get::<_, i64>(0))?.unsigned_abs();
    Ok(seen)
}

/// What is wrong inside: pages, references, and the counts that triggers keep, which a torn transaction would not match.
fn findings(db: &Connection, deep: bool) -> rusqlite::Result<Option<String>> {
    let check = if deep { "PRAGMA integrity_check" } else { "PRAGMA quick_check" };
    let pages: String = db.query_row(check, [], |row| row.get(0))?;
    if pages != "ok" {
        return Ok(Some(pages));
    }
    if db.query_row("SELECT 1 FROM sqlite_schema WHERE name = 'tally'", [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    for (what, count) in BROKEN {
        let broken: i64 = db.query_row(count, [], |row| row.get(0))?;
        if broken > 0 {
            return Ok(Some(format!("{broken} {what}")));
        }
    }
    let references = db.query_row("PRAGMA foreign_key_check", [], |row| row.get::<_, String>(0)).optional()?;
    Ok(references.map(|table| format!("a row of {table} refers to nothing")))
}

/// The database goes on living: a change, and everything moved out of the log.
fn write(path: &Path) -> rusqlite::Result<()> {
    let db = open(path)?;
    let held = "INSERT OR REPLACE INTO hold (link, reason, since) VALUES ('soak', 'soak', 0)";
    if db.query_row("SELECT 1 FROM sqlite_schema WHERE name = 'hold'", [], |_| Ok(())).optional()?.is_some() {
        db.execute(held, [])?;
    }
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
