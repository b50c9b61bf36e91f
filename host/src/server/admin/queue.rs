//! What operators see and do about what was accepted: how much waits and why, jobs of all platforms without their records,
//! links held back and let go on, a copy of the store, the audit log's proof. Each act is in the audit log before it is done.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Admin, Operator};
use crate::{
    audit::Act,
    failure::cut,
    id::{LinkId, PlatformName},
    push::{PushError, view::JobView},
    server::{
        api::jobs::{JobList, parse},
        front::{RequestError, RequestId},
        problem::Problem,
    },
    store::{Filter, Job, JobId, PAGE_MAX, StoreError},
};

/// Batches listed whose last row has not come.
const RECEIVING_MAX: usize = 100;
/// Entries of the audit log on a page.
const ENTRIES_MAX: usize = 1000;
/// The longest reason of a hold, in bytes.
const REASON_MAX: usize = 512;

/// A link's queue.
#[derive(Serialize)]
struct LinkQueue {
    link: String,
    jobs: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Value>,
}

/// Every link that has jobs or is held.
pub(super) async fn show(_: Operator, State(admin): State<Arc<Admin>>) -> Result<Json<Value>, Problem> {
    let store = admin.push.store();
    let counts = store.counts().await.map_err(PushError::from)?;
    let holds = store.holds().await.map_err(PushError::from)?;
    let receiving = store.batches_open(RECEIVING_MAX).await.map_err(PushError::from)?;
    let receiving: Vec<String> = receiving.iter().map(|batch| batch.given.id.to_string()).collect();
    let (waiting, parked) = store.events_count().await.map_err(PushError::from)?;
    let mut links = BTreeMap::<LinkId, LinkQueue>::new();
    let queue = |link: &LinkId| LinkQueue { link: link.to_string(), jobs: Map::new(), held: None };
    for (link, state, count) in counts {
        let of = links.entry(link.clone()).or_insert_with(|| queue(&link));
        of.jobs.insert(state.as_str().to_owned(), count.into());
    }
    for hold in holds {
        let of = links.entry(hold.link.clone()).or_insert_with(|| queue(&hold.link));
        of.held = Some(json!({ "reason": hold.reason, "since": hold.since.to_string() }));
    }
    let links: Vec<LinkQueue> = links.into_values().collect();
    let webhooks = json!({ "waiting": waiting, "parked": parked });
    Ok(Json(json!({ "links": links, "batches_receiving": receiving, "webhooks": webhooks })))
}

/// Jobs of all platforms.
pub(super) async fn jobs(
    _: Operator,
    State(admin): State<Arc<Admin>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (filter, after, limit) = parse(query.as_deref().unwrap_or(""))?;
    let page = admin.push.store().list(filter, after, limit).await.map_err(PushError::from)?;
    Ok(Json(JobList::of(&page.jobs, page.next)).into_response())
}

async fn find(admin: &Admin, path: Result<Path<String>, PathRejection>) -> Result<Job, Problem> {
    let Path(id) = path.map_err(|_| RequestError::NoRoute)?;
    let id = uuid::Uuid::parse_str(&id).map_err(|_| PushError::UnknownJob)?;
    let job = admin.push.store().job(JobId(id)).await.map_err(PushError::from)?;
    Ok(job.ok_or(PushError::UnknownJob)?)
}

/// One job of any platform.
pub(super) async fn job(
    _: Operator,
    State(admin): State<Arc<Admin>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    Ok(Json(JobView::from(&find(&admin, path).await?)).into_response())
}

/// Sends a job again.
pub(super) async fn retry(
    _: Operator,
    State(admin): State<Arc<Admin>>,
    id: RequestId,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let job = find(&admin, path).await?;
    before(&admin, &id, "retry", job.id.to_string()).await?;
    Ok(Json(JobView::from(&admin.push.retry(&job).await?)).into_response())
}

/// Takes a job back.
pub(super) async fn cancel(
    _: Operator,
    State(admin): State<Arc<Admin>>,
    id: RequestId,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let job = find(&admin, path).await?;
    before(&admin, &id, "cancel", job.id.to_string()).await?;
    Ok(Json(JobView::from(&admin.push.cancel(&job).await?)).into_response())
}

/// Sends all jobs again that a query asks for; it must name a link and a state.
pub(super) async fn retry_all(
    _: Operator,
    State(admin): State<Arc<Admin>>,
    id: RequestId,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let (filter, mut after, _) = parse(query.as_deref().unwrap_or(""))?;
    let (Some(link), Some(state)) = (&filter.link, filter.state) else {
        let rule = "a link and a state are expected, as in ?link=zj.nbufe&state=parked";
        return Err(RequestError::Query { name: "link", rule }.into());
    };
    before(&admin, &id, "retry-all", format!("{link} {}", state.as_str())).await?;
    let mut retried = 0_u64;
    loop {
        let page = admin.push.store().list(Filter::clone(&filter), after, PAGE_MAX).await.map_err(PushError::from)?;
        for job in &page.jobs {
            match admin.push.retry(job).await {
                Ok(_) => retried = retried.saturating_add(1),
                // It has gone on meanwhile.
                Err(PushError::State(_) | PushError::Gone) => {}
                Err(error) => return Err(error.into()),
            }
        }
        match page.next {
            Some(next) => after = next,
            None => return Ok(Json(json!({ "retried": retried }))),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldAsk {
    reason: Option<String>,
}

/// Holds a link back.
pub(super) async fn hold(
    _: Operator,
    State(admin): State<Arc<Admin>>,
    id: RequestId,
    path: Result<Path<String>, PathRejection>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let link = link(path)?;
    let ask: HoldAsk = if body.is_empty() { HoldAsk::default() } else { read(&body)? };
    let mut reason = ask.reason.unwrap_or_else(|| "held by an operator".into());
    cut(&mut reason, REASON_MAX);
    before(&admin, &id, "hold", link.to_string()).await?;
    admin.push.hold(&link, &reason).await?;
    Ok(Json(json!({ "link": link.to_string(), "held": true, "reason": reason })))
}

/// Lets a link go on.
pub(super) async fn resume(
    _: Operator,
    State(admin): State<Arc<Admin>>,
    id: RequestId,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let link = link(path)?;
    before(&admin, &id, "resume", link.to_string()).await?;
    let was_held = admin.push.resume(&link).await?;
    Ok(Json(json!({ "link": link.to_string(), "held": false, "was_held": was_held })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BackupAsk {
    /// An absolute path on the host's machine; nothing may lie there.
    file: PathBuf,
}

/// Writes a copy of the store.
pub(super) async fn backup(
    _: Operator,
    State(admin): State<Arc<Admin>>,
    id: RequestId,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let BackupAsk { file } = read(&body)?;
    if !file.is_absolute() {
        return Err(RequestError::Body("`file` must be an absolute path".into()).into());
    }
    before(&admin, &id, "backup", file.display().to_string()).await?;
    match admin.push.store().backup(file.clone()).await {
        Ok(()) => Ok(Json(json!({ "file": file.display().to_string() }))),
        Err(StoreError::Backup(why)) => Err(RequestError::Body(format!("no backup was written: {why}")).into()),
        Err(error) => Err(PushError::from(error).into()),
    }
}

/// Delivers the events again that were given up, of one platform.
pub(super) async fn retry_webhooks(
    _: Operator,
    State(admin): State<Arc<Admin>>,
    id: RequestId,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let Path(text) = path.map_err(|_| RequestError::NoRoute)?;
    let platform: PlatformName = text.parse().map_err(|_| RequestError::NoRoute)?;
    before(&admin, &id, "retry-webhooks", platform.to_string()).await?;
    Ok(Json(json!({ "retried": admin.push.retry_webhooks(platform).await? })))
}

/// Entries of the audit log, after the one of this number.
pub(super) async fn audit(
    _: Operator,
    State(admin): State<Arc<Admin>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let mut after = 0;
    for (name, value) in url::form_urlencoded::parse(query.as_deref().unwrap_or("").as_bytes()) {
        if name == "after" {
            let rule = "the number of an entry is expected";
            after = value.parse().map_err(|_| RequestError::Query { name: "after", rule })?;
        }
    }
    let entries = admin.push.store().audit_entries(after, ENTRIES_MAX).await.map_err(PushError::from)?;
    let next = entries.last().map(|(n, _)| *n).filter(|_| entries.len() == ENTRIES_MAX);
    let entries = entries.into_iter().map(|(n, entry)| {
        json!({
            "n": n, "at": entry.at.to_string(), "actor": entry.actor, "act": entry.act, "subject": entry.subject,
            "outcome": entry.outcome, "request_id": entry.request_id
        })
    });
    Ok(Json(json!({ "entries": entries.collect::<Vec<_>>(), "next": next })))
}

/// Reads the whole audit log and says whether it is what was written.
pub(super) async fn verify_audit(_: Operator, State(admin): State<Arc<Admin>>) -> Result<Json<Value>, Problem> {
    let report = admin.push.store().audit_verify().await.map_err(PushError::from)?;
    let fault = report.fault.map(|fault| fault.to_string());
    Ok(Json(
        json!({ "entries": report.entries, "checkpoints": report.checkpoints, "good": fault.is_none(), "fault": fault }),
    ))
}

fn link(path: Result<Path<String>, PathRejection>) -> Result<LinkId, RequestError> {
    let Path(text) = path.map_err(|_| RequestError::NoRoute)?;
    text.parse().map_err(|_| RequestError::NoRoute)
}

fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, RequestError> {
    serde_json::from_slice(body).map_err(|error| RequestError::Body(error.to_string()))
}

async fn before(admin: &Admin, id: &RequestId, act: &str, subject: String) -> Result<(), Problem> {
    let act = Act { actor: "operator", act, subject, outcome: "asked", request_id: &id.0 };
    Ok(admin.auditor.before(act).await.map_err(PushError::from)?)
}
