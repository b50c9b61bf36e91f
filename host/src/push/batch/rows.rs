//! From a row to a verdict: parsed, held against the operation's schema, and made a job or a refusal, on a blocking thread.
//! A refused row is kept too, sealed, so that it can be given back to be corrected.

use std::{io::Read, ops::ControlFlow, sync::Arc};

use bytes::Bytes;
use serde_json::{Value, value::RawValue};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use uuid::Uuid;

use super::{
    ROWS_MAX, RowError,
    results::{SealedRow, row_of},
};
use crate::{
    failure::{MESSAGE_MAX, cut},
    push::{Push, PushError, accept::Lane, now},
    runtime::Violation,
    sheet::{self, Columns, Fault, Format, Limits, Row, SheetError, Wrong},
    store::{Digest, RowAsk},
};

/// Kibibytes of rows of one batch that were read and are not kept yet.
const FLOW_KIB: u32 = 4 << 10;
/// The longest pointer that is told, in characters: it may be a name that somebody made up.
const POINTER_MAX: usize = 256;

/// The room for rows of one batch that are under way.
pub(super) fn flow() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::try_from(FLOW_KIB).unwrap_or(0)))
}

/// A row with its verdict.
pub(super) struct Checked {
    pub(super) row: u32,
    /// Tells whether a row that comes again is the same one.
    pub(super) body: Digest,
    pub(super) ask: RowAsk,
    pub(super) errors: Vec<RowError>,
    /// How much it is.
    pub(super) bytes: usize,
    /// Its part of the room for rows that are under way.
    pub(super) held: Option<OwnedSemaphorePermit>,
}

impl Checked {
    fn new(row: u32, body: Digest, ask: RowAsk, errors: Vec<RowError>) -> Self {
        let sealed = match &ask {
            RowAsk::Job(job) => job.payload.0.len(),
            RowAsk::Refused { error, .. } => error.0.len(),
        };
        // What is wrong is held a second time, beside what is sealed of it.
        let bytes = errors.iter().map(|error| error.message.len().saturating_add(POINTER_MAX));
        let bytes = bytes.fold(sealed, usize::saturating_add);
        Self { row, body, ask, errors, bytes, held: None }
    }
}

/// What reading needs.
pub(super) struct Reading {
    pub(super) push: Arc<Push>,
    pub(super) lane: Arc<Lane>,
    pub(super) columns: Columns,
    pub(super) format: Format,
    pub(super) batch: Uuid,
    pub(super) request_id: String,
    /// See [`flow`].
    pub(super) flow: Arc<Semaphore>,
}

impl Reading {
    /// Reads to the end, or until nobody takes the rows any more.
    ///
    /// # Errors
    /// When a row could not be made a job, which is no fault of the sheet's.
    pub(super) fn read(
        &self,
        source: impl Read,
        give: &mpsc::Sender<Checked>,
    ) -> Result<Result<u32, SheetError>, PushError> {
        let record = self.lane.link.input_max(self.lane.spec().ok().and_then(|spec| spec.spec.max_body));
        let limits = Limits { rows: ROWS_MAX, record };
        let mut failed = None;
        let read = sheet::read(self.format, source, &self.columns, limits, &mut |row| match self.check(row) {
            Ok(mut checked) => {
                checked.held = self.hold(checked.bytes);
                match give.blocking_send(checked) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            }
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        });
        failed.map_or(Ok(read), Err)
    }

    /// Waits until there is room for so many bytes. None: nobody takes rows any more, which is found out next.
    fn hold(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes >> 10).unwrap_or(FLOW_KIB).saturating_add(1).min(FLOW_KIB);
        Handle::current().block_on(self.flow.clone().acquire_many_owned(kib)).ok()
    }

    fn digest(&self, of: &[u8]) -> Digest {
        self.push.sealer.body(&self.lane.link.id, &self.lane.operation, of)
    }

    fn check(&self, Row { row, record }: Row) -> Result<Checked, PushError> {
        let record = match record {
            Ok(record) => record.0,
            Err(fault) => return self.unread(row, fault),
        };
        let value: Value = match serde_json::from_slice(&record) {
            Ok(value) => value,
            Err(_) => {
                let error = RowError { row, column: None, pointer: None, message: "is not JSON".into() };
                return self.refuse(row, self.digest(&record), vec![error], None);
            }
        };
        let violations = self.lane.violations(&value)?;
        if violations.is_empty() {
            let mut job = self.lane.job(&self.push, &value, &record, &self.request_id)?;
            // One row of one batch is one job, however often it is sent under the same key.
            job.idempotency = None;
            return Ok(Checked::new(row, job.body, RowAsk::Job(Box::new(job)), Vec::new()));
        }
        let errors = violations.into_iter().map(|violation| self.error(row, violation)).collect();
        self.refuse(row, self.digest(&record), errors, Some(record))
    }

    /// A row of which some cells could not be read: those are told, and what is wrong with the others.
    fn unread(&self, row: u32, Fault { wrong, record }: Fault) -> Result<Checked, PushError> {
        // No record looks like this; and of a cell that cannot be read nothing may be in the record.
        let mut body = Vec::new();
        for Wrong { column, message } in &wrong {
            let column = column.as_deref().unwrap_or_default();
            body.extend([b"\0", column.as_bytes(), b"\0", message.as_bytes()].concat());
        }
        body.extend([b"\0", record.as_deref().unwrap_or_default()].concat());
        let read = record.as_ref().and_then(|record| serde_json::from_slice::<Value>(record).ok());
        let others = read.map(|value| self.lane.violations(&value)).transpose()?.unwrap_or_default();
        let others = others.into_iter().map(|violation| self.error(row, violation));
        let others: Vec<RowError> =
            others.filter(|error| wrong.iter().all(|wrong| wrong.column != error.column)).collect();
        let cells = wrong.into_iter().map(|Wrong { column, message }| RowError { row, column, pointer: None, message });
        let errors = cells.chain(others).collect();
        self.refuse(row, self.digest(&body), errors, record)
    }

    fn error(&self, row: u32, mut violation: Violation) -> RowError {
        cut(&mut violation.message, MESSAGE_MAX);
        RowError {
            row,
            column: self.columns.header_of(&violation.pointer).map(ToOwned::to_owned),
            pointer: Some(violation.pointer.chars().take(POINTER_MAX).collect()),
            message: violation.message,
        }
    }

    fn refuse(
        &self,
        row: u32,
        body: Digest,
        errors: Vec<RowError>,
        record: Option<Bytes>,
    ) -> Result<Checked, PushError> {
        let record = record.and_then(|bytes| String::from_utf8(bytes.into()).ok());
        let record = record.and_then(|text| RawValue::from_string(text).ok());
        let column = errors.first().and_then(|error| error.column.clone());
        let kept = serde_json::to_vec(&SealedRow { record, errors: errors.clone() }).unwrap_or_default();
        let error =
            self.lane.key().seal(row_of(&self.lane.link.id, &super::results::row_id(self.batch, row)), &kept)?;
        let until = now().plus(self.lane.link.push.keep_failed);
        Ok(Checked::new(row, body, RowAsk::Refused { column, error, until }, errors))
    }
}
