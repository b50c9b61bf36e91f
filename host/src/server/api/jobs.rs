//! Records that are accepted durably, and what platforms ask of them: how they stand, again, not at all. A platform sees
//! its own jobs and no other; a job of somebody else is answered exactly as one that does not exist.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Caller, Shared, note, preference::Preference};
use crate::{
    failure::{Class, Failure, Outcome},
    push::{Ask, Push, PushError, is_over, view::JobView},
    server::{
        auth::Platform,
        front::{RequestError, RequestId},
        inputs::Room,
        problem::Problem,
    },
    store::{At, Attempt, Filter, Job, JobId, PAGE_MAX, State as JobState},
};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// Jobs on a page unless asked otherwise.
const LIMIT_DEFAULT: usize = 100;

/// A record on its way to being accepted.
pub(super) struct Record<'r> {
    pub(super) link: &'r str,
    pub(super) operation: &'r str,
    pub(super) input: Bytes,
    /// What the input holds of the host's memory.
    pub(super) room: Room,
    pub(super) preference: Preference,
    pub(super) key: Option<&'r str>,
    /// How long a plain call with an idempotency key waits.
    pub(super) patience: Duration,
}

/// Accepts a record durably and waits as long as whoever sent it wants to.
pub(super) async fn push(
    push: &Push,
    platform: &Platform,
    id: &RequestId,
    record: Record<'_>,
) -> Result<Response, Problem> {
    let Record { link, operation, input, room, preference, key, patience } = record;
    let ask = Ask { platform: &platform.name, link, operation, input, idempotency: key, request_id: &id.0 };
    let ticket = push.accept(ask).await?;
    // The input is in the store: whoever waits for its end needs no room any more.
    drop(room);
    let wait = match preference.wait {
        Some(wait) => wait,
        None if preference.respond_async => Duration::ZERO,
        // Neither wants to wait nor to be called back: a plain call, made safe to repeat.
        None if ticket.replay => Duration::ZERO,
        None => patience,
    };
    // It is durable: whatever fails from now on, whoever sent it is told that it is kept, and where.
    let waited = push.wait(ticket.id, wait).await;
    let job = match waited {
        Ok(job) => job,
        Err(error) => {
            tracing::error!(job = %ticket.id, %error, "a record was accepted, and how it stands could not be read");
            return Ok(located(kept(push, ticket.id, link, operation, &id.0), ticket.id));
        }
    };
    if ticket.replay && !preference.durable() && !is_over(&job) {
        return Err(PushError::InFlight(job.id).into());
    }
    // Whoever does not wait gets the same answer however quick the upstream was.
    let at_once = preference.respond_async && preference.wait.is_none() && !ticket.replay;
    let mut response = located(if at_once { accepted(&job) } else { answer(push, &job).await }, job.id);
    if let Some(Ok(applied)) = preference.applied().map(HeaderValue::try_from) {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    Ok(response)
}

/// 202 for a record that was accepted and cannot be read any more: as it was when it was accepted.
fn kept(push: &Push, job: JobId, link: &str, operation: &str, request_id: &str) -> Response {
    let connector = push.dispatcher().serving(link).map(|link| link.connector.manifest.name.to_string());
    let now = At::from(jiff::Timestamp::now()).to_string();
    let view = JobView {
        id: job.to_string(),
        link,
        connector: connector.as_deref().unwrap_or_default(),
        operation,
        state: JobState::Queued.as_str(),
        outcome: None,
        may_have_been_applied: false,
        class: None,
        upstream_code: None,
        message: None,
        attempts: 0,
        due: None,
        accepted: now.clone(),
        updated: now,
        finished: None,
        superseded_by: None,
        batch: None,
        row: None,
        request_id,
    };
    (StatusCode::ACCEPTED, Json(view)).into_response()
}

fn located(mut response: Response, job: JobId) -> Response {
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/jobs/{job}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// 202 with how it stands.
fn accepted(job: &Job) -> Response {
    (StatusCode::ACCEPTED, Json(JobView::from(job))).into_response()
}

/// 200 with the output of what is done, the problem of what has failed, 202 with how it stands for everything else.
async fn answer(push: &Push, job: &Job) -> Response {
    match (job.stage.state(), &job.last) {
        (JobState::Done, _) => match output(push, job).await {
            Some(output) => {
                ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], output).into_response()
            }
            None => Json(JobView::from(job)).into_response(),
        },
        (JobState::Failed, Some(report)) => {
            let mut failure = Failure::new(
                report.class.unwrap_or(Class::Other),
                report.outcome,
                report.message.clone().unwrap_or_default(),
            );
            failure.upstream_code.clone_from(&report.upstream_code);
            Problem::from(failure).into_response()
        }
        _ => accepted(job),
    }
}

/// The output of a job, as long as it is kept. One that cannot be read is as good as gone: that the job is done is what counts.
async fn output(push: &Push, job: &Job) -> Option<Bytes> {
    match push.result(job).await {
        Ok(output) => output,
        Err(error) => {
            tracing::error!(job = %job.id, %error, "the output of a job cannot be read");
            None
        }
    }
}

/// A job with everything that is known of it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = JobDetail)]
pub(in crate::server) struct JobDetail<'j> {
    #[serde(flatten)]
    job: JobView<'j>,
    /// Every attempt, in order; of very many, the last 500.
    attempts_made: Vec<AttemptView<'j>>,
    /// The operation's output, once it is done and as long as it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    result: Option<Box<RawValue>>,
}

/// One attempt.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Attempt)]
pub(in crate::server) struct AttemptView<'j> {
    /// From 1.
    n: u32,
    /// When it was made durable, before anything was sent.
    started: String,
    /// When its end was; absent while it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    /// What is known about the effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    outcome: Option<Outcome>,
    /// Who must act; absent if it went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    class: Option<Class>,
    /// The upstream's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_code: Option<&'j str>,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'j str>,
}

impl<'j> From<&'j Attempt> for AttemptView<'j> {
    fn from(attempt: &'j Attempt) -> Self {
        let report = attempt.report.as_ref();
        Self {
            n: attempt.n,
            started: attempt.started.to_string(),
            ended: attempt.ended.map(|at| at.to_string()),
            outcome: report.map(|report| report.outcome),
            class: report.and_then(|report| report.class),
            upstream_code: report.and_then(|report| report.upstream_code.as_deref()),
            message: report.and_then(|report| report.message.as_deref()),
        }
    }
}

/// Jobs, in the order of acceptance.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = JobList)]
pub(in crate::server) struct JobList<'j> {
    jobs: Vec<JobView<'j>>,
    /// Where the next page begins; none: there is nothing more.
    #[schema(required = false)]
    next: Option<String>,
}

/// The job of this id, if it is this platform's and of something that it may still see.
pub(super) async fn own(push: &Push, platform: &Platform, id: &str) -> Result<Job, PushError> {
    let id = uuid::Uuid::parse_str(id).map_err(|_| PushError::UnknownJob)?;
    let job = push.store().job(JobId(id)).await?.ok_or(PushError::UnknownJob)?;
    let seen =
        job.platform == platform.name && platform.sees_link(&job.link) && platform.sees_operation(&job.operation);
    if seen { Ok(job) } else { Err(PushError::UnknownJob) }
}

#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "jobs", operation_id = "showJob", summary = "One record that was accepted durably",
    params(("id" = String, Path, description = "The job's id, a UUID")),
    responses((status = 200, description = "The job, its attempts and, when it is done, its output", body = JobDetail<'_>))
)]
pub(in crate::server) async fn show(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(id) = path.map_err(|_| RequestError::NoRoute)?;
    let push = &shared.api.push;
    let job = own(push, &platform, &id).await?;
    let attempts = push.store().attempts(job.id).await.map_err(PushError::from)?;
    let text = output(push, &job).await.and_then(|bytes| String::from_utf8(bytes.into()).ok());
    let result = text.and_then(|text| RawValue::from_string(text).ok());
    let attempts_made = attempts.iter().map(AttemptView::from).collect();
    Ok(Json(JobDetail { job: JobView::from(&job), attempts_made, result }).into_response())
}

#[utoipa::path(
    get, path = "/v1/jobs", tag = "jobs", operation_id = "listJobs", summary = "Your jobs, in the order of acceptance",
    params(
        ("link" = Option<String>, Query, description = "Of this link"),
        ("state" = Option<String>, Query, description = "queued, sending, done, failed, parked, unknown, superseded or cancelled"),
        ("operation" = Option<String>, Query, description = "Of this operation"),
        ("batch" = Option<String>, Query, description = "Of this batch"),
        ("after" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 500, description = "Jobs on a page; 100 unless given")
    ),
    responses((status = 200, description = "A page of jobs", body = JobList<'_>))
)]
pub(in crate::server) async fn list(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (mut filter, after, limit) = parse(query.as_deref().unwrap_or(""))?;
    filter.platform = Some(platform.name.clone());
    let page = shared.api.push.store().list(filter, after, limit).await.map_err(PushError::from)?;
    Ok(Json(JobList::of(&page.jobs, page.next)).into_response())
}

impl<'j> JobList<'j> {
    /// A page.
    pub(in crate::server) fn of(jobs: &'j [Job], next: Option<i64>) -> Self {
        Self { jobs: jobs.iter().map(JobView::from).collect(), next: next.map(|next| next.to_string()) }
    }
}

/// Which jobs a query asks for.
pub(in crate::server) fn parse(query: &str) -> Result<(Filter, i64, usize), RequestError> {
    let (mut filter, mut after, mut limit) = (Filter::default(), 0, LIMIT_DEFAULT);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let wrong = |name, rule| RequestError::Query { name, rule };
        match &*name {
            "link" => filter.link = Some(value.parse().map_err(|_| wrong("link", "a link's id is expected"))?),
            "state" => {
                let state = JobState::ALL.into_iter().find(|state| state.as_str() == value);
                filter.state = Some(state.ok_or(wrong(
                    "state",
                    "queued, sending, done, failed, parked, unknown, superseded or cancelled is expected",
                ))?);
            }
            "operation" => filter.operation = Some(value.into_owned()),
            "platform" => {
                filter.platform = Some(value.parse().map_err(|_| wrong("platform", "a platform's name is expected"))?);
            }
            "batch" => filter.batch = Some(value.parse().map_err(|_| wrong("batch", "a batch's id is expected"))?),
            "after" => after = value.parse().map_err(|_| wrong("after", "`next` of another page is expected"))?,
            "limit" => {
                limit = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=PAGE_MAX).contains(limit))
                    .ok_or(wrong("limit", "a number from 1 to 500 is expected"))?;
            }
            // Others are ignored, as everywhere on the web.
            _ => {}
        }
    }
    Ok((filter, after, limit))
}

#[utoipa::path(
    post, path = "/v1/jobs/{id}/retry", tag = "jobs", operation_id = "retryJob",
    summary = "Send a job again that is failed, parked or unknown, or one that waits, at once",
    params(("id" = String, Path, description = "The job's id")),
    responses((status = 200, description = "How it stands now", body = JobView<'_>))
)]
pub(in crate::server) async fn retry(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    request: RequestId,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(id) = path.map_err(|_| RequestError::NoRoute)?;
    let push = &shared.api.push;
    let job = own(push, &platform, &id).await?;
    let after = push.retry(&job).await?;
    note(&shared.api, &platform, "retry", id, after.stage.state().as_str(), &request).await;
    Ok(Json(JobView::from(&after)).into_response())
}

#[utoipa::path(
    post, path = "/v1/jobs/{id}/cancel", tag = "jobs", operation_id = "cancelJob",
    summary = "Take a job back that is not under way; its record is deleted",
    params(("id" = String, Path, description = "The job's id")),
    responses((status = 200, description = "How it stands now", body = JobView<'_>))
)]
pub(in crate::server) async fn cancel(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    request: RequestId,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(id) = path.map_err(|_| RequestError::NoRoute)?;
    let push = &shared.api.push;
    let job = own(push, &platform, &id).await?;
    let after = push.cancel(&job).await?;
    note(&shared.api, &platform, "cancel", id, after.stage.state().as_str(), &request).await;
    Ok(Json(JobView::from(&after)).into_response())
}
