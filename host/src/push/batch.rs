//! Batches: many records of one operation that come as one body. Rows are read, checked and kept as they arrive, so that
//! neither a large batch nor a slow one is held in memory; every row has its verdict at once. The path of a row: `sheet` →
//! `rows` → `taken` → the store.

mod results;
mod rows;
mod taken;

use std::{io::Read, sync::Arc};

use serde::Serialize;
use tokio::sync::mpsc;
use uuid::Uuid;

use self::taken::Taken;
use super::{Push, PushError, now};
use crate::{
    id::PlatformName,
    link::{CallError, Link},
    sheet::{Columns, Format, SheetError},
    store::{Batch, Forgotten, Progress, State, StoreError},
};

pub(crate) use self::results::{RowView, TroubledSheet};

/// Most rows of a batch.
pub(crate) const ROWS_MAX: u32 = 10_000;
/// Rows that were read and wait to be kept; their bytes are bounded too.
const AHEAD: usize = 64;

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
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    /// Its name; none: nothing was kept.
    pub(crate) batch: Option<Uuid>,
    /// Rows read.
    pub(crate) rows: u32,
    /// Rows that are jobs now or were before.
    pub(crate) accepted: u32,
    /// What is wrong with the others, as far as it is listed.
    pub(crate) errors: Vec<RowError>,
    /// Errors that are not listed.
    pub(crate) omitted: u64,
    /// Bytes of those that are.
    error_bytes: usize,
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
    /// The host failed while rows came. Those before are kept; whether the next ones are is not known.
    #[error("the host could not keep the rows behind {kept} that are taken as batch {batch}; of the next ones it is not known{}", how_on(*.batch))]
    Interrupted {
        /// What failed.
        error: PushError,
        /// Rows that are certainly taken.
        kept: u32,
        /// In this batch.
        batch: Uuid,
    },
    /// The key belongs to another batch.
    #[error("this Idempotency-Key was used for another batch, {0}; use a new key for a new batch")]
    KeyReused(Uuid),
    /// There is no such batch, or it is somebody else's.
    #[error("there is no such batch")]
    Unknown,
    /// As many are being read as may be.
    #[error("as many batches are being read as may be, over all or of this platform; try again soon")]
    Busy,
    /// More than a workbook that is given back may hold.
    #[error("the rows are too much for a workbook; take them with format=csv or format=ndjson")]
    TooMuch,
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

/// What is to be done when the host has failed.
fn how_on(batch: Uuid) -> &'static str {
    if is_named(batch) {
        ": send the whole again under the same Idempotency-Key"
    } else {
        ": ask for the batch when the host is back, and send what it has not as another one"
    }
}

/// Has it its name from an idempotency key, so that its sender can go on with it?
fn is_named(batch: Uuid) -> bool {
    batch.get_version_num() == 8
}

/// Can what is missing still come? Only under the idempotency key that the batch has its name from, and not if there is more
/// of it than a batch may have.
fn can_go_on(error: &SheetError, batch: Uuid) -> bool {
    is_named(batch) && !matches!(error, SheetError::TooMany(_))
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
            // One that has come already is read all the same: of each row is told what it became.
        }
        let (give, rows) = mpsc::channel(AHEAD);
        let reading = rows::Reading {
            push: self.clone(),
            lane: lane.clone(),
            columns,
            format: ask.format,
            batch: id,
            request_id: ask.request_id.to_owned(),
            flow: rows::flow(),
        };
        let reader = tokio::task::spawn_blocking(move || reading.read(ask.body, &give));
        let into = (!ask.dry_run).then_some(id);
        let mut taken = Taken::new(self, &lane, ask.request_id, into, ask.idempotency.is_some());
        let all = taken.all(rows).await;
        let Taken { kept, verdicts, .. } = taken;
        let read = match all {
            Ok(()) => reader.await.map_err(|_| PushError::Lost).and_then(|read| read).map_err(BatchError::Push),
            Err(error) => Err(error),
        };
        let read = match (read, verdicts.batch) {
            (Ok(read), _) => read,
            (Err(BatchError::Push(error)), Some(batch)) => {
                return Err(self.interrupted(error, kept, batch).await);
            }
            (Err(error), _) => return Err(error),
        };
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

    /// Of a batch that the host could not read to its end.
    async fn interrupted(&self, error: PushError, kept: u32, batch: Uuid) -> BatchError {
        tracing::error!(%error, %batch, kept, "a batch could not be read to its end");
        if !is_named(batch)
            && let Err(error) = self.store.batch_close(now(), batch).await
        {
            // Then the next start does it.
            tracing::warn!(%error, %batch, "a batch that cannot go on could not be closed");
        }
        BatchError::Interrupted { error, kept, batch }
    }

    /// Closes the batches that a host that died was reading and that nobody can go on with. Before the first one comes.
    ///
    /// # Errors
    /// As the store's.
    pub(crate) async fn close_orphans(&self) -> Result<(), StoreError> {
        match self.store.batches_close_unnamed(now()).await? {
            0 => {}
            batches => tracing::warn!(batches, "batches without a key were cut off by the last stop; they are closed"),
        }
        Ok(())
    }

    /// Deletes the records of a batch that nobody will send any more.
    ///
    /// # Errors
    /// `Unknown`; `Push`.
    pub(crate) async fn forget_batch(&self, batch: Uuid) -> Result<Forgotten, BatchError> {
        Ok(self.store.batch_forget(batch).await?)
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

/// Will nothing of it change by itself any more?
pub(crate) fn is_settled(batch: &Batch, progress: &Progress) -> bool {
    let waits = |(state, _): &(State, u64)| matches!(state, State::Queued | State::Sending);
    batch.closed.is_some() && !progress.jobs.iter().any(waits)
}
