//! The admin surface and the ledger behind it.

use super::*;

#[tokio::test]
async fn the_front_page_says_what_this_is() {
    let simulator = ZjGxsz::builder().start().await.expect("starts");
    let page = call(simulator.address(), "GET", "/_sim/").await;
    let text = String::from_utf8(page.body.to_vec()).expect("UTF-8");
    for word in ["zj-gxsz", "Not the upstream", "/_sim/journal", "/api/talk-record/one", "reset-after"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    assert_eq!(call(simulator.address(), "GET", "/_sim/other").await.status, 404);
    assert_eq!(call(simulator.address(), "POST", "/_sim/journal").await.status, 404);
}

#[tokio::test]
async fn fault_rules_are_added_listed_and_removed() {
    let simulator = ZjGxsz::builder().start().await.expect("starts");
    let rules = json!([
        {"fault": "status=503", "operation": "token.get", "times": 2},
        {"fault": "html", "path": "/other", "probability": 0.5},
    ]);
    let added = post(simulator.address(), "POST", "/_sim/faults", &[], rules.to_string()).await.expect("an answer");
    assert_eq!((added.status, added.json()), (200, rules));
    assert_eq!(call(simulator.address(), "POST", "/api/oauth2/token").await.status, 503);
    let left = call(simulator.address(), "GET", "/_sim/faults").await.json();
    assert_eq!(left[0]["times"], 1);
    assert_eq!(call(simulator.address(), "DELETE", "/_sim/faults").await.json(), json!([]));
    assert_eq!(call(simulator.address(), "POST", "/api/oauth2/token").await.status, 400);
    for bad in ["", "{}", r#"[{"fault":"explode"}]"#, r#"[{"fault":"html","often":1}]"#] {
        let refused = post(simulator.address(), "POST", "/_sim/faults", &[], bad).await.expect("an answer");
        assert_eq!(refused.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn tokens_are_revoked_over_http() {
    let college = College::strict().await;
    let revoked = call(college.address(), "POST", "/_sim/tokens/revoke").await.json();
    assert_eq!(revoked, json!({"revoked": 1}));
    let pushed = college.push_with(Endpoint::One, &fixtures::talk_one(1), &[]).await.expect("an answer");
    assert_eq!(pushed.status, 401);
}

#[tokio::test]
async fn reset_forgets_everything() {
    let college = College::strict().await;
    college.simulator.faults().add(Rule::new(Fault::Bom));
    college.push_with(Endpoint::One, &fixtures::talk_one(1), &[]).await.expect("an answer");
    call(college.address(), "POST", "/_sim/reset").await;
    assert_eq!(college.simulator.journal(), []);
    assert_eq!(college.simulator.faults().rules(), []);
    assert_eq!(college.simulator.profile().records(), []);
    assert_eq!(college.simulator.revoke_tokens(), 0);
    assert_eq!(college.simulator.counters().records_accepted, 0);
}

#[tokio::test]
async fn the_journal_tells_the_story_without_contents() {
    let college = College::strict().await;
    let record = fixtures::talk_patriarch(1);
    college.push_with(Endpoint::Patriarch, &record, &[]).await.expect("an answer");
    college.simulator.faults().add(Rule::new("status=503".parse().expect("a fault")).once());
    college.push_with(Endpoint::Patriarch, &record, &[]).await.expect("an answer");
    college.push_with(Endpoint::Patriarch, &record, &[("x-sim-fault", "reset-before")]).await.expect_err("reset");

    let journal = call(college.address(), "GET", "/_sim/journal").await.json();
    let column = |name: &str| -> Vec<Value> {
        journal.as_array().expect("a list").iter().map(|entry| entry[name].clone()).collect()
    };
    let push = json!("record.push-patriarch");
    assert_eq!(column("sequence"), [json!(1), json!(2), json!(3), json!(4)]);
    assert_eq!(column("operation"), [json!("token.get"), push.clone(), push.clone(), push]);
    assert_eq!(column("status"), [json!(200), json!(200), json!(503), json!(null)]);
    assert_eq!(column("code"), [json!("0"), json!("0"), json!(null), json!(null)]);
    assert_eq!(column("fault"), [json!(null), json!(null), json!("status=503"), json!("reset-before")]);
    let hash = journal[1]["key_hash"].as_str().expect("a hash");
    assert!(hash.len() == 16 && !journal.to_string().contains("PATRIARCH-"), "{journal}");
    assert!(fixtures::personal_values().iter().all(|value| !journal.to_string().contains(value)));
}

#[tokio::test]
async fn counters_are_the_same_over_http_and_do_not_count_the_admin_surface() {
    let college = College::strict().await;
    call(college.address(), "POST", "/nowhere").await;
    let over_http = call(college.address(), "GET", "/_sim/counters").await.json();
    assert_eq!(over_http["requests"], json!({"token.get": 1, "unknown": 1}));
    assert_eq!(over_http["tokens_issued"], 1);
    assert_eq!(over_http["connections_accepted"], 3);
    assert_eq!(college.simulator.counters().requests_of("unknown"), 1);
}
