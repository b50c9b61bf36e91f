//! Around every route of every listener: the request id, the panic that ends one request only, problems written out,
//! and one count a request. Labels are route templates, never paths: their number is bounded.

use std::{
    convert::Infallible,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Instant,
};

use axum::{
    Router,
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

use super::problem::Problem;

/// The header that carries the request id, both ways.
const REQUEST_ID: &str = "x-request-id";
/// The longest id taken from a client.
const REQUEST_ID_MAX: usize = 128;

/// A request that no route can do anything with.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// No such path.
    #[error("there is nothing at this path; GET /openapi.json lists what there is")]
    NoRoute,
    /// The path is there, the method is not.
    #[error("this path does not take {0}; the Allow header lists what it takes")]
    Method(Method),
    /// A query parameter is not what it should be.
    #[error("query parameter {name} is not valid: {rule}")]
    Query {
        /// Which.
        name: &'static str,
        /// What it should be.
        rule: &'static str,
    },
    /// The body is announced as something else than JSON.
    #[error("the body must be JSON, sent with Content-Type: application/json and without Content-Encoding")]
    NotJson,
    /// A body that an operator's request should have had otherwise.
    #[error("the body is not what this takes: {0}")]
    Body(String),
    /// A batch that is written in no way that is read.
    #[error("{0}")]
    Format(String),
    /// A batch that is compressed.
    #[error("a batch is sent without Content-Encoding")]
    Encoded,
    /// An idempotency key that is none.
    #[error("Idempotency-Key must be one header with 1 to 255 visible ASCII characters")]
    IdempotencyKey,
    /// A handler panicked.
    #[error("the host failed on this request; the request id finds it in the host's log")]
    Panicked,
}

/// The id of a request: the client's own when it is sane, otherwise a new one.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) Arc<str>);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| sane(id));
        match given {
            Some(id) => Self(id.into()),
            None => {
                let mut text = uuid::Uuid::encode_buffer();
                Self(Arc::from(&*uuid::Uuid::now_v7().hyphenated().encode_lower(&mut text)))
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Absent only where a router runs without this file around it.
        Ok(parts.extensions.get().cloned().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

/// Visible ASCII only: an id goes into headers and log lines as it is.
fn sane(id: &str) -> bool {
    (1..=REQUEST_ID_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The router with all of this around it. Call once, after the last route.
pub(super) fn around(router: Router, listener: &'static str) -> Router {
    router
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(listener, observe))
}

async fn no_route() -> Problem {
    RequestError::NoRoute.into()
}

/// The router adds the Allow header.
async fn wrong_method(method: Method) -> Response {
    match method {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        method => Problem::from(RequestError::Method(method)).into_response(),
    }
}

async fn observe(State(listener): State<&'static str>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let uri = request.uri().clone();
    let trace = request.headers().get("traceparent").filter(|value| is_traceparent(value)).cloned();
    request.extensions_mut().insert(id.clone());

    let mut response = match caught(next.run(request)).await {
        Some(response) => response,
        None => Problem::from(RequestError::Panicked).into_response(),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        problem.write(&mut response, uri.path(), &id.0);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, value);
    }
    // Answers may hold personal data; no cache keeps them.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));

    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let status = response.status();
    count(listener, method, route, status);
    let ms = started.elapsed().as_secs_f64() * 1e3;
    match trace.as_ref().and_then(|value| value.to_str().ok()) {
        Some(traceparent) => {
            tracing::info!(
                listener,
                method,
                route,
                status = status.as_u16(),
                ms,
                request_id = &*id.0,
                traceparent,
                "request"
            );
        }
        None => tracing::debug!(listener, method, route, status = status.as_u16(), ms, request_id = &*id.0, "request"),
    }
    response
}

fn count(listener: &'static str, method: &'static str, route: &str, status: StatusCode) {
    let (route, status) = (route.to_owned(), status.as_str().to_owned());
    metrics::counter!(
        "duijie_http_requests_total", "listener" => listener, "method" => method, "route" => route, "status" => status
    )
    .increment(1);
}

/// A method as a label: those of HTTP by name, whatever else a client makes up as one.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Runs to the end or to a panic; what panicked is dropped and never looked at again.
async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(Poll::Ready(value)) => Poll::Ready(Some(value)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// W3C Trace Context, version 00: `00-<32 hex>-<16 hex>-<2 hex>`, neither id all zeros.
fn is_traceparent(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    let mut parts = text.split('-');
    let mut hex = |len: usize| {
        parts.next().filter(|part| part.len() == len && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
    };
    let (version, trace, span, flags) = (hex(2), hex(32), hex(16), hex(2));
    let set = |id: Option<&str>| id.is_some_and(|id| id.bytes().any(|b| b != b'0'));
    version == Some("00") && set(trace) && set(span) && flags.is_some() && parts.next().is_none()
}

#[cfg(test)]
mod tests;
