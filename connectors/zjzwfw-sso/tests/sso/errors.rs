//! Every row of the error table, and that nothing personal stands in a message of ours.

use duijie_sdk::{http::HttpErrorKind, testing::KeyEncoding};
use serde_json::json;
use zjzwfw_sso::ZjzwfwSso;

use super::*;

const FAILURE: &str = include_str!("../golden/failure.reply.json");

fn allowed() -> Value {
    json!({ "id_validation": { "enabled": true } })
}

fn authenticate(host: &TestHost) -> Result<Value, Failure> {
    let input = json!({ "loginName": "zhangs", "orgCoding": "001006", "password": "Test-123" });
    host.call::<ZjzwfwSso>("user.authenticate", input)
}

#[test]
fn a_wrong_password_is_auth_failed() {
    let failure = authenticate(&answering(allowed(), 200, FAILURE)).unwrap_err();
    is(&failure, Class::AuthFailed, Outcome::Rejected);
    assert_eq!(failure.upstream_code.as_deref(), Some("6402"));
    assert!(failure.message.contains("密码认证失败"));
}

#[test]
fn any_other_code_is_a_refusal() {
    let failure = authenticate(&answering(allowed(), 200, "{\"result\":\"9\"}")).unwrap_err();
    is(&failure, Class::UpstreamRejected, Outcome::Rejected);
}

#[test]
fn a_ticket_that_is_refused_is_session_invalid_whatever_the_code() {
    for code in ["1", "6401", "6402"] {
        let failure = validate(&answering(json!({}), 200, &format!("{{\"result\":\"{code}\"}}"))).unwrap_err();
        is(&failure, Class::SessionInvalid, Outcome::Rejected);
        assert_eq!(failure.upstream_code.as_deref(), Some(code));
    }
}

#[test]
fn a_token_that_is_refused_is_auth_expired_and_nothing_is_sent_again() {
    let host = answering(json!({}), 200, "{\"result\":\"6403\",\"errmsg\":\"令牌无效\"}");
    is(&info(&host).unwrap_err(), Class::AuthExpired, Outcome::Rejected);
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn statuses_mean_what_they_always_mean() {
    for (status, body, class, outcome) in [
        (401, "<html></html>", Class::AuthFailed, Outcome::Rejected),
        (403, "", Class::AuthFailed, Outcome::Rejected),
        (404, "<html>x", Class::Config, Outcome::Rejected),
        (405, "", Class::Config, Outcome::Rejected),
        (429, "", Class::RateLimited, Outcome::Rejected),
        (502, "", Class::Unavailable, Outcome::Unknown),
        (503, "", Class::Unavailable, Outcome::Unknown),
        (504, "", Class::Unavailable, Outcome::Unknown),
        (302, "", Class::Protocol, Outcome::Unknown),
        (500, "<html><body>oops</body></html>", Class::Protocol, Outcome::Unknown),
        (500, VALIDATED, Class::Protocol, Outcome::Unknown),
        (500, FAILURE, Class::SessionInvalid, Outcome::Unknown),
        (403, FAILURE, Class::SessionInvalid, Outcome::Rejected),
    ] {
        is(&validate(&answering(json!({}), status, body)).unwrap_err(), class, outcome);
    }
}

#[test]
fn what_is_not_understood_is_protocol_and_not_quoted() {
    for body in [
        "",
        "甄测生",
        "[]",
        "{\"result\":\"0\"",
        "{\"token\":\"甄测生\"}",
        "{\"result\":\"0\",\"errmsg\":\"成功\"}",
        "<html><body>甄测生</body></html>",
        "<SSO>甄测生</SSO>",
    ] {
        let failure = validate(&answering(json!({}), 200, body)).unwrap_err();
        is(&failure, Class::Protocol, Outcome::Unknown);
        assert!(!failure.message.contains("甄测生"), "{}", failure.message);
    }
}

#[test]
fn no_answer_says_whether_the_request_left() {
    for (kind, sent, class, outcome) in [
        (HttpErrorKind::Connect("refused".to_owned()), false, Class::Unavailable, Outcome::NotSent),
        (HttpErrorKind::Dns("no such name".to_owned()), false, Class::Unavailable, Outcome::NotSent),
        (HttpErrorKind::Reset("reset".to_owned()), true, Class::Unavailable, Outcome::Unknown),
        (HttpErrorKind::Timeout, true, Class::Timeout, Outcome::Unknown),
        (HttpErrorKind::Denied("origin".to_owned()), false, Class::Denied, Outcome::NotSent),
    ] {
        let host = host(json!({}));
        host.on("POST", SIMPLE).fail(kind, sent);
        is(&validate(&host).unwrap_err(), class, outcome);
    }
}

#[test]
fn a_soap_fault_is_a_refusal_and_says_whose() {
    for (code, outcome) in [("soap:Client", Outcome::Rejected), ("soap:Server", Outcome::Unknown)] {
        let host = host(json!({ "transport": "soap", "soap": { "namespace": "n" } }));
        let fault = format!(
            "<Envelope><Body><Fault><faultcode>{code}</faultcode><faultstring>no</faultstring></Fault></Body></Envelope>"
        );
        host.on("POST", "http://127.0.0.1:18084/sso/service/SimpleAuthService").reply_text(500, "text/xml", &fault);
        is(&validate(&host).unwrap_err(), Class::UpstreamRejected, outcome);
    }
}

#[test]
fn soap_without_a_namespace_or_a_value_is_said_so() {
    let bare = host(json!({ "transport": "soap" }));
    is(&validate(&bare).unwrap_err(), Class::Config, Outcome::NotSent);
    let host = host(json!({ "transport": "soap", "soap": { "namespace": "n" } }));
    let url = "http://127.0.0.1:18084/sso/service/SimpleAuthService";
    host.on("POST", url).reply_text(200, "text/xml", "<Envelope><Body><r/></Body></Envelope>");
    is(&validate(&host).unwrap_err(), Class::Protocol, Outcome::Unknown);
}

#[test]
fn passwords_pass_only_where_the_link_says_so_and_only_over_a_confidential_way() {
    let disabled = answering(json!({}), 200, VALIDATED);
    is(&authenticate(&disabled).unwrap_err(), Class::Denied, Outcome::NotSent);
    let mut plain = allowed();
    plain["base"] = json!("http://sso.example/sso");
    is(&authenticate(&host(plain.clone())).unwrap_err(), Class::Config, Outcome::NotSent);
    plain["http"] = json!({ "verb": "GET" });
    plain["base"] = json!("https://sso.example/sso");
    is(&authenticate(&host(plain)).unwrap_err(), Class::Config, Outcome::NotSent);
    assert!(disabled.requests().is_empty());
    let host = answering(allowed(), 200, VALIDATED);
    assert_eq!(authenticate(&host).unwrap()["token"], "8afac0cc-commonToken");
    let fields =
        ["method", "loginname", "orgcoding", "encryptiontype", "password"].map(|name| sent(&host, name).unwrap());
    assert_eq!(fields, ["idValidation", "zhangs", "001006", "1", "Test-123"]);
}

#[test]
fn a_ticket_for_another_resource_is_read_under_both_names() {
    let generate = |body: &str| {
        let host = answering(json!({}), 200, body);
        let output = host.call::<ZjzwfwSso>("ticket.generate", json!({ "proxyApp": "other", "token": "t" }));
        assert_eq!(
            (sent(&host, "proxyapp").unwrap(), sent(&host, "method").unwrap()),
            ("other".into(), "generateST".into())
        );
        output
    };
    assert_eq!(
        generate("{\"result\":\"0\",\"st\":\"a-ticket\",\"ticket\":\"b\"}"),
        Ok(json!({ "ticket": "a-ticket" }))
    );
    assert_eq!(generate("{\"result\":\"0\",\"st\":\"\",\"ticket\":\"b-ticket\"}"), Ok(json!({ "ticket": "b-ticket" })));
    is(&generate("{\"result\":\"0\"}").unwrap_err(), Class::Protocol, Outcome::Unknown);
    is(&generate("{\"result\":\"5\"}").unwrap_err(), Class::UpstreamRejected, Outcome::Rejected);
}

#[test]
fn a_missing_secret_is_said_before_anything_is_sent() {
    let host = TestHost::new();
    host.config(config(json!({})));
    host.secret("irs_secret_key", "demosk", KeyEncoding::Utf8);
    is(&validate(&host).unwrap_err(), Class::Denied, Outcome::NotSent);
    assert!(host.requests().is_empty());
}
