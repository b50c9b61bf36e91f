//! What an event says of its job, by the names that the API has for a job (`push/view.rs`; a test compares them). What the job has come to since is not told as if it
//! had been so: its next end has an event of its own.

use serde::Serialize;

use crate::{
    failure::{Class, Outcome},
    store::{Event, Job, Report, Stage},
};

/// The `data` of an event.
#[derive(Serialize)]
pub(super) struct Data<'e> {
    job: String,
    link: &'e str,
    operation: &'e str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    may_have_been_applied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<Class>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_code: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'e str>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<u32>,
    request_id: &'e str,
    accepted: String,
    finished: String,
}

impl<'e> Data<'e> {
    /// Of the event, with the job as it stands.
    pub(super) fn new(event: &Event, job: &'e Job) -> Self {
        let stands = job.stage.state() == event.state && job.finished == Some(event.at);
        let last: Option<&Report> = job.last.as_ref().filter(|_| stands);
        let superseded_by = match job.stage {
            Stage::Superseded { by } if stands => Some(by.to_string()),
            _ => None,
        };
        Self {
            job: job.id.to_string(),
            link: &job.link,
            operation: &job.operation,
            state: event.state.as_str(),
            outcome: last.map(|report| report.outcome),
            may_have_been_applied: job.doubt,
            class: last.and_then(|report| report.class),
            upstream_code: last.and_then(|report| report.upstream_code.as_deref()),
            message: last.and_then(|report| report.message.as_deref()),
            attempts: job.attempts,
            superseded_by,
            batch: job.place.map(|place| place.batch.to_string()),
            row: job.place.map(|place| place.row),
            request_id: &job.request_id,
            accepted: job.accepted.to_string(),
            finished: event.at.to_string(),
        }
    }
}
