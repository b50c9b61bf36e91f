//! From a row to a verdict: parsed, held against the operation's schema, and made a job or a refusal, on a blocking thread.
//! A refused row is kept too, sealed, so that it can be given back to be corrected.

use std::{io::Read, ops::ControlFlow, sync::Arc};

use bytes::Bytes;
use serde_json::{Value, value::RawValue};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    ROWS_MAX, RowError,
    results::{SealedRow, row_of},
};
use crate::{
    push::{Push, PushError, accept::Lane},
    sheet::{self, Columns, Fault, Format, Limits, Row, SheetError},
    store::RowAsk,
};

/// A row with its verdict.
pub(super) struct Checked {
    pub(super) row: u32,
    pub(super) ask: RowAsk,
    pub(super) errors: Vec<RowError>,
}

/// What reading needs.
pub(super) struct Reading {
    pub(super) push: Arc<Push>,
    pub(super) lane: Arc<Lane>,
    pub(super) columns: Columns,
    pub(super) format: Format,
    pub(super) batch: Uuid,
    pub(super) request_id: String,
}

impl Reading {
    /// Reads to the end, or until nobody takes the rows any more.
    pub(super) fn read(&self, source: impl Read, give: &mpsc::Sender<Checked>) -> Result<u32, SheetError> {
        let record = self.lane.link.input_max(self.lane.spec().ok().and_then(|spec| spec.spec.max_body));
        let limits = Limits { rows: ROWS_MAX, record };
        let mut failed = false;
        let read = sheet::read(self.format, source, &self.columns, limits, &mut |row| match self.check(row) {
            Ok(checked) => match give.blocking_send(checked) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            },
            Err(error) => {
                tracing::error!(%error, batch = %self.batch, "a row could not be made a job");
                failed = true;
                ControlFlow::Break(())
            }
        });
        if failed { Err(SheetError::Io(std::io::Error::other("the host could not keep a row"))) } else { read }
    }

    fn check(&self, Row { row, record }: Row) -> Result<Checked, PushError> {
        let record = match record {
            Ok(record) => record.0,
            Err(Fault { column, message, record }) => {
                let error = RowError { row, column, pointer: None, message };
                return self.refuse(row, vec![error], record);
            }
        };
        let value: Value = match serde_json::from_slice(&record) {
            Ok(value) => value,
            Err(_) => {
                let error = RowError { row, column: None, pointer: None, message: "is not JSON".into() };
                return self.refuse(row, vec![error], None);
            }
        };
        let violations = self.lane.violations(&value)?;
        if violations.is_empty() {
            let mut job = self.lane.job(&self.push, &value, &record, &self.request_id)?;
            // One row of one batch is one job, however often it is sent under the same key.
            job.idempotency = None;
            return Ok(Checked { row, ask: RowAsk::Job(Box::new(job)), errors: Vec::new() });
        }
        let errors = violations.into_iter().map(|violation| RowError {
            row,
            column: self.columns.header_of(&violation.pointer).map(ToOwned::to_owned),
            pointer: Some(violation.pointer),
            message: violation.message,
        });
        let errors = errors.collect();
        self.refuse(row, errors, Some(record))
    }

    fn refuse(&self, row: u32, errors: Vec<RowError>, record: Option<Bytes>) -> Result<Checked, PushError> {
        let record = record.and_then(|bytes| String::from_utf8(bytes.into()).ok());
        let record = record.and_then(|text| RawValue::from_string(text).ok());
        let column = errors.first().and_then(|error| error.column.clone());
        let kept = serde_json::to_vec(&SealedRow { record, errors: errors.clone() }).unwrap_or_default();
        let error =
            self.lane.key().seal(row_of(&self.lane.link.id, &super::results::row_id(self.batch, row)), &kept)?;
        Ok(Checked { row, ask: RowAsk::Refused { column, error }, errors })
    }
}
