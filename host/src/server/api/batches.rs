//! Batches over HTTP: sent whole, answered with the verdict on every row, asked for and forgotten. Of each that is being read
//! the memory counts that it may take, in a room apart from that of calls; that bounds how many there are, too.

pub(in crate::server) mod follow;
pub(in crate::server) mod results;

use std::{io::Read, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use uuid::Uuid;

use super::{Admitted, Caller, Shared, admit, note, preference};
use crate::{
    push::{
        Push, PushError,
        batch::{BatchAsk, BatchError, RowError, Verdicts, is_settled},
    },
    server::{
        auth::Platform,
        front::{RequestError, RequestId},
        inputs::Room,
        problem::Problem,
        reading::{self, Held},
    },
    sheet::{Format, XLSX_MAX},
    store::{At, Batch, Progress, State as JobState},
};

/// Bytes that all batches that are being read may take; those of one platform, a quarter of it.
pub(super) const ROOM: usize = 256 << 20;
/// What one counts that is read as it comes: rows under way to the store, pieces of the body, errors. So there are 32 in
/// all and 8 of a platform.
const STREAMED: usize = 8 << 20;
/// What a workbook counts, however small it says it is: the file, what is read of it, and its texts
/// (`sheet/vet.rs`).
const WORKBOOK: usize = 56 << 20;

/// A batch with the verdict on its rows.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BatchReceipt)]
pub(in crate::server) struct Receipt {
    /// Its name; absent after a dry run or when there was no row.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Rows read.
    rows: u32,
    /// Rows that were accepted, now or before under the same Idempotency-Key. After a dry run: that would be.
    accepted: u32,
    /// What is wrong with the others, each with its row and, where there are columns, its column: the first 10,000.
    errors: Vec<RowError>,
    /// Errors behind those.
    #[serde(skip_serializing_if = "is_zero")]
    errors_omitted: u64,
}

/// A batch and how far it is.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Batch)]
pub(in crate::server) struct BatchView {
    /// Its name.
    id: String,
    /// The link.
    link: String,
    /// The operation.
    operation: String,
    /// `receiving`: its last row has not come; send it again under the same Idempotency-Key. `running`; `settled`: nothing
    /// will change by itself.
    state: &'static str,
    /// Rows that have come.
    rows: u64,
    /// Of them refused: they were never jobs.
    refused: u64,
    /// Of them in conflict with an earlier request.
    conflicts: u64,
    /// The others, by their job's state.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    jobs: serde_json::Map<String, serde_json::Value>,
    /// When it was made.
    created: String,
    /// When its last row had come.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<String>,
    /// Since when the queue of its link is held back, if it is and anything waits: that goes on when the operator lets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_since: Option<String>,
}

/// Records that were deleted.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BatchForgotten)]
pub(in crate::server) struct ForgottenView {
    /// Of refused rows.
    rows: usize,
    /// Of jobs that are over.
    jobs: usize,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl BatchView {
    fn of(Seen { batch, progress, held }: &Seen) -> Self {
        let state = match (batch.closed, is_settled(batch, progress)) {
            (None, _) => "receiving",
            (Some(_), false) => "running",
            (Some(_), true) => "settled",
        };
        Self {
            id: batch.given.id.to_string(),
            link: batch.given.link.to_string(),
            operation: batch.given.operation.clone(),
            state,
            rows: progress.rows,
            refused: progress.refused,
            conflicts: progress.conflicts,
            jobs: progress.jobs.iter().map(|(state, count)| (state.as_str().to_owned(), (*count).into())).collect(),
            created: batch.created.to_string(),
            closed: batch.closed.map(|at| at.to_string()),
            held_since: held.filter(|_| state != "settled").map(|at| at.to_string()),
        }
    }

    /// Names this state of it: as the job counts differ, so do these.
    fn version(&self) -> String {
        let counts =
            JobState::ALL.iter().map(|state| self.jobs.get(state.as_str()).map_or(0, |n| n.as_u64().unwrap_or(0)));
        let all = [self.rows, self.refused, self.conflicts].into_iter().chain(counts);
        let marks = [self.closed.is_some(), self.held_since.is_some()].map(u64::from);
        all.chain(marks).map(|count| count.to_string()).collect::<Vec<_>>().join("-")
    }
}

/// What a query asks of a new batch.
fn is_dry(query: Option<&str>) -> Result<bool, RequestError> {
    let mut dry = false;
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or("").as_bytes()) {
        if name == "dry_run" {
            dry = match &*value {
                "true" | "1" | "" => true,
                "false" | "0" => false,
                _ => return Err(RequestError::Query { name: "dry_run", rule: "true or false is expected" }),
            };
        }
    }
    Ok(dry)
}

#[utoipa::path(
    post, path = "/v1/links/{link}/operations/{operation}/batches", tag = "batches", operation_id = "sendBatch",
    summary = "Many records of one operation: NDJSON, a JSON array, CSV or XLSX, at most 10,000",
    params(
        ("link" = String, Path, description = "The link's id"),
        ("operation" = String, Path, description = "The operation"),
        ("dry_run" = Option<bool>, Query, description = "Only the verdicts: nothing is kept, nothing is sent"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the batch: sent again, rows that came before are not taken twice")
    ),
    request_body(content(
        ("application/x-ndjson"), ("application/json"), ("text/csv"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    )),
    responses(
        (status = 200, description = "The verdicts of a dry run", body = Receipt),
        (status = 202, description = "The batch is kept, with the verdict on every row", body = Receipt)
    )
)]
pub(in crate::server) async fn receive(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    id: RequestId,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Path((link, operation)) = path.map_err(|_| RequestError::NoRoute)?;
    let Admitted { max: input_max, direct_only, .. } = admit(&shared.api, &platform, &link, &operation)?;
    if direct_only {
        return Err(PushError::DirectOnly(operation).into());
    }
    let format = format_of(&headers)?;
    let dry_run = is_dry(query.as_deref())?;
    let key = preference::idempotency_key(&headers)?;
    let counts = match format {
        Format::Xlsx => WORKBOOK,
        // A long record is there as text and as what is parsed of it.
        _ => input_max.saturating_mul(2).clamp(STREAMED, WORKBOOK),
    };
    let room = Arc::new(shared.batches.take(&platform.name, counts).ok_or(BatchError::Busy)?);
    // On a task of its own: a client that goes away must not leave rows half checked and unlogged.
    let taken = tokio::spawn(async move {
        let ask = |body| BatchAsk {
            platform: &platform.name,
            link: &link,
            operation: &operation,
            format,
            body,
            idempotency: key.as_deref(),
            request_id: &id.0,
            dry_run,
        };
        let taken = match source(body, format, &room).await {
            Ok(body) => shared.api.push.accept_batch(ask(body)).await,
            Err(error) => Err(error),
        };
        let outcome = match &taken {
            Ok(Verdicts { batch: Some(_), .. }) => "accepted",
            Ok(_) => "checked",
            Err(BatchError::Interrupted { .. }) => "unknown",
            Err(BatchError::Sheet { batch: Some(_), .. }) => "accepted in part",
            Err(_) => "refused",
        };
        note(&shared.api, &platform, "batch", format!("{link} {operation}"), outcome, &id).await;
        taken
    });
    let verdicts = taken.await.map_err(|_| RequestError::Panicked)??;
    let Verdicts { batch, rows, accepted, errors, omitted, .. } = verdicts;
    let id = batch.map(|id| id.to_string());
    let receipt = Json(Receipt { id, rows, accepted, errors, errors_omitted: omitted });
    let Some(batch) = batch else { return Ok(receipt.into_response()) };
    let mut response = (StatusCode::ACCEPTED, receipt).into_response();
    if let Ok(location) = HeaderValue::try_from(format!("/v1/batches/{batch}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The body, for a thread that reads it. A workbook is read whole in any case: it is there before a thread is taken for it.
async fn source(body: Body, format: Format, room: &Arc<Room>) -> Result<Box<dyn Read + Send>, BatchError> {
    if format != Format::Xlsx {
        return Ok(Box::new(Held::new(reading::of(body), room.clone())));
    }
    let whole = reading::whole(body, XLSX_MAX).await;
    let whole = whole.map_err(|error| BatchError::Sheet { error: error.into(), kept: 0, batch: None })?;
    Ok(Box::new(Held::new(std::io::Cursor::new(whole), room.clone())))
}

/// How the body is written, by its Content-Type; a body that is compressed besides is not taken.
fn format_of(headers: &HeaderMap) -> Result<Format, RequestError> {
    let plain = headers.get(header::CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !plain {
        return Err(RequestError::Encoded);
    }
    Format::from_media_type(given).map_err(|error| RequestError::Format(error.to_string()))
}

/// A batch as its platform sees it.
struct Seen {
    batch: Batch,
    progress: Progress,
    /// Since when its link is held back.
    held: Option<At>,
}

async fn own(push: &Push, platform: &Platform, id: &str) -> Result<Seen, BatchError> {
    let id = Uuid::parse_str(id).map_err(|_| BatchError::Unknown)?;
    let (batch, progress) = push.batch(&platform.name, id).await?;
    let seen = platform.sees_link(&batch.given.link) && platform.sees_operation(&batch.given.operation);
    if !seen {
        return Err(BatchError::Unknown);
    }
    let held = push.held_since(&batch.given.link).await?;
    Ok(Seen { batch, progress, held })
}

#[utoipa::path(
    get, path = "/v1/batches/{id}", tag = "batches", operation_id = "showBatch", summary = "A batch and how far it is",
    params(("id" = String, Path, description = "The batch's id")),
    responses((status = 200, description = "The batch", body = BatchView))
)]
pub(in crate::server) async fn show(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<BatchView>, Problem> {
    let Path(id) = path.map_err(|_| RequestError::NoRoute)?;
    Ok(Json(BatchView::of(&own(&shared.api.push, &platform, &id).await?)))
}

#[utoipa::path(
    delete, path = "/v1/batches/{id}", tag = "batches", operation_id = "forgetBatch",
    summary = "Deletes the records of a batch that nobody will send any more: of its refused rows, and of jobs that failed or are over otherwise. Verdicts, states and times stay; what waits, is parked or unknown keeps its record",
    params(("id" = String, Path, description = "The batch's id")),
    responses((status = 200, description = "How many records were deleted", body = ForgottenView))
)]
pub(in crate::server) async fn forget(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    request: RequestId,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<ForgottenView>, Problem> {
    let Path(id) = path.map_err(|_| RequestError::NoRoute)?;
    let push = &shared.api.push;
    let Seen { batch, .. } = own(push, &platform, &id).await?;
    let forgotten = push.forget_batch(batch.given.id).await;
    let outcome = if forgotten.is_ok() { "done" } else { "refused" };
    note(&shared.api, &platform, "forget", id, outcome, &request).await;
    let forgotten = forgotten?;
    Ok(Json(ForgottenView { rows: forgotten.rows, jobs: forgotten.payloads }))
}
