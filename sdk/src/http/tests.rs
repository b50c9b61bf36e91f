//! What requests look like on the wire, and what their ends mean.

use serde_json::json;

use super::*;
use crate::{Class, Outcome, secret::Secret, testing::TestHost};

const URL: &str = "https://up.example.org/v1";

#[test]
fn text_in_forms_and_queries_is_encoded() {
    let host = TestHost::new();
    host.on("POST", URL).reply(200, json!({}));
    let request =
        Request::post(URL).query("q", "a b").query("r", "1&2").form([("x", "谈/心".into()), ("y", "=".into())]);
    assert!(request.send().is_ok());
    let sent = host.requests().remove(0);
    assert_eq!(sent.url, "https://up.example.org/v1?q=a+b&r=1%262");
    assert_eq!(sent.text(), "x=%E8%B0%88%2F%E5%BF%83&y=%3D");
    assert_eq!(sent.header("Content-Type"), Some("application/x-www-form-urlencoded"));
}

#[test]
fn a_secret_in_a_form_is_form_encoded_however_it_was_named() {
    let Request(request) = Request::post(URL).form([("s", Secret::raw("key"))]);
    let placed = parts::SecretRef { slot: "key".to_owned(), encoding: parts::Encoding::Form };
    assert_eq!(request.body.last(), Some(&parts::Part::Secret(placed)));
}

#[test]
fn the_outcome_of_an_error_is_not_sent_only_when_that_is_certain() {
    let failure = |kind, sent| Failure::from(HttpError { kind, sent });
    let connect = failure(HttpErrorKind::Connect("refused".to_owned()), false);
    assert_eq!((connect.class, connect.outcome), (Class::Unavailable, Outcome::NotSent));
    let reset = failure(HttpErrorKind::Reset("by peer".to_owned()), true);
    assert_eq!((reset.class, reset.outcome), (Class::Unavailable, Outcome::Unknown));
    let timeout = failure(HttpErrorKind::Timeout, true);
    assert_eq!((timeout.class, timeout.outcome), (Class::Timeout, Outcome::Unknown));
    let denied = failure(HttpErrorKind::Denied("origin".to_owned()), false);
    assert_eq!((denied.class, denied.outcome), (Class::Denied, Outcome::NotSent));
}

#[test]
fn a_fault_after_a_request_does_not_claim_that_nothing_was_sent() {
    let host = TestHost::new();
    host.on("POST", URL).reply(200, json!({}));
    begin_call();
    assert_eq!(Failure::internal("x").outcome, Outcome::NotSent);
    assert_eq!(Failure::rate_limited("x").outcome, Outcome::NotSent);
    assert!(Request::post(URL).send().is_ok());
    assert_eq!(Failure::internal("x").outcome, Outcome::Unknown);
    for class in [Class::InvalidInput, Class::Config, Class::AuthFailed, Class::AuthExpired, Class::RateLimited] {
        assert_eq!(Failure::new(class, "x").outcome, Outcome::Rejected);
    }
}

#[test]
fn an_error_of_one_of_several_requests_stays_in_its_place() {
    let host = TestHost::new();
    host.on("GET", URL).reply(200, json!({ "n": 1 }));
    let results = send_all([Request::get(URL), Request::get("https://elsewhere.example.org/"), Request::get(URL)]);
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Response { status, headers, body: body.as_bytes().to_vec() }
}

#[test]
fn not_now_says_when() {
    let host = TestHost::new();
    host.set_now_ms(784_111_777_000 - 5_000);
    let limited = response(429, &[("retry-after", "7")], "").not_now().unwrap();
    assert_eq!(
        (limited.class, limited.outcome, limited.retry_after_ms),
        (Class::RateLimited, Outcome::Rejected, Some(7_000))
    );
    let gone = response(503, &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], "").not_now().unwrap();
    assert_eq!((gone.class, gone.outcome, gone.retry_after_ms), (Class::Unavailable, Outcome::Unknown, Some(5_000)));
    assert_eq!(response(500, &[], "").not_now(), None);
}

#[test]
fn an_answer_that_is_not_json_is_reported_without_its_content() {
    let failure =
        response(200, &[("content-type", "text/html")], "<p>张三</p>").json::<serde_json::Value>().unwrap_err();
    assert_eq!((failure.class, failure.outcome), (Class::Protocol, Outcome::Unknown));
    assert!(failure.message.contains("text/html") && !failure.message.contains("张三"), "{}", failure.message);
}

#[test]
fn a_redirect_is_named() {
    let failure = response(302, &[("location", "https://x/?s=1")], "").json::<serde_json::Value>().unwrap_err();
    assert_eq!((failure.class, failure.outcome), (Class::Protocol, Outcome::Unknown));
    assert_eq!(failure.message, "the upstream answers with a redirect (HTTP 302); the host follows none");
}

#[test]
fn the_hosts_words_for_a_broken_connection_are_not_doubled() {
    let kind = HttpErrorKind::Reset("the connection broke: reset by peer".to_owned());
    let failure = Failure::from(HttpError { kind, sent: true });
    assert_eq!(failure.message, "no answer from the upstream: the connection broke: reset by peer");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let value: serde_json::Value = response(200, &[], "\u{feff}{\"code\":0}").json().unwrap();
    assert_eq!(value, json!({ "code": 0 }));
}
