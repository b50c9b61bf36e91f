//! Real names and organisations: what is checked before anything is sent, and the two minutes between codes.

use duijie_sdk::{Class, Outcome, http::HttpErrorKind};
use serde_json::{Value, json};

use super::{bare, call, config, count, host, is, ok, refusal, refused_fields, token, url, with};

const SEND: &str = "/cert/sendPhoneVerifyCode";
const VERIFY: &str = "/cert/validateUser";
const VALIDATE: &str = "/userSession/validateSession";

fn phone() -> Value {
    json!({ "phone": "13800000001" })
}

#[test]
fn a_phone_gets_one_code_in_two_minutes() {
    let host = host(config());
    host.on("POST", &url(SEND)).reply(200, refusal("000000", "成功"));
    assert_eq!(call(&host, "phone.send-code", phone()).unwrap(), json!({ "sent": true, "nextInS": 120 }));
    host.advance_ms(45_000);
    let failure = call(&host, "phone.send-code", phone()).unwrap_err();
    is(&failure, Class::RateLimited, Outcome::NotSent);
    assert_eq!(failure.retry_after_ms, Some(75_000));
    assert!(call(&host, "phone.send-code", json!({ "phone": "13800000002" })).is_ok());
    host.advance_ms(75_000);
    assert!(call(&host, "phone.send-code", phone()).is_ok());
    assert_eq!(count(&host, SEND), 3);
}

#[test]
fn no_phone_number_and_no_plain_hash_of_one_is_kept() {
    let host = host(config());
    host.on("POST", &url(SEND)).reply(200, refusal("000000", "成功"));
    call(&host, "phone.send-code", phone()).unwrap();
    let keys = host.kv_keys().join(" ");
    // The beginning of SHA-256 of the number.
    let plain = duijie_sdk::crypto::hash(duijie_sdk::crypto::Algorithm::Sha256, "13800000001").unwrap();
    assert!(!keys.contains("13800000001") && !keys.contains(&duijie_sdk::encode::hex(&plain[..8])), "{keys}");
}

#[test]
fn a_turn_is_given_back_only_if_nothing_has_left() {
    let connect = || HttpErrorKind::Connect("refused".to_owned());
    for (sent, again) in [(false, true), (true, false)] {
        let host = host(config());
        host.on("POST", &url(SEND)).fail(connect(), sent).reply(200, refusal("000000", "成功"));
        is(
            &call(&host, "phone.send-code", phone()).unwrap_err(),
            Class::Unavailable,
            if sent { Outcome::Unknown } else { Outcome::NotSent },
        );
        assert_eq!(call(&host, "phone.send-code", phone()).is_ok(), again);
    }
    let host = bare(config());
    host.on("POST", &url(super::TOKEN)).reply(503, json!({})).reply(200, token("t"));
    host.on("POST", &url(SEND)).reply(200, refusal("000000", "成功"));
    is(&call(&host, "phone.send-code", phone()).unwrap_err(), Class::Unavailable, Outcome::NotSent);
    // Whoever asks in the same millisecond has waited for the same token.
    host.advance_ms(1);
    assert!(call(&host, "phone.send-code", phone()).is_ok());
}

#[test]
fn what_is_no_mobile_number_gets_no_code() {
    let host = host(config());
    for number in ["12800000001", "1380000000", "138000000011", "+8613800000001"] {
        assert_eq!(refused_fields(&host, "phone.send-code", json!({ "phone": number })), ["/phone"]);
    }
}

fn verification() -> Value {
    json!({
        "verifyCode": "123456", "phone": "13800000001", "name": "甄测生", "idCardNo": "99999920000101002x",
        "userIdentity": "1", "orgCode": "31450069822", "loginAccount": "zhence01",
    })
}

fn verification_with(name: &str, value: Value) -> Value {
    let mut input = verification();
    match value {
        Value::Null => input.as_object_mut().unwrap().remove(name),
        value => input.as_object_mut().unwrap().insert(name.to_owned(), value),
    };
    input
}

#[test]
fn the_check_character_is_sent_in_upper_case() {
    let host = host(config());
    host.on("POST", &url(VERIFY)).reply(200, refusal("000000", "成功"));
    call(&host, "user.verify", verification()).unwrap();
    assert_eq!(host.requests().pop().unwrap().json()["idCardNo"], "99999920000101002X");
}

#[test]
fn the_body_has_the_documents_order() {
    let host = host(config());
    host.on("POST", &url(VERIFY)).reply(200, refusal("000000", "成功"));
    call(&host, "user.verify", verification()).unwrap();
    let body = host.requests().pop().unwrap().text();
    assert!(body.starts_with(r#"{"verifyCode":"123456","phone":"13800000001","name":"甄测生","idCardNo":"#), "{body}");
}

#[test]
fn an_organisation_is_required_of_students_teachers_and_staff_only() {
    for identity in ["0", "1", "3", "4"] {
        let mut input = verification_with("orgCode", Value::Null);
        input["userIdentity"] = json!(identity);
        assert_eq!(refused_fields(&host(config()), "user.verify", input), ["/orgCode"], "{identity}");
    }
    for identity in ["2", "5"] {
        let host = host(config());
        host.on("POST", &url(VERIFY)).reply(200, refusal("000000", "成功"));
        let mut input = verification_with("orgCode", Value::Null);
        input["userIdentity"] = json!(identity);
        call(&host, "user.verify", input).unwrap();
        assert_eq!(host.requests().pop().unwrap().json().get("orgCode"), None);
    }
}

#[test]
fn everything_wrong_with_a_verification_is_told_at_once() {
    let input = json!({
        "verifyCode": "12345a", "phone": "110", "name": " ", "idCardNo": "999999199001010017",
        "userIdentity": "0", "orgCode": "", "loginAccount": "",
    });
    let expected = ["/verifyCode", "/phone", "/name", "/idCardNo", "/orgCode", "/loginAccount"];
    assert_eq!(refused_fields(&host(config()), "user.verify", input), expected);
    let failure = call(&host(config()), "user.verify", verification_with("userIdentity", json!("6"))).unwrap_err();
    is(&failure, Class::InvalidInput, Outcome::NotSent);
}

#[test]
fn not_being_verified_is_an_answer_where_it_was_asked_for() {
    let host = host(config());
    let unverified = json!({ "retCode": "300027", "retDesc": "未实名", "data": { "certUrl": "http://cert.example" } });
    host.on("POST", &url(VALIDATE))
        .reply(200, unverified)
        .reply(200, refusal("300027", "未实名"))
        .reply(200, refusal("300006", "无效"));
    let input = || json!({ "userId": "001", "loginAccount": "zhence01" });
    let validated = |host| call(host, "session.validate", input());
    assert_eq!(validated(&host).unwrap(), json!({ "verified": false, "certUrl": "http://cert.example" }));
    assert_eq!(validated(&host).unwrap(), json!({ "verified": false, "certUrl": null }));
    is(&validated(&host).unwrap_err(), Class::SessionInvalid, Outcome::Rejected);
}

#[test]
fn organisations_are_asked_for_by_what_is_given_and_no_more() {
    let host = host(config());
    host.on("POST", &url("/baseInfo/getOrgList")).reply(200, ok(json!({ "count": 0, "dataList": [] })));
    let page = call(&host, "org.list", json!({ "orgName": "中学" })).unwrap();
    assert_eq!(page, json!({ "items": [], "total": 0, "page": 1, "has_more": false }));
    assert_eq!(host.requests().pop().unwrap().json(), json!({ "orgName": "中学", "pageNo": 1, "pageSize": 10 }));
}

#[test]
fn region_codes_have_six_digits() {
    let input = json!({ "provinceCode": "42", "cityCode": "42010x", "areaCode": "4201011", "page": 0 });
    let expected = ["/provinceCode", "/cityCode", "/areaCode", "/page"];
    assert_eq!(refused_fields(&host(config()), "org.list", input), expected);
}

#[test]
fn the_central_platform_gets_the_code_of_the_config() {
    for (aamif, expected) in
        [(json!({}), "0"), (json!({ "platformcode": "" }), ""), (json!({ "platformcode": "330200" }), "330200")]
    {
        let host = host(with(json!({ "aamif": aamif })));
        let reply = json!({ "result": "000000", "usessionid": "u", "userinfo": { "personid": "p" } });
        host.on("POST", &url("/aamif/rest/validaTicket")).reply(200, reply);
        call(&host, "aamif.ticket-validate-central", json!({ "ticket": "x" })).unwrap();
        assert_eq!(host.requests().pop().unwrap().json()["platformcode"], expected);
    }
}

#[test]
fn the_aamif_service_may_be_elsewhere_and_may_want_the_token() {
    let host = host(with(json!({ "aamif": { "base_url": "http://127.0.0.1:18082/x/", "send_access_token": true } })));
    call(&host, "token.check", json!({})).unwrap();
    let path = "http://127.0.0.1:18082/x/aamif/rest/area/createTicket";
    host.on("POST", path)
        .reply(200, json!({ "result": "100001", "desc": "token 失效" }))
        .reply(200, json!({ "result": "000000", "desc": "success", "ticket": "tk" }));
    assert_eq!(call(&host, "aamif.ticket-create", json!({ "usessionId": "u" })).unwrap(), json!({ "ticket": "tk" }));
    assert_eq!(host.requests().pop().unwrap().url, format!("{path}?accessToken=t2"));
}
