//! Putting a backup in the place of a store that nobody has open. The copy is made ready beside the store and then takes
//! its place by one rename; what was there is kept under another name. Deletes nothing but its own unfinished copy.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, types::Value};
use rustix::fs::FlockOperation;
use tempfile::TempDir;

use super::{
    StoreError, file,
    file::{beside, private, sync_folder},
    schema::APPLICATION,
};

/// What SQLite's files begin with.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Where in such a file it says whose it is.
const APPLICATION_AT: usize = 68;
/// The database itself, and what lies beside it and belongs to it.
const DATABASE: &str = "";
const ANCHOR: &str = ".audit";
const JOURNALS: [&str; 2] = ["-wal", "-shm"];
/// What the folder's name begins with in which a copy is made ready.
pub(super) const UNFINISHED: &str = ".restore-";

/// Why no backup was put in the store's place. The store is what it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// A host is running, or another restore.
    #[error("a running host uses {}; stop it first", .0.display())]
    InUse(PathBuf),
    /// The backup is a store that a host is running on.
    #[error("a running host uses {}; let it make a backup of it with `duijie backup`, and restore that", .0.display())]
    Live(PathBuf),
    /// It is the very store whose place it is to take.
    #[error("{} is the store itself; give the file of a backup", .0.display())]
    Itself(PathBuf),
    /// Not a store of this program.
    #[error("{} is no duijie store; give a file that `duijie backup` has written", .0.display())]
    Foreign(PathBuf),
    /// The copy could not be opened, read or ended.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system did not do it.
    #[error("{}: {source}", .path.display())]
    Io {
        /// With which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A backup on its way into a store's place. Nobody else can open the store meanwhile.
pub(crate) struct Restoring {
    place: PathBuf,
    /// In the folder of the store, so that a rename is all that is left to do.
    dir: TempDir,
    anchored: bool,
    _lock: File,
}

impl Restoring {
    /// Locks the store at `place` and copies the backup into a folder beside it. Blocks for some seconds if a process has
    /// the store.
    ///
    /// # Errors
    /// Says which of the two files is at fault.
    pub(crate) fn begin(backup: &Path, place: &Path) -> Result<Self, RestoreError> {
        let given = fs::canonicalize(backup).map_err(io_at(backup))?;
        if fs::canonicalize(place).is_ok_and(|place| place == given) {
            return Err(RestoreError::Itself(backup.to_owned()));
        }
        if !is_ours(&given).map_err(io_at(backup))? {
            return Err(RestoreError::Foreign(backup.to_owned()));
        }
        let lock = file::lock(place).map_err(|error| match error {
            StoreError::InUse => RestoreError::InUse(place.to_owned()),
            error => error.into(),
        })?;
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        file::clear(place, UNFINISHED).map_err(io_at(folder))?;
        let dir = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(folder).map_err(io_at(folder))?;
        let mut restoring = Self { place: place.to_owned(), dir, anchored: false, _lock: lock };
        let _unused = unused(&given)?;
        copy(&given, &restoring.copy())?;
        // A backup has no journal; a store that was kept by an earlier restore may have one.
        copy_if_there(&given, &restoring.copy(), "-wal")?;
        restoring.anchored = copy_if_there(&given, &restoring.copy(), ANCHOR)?;
        Ok(restoring)
    }

    /// The copy, to be opened as a store, looked at and made ready.
    pub(crate) fn copy(&self) -> PathBuf {
        self.dir.path().join(self.place.file_name().unwrap_or(OsStr::new("store")))
    }

    /// Did the audit log's anchor lie beside the backup?
    pub(crate) fn anchored(&self) -> bool {
        self.anchored
    }

    /// Puts the copy, which must be closed, in the store's place; says where the store is now that was there. Whoever is
    /// killed meanwhile finds the one or the other in the place, and nothing lost.
    ///
    /// # Errors
    /// `Store`, `Io`.
    pub(crate) fn finish(self, kept: &str) -> Result<Option<PathBuf>, RestoreError> {
        let copy = self.copy();
        // Whoever had it open holds its lock until all is written.
        let _closed = file::lock(&copy)?;
        fold(&copy)?;
        for part in [DATABASE, ANCHOR] {
            let path = beside(&copy, part);
            File::open(&path).and_then(|file| file.sync_all()).map_err(io_at(&path))?;
        }
        let kept = self.keep(kept)?;
        // The anchor first: one that says fewer entries than there are is no lie, one that says more is.
        for part in [ANCHOR, DATABASE] {
            let to = beside(&self.place, part);
            fs::rename(beside(&copy, part), &to).map_err(io_at(&to))?;
        }
        sync_folder(&self.place).map_err(io_at(&self.place))?;
        Ok(kept)
    }

    /// Gives the store that is there a second name, and takes its journal away, which would be taken for the new one's.
    fn keep(&self, suffix: &str) -> Result<Option<PathBuf>, RestoreError> {
        let there = self.place.try_exists().map_err(io_at(&self.place))?;
        if there && is_ours(&self.place).map_err(io_at(&self.place))? {
            // Without its journal it is one file, which a rename can replace whole. One that is too broken for that is
            // kept with its journal.
            let _ = fold(&self.place);
        }
        let kept = beside(&self.place, suffix);
        for part in [DATABASE, ANCHOR] {
            second_name(&beside(&self.place, part), &beside(&kept, part))?;
        }
        for part in JOURNALS {
            let from = beside(&self.place, part);
            match fs::rename(&from, beside(&kept, part)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_at(&from)(error)),
                _ => {}
            }
        }
        sync_folder(&self.place).map_err(io_at(&self.place))?;
        Ok(there.then_some(kept))
    }
}

/// Does it begin as a database of this program does? A file that SQLite itself would fill, such as an empty one, does not.
fn is_ours(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(100).read_to_end(&mut head)?;
    let application = head.get(APPLICATION_AT..).and_then(|rest| rest.first_chunk::<4>());
    Ok(head.starts_with(MAGIC) && application.is_some_and(|four| i64::from(u32::from_be_bytes(*four)) == APPLICATION))
}

/// Makes sure that no host has the backup open, as long as the file is held; a backup that never was a store has no lock.
fn unused(backup: &Path) -> Result<Option<File>, RestoreError> {
    let path = beside(backup, ".lock");
    let lock = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(io_at(&path))?,
    };
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(lock)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(RestoreError::Live(backup.to_owned())),
        Err(error) => Err(io_at(&path)(error.into())),
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), RestoreError> {
    let mut source = File::open(from).map_err(io_at(from))?;
    let mut copy = private(to).map_err(io_at(to))?;
    io::copy(&mut source, &mut copy).map_err(io_at(to))?;
    Ok(())
}

fn copy_if_there(from: &Path, to: &Path, part: &str) -> Result<bool, RestoreError> {
    let from = beside(from, part);
    let there = from.try_exists().map_err(io_at(&from))?;
    if there {
        copy(&from, &beside(to, part))?;
    }
    Ok(there)
}

/// Brings all that is in the journal into the database, which then is one file. Both statements say what they did in a row
/// of their own, and end after it: all rows are asked for, lest a failure at the end goes unheard.
fn fold(path: &Path) -> Result<(), StoreError> {
    let connection = Connection::open(path)?;
    let ask = |sql: &str| -> rusqlite::Result<Vec<Value>> {
        connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
    };
    let busy = ask("PRAGMA wal_checkpoint(TRUNCATE)")?;
    let mode = ask("PRAGMA journal_mode=DELETE")?;
    if busy != [Value::Integer(0)] || mode != [Value::Text("delete".into())] {
        return Err(StoreError::Broken(format!("{}: its journal cannot be folded in", path.display()).into()));
    }
    connection.close().map_err(|(_, error)| error.into())
}

/// A second name for the same file, or a copy where the file system has no such thing; nothing, if it is not there.
fn second_name(from: &Path, to: &Path) -> Result<(), RestoreError> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(io_at(to)(error)),
        Err(_) => {
            copy(from, to)?;
            File::open(to).and_then(|file| file.sync_all()).map_err(io_at(to))
        }
    }
}

fn io_at(path: &Path) -> impl Fn(io::Error) -> RestoreError + use<> {
    let path = path.to_owned();
    move |source| RestoreError::Io { path: path.clone(), source }
}

#[cfg(test)]
mod tests;
