//! The document's list of quirks. Q6, the hook without authentication, is in `exchange`; Q9 is about the document's own numbering.

use duijie_sdk::{Class, Outcome};
use serde_json::{Value, json};

use super::{
    APP_LIST, SESSION, TICKET, USER_INFO, answered, bare, call, config, host, is, ok, refused_fields, token, url, with,
};

const AREA: &str = "/aamif/rest/area/validaTicket";

fn area(reply: Value) -> Value {
    let host = host(config());
    host.on("POST", &url(AREA)).reply(200, reply);
    call(&host, "aamif.ticket-validate-area", json!({ "ticket": TICKET })).unwrap()
}

#[test]
fn q1_a_session_is_written_as_each_operation_wants_it_and_read_in_any_case() {
    for name in ["usessionId", "usessionid", "USESSIONID"] {
        let host = host(config());
        let mut data = json!({ "ticket": TICKET });
        data[name] = json!("u1");
        host.on("POST", &url("/userSession/sessionInterchange")).reply(200, ok(data));
        let person = json!({ "name": "甄测生", "idCardNo": "999999198506150036", "userIdentity": "2" });
        assert_eq!(call(&host, "session.exchange", person).unwrap()["usessionId"], "u1");
        let mut reply = json!({ "result": "000000", "userinfo": { "personid": "p" } });
        reply[name] = json!("u2");
        assert_eq!(area(reply)["usessionId"], "u2");
    }
    let host = host(config());
    host.on("POST", &url("/aamif/rest/area/createTicket")).reply(200, json!({ "result": "000000", "ticket": "t" }));
    call(&host, "aamif.ticket-create", json!({ "usessionId": SESSION })).unwrap();
    assert_eq!(host.requests().pop().unwrap().json(), json!({ "usessionid": SESSION }));
}

#[test]
fn q2_the_default_identity_is_read_in_both_spellings() {
    for (data, expected) in [
        (json!({ "userId": "U", "dafaultIdentity": "1" }), json!("1")),
        (json!({ "userId": "U", "defaultIdentity": 2 }), json!("2")),
        (json!({ "userId": "U", "dafaultIdentity": "1", "defaultIdentity": "2" }), json!("1")),
        (json!({ "userId": "U" }), Value::Null),
    ] {
        let host = host(config());
        host.on("POST", &url(USER_INFO)).reply(200, ok(data));
        assert_eq!(call(&host, "user.info", json!({ "usessionId": SESSION })).unwrap()["defaultIdentity"], expected);
    }
}

const LOOSE: &str = "\u{feff}{\"retCode\":\"000000\",\"retDesc\":\"成功\",\"data\":{\"count\":1,\"dataList\":[{\"appId\":\"a\",\"appName\":\"b\",},],},}";

#[test]
fn q3_a_byte_order_mark_and_trailing_commas_are_read_unless_the_config_says_otherwise() {
    assert_eq!(answered(config(), 200, LOOSE).unwrap()["items"][0]["appId"], "a");
    let strict = with(json!({ "json": { "lenient": false } }));
    is(&answered(strict.clone(), 200, LOOSE).unwrap_err(), Class::Protocol, Outcome::Unknown);
    assert!(answered(strict, 200, "\u{feff}{\"retCode\":\"000000\",\"data\":{\"count\":0}}").is_ok());
}

#[test]
fn q3_nothing_loose_is_ever_sent() {
    let host = host(config());
    host.on("POST", &url(APP_LIST)).reply_text(200, "application/json", LOOSE);
    call(&host, "app.list", json!({})).unwrap();
    for sent in host.requests() {
        assert!(serde_json::from_slice::<Value>(&sent.body).is_ok());
    }
}

#[test]
fn q4_user_info_is_read_as_an_object_and_as_a_list_of_one() {
    let user = json!({ "personid": "p", "fnascount": 0 });
    let reply = |userinfo: Value| json!({ "result": "000000", "usessionid": "u", "userinfo": userinfo });
    assert_eq!(area(reply(user.clone())), area(reply(json!([user]))));
}

#[test]
fn q4_scalars_are_read_as_text_numbers_and_truths() {
    let user = |fans: Value, leader: Value| {
        let userinfo = json!({ "personid": 7, "fnascount": fans, "isleader": leader, "birthday": "" });
        area(json!({ "result": "000000", "usessionid": "u", "userinfo": userinfo }))["person"].clone()
    };
    for (fans, read) in
        [(json!(3), json!(3)), (json!("3"), json!(3)), (json!(""), Value::Null), (Value::Null, Value::Null)]
    {
        assert_eq!(user(fans, json!("0"))["fans"], read);
    }
    let person = user(json!(0), json!(3));
    assert_eq!(
        (&person["personId"], &person["isLeader"], &person["birthday"]),
        (&json!("7"), &json!("3"), &Value::Null)
    );
    assert_eq!(user(json!(0), json!(true))["isLeader"], "true");
}

#[test]
fn q4_counts_and_codes_are_read_as_text_and_as_numbers() {
    for reply in
        [r#"{"retCode":"000000","data":{"count":"25","dataList":[]}}"#, r#"{"retCode":"000000","data":{"count":25}}"#]
    {
        assert_eq!(answered(config(), 200, reply).unwrap()["total"], 25);
    }
    let one = r#"{"retCode":"000000","data":{"count":1,"dataList":{"appId":1,"appName":"b","intoSpace":1,"personScope":"0, 1,"}}}"#;
    let app = answered(config(), 200, one).unwrap()["items"][0].clone();
    assert_eq!(
        (&app["appId"], &app["intoSpace"], &app["personScope"]),
        (&json!("1"), &json!(true), &json!(["0", "1"]))
    );
    let failure = answered(config(), 200, r#"{"retCode":300006}"#).unwrap_err();
    is(&failure, Class::SessionInvalid, Outcome::Rejected);
}

#[test]
fn q5_all_three_envelopes_are_understood() {
    let host = host(config());
    host.on("POST", &url("/oauth/createOauthTicket"))
        .reply(200, json!({ "accessTicket": "flat", "retCode": "000000" }))
        .reply(200, ok(json!({ "accessTicket": "nested" })));
    assert_eq!(call(&host, "oauth.ticket", json!({})).unwrap()["accessTicket"], "flat");
    assert_eq!(call(&host, "oauth.ticket", json!({})).unwrap()["accessTicket"], "nested");
    assert_eq!(
        area(json!({ "result": "000000", "usessionid": "u", "userinfo": { "personid": "p" } }))["usessionId"],
        "u"
    );
    assert_eq!(answered(config(), 200, r#"{"retCode":"000000","data":{"count":0}}"#).unwrap()["total"], 0);
}

#[test]
fn q7_user_identity_is_one_of_six_codes() {
    for identity in ["0", "1", "2", "3", "4", "5"] {
        let host = host(config());
        host.on("POST", &url("/userSession/sessionInterchange"))
            .reply(200, ok(json!({ "usessionId": "u", "ticket": "t" })));
        let person = json!({ "name": "甄测生", "idCardNo": "999999198506150036", "userIdentity": identity });
        assert!(call(&host, "session.exchange", person).is_ok(), "{identity}");
    }
    for identity in [json!("6"), json!(1), json!("3：学校工作人员")] {
        let person = json!({ "name": "甄测生", "idCardNo": "999999198506150036", "userIdentity": identity });
        let failure = call(&bare(config()), "session.exchange", person).unwrap_err();
        is(&failure, Class::InvalidInput, Outcome::NotSent);
    }
}

#[test]
fn q8_the_token_is_in_the_query_and_in_no_message() {
    let host = bare(config());
    host.on("POST", &url(super::TOKEN)).reply(200, token("very-secret-token"));
    for (status, body) in
        [(200, "<html>"), (500, "{}"), (503, ""), (429, ""), (200, r#"{"retCode":"9","retDesc":"no"}"#)]
    {
        host.on("POST", &url(APP_LIST)).reply_text(status, "text/html", body);
    }
    for _ in 0..5 {
        let failure = call(&host, "app.list", json!({})).unwrap_err();
        assert!(!format!("{failure:?}{:?}", host.logs()).contains("very-secret-token"));
        assert!(host.requests().pop().unwrap().url.ends_with("?accessToken=very-secret-token"));
    }
}

#[test]
fn q10_codes_of_organisations_have_any_length() {
    let host = host(config());
    host.on("POST", &url("/baseInfo/getOrgList")).reply(200, ok(json!({ "count": 0 })));
    for code in ["1", "31450069822", "123456789012345678"] {
        assert!(call(&host, "org.list", json!({ "orgCode": code })).is_ok());
    }
}

#[test]
fn q11_a_page_of_more_than_a_thousand_is_refused_here() {
    let host = host(config());
    for operation in ["org.list", "app.list"] {
        assert_eq!(refused_fields(&host, operation, json!({ "size": 1001 })), ["/size"]);
        assert_eq!(refused_fields(&host, operation, json!({ "size": 0, "page": 0 })), ["/page", "/size"]);
    }
}

#[test]
fn an_address_of_an_application_is_taken_if_there_is_one() {
    for name in ["appUrl", "appURL", "url"] {
        let reply = format!(
            r#"{{"retCode":"000000","data":{{"count":1,"dataList":[{{"appId":"a","appName":"b","{name}":"http://app.example"}}]}}}}"#
        );
        assert_eq!(answered(config(), 200, &reply).unwrap()["items"][0]["appUrl"], "http://app.example");
    }
}
