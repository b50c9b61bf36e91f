//! What became of a batch's rows, and the sheet of those that a person must look at.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{BatchError, RowError, columns};
use crate::{
    failure::{Class, Outcome},
    id::LinkId,
    push::{Push, PushError},
    seal::{Kind, What},
    sheet::{Format, Writer},
    store::{Batch, BatchRow, RowFate, Rows},
};

/// Rows read at a time.
const PAGE: usize = 500;
/// The same with their records, of which each may be as long as an input.
const RECORDS: usize = 16;

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
    /// Rows after this one, in the order of their numbers.
    ///
    /// # Errors
    /// `Push` when the store or a seal fails.
    pub(crate) async fn batch_rows(
        &self,
        batch: &Batch,
        which: Rows,
        after: Option<u32>,
        rows_max: usize,
    ) -> Result<Vec<RowView>, BatchError> {
        let rows = self.store.batch_rows(batch.given.id, which, after, rows_max).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(self.row(batch, row).await?);
        }
        Ok(views)
    }

    async fn row(&self, batch: &Batch, BatchRow { row, fate }: BatchRow) -> Result<RowView, BatchError> {
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
                view.errors = self.sealed_row(batch, row, &error).await?.errors;
            }
            RowFate::Conflict(job) => (view.state, view.job) = ("conflict", Some(job.to_string())),
            RowFate::Job(id, state) => {
                (view.state, view.job) = (state.as_str(), Some(id.to_string()));
                let job = self.store.job(id).await?.ok_or(PushError::UnknownJob)?;
                if let Some(report) = &job.last {
                    (view.outcome, view.class) = (Some(report.outcome), report.class);
                    view.upstream_code.clone_from(&report.upstream_code);
                    view.message.clone_from(&report.message);
                }
                let result = self.result(&job).await?.and_then(|bytes| String::from_utf8(bytes.into()).ok());
                view.result = result.and_then(|text| RawValue::from_string(text).ok());
            }
        }
        Ok(view)
    }

    async fn sealed_row(
        &self,
        batch: &Batch,
        row: u32,
        sealed: &crate::store::Sealed,
    ) -> Result<SealedRow, BatchError> {
        let link = &batch.given.link;
        let key = self.sealer.key(link).await.map_err(PushError::from)?;
        let id = row_id(batch.given.id, row);
        let bytes = key.open(row_of(link, &id), sealed).map_err(PushError::from)?;
        serde_json::from_slice(&bytes).map_err(|_| PushError::Lost.into())
    }

    /// The rows that a person must look at, as a sheet to be corrected and sent again.
    ///
    /// # Errors
    /// `Columns` when the operation has none; `Push`.
    pub(crate) async fn troubled_sheet(&self, batch: &Batch, format: Format) -> Result<Vec<u8>, BatchError> {
        let link = self.dispatcher.serving(&batch.given.link).map_err(PushError::from)?;
        let operation = &batch.given.operation;
        let columns = columns(link.sheets.get(operation).map(Vec::as_slice), &link, operation)?;
        let mut writer = Writer::new(format, &columns).map_err(BatchError::Columns)?;
        let mut after = None;
        loop {
            let rows = self.store.batch_rows(batch.given.id, Rows::Troubled, after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.row);
            for row in rows {
                let (record, error) = self.troubled(batch, row.clone()).await?;
                writer.row(row.row, record.as_deref(), &error).map_err(BatchError::Columns)?;
            }
        }
        writer.finish().map_err(BatchError::Columns)
    }

    /// The records of rows that a person must look at, after this one: a line each, as it was sent; an empty one where there
    /// is no record. With the last of their numbers; none when there are no more.
    ///
    /// # Errors
    /// `Push`.
    pub(crate) async fn troubled_lines(
        &self,
        batch: &Batch,
        after: Option<u32>,
    ) -> Result<Option<(Vec<u8>, u32)>, BatchError> {
        let rows = self.store.batch_rows(batch.given.id, Rows::Troubled, after, RECORDS).await?;
        let Some(last) = rows.last().map(|row| row.row) else { return Ok(None) };
        let mut lines = Vec::new();
        for row in rows {
            let (record, _) = self.troubled(batch, row).await?;
            // An element of an array may be written over several lines; line ends stand between its tokens only.
            let one_line = |byte: u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte };
            lines.extend(record.unwrap_or_default().into_iter().map(one_line));
            lines.push(b'\n');
        }
        Ok(Some((lines, last)))
    }

    /// What is known of a row that a person must look at: its record and what is wrong.
    async fn troubled(&self, batch: &Batch, row: BatchRow) -> Result<(Option<Vec<u8>>, String), BatchError> {
        match &row.fate {
            RowFate::Refused { error, .. } => {
                let kept = self.sealed_row(batch, row.row, error).await?;
                let texts = kept.errors.iter().map(|error| {
                    let place = error.column.as_deref().or(error.pointer.as_deref()).unwrap_or("");
                    if place.is_empty() { error.message.clone() } else { format!("{place}: {}", error.message) }
                });
                let text = texts.collect::<Vec<_>>().join("; ");
                Ok((kept.record.map(|record| record.get().as_bytes().to_vec()), text))
            }
            RowFate::Conflict(job) => Ok((None, format!("contradicts job {job}"))),
            RowFate::Job(id, state) => {
                let job = self.store.job(*id).await?.ok_or(PushError::UnknownJob)?;
                let said = job.last.as_ref().and_then(|report| report.message.clone()).unwrap_or_default();
                let code = job.last.as_ref().and_then(|report| report.upstream_code.clone());
                let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
                let record = self.payload(&job).await?.map(|bytes| bytes.to_vec());
                Ok((record, format!("{}: {said}{code}", state.as_str())))
            }
        }
    }
}

/// A row's name, for its seal.
pub(super) fn row_id(batch: Uuid, row: u32) -> Vec<u8> {
    [batch.as_bytes().as_slice(), &row.to_be_bytes()].concat()
}

/// Where a refused row is sealed for.
pub(super) fn row_of<'a>(link: &'a LinkId, id: &'a [u8]) -> What<'a> {
    What { kind: Kind::Row, link, id }
}
