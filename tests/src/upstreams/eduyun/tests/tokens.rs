//! The token operation, and tokens on the others.

use std::time::Duration;

use serde_json::json;

use super::super::super::testing::{call, post};
use super::super::{DEMO_APP_ID, DEMO_APP_KEY, Eduyun, Encoding, Hash, KeyInfo, TokenReply, Unit, ValidTime, codes};
use super::member::{JSON, Member, TOKEN, ask_token, loose, signed, token_request};

#[test]
fn every_variant_of_key_info_agrees_with_its_vector() {
    let of = |hash, encoding, unit, time| KeyInfo { hash, encoding, unit }.of(DEMO_APP_ID, DEMO_APP_KEY, time);
    let (ms, milliseconds) = ("1700000000000", Unit::Milliseconds);
    assert_eq!(KeyInfo::default().of(DEMO_APP_ID, DEMO_APP_KEY, ms), "6F9F74415F88E51F0BC47B9C8721A6172AF83251");
    let vectors = [
        (Hash::Sha1, Encoding::HexLower, "6f9f74415f88e51f0bc47b9c8721a6172af83251"),
        (Hash::Sha1, Encoding::Base64, "b590QV+I5R8LxHuchyGmFyr4MlE="),
        (Hash::Sha1, Encoding::Base64OfHex, "NmY5Zjc0NDE1Zjg4ZTUxZjBiYzQ3YjljODcyMWE2MTcyYWY4MzI1MQ=="),
        (Hash::Md5, Encoding::HexUpper, "799CB02464D0D82CAD3A7AFADBA35EBE"),
        (Hash::Sha256, Encoding::HexUpper, "156FCF6A0C908788E060275AE15D36B4AFFA6033DD4816714D9419BADDF8EBAD"),
    ];
    for (hash, encoding, vector) in vectors {
        assert_eq!(of(hash, encoding, milliseconds, ms), vector);
    }
    let seconds = of(Hash::Sha1, Encoding::HexUpper, Unit::Seconds, "1700000000");
    assert_eq!(seconds, "274DC16D1608C091DE94AA320300AF79AADCE7CB");
}

#[tokio::test]
async fn a_careful_request_is_answered_in_the_national_form() {
    let simulator = Eduyun::builder().start().await.expect("starts");
    let answer = ask_token(simulator.address(), KeyInfo::default()).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json;charset=UTF-8"));
    let reply = answer.json();
    assert_eq!(reply["retCode"], codes::OK);
    assert_eq!(reply["data"]["appId"], DEMO_APP_ID);
    assert_eq!(reply["data"]["accessToken"].as_str().expect("a token").len(), 32);
    assert_eq!(reply["data"]["validTime"].as_str().expect("a text").len(), 13);
    assert_eq!(simulator.counters().tokens_issued, 1);
}

#[tokio::test]
async fn strict_takes_the_default_signature_only_and_quirky_takes_all() {
    let strict = Eduyun::builder().start().await.expect("starts");
    let quirky = Eduyun::builder().quirky().start().await.expect("starts");
    for variant in KeyInfo::all() {
        let expected = if variant == KeyInfo::default() { codes::OK } else { codes::FAILED };
        assert_eq!(loose(&ask_token(strict.address(), variant).await)["retCode"], expected, "{variant:?}");
        assert_eq!(loose(&ask_token(quirky.address(), variant).await)["retCode"], codes::OK, "{variant:?}");
    }
    assert_eq!(strict.counters().crypto_failures, 23);
}

#[tokio::test]
async fn a_chosen_signature_is_the_only_one() {
    let chosen = KeyInfo { hash: Hash::Sha256, encoding: Encoding::Base64, unit: Unit::Seconds };
    let simulator = Eduyun::builder().quirky().key_infos([chosen]).start().await.expect("starts");
    assert_eq!(loose(&ask_token(simulator.address(), chosen).await)["retCode"], codes::OK);
    assert_eq!(loose(&ask_token(simulator.address(), KeyInfo::default()).await)["retCode"], codes::FAILED);
    assert!(Eduyun::builder().key_infos([]).start().await.is_err());
}

#[tokio::test]
async fn a_clock_may_be_off_by_ten_minutes() {
    let simulator = Eduyun::builder().start().await.expect("starts");
    let ask = async |skew: &str| {
        let headers = [JSON, ("x-sim-fault", skew)];
        let body = token_request(KeyInfo::default()).to_string();
        post(simulator.address(), "POST", TOKEN, &headers, body).await.expect("an answer").json()["retCode"].clone()
    };
    assert_eq!(ask("clock-skew=590").await, codes::OK);
    assert_eq!(ask("clock-skew=-590").await, codes::OK);
    assert_eq!(ask("clock-skew=610").await, codes::FAILED);
    assert_eq!(ask("clock-skew=-610").await, codes::FAILED);
}

#[tokio::test]
async fn strict_refuses_careless_requests_and_names_the_field() {
    let simulator = Eduyun::builder().start().await.expect("starts");
    let ask = async |change: fn(&mut serde_json::Map<String, serde_json::Value>)| {
        let mut body = token_request(KeyInfo::default());
        change(body.as_object_mut().expect("an object"));
        let answer = post(simulator.address(), "POST", TOKEN, &[JSON], body.to_string()).await.expect("an answer");
        let reply = answer.json();
        (reply["retCode"].as_str().expect("a code").to_owned(), reply["retDesc"].as_str().expect("a text").to_owned())
    };
    let (code, text) = ask(|body| drop(body.remove("keyInfo"))).await;
    assert!(code == codes::EMPTY && text.contains("keyInfo"), "{text}");
    let (code, text) = ask(|body| drop(body.insert("sysCode".to_owned(), json!(999_999)))).await;
    assert!(code == codes::WRONG && text.contains("sysCode"), "{text}");
    // A public client sends its key along: that is the mistake this check is for.
    assert_eq!(ask(|body| drop(body.insert("appKey".to_owned(), json!(DEMO_APP_KEY)))).await.0, codes::WRONG);
    assert_eq!(ask(|body| drop(body.insert("sysCode".to_owned(), json!("0")))).await.0, codes::FAILED);
    assert_eq!(ask(|body| drop(body.insert("appId".to_owned(), json!("other")))).await.0, codes::FAILED);
    assert_eq!(ask(|body| drop(body.insert("timeStamp".to_owned(), json!("1700000000")))).await.0, codes::FAILED);

    let body = token_request(KeyInfo::default()).to_string();
    let plain = [("content-type", "text/plain")];
    assert_eq!(post(simulator.address(), "POST", TOKEN, &plain, body).await.expect("an answer").status, 415);
    assert_eq!(call(simulator.address(), "GET", TOKEN).await.status, 405);
    assert_eq!(call(simulator.address(), "POST", "/apigateway/getaccesstoken").await.status, 404);
    assert_eq!(simulator.counters().tokens_issued, 0);
}

#[tokio::test]
async fn quirky_takes_the_spelling_of_2015() {
    let simulator = Eduyun::builder().quirky().start().await.expect("starts");
    let request = signed(KeyInfo::default(), &token_time());
    let time: i64 = request["timeStamp"].as_str().expect("a text").parse().expect("a number");
    let body = json!({
        "appid": request["appId"], "timestamp": time, "keyinfo": request["keyInfo"], "syscode": request["sysCode"],
    });
    let answer = post(simulator.address(), "POST", "/apigateway/getaccesstoken", &[], body.to_string()).await;
    assert_eq!(loose(&answer.expect("an answer"))["retCode"], codes::OK);
}

fn token_time() -> String {
    token_request(KeyInfo::default())["timeStamp"].as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn the_token_is_where_the_builder_says() {
    let reply = async |form, valid| {
        let builder = Eduyun::builder().token_reply(form).valid_time(valid).token_ttl(Duration::from_secs(600));
        let simulator = builder.start().await.expect("starts");
        ask_token(simulator.address(), KeyInfo::default()).await.json()
    };
    let data = reply(TokenReply::Data, ValidTime::Relative).await;
    assert!(data["data"]["accessToken"].is_string() && data["data"]["validTime"] == "600", "{data}");
    let info = reply(TokenReply::TokenInfo, ValidTime::Seconds).await;
    assert!(info["tokenInfo"]["accessToken"].is_string(), "{info}");
    assert_eq!(info["tokenInfo"]["validTime"].as_str().expect("a text").len(), 10);
    let old = reply(TokenReply::TokenInfoToken, ValidTime::Absent).await;
    assert!(old["tokenInfo"]["token"].is_string() && old["tokenInfo"].get("validTime").is_none(), "{old}");
    let top = reply(TokenReply::TopLevel, ValidTime::Milliseconds).await;
    assert!(top["accessToken"].is_string() && top["validTime"].is_string(), "{top}");
}

#[tokio::test]
async fn operations_want_a_token_that_is_known_and_alive() {
    let member = Member::of(Eduyun::builder().token_error_code("100011")).await;
    let page = json!({"pageNo": 1, "pageSize": 1});
    assert_eq!(member.ask("/appInfo/getAppList", page.clone()).await["retCode"], codes::OK);

    let without = post(member.address(), "POST", "/appInfo/getAppList", &[JSON], page.to_string()).await;
    assert_eq!(without.expect("an answer").json()["retCode"], codes::EMPTY);
    let target = format!("/appInfo/getAppList?accessToken={}&x=1", member.token);
    let more = post(member.address(), "POST", &target, &[JSON], page.to_string()).await.expect("an answer").json();
    assert_eq!(more["retCode"], codes::WRONG);

    let target = format!("/appInfo/getAppList?accessToken={}", member.token);
    let late = [JSON, ("x-sim-fault", "clock-skew=3601")];
    let expired = post(member.address(), "POST", &target, &late, page.to_string()).await.expect("an answer").json();
    assert_eq!((&expired["retCode"], &expired["retDesc"]), (&json!("100011"), &json!("accessToken已过期")));

    member.simulator.revoke_tokens();
    let revoked = member.ask("/appInfo/getAppList", page).await;
    assert_eq!((&revoked["retCode"], &revoked["retDesc"]), (&json!("100011"), &json!("accessToken无效")));
    assert_eq!(member.simulator.counters().token_rejections, 4);
}

#[tokio::test]
async fn a_fault_refuses_in_the_form_of_the_operation() {
    let simulator = Eduyun::builder().start().await.expect("starts");
    let ask = async |path| {
        let headers = [("x-sim-fault", "code=300001,系统繁忙")];
        post(simulator.address(), "POST", path, &headers, "{}").await.expect("an answer").json()
    };
    assert_eq!(ask(TOKEN).await, json!({"retCode": "300001", "retDesc": "系统繁忙"}));
    let aamif = ask("/aamif/rest/area/createTicket").await;
    assert_eq!(aamif, json!({"result": "300001", "desc": "系统繁忙"}));
}

#[tokio::test]
async fn the_seed_fixes_the_tokens() {
    let token = async |seed| Member::of(Eduyun::builder().seed(seed)).await.token;
    assert_eq!(token(1).await, token(1).await);
    assert_ne!(token(1).await, token(2).await);
}
