//! Phone codes, verification, and what comes of it.

use serde_json::{Value, json};

use super::super::super::testing::{call, post};
use super::super::{DEMO_ORG_CODE, Eduyun, codes};
use super::member::{JSON, Member};

const PHONE: &str = "13800000001";
const SEND: &str = "/cert/sendPhoneVerifyCode";
const VERIFY: &str = "/cert/validateUser";

fn claim(code: &str) -> Value {
    json!({
        "verifyCode": code, "phone": PHONE, "name": "甄测生乙", "idCardNo": "999999198506150036",
        "userIdentity": "0", "orgCode": DEMO_ORG_CODE, "loginAccount": "zhence",
    })
}

/// Sends a code to the phone; the code.
async fn code(member: &Member) -> String {
    assert_eq!(member.ask(SEND, json!({"phone": PHONE})).await["retCode"], codes::OK);
    member.profile().phone_code(PHONE).expect("a code")
}

#[tokio::test]
async fn a_right_code_verifies_the_person() {
    let member = Member::strict().await;
    let before = json!({"userId": "demoUser0003", "loginAccount": "zhence"});
    let refused = member.ask("/userSession/validateSession", before.clone()).await;
    assert_eq!(
        (&refused["retCode"], &refused["data"]["certUrl"]),
        (&json!(codes::UNVERIFIED), &json!(codes::CERT_URL))
    );

    let code = code(&member).await;
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
    let shown = call(member.address(), "GET", &format!("/_sim/phone-codes/{PHONE}")).await.json();
    assert_eq!(shown, json!({"code": code}));
    assert_eq!(member.ask(VERIFY, claim(&code)).await, json!({"retCode": codes::OK, "retDesc": "success"}));
    assert_eq!(member.ask("/userSession/validateSession", before).await["retCode"], codes::OK);
    assert_eq!(member.ask(VERIFY, claim(&code)).await["retCode"], codes::WRONG, "a code is good once");

    let [verification] = member.profile().verifications().try_into().expect("one");
    assert_eq!((verification.login_account.as_str(), verification.user_id.as_str()), ("zhence", "demoUser0003"));
    assert!(member.profile().log_in("demoUser0003"));
    let session = member.session().await;
    let certificates = member.ask("/cert/getCertInfo", json!({"usessionId": session})).await;
    assert_eq!(certificates["data"][0]["loginAccount"], "zhence");
    assert_eq!(certificates["data"][0]["createTime"].as_str().expect("a time").len(), 19);
    let counters = member.simulator.counters();
    assert_eq!((counters.records_accepted, counters.records_rejected), (1, 1));
}

#[tokio::test]
async fn someone_new_becomes_known() {
    let member = Member::of(Eduyun::builder().person(super::super::Person::demo().remove(0))).await;
    let code = code(&member).await;
    assert_eq!(member.ask(VERIFY, claim(&code)).await["retCode"], codes::OK);
    let user_id = member.profile().verifications()[0].user_id.clone();
    assert!(member.profile().person(&user_id).expect("known").verified);
}

#[tokio::test]
async fn a_code_is_not_sent_twice_within_two_minutes() {
    let member = Member::strict().await;
    let first = code(&member).await;
    let again = member.ask(SEND, json!({"phone": PHONE})).await;
    assert_eq!(again["retCode"], codes::FAILED);
    let target = format!("{SEND}?accessToken={}", member.token);
    let later = [JSON, ("x-sim-fault", "clock-skew=121")];
    let body = json!({"phone": PHONE}).to_string();
    let sent = post(member.address(), "POST", &target, &later, body).await.expect("an answer").json();
    assert_eq!(sent["retCode"], codes::OK);
    let second = member.profile().phone_code(PHONE).expect("a code");
    assert_ne!(first, second);
    assert_eq!(member.ask(VERIFY, claim(&first)).await["retCode"], codes::WRONG, "replaced");

    let same = Member::strict().await;
    assert_eq!(code(&same).await, first, "fixed by the seed");
}

#[tokio::test]
async fn strict_checks_every_field_and_names_it() {
    let member = Member::strict().await;
    let code = code(&member).await;
    let cases: [(&str, Value, &str); 12] = [
        ("verifyCode", json!("12345"), codes::WRONG),
        ("phone", json!("1380000000"), codes::WRONG),
        ("name", json!(""), codes::EMPTY),
        ("name", json!("甄测生"), codes::FAILED),
        // Its check digit does not hold.
        ("idCardNo", json!("999999200312110041"), codes::WRONG),
        ("idCardNo", json!("99999920000101002x"), codes::WRONG),
        ("userIdentity", json!(0), codes::WRONG),
        ("userIdentity", json!("6"), codes::WRONG),
        ("orgCode", Value::Null, codes::EMPTY),
        ("orgCode", json!("1"), codes::WRONG),
        ("loginAccount", Value::Null, codes::EMPTY),
        ("userType", json!("1"), codes::WRONG),
    ];
    for (name, value, expected) in cases {
        let mut body = claim(&code);
        body[name] = value.clone();
        let reply = member.ask(VERIFY, body).await;
        assert_eq!(reply["retCode"], expected, "{name}={value}: {reply}");
        let text = reply["retDesc"].as_str().expect("a text");
        assert!(name == "userType" || expected == codes::FAILED || text.contains(name), "{text}");
    }
    let mut parent = claim(&code);
    parent["userIdentity"] = json!("2");
    parent["orgCode"] = Value::Null;
    assert_eq!(member.ask(VERIFY, parent).await["retCode"], codes::OK, "a parent needs no organisation");
    let journal = call(member.address(), "GET", "/_sim/journal").await;
    let journal = String::from_utf8(journal.body.to_vec()).expect("UTF-8");
    for personal in ["甄测", "9999992", PHONE, "zhence", code.as_str()] {
        assert!(!journal.contains(personal), "{personal}");
    }
}
