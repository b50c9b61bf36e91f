//! Batches over HTTP: sent whole, answered with the verdict on every row, followed while they run, and given back as a sheet
//! of the rows that need a person.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::{Caller, INPUT_LEAST, Shared, admit, note, preference};
use crate::{
    link::CallError,
    push::{
        Push,
        batch::{BatchAsk, BatchError, RowError, RowView, Verdicts, is_settled},
    },
    server::{
        auth::Platform,
        body,
        front::{RequestError, RequestId},
        problem::Problem,
        reading,
    },
    sheet::{Format, XLSX_MAX},
    store::{Batch, Progress, Rows, State as JobState},
};

/// Rows on a page unless asked otherwise, and at the most.
const LIMIT: (usize, usize) = (100, 500);
/// Bytes of a streamed body that count: a few pieces are held at a time.
const STREAMED: usize = 1 << 20;
/// Between two looks at a batch that is followed.
const LOOK: Duration = Duration::from_millis(500);

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
    /// What is wrong with the others, each with its row and, where there are columns, its column.
    errors: Vec<RowError>,
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
}

/// Rows of a batch.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BatchRows)]
pub(in crate::server) struct RowList {
    rows: Vec<RowView>,
    /// The row to go on after; none: there is nothing more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u32>,
}

impl BatchView {
    fn of(batch: &Batch, progress: &Progress) -> Self {
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
        }
    }

    /// Names this state of it: as the job counts differ, so do these.
    fn version(&self) -> String {
        let counts =
            JobState::ALL.iter().map(|state| self.jobs.get(state.as_str()).map_or(0, |n| n.as_u64().unwrap_or(0)));
        let all = [self.rows, self.refused, self.conflicts].into_iter().chain(counts);
        let closed = u64::from(self.closed.is_some());
        all.chain([closed]).map(|count| count.to_string()).collect::<Vec<_>>().join("-")
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
    admit(&shared.api, &platform, &link, &operation)?;
    let format = format_of(&headers)?;
    let dry_run = is_dry(query.as_deref())?;
    let key = preference::idempotency_key(&headers)?;
    let held = match format {
        Format::Xlsx => body::announced(&body).unwrap_or(XLSX_MAX).clamp(INPUT_LEAST, XLSX_MAX),
        _ => STREAMED,
    };
    let room = shared.inputs.take(&platform.name, held).ok_or(CallError::HostBusy)?;
    // On a task of its own: a client that goes away must not leave rows half checked and unlogged.
    let taken = tokio::spawn(async move {
        let _room = room;
        let ask = BatchAsk {
            platform: &platform.name,
            link: &link,
            operation: &operation,
            format,
            body: Box::new(reading::of(body)),
            idempotency: key.as_deref(),
            request_id: &id.0,
            dry_run,
        };
        let taken = shared.api.push.accept_batch(ask).await;
        let outcome = match &taken {
            Ok(Verdicts { batch: Some(_), .. }) => "accepted",
            Ok(_) => "checked",
            Err(_) => "refused",
        };
        note(&shared.api, &platform, "batch", format!("{link} {operation}"), outcome, &id).await;
        taken
    });
    let verdicts = taken.await.map_err(|_| RequestError::Panicked)??;
    let Verdicts { batch, rows, accepted, errors } = verdicts;
    let receipt = Json(Receipt { id: batch.map(|id| id.to_string()), rows, accepted, errors });
    let Some(batch) = batch else { return Ok(receipt.into_response()) };
    let mut response = (StatusCode::ACCEPTED, receipt).into_response();
    if let Ok(location) = HeaderValue::try_from(format!("/v1/batches/{batch}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
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

async fn own(push: &Push, platform: &Platform, id: &str) -> Result<(Batch, Progress), BatchError> {
    let id = Uuid::parse_str(id).map_err(|_| BatchError::Unknown)?;
    let (batch, progress) = push.batch(&platform.name, id).await?;
    let seen = platform.sees_link(&batch.given.link) && platform.sees_operation(&batch.given.operation);
    if seen { Ok((batch, progress)) } else { Err(BatchError::Unknown) }
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
    let (batch, progress) = own(&shared.api.push, &platform, &id).await?;
    Ok(Json(BatchView::of(&batch, &progress)))
}

#[utoipa::path(
    get, path = "/v1/batches/{id}/results", tag = "batches", operation_id = "batchResults",
    summary = "What became of each row, in the order in which they were sent",
    params(
        ("id" = String, Path, description = "The batch's id"),
        ("only" = Option<String>, Query, description = "`troubled`: rows that a person must look at"),
        ("format" = Option<String>, Query, description = "`csv` or `xlsx`: those rows as a sheet, to be corrected and sent again; `ndjson`: their records, an empty line where there is none"),
        ("after" = Option<u32>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 500, description = "Rows on a page; 100 unless given")
    ),
    responses((status = 200, description = "A page of rows, or the sheet", body = RowList))
)]
pub(in crate::server) async fn results(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let Path(id) = path.map_err(|_| RequestError::NoRoute)?;
    let ask = Ask::parse(query.as_deref().unwrap_or(""))?;
    let push = &shared.api.push;
    let (batch, _) = own(push, &platform, &id).await?;
    if let Some(format) = ask.sheet {
        let sheet = match format {
            Format::Ndjson | Format::Json => lines(push.clone(), batch),
            Format::Csv | Format::Xlsx => push.troubled_sheet(&batch, format).await?.into(),
        };
        let name = format!("attachment; filename=\"{id}.{}\"", format.extension());
        return Ok((
            [(header::CONTENT_TYPE, format.media_type().to_owned()), (header::CONTENT_DISPOSITION, name)],
            sheet,
        )
            .into_response());
    }
    let rows = push.batch_rows(&batch, ask.which, ask.after, ask.limit).await?;
    let next = rows.last().map(|row| row.row).filter(|_| rows.len() == ask.limit);
    Ok(Json(RowList { rows, next }).into_response())
}

/// The records of rows that a person must look at, read as they are taken. Cut short when the store fails meanwhile.
fn lines(push: Arc<Push>, batch: Batch) -> Body {
    let pages = stream::try_unfold((push, batch, None), |(push, batch, after)| async move {
        let page = push.troubled_lines(&batch, after).await?;
        Ok::<_, BatchError>(page.map(|(lines, last)| (lines, (push, batch, Some(last)))))
    });
    Body::from_stream(pages)
}

/// Which rows.
struct Ask {
    which: Rows,
    sheet: Option<Format>,
    after: Option<u32>,
    limit: usize,
}

impl Ask {
    fn parse(query: &str) -> Result<Self, RequestError> {
        let mut ask = Self { which: Rows::All, sheet: None, after: None, limit: LIMIT.0 };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let wrong = |name, rule| RequestError::Query { name, rule };
            match &*name {
                "only" if value == "troubled" => ask.which = Rows::Troubled,
                "only" => return Err(wrong("only", "`troubled` is expected")),
                "format" => {
                    ask.sheet = match &*value {
                        "json" => None,
                        "csv" => Some(Format::Csv),
                        "xlsx" => Some(Format::Xlsx),
                        "ndjson" => Some(Format::Ndjson),
                        _ => return Err(wrong("format", "json, ndjson, csv or xlsx is expected")),
                    };
                }
                "after" => {
                    ask.after = Some(value.parse().map_err(|_| wrong("after", "the number of a row is expected"))?)
                }
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=LIMIT.1).contains(limit));
                    ask.limit = limit.ok_or(wrong("limit", "a number from 1 to 500 is expected"))?;
                }
                // Others are ignored, as everywhere on the web.
                _ => {}
            }
        }
        Ok(ask)
    }
}

#[utoipa::path(
    get, path = "/v1/batches/{id}/events", tag = "batches", operation_id = "followBatch",
    summary = "How far a batch is, as it happens (server-sent events)",
    params(
        ("id" = String, Path, description = "The batch's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was seen: if nothing has changed since, it is not repeated")
    ),
    responses((status = 200, description = "Events `progress` and, as the last one, `settled`, with the batch as JSON", content_type = "text/event-stream"))
)]
pub(in crate::server) async fn events(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let Path(id) = path.map_err(|_| RequestError::NoRoute)?;
    own(&shared.api.push, &platform, &id).await?;
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let following = Following { push: shared.api.push.clone(), platform, id, seen, over: false };
    let events = stream::unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((Ok(event), following))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Somebody who follows a batch.
struct Following {
    push: Arc<Push>,
    platform: Arc<Platform>,
    id: String,
    seen: Option<String>,
    over: bool,
}

impl Following {
    /// The next state that differs from the last one seen; none after the last one of all.
    async fn next(&mut self) -> Option<Event> {
        let (mut ends, mut drain) = (self.push.ends(), self.push.drain());
        // Of a host that is going down nothing more is to be heard; whoever follows comes back with the last event.
        while !self.over && !drain.begun() {
            let (batch, progress) = own(&self.push, &self.platform, &self.id).await.ok()?;
            let view = BatchView::of(&batch, &progress);
            self.over = view.state == "settled";
            let version = view.version();
            if self.seen.as_deref() != Some(&version) || self.over {
                self.seen = Some(version.clone());
                let name = if self.over { "settled" } else { "progress" };
                return Event::default().event(name).id(version).json_data(&view).ok();
            }
            // Many ends are one event; rows that come are no ends, so it is looked without one, too.
            let changed = async { while let Err(RecvError::Lagged(_)) = ends.recv().await {} };
            let news = async {
                let _ = tokio::time::timeout(LOOK * 4, changed).await;
                tokio::time::sleep(LOOK).await;
            };
            tokio::select! {
                () = news => {}
                () = drain.wait() => {}
            }
        }
        None
    }
}
