//! The only place where an error becomes an HTTP status: RFC 9457 `application/problem+json`, from one table. Carries
//! what the caller may know and nothing else. What it says is bounded where it was made (`failure.rs`).

use std::{fmt::Write as _, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{admin::Declined, auth::AuthError, body::BodyError, front::RequestError};
use crate::{
    failure::{Class, Failure, Outcome},
    link::CallError,
    push::{PushError, batch::BatchError},
    runtime::Violation,
};

/// The media type of every error.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";
/// Before the name of a kind of problem; a URN, since it names and is never fetched.
pub(super) const TYPE_PREFIX: &str = "urn:duijie:problem:";
/// The longest request path repeated in an answer.
const INSTANCE_MAX: usize = 512;
/// What a caller is told to wait when the host or a link is full.
const BUSY_RETRY: Duration = Duration::from_secs(1);
/// The same when its store has failed: until it has been started again.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// One kind of problem: what stays the same whenever it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) class: Class,
}

const fn kind(name: &'static str, status: StatusCode, class: Class, title: &'static str) -> Kind {
    Kind { name, status, title, class }
}

/// Who must act → status (upstreams.md §6.4). 401 is for the caller's own key alone: an upstream that refuses the
/// link's credentials is 502.
pub(super) const fn of_class(class: Class) -> Kind {
    use StatusCode as S;
    let (name, status, title) = match class {
        Class::InvalidInput => ("invalid-input", S::UNPROCESSABLE_ENTITY, "The input is not valid"),
        Class::Config => ("config", S::INTERNAL_SERVER_ERROR, "The link is configured wrongly"),
        Class::AuthFailed => ("auth-failed", S::BAD_GATEWAY, "The upstream refuses the link's credentials"),
        Class::AuthExpired => ("auth-expired", S::SERVICE_UNAVAILABLE, "The link's credentials have expired"),
        Class::SessionInvalid => ("session-invalid", S::CONFLICT, "The end user's session is not valid"),
        Class::IdentityUnverified => ("identity-unverified", S::CONFLICT, "The end user must be verified first"),
        Class::UpstreamRejected => ("upstream-rejected", S::CONFLICT, "The upstream refused"),
        Class::RateLimited => ("rate-limited", S::TOO_MANY_REQUESTS, "Too many requests"),
        Class::Unavailable => ("unavailable", S::SERVICE_UNAVAILABLE, "The upstream cannot be reached"),
        Class::Timeout => ("timeout", S::GATEWAY_TIMEOUT, "No complete answer in time"),
        Class::Protocol => ("protocol", S::BAD_GATEWAY, "The upstream's answer was not understood"),
        Class::Denied => ("denied", S::FORBIDDEN, "The host's policy refused"),
        Class::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "The connector or the host failed"),
        Class::Other => ("other", S::BAD_GATEWAY, "The call failed"),
    };
    kind(name, status, class, title)
}

const UNKNOWN_LINK: Kind = kind("unknown-link", StatusCode::NOT_FOUND, Class::InvalidInput, "There is no such link");
const UNKNOWN_OPERATION: Kind =
    kind("unknown-operation", StatusCode::NOT_FOUND, Class::InvalidInput, "There is no such operation");
const UNKNOWN_PATH: Kind = kind("unknown-path", StatusCode::NOT_FOUND, Class::InvalidInput, "There is no such path");
const METHOD: Kind =
    kind("method", StatusCode::METHOD_NOT_ALLOWED, Class::InvalidInput, "The path does not take this method");
const QUERY: Kind = kind("query", StatusCode::BAD_REQUEST, Class::InvalidInput, "A query parameter is not valid");
const MEDIA: Kind = kind(
    "media-type",
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    Class::InvalidInput,
    "The body is not in a form that is read here",
);
const MALFORMED: Kind = kind("malformed-json", StatusCode::BAD_REQUEST, Class::InvalidInput, "The body is not JSON");
const BROKEN_BODY: Kind = kind("broken-body", StatusCode::BAD_REQUEST, Class::InvalidInput, "The body is not complete");
const SLOW_BODY: Kind = kind("slow-body", StatusCode::REQUEST_TIMEOUT, Class::InvalidInput, "The body came too slowly");
const TOO_LARGE: Kind = kind("too-large", StatusCode::PAYLOAD_TOO_LARGE, Class::InvalidInput, "The body is too large");
const BUSY: Kind = kind("busy", StatusCode::SERVICE_UNAVAILABLE, Class::Unavailable, "Too many calls are open");
const UNKNOWN: Kind = kind("unknown", StatusCode::NOT_FOUND, Class::InvalidInput, "There is no such thing");
const IMPOSSIBLE: Kind = kind("impossible", StatusCode::CONFLICT, Class::Denied, "As things stand, it cannot be done");
const IDEMPOTENCY_KEY: Kind =
    kind("idempotency-key", StatusCode::BAD_REQUEST, Class::InvalidInput, "The Idempotency-Key is not valid");
const KEY_REUSED: Kind =
    kind("key-reused", StatusCode::UNPROCESSABLE_ENTITY, Class::InvalidInput, "The Idempotency-Key was used already");
const IN_FLIGHT: Kind = kind("in-flight", StatusCode::CONFLICT, Class::Unavailable, "The request is under way");
const UNKNOWN_JOB: Kind = kind("unknown-job", StatusCode::NOT_FOUND, Class::InvalidInput, "There is no such job");
const BATCH: Kind =
    kind("batch", StatusCode::UNPROCESSABLE_ENTITY, Class::InvalidInput, "The batch could not be read to its end");
const UNKNOWN_BATCH: Kind = kind("unknown-batch", StatusCode::NOT_FOUND, Class::InvalidInput, "There is no such batch");
const DIRECT_ONLY: Kind =
    kind("direct-only", StatusCode::UNPROCESSABLE_ENTITY, Class::InvalidInput, "The operation is never queued");
const JOB_STATE: Kind =
    kind("job-state", StatusCode::CONFLICT, Class::InvalidInput, "The job's state does not allow it");
const STORE: Kind =
    kind("store", StatusCode::SERVICE_UNAVAILABLE, Class::Unavailable, "The host cannot keep records now");
const UNAUTHENTICATED: Kind = kind("unauthenticated", StatusCode::UNAUTHORIZED, Class::Denied, "A valid key is needed");

/// One error on its way out.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    kind: Kind,
    detail: String,
    outcome: Outcome,
    retry_after: Option<Duration>,
    upstream_code: Option<String>,
    errors: Vec<Violation>,
    details: Option<Box<RawValue>>,
    challenge: Option<&'static str>,
}

/// The problem as it is written.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem, description = "RFC 9457 problem details: the body of every answer that is not a success.")]
pub(super) struct ProblemBody<'p> {
    /// Names the kind of problem; stable, never fetched.
    #[serde(rename = "type")]
    #[schema(example = "urn:duijie:problem:unavailable")]
    kind: &'p str,
    /// The kind of problem in words; the same whenever it happens.
    title: &'p str,
    /// The HTTP status, as in the status line.
    status: u16,
    /// What happened this time, and what to do.
    detail: &'p str,
    /// The path of the request.
    instance: &'p str,
    /// Who must act.
    #[schema(value_type = String, example = "unavailable")]
    class: Class,
    /// What is known about the effect at the upstream: not-sent, rejected, unknown or done.
    #[schema(value_type = String, example = "not-sent")]
    outcome: Outcome,
    /// May the same request succeed later without anybody changing anything? Where the outcome is unknown, repeat only
    /// what is safe to repeat.
    retryable: bool,
    /// The upstream's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_code: Option<&'p str>,
    /// The request's id, as in the X-Request-Id header; finds the request in the host's log.
    request_id: &'p str,
    /// What in the input does not fit the operation's schema.
    #[serde(skip_serializing_if = "<[Violation]>::is_empty")]
    #[schema(value_type = Vec<ViolationBody>, required = false)]
    errors: &'p [Violation],
    /// Detail as the connector gave it. Of a batch that was not read to its end: its id as `batch`, and `rows_taken`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    details: Option<&'p RawValue>,
}

/// One thing that does not fit.
#[derive(utoipa::ToSchema)]
#[schema(as = Violation)]
#[expect(dead_code, reason = "the documented form of runtime::Violation, which knows nothing of OpenAPI")]
pub(super) struct ViolationBody {
    /// JSON Pointer (RFC 6901) into the input; empty means the whole.
    pointer: String,
    /// What is wrong; never repeats the value.
    message: String,
}

impl Problem {
    fn new(kind: Kind, detail: impl ToString) -> Self {
        Self {
            kind,
            detail: detail.to_string(),
            outcome: Outcome::NotSent,
            retry_after: None,
            upstream_code: None,
            errors: Vec::new(),
            details: None,
            challenge: None,
        }
    }

    /// May what was asked for have happened all the same?
    pub(super) fn is_in_doubt(&self) -> bool {
        self.outcome == Outcome::Unknown
    }

    /// Writes it into the answer that carries it; headers set there before stay (`Allow`).
    pub(super) fn write(self, response: &mut Response, path: &str, request_id: &str) {
        let mut kind = String::with_capacity(TYPE_PREFIX.len() + self.kind.name.len());
        let _ = write!(kind, "{TYPE_PREFIX}{}", self.kind.name);
        let body = ProblemBody {
            kind: &kind,
            title: self.kind.title,
            status: self.kind.status.as_u16(),
            detail: &self.detail,
            // A path in HTTP/1 is ASCII as far as it got here; were it not, the whole is left out rather than split.
            instance: path.get(..path.len().min(INSTANCE_MAX)).unwrap_or(""),
            class: self.kind.class,
            outcome: self.outcome,
            retryable: self.kind.class.retryable(),
            upstream_code: self.upstream_code.as_deref(),
            request_id,
            errors: &self.errors,
            details: self.details.as_deref(),
        };
        // These are strings, numbers and JSON that was parsed before: writing them to memory does not fail.
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(json.len()));
        *response.body_mut() = json.into();
    }
}

impl IntoResponse for Problem {
    /// Status and headers; the body is written by `front`, which knows the request.
    fn into_response(self) -> Response {
        let mut response = self.kind.status.into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            // Whole seconds (RFC 9110), rounded up: who comes back at the second named must not be early.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let text = error.to_string();
        match error {
            CallError::UnknownLink(_) => Self::new(UNKNOWN_LINK, text),
            CallError::UnknownOperation { .. } => Self::new(UNKNOWN_OPERATION, text),
            CallError::LinkRefused(_) => Self::new(of_class(Class::Config), text),
            CallError::TooLarge { .. } => Self::new(TOO_LARGE, text),
            CallError::NotJson { .. } => Self::new(MALFORMED, text),
            CallError::Invalid { violations, .. } => {
                Self { errors: violations, ..Self::new(of_class(Class::InvalidInput), text) }
            }
            CallError::LinkBusy(_) | CallError::HostBusy => {
                Self { retry_after: Some(BUSY_RETRY), ..Self::new(BUSY, text) }
            }
            CallError::Failed(failed) => failed.failure.into(),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self {
            outcome: failure.outcome,
            retry_after: failure.retry_after,
            upstream_code: failure.upstream_code,
            details: failure.detail,
            ..Self::new(of_class(failure.class), failure.message)
        }
    }
}

impl From<PushError> for Problem {
    fn from(error: PushError) -> Self {
        let text = error.to_string();
        match error {
            PushError::Call(error) => error.into(),
            PushError::Store(_) | PushError::Seal(_) | PushError::Lost => {
                Self { retry_after: Some(STORE_RETRY), ..Self::new(STORE, "the host cannot keep records now") }
            }
            PushError::InDoubt => {
                Self { retry_after: Some(STORE_RETRY), outcome: Outcome::Unknown, ..Self::new(STORE, text) }
            }
            PushError::KeyReused(_) => Self::new(KEY_REUSED, text),
            PushError::InFlight(_) => Self { retry_after: Some(BUSY_RETRY), ..Self::new(IN_FLIGHT, text) },
            PushError::UnknownJob => Self::new(UNKNOWN_JOB, text),
            PushError::DirectOnly(_) => Self::new(DIRECT_ONLY, text),
            PushError::State(_) | PushError::Gone => Self::new(JOB_STATE, text),
        }
    }
}

impl From<BatchError> for Problem {
    fn from(error: BatchError) -> Self {
        let text = error.to_string();
        match error {
            BatchError::Push(error) => error.into(),
            BatchError::Sheet { kept, batch, .. } => {
                Self { details: batch.and_then(|batch| taken(batch, kept)), ..Self::new(BATCH, text) }
            }
            BatchError::Interrupted { kept, batch, .. } => Self {
                details: taken(batch, kept),
                outcome: Outcome::Unknown,
                retry_after: Some(STORE_RETRY),
                ..Self::new(STORE, text)
            },
            BatchError::Busy => Self { retry_after: Some(BUSY_RETRY), ..Self::new(BUSY, text) },
            BatchError::TooMuch => Self::new(IMPOSSIBLE, text),
            BatchError::KeyReused(_) => Self::new(KEY_REUSED, text),
            BatchError::Unknown => Self::new(UNKNOWN_BATCH, text),
            BatchError::Columns(_) => Self::new(of_class(Class::Config), text),
        }
    }
}

/// What there is of a batch that was not read to its end, for a program.
fn taken(batch: uuid::Uuid, rows: u32) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(&serde_json::json!({ "batch": batch.to_string(), "rows_taken": rows })).ok()
}

impl From<Declined> for Problem {
    fn from(declined: Declined) -> Self {
        let kind = match declined {
            Declined::Unknown(_) => UNKNOWN,
            Declined::Impossible(_) => IMPOSSIBLE,
        };
        Self::new(kind, declined)
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing => {
                Self { challenge: Some("Bearer realm=\"duijie\""), ..Self::new(UNAUTHENTICATED, error) }
            }
            AuthError::Wrong => Self {
                challenge: Some("Bearer realm=\"duijie\", error=\"invalid_token\""),
                ..Self::new(UNAUTHENTICATED, error)
            },
            AuthError::TooMany(wait) => {
                Self { retry_after: Some(wait), ..Self::new(of_class(Class::RateLimited), error) }
            }
            AuthError::NoAdminKey => Self::new(of_class(Class::Denied), error),
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let kind = match error {
            BodyError::TooLarge { .. } => TOO_LARGE,
            BodyError::Slow(_) => SLOW_BODY,
            BodyError::Broken => BROKEN_BODY,
        };
        Self::new(kind, error)
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::NoRoute => Self::new(UNKNOWN_PATH, error),
            RequestError::Method(_) => Self::new(METHOD, error),
            RequestError::Query { .. } => Self::new(QUERY, error),
            RequestError::Body(_) => Self::new(BROKEN_BODY, error),
            RequestError::NotJson | RequestError::Format(_) | RequestError::Encoded => Self::new(MEDIA, error),
            RequestError::IdempotencyKey => Self::new(IDEMPOTENCY_KEY, error),
            // How far it came is not known.
            RequestError::Panicked => Self { outcome: Outcome::Unknown, ..Self::new(of_class(Class::Internal), error) },
        }
    }
}

#[cfg(test)]
mod tests;
