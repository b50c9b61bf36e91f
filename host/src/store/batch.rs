//! Batches: many jobs that came together, each with its row; rows that were refused, each with its reason.

use uuid::Uuid;

use super::{Accepted, Answer, At, JobId, NewJob, Sealed, State};
use crate::id::{LinkId, PlatformName};

/// A batch as it is handed in, before its rows.
#[derive(Clone, Debug)]
pub(crate) struct NewBatch {
    /// Its name, of the caller's making.
    pub(crate) id: Uuid,
    /// Its owner.
    pub(crate) platform: PlatformName,
    /// The link.
    pub(crate) link: LinkId,
    /// The operation.
    pub(crate) operation: String,
    /// What the layer above keeps with it.
    pub(crate) meta: Option<Sealed>,
    /// The request it came with.
    pub(crate) request_id: String,
}

/// A batch.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// What was handed in.
    pub(crate) given: NewBatch,
    /// When it was made.
    pub(crate) created: At,
    /// When its last row had come; none: its reading was interrupted, or goes on.
    pub(crate) closed: Option<At>,
}

/// A row as it is handed in.
#[derive(Clone)]
pub(crate) struct NewRow {
    /// Its number, as its sender counts.
    pub(crate) row: u32,
    /// What it is.
    pub(crate) ask: RowAsk,
}

/// What a row is.
#[derive(Clone)]
pub(crate) enum RowAsk {
    /// A job.
    Job(Box<NewJob>),
    /// Nothing that could be sent.
    Refused {
        /// The column at fault.
        column: Option<String>,
        /// Why, sealed, since it may quote the row.
        error: Sealed,
    },
}

/// The verdict on a row, at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowVerdict {
    /// It is a job now, was one, or contradicts one.
    Job(Accepted),
    /// It is noted as refused.
    Refused,
    /// The batch has this row already, and it stays as it is: what makes a repeated reading harmless.
    Already,
}

/// A row as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchRow {
    /// Its number.
    pub(crate) row: u32,
    /// How it stands.
    pub(crate) fate: RowFate,
}

/// How a row stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowFate {
    /// As its job does.
    Job(JobId, State),
    /// Its idempotency key belongs to this job, which is something else.
    Conflict(JobId),
    /// Refused.
    Refused {
        /// The column at fault.
        column: Option<String>,
        /// Why.
        error: Sealed,
    },
}

/// Which rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// All.
    All,
    /// Those that a person must look at: refused, in conflict, failed, parked, unknown.
    Troubled,
}

/// How far a batch is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Rows that have come.
    pub(crate) rows: u64,
    /// Of them refused.
    pub(crate) refused: u64,
    /// Of them in conflict with an earlier request.
    pub(crate) conflicts: u64,
    /// The others, by their job's state; what there is none of is left out.
    pub(crate) jobs: Vec<(State, u64)>,
}

/// Batches.
pub(crate) trait Batches: Send + Sync {
    /// Makes a batch.
    ///
    /// # Errors
    /// `Constraint` if its id is taken.
    fn batch_create(&self, now: At, batch: NewBatch) -> Answer<'_, ()>;

    /// Adds rows, in their order, in one transaction; the verdicts are in the same order.
    ///
    /// # Errors
    /// `NotFound`; `TooMany`; `Constraint` if it is closed. Then none is added.
    fn batch_add(&self, now: At, batch: Uuid, rows: Vec<NewRow>) -> Answer<'_, Vec<RowVerdict>>;

    /// Says that all rows have come. A second time is no error.
    ///
    /// # Errors
    /// `NotFound`.
    fn batch_close(&self, now: At, batch: Uuid) -> Answer<'_, ()>;

    /// One batch.
    fn batch(&self, batch: Uuid) -> Answer<'_, Option<Batch>>;

    /// Those whose last row has not come, oldest first: what to resume after a start.
    fn batches_open(&self, batches_max: usize) -> Answer<'_, Vec<Batch>>;

    /// How far it is.
    fn batch_progress(&self, batch: Uuid) -> Answer<'_, Progress>;

    /// Its rows after this one (none: from the first), in the order of their numbers, at most so many.
    fn batch_rows(&self, batch: Uuid, which: Rows, after: Option<u32>, rows_max: usize) -> Answer<'_, Vec<BatchRow>>;
}
