//! The routes of the API listener, and what platforms call: operations of links, and the catalogue of what there is. Order of every request: key, then what
//! the key may see, then the head, and only then the body. What a key may not see is answered exactly as what does not
//! exist. Never alters an answer of a connector.

pub(super) mod batches;
pub(super) mod catalogue;
pub(super) mod jobs;
mod preference;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use bytes::Bytes;
use ipnet::IpNet;

use self::preference::Preference;
use super::{
    auth::{Platform, PlatformKeys},
    body,
    front::{RequestError, RequestId},
    hooks::{self, RefusalLog},
    inputs::Inputs,
    openapi,
    problem::Problem,
    source,
};
use crate::{
    audit::{Act, Auditor},
    link::{Answer, Call, CallError, Dispatcher, Entry, Link, Table},
    push::{Push, PushError},
};

/// Bytes of inputs held at a time over all requests; of one platform, a quarter of it.
const INPUTS_MAX: usize = 256 << 20;
/// How often an input is held while it is called with: by the host, by the guest as it came, and as the guest writes it anew.
const COPIES: usize = 3;
/// How long a request waits for room, its body unread: as long as the body itself may take.
const ROOM_WAIT: Duration = Duration::from_secs(30);
/// The least that a request counts: its head and its task are not free either.
const INPUT_LEAST: usize = 1 << 10;

/// What the API serves from.
pub(crate) struct Api {
    /// Takes the calls.
    pub(crate) dispatcher: Arc<Dispatcher>,
    /// Accepts records durably.
    pub(crate) push: Arc<Push>,
    /// Writes down who did what.
    pub(crate) auditor: Auditor,
    /// Knows the platforms.
    pub(crate) keys: Arc<PlatformKeys>,
    /// Time for a request's body to arrive, from its first byte to its last.
    pub(crate) body_timeout: Duration,
    /// Whose word about where a request came from is taken.
    pub(crate) trusted_proxies: Vec<IpNet>,
}

/// What all requests share.
pub(super) struct Shared {
    pub(super) api: Arc<Api>,
    inputs: Arc<Inputs>,
    room_wait: Duration,
    /// Apart from those of calls: batches take longer to come.
    batches: Arc<Inputs>,
    /// Apart from those of calls, which may be waiting for a hook.
    pub(super) hook_inputs: Arc<Inputs>,
    pub(super) refusals: RefusalLog,
}

/// The routes.
pub(crate) fn router(api: Arc<Api>) -> Router {
    routes(api, INPUTS_MAX, ROOM_WAIT)
}

fn routes(api: Arc<Api>, inputs_max: usize, room_wait: Duration) -> Router {
    let shared = Arc::new(Shared {
        api,
        inputs: Arc::new(Inputs::new(inputs_max)),
        room_wait,
        batches: Arc::new(Inputs::new(batches::ROOM)),
        hook_inputs: Arc::new(Inputs::new(inputs_max)),
        refusals: RefusalLog::default(),
    });
    Router::new()
        .route("/v1/links", get(catalogue::list))
        .route("/v1/links/{link}", get(catalogue::show))
        .route("/v1/links/{link}/operations/{operation}", post(call))
        .route("/v1/links/{link}/operations/{operation}/batches", post(batches::receive))
        .route("/v1/batches/{id}", get(batches::show).delete(batches::forget))
        .route("/v1/batches/{id}/results", get(batches::results::results))
        .route("/v1/batches/{id}/events", get(batches::follow::events))
        .route("/v1/jobs", get(jobs::list))
        .route("/v1/jobs/{id}", get(jobs::show))
        .route("/v1/jobs/{id}/retry", post(jobs::retry))
        .route("/v1/jobs/{id}/cancel", post(jobs::cancel))
        .route("/openapi.json", get(document))
        .route("/hooks/{*path}", any(hooks::receive))
        .with_state(shared)
}

/// The platform that asks; a handler that takes this is not reached without a valid key.
pub(super) struct Caller(pub(super) Arc<Platform>);

impl FromRequestParts<Arc<Shared>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Problem> {
        Ok(Self(shared.api.keys.authenticate(&parts.headers, source::of(parts, &shared.api.trusted_proxies))?))
    }
}

/// The link of this id as this platform sees it.
fn seen<'t>(table: &'t Table, platform: &Platform, id: &str) -> Result<&'t Entry, CallError> {
    match table.get(id) {
        Some(entry) if platform.sees_link(id) => Ok(entry),
        // The very words for a link that does not exist; an id is no longer than this.
        _ => Err(CallError::UnknownLink(id.chars().take(128).collect())),
    }
}

/// The error for an operation that is not there, or not for this platform; names those that are.
fn unknown_operation(link: &Link, platform: &Platform, operation: &str) -> CallError {
    let known: Vec<&str> = link
        .connector
        .manifest
        .operations
        .iter()
        .map(|operation| operation.name.as_str())
        .filter(|name| platform.sees_operation(name))
        .collect();
    let known = if known.is_empty() { "none for this key".to_owned() } else { known.join(", ") };
    CallError::UnknownOperation { link: link.id.to_string(), operation: operation.chars().take(80).collect(), known }
}

/// What is known of a call before its body is read.
struct Admitted {
    /// Bytes of input to read.
    max: usize,
    /// The time it may take.
    deadline: Duration,
    /// Its input must not be kept.
    direct_only: bool,
}

/// See [`Admitted`], once it is certain that the call can be made at all.
fn admit(api: &Api, platform: &Platform, link_id: &str, operation: &str) -> Result<Admitted, CallError> {
    let table = api.dispatcher.table();
    let link = match seen(&table, platform, link_id)? {
        Entry::Serving(serving) => &serving.stable,
        Entry::Refused { .. } => return Err(CallError::LinkRefused(link_id.to_owned())),
    };
    if !platform.sees_operation(operation) {
        return Err(unknown_operation(link, platform, operation));
    }
    let spec = link.connector.operation(operation).ok_or_else(|| unknown_operation(link, platform, operation))?;
    Ok(Admitted {
        max: link.input_max(spec.spec.max_body),
        deadline: link.limits.deadline,
        direct_only: spec.spec.direct_only,
    })
}

async fn call(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    id: RequestId,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    // Segments that are not even UTF-8 when decoded name nothing.
    let Path((link, operation)) = path.map_err(|_| RequestError::NoRoute)?;
    let api = shared.api.clone();
    let Admitted { max, deadline, direct_only } = admit(&api, &platform, &link, &operation)?;
    if !is_json(&headers) {
        return Err(RequestError::NotJson.into());
    }
    let (preference, key) = (Preference::of(&headers), preference::idempotency_key(&headers)?);
    let durable = preference.durable() || key.is_some();
    if durable && direct_only {
        // Before its body is read.
        return Err(PushError::DirectOnly(operation).into());
    }
    // Without a length it may be as long as it gets.
    let bytes = body::announced(&body).unwrap_or(max).min(max);
    let held = bytes.saturating_mul(COPIES).max(INPUT_LEAST);
    let room = shared.inputs.wait(&platform.name, held, shared.room_wait).await.ok_or(CallError::HostBusy)?;
    let input = body::read(body, max, api.body_timeout).await?;

    // On a task of its own: a client that goes away must not stop a write half-way, unlogged and with nobody knowing its
    // outcome. The call's own deadline bounds the task.
    if durable {
        let pushed = tokio::spawn(async move {
            let (link, operation, key) = (link.as_str(), operation.as_str(), key.as_deref());
            let record = jobs::Record { link, operation, input, room, preference, key, patience: deadline };
            let pushed = jobs::push(&api.push, &platform, &id, record).await;
            let outcome = match &pushed {
                Ok(_) => "accepted",
                Err(problem) if problem.is_in_doubt() => "unknown",
                Err(_) => "refused",
            };
            note(&api, &platform, "push", format!("{link} {operation}"), outcome, &id).await;
            pushed
        });
        return match pushed.await {
            Ok(answered) => answered,
            Err(_) => Err(RequestError::Panicked.into()),
        };
    }
    let called = tokio::spawn(async move {
        let _room = room;
        let call = Call { link: &link, operation: &operation, input, request_id: id.0.clone() };
        let called = api.dispatcher.call(call).await;
        let outcome = called.as_ref().map_or_else(|error| error.outcome().as_str(), |_| "done");
        note(&api, &platform, "call", format!("{link} {operation}"), outcome, &id).await;
        match called {
            // The links changed since they were looked at: what is named now must be as narrow as it was then. Should they
            // have changed back, the caller may try again.
            Err(CallError::UnknownOperation { .. }) => match admit(&api, &platform, &link, &operation) {
                Err(error) => Err(error),
                Ok(_) => Err(CallError::HostBusy),
            },
            result => result,
        }
    });
    match called.await {
        Ok(Ok(answer)) => Ok(verbatim(answer)),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(RequestError::Panicked.into()),
    }
}

/// Writes down what a platform did and what became of it.
async fn note(api: &Api, platform: &Platform, act: &str, subject: String, outcome: &str, id: &RequestId) {
    api.auditor.note(Act { actor: &platform.name, act, subject, outcome, request_id: &id.0 }).await;
}

/// The connector's output, byte for byte and without a copy.
fn verbatim(answer: Answer) -> Response {
    let json: Box<str> = answer.output.into();
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], Bytes::from(String::from(json)))
        .into_response()
}

/// `application/json` or anything that is JSON by its suffix (RFC 6839), and not compressed.
fn is_json(headers: &HeaderMap) -> bool {
    let plain = headers.get(header::CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    let json = |value: &HeaderValue| {
        let essence = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
        let (_, subtype) = essence.split_once('/').unwrap_or(("", ""));
        let suffix = subtype.len().checked_sub("+json".len()).and_then(|at| subtype.get(at..));
        essence.eq_ignore_ascii_case("application/json")
            || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"))
    };
    plain && headers.get(header::CONTENT_TYPE).is_some_and(json)
}

#[utoipa::path(
    get, path = "/openapi.json", tag = "catalogue", operation_id = "openapi",
    summary = "This document, with every operation that this key may call",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value))
)]
pub(super) async fn document(State(shared): State<Arc<Shared>>, Caller(platform): Caller) -> Response {
    let document = openapi::document(&shared.api.dispatcher.table(), &platform);
    axum::Json(document).into_response()
}

#[cfg(test)]
mod tests;
