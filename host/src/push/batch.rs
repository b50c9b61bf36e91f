//! Batches: many records of one operation that come as one body. Rows are read, checked and kept as they arrive, so that
//! neither a large batch nor a slow one is held in memory; every row has its verdict at once. The path of a row: `sheet` →
//! `rows` → the store.

mod results;
mod rows;

use std::{io::Read, sync::Arc, time::Duration};

use serde::Serialize;
use tokio::{sync::mpsc, time::timeout};
use uuid::Uuid;

use self::rows::Checked;
use super::{Push, PushError, accept::Lane, now};
use crate::{
    failpoint,
    id::PlatformName,
    link::{CallError, Link},
    sheet::{Columns, Format, SheetError},
    store::{Accepted, Batch, NewBatch, NewRow, Progress, RowVerdict, State, StoreError},
};

pub(crate) use self::results::RowView;

/// Most rows of a batch.
pub(crate) const ROWS_MAX: u32 = 10_000;
/// Rows in one transaction.
const STEP: usize = 500;
/// Rows that were read and wait to be kept.
const AHEAD: usize = 64;
/// How long a row waits for others to share its transaction: rows of a body that is there are read faster than one commits.
const COMPANY: Duration = Duration::from_millis(20);

/// A batch as it comes in.
pub(crate) struct BatchAsk<'a> {
    /// Whose it is.
    pub(crate) platform: &'a PlatformName,
    /// The link's id, as given.
    pub(crate) link: &'a str,
    /// The operation's name, as given.
    pub(crate) operation: &'a str,
    /// How the body is written.
    pub(crate) format: Format,
    /// The body.
    pub(crate) body: Box<dyn Read + Send>,
    /// The platform's word for this batch: what came under it before is not taken twice.
    pub(crate) idempotency: Option<&'a str>,
    /// Names the request in every log line.
    pub(crate) request_id: &'a str,
    /// Only the verdicts: nothing is kept, nothing is sent.
    pub(crate) dry_run: bool,
}

/// What is wrong with a row. Names columns and rules, never a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub(crate) struct RowError {
    /// The row, as its sender counts.
    pub(crate) row: u32,
    /// The column's header, if the batch has columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<String>,
    /// JSON Pointer into the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

/// The verdict on a batch.
#[derive(Debug)]
pub(crate) struct Verdicts {
    /// Its name; none: nothing was kept.
    pub(crate) batch: Option<Uuid>,
    /// Rows read.
    pub(crate) rows: u32,
    /// Rows that are jobs now or were before.
    pub(crate) accepted: u32,
    /// Everything that is wrong with the others.
    pub(crate) errors: Vec<RowError>,
}

/// A batch that could not be taken whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchError {
    /// See [`PushError`].
    #[error(transparent)]
    Push(#[from] PushError),
    /// The body is not what it says it is. Rows before the fault are kept, if there is a batch.
    #[error("{error}{}", after(.error, *.kept, *.batch))]
    Sheet {
        /// What is wrong.
        error: SheetError,
        /// Rows that were taken before.
        kept: u32,
        /// In this batch.
        batch: Option<Uuid>,
    },
    /// The key belongs to another batch.
    #[error("this Idempotency-Key was used for another batch, {0}; use a new key for a new batch")]
    KeyReused(Uuid),
    /// There is no such batch, or it is somebody else's.
    #[error("there is no such batch")]
    Unknown,
    /// The map of columns does not fit the operation.
    #[error("the link's column map for this operation cannot be used: {0}")]
    Columns(SheetError),
}

/// What is to be done about the rows that were not taken.
fn after(error: &SheetError, kept: u32, batch: Option<Uuid>) -> String {
    let Some(batch) = batch else { return String::new() };
    let taken = format!("; the {kept} rows before it are taken as batch {batch}");
    // Rows are known by their number: those of a rest that is sent under the same key would be taken for the first ones.
    if can_go_on(error, batch) {
        format!("{taken}: send the whole again under the same Idempotency-Key")
    } else {
        format!("{taken}: send those behind them as another batch")
    }
}

/// Can what is missing still come? Only under the idempotency key that the batch has its name from, and not if there is more
/// of it than a batch may have.
fn can_go_on(error: &SheetError, batch: Uuid) -> bool {
    batch.get_version_num() == 8 && !matches!(error, SheetError::TooMany(_))
}

impl From<StoreError> for BatchError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::Unknown,
            error => Self::Push(error.into()),
        }
    }
}

impl Push {
    /// Takes a batch in, row by row.
    ///
    /// # Errors
    /// When it cannot be read to its end; what was taken by then stays taken.
    pub(crate) async fn accept_batch(self: &Arc<Self>, ask: BatchAsk<'_>) -> Result<Verdicts, BatchError> {
        let link = self.dispatcher.serving(ask.link).map_err(PushError::from)?;
        let columns = columns(link.sheets.get(ask.operation).map(Vec::as_slice), &link, ask.operation)?;
        let lane = Arc::new(self.lane(link, ask.operation, ask.platform).await?);
        let id = match ask.idempotency {
            Some(key) => Uuid::new_v8(self.sealer.batch(ask.platform, key)),
            None => Uuid::now_v7(),
        };
        if !ask.dry_run
            && let Some(batch) = self.store.batch(id).await?
        {
            let same = batch.given.platform == *ask.platform
                && *batch.given.link == *ask.link
                && batch.given.operation == ask.operation;
            if !same {
                return Err(BatchError::KeyReused(id));
            }
            if batch.closed.is_some() {
                let progress = self.store.batch_progress(id).await?;
                let rows = u32::try_from(progress.rows).unwrap_or(u32::MAX);
                let lost = u32::try_from(progress.refused + progress.conflicts).unwrap_or(u32::MAX);
                return Ok(Verdicts { batch: Some(id), rows, accepted: rows.saturating_sub(lost), errors: Vec::new() });
            }
        }
        let (give, rows) = mpsc::channel(AHEAD);
        let reading = rows::Reading {
            push: self.clone(),
            lane: lane.clone(),
            columns,
            format: ask.format,
            batch: id,
            request_id: ask.request_id.to_owned(),
        };
        let reader = tokio::task::spawn_blocking(move || reading.read(ask.body, &give));
        let mut taken = Taken {
            push: self,
            id: (!ask.dry_run).then_some(id),
            made: false,
            lane: &lane,
            request_id: ask.request_id,
            verdicts: Verdicts { batch: None, rows: 0, accepted: 0, errors: Vec::new() },
        };
        taken.all(rows).await?;
        let read = reader.await.map_err(|_| PushError::Lost)?;
        let verdicts = taken.verdicts;
        if let Some(batch) = verdicts.batch
            && read.as_ref().err().is_none_or(|error| !can_go_on(error, batch))
        {
            self.store.batch_close(now(), batch).await?;
        }
        match read {
            Ok(_) => Ok(verdicts),
            Err(error) => Err(BatchError::Sheet { error, kept: verdicts.rows, batch: verdicts.batch }),
        }
    }

    /// A batch and how far it is.
    ///
    /// # Errors
    /// `Unknown`.
    pub(crate) async fn batch(&self, platform: &PlatformName, id: Uuid) -> Result<(Batch, Progress), BatchError> {
        let batch = self.store.batch(id).await?.filter(|batch| batch.given.platform == *platform);
        let batch = batch.ok_or(BatchError::Unknown)?;
        Ok((batch, self.store.batch_progress(id).await?))
    }
}

/// The columns of an operation's sheets: as the link maps them, or one for each simple member of its input.
pub(super) fn columns(
    mapped: Option<&[(String, String)]>,
    link: &Link,
    operation: &str,
) -> Result<Columns, BatchError> {
    let spec = link.connector.operation(operation);
    let spec = spec.ok_or_else(|| PushError::from(CallError::unknown_operation(link, operation)))?;
    match mapped {
        Some(mapped) => Columns::new(mapped.iter().cloned(), &spec.spec.input).map_err(BatchError::Columns),
        // An operation without simple members has no sheets; its other formats need no columns.
        None => Ok(Columns::of_schema(&spec.spec.input).unwrap_or_default()),
    }
}

/// What has been taken so far.
struct Taken<'t> {
    push: &'t Push,
    /// None: a dry run.
    id: Option<Uuid>,
    /// A batch whose first row could not be read is none.
    made: bool,
    lane: &'t Lane,
    request_id: &'t str,
    verdicts: Verdicts,
}

impl Taken<'_> {
    async fn all(&mut self, mut rows: mpsc::Receiver<Checked>) -> Result<(), BatchError> {
        let mut step = Vec::with_capacity(STEP);
        while rows.recv_many(&mut step, STEP).await > 0 {
            while step.len() < STEP {
                let room = STEP - step.len();
                match timeout(COMPANY, rows.recv_many(&mut step, room)).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                }
            }
            self.step(std::mem::take(&mut step)).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: Vec<Checked>) -> Result<(), BatchError> {
        let mut asked = Vec::with_capacity(step.len());
        for Checked { row, ask, errors } in step {
            self.verdicts.rows = self.verdicts.rows.saturating_add(1);
            if self.id.is_none() && errors.is_empty() {
                self.verdicts.accepted = self.verdicts.accepted.saturating_add(1);
            }
            self.verdicts.errors.extend(errors);
            asked.push(NewRow { row, ask });
        }
        let Some(id) = self.id else { return Ok(()) };
        self.make(id).await?;
        let numbers: Vec<u32> = asked.iter().map(|row| row.row).collect();
        let verdicts = self.push.store.batch_add(now(), id, asked).await?;
        failpoint::pass("batch.step");
        for (row, verdict) in numbers.into_iter().zip(verdicts) {
            match verdict {
                RowVerdict::Job(Accepted::New { superseded, .. }) => {
                    superseded.into_iter().for_each(|old| self.push.ended(old));
                    self.verdicts.accepted = self.verdicts.accepted.saturating_add(1);
                }
                RowVerdict::Job(Accepted::Replay(_)) | RowVerdict::Already => {
                    self.verdicts.accepted = self.verdicts.accepted.saturating_add(1);
                }
                RowVerdict::Job(Accepted::Conflict(job)) => {
                    let message = format!("contradicts job {job}");
                    self.verdicts.errors.push(RowError { row, column: None, pointer: None, message });
                }
                RowVerdict::Refused => {}
            }
        }
        self.push.wake();
        Ok(())
    }

    async fn make(&mut self, id: Uuid) -> Result<(), BatchError> {
        if self.made {
            return Ok(());
        }
        let batch = NewBatch {
            id,
            platform: self.lane.platform.clone(),
            link: self.lane.link.id.clone(),
            operation: self.lane.operation.clone(),
            meta: None,
            request_id: self.request_id.to_owned(),
        };
        match self.push.store.batch_create(now(), batch).await {
            // It is the one that is being continued.
            Ok(()) | Err(StoreError::Constraint(_)) => {}
            Err(error) => return Err(error.into()),
        }
        (self.made, self.verdicts.batch) = (true, Some(id));
        Ok(())
    }
}

/// Will nothing of it change by itself any more?
pub(crate) fn is_settled(batch: &Batch, progress: &Progress) -> bool {
    let waits = |(state, _): &(State, u64)| matches!(state, State::Queued | State::Sending);
    batch.closed.is_some() && !progress.jobs.iter().any(waits)
}
