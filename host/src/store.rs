//! What outlives the process: jobs and their attempts, batches, events for platforms, the values of links, the audit log.
//!
//! Callers hold an `Arc<dyn Store>` and know nothing of what stands behind it; only files below `store/` name a database.
//! Whatever a method has answered with `Ok` is durable: it survives a power cut. Payloads arrive sealed and keys of records
//! as keyed digests, so nothing here can read them, and nothing here logs content. Time is handed in, never read.
//!
//! After the first error of the disk a store is [`StoreError::Broken`] for good: what a failed sync has left behind cannot
//! be known, so nobody tries again. The process ends and reads what is there.

mod audit;
mod batch;
mod data;
mod job;
mod lease;
mod outbox;
mod sqlite;
mod state;
mod upkeep;
mod values;

use std::sync::Arc;

use futures_util::future::BoxFuture;

#[cfg(test)]
pub(crate) use self::sqlite::tests::{past_store, seen_past_store};
pub(crate) use self::{
    audit::{Audit, AuditEntry, AuditFault, AuditReport},
    batch::{
        Batch, BatchRow, Batches, Forgotten, NewBatch, NewRow, Progress, RowAsk, RowFate, RowPage, RowVerdict, Rows,
        RowsAsk, Was, With,
    },
    data::{At, Digest, Sealed},
    job::{
        Accepted, Attempt, Filter, Fold, Idempotency, Job, JobId, Jobs, Merge, Merged, NewJob, Newer, PAGE_MAX, Page,
        Place, Report, Retried,
    },
    lease::{Due, Expired, Expiry, Fate, Finish, LeaseAsk, Leased, Leases, Taken, Verdict},
    outbox::{Delivery, Event, Outbox},
    sqlite::{FILE, Options, RestoreError, Restoring, Sqlite},
    state::{Repeat, Stage, State},
    upkeep::{Hold, Purged, Upkeep},
    values::{KEY_MAX, SCHEDULE, VALUE_MAX, Value, Values, ValuesError},
};

/// What every method returns: boxed, so that a store can stand behind `dyn`.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// The whole of a store.
pub(crate) trait Store: Jobs + Leases + Batches + Outbox + Values + Audit + Upkeep {}

impl<S: Jobs + Leases + Batches + Outbox + Values + Audit + Upkeep> Store for S {}

/// Why the store did not do it. But for the first case nothing has changed, and the store goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// The disk failed, now or earlier. Whether this very change is durable is not known; no later one will be.
    #[error("the store is broken until the process starts again: {0}")]
    Broken(Arc<str>),
    /// The attempt is over or another one is under way: whoever asks is too late.
    #[error("this attempt is no longer the one that counts")]
    Fenced,
    /// No job, batch or event of this id.
    #[error("there is no such thing in the store")]
    NotFound,
    /// The job's state does not allow it.
    #[error("a job that is {} does not allow that", .0.as_str())]
    State(State),
    /// The job's payload was deleted when its time was over.
    #[error("the record is no longer kept")]
    Gone,
    /// More at once than one transaction should hold.
    #[error("{given} at once are more than {max}")]
    TooMany {
        /// How many were given.
        given: usize,
        /// The most that are taken.
        max: usize,
    },
    /// A later version of this host wrote it.
    #[error("the store has schema {found}; this version knows those up to {known}")]
    Newer {
        /// The version in the file.
        found: i64,
        /// The last one known here.
        known: i64,
    },
    /// The file is somebody else's.
    #[error("the file is a database, but not one of this host")]
    Foreign,
    /// Another process has it open.
    #[error("another process uses this store")]
    InUse,
    /// A rule of the values of links.
    #[error(transparent)]
    Values(#[from] ValuesError),
    /// The caller contradicts what is stored: the same id twice, a batch that is not there.
    #[error("the store refuses it: {0}")]
    Constraint(String),
    /// What is stored is not understood.
    #[error("the store holds what this version does not understand: {0}")]
    Data(String),
    /// A backup could not be written or does not pass its own check; the store itself is sound.
    #[error("the backup failed: {0}")]
    Backup(String),
}

#[cfg(test)]
mod tests;
