//! `call`: the titles whose tables the document has lost, by the name that an operator has learnt.

use duijie_tests::upstreams::{ZjzwfwSso, zjzwfw_sso::codes};
use serde_json::{Value, json};

use super::{docked, docked_with};

/// Rows as the document's own sample has them.
fn rows() -> Value {
    json!({ "total": 2, "user": [
        { "loginname": "zhangs", "username": "甄测生" }, { "loginname": "lisi", "username": "甄测师" },
    ] })
}

/// The ten titles that have no operation of their own.
const TITLES: [&str; 10] = [
    "token-by-code",
    "token-refresh",
    "ticket-by-proxy-token",
    "ticket-by-token",
    "standard-authenticate",
    "user-by-token",
    "systems",
    "password-change",
    "profile-change",
    "roles",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_method_is_called_by_its_name_and_its_answer_comes_as_it_is() {
    for datatype in ["json", "xml"] {
        let docked = docked_with(ZjzwfwSso::builder(), &json!({ "datatype": datatype })).await;
        docked.sim.profile().set_canned("getUserList", rows().as_object().unwrap().clone());
        let input = json!({ "method": "getUserList", "params": { "orgcoding": "001006" } });
        let output = docked.done("call", &input).await;
        assert_eq!((&output["result"], &output["message"]), (&json!("0"), &json!("成功")), "{datatype}");
        // Rows of a list are attributes in XML, and numbers are text.
        assert_eq!(output["reply"]["user"], rows()["user"], "{datatype}");
        let total = if datatype == "json" { json!(2) } else { json!("2") };
        assert_eq!(output["reply"]["total"], total, "{datatype}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_ten_titles_without_a_table_is_called_under_the_configured_name() {
    let name = |title: &str| format!("x{}", title.replace('-', ""));
    let methods: serde_json::Map<_, _> =
        TITLES.iter().map(|title| (title.replace('-', "_"), name(title).into())).collect();
    let config = json!({ "method": methods, "id_validation": { "enabled": true } });
    let docked = docked_with(ZjzwfwSso::builder(), &config).await;
    for title in TITLES {
        docked.sim.profile().set_canned(name(title), rows().as_object().unwrap().clone());
        let output = docked.done("call", &json!({ "title": title, "params": { "token": "t" } })).await;
        assert_eq!(output["reply"]["total"], 2, "{title}");
        assert_eq!(docked.calls_of(&name(title)), 1, "{title}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_whose_name_nobody_knows_is_config_and_nothing_is_sent() {
    let docked = docked().await;
    let problem = docked.call("call", &json!({ "title": "roles" })).await.problem(500, "config", "not-sent");
    assert!(problem["detail"].as_str().unwrap().contains("method.roles"), "{problem}");
    assert_eq!(docked.requests(), 0);
    // The one that has a name by default, which is an assumption: the simulator knows no such method.
    let problem = docked.call("call", &json!({ "title": "token-by-code" })).await;
    assert_eq!(problem.problem(409, "upstream-rejected", "rejected")["upstream_code"], codes::METHOD);
}

#[tokio::test(flavor = "multi_thread")]
async fn servlet_and_path_say_where_a_call_goes() {
    let docked = docked().await;
    docked.sim.profile().set_canned("getOrgs", rows().as_object().unwrap().clone());
    for more in [json!({}), json!({ "servlet": "users" }), json!({ "path": "/servlet/ssoauth" })] {
        let mut input = json!({ "method": "getOrgs" });
        super::change(&mut input, &more);
        docked.done("call", &input).await;
    }
    let doors: Vec<_> = docked.sim.journal().into_iter().map(|entry| entry.operation).collect();
    assert_eq!(doors, ["simple.http", "user.http", "standard.http"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_cannot_send_is_invalid_input_with_its_place() {
    let docked = docked().await;
    let bad = [
        (json!({}), "/method"),
        (json!({ "method": "a b" }), "/method"),
        (json!({ "method": "a", "title": "roles" }), "/method"),
        (json!({ "method": "a", "params": { "sign": "x" } }), "/params/sign"),
        (json!({ "method": "a", "params": { "servicecode": "x" } }), "/params/servicecode"),
        (json!({ "method": "a", "params": { "loginName": "x" } }), "/params/loginName"),
        (json!({ "method": "a", "path": "//elsewhere.example/x" }), "/path"),
        (json!({ "method": "a", "path": "/a/../b" }), "/path"),
    ];
    for (input, pointer) in bad {
        let problem = docked.call("call", &input).await.problem(422, "invalid-input", "not-sent");
        assert!(problem["details"].to_string().contains(&format!("\"{pointer}\"")), "{input}: {problem}");
    }
    assert_eq!(docked.requests(), 0);
}
