//! Every row of the error table: class, outcome, and what the caller is told.

use duijie_sdk::{
    Class, Failure, Outcome,
    http::{HttpErrorKind, Response},
    testing::{KeyEncoding, TestHost},
};
use serde_json::{Value, json};
use zj_gxsz::ZjGxsz;

use super::{ONE, TOKEN, bare, config, count, host, push, refused, talk};

fn is(failure: &Failure, class: Class, outcome: Outcome) {
    assert_eq!((failure.class, failure.outcome), (class, outcome), "{failure:?}");
}

fn replied(status: u16, body: Value) -> Failure {
    let host = host(config());
    host.on("POST", ONE).reply(status, body);
    refused(&host)
}

fn failed(kind: HttpErrorKind, sent: bool) -> Failure {
    let host = host(config());
    host.on("POST", ONE).fail(kind, sent);
    refused(&host)
}

fn token_replied(status: u16, body: Value) -> Failure {
    let host = bare(config());
    host.on("POST", TOKEN).reply(status, body);
    let failure = refused(&host);
    assert_eq!(count(&host, ONE), 0);
    failure
}

#[test]
fn a_token_refused_twice_is_auth_failed() {
    for status in [401, 403] {
        let host = host(config());
        host.on("POST", ONE).reply(status, json!({}));
        let failure = refused(&host);
        is(&failure, Class::AuthFailed, Outcome::Rejected);
        assert_eq!(failure.upstream_code, Some(status.to_string()));
        assert_eq!((count(&host, TOKEN), count(&host, ONE)), (2, 2));
    }
}

/// Pushes with a first answer, then a token endpoint and an upstream that go wrong.
fn refused_then(first: (u16, Value), token: Option<(u16, Value)>, second: Option<HttpErrorKind>) -> Failure {
    let mut config = config();
    config["errors"] = json!({ "token_expired_codes": ["40101"] });
    let host = bare(config);
    let tokens = host.on("POST", TOKEN).reply(200, json!({ "access_token": "t1" }));
    match token {
        Some((status, body)) => tokens.reply(status, body),
        None => tokens.reply(200, json!({ "access_token": "t2" })),
    };
    let upstream = host.on("POST", ONE).reply(first.0, first.1);
    match second {
        Some(kind) => upstream.fail(kind, false),
        None => upstream,
    };
    refused(&host)
}

#[test]
fn a_push_that_left_is_never_reported_as_not_sent() {
    let expired = || json!({ "code": 40101 });
    let connect = || Some(HttpErrorKind::Connect("refused".to_owned()));
    for (status, outcome) in [(401, Outcome::Rejected), (200, Outcome::Rejected), (500, Outcome::Unknown)] {
        let first = || (status, expired());
        is(&refused_then(first(), Some((503, json!({}))), None), Class::Unavailable, outcome);
        is(&refused_then(first(), Some((401, json!({}))), None), Class::AuthFailed, outcome);
        is(&refused_then(first(), None, connect()), Class::Unavailable, outcome);
        is(&refused_then(first(), None, None), Class::AuthFailed, outcome);
    }
}

#[test]
fn a_refusal_after_an_answer_of_unknown_effect_stays_unknown() {
    let mut config = config();
    config["errors"] = json!({ "token_expired_codes": ["40101"] });
    let host = host(config);
    host.on("POST", ONE).reply(500, json!({ "code": 40101 })).reply(200, json!({ "code": 7 }));
    is(&refused(&host), Class::UpstreamRejected, Outcome::Unknown);
}

#[test]
fn a_token_endpoint_that_refuses_is_auth_failed_and_nothing_is_sent() {
    let failure = token_replied(401, json!({ "error": "invalid_client", "error_description": "no such client" }));
    is(&failure, Class::AuthFailed, Outcome::NotSent);
    assert_eq!(failure.upstream_code.as_deref(), Some("invalid_client"));
    assert!(failure.message.contains("no such client"));
    let failure = token_replied(200, json!({ "code": 1001, "msg": "client_secret 错误" }));
    is(&failure, Class::AuthFailed, Outcome::NotSent);
    assert_eq!(failure.upstream_code.as_deref(), Some("1001"));
    is(&token_replied(400, json!({ "error": "invalid_request" })), Class::AuthFailed, Outcome::NotSent);
    is(&token_replied(200, json!({ "error": "invalid_client" })), Class::AuthFailed, Outcome::NotSent);
}

#[test]
fn a_token_endpoint_in_trouble_keeps_everything_unsent() {
    is(&token_replied(404, json!({})), Class::Config, Outcome::NotSent);
    is(&token_replied(503, json!({})), Class::Unavailable, Outcome::NotSent);
    is(&token_replied(429, json!({})), Class::RateLimited, Outcome::NotSent);
    is(&token_replied(500, json!({})), Class::Unavailable, Outcome::NotSent);
    is(&token_replied(500, json!({ "error": "server_error" })), Class::Unavailable, Outcome::NotSent);
    is(&token_replied(501, json!({ "code": 1 })), Class::Unavailable, Outcome::NotSent);
    is(&token_replied(200, json!({ "token": "x" })), Class::Protocol, Outcome::NotSent);
    is(&token_replied(200, json!({ "access_token": "" })), Class::Protocol, Outcome::NotSent);
    let host = bare(config());
    host.on("POST", TOKEN).fail(HttpErrorKind::Timeout, true);
    is(&refused(&host), Class::Timeout, Outcome::NotSent);
}

#[test]
fn a_record_that_does_not_fit_is_invalid_input_with_every_field() {
    let host = host(config());
    let mut record = talk();
    record["content"] = json!("");
    record["talkTime"] = json!("2024-03-01");
    record["students"][0]["studentName"] = Value::Null;
    let failure = host.call::<ZjGxsz>("record.push-one", record).unwrap_err();
    is(&failure, Class::InvalidInput, Outcome::NotSent);
    let detail = failure.detail_json();
    let pointers: Vec<_> = detail.as_array().unwrap().iter().map(|field| field["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/students/0/studentName", "/talkTime", "/content"]);
    assert!(host.requests().is_empty());
}

#[test]
fn a_record_without_its_key_is_invalid_input_once() {
    let host = host(config());
    let mut record = talk();
    record.as_object_mut().unwrap().remove("recordId");
    let failure = host.call::<ZjGxsz>("record.push-one", record).unwrap_err();
    assert_eq!(failure.detail_json(), json!([{ "pointer": "/recordId", "message": "is required" }]));
}

#[test]
fn a_refusal_passes_code_and_message_on_without_the_records_own_words() {
    let failure = replied(200, json!({ "code": 1203, "msg": "学生张三(2021001)的记录T20240001重复:测试谈话内容" }));
    is(&failure, Class::UpstreamRejected, Outcome::Rejected);
    assert_eq!(failure.upstream_code.as_deref(), Some("1203"));
    assert_eq!(failure.detail_json(), json!({ "upstream_message": "学生***(***)的记录T20240001重复:***" }));
    assert!(failure.message.contains("学生***(***)"), "{}", failure.message);
    is(&replied(400, json!({ "code": "400", "msg": "参数错误" })), Class::UpstreamRejected, Outcome::Rejected);
    is(&replied(500, json!({ "code": 500, "msg": "x" })), Class::UpstreamRejected, Outcome::Unknown);
}

#[test]
fn no_connection_is_unavailable_and_not_sent() {
    is(&failed(HttpErrorKind::Connect("refused".to_owned()), false), Class::Unavailable, Outcome::NotSent);
    is(&failed(HttpErrorKind::Dns("no such name".to_owned()), false), Class::Unavailable, Outcome::NotSent);
    is(&failed(HttpErrorKind::Tls("expired".to_owned()), false), Class::Unavailable, Outcome::NotSent);
}

#[test]
fn a_gateway_that_gives_up_may_have_passed_the_record_on() {
    for status in [502, 503, 504] {
        is(&replied(status, json!({})), Class::Unavailable, Outcome::Unknown);
    }
}

#[test]
fn no_reply_in_time_is_a_timeout_of_unknown_outcome() {
    is(&failed(HttpErrorKind::Timeout, true), Class::Timeout, Outcome::Unknown);
}

#[test]
fn a_connection_that_breaks_after_sending_is_unavailable_of_unknown_outcome() {
    is(&failed(HttpErrorKind::Reset("by peer".to_owned()), true), Class::Unavailable, Outcome::Unknown);
}

#[test]
fn a_key_that_is_not_16_bytes_is_config_and_nothing_is_sent() {
    for (secret, encoding) in
        [("c2hvcnQ=", KeyEncoding::Base64), ("not base64!", KeyEncoding::Base64), ("0011", KeyEncoding::Hex)]
    {
        let host = host(config());
        host.secret("client_secret", secret, encoding);
        let failure = refused(&host);
        is(&failure, Class::Config, Outcome::NotSent);
        assert!(failure.message.contains("encoding = \"base64\""), "{}", failure.message);
        assert!(host.requests().is_empty());
    }
}

#[test]
fn an_answer_that_is_not_understood_is_protocol_of_unknown_outcome() {
    let answered = |content_type, body| {
        let host = host(config());
        host.on("POST", ONE).reply_text(200, content_type, body);
        refused(&host)
    };
    is(&answered("text/html", "<html>502</html>"), Class::Protocol, Outcome::Unknown);
    is(&answered("application/json", "{\"code\":0,\"ms"), Class::Protocol, Outcome::Unknown);
    is(&answered("application/json", ""), Class::Protocol, Outcome::Unknown);
    is(&replied(200, json!({ "msg": "成功" })), Class::Protocol, Outcome::Unknown);
    is(&replied(200, json!([0])), Class::Protocol, Outcome::Unknown);
    is(&replied(404, json!({ "code": 0 })), Class::Protocol, Outcome::Unknown);
    is(&failed(HttpErrorKind::TooLarge(1 << 20), true), Class::Protocol, Outcome::Unknown);
}

#[test]
fn too_many_requests_say_when_to_come_again() {
    let host = host(config());
    let headers = vec![("retry-after".to_owned(), "30".to_owned())];
    host.on("POST", ONE).reply_with(Response { status: 429, headers, body: Vec::new() });
    let failure = refused(&host);
    is(&failure, Class::RateLimited, Outcome::Rejected);
    assert_eq!(failure.retry_after_ms, Some(30_000));
}

#[test]
fn our_own_interval_is_kept_before_anything_is_sent() {
    let mut config = config();
    config["rate"] = json!({ "min_interval_ms": 500 });
    let host = host(config);
    host.on("POST", ONE).reply(200, json!({ "code": 0, "msg": "成功" }));
    push(&host).unwrap();
    host.advance_ms(499);
    let failure = refused(&host);
    is(&failure, Class::RateLimited, Outcome::NotSent);
    assert_eq!((failure.retry_after_ms, count(&host, ONE)), (Some(500), 1));
    host.advance_ms(1);
    push(&host).unwrap();
}

#[test]
fn the_hosts_policy_is_passed_on() {
    is(&failed(HttpErrorKind::Denied("origin".to_owned()), false), Class::Denied, Outcome::NotSent);
}

#[test]
fn no_failure_quotes_the_record() {
    let mut failures = vec![
        replied(200, json!({ "code": 1, "msg": "李老师 张三 2021001 测试谈话内容" })),
        replied(200, json!("李老师 张三")),
        failed(HttpErrorKind::Timeout, true),
    ];
    let mut record = talk();
    record["talkTime"] = json!("张三");
    record["attention"] = json!("测试谈话内容");
    let host: TestHost = host(config());
    failures.push(host.call::<ZjGxsz>("record.push-one", record).unwrap_err());
    for failure in failures {
        let told = format!("{failure:?}");
        for word in ["李老师", "张三", "2021001", "测试谈话内容"] {
            assert!(!told.contains(word), "{told}");
        }
    }
}
