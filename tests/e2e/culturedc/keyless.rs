//! What works before the AK/SK is approved: filled sheets for uploading by hand (way b) and link checks.

use duijie_tests::{harness::Host, upstreams::Culturedc};
use serde_json::{Value, json};

use super::{FILE, LINK, activity, row, setup, toml_of};

/// What the document gives a sheet of 5000 rows; it is the host that ends a call over it.
const DEADLINE_MS: u32 = 10_000;

/// A link without address, AK or SK.
async fn keyless(config: Value, allow: &[&str]) -> Host {
    let link = json!({
        "connector": "culturedc", "config": config, "allow": { "http": allow },
        "limits": { "max_body_kib": 6144, "deadline_ms": DEADLINE_MS },
    });
    let host = setup().link(FILE, &toml_of(&link)).start().await;
    host.until("the link to serve", |all| all.link_state(LINK) == "serving").await;
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_sheet_needs_no_key_and_sends_nothing() {
    let host = keyless(json!({}), &[]).await;
    let mut formula = activity("b");
    formula["title"] = "=1+1".into();
    formula["summary"] = "一,\"二\"\n三".into();
    let told = host.call(LINK, "resource.sheet", &json!({ "rows": [activity("a"), formula] })).await.expect(200);
    assert_eq!((&told["category"], &told["rows"]), (&json!("activity"), &json!(2)));
    assert_eq!((&told["fileName"], &told["contentType"]), (&json!("activity.csv"), &json!("text/csv; charset=utf-8")));
    let content = told["content"].as_str().unwrap();
    assert!(content.starts_with("\u{feff}编号,标题,简介,"), "{content}");
    assert!(content.contains("\r\na,春季合唱公益课,面向市民的合唱入门,"), "{content}");
    assert!(content.contains("\r\nb,'=1+1,\"一,\"\"二\"\"\n三\","), "{content}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_columns_of_a_sheet_are_the_links_own() {
    // What has no column is left out by the operator's word only.
    let fields = json!([{ "to": "活动名称", "from": "title" }, { "to": "联系电话", "from": "/extra/phone" }]);
    let columns = json!({ "unknown": "drop", "fields": fields });
    let host = keyless(json!({ "template": { "activity": columns } }), &[]).await;
    let mut resource = row("activity", "a");
    resource["extra"] = json!({ "phone": "13800000001" });
    let told = host.call(LINK, "resource.sheet", &json!({ "rows": [resource] })).await.expect(200);
    assert_eq!(told["content"], "\u{feff}活动名称,联系电话\r\n讲座,13800000001\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_rows_are_filled_within_ten_seconds_and_their_errors_named_by_row() {
    let host = keyless(json!({}), &[]).await;
    let mut rows: Vec<Value> = (0..5000).map(|n| activity(&format!("r{n}"))).collect();
    let told = host.call(LINK, "resource.sheet", &json!({ "rows": rows })).await.expect(200);
    assert_eq!((&told["rows"], told["content"].as_str().unwrap().lines().count()), (&json!(5000), 5001));
    rows[4321]["url"] = "campus".into();
    rows[4999]["category"] = "news".into();
    let answer = host.call(LINK, "resource.sheet", &json!({ "rows": rows })).await;
    let details = answer.problem(422, "invalid-input", "not-sent")["details"].to_string();
    assert!(details.contains("/rows/4321/url") && details.contains("/rows/4999/category"), "{details}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_links_are_checked_and_everything_else_says_what_is_missing() {
    let sim = Culturedc::builder().start().await.unwrap();
    let page = json!({ "name": "首页", "url": format!("{}/pages/http", sim.url()) });
    let host = keyless(json!({ "links": { "pages": [page] } }), &[&sim.url()]).await;
    assert_eq!(host.call(LINK, "link.check", &json!({})).await.expect(200)["allPresent"], true);
    for (operation, input) in super::upstream_calls() {
        let problem = host.call(LINK, operation, &input).await.problem(500, "config", "not-sent");
        assert!(problem["detail"].as_str().unwrap().contains("base_url"), "{operation}: {problem}");
    }
    let told = host.call(LINK, "aksk.status", &json!({})).await.expect(200);
    assert_eq!((&told["tracked"], &told["held"]), (&json!(false), &json!(false)));
    host.call(LINK, "aksk.renewed", &json!({})).await.problem(500, "config", "not-sent");
}
