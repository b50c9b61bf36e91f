//! The database as a file: private to its owner, used by one process, opened with the settings that durability rests on.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};
use rustix::fs::FlockOperation;

use super::{Options, StoreError};

/// How long a process that is ending may still have the store.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// How long a statement waits for another connection; readers and the writer do not wait for each other in WAL mode.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// The database's companion of this name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes sure that no other process has the store, as long as the file is held. The kernel frees it however we end.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let file = private(&beside(path, ".lock")).map_err(|error| super::io("lock file", &error))?;
    let until = Instant::now() + LOCK_WAIT;
    loop {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => thread::sleep(Duration::from_millis(10)),
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(StoreError::InUse),
            Err(error) => return Err(super::io("lock file", &error.into())),
        }
    }
}

/// An empty file for SQLite to fill, so that it and its companions, which take its mode, are private from the first byte.
pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    private(path).and_then(|_| sync_folder(path)).map_err(|error| super::io("database", &error))
}

/// Makes durable that a file of this name is there.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Deletes the folders beside a store whose names begin so: whoever has the store's lock is the only one who makes them.
pub(super) fn clear(path: &Path, prefix: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if ours && entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Opens for reading and writing, 0600 also if it was there with another mode.
pub(super) fn private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// A connection that has not looked at the file yet.
pub(super) fn connect(options: &Options) -> Result<Connection, StoreError> {
    // To be made only by a VFS that has files of its own; the system's is there.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match &options.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(&options.path, flags, vfs.as_str())?,
        None => Connection::open_with_flags(&options.path, flags)?,
    };
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(256);
    connection.execute_batch("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;")?;
    Ok(connection)
}

/// Switches to the write-ahead log. All rows are asked for: the switch is committed when the statement ends, and who stops
/// at its one row does not hear that this failed, and goes on with a journal that `synchronous=FULL` does not cover.
fn write_ahead(connection: &Connection) -> Result<(), StoreError> {
    let mut switch = connection.prepare("PRAGMA journal_mode=WAL")?;
    switch.query_map([], |_| Ok(()))?.collect::<rusqlite::Result<()>>()?;
    Ok(())
}

/// The writer's settings, each read back: SQLite is silent about those it does not take.
pub(super) fn tune(connection: &Connection, options: &Options) -> Result<(), StoreError> {
    write_ahead(connection)?;
    connection.execute_batch("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=67108864;")?;
    let text = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, String>(0));
    let number = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    if text("journal_mode")? != "wal" || number("synchronous")? != 2 || number("foreign_keys")? != 1 {
        return Err(StoreError::Broken("the file system does not allow the journal that durability needs".into()));
    }
    if let Some(pages) = options.pages_max {
        connection.query_row(&format!("PRAGMA max_page_count={pages}"), [], |_| Ok(()))?;
    }
    Ok(())
}
