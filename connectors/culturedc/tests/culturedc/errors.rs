//! Every row of the error table: class, outcome, and what the caller is told.

use duijie_sdk::{
    Class, Failure, Outcome,
    http::{HttpErrorKind, Response},
};
use serde_json::{Value, json};

use super::{BASE, RESOURCES, call, config, host, is, refused, row, taken, with};

fn replied(status: u16, body: Value) -> Failure {
    let host = host(config());
    host.on("POST", RESOURCES).reply(status, body);
    refused(&host, "resource.push", row("a"))
}

fn said(status: u16, kind: &str, text: &str) -> Failure {
    let host = host(config());
    host.on("POST", RESOURCES).reply_text(status, kind, text);
    refused(&host, "resource.push", row("a"))
}

fn failed(kind: HttpErrorKind, sent: bool) -> Failure {
    let host = host(config());
    host.on("POST", RESOURCES).fail(kind, sent);
    refused(&host, "resource.push", row("a"))
}

#[test]
fn every_code_has_its_class_whatever_the_status() {
    for (code, class, outcome) in [
        (40001, Class::InvalidInput, Outcome::Rejected),
        (40101, Class::AuthFailed, Outcome::Rejected),
        (40102, Class::AuthFailed, Outcome::Rejected),
        (40103, Class::AuthFailed, Outcome::Rejected),
        (40110, Class::AuthExpired, Outcome::Rejected),
        (40301, Class::AuthFailed, Outcome::Rejected),
        (40901, Class::UpstreamRejected, Outcome::Rejected),
        (42901, Class::RateLimited, Outcome::Rejected),
        (50000, Class::Unavailable, Outcome::Unknown),
        (40999, Class::UpstreamRejected, Outcome::Rejected),
    ] {
        for (status, written) in [(200, json!(code)), (400, json!(code.to_string()))] {
            let failure = replied(status, json!({ "code": written, "message": "原因", "data": {} }));
            is(&failure, class, outcome);
            assert_eq!(failure.upstream_code, Some(code.to_string()));
            assert!(failure.message.contains("原因"));
        }
    }
}

#[test]
fn a_refusal_by_a_failing_server_leaves_the_outcome_open() {
    is(&replied(500, json!({ "code": 50000 })), Class::Unavailable, Outcome::Unknown);
    is(&replied(500, json!({ "code": 40001 })), Class::InvalidInput, Outcome::Unknown);
}

#[test]
fn the_upstreams_pace_is_passed_on() {
    for (status, body) in [(429, ""), (200, r#"{"code":42901}"#)] {
        let headers = vec![("retry-after".to_owned(), "7".to_owned())];
        let host = host(config());
        host.on("POST", RESOURCES).reply_with(Response { status, headers, body: body.into() });
        let failure = refused(&host, "resource.push", row("a"));
        is(&failure, Class::RateLimited, Outcome::Rejected);
        assert_eq!(failure.retry_after_ms, Some(7_000));
    }
}

#[test]
fn a_gateway_in_the_way_is_unavailable_and_the_outcome_unknown() {
    for status in [502, 503, 504] {
        is(&said(status, "text/html", "<html>"), Class::Unavailable, Outcome::Unknown);
    }
}

#[test]
fn a_refusal_without_a_code_is_still_one_of_the_key() {
    for status in [401, 403] {
        let failure = said(status, "text/html", "<html>甄测生</html>");
        is(&failure, Class::AuthFailed, Outcome::Rejected);
        assert_eq!(failure.upstream_code, Some(status.to_string()));
        assert!(!failure.message.contains("甄测生"));
    }
}

#[test]
fn what_is_not_understood_is_protocol_and_unknown() {
    for (status, kind, text) in [
        (200, "text/html", "<html>"),
        (200, "application/json", r#"{"code":0,"#),
        (200, "application/json", r#"{"data":{}}"#),
        (404, "application/json", r#"{"code":0}"#),
        (302, "text/html", ""),
        (200, "application/json", r#"{"code":0,"data":{"results":[]}}"#),
        (200, "application/json", r#"{"code":0,"data":{"results":[{"extId":"a"}]}}"#),
    ] {
        is(&said(status, kind, text), Class::Protocol, Outcome::Unknown);
    }
}

#[test]
fn answers_without_what_was_asked_for_are_protocol() {
    let host = host(config());
    let ok = json!({ "code": 0, "data": {} });
    host.on("GET", &format!("{RESOURCES}/a")).reply(200, ok.clone());
    is(&refused(&host, "resource.status", json!({ "extId": "a" })), Class::Protocol, Outcome::Unknown);
    host.on("GET", &format!("{BASE}/openapi/v1/licensed"))
        .reply(200, ok)
        .reply(200, json!({ "code": 0, "data": { "total": 1, "items": [{ "title": "t" }] } }));
    for _ in 0..2 {
        is(&refused(&host, "resource.fetch", json!({})), Class::Protocol, Outcome::Unknown);
    }
}

#[test]
fn without_an_answer_the_outcome_depends_on_what_has_left() {
    is(&failed(HttpErrorKind::Connect("refused".to_owned()), false), Class::Unavailable, Outcome::NotSent);
    is(&failed(HttpErrorKind::Reset("by peer".to_owned()), true), Class::Unavailable, Outcome::Unknown);
    is(&failed(HttpErrorKind::Timeout, true), Class::Timeout, Outcome::Unknown);
    is(&failed(HttpErrorKind::Denied("origin".to_owned()), false), Class::Denied, Outcome::NotSent);
}

#[test]
fn over_the_rate_nothing_is_sent() {
    let host = host(with(json!({ "rate": { "per_min": 1 } })));
    host.on("POST", RESOURCES).reply(200, taken(&["a"]));
    call(&host, "resource.push", row("a")).unwrap();
    let failure = refused(&host, "resource.push", row("a"));
    is(&failure, Class::RateLimited, Outcome::NotSent);
    assert!(failure.retry_after_ms.is_some());
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn a_link_without_an_interface_says_so() {
    let host = host(json!({}));
    let day = json!({ "date": "2023-11-14", "pv": 1, "uv": 1, "ip": 1 });
    for (operation, input) in [("resource.push", row("a")), ("resource.fetch", json!({})), ("stats.report", day)] {
        let failure = refused(&host, operation, input);
        is(&failure, Class::Config, Outcome::NotSent);
        assert!(failure.message.contains("base_url"), "{}", failure.message);
    }
}
