//! Exchanging sessions: the nested look-up, and that nobody but the upstream, once and in time, learns whose a session is.

use duijie_sdk::{
    Class, HookResponse, Outcome,
    forward::{ForwardError, Refusal},
    http::Response,
    testing::{Sent, TestHost, hook_request},
};
use eduyun::Eduyun;
use serde_json::{Value, json};

use super::{TICKET, call, config, host, is, ok, refusal, refused_fields, url, with};

const EXCHANGE: &str = "/userSession/sessionInterchange";

fn example(member: &str) -> Value {
    let file: Value = serde_json::from_str(include_str!("../golden/hook/local-session.json")).unwrap();
    file[member].clone()
}

fn person() -> Value {
    json!({ "name": "甄测生", "idCardNo": "999999199001010016", "userIdentity": "1" })
}

fn exchanged() -> Value {
    ok(json!({ "usessionId": "u1", "ticket": TICKET }))
}

fn look_up(host: &TestHost, body: impl Into<Vec<u8>>) -> HookResponse {
    host.receive::<Eduyun>(hook_request("local-session", "POST", "", body)).unwrap()
}

fn said(response: &HookResponse) -> Value {
    assert_eq!(response.status, 200);
    serde_json::from_slice(&response.body).unwrap()
}

/// An upstream that looks the local session up `times` times while the call is open, and hands on what the last said.
fn looks_up(host: &TestHost, times: usize) {
    let nested = host.clone();
    host.on("POST", &url(EXCHANGE)).reply_by(move |sent: &Sent| {
        let mut last = Value::Null;
        for _ in 0..times {
            last = said(&look_up(&nested, sent.body.clone()));
        }
        let reply = if last["retCode"] == "000000" { exchanged() } else { refusal("100001", &last.to_string()) };
        Response { status: 200, headers: Vec::new(), body: reply.to_string().into_bytes() }
    });
}

#[test]
fn the_upstream_looks_the_person_up_while_the_call_is_open() {
    let host = host(config());
    looks_up(&host, 1);
    let output = call(&host, "session.exchange", person()).unwrap();
    assert_eq!(output, json!({ "usessionId": "u1", "ticket": TICKET }));
}

#[test]
fn a_look_up_answers_as_the_document_says() {
    let host = host(config());
    let nested = host.clone();
    host.on("POST", &url(EXCHANGE)).reply_by(move |sent: &Sent| {
        assert_eq!(said(&look_up(&nested, sent.body.clone())), example("answer"));
        Response { status: 200, headers: Vec::new(), body: exchanged().to_string().into_bytes() }
    });
    call(&host, "session.exchange", person()).unwrap();
}

#[test]
fn a_local_session_is_looked_up_once() {
    let host = host(config());
    looks_up(&host, 2);
    let failure = call(&host, "session.exchange", person()).unwrap_err();
    is(&failure, Class::UpstreamRejected, Outcome::Rejected);
    assert!(failure.message.contains("localSession invalid"));
}

#[test]
fn a_local_session_ends_by_its_time() {
    let host = host(with(json!({ "hook": { "ttl_s": 30 } })));
    let nested = host.clone();
    host.on("POST", &url(EXCHANGE)).reply_by(move |sent: &Sent| {
        nested.advance_ms(30_000);
        assert_eq!(said(&look_up(&nested, sent.body.clone())), example("refusal"));
        Response { status: 200, headers: Vec::new(), body: refusal("100001", "no").to_string().into_bytes() }
    });
    assert!(call(&host, "session.exchange", person()).is_err());
}

#[test]
fn q6_strangers_who_call_the_hook_are_answered_byte_for_byte_the_same_whatever_they_bring() {
    let host = host(config());
    host.on("POST", &url(EXCHANGE)).reply(200, exchanged());
    call(&host, "session.exchange", person()).unwrap();
    let over = host.requests().pop().unwrap().body;
    let expected = look_up(&host, over);
    assert_eq!(said(&expected), example("refusal"));
    let long = json!({ "localSession": "x".repeat(100_000) }).to_string();
    for body in
        [r#"{"localSession":"00000000000000000000000000000000"}"#, "{}", "", "<html>", r#"{"localSession":7}"#, &long]
    {
        let response = look_up(&host, body);
        assert_eq!((response.status, &response.headers, &response.body), (200, &expected.headers, &expected.body));
    }
}

#[test]
fn nothing_of_the_person_is_left_when_the_call_ends_well_or_not() {
    for reply in [exchanged(), refusal("300027", "未实名")] {
        let host = host(config());
        host.on("POST", &url(EXCHANGE)).reply(200, reply);
        let _ = call(&host, "session.exchange", person());
        assert!(host.kv_keys().iter().all(|key| key.starts_with("token/")), "{:?}", host.kv_keys());
        assert!(host.logs().is_empty());
    }
    let host = super::bare(config());
    assert!(call(&host, "session.exchange", person()).is_err());
    assert!(host.kv_keys().iter().all(|key| key.starts_with("token/")));
}

#[test]
fn local_sessions_have_128_bits_and_are_never_the_same() {
    let host = host(config());
    host.on("POST", &url(EXCHANGE)).reply(200, exchanged());
    call(&host, "session.exchange", person()).unwrap();
    call(&host, "session.exchange", person()).unwrap();
    let sent: Vec<_> =
        host.requests().iter().filter_map(|sent| sent.json()["localSession"].as_str().map(str::to_owned)).collect();
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0], sent[1]);
    assert!(sent.iter().all(|session| session.len() == 32 && session.bytes().all(|byte| byte.is_ascii_hexdigit())));
}

#[test]
fn an_unverified_person_is_told_where_to_get_verified() {
    let host = host(config());
    let reply = json!({ "retCode": "300027", "retDesc": "未实名", "data": { "certUrl": "http://cert.example/x" } });
    host.on("POST", &url(EXCHANGE)).reply(200, reply);
    let failure = call(&host, "session.exchange", person()).unwrap_err();
    is(&failure, Class::IdentityUnverified, Outcome::Rejected);
    assert_eq!(failure.detail_json(), json!({ "certUrl": "http://cert.example/x" }));
}

#[test]
fn an_identity_number_may_be_masked_and_its_x_is_upper_case() {
    for (mask, expected) in [("none", "99999920000101002X"), ("middle", "999999**********2X")] {
        let host = host(with(json!({ "hook": { "id_mask": mask } })));
        let nested = host.clone();
        host.on("POST", &url(EXCHANGE)).reply_by(move |sent: &Sent| {
            assert_eq!(said(&look_up(&nested, sent.body.clone()))["userInfo"]["idCardNo"], expected);
            Response { status: 200, headers: Vec::new(), body: exchanged().to_string().into_bytes() }
        });
        let input = json!({ "name": "甄测生", "idCardNo": "99999920000101002x", "userIdentity": "0" });
        call(&host, "session.exchange", input).unwrap();
    }
}

#[test]
fn a_person_is_checked_before_anything_is_sent() {
    let host = host(config());
    let refused = |input| refused_fields(&host, "session.exchange", input);
    assert_eq!(refused(json!({})), ["/name", "/idCardNo", "/userIdentity"]);
    let wrong = json!({ "name": "  ", "idCardNo": "999999199001010017", "userIdentity": "1", "subject": "user-42" });
    assert_eq!(refused(wrong), ["/name", "/idCardNo", "/subject"]);
    assert!(host.kv_keys().is_empty());
}

fn platform() -> TestHost {
    host(with(json!({ "hook": { "identity_source": "platform" } })))
}

#[test]
fn the_platform_may_be_asked_during_the_look_up() {
    let host = platform();
    host.platform("local-session", Ok(person()));
    looks_up(&host, 1);
    call(&host, "session.exchange", json!({ "subject": "user-42" })).unwrap();
    let asked = host.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].data, json!({ "subject": "user-42" }));
}

#[test]
fn with_the_platform_as_source_no_identity_passes_through_the_call() {
    let host = platform();
    let refused = |input| refused_fields(&host, "session.exchange", input);
    assert_eq!(refused(person()), ["/name", "/idCardNo", "/userIdentity", "/subject"]);
}

#[test]
fn a_platform_that_gives_no_person_has_the_answer_of_an_unknown_session_and_a_log_line() {
    let refused = || ForwardError::Refused(Refusal { status: 404, message: "甄测生".to_owned() });
    let mut invalid = person();
    invalid["idCardNo"] = json!("999999199001010017");
    for answer in [
        Err(refused()),
        Err(ForwardError::Unavailable("no connection".to_owned())),
        Ok(Value::Null),
        Ok(json!({ "name": "甄测生" })),
        Ok(invalid),
        Ok(json!({ "name": " ", "idCardNo": "999999199001010016", "userIdentity": "1" })),
    ] {
        let host = platform();
        host.platform("local-session", answer);
        let nested = host.clone();
        host.on("POST", &url(EXCHANGE)).reply_by(move |sent: &Sent| {
            assert_eq!(said(&look_up(&nested, sent.body.clone())), example("refusal"));
            Response { status: 200, headers: Vec::new(), body: refusal("100001", "no").to_string().into_bytes() }
        });
        assert!(call(&host, "session.exchange", json!({ "subject": "user-42" })).is_err());
        let logs = format!("{:?}", host.logs());
        assert_eq!(host.logs().len(), 1);
        assert!(!logs.contains("甄测生") && !logs.contains("user-42"), "{logs}");
    }
}
