//! The ways to the SSO: form or query, simple or standard, SOAP, and the province's gateway in front.

use duijie_tests::{
    harness::Setup,
    upstreams::{
        ZjzwfwSso,
        zjzwfw_sso::{Builder, DEMO_IRS_ACCESS_KEY, DEMO_SOAP_NAMESPACE, Quirks},
    },
};
use serde_json::{Value, json};

use super::{Docked, change, docked_from, docked_with, first_session, first_user, setup};

/// A resource docked through the gateway, with changes to its config.
pub(super) async fn irs(sso: Builder, config: &Value) -> Docked {
    irs_from(setup(), sso, config).await
}

/// The same with another setup.
pub(super) async fn irs_from(setup: Setup, sso: Builder, config: &Value) -> Docked {
    let changes = |gateway: &str| {
        let mut link = json!({
            "config": { "gateway": "irs", "irs": { "base": gateway, "access_key": DEMO_IRS_ACCESS_KEY } },
            "secrets": { "irs_secret_key": { "env": "SSO_IRS_SECRET_KEY" } },
        });
        change(&mut link["config"], config);
        link
    };
    docked_from(setup, sso, changes).await
}

fn doors(docked: &Docked) -> Vec<String> {
    docked.sim.journal().into_iter().map(|entry| entry.operation).collect()
}

/// Everything that the SSO is asked, once.
async fn walk(docked: &Docked) {
    let session = docked.done("ticket.validate", &json!({ "ticket": docked.ticket() })).await;
    let token = session["token"].clone();
    assert_eq!(session, first_session(&token));
    assert_eq!(docked.done("user.info", &json!({ "token": token })).await, first_user());
    let input = json!({ "loginName": "zhence1", "orgCoding": "001006", "password": "demo-password-1" });
    docked.done("user.authenticate", &input).await;
    docked.done("ticket.generate", &json!({ "proxyApp": "demosvc2", "token": token })).await;
    let person = json!({
        "operation": "add", "loginName": "zhence9", "userName": "甄测生 & <“x”>", "orgCoding": "001006", "enabled": true,
    });
    let synced = docked.done("user.sync-out", &person).await;
    let read = docked.done("user.by-id", &json!({ "userId": synced["userId"] })).await;
    assert_eq!(read["userName"], person["userName"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_and_a_post_say_the_same() {
    for verb in ["GET", "POST"] {
        let config = json!({ "http": { "verb": verb } });
        let docked = docked_with(ZjzwfwSso::builder(), &config).await;
        let token = docked.token().await;
        assert_eq!(docked.done("user.info", &json!({ "token": token })).await, first_user());
        assert!(
            docked.sim.journal().iter().all(|entry| entry.method == verb && entry.path == "/sso/servlet/simpleauth")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn family_and_context_of_the_installation_are_config() {
    for (context, interface, path) in [
        ("sso", "simple", "/sso/servlet/simpleauth"),
        ("sso", "standard", "/sso/servlet/ssoauth"),
        ("sso4", "standard", "/sso4/servlet/ssoauth"),
    ] {
        let changes = |sso: &str| json!({ "config": { "interface": interface, "base": format!("{sso}/{context}") } });
        let docked = docked_from(setup(), ZjzwfwSso::builder(), changes).await;
        docked.token().await;
        assert_eq!(docked.sim.journal()[0].path, path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn soap_carries_every_operation_in_json_and_xml() {
    let services = [("simple", "simple.soap"), ("standard", "standard.soap")];
    for (datatype, (interface, door)) in [("json", services[0]), ("xml", services[0]), ("xml", services[1])] {
        let config = json!({
            "transport": "soap", "soap": { "namespace": DEMO_SOAP_NAMESPACE }, "datatype": datatype,
            "interface": interface, "id_validation": { "enabled": true },
        });
        let docked = docked_with(ZjzwfwSso::builder(), &config).await;
        walk(&docked).await;
        assert_eq!(doors(&docked), vec![door; 6]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn soap_in_another_namespace_is_a_fault_and_upstream_rejected() {
    let config = json!({ "transport": "soap", "soap": { "namespace": "http://other.example/" } });
    let docked = docked_with(ZjzwfwSso::builder(), &config).await;
    let answer = docked.call("ticket.validate", &json!({ "ticket": docked.ticket() })).await;
    let problem = answer.problem(409, "upstream-rejected", "rejected");
    assert_eq!(problem["upstream_code"], "Client", "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_element_of_a_soap_answer_is_config() {
    let config = json!({ "transport": "soap", "soap": { "namespace": DEMO_SOAP_NAMESPACE, "out": "return" } });
    let docked = docked_with(ZjzwfwSso::builder().soap_out("return"), &config).await;
    docked.token().await;
    docked.fault("simple.soap", "code=7001,系统繁忙");
    let problem = docked.call("user.by-id", &json!({ "userId": "x" })).await;
    let problem = problem.problem(409, "upstream-rejected", "rejected");
    assert_eq!(problem["upstream_code"], "7001");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_verifies_our_headers_and_has_a_path_for_each_method() {
    for datatype in ["json", "xml"] {
        let docked = irs(ZjzwfwSso::builder(), &json!({ "datatype": datatype })).await;
        let token = docked.token().await;
        assert_eq!(docked.done("user.info", &json!({ "token": token })).await, first_user());
        assert_eq!(doors(&docked), ["irs.ticket", "irs.user"]);
        assert_eq!(docked.sim.counters().crypto_failures, 0);
        let problem = docked.call("user.by-id", &json!({ "userId": "x" })).await.problem(500, "config", "not-sent");
        assert!(problem["detail"].as_str().unwrap().contains("irs.path.user_by_id"), "{problem}");
        docked.call("call", &json!({ "method": "getOrgs" })).await.problem(422, "invalid-input", "not-sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_signs_a_query_in_the_order_of_its_names() {
    // A strict gateway takes POST only; what it would make of a GET is known from its rule of signing.
    let sso = ZjzwfwSso::builder().quirky().quirks(Quirks::default());
    let docked = irs(sso, &json!({ "http": { "verb": "GET" } })).await;
    docked.token().await;
    assert_eq!(docked.sim.counters().crypto_failures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_does_not_know_our_key_is_auth_failed_and_the_sso_is_not_asked() {
    for sso in [ZjzwfwSso::builder().irs("demoak", "another"), ZjzwfwSso::builder().irs("another", "demosk")] {
        let docked = irs(sso, &json!({})).await;
        let answer = docked.call("ticket.validate", &json!({ "ticket": docked.ticket() })).await;
        let problem = answer.problem(502, "auth-failed", "rejected");
        assert_eq!(problem["upstream_code"], "401");
        assert_eq!((docked.sim.counters().crypto_failures, docked.calls_of("ticketValidation")), (1, 0));
    }
}
