//! What became of a batch's rows, and the sheet of those that a person must look at. Read and given page by page, each
//! bounded by its bytes; a workbook, which can only be written whole, is bounded as a whole.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{BatchError, RowError, columns};
use crate::{
    failure::{Class, Outcome},
    id::LinkId,
    push::{Push, PushError, payload_of, result_of},
    seal::{DataKey, Kind, What},
    sheet::{Columns, Format, Writer},
    store::{Batch, BatchRow, Report, RowFate, RowPage, Rows, RowsAsk, Sealed, With},
};

/// Rows read at a time.
const PAGE: usize = 500;
/// Sealed bytes of rows with their records, and of rows with their outputs, that are read at a time; of one row more, if
/// that has more.
const RECORD_BYTES: usize = 1 << 20;
const RESULT_BYTES: usize = 4 << 20;
/// Bytes of all rows of a workbook, and what each of their cells counts besides.
const WORKBOOK: (usize, usize) = (24 << 20, 64);
/// What is said of a row whose record was deleted.
const GONE: &str = "what was sent is no longer kept";

/// A refused row, as it is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct SealedRow {
    /// What could be read of it.
    pub(crate) record: Option<Box<RawValue>>,
    /// What is wrong with it.
    pub(crate) errors: Vec<RowError>,
}

/// A row as it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BatchRow)]
pub(crate) struct RowView {
    /// Its number, as its sender counts.
    pub(crate) row: u32,
    /// As of jobs; or `refused`, or `conflict`.
    #[schema(example = "done")]
    pub(crate) state: &'static str,
    /// The job, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<String>,
    /// What is known about the effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) outcome: Option<Outcome>,
    /// Who must act.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) class: Option<Class>,
    /// The upstream's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_code: Option<String>,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// What is wrong with a refused row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<RowError>,
    /// The output of a row that is done, as long as it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub(crate) result: Option<Box<RawValue>>,
}

impl Push {
    /// Rows after this one, in the order of their numbers, and whether there are more: a page ends early when its outputs
    /// are large.
    ///
    /// # Errors
    /// `Push` when the store or a seal fails.
    pub(crate) async fn batch_rows(
        &self,
        batch: &Batch,
        which: Rows,
        after: Option<u32>,
        rows_max: usize,
    ) -> Result<(Vec<RowView>, bool), BatchError> {
        let ask = RowsAsk { which, with: With::Result, after, rows_max, bytes_max: RESULT_BYTES };
        let (key, page) = self.page(batch, ask).await?;
        let views = page.rows.into_iter().map(|row| view(batch, &key, row)).collect::<Result<_, _>>()?;
        Ok((views, page.more))
    }

    async fn page(&self, batch: &Batch, ask: RowsAsk) -> Result<(Arc<DataKey>, RowPage), BatchError> {
        let key = self.sealer.key(&batch.given.link).await.map_err(PushError::from)?;
        Ok((key, self.store.batch_rows(batch.given.id, ask).await?))
    }

    /// The rows that a person must look at, to be corrected and sent again: as a sheet, or their records as lines.
    ///
    /// # Errors
    /// `Columns` when the operation has none, `Push` when its link does not serve, for a sheet.
    pub(crate) fn troubled(self: &Arc<Self>, batch: Batch, format: Format) -> Result<TroubledSheet, BatchError> {
        let columns = match format {
            Format::Ndjson | Format::Json => None,
            Format::Csv | Format::Xlsx => {
                let link = self.dispatcher.serving(&batch.given.link).map_err(PushError::from)?;
                let operation = &batch.given.operation;
                let columns = columns(link.sheets.get(operation).map(Vec::as_slice), &link, operation)?;
                // Whether there is anything to write into is found out before anything is answered.
                Writer::new(format, &columns).map_err(BatchError::Columns)?;
                Some(columns)
            }
        };
        Ok(TroubledSheet { push: self.clone(), batch, columns, after: None, begun: false, over: false })
    }
}

/// The rows of a batch that a person must look at.
pub(crate) struct TroubledSheet {
    push: Arc<Push>,
    batch: Batch,
    /// None: their records as lines.
    columns: Option<Columns>,
    after: Option<u32>,
    begun: bool,
    over: bool,
}

impl TroubledSheet {
    /// The next piece of the CSV sheet; or of the records, a line each, as it was sent, and an empty one where there is
    /// none. `None` at the end.
    ///
    /// # Errors
    /// `Push`; `Columns` if a record cannot be written.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, BatchError> {
        let Some(rows) = self.rows().await? else { return Ok(None) };
        let first = !std::mem::replace(&mut self.begun, true);
        let Some(columns) = &self.columns else { return Ok(Some(lines(rows))) };
        let mut writer = if first {
            Writer::new(Format::Csv, columns).map_err(BatchError::Columns)?
        } else {
            Writer::more_csv(columns)
        };
        for Troubled { row, record, error } in rows {
            writer.row(row, record.as_deref(), &error).map_err(BatchError::Columns)?;
        }
        writer.finish().map(Some).map_err(BatchError::Columns)
    }

    /// All of it as a workbook. Computes for long: not on a thread that others wait for.
    ///
    /// # Errors
    /// As [`Self::next`]; `TooMuch`.
    pub(crate) async fn workbook(mut self) -> Result<Vec<u8>, BatchError> {
        let columns = self.columns.take().unwrap_or_default();
        let mut writer = Writer::new(Format::Xlsx, &columns).map_err(BatchError::Columns)?;
        let mut left = WORKBOOK.0;
        while let Some(rows) = self.rows().await? {
            for Troubled { row, record, error } in rows {
                let cells = columns.headers().count().saturating_mul(WORKBOOK.1);
                let bytes = record.as_ref().map_or(0, Vec::len).saturating_add(error.len()).saturating_add(cells);
                left = left.checked_sub(bytes).ok_or(BatchError::TooMuch)?;
                writer.row(row, record.as_deref(), &error).map_err(BatchError::Columns)?;
            }
        }
        writer.finish().map_err(BatchError::Columns)
    }

    async fn rows(&mut self) -> Result<Option<Vec<Troubled>>, BatchError> {
        if self.over {
            return Ok(None);
        }
        let (which, with) = (Rows::Troubled, With::Payload);
        let ask = RowsAsk { which, with, after: self.after, rows_max: PAGE, bytes_max: RECORD_BYTES };
        let (key, page) = self.push.page(&self.batch, ask).await?;
        self.after = page.rows.last().map(|row| row.row);
        self.over = !page.more;
        page.rows.into_iter().map(|row| troubled(&self.batch, &key, row)).collect::<Result<_, _>>().map(Some)
    }
}

/// What is known of a row that a person must look at.
struct Troubled {
    row: u32,
    record: Option<Vec<u8>>,
    /// What is wrong.
    error: String,
}

fn lines(rows: Vec<Troubled>) -> Vec<u8> {
    let mut lines = Vec::new();
    for row in rows {
        // An element of an array may be written over several lines; line ends stand between its tokens only.
        let one_line = |byte: u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte };
        lines.extend(row.record.unwrap_or_default().into_iter().map(one_line));
        lines.push(b'\n');
    }
    lines
}

fn view(batch: &Batch, key: &DataKey, BatchRow { row, fate, kept }: BatchRow) -> Result<RowView, BatchError> {
    let mut view = RowView {
        row,
        state: "refused",
        job: None,
        outcome: None,
        class: None,
        upstream_code: None,
        message: None,
        errors: Vec::new(),
        result: None,
    };
    match fate {
        RowFate::Refused { error, .. } => {
            (view.class, view.outcome) = (Some(Class::InvalidInput), Some(Outcome::NotSent));
            match error {
                Some(error) => view.errors = open_row(batch, key, row, &error)?.errors,
                None => view.message = Some(GONE.into()),
            }
        }
        RowFate::Conflict(job) => (view.state, view.job) = ("conflict", Some(job.to_string())),
        RowFate::Job { id, state, last } => {
            (view.state, view.job) = (state.as_str(), Some(id.to_string()));
            if let Some(Report { class, outcome, upstream_code, message }) = last {
                (view.class, view.outcome) = (class, Some(outcome));
                (view.upstream_code, view.message) = (upstream_code, message);
            }
            if let Some(kept) = kept {
                let result = key.open(result_of(&batch.given.link, &id), &kept).map_err(PushError::from)?;
                let result = std::str::from_utf8(&result).ok().map(ToOwned::to_owned);
                view.result = result.and_then(|text| RawValue::from_string(text).ok());
            }
        }
    }
    Ok(view)
}

fn troubled(batch: &Batch, key: &DataKey, BatchRow { row, fate, kept }: BatchRow) -> Result<Troubled, BatchError> {
    let (record, error) = match fate {
        RowFate::Refused { error: None, .. } => (None, format!("refused: {GONE}")),
        RowFate::Refused { error: Some(error), .. } => {
            let kept = open_row(batch, key, row, &error)?;
            let texts = kept.errors.iter().map(|error| {
                let place = error.column.as_deref().or(error.pointer.as_deref()).unwrap_or("");
                if place.is_empty() { error.message.clone() } else { format!("{place}: {}", error.message) }
            });
            let text = texts.collect::<Vec<_>>().join("; ");
            (kept.record.map(|record| record.get().as_bytes().to_vec()), text)
        }
        RowFate::Conflict(job) => (None, format!("contradicts job {job}")),
        RowFate::Job { id, state, last } => {
            let said = last.as_ref().and_then(|report| report.message.clone()).unwrap_or_default();
            let code = last.as_ref().and_then(|report| report.upstream_code.clone());
            let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
            let open = |kept: Sealed| key.open(payload_of(&batch.given.link, &id), &kept).map(|bytes| bytes.to_vec());
            let record = kept.map(open).transpose().map_err(PushError::from)?;
            (record, format!("{}: {said}{code}", state.as_str()))
        }
    };
    Ok(Troubled { row, record, error })
}

fn open_row(batch: &Batch, key: &DataKey, row: u32, sealed: &Sealed) -> Result<SealedRow, BatchError> {
    let id = row_id(batch.given.id, row);
    let bytes = key.open(row_of(&batch.given.link, &id), sealed).map_err(PushError::from)?;
    serde_json::from_slice(&bytes).map_err(|_| PushError::Lost.into())
}

/// A row's name, for its seal.
pub(super) fn row_id(batch: Uuid, row: u32) -> Vec<u8> {
    [batch.as_bytes().as_slice(), &row.to_be_bytes()].concat()
}

/// Where a refused row is sealed for.
pub(super) fn row_of<'a>(link: &'a LinkId, id: &'a [u8]) -> What<'a> {
    What { kind: Kind::Row, link, id }
}
