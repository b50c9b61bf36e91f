//! Every class and every refusal has its status.

use axum::body::to_bytes;
use serde_json::{Value, json};

use super::*;

async fn written(problem: impl Into<Problem>) -> (Response, Value) {
    let mut response = problem.into().into_response();
    let problem = response.extensions_mut().remove::<Problem>().unwrap();
    problem.write(&mut response, "/v1/links/zj.a/operations/b", "id-1");
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    assert_eq!(parts.headers[header::CONTENT_LENGTH], bytes.len().to_string());
    (Response::from_parts(parts, ().into_response().into_body()), serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn every_class_has_the_status_of_the_table() {
    use Class as C;
    for (class, status) in [
        (C::InvalidInput, 422),
        (C::Config, 500),
        (C::AuthFailed, 502),
        (C::AuthExpired, 503),
        (C::SessionInvalid, 409),
        (C::IdentityUnverified, 409),
        (C::UpstreamRejected, 409),
        (C::RateLimited, 429),
        (C::Unavailable, 503),
        (C::Timeout, 504),
        (C::Protocol, 502),
        (C::Denied, 403),
        (C::Internal, 500),
        (C::Other, 502),
    ] {
        let (response, body) = written(Failure::new(class, Outcome::Unknown, "why")).await;
        assert_eq!(response.status(), status, "{class:?}");
        assert_eq!(body["type"], format!("urn:duijie:problem:{}", class.as_str()));
        assert_eq!((&body["status"], &body["class"]), (&json!(status), &json!(class.as_str())));
        assert_eq!((&body["retryable"], &body["outcome"]), (&json!(class.retryable()), &json!("unknown")));
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
    }
}

#[tokio::test]
async fn every_other_error_has_a_status_and_a_name_of_its_own() {
    let link = || "zj.a".to_owned();
    let cases: Vec<(Problem, u16, &str)> = vec![
        (CallError::UnknownLink(link()).into(), 404, "unknown-link"),
        (CallError::LinkRefused(link()).into(), 500, "config"),
        (
            CallError::UnknownOperation { link: link(), operation: "a".into(), known: "b".into() }.into(),
            404,
            "unknown-operation",
        ),
        (CallError::TooLarge { given: 2, max: 1 }.into(), 413, "too-large"),
        (CallError::NotJson { message: "m".into(), line: 1, column: 2 }.into(), 400, "malformed-json"),
        (CallError::Invalid { operation: "a".into(), violations: Vec::new() }.into(), 422, "invalid-input"),
        (CallError::LinkBusy(link()).into(), 503, "busy"),
        (CallError::HostBusy.into(), 503, "busy"),
        (AuthError::Missing.into(), 401, "unauthenticated"),
        (AuthError::Wrong.into(), 401, "unauthenticated"),
        (AuthError::TooMany(Duration::from_secs(3)).into(), 429, "rate-limited"),
        (AuthError::NoAdminKey.into(), 403, "denied"),
        (BodyError::TooLarge { given: 2, max: 1 }.into(), 413, "too-large"),
        (BodyError::Slow(Duration::from_secs(30)).into(), 408, "slow-body"),
        (BodyError::Broken.into(), 400, "broken-body"),
        (RequestError::NoRoute.into(), 404, "unknown-path"),
        (RequestError::Method(axum::http::Method::PUT).into(), 405, "method"),
        (RequestError::Query { name: "limit", rule: "a number" }.into(), 400, "query"),
        (RequestError::NotJson.into(), 415, "media-type"),
        (RequestError::Panicked.into(), 500, "internal"),
        (PushError::InDoubt.into(), 503, "store"),
        (PushError::DirectOnly("face.compare".into()).into(), 422, "direct-only"),
        (BatchError::Busy.into(), 503, "busy"),
        (BatchError::TooMuch.into(), 409, "impossible"),
        (PushError::Gone.into(), 409, "job-state"),
    ];
    for (problem, status, name) in cases {
        let (response, body) = written(problem).await;
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(body["type"], format!("{TYPE_PREFIX}{name}"));
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{name}");
        assert_eq!(response.headers().contains_key(header::WWW_AUTHENTICATE), status == 401, "{name}");
    }
}

#[tokio::test]
async fn a_record_that_may_be_kept_is_not_said_to_be_unsent() {
    let (_, body) = written(PushError::InDoubt).await;
    assert_eq!((&body["outcome"], &body["retryable"]), (&json!("unknown"), &json!(true)));
    assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("Idempotency-Key")), "{body}");
}

#[tokio::test]
async fn a_failure_keeps_everything_the_connector_said() {
    let mut failure = Failure::new(Class::RateLimited, Outcome::NotSent, "too often");
    failure.upstream_code = Some("42901".into());
    failure.retry_after = Some(Duration::from_millis(1200));
    failure.detail = Some(RawValue::from_string(r#"{"a": [1.0, 2]}"#.into()).unwrap());
    let (response, body) = written(failure).await;
    assert_eq!(response.headers()[header::RETRY_AFTER], "2", "rounded up");
    assert_eq!(
        body,
        json!({
            "type": "urn:duijie:problem:rate-limited", "title": "Too many requests", "status": 429, "detail": "too often",
            "instance": "/v1/links/zj.a/operations/b", "class": "rate-limited", "outcome": "not-sent", "retryable": true,
            "upstream_code": "42901", "request_id": "id-1", "details": { "a": [1.0, 2] }
        })
    );
}

#[tokio::test]
async fn violations_are_listed_with_their_pointers() {
    let violations =
        vec![Violation { pointer: "/students/0".into(), message: "the value is not of type \"object\"".into() }];
    let (_, body) = written(CallError::Invalid { operation: "a.b".into(), violations }).await;
    assert_eq!(body["errors"], json!([{ "pointer": "/students/0", "message": "the value is not of type \"object\"" }]));
}

#[tokio::test]
async fn busy_says_when_to_come_back() {
    let (response, body) = written(CallError::HostBusy).await;
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    assert_eq!((&body["retryable"], &body["outcome"]), (&json!(true), &json!("not-sent")));
}

#[tokio::test]
async fn a_batch_that_the_host_could_not_take_whole_says_what_is_taken() {
    let named = uuid::Uuid::new_v8([7; 16]);
    let broken = || PushError::Store(crate::store::StoreError::Broken("the disk is full".into()));
    let interrupted = BatchError::Interrupted { error: broken(), kept: 1000, batch: named };
    let (response, body) = written(interrupted).await;
    assert_eq!((response.status().as_u16(), &body["outcome"]), (503, &json!("unknown")));
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(body["details"], json!({ "batch": named.to_string(), "rows_taken": 1000 }));
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains(&named.to_string()) && detail.contains("same Idempotency-Key"), "{detail}");
    assert!(!detail.contains("disk"), "why is the operator's: {detail}");
    let unnamed = BatchError::Interrupted { error: broken(), kept: 1, batch: uuid::Uuid::now_v7() };
    let (_, body) = written(unnamed).await;
    assert!(body["detail"].as_str().unwrap().contains("another one"), "{body}");
}

#[test]
fn a_long_path_is_not_repeated_in_full() {
    let mut response = Problem::from(RequestError::NoRoute).into_response();
    let problem = response.extensions_mut().remove::<Problem>().unwrap();
    problem.write(&mut response, &format!("/{}", "x".repeat(60_000)), "id");
    let length: usize = response.headers()[header::CONTENT_LENGTH].to_str().unwrap().parse().unwrap();
    assert!(length < 1500, "{length}");
}
