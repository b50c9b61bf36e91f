//! The embedded store: SQLite in WAL mode with `synchronous=FULL`. One thread writes and commits for all who wait
//! (`writer.rs`); reads run on connections of their own (`readers.rs`). The only files that know SQL are this one's children.

mod accept;
mod audit;
mod batch;
mod damage;
mod ending;
mod file;
mod finish;
mod jobs;
mod latch;
mod lease;
mod line;
mod outbox;
mod readers;
mod restore;
mod row;
mod schema;
mod upkeep;
mod values;
mod writer;

use std::{path::PathBuf, sync::Arc};

use rusqlite::{Connection, ErrorCode};
use zeroize::Zeroizing;

pub(crate) use self::restore::{RestoreError, Restoring};
pub(super) use self::writer::Tx;
use self::{audit::Anchor, latch::Latch, readers::Readers, writer::Writer};
use super::{Answer, StoreError};

/// The database's name in the state directory.
pub(crate) const FILE: &str = "duijie.db";

/// How a store is opened.
#[derive(Clone)]
pub(crate) struct Options {
    /// The database; its companions (`-wal`, `-shm`, `.lock`, `.audit`) lie beside it.
    pub(crate) path: PathBuf,
    /// Under which the audit log's checkpoints are made.
    pub(crate) audit_key: Zeroizing<[u8; 32]>,
    /// Connections that read; as many blocking threads at most.
    pub(crate) readers: usize,
    /// Changes that may wait for the writer; who comes later waits to be let in.
    pub(crate) queue_max: usize,
    /// Most changes in one commit.
    pub(crate) group_max: usize,
    /// SQLite's VFS; none: the system's. For power cuts and failing disks in tests.
    pub(crate) vfs: Option<String>,
    /// Most pages of the database; none: as many as the disk holds.
    pub(crate) pages_max: Option<u32>,
    /// Runs on the writer's thread between a commit and its answers, with the number of changes: a slow disk in tests,
    /// a figure in operation.
    pub(crate) on_commit: Option<Arc<dyn Fn(usize) + Send + Sync>>,
}

impl Options {
    /// With the defaults.
    pub(crate) fn new(path: impl Into<PathBuf>, audit_key: impl Into<Zeroizing<[u8; 32]>>) -> Self {
        Self {
            path: path.into(),
            audit_key: audit_key.into(),
            readers: 4,
            queue_max: 4096,
            group_max: 256,
            vfs: None,
            pages_max: None,
            on_commit: None,
        }
    }
}

/// The embedded store. It ends when it is dropped; what is queued by then is still committed.
pub(crate) struct Sqlite {
    writer: Writer,
    readers: Readers,
    latch: Latch,
    anchor: Arc<Anchor>,
    options: Arc<Options>,
}

impl Sqlite {
    /// Opens or makes the database and brings its schema up to date. Blocks: for the disk, and for some seconds if a
    /// process that is ending still has it.
    ///
    /// # Errors
    /// `InUse`, `Newer`, `Foreign`; `Broken` if the disk fails.
    pub(crate) fn open(options: Options) -> Result<Self, StoreError> {
        let lock = file::lock(&options.path)?;
        // What a restore that was killed has left is a copy of a whole store, and of no use. That it cannot be deleted is no
        // reason not to serve.
        if let Err(error) = file::clear(&options.path, restore::UNFINISHED) {
            tracing::warn!(%error, "the copy of a restore that was killed could not be deleted");
        }
        file::create(&options.path)?;
        let mut connection = file::connect(&options)?;
        schema::migrate(&mut connection, &schema::MIGRATIONS)?;
        file::tune(&connection, &options)?;
        let options = Arc::new(options);
        let latch = Latch::default();
        let anchor = Anchor::open(&options.path, &options.audit_key)?;
        anchor.begin(audit::is_empty(&connection)?)?;
        let anchor = Arc::new(anchor);
        // SQLite makes the names of its files durable, too, but does not say when that fails.
        file::sync_folder(&options.path).map_err(|error| io("state directory", &error))?;
        let readers = Readers::open(&options, &latch)?;
        let writer = Writer::start(connection, lock, &options, &latch, anchor.clone())?;
        Ok(Self { writer, readers, latch, anchor, options })
    }

    /// Runs a change in the next commit, whole or not at all. Once handed over it runs even if nobody waits for it.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(self.writer.run(work))
    }

    /// Runs a question over one state of the store.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(self.readers.run(work))
    }
}

impl From<rusqlite::Error> for StoreError {
    /// The caller's contradictions and rows that are not understood cost that one change; anything else is the disk.
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::SqliteFailure(cause, text) if cause.code == ErrorCode::ConstraintViolation => {
                Self::Constraint(text.clone().unwrap_or_else(|| error.to_string()))
            }
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => Self::Data(error.to_string()),
            rusqlite::Error::QueryReturnedNoRows => Self::NotFound,
            _ => Self::Broken(error.to_string().into()),
        }
    }
}

/// An error of the file system is one of the disk.
fn io(what: &str, error: &std::io::Error) -> StoreError {
    StoreError::Broken(format!("{what}: {error}").into())
}

#[cfg(test)]
pub(super) mod tests;
