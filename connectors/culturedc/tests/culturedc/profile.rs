//! A wire form of the link's own: everything that the built-in one does, said in config.

use culturedc::CultureDc;
use duijie_sdk::{Class, Outcome, Problem};
use serde_json::{Value, json};

use super::{ACCESS_KEY, activity, call, golden, host, is, pointers, refused, row};

const REAL: &str = "https://api.culture.example/gw";

fn sim_v1() -> Value {
    serde_json::from_str(culturedc::profile::SIM_V1).unwrap()
}

fn custom(wire: Value) -> Value {
    json!({ "profile": "custom", "base_url": REAL, "access_key": ACCESS_KEY, "wire": wire })
}

/// The built-in form with these places changed.
fn changed(changes: &[(&str, Value)]) -> Value {
    let mut wire = sim_v1();
    for (pointer, value) in changes {
        *wire.pointer_mut(pointer).unwrap() = value.clone();
    }
    wire
}

fn problems(wire: Value) -> Vec<String> {
    host(custom(wire)).check::<CultureDc>().into_iter().map(|Problem { pointer, .. }| pointer).collect()
}

/// A form as unlike the built-in one as an AK/SK interface usually is.
fn unlike() -> Value {
    json!({
        "sign": { "kind": "md5-concat", "template": "${ak}${timestamp}${body}${sk}", "encoding": "hex-upper", "timestamp": "s" },
        "headers": { "Content-Type": "application/json" },
        "query": { "appId": "${ak}", "ts": "${timestamp}", "sign": "${signature}" },
        "reply": {
            "code": ["/result/errcode", "/errcode"], "message": ["/result/errmsg"], "success": ["S0", "000000"],
            "classes": { "E9": "auth-expired", "E1": "session-invalid" }, "sub_codes": { "E5": "no-cover" },
            "states": { "1": "submitted", "2": "published" },
        },
        "push": {
            "method": "PUT", "path": "/res/${type}", "body": "{\"list\":${items},\"cls\":\"${type}\"}",
            "record": { "unknown": "drop", "fields": [{ "to": "bh", "from": "extId" }, { "to": "mc", "from": "title" }] },
            "records": { "course": { "fields": [
                { "to": "bh", "from": "extId" }, { "to": "mc", "from": "title" }, { "to": "js", "from": "/extra/teacher", "required": true },
            ]}},
        },
    })
}

#[test]
fn the_built_in_form_written_into_config_sends_the_same() {
    let host = host(custom(sim_v1()));
    assert_eq!(host.check::<CultureDc>(), []);
    host.on("POST", &format!("{REAL}/openapi/v1/resources"))
        .reply(200, golden(include_str!("../golden/push.reply.json")));
    assert_eq!(call(&host, "resource.push", activity()).unwrap()["id"], "R10001");
    assert_eq!(host.requests().remove(0).text(), include_str!("../golden/push.request.json").trim());
}

#[test]
fn method_path_body_fields_and_signature_are_the_profiles() {
    let host = host(custom(unlike()));
    assert_eq!(host.check::<CultureDc>(), []);
    host.on("PUT", &format!("{REAL}/res/news")).reply(200, json!({ "result": { "errcode": "S0" } }));
    let pushed = call(&host, "resource.push", row("n\"1")).unwrap();
    assert_eq!((&pushed["id"], &pushed["state"]), (&Value::Null, &json!("submitted")));
    let sent = host.requests().remove(0);
    let body = r#"{"list":[{"bh":"n\"1","mc":"讲座"}],"cls":"news"}"#;
    assert_eq!(sent.text(), body);
    assert_eq!(sent.header("content-type"), Some("application/json"));
    let message = format!("{ACCESS_KEY}1700000000{body}{}", super::SECRET);
    let digest = duijie_sdk::crypto::hash(duijie_sdk::crypto::Algorithm::Md5, message).unwrap();
    let signature = duijie_sdk::encode::hex_upper(digest);
    assert_eq!(sent.url, format!("{REAL}/res/news?appId={ACCESS_KEY}&sign={signature}&ts=1700000000"));
}

#[test]
fn the_example_of_the_readmes_is_fit() {
    let example = |readme: &str| {
        let text = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let table: toml::Table = text.parse().unwrap();
        serde_json::to_value(&table["config"]["wire"]).unwrap()
    };
    let english = example(include_str!("../../README.md"));
    assert_eq!(problems(english.clone()), Vec::<String>::new());
    assert_eq!(example(include_str!("../../README.zh-CN.md")), english);
    let host = host(custom(english));
    host.on("POST", &format!("{REAL}/api/res/news"))
        .reply(200, json!({ "errcode": "0", "data": [{ "bh": "n1", "id": 7, "zt": 1, "errcode": 0 }] }));
    let pushed = call(&host, "resource.push", row("n1")).unwrap();
    assert_eq!(
        (&pushed["id"], &pushed["state"], &pushed["upstreamState"]),
        (&json!("7"), &json!("submitted"), &json!("1"))
    );
}

#[test]
fn a_category_may_have_fields_of_its_own() {
    let host = host(custom(unlike()));
    host.on("PUT", &format!("{REAL}/res/course")).reply(200, json!({ "errcode": "000000" }));
    let mut course = row("c1");
    course["category"] = json!("course");
    assert_eq!(pointers(&refused(&host, "resource.push", course.clone())), ["/extra/teacher"]);
    course["extra"] = json!({ "teacher": "甄测生" });
    call(&host, "resource.push", course).unwrap();
    assert_eq!(host.requests().remove(0).json()["list"], json!([{ "bh": "c1", "mc": "讲座", "js": "甄测生" }]));
}

#[test]
fn codes_mean_what_the_profile_says() {
    for (code, class, detail) in [
        ("E9", Class::AuthExpired, Value::Null),
        ("E1", Class::SessionInvalid, Value::Null),
        ("E5", Class::UpstreamRejected, json!({ "sub_code": "no-cover" })),
    ] {
        let host = host(custom(unlike()));
        host.on("PUT", &format!("{REAL}/res/news"))
            .reply(200, json!({ "result": { "errcode": code, "errmsg": "封面" } }));
        let failure = refused(&host, "resource.push", row("a"));
        is(&failure, class, Outcome::Rejected);
        assert_eq!((failure.detail_json(), failure.message.contains("封面")), (detail, true));
    }
}

#[test]
fn what_the_profile_leaves_out_the_upstream_cannot_do() {
    let host = host(custom(unlike()));
    let day = json!({ "date": "2023-11-14", "pv": 1, "uv": 1, "ip": 1 });
    let id = json!({ "extId": "a" });
    for (operation, input, part) in [
        ("resource.status", id.clone(), "wire.status"),
        ("resource.delete", id, "wire.delete"),
        ("resource.fetch", json!({}), "wire.fetch"),
        ("stats.report", day, "wire.stats"),
        ("login.link", json!({ "returnTo": "https://a.example" }), "wire.authorize"),
    ] {
        let failure = refused(&host, operation, input);
        is(&failure, Class::Config, Outcome::NotSent);
        assert!(failure.message.contains(part), "{}", failure.message);
    }
}

#[test]
fn an_unsigned_interface_needs_no_key() {
    let wire = json!({
        "sign": { "kind": "none" }, "headers": { "x-app": "whg" }, "reply": { "code": ["/code"], "success": ["0"] },
        "delete": { "method": "POST", "path": "/del", "body": "{\"id\":\"${extId}\"}" },
    });
    let host = host(json!({ "profile": "custom", "base_url": REAL, "wire": wire }));
    assert_eq!(host.check::<CultureDc>(), []);
    host.on("POST", &format!("{REAL}/del")).reply(200, json!({ "code": 0 }));
    call(&host, "resource.delete", json!({ "extId": "a\"}" })).unwrap();
    assert_eq!(host.requests().remove(0).json(), json!({ "id": "a\"}" }));
}

#[test]
fn a_value_cannot_stand_for_the_secret() {
    let wire = changed(&[("/sign/kind", json!("md5-concat")), ("/sign/template", json!("${body}${sk}"))]);
    let host = host(custom(wire));
    host.on("POST", &format!("{REAL}/openapi/v1/resources")).reply(200, super::taken(&["a"]));
    let mut evil = row("a");
    evil["title"] = json!("${sk}");
    call(&host, "resource.push", evil).unwrap();
    let sent = host.requests().remove(0);
    let message = format!("{}{}", sent.text(), super::SECRET);
    let digest = duijie_sdk::crypto::hash(duijie_sdk::crypto::Algorithm::Md5, message).unwrap();
    assert!(sent.text().contains("${sk}"));
    assert_eq!(sent.header("x-signature").unwrap(), duijie_sdk::encode::hex(digest));
}

#[test]
fn profile_and_wire_go_together() {
    let check = |config: Value| host(config).check::<CultureDc>().remove(0).pointer;
    assert_eq!(check(json!({ "profile": "custom" })), "/wire");
    assert_eq!(check(json!({ "wire": sim_v1() })), "/wire");
}

#[test]
fn slips_in_a_wire_form_are_found_before_the_first_request() {
    let one = |pointer: &str, value: Value| problems(changed(&[(pointer, value)]));
    assert_eq!(problems(sim_v1()), Vec::<String>::new());
    assert_eq!(one("/sign/template", json!("")), ["/wire/sign/template"]);
    assert_eq!(one("/sign/template", json!("${methd}")), ["/wire/sign/template"]);
    assert_eq!(one("/sign/template", json!("${signature}")), ["/wire/sign/template"]);
    assert_eq!(one("/sign/kind", json!("md5-concat")), ["/wire/sign/template"]);
    assert_eq!(one("/sign/kind", json!("none")), ["/wire/headers/X-Signature"]);
    assert_eq!(one("/headers", json!({ "a/b": "${sk}", "s": "${signature}" })), ["/wire/headers/a~1b"]);
    assert_eq!(one("/headers", json!({})), ["/wire/headers"]);
    assert_eq!(one("/reply/code", json!([])), ["/wire/reply/code"]);
    assert_eq!(one("/reply/code", json!(["code"])), ["/wire/reply"]);
    assert_eq!(one("/reply/success", json!([])), ["/wire/reply/success"]);
    assert_eq!(one("/reply/success", json!(["40001"])), ["/wire/reply/classes/40001"]);
    assert_eq!(one("/push/path", json!("openapi")), ["/wire/push/path"]);
    assert_eq!(one("/push/path", json!("/${extId}")), ["/wire/push/path"]);
    assert_eq!(one("/push/body", json!("{\"items\":${items}")), ["/wire/push/body"]);
    assert_eq!(one("/push/record/fields", json!([])), ["/wire/push/record/fields"]);
    assert_eq!(one("/push/record", Value::Null), ["/wire/push/record"]);
    assert_eq!(one("/push/at", json!({ "results": "/data" })), ["/wire/push/at/ext_id"]);
    assert_eq!(one("/push/at", json!({ "results": "/data", "ext_id": "/id", "code": "code" })), ["/wire/push/at/code"]);
    assert_eq!(one("/status/at", json!({ "state": "state" })), ["/wire/status/at/state"]);
    assert_eq!(one("/status/at", json!({})), ["/wire/status/at/state"]);
    assert_eq!(one("/delete/path", json!("/${id}")), ["/wire/delete/path"]);
    assert_eq!(one("/fetch/at/items", json!("data.items")), ["/wire/fetch/at/items"]);
    assert_eq!(one("/stats/record/fields/0", json!({ "to": "" })), ["/wire/stats/record/fields/0"]);
    assert_eq!(one("/authorize/link", json!("/authorize?ak=${ak}")), ["/wire/authorize/link"]);
    assert_eq!(
        one("/authorize/link", json!("authorize?${state}${x}")),
        ["/wire/authorize/link", "/wire/authorize/link"]
    );
    assert_eq!(one("/exchange/at", json!({ "open_id": "/a", "name": "/b" })), ["/wire/exchange/at/name"]);
    assert_eq!(one("/exchange", Value::Null), ["/wire/exchange"]);
    assert_eq!(one("/authorize", Value::Null), ["/wire/authorize"]);
    let mut wire = sim_v1();
    wire["push"]["records"] = json!({ "film": { "fields": [{ "to": "a" }] } });
    wire["delete"]["record"] = json!({ "fields": [{ "to": "a" }] });
    assert_eq!(problems(wire), ["/wire/push/records/film", "/wire/delete/record"]);
}
