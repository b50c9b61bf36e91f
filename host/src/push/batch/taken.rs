//! From rows that were read to rows that are kept: some hundreds in one transaction, each with its verdict. What is wrong is
//! listed up to a bound and counted behind it.

use std::time::Duration;

use tokio::{sync::mpsc, time::timeout};
use uuid::Uuid;

use super::{BatchError, RowError, Verdicts, rows::Checked};
use crate::{
    failpoint,
    push::{Push, accept::Lane, now},
    store::{Accepted, NewBatch, NewRow, RowVerdict, StoreError, Was},
};

/// Rows in one transaction.
const STEP: usize = 500;
/// Bytes in one: with so many it does not wait for more.
const STEP_BYTES: usize = 1 << 20;
/// How long a row waits for others to share its transaction: rows of a body that is there are read faster than one commits.
const COMPANY: Duration = Duration::from_millis(20);
/// Errors that are listed, and bytes of them; the others are counted.
const ERRORS: (usize, usize) = (10_000, 4 << 20);

/// What has been taken so far.
pub(super) struct Taken<'t> {
    push: &'t Push,
    lane: &'t Lane,
    request_id: &'t str,
    /// None: a dry run.
    id: Option<Uuid>,
    /// Can whoever sends it name it?
    named: bool,
    /// Rows of which is known that they are kept.
    pub(super) kept: u32,
    /// The verdicts on them.
    pub(super) verdicts: Verdicts,
}

impl<'t> Taken<'t> {
    /// Nothing yet of the batch of this id; without one, of a dry run.
    pub(super) fn new(push: &'t Push, lane: &'t Lane, request_id: &'t str, id: Option<Uuid>, named: bool) -> Self {
        Self { push, lane, request_id, id, named, kept: 0, verdicts: Verdicts::default() }
    }

    /// Takes all rows.
    ///
    /// # Errors
    /// When rows cannot be kept; those of the steps before are.
    pub(super) async fn all(&mut self, mut rows: mpsc::Receiver<Checked>) -> Result<(), BatchError> {
        let mut step: Vec<Checked> = Vec::with_capacity(STEP);
        while rows.recv_many(&mut step, STEP).await > 0 {
            while step.len() < STEP && step.iter().map(|row| row.bytes).sum::<usize>() < STEP_BYTES {
                let room = STEP.saturating_sub(step.len());
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
        let count = u32::try_from(step.len()).unwrap_or(u32::MAX);
        let Some(id) = self.id else {
            step.into_iter().for_each(|row| self.verdicts.judge(row.errors));
            return Ok(());
        };
        self.make(id).await?;
        let (mut asked, mut told) = (Vec::with_capacity(step.len()), Vec::with_capacity(step.len()));
        // What is on its way to the store counts until it is there.
        let mut held = Vec::with_capacity(step.len());
        for Checked { row, body, ask, errors, held: bytes, .. } in step {
            asked.push(NewRow { row, body, ask });
            told.push((row, errors));
            held.push(bytes);
        }
        let verdicts = self.push.store.batch_add(now(), id, asked).await?;
        drop(held);
        failpoint::pass("batch.step");
        self.kept = self.kept.saturating_add(count);
        for ((row, errors), verdict) in told.into_iter().zip(verdicts) {
            let wrong = self.wrong_with(row, errors, verdict);
            self.verdicts.judge(wrong);
        }
        self.push.wake();
        Ok(())
    }

    /// What is wrong with a row, now that it is known what became of it; nothing: it is accepted.
    fn wrong_with(&self, row: u32, errors: Vec<RowError>, verdict: RowVerdict) -> Vec<RowError> {
        let one = |message: String| vec![RowError { row, column: None, pointer: None, message }];
        let contradicts = |job| one(format!("contradicts job {job}"));
        match verdict {
            RowVerdict::Job(Accepted::New { superseded, .. }) => {
                superseded.into_iter().for_each(|old| self.push.ended(old));
                Vec::new()
            }
            RowVerdict::Job(Accepted::Replay(_)) => Vec::new(),
            RowVerdict::Job(Accepted::Conflict(job)) => contradicts(job),
            RowVerdict::Refused => errors,
            RowVerdict::Already { same: false, .. } => {
                one("this row came before with other content, which stays; send the corrected row in a new batch"
                    .into())
            }
            // What is wrong with it now was not when it came: it is a job.
            RowVerdict::Already { was: Was::Job(_), .. } => Vec::new(),
            RowVerdict::Already { was: Was::Conflict(job), .. } => contradicts(job),
            RowVerdict::Already { was: Was::Refused, .. } if errors.is_empty() => {
                one("this row was refused when it came first and would be accepted now; send it in a new batch".into())
            }
            RowVerdict::Already { was: Was::Refused, .. } => errors,
            RowVerdict::Late => one("this batch was complete without this row; send it in a new batch".into()),
        }
    }

    /// A batch whose first row could not be read is none.
    async fn make(&mut self, id: Uuid) -> Result<(), BatchError> {
        if self.verdicts.batch.is_some() {
            return Ok(());
        }
        let batch = NewBatch {
            id,
            platform: self.lane.platform.clone(),
            link: self.lane.link.id.clone(),
            operation: self.lane.operation.clone(),
            named: self.named,
            meta: None,
            request_id: self.request_id.to_owned(),
        };
        match self.push.store.batch_create(now(), batch.clone()).await {
            Ok(()) => {}
            // It is the one that is being continued, or one that has come since this one was looked for.
            Err(StoreError::Constraint(_)) => {
                let there = self.push.store.batch(id).await?;
                if !there.is_some_and(|there| is_same(&there.given, &batch)) {
                    return Err(BatchError::KeyReused(id));
                }
            }
            Err(error) => return Err(error.into()),
        }
        self.verdicts.batch = Some(id);
        Ok(())
    }
}

/// Do the two come from one sender for one operation?
fn is_same(one: &NewBatch, other: &NewBatch) -> bool {
    (&one.platform, &one.link, &one.operation) == (&other.platform, &other.link, &other.operation)
}

impl Verdicts {
    /// Counts a row, and lists what is wrong with it; nothing: it is accepted.
    fn judge(&mut self, errors: Vec<RowError>) {
        self.rows = self.rows.saturating_add(1);
        if errors.is_empty() {
            self.accepted = self.accepted.saturating_add(1);
        }
        for error in errors {
            let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
            let bytes = error.message.len().saturating_add(len(&error.column)).saturating_add(len(&error.pointer));
            let all = self.error_bytes.saturating_add(bytes);
            // Once something is left out, all behind it is.
            if self.omitted > 0 || self.errors.len() >= ERRORS.0 || all > ERRORS.1 {
                self.omitted = self.omitted.saturating_add(1);
                continue;
            }
            self.error_bytes = all;
            self.errors.push(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(row: u32, message: &str) -> RowError {
        RowError { row, column: None, pointer: None, message: message.into() }
    }

    #[test]
    fn errors_are_listed_up_to_a_bound_and_counted_behind_it() {
        let mut verdicts = Verdicts::default();
        for row in 1..=300 {
            verdicts.judge(vec![error(row, "is missing"); 50]);
            verdicts.judge(Vec::new());
        }
        let counts = (verdicts.rows, verdicts.accepted, verdicts.errors.len(), verdicts.omitted);
        assert_eq!(counts, (600, 300, 10_000, 5_000));
        assert_eq!((verdicts.errors[0].row, verdicts.errors[9_999].row), (1, 200), "the first ones");
    }

    #[test]
    fn long_errors_are_listed_up_to_a_bound_too() {
        let mut verdicts = Verdicts::default();
        (1..=5_000).for_each(|row| verdicts.judge(vec![error(row, &"x".repeat(1_024))]));
        let listed = u64::try_from(verdicts.errors.len()).unwrap();
        assert_eq!((listed, listed + verdicts.omitted), (4_096, 5_000));
    }
}
