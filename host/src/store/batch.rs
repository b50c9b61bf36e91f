//! Batches: many jobs that came together, each with its row; rows that were refused, each with its reason.

use uuid::Uuid;

use super::{Accepted, Answer, At, Digest, JobId, NewJob, Report, Sealed, State};
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
    /// Can its sender name it, and so go on with it when its reading was interrupted?
    pub(crate) named: bool,
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
    /// The keyed digest of what was sent: tells whether a row that comes again is the same one.
    pub(crate) body: Digest,
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
        /// Until when that is kept.
        until: At,
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
    Already {
        /// What it became when it came first.
        was: Was,
        /// Is this the same record?
        same: bool,
    },
    /// All rows of the batch have come, and this is none of them.
    Late,
}

/// What a row became when it came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Was {
    /// This job.
    Job(JobId),
    /// In conflict with this job.
    Conflict(JobId),
    /// Refused.
    Refused,
}

/// A row as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchRow {
    /// Its number.
    pub(crate) row: u32,
    /// How it stands.
    pub(crate) fate: RowFate,
    /// The payload or the result of its job, as [`RowsAsk::with`] wants it and as long as it is kept.
    pub(crate) kept: Option<Sealed>,
}

/// How a row stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowFate {
    /// As its job does.
    Job {
        /// The job.
        id: JobId,
        /// Its state.
        state: State,
        /// How its last attempt ended.
        last: Option<Report>,
    },
    /// Its idempotency key belongs to this job, which is something else.
    Conflict(JobId),
    /// Refused.
    Refused {
        /// The column at fault.
        column: Option<String>,
        /// Why; none: that is gone.
        error: Option<Sealed>,
    },
}

/// What is read with each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum With {
    /// Its job's payload.
    Payload,
    /// Its job's result.
    Result,
}

/// Which rows are read, and how many of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowsAsk {
    /// Which.
    pub(crate) which: Rows,
    /// What is read with them.
    pub(crate) with: With,
    /// Those after this number; none: from the first.
    pub(crate) after: Option<u32>,
    /// At most so many.
    pub(crate) rows_max: usize,
    /// No more when they have so many sealed bytes; one in any case.
    pub(crate) bytes_max: usize,
}

/// Rows in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowPage {
    /// They.
    pub(crate) rows: Vec<BatchRow>,
    /// Are there more behind them?
    pub(crate) more: bool,
}

/// Records that were deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// Of refused rows.
    pub(crate) rows: usize,
    /// Payloads of jobs.
    pub(crate) payloads: usize,
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

    /// Adds rows, in their order, in one transaction; the verdicts are in the same order. To one that is closed none is
    /// added, but what became of those that it has is told.
    ///
    /// # Errors
    /// `NotFound`; `TooMany`. Then none is added.
    fn batch_add(&self, now: At, batch: Uuid, rows: Vec<NewRow>) -> Answer<'_, Vec<RowVerdict>>;

    /// Says that all rows have come. A second time is no error.
    ///
    /// # Errors
    /// `NotFound`.
    fn batch_close(&self, now: At, batch: Uuid) -> Answer<'_, ()>;

    /// Closes those that are open and that nobody can name: they will never go on. How many they were.
    fn batches_close_unnamed(&self, now: At) -> Answer<'_, usize>;

    /// One batch.
    fn batch(&self, batch: Uuid) -> Answer<'_, Option<Batch>>;

    /// Those whose last row has not come, oldest first: what to resume after a start.
    fn batches_open(&self, batches_max: usize) -> Answer<'_, Vec<Batch>>;

    /// How far it is.
    fn batch_progress(&self, batch: Uuid) -> Answer<'_, Progress>;

    /// Its rows, all of one moment.
    ///
    /// # Errors
    /// `NotFound`.
    fn batch_rows(&self, batch: Uuid, ask: RowsAsk) -> Answer<'_, RowPage>;

    /// Deletes the records of its refused rows, and the payloads of its jobs that will never be sent again by themselves
    /// or by hand: all but those that are queued, sending, parked or unknown.
    ///
    /// # Errors
    /// `NotFound`.
    fn batch_forget(&self, batch: Uuid) -> Answer<'_, Forgotten>;
}
