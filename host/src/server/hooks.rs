//! What upstreams and browsers call: `/hooks/{link}/{path-secret}/{hook}`. No API key; what lets a request in is the
//! secret in its path and where it comes from. Whoever is turned away gets the same answer whatever the cause, and the
//! path is never logged or repeated.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use percent_encoding::percent_decode_str;

use super::{
    api::Shared,
    body,
    front::{RequestError, RequestId},
    problem::Problem,
    source,
};
use crate::{
    link::{hook::Refusal, receive::Knock},
    runtime::{HookAnswer, HookRequest, manifest::Caller},
};

/// Answer headers a guest may set; more is a broken answer.
const HEADERS_MAX: usize = 64;
/// Refusals a minute that get a log line; all of them are counted.
const LOGGED_PER_MIN: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);
/// For a browser, when there is no answer to give.
const SORRY: &str = "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>暂时无法处理</title></head>\
    <body><h1>暂时无法处理</h1><p>请稍后重新登录。</p></body></html>\n";

/// What a guest's answer may not set: framing and what belongs to one connection (RFC 9110 §7.6.1), and cookies, which
/// would be the platform's.
const REFUSED: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Says which refusals there are, within a bound.
pub(super) struct RefusalLog(DefaultDirectRateLimiter);

impl Default for RefusalLog {
    fn default() -> Self {
        Self(RateLimiter::direct(Quota::per_minute(LOGGED_PER_MIN)))
    }
}

impl RefusalLog {
    fn note(&self, refusal: Refusal, source: IpAddr) {
        let reason = refusal.as_str();
        metrics::counter!("duijie_hook_refusals_total", "reason" => reason).increment(1);
        if self.0.check().is_ok() {
            tracing::warn!(reason, %source, "hook refused");
        }
    }
}

/// `/hooks/{link}/{secret}/{hook}`, and whatever follows.
pub(super) async fn receive(State(shared): State<Arc<Shared>>, id: RequestId, request: Request) -> Response {
    // Taken from the path as it came, because what follows the hook's name is given on so.
    let path = request.uri().path().to_owned();
    let mut segments = path.trim_start_matches('/').splitn(5, '/');
    let mut next = || segments.next().and_then(|segment| percent_decode_str(segment).decode_utf8().ok());
    let (Some(_), Some(link), Some(secret), Some(hook)) = (next(), next(), next(), next()) else {
        return refused();
    };
    let below = segments.next().map(|rest| format!("/{rest}")).unwrap_or_default();
    serve(&shared, id, [&link, &secret, &hook, &below], request).await
}

async fn serve(
    shared: &Arc<Shared>,
    id: RequestId,
    [link, secret, hook, below]: [&str; 4],
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let source = source::of(&head, &shared.api.trusted_proxies);
    let knock = Knock { link, secret, hook, method: head.method.as_str(), source };
    let admitted = match shared.api.dispatcher.admit(&knock) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            shared.refusals.note(refusal, source);
            return refused();
        }
    };
    let bytes = body::announced(&body).unwrap_or(admitted.body_max()).min(admitted.body_max());
    let Some(room) = shared.hook_inputs.take(link, bytes) else { return sorry(admitted.caller()) };
    let Ok(body) = body::read(body, admitted.body_max(), shared.api.body_timeout).await else {
        shared.refusals.note(Refusal::Body, source);
        return refused();
    };
    let request = HookRequest {
        hook: String::new(),
        method: head.method.as_str().to_owned(),
        path: below.to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: texts(&head.headers),
        body: body.into(),
        remote: source,
    };
    // On a task of its own, as calls are: an upstream that goes away must not stop what it began half-way.
    let (dispatcher, caller) = (shared.api.dispatcher.clone(), admitted.caller());
    let answered = tokio::spawn(async move {
        let _room = room;
        dispatcher.receive(&admitted, id.0, request).await
    });
    match answered.await {
        Ok(Ok(answer)) => response(answer, caller).unwrap_or_else(|| {
            tracing::warn!("a hook's answer is no HTTP answer");
            sorry(caller)
        }),
        Ok(Err(_)) => sorry(caller),
        Err(_) => Problem::from(RequestError::Panicked).into_response(),
    }
}

/// The one answer for whoever is turned away.
fn refused() -> Response {
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "not found\n").into_response()
}

/// The one answer when there is none: the cause is the operator's to know.
fn sorry(caller: Caller) -> Response {
    let (content_type, text) = match caller {
        Caller::Upstream => ("text/plain; charset=utf-8", "temporarily unavailable\n"),
        Caller::Browser => ("text/html; charset=utf-8", SORRY),
    };
    (StatusCode::SERVICE_UNAVAILABLE, [(header::CONTENT_TYPE, content_type)], text).into_response()
}

/// The guest's answer; none when it is not one that may be sent.
fn response(answer: HookAnswer, caller: Caller) -> Option<Response> {
    if answer.headers.len() > HEADERS_MAX {
        return None;
    }
    let status = StatusCode::from_u16(answer.status).ok().filter(|status| (200..600).contains(&status.as_u16()))?;
    let mut headers = HeaderMap::with_capacity(answer.headers.len());
    for (name, value) in answer.headers {
        let name = HeaderName::try_from(name).ok().filter(|name| !REFUSED.contains(&name.as_str()))?;
        headers.append(name, HeaderValue::try_from(value).ok()?);
    }
    headers.entry("x-content-type-options").or_insert(HeaderValue::from_static("nosniff"));
    if caller == Caller::Browser {
        // The address that brought the browser here holds what nobody else should see.
        headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    }
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Some(response)
}

/// Headers as a guest gets them: those whose values are UTF-8.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).ok().map(str::to_owned);
    headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect()
}
