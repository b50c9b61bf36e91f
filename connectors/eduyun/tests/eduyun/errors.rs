//! Every row of the error table: class, outcome, and what the caller is told.

use duijie_sdk::{
    Class, Failure, Outcome,
    http::{HttpErrorKind, Response},
    testing::KeyEncoding,
};
use eduyun::Eduyun;
use serde_json::{Value, json};

use super::{APP_LIST, SESSION, TOKEN, answered, bare, call, config, count, host, is, refusal, url, with};

fn coded(code: &str, text: &str) -> Failure {
    answered(config(), 200, &refusal(code, text).to_string()).unwrap_err()
}

#[test]
fn every_code_has_its_class() {
    for (code, class) in [
        ("200001", Class::InvalidInput),
        ("200002", Class::InvalidInput),
        ("300006", Class::SessionInvalid),
        ("300027", Class::IdentityUnverified),
        ("100001", Class::UpstreamRejected),
        ("987654", Class::UpstreamRejected),
    ] {
        let failure = coded(code, "不行");
        is(&failure, class, Outcome::Rejected);
        assert_eq!(failure.upstream_code.as_deref(), Some(code));
        assert!(failure.message.contains("不行"), "{}", failure.message);
    }
}

#[test]
fn every_code_of_the_aamif_service_has_its_class() {
    for (code, class) in
        [("100001", Class::UpstreamRejected), ("301999", Class::SessionInvalid), ("7", Class::UpstreamRejected)]
    {
        let host = host(config());
        host.on("POST", &url("/aamif/rest/area/createTicket")).reply(200, json!({ "result": code, "desc": "token" }));
        let failure = call(&host, "aamif.ticket-create", json!({ "usessionId": SESSION })).unwrap_err();
        is(&failure, class, Outcome::Rejected);
        assert_eq!(host.requests().len(), 1, "no token was shown, so none can have expired");
    }
}

#[test]
fn an_aamif_service_that_wants_more_is_the_operators() {
    let host = host(config());
    host.on("POST", &url("/aamif/rest/area/createTicket")).reply(401, json!({}));
    let failure = call(&host, "aamif.ticket-create", json!({ "usessionId": SESSION })).unwrap_err();
    is(&failure, Class::AuthFailed, Outcome::Rejected);
    assert!(failure.message.contains("aamif.send_access_token"));
}

#[test]
fn an_unverified_user_comes_with_an_address_or_without() {
    let reply = json!({ "retCode": "300027", "retDesc": "未实名", "data": { "certUrl": "http://cert.example/1" } });
    let failure = answered(config(), 200, &reply.to_string()).unwrap_err();
    assert_eq!(failure.detail_json(), json!({ "certUrl": "http://cert.example/1" }));
    assert_eq!(coded("300027", "未实名").detail_json(), Value::Null);
}

#[test]
fn a_refusal_with_a_failing_status_leaves_the_effect_unknown() {
    let failure = answered(config(), 500, &refusal("987654", "no").to_string()).unwrap_err();
    is(&failure, Class::UpstreamRejected, Outcome::Unknown);
}

#[test]
fn statuses_that_mean_not_now() {
    for status in [502, 503, 504] {
        is(&answered(config(), status, "<html>").unwrap_err(), Class::Unavailable, Outcome::Unknown);
    }
    let host = host(config());
    let headers = vec![("retry-after".to_owned(), "7".to_owned())];
    host.on("POST", &url(APP_LIST)).reply_with(Response { status: 429, headers, body: Vec::new() });
    let failure = call(&host, "app.list", json!({})).unwrap_err();
    is(&failure, Class::RateLimited, Outcome::Rejected);
    assert_eq!(failure.retry_after_ms, Some(7000));
}

#[test]
fn what_is_not_understood_is_protocol() {
    for (status, body) in [
        (200, "<html>"),
        (404, "<html>"),
        (500, "<html>"),
        (200, r#"{"retCode":"000000","data":{"count":1,"dataList":[{"appId""#),
        (200, r#"{"data":{"count":0}}"#),
        (200, r#"{"retCode":"000000"}"#),
        (200, r#"{"retCode":"000000","data":{"count":1,"dataList":[{"appId":"a"}]}}"#),
        (500, r#"{"retCode":"000000","data":{"count":0}}"#),
        (302, ""),
    ] {
        is(&answered(config(), status, body).unwrap_err(), Class::Protocol, Outcome::Unknown);
    }
}

#[test]
fn success_without_what_was_asked_for_is_protocol() {
    let session = || json!({ "usessionId": SESSION });
    let ticket = || json!({ "ticket": "x" });
    for (operation, path, input) in [
        ("ticket.create", "/userSession/createTicket", session()),
        ("oauth.ticket", "/oauth/createOauthTicket", json!({})),
        ("user.info", "/userSession/getLoginUserInfo", session()),
        ("app.ticket-validate", "/userSession/validaTicket", ticket()),
        ("aamif.ticket-create", "/aamif/rest/area/createTicket", session()),
        ("aamif.ticket-validate-area", "/aamif/rest/area/validaTicket", ticket()),
    ] {
        let host = host(config());
        host.on("POST", &url(path)).reply(200, json!({ "retCode": "000000", "retDesc": "success" }));
        is(&call(&host, operation, input).unwrap_err(), Class::Protocol, Outcome::Unknown);
    }
}

fn failed(kind: HttpErrorKind, sent: bool) -> Failure {
    let host = host(config());
    host.on("POST", &url(APP_LIST)).fail(kind, sent);
    call(&host, "app.list", json!({})).unwrap_err()
}

#[test]
fn no_answer_is_not_sent_only_when_that_is_certain() {
    is(&failed(HttpErrorKind::Connect("refused".to_owned()), false), Class::Unavailable, Outcome::NotSent);
    is(&failed(HttpErrorKind::Reset("reset".to_owned()), true), Class::Unavailable, Outcome::Unknown);
    is(&failed(HttpErrorKind::Timeout, true), Class::Timeout, Outcome::Unknown);
    is(&failed(HttpErrorKind::Denied("not listed".to_owned()), false), Class::Denied, Outcome::NotSent);
}

fn token_replied(status: u16, body: &str) -> Failure {
    let host = bare(config());
    host.on("POST", &url(TOKEN)).reply_text(status, "application/json", body);
    let failure = call(&host, "app.list", json!({})).unwrap_err();
    assert_eq!(count(&host, APP_LIST), 0);
    failure
}

#[test]
fn a_token_endpoint_that_refuses_is_auth_failed_and_nothing_is_sent() {
    for code in ["100001", "200001", "200002", "300006"] {
        let failure = token_replied(200, &refusal(code, "keyInfo校验失败").to_string());
        is(&failure, Class::AuthFailed, Outcome::NotSent);
        assert_eq!(failure.upstream_code.as_deref(), Some(code));
        assert!(failure.message.contains("keyInfo校验失败"));
    }
    is(&token_replied(401, ""), Class::AuthFailed, Outcome::NotSent);
    is(&token_replied(403, "<html>"), Class::AuthFailed, Outcome::NotSent);
}

#[test]
fn a_token_endpoint_in_trouble_keeps_everything_unsent() {
    is(&token_replied(404, "<html>"), Class::Config, Outcome::NotSent);
    is(&token_replied(405, ""), Class::Config, Outcome::NotSent);
    is(&token_replied(503, ""), Class::Unavailable, Outcome::NotSent);
    is(&token_replied(429, ""), Class::RateLimited, Outcome::NotSent);
    is(&token_replied(200, "<html>"), Class::Protocol, Outcome::NotSent);
    is(&token_replied(200, r#"{"retCode":"000000","data":{}}"#), Class::Protocol, Outcome::NotSent);
    is(&token_replied(200, "{}"), Class::Protocol, Outcome::NotSent);
    let host = bare(config());
    host.on("POST", &url(TOKEN)).fail(HttpErrorKind::Timeout, true);
    is(&call(&host, "token.check", json!({})).unwrap_err(), Class::Timeout, Outcome::NotSent);
}

#[test]
fn a_refused_token_that_cannot_be_renewed_was_rejected() {
    let host = bare(config());
    host.on("POST", &url(TOKEN)).reply(200, super::token("t1")).reply(503, json!({}));
    call(&host, "token.check", json!({})).unwrap();
    host.on("POST", &url(APP_LIST)).reply(200, refusal("900001", "token expired"));
    is(&call(&host, "app.list", json!({})).unwrap_err(), Class::Unavailable, Outcome::Rejected);
}

#[test]
fn a_key_that_does_not_fit_is_the_operators() {
    let host = bare(config());
    host.secret("app_key", "not base64!", KeyEncoding::Base64);
    is(&call(&host, "token.check", json!({})).unwrap_err(), Class::Config, Outcome::NotSent);
}

#[test]
fn each_request_has_the_time_of_the_config() {
    for (config, expected) in [(config(), 5000), (with(json!({ "http": { "timeout_ms": 1234 } })), 1234)] {
        let host = host(config);
        host.on("POST", &url(APP_LIST)).reply(200, refusal("9", "no"));
        assert!(host.call::<Eduyun>("app.list", json!({})).is_err());
        assert!(host.requests().iter().all(|sent| sent.timeout_ms == Some(expected)));
    }
}
