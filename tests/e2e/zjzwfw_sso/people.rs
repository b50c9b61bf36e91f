//! People: what a token tells of one, a person of ours sent to the SSO in the form it wants, and what does not fit.

use duijie_tests::upstreams::{ZjzwfwSso, zjzwfw_sso::codes};
use serde_json::{Value, json};

use super::{Docked, docked, docked_with, first_user};

/// A person of ours.
fn person() -> Value {
    json!({
        "operation": "add", "loginName": "zhence9", "userName": "甄测生", "orgCoding": "001006",
        "idNumber": "999999198506150036", "mobile": "13800000009", "sex": "1", "enabled": true,
    })
}

/// The same as the SSO keeps it.
fn kept(user_id: &Value) -> Value {
    json!({
        "opttype": "add", "userid": user_id, "loginname": "zhence9", "username": "甄测生", "orgcoding": "001006",
        "idnum": "999999198506150036", "mobile": "13800000009", "sex": "1", "useable": "1",
    })
}

/// All that was pushed, and how often each.
fn pushed(docked: &Docked) -> Vec<(Value, u64)> {
    docked.sim.profile().pushed().into_iter().map(|one| (Value::Object(one.args), one.versions)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_gives_the_person_and_what_nobody_documented_under_extra() {
    let docked = docked().await;
    let token = docked.token().await;
    assert_eq!(docked.done("user.info", &json!({ "token": token })).await, first_user());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_sent_as_json_or_xml_overwrites_itself_and_is_read_back_by_id() {
    for datatype in ["json", "xml"] {
        let docked = docked_with(ZjzwfwSso::builder(), &json!({ "datatype": datatype })).await;
        let synced = docked.done("user.sync-out", &person()).await;
        assert_eq!((&synced["accepted"], &synced["message"]), (&json!(true), &json!("成功")), "{datatype}");
        let user_id = &synced["userId"];
        assert_eq!(pushed(&docked), [(kept(user_id), 1)], "{datatype}");
        docked.done("user.sync-out", &person()).await;
        assert_eq!(pushed(&docked), [(kept(user_id), 2)], "{datatype}: the same person");

        let read = docked.done("user.by-id", &json!({ "userId": user_id })).await;
        let expected = json!({
            "userId": user_id, "loginName": "zhence9", "userName": "甄测生", "idType": null,
            "idNumber": "999999198506150036", "mobile": "13800000009", "orgCoding": "001006",
            "extra": { "opttype": "add", "sex": "1", "useable": "1" },
        });
        assert_eq!(read, expected, "{datatype}");
        assert_eq!(docked.sim.counters().requests_of("user.http"), 3, "user management has a servlet of its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_json_xml_and_forms_must_escape_arrives_as_it_was() {
    const HARD: &str = "甄<测>&生 \"“x”\" +%41=;\u{1f600}'";
    for datatype in ["json", "xml"] {
        let docked = docked_with(ZjzwfwSso::builder(), &json!({ "datatype": datatype })).await;
        let mut person = person();
        person["userName"] = HARD.into();
        let synced = docked.done("user.sync-out", &person).await;
        assert_eq!(pushed(&docked)[0].0["username"], HARD, "{datatype}");
        let read = docked.done("user.by-id", &json!({ "userId": synced["userId"] })).await;
        assert_eq!(read["userName"], HARD, "{datatype}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_person_is_a_refusal_and_an_unknown_id_is_one_too() {
    let docked = docked().await;
    let mut taken = person();
    taken["loginName"] = "zhence1".into();
    let problem = docked.call("user.sync-out", &taken).await.problem(409, "upstream-rejected", "rejected");
    assert_eq!(problem["upstream_code"], codes::LOGINNAME);
    assert!(problem["detail"].as_str().unwrap().contains("后缀域名"), "{problem}");
    let mut unknown = person();
    (unknown["operation"], unknown["userId"]) = ("modify".into(), "nobody".into());
    let problem = docked.call("user.sync-out", &unknown).await.problem(409, "upstream-rejected", "rejected");
    assert_eq!(problem["upstream_code"], codes::USER);
    let problem = docked.call("user.by-id", &json!({ "userId": "nobody" })).await;
    assert_eq!(problem.problem(409, "upstream-rejected", "rejected")["upstream_code"], codes::USER);
    assert_eq!(pushed(&docked), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_that_does_not_fit_is_invalid_input_with_every_field_and_is_not_sent() {
    let docked = docked().await;
    let mut bad = person();
    bad.as_object_mut().unwrap().remove("userName");
    bad["operation"] = "delete".into();
    bad["idNumber"] = "999999198506150030".into();
    bad["mobile"] = "1380000".into();
    bad["nickname"] = "x".into();
    let problem = docked.call("user.sync-out", &bad).await.problem(422, "invalid-input", "not-sent");
    let told = problem["details"].to_string();
    for pointer in ["/userName", "/operation", "/idNumber", "/mobile", "/nickname"] {
        assert!(told.contains(&format!("\"{pointer}\"")), "{pointer}: {problem}");
    }
    assert!(!told.contains("99999919850615"), "{problem}");
    assert_eq!(docked.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_of_the_links_own_says_what_the_sso_gets() {
    let fields = json!([
        { "to": "opttype", "from": "change", "required": true, "values": { "new": "add", "changed": "modify" } },
        { "to": "userid", "constant": "" },
        { "to": "loginname", "from": "staffNo", "required": true },
        { "to": "username", "from": "/person/name", "required": true },
        { "to": "orgcoding", "constant": "001006" },
        { "to": "idnum", "from": "/person/idNumber" },
        { "to": "mobile", "from": "/person/mobile" },
        { "to": "sex", "constant": "1" },
        { "to": "useable", "constant": "1" },
    ]);
    let mapping = json!({ "mapping": { "user_sync": { "unknown": "drop", "fields": fields } } });
    let docked = docked_with(ZjzwfwSso::builder(), &mapping).await;
    let staff = json!({
        "change": "new", "staffNo": "zhence9", "salary": "x",
        "person": { "name": "甄测生", "idNumber": "999999198506150036", "mobile": "13800000009" },
    });
    let synced = docked.done("user.sync-out", &staff).await;
    assert_eq!(pushed(&docked), [(kept(&synced["userId"]), 1)]);
}
