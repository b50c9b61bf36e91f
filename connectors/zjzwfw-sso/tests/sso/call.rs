//! The titles whose wire form is lost: by name or by title, with whatever parameters, and with nothing that must not be.

use serde_json::json;
use zjzwfw_sso::ZjzwfwSso;

use super::*;

const OK: &str = "{\"result\":0,\"errmsg\":\"成功\",\"accesstoken\":\"a\"}";

fn call(host: &TestHost, input: Value) -> Result<Value, Failure> {
    host.call::<ZjzwfwSso>("call", input)
}

#[test]
fn a_method_is_called_by_its_name_with_its_parameters() {
    let host = answering(json!({}), 200, OK);
    let output = call(&host, json!({ "method": "getAccessToken", "params": { "code": "c1" } })).unwrap();
    assert_eq!(output, json!({ "result": "0", "message": "成功", "reply": golden(OK) }));
    let body = host.requests()[0].text();
    let expected =
        format!("method=getAccessToken&servicecode=demosvc&time=20240102030405&sign={SIGN}&datatype=json&code=c1");
    assert_eq!(body, expected);
}

#[test]
fn a_title_is_called_by_the_name_that_the_operator_knows() {
    let host = answering(json!({ "method": { "roles": "getUserRole" } }), 200, OK);
    call(&host, json!({ "title": "roles", "params": { "token": "t" } })).unwrap();
    assert_eq!(sent(&host, "method").unwrap(), "getUserRole");
    call(&host, json!({ "title": "token-by-code", "params": { "code": "c" } })).unwrap();
    assert_eq!(sent(&host, "method").unwrap(), "getAccessToken");
    for (title, key) in [
        ("token-refresh", "token_refresh"),
        ("ticket-by-proxy-token", "ticket_by_proxy_token"),
        ("ticket-by-token", "ticket_by_token"),
        ("user-by-token", "user_by_token"),
        ("systems", "systems"),
        ("profile-change", "profile_change"),
        ("standard-authenticate", "standard_authenticate"),
        ("password-change", "password_change"),
    ] {
        let failure = call(&host, json!({ "title": title })).unwrap_err();
        is(&failure, Class::Config, Outcome::NotSent);
        assert!(failure.message.contains(&format!("method.{key} ")), "{}", failure.message);
    }
}

#[test]
fn servlet_and_path_decide_where_it_goes() {
    let host = host(json!({}));
    host.on("POST", USERS).reply_text(200, "text/xml", OK);
    host.on("POST", "http://127.0.0.1:18084/sso/servlet/x").reply_text(200, "text/xml", OK);
    assert!(call(&host, json!({ "method": "m", "servlet": "users" })).is_ok());
    assert!(call(&host, json!({ "method": "m", "path": "/servlet/x" })).is_ok());
}

#[test]
fn through_the_gateway_a_path_is_required() {
    let gateway = json!({ "gateway": "irs", "irs": { "base": "http://127.0.0.1:1", "access_key": "demoak" } });
    let host = host(gateway);
    host.on("POST", "http://127.0.0.1:1/restapi/prod/Y/m").reply_text(200, "text/xml", OK);
    is(&call(&host, json!({ "method": "m" })).unwrap_err(), Class::InvalidInput, Outcome::NotSent);
    assert!(call(&host, json!({ "method": "m", "path": "/restapi/prod/Y/m" })).is_ok());
}

#[test]
fn what_cannot_be_sent_is_said_with_its_place() {
    let host = answering(json!({}), 200, OK);
    let many: serde_json::Map<_, _> = (0..33).map(|n| (format!("p{n}"), json!(""))).collect();
    for (input, pointer) in [
        (json!({}), "/method"),
        (json!({ "method": "m", "title": "roles" }), "/method"),
        (json!({ "method": "m&x=1" }), "/method"),
        (json!({ "method": "m", "params": { "sign": "x" } }), "/params/sign"),
        (json!({ "method": "m", "params": { "servicecode": "x" } }), "/params/servicecode"),
        (json!({ "method": "m", "params": { "LoginName": "x" } }), "/params/LoginName"),
        (json!({ "method": "m", "params": { "a/b": "x" } }), "/params/a~1b"),
        (json!({ "method": "m", "params": { "a": "x".repeat(70_000) } }), "/params/a"),
        (json!({ "method": "m", "params": many }), "/params"),
        (json!({ "method": "m", "path": "servlet" }), "/path"),
        (json!({ "method": "m", "path": "/a/../b" }), "/path"),
        (json!({ "method": "m", "path": "//evil.example/x" }), "/path"),
        (json!({ "method": "m", "path": "/a?b=c" }), "/path"),
    ] {
        let failure = call(&host, input.clone()).unwrap_err();
        is(&failure, Class::InvalidInput, Outcome::NotSent);
        assert_eq!(failure.detail_json()[0]["pointer"], pointer);
    }
    assert!(host.requests().is_empty());
}

#[test]
fn no_password_passes_by_this_door_either() {
    let mut changes = json!({ "method": { "password_change": "modifyPassword", "standard_authenticate": "auth" } });
    let inputs = [
        json!({ "method": "idValidation" }),
        json!({ "method": "modifyPassword" }),
        json!({ "title": "password-change" }),
        json!({ "title": "standard-authenticate" }),
        json!({ "method": "m", "params": { "newpassword": "x" } }),
        json!({ "method": "m", "params": { "userpwd": "x" } }),
    ];
    let closed = answering(changes.clone(), 200, OK);
    for input in &inputs {
        is(&call(&closed, input.clone()).unwrap_err(), Class::Denied, Outcome::NotSent);
    }
    changes["id_validation"] = json!({ "enabled": true });
    let open = answering(changes, 200, OK);
    for input in inputs {
        assert!(call(&open, input).is_ok());
    }
}

#[test]
fn an_answer_without_result_is_an_answer_and_a_refusal_is_a_refusal() {
    let list = include_str!("../golden/list.reply.json");
    let output = call(&answering(json!({}), 200, list), json!({ "method": "m" })).unwrap();
    assert_eq!(output, json!({ "result": null, "message": "", "reply": golden(list) }));
    let failing = |status, body| call(&answering(json!({}), status, body), json!({ "method": "m" })).unwrap_err();
    is(&failing(200, "{\"result\":\"6402\"}"), Class::AuthFailed, Outcome::Rejected);
    is(&failing(200, "{\"result\":\"7\"}"), Class::UpstreamRejected, Outcome::Rejected);
    is(&failing(500, "{\"message\":\"x\"}"), Class::Protocol, Outcome::Unknown);
    is(&failing(403, "{\"message\":\"x\"}"), Class::AuthFailed, Outcome::Rejected);
}
