//! The SSO calls: who is believed, what the platform is told, and what the SSO hears.

use duijie_sdk::{
    HookRequest, HookResponse, encode,
    forward::{ForwardError, Refusal},
    testing::hook_request,
};
use serde_json::json;
use zjzwfw_sso::ZjzwfwSso;

use super::*;

const ARGS: &str = include_str!("../golden/hook.args.json");
const DONE: &str = "{\"result\":\"0\",\"errmsg\":\"成功\"}";
const NOT_ACCEPTED: &str = "{\"result\":\"1\",\"errmsg\":\"验证失败\"}";

/// The parameters of a right request.
fn delivery() -> Vec<(&'static str, String)> {
    let text = |text: &str| text.to_owned();
    vec![
        ("method", text("synchronizeUser")),
        ("servicecode", text("demosvc")),
        ("time", text("20240102030405")),
        ("sign", text(SIGN)),
        ("datatype", text("json")),
        ("args", text(ARGS.trim())),
    ]
}

fn with(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut parameters = delivery();
    parameters.retain(|(known, _)| *known != name);
    parameters.push((name, value.to_owned()));
    parameters
}

/// A request of a later second, rightly signed.
fn at_second(second: u64, mut parameters: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    let time = format!("202401020304{:02}", 5 + second);
    let sign = encode::hex(md5(&format!("demosvcdemosvcpwd{time}")));
    for (name, value) in &mut parameters {
        match *name {
            "time" => *value = time.clone(),
            "sign" => *value = sign.clone(),
            _ => {}
        }
    }
    parameters
}

fn md5(text: &str) -> Vec<u8> {
    duijie_sdk::crypto::hash(duijie_sdk::crypto::Algorithm::Md5, text).unwrap()
}

fn encoded(parameters: &[(&str, String)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", encode::form(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn post(parameters: &[(&str, String)]) -> HookRequest {
    let mut request = hook_request("user-sync", "POST", "", encoded(parameters));
    request.headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded; charset=UTF-8".to_owned()));
    request
}

fn get(parameters: &[(&str, String)]) -> HookRequest {
    hook_request("user-sync", "GET", &encoded(parameters), "")
}

fn receive(host: &TestHost, request: HookRequest) -> HookResponse {
    host.receive::<ZjzwfwSso>(request).unwrap()
}

fn body(response: &HookResponse) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}

/// A link whose platform takes everybody.
fn ready() -> TestHost {
    let host = host(json!({}));
    host.platform("user.sync", Ok(json!({}))).platform("user.delete", Ok(Value::Null));
    host
}

#[test]
fn a_person_is_passed_on_in_the_platforms_terms() {
    for request in [post(&delivery()), get(&delivery())] {
        let host = ready();
        let response = receive(&host, request);
        assert_eq!((response.status, body(&response)), (200, DONE));
        assert_eq!(response.headers, [("content-type".to_owned(), "text/xml;charset=utf-8".to_owned())]);
        let asked = host.asked();
        assert_eq!((asked.len(), asked[0].event.as_str()), (1, "user.sync"));
        assert_eq!(asked[0].data, golden(include_str!("../golden/hook.event.json")));
        assert!(asked[0].key.as_ref().is_some_and(|key| !key.contains("u-0001")));
        assert!(host.logs().is_empty() && host.requests().is_empty());
    }
}

#[test]
fn a_deletion_needs_no_more_than_the_id() {
    let host = ready();
    let mut parameters = with("method", "deleteUser");
    parameters.retain(|(name, _)| *name != "args");
    parameters.push(("args", "<SSO><userid>u-0001</userid></SSO>".to_owned()));
    assert_eq!(body(&receive(&host, post(&parameters))), DONE);
    assert_eq!(host.asked()[0].event, "user.delete");
    assert_eq!(host.asked()[0].data["userId"], "u-0001");
}

#[test]
fn the_answer_is_xml_where_xml_is_asked_for() {
    let host = ready();
    let response = receive(&host, post(&with("datatype", "xml")));
    assert_eq!(body(&response), "<SSO><result>0</result><errmsg>成功</errmsg></SSO>");
    let mut unsaid = delivery();
    unsaid.retain(|(name, _)| *name != "datatype");
    let host = super::host(json!({ "datatype": "xml", "hook": { "content_type": "application/xml" } }));
    host.platform("user.sync", Ok(json!({})));
    let response = receive(&host, post(&unsaid));
    assert_eq!(response.headers[0].1, "application/xml");
    assert!(body(&response).starts_with("<SSO>"));
}

#[test]
fn whoever_does_not_verify_gets_one_answer_and_the_platform_hears_nothing() {
    let host = ready();
    let without = |name: &str| {
        let mut parameters = delivery();
        parameters.retain(|(known, _)| *known != name);
        parameters
    };
    let mut twice = delivery();
    twice.push(("servicecode", "demosvc".to_owned()));
    for parameters in [
        with("sign", "00000000000000000000000000000000"),
        with("sign", "no hex"),
        with("sign", ""),
        with("servicecode", "other"),
        with("time", "20240102030406"),
        with("time", "2024"),
        without("method"),
        without("servicecode"),
        without("time"),
        without("sign"),
        twice,
    ] {
        let response = receive(&host, post(&parameters));
        assert_eq!((response.status, body(&response)), (200, NOT_ACCEPTED), "{parameters:?}");
    }
    let put = HookRequest { method: "PUT".to_owned(), ..post(&delivery()) };
    assert_eq!(body(&receive(&host, put)), NOT_ACCEPTED);
    let no_form = HookRequest { headers: Vec::new(), ..post(&delivery()) };
    assert_eq!(body(&receive(&host, no_form)), NOT_ACCEPTED);
    assert!(host.asked().is_empty() && host.kv_keys().is_empty());
}

#[test]
fn a_clock_may_be_off_by_the_window_and_no_more() {
    for (off_s, window_s, is_accepted) in
        [(300, 300, true), (301, 300, false), (30, 30, true), (31, 30, false), (1000, 3600, true)]
    {
        for now_ms in [NOW_MS + off_s * 1000, NOW_MS - off_s * 1000] {
            let host = super::host(json!({ "hook": { "window_s": window_s } }));
            host.platform("user.sync", Ok(json!({})));
            host.set_now_ms(now_ms);
            let response = receive(&host, post(&delivery()));
            assert_eq!(body(&response) == DONE, is_accepted, "{off_s} {window_s}");
        }
    }
}

#[test]
fn a_replay_is_not_accepted_for_as_long_as_its_time_is_good() {
    let host = ready();
    assert_eq!(body(&receive(&host, post(&delivery()))), DONE);
    assert_eq!(body(&receive(&host, post(&delivery()))), NOT_ACCEPTED);
    // By the other way, and with the signature in other letters.
    assert_eq!(body(&receive(&host, get(&with("sign", &SIGN.to_uppercase())))), NOT_ACCEPTED);
    host.advance_ms(300_000);
    assert_eq!(body(&receive(&host, post(&delivery()))), NOT_ACCEPTED);
    assert_eq!(host.asked().len(), 1);
}

#[test]
fn a_request_from_the_future_is_remembered_until_its_time_is_over() {
    let host = super::host(json!({ "hook": { "window_s": 3600 } }));
    host.platform("user.sync", Ok(json!({})));
    host.set_now_ms(NOW_MS - 3_600_000);
    assert_eq!(body(&receive(&host, post(&delivery()))), DONE);
    host.set_now_ms(NOW_MS + 3_599_000);
    assert_eq!(body(&receive(&host, post(&delivery()))), NOT_ACCEPTED);
}

#[test]
fn the_same_change_sent_again_is_done_without_asking_the_platform_again() {
    let host = ready();
    assert_eq!(body(&receive(&host, post(&delivery()))), DONE);
    assert_eq!(body(&receive(&host, post(&at_second(1, delivery())))), DONE);
    assert_eq!(host.asked().len(), 1);
}

#[test]
fn a_change_back_is_a_change_and_has_a_key_of_its_own() {
    let host = ready();
    let other = ARGS.trim().replace("甄测生", "甄生");
    for (second, args) in [(0, ARGS.trim()), (1, other.as_str()), (2, ARGS.trim()), (3, other.as_str())] {
        assert_eq!(body(&receive(&host, post(&at_second(second, with("args", args))))), DONE);
    }
    let mut keys: Vec<_> = host.asked().into_iter().map(|asked| asked.key.unwrap()).collect();
    assert_eq!(keys.len(), 4);
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 4);
}

#[test]
fn the_platforms_refusal_is_the_answer_and_the_same_each_time() {
    let host = super::host(json!({}));
    let refusal = Refusal { status: 409, message: "同一后缀域名下登录名重复".to_owned() };
    host.platform("user.sync", Err(ForwardError::Refused(refusal)));
    for second in 0..2 {
        let response = receive(&host, post(&at_second(second, delivery())));
        assert_eq!(response.status, 200);
        assert_eq!(golden(body(&response)), json!({ "result": "1", "errmsg": "同一后缀域名下登录名重复" }));
    }
    let host = super::host(json!({}));
    host.platform("user.sync", Err(ForwardError::Refused(Refusal { status: 422, message: String::new() })));
    let response = receive(&host, post(&with("datatype", "xml")));
    assert_eq!(body(&response), "<SSO><result>1</result><errmsg>平台拒绝</errmsg></SSO>");
}

#[test]
fn a_platform_that_does_not_answer_gets_the_same_request_and_the_same_key_again() {
    let host = super::host(json!({}));
    host.platform("user.sync", Err(ForwardError::Unavailable("down".to_owned()))).platform("user.sync", Ok(json!({})));
    let response = receive(&host, post(&delivery()));
    assert_eq!(response.status, 503);
    assert_eq!(golden(body(&response))["result"], "1");
    assert_eq!(host.logs().len(), 1);
    assert_eq!(body(&receive(&host, post(&delivery()))), DONE);
    let asked = host.asked();
    assert_eq!(asked[0].key, asked[1].key);
}

#[test]
fn without_a_memory_nothing_is_accepted() {
    let host = ready();
    host.kv_keys_max(0);
    assert_eq!(receive(&host, post(&delivery())).status, 503);
    assert!(host.asked().is_empty());
}

#[test]
fn what_lacks_something_is_refused_with_the_reason() {
    let host = ready();
    for (second, args, errmsg) in [
        (0, "", "args 无法解析"),
        (1, "[]", "args 无法解析"),
        (2, "not json", "args 无法解析"),
        (3, "<!DOCTYPE a><SSO><userid>1</userid></SSO>", "args 无法解析"),
        (4, "{\"loginname\":\"zhangs\"}", "userid 不能为空"),
        (5, "{\"userid\":\"\",\"loginname\":\"zhangs\"}", "userid 不能为空"),
        (6, "{\"userid\":\"1\"}", "loginname 不能为空"),
        (7, "{\"userid\":\"\u{fffd}\",\"loginname\":\"x\"}", "args 无法解析"),
    ] {
        let response = receive(&host, post(&at_second(second, with("args", args))));
        assert_eq!(golden(body(&response)), json!({ "result": "1", "errmsg": errmsg }), "{args}");
    }
    let response = receive(&host, post(&with("method", "dropTable")));
    assert_eq!(golden(body(&response))["errmsg"], "不支持的方法");
    assert!(host.asked().is_empty());
}

#[test]
fn args_in_xml_mean_the_same_and_method_names_are_config() {
    let names = json!({ "method": { "hook_user_sync": "addOrUpdateUser", "hook_user_delete": "removeUser" } });
    let host = super::host(names);
    host.platform("user.sync", Ok(json!({})));
    let members = golden(ARGS);
    let members = members.as_object().unwrap().iter();
    let elements: String =
        members.map(|(name, value)| format!("<{name}>{}</{name}>", value.as_str().unwrap())).collect();
    let mut parameters = with("method", "addOrUpdateUser");
    parameters.retain(|(name, _)| *name != "args");
    parameters.push(("args", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><SSO>{elements}</SSO>")));
    assert_eq!(body(&receive(&host, post(&parameters))), DONE);
    assert_eq!(host.asked()[0].data, golden(include_str!("../golden/hook.event.json")));
}
