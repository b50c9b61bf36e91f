//! Wire forms typed into a link (`[config.wire]`): what the real manual will ask for, against a simulator set up so.

use duijie_tests::{
    harness::build,
    upstreams::{
        Culturedc,
        culturedc::{Builder, SignEncoding, SignKind},
    },
};
use serde_json::{Value, json};

use super::{Docked, activity, docked_with, row, upstream_calls};

/// What `md5-concat` signs at the simulator.
const CONCAT: &str = "${ak}${timestamp}${nonce}${sk}";

/// The built-in wire form, in the very form of `[config.wire]`, with changes.
fn custom(changes: &Value) -> Value {
    let built_in = build::workspace().join("connectors/culturedc/src/profile/sim-v1.json");
    let mut wire: Value = serde_json::from_slice(&std::fs::read(built_in).unwrap()).unwrap();
    super::change(&mut wire, changes);
    json!({ "config": { "profile": "custom", "wire": wire } })
}

fn md5() -> Value {
    json!({ "sign": { "kind": "md5-concat", "template": CONCAT } })
}

async fn everything_goes_well(docked: &Docked) {
    for (operation, input) in upstream_calls() {
        docked.get(operation, &input).await;
    }
    let counters = docked.sim.counters();
    assert_eq!((counters.crypto_failures, counters.credential_rejections), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_in_form_typed_into_a_link_does_the_same() {
    everything_goes_well(&docked_with(Culturedc::builder(), &custom(&json!({}))).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_signs_by_md5_of_a_concatenation_is_docked_by_config_alone() {
    let sim = || Culturedc::builder().sign_kind(SignKind::Md5Concat);
    let docked = docked_with(sim(), &custom(&md5())).await;
    everything_goes_well(&docked).await;
    docked.get("resource.push", &activity("a")).await;
    assert_eq!(docked.kept("a").item["title"], activity("a")["title"]);

    let mut other_order = md5();
    other_order["sign"]["template"] = "${sk}${ak}${timestamp}${nonce}".into();
    let docked = docked_with(sim(), &custom(&other_order)).await;
    let problem = docked.call("resource.push", &row("news", "a")).await.problem(502, "auth-failed", "rejected");
    assert_eq!(problem["upstream_code"], "40102");
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_in_capitals_and_in_base64_are_a_word_of_the_config() {
    for (encoding, word) in [(SignEncoding::HexUpper, "hex-upper"), (SignEncoding::Base64, "base64")] {
        let sim = |encoding| -> Builder { Culturedc::builder().sign_encodings([encoding]) };
        let docked = docked_with(sim(encoding), &custom(&json!({ "sign": { "encoding": word } }))).await;
        docked.get("resource.push", &row("news", "a")).await;
        let plain = docked_with(sim(encoding), &json!({})).await;
        let problem = plain.call("resource.push", &row("news", "a")).await.problem(502, "auth-failed", "rejected");
        assert_eq!(problem["upstream_code"], "40102", "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_stamp_in_seconds_is_a_word_of_the_config() {
    let docked = docked_with(Culturedc::builder().quirky(), &custom(&json!({ "sign": { "timestamp": "s" } }))).await;
    docked.get("resource.push", &row("news", "a")).await;
    let strict = docked_with(Culturedc::builder(), &custom(&json!({ "sign": { "timestamp": "s" } }))).await;
    let problem = strict.call("resource.push", &row("news", "a")).await.problem(502, "auth-failed", "rejected");
    assert_eq!(problem["upstream_code"], "40103");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_signs_nothing_needs_no_secret() {
    let mut changes = custom(&json!({
        "sign": { "kind": "none" },
        "headers": { "X-Signature": null, "X-Timestamp": null, "X-Nonce": null },
    }));
    changes["secrets"] = Value::Null;
    let docked = docked_with(Culturedc::builder().sign_kind(SignKind::None), &changes).await;
    everything_goes_well(&docked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_of_an_upstream_mean_what_the_link_says() {
    let reply = json!({ "reply": {
        "classes": { "70001": "identity-unverified", "70002": "session-invalid", "70003": "auth-expired" },
        "sub_codes": { "70004": "no-cover" },
    }});
    let docked = docked_with(Culturedc::builder(), &custom(&reply)).await;
    for (code, status, class) in [
        ("70001", 409, "identity-unverified"),
        ("70002", 409, "session-invalid"),
        ("70003", 503, "auth-expired"),
        ("70004", 409, "upstream-rejected"),
    ] {
        docked.sim.faults().clear();
        docked.fault("resource.push", &format!("code={code},原因"));
        let problem = docked.call("resource.push", &row("news", "a")).await.problem(status, class, "rejected");
        assert_eq!(problem["upstream_code"], code);
        assert_eq!(problem["details"]["sub_code"] == "no-cover", code == "70004", "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_categories_and_names_of_fields_are_the_links_own() {
    let push = json!({ "push": { "record": { "fields": [
        { "to": "extId" }, { "to": "title" }, { "to": "summary", "from": "/extra/teacher" }
    ]}}});
    let mut changes = custom(&push);
    changes["config"]["categories"] = json!({ "course": "video" });
    let docked = docked_with(Culturedc::builder(), &changes).await;
    let mut course = row("course", "c");
    course["extra"] = json!({ "teacher": "甄测生" });
    docked.get("resource.push", &course).await;
    let kept = docked.kept("c");
    assert_eq!((kept.category.as_str(), &kept.item["summary"]), ("video", &json!("甄测生")));
    docked.call("resource.push", &row("news", "n")).await.problem(422, "invalid-input", "not-sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_wire_form_leaves_out_the_upstream_cannot_do() {
    let without =
        json!({ "status": null, "delete": null, "fetch": null, "stats": null, "authorize": null, "exchange": null });
    let docked = docked_with(Culturedc::builder(), &custom(&without)).await;
    for (operation, input) in upstream_calls() {
        let answer = docked.call(operation, &input).await;
        match operation {
            "resource.push" | "resource.push-batch" => drop(answer.expect(200)),
            _ => drop(answer.problem(500, "config", "not-sent")),
        }
    }
    docked.call("login.link", &json!({ "returnTo": super::RETURN })).await.problem(500, "config", "not-sent");
}
