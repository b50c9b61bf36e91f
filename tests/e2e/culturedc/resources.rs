//! Resources (layer ②): pushed, changed, reviewed, taken back, and the national ones that may be used. What arrives is
//! what was sent.

use std::collections::BTreeSet;

use duijie_tests::{
    fixtures::HARD_TEXTS,
    upstreams::{
        Culturedc,
        culturedc::{CATEGORIES, State},
    },
};
use serde_json::{Value, json};

use super::{LINK, activity, docked, docked_with, row};

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_resource_arrives_with_every_field_and_waits_for_its_review() {
    let docked = docked().await;
    let resource = activity("ACT-1");
    let pushed = docked.get("resource.push", &resource).await;
    let kept = docked.kept("ACT-1");
    assert_eq!(pushed, json!({ "extId": "ACT-1", "id": kept.id, "state": "submitted", "upstreamState": "submitted" }));
    let mut sent = resource;
    sent.as_object_mut().unwrap().remove("category");
    assert_eq!((kept.item, kept.category.as_str(), kept.versions), (sent, "activity", 1));
    let counters = docked.sim.counters();
    assert_eq!((counters.records_accepted, counters.crypto_failures, counters.credential_rejections), (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_unicode_arrives_as_it_was_sent() {
    let docked = docked().await;
    for (n, (what, text)) in HARD_TEXTS.into_iter().enumerate() {
        let id = format!("u{n}");
        let mut resource = row("news", &id);
        for field in ["title", "summary", "content", "venue"] {
            resource[field] = text.into();
        }
        let answer = docked.call("resource.push", &resource).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        for field in ["title", "summary", "content", "venue"] {
            assert_eq!(docked.kept(&id).item[field], text, "{what}: {field}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_category_of_the_guides_two_lists_arrives() {
    let docked = docked().await;
    for category in CATEGORIES {
        docked.get("resource.push", &row(category, category)).await;
        assert_eq!(docked.kept(category).category, category);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_may_be_changed_until_it_is_published() {
    let docked = docked().await;
    docked.get("resource.push", &activity("a")).await;
    docked.sim.profile().review("a", State::Rejected, "封面不清晰");
    let mut changed = activity("a");
    changed["title"] = "夏季合唱公益课".into();
    assert_eq!(docked.get("resource.push", &changed).await["state"], "submitted");
    let kept = docked.kept("a");
    assert_eq!((&kept.item["title"], kept.versions, kept.state), (&changed["title"], 2, State::Submitted));
}

#[tokio::test(flavor = "multi_thread")]
async fn submitted_is_not_published_and_the_review_is_told_with_its_note() {
    let docked = docked().await;
    docked.get("resource.push", &activity("a")).await;
    let id = docked.kept("a").id;
    for (state, name, note, is_final) in [
        (State::Submitted, "submitted", Value::Null, false),
        (State::Rejected, "rejected", json!("封面不清晰"), true),
        (State::Published, "published", Value::Null, true),
    ] {
        docked.sim.profile().review("a", state, note.as_str().unwrap_or_default());
        let told = docked.get("resource.status", &json!({ "extId": "a" })).await;
        let expected = json!({
            "extId": "a", "id": id, "state": name, "upstreamState": name, "reviewNote": note, "final": is_final,
        });
        assert_eq!(told, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_can_be_neither_changed_nor_deleted_and_is_not_tried_again() {
    let docked = docked().await;
    docked.get("resource.push", &activity("a")).await;
    docked.sim.profile().review("a", State::Published, "");
    let mut changed = activity("a");
    changed["title"] = "改".into();
    for (operation, input) in [("resource.push", changed), ("resource.delete", json!({ "extId": "a" }))] {
        let problem = docked.call(operation, &input).await.problem(409, "upstream-rejected", "rejected");
        assert_eq!((&problem["upstream_code"], &problem["retryable"]), (&json!("40901"), &json!(false)));
        assert_eq!(problem["details"]["sub_code"], "published-immutable", "{problem}");
    }
    assert_eq!((docked.requests("resource.push"), docked.requests("resource.status-or-delete")), (2, 1));
    let kept = docked.kept("a");
    assert_eq!((kept.state, kept.versions, &kept.item["title"]), (State::Published, 1, &activity("a")["title"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_is_not_published_is_taken_back() {
    let docked = docked().await;
    docked.get("resource.push", &activity("a")).await;
    let deleted = docked.get("resource.delete", &json!({ "extId": "a" })).await;
    assert_eq!(deleted, json!({ "extId": "a", "deleted": true }));
    assert!(docked.sim.profile().resource("a").is_none());
    let problem =
        docked.call("resource.status", &json!({ "extId": "a" })).await.problem(422, "invalid-input", "rejected");
    assert_eq!(problem["upstream_code"], "40001");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_any_characters_names_the_same_resource_in_body_and_path() {
    let docked = docked().await;
    for id in ["活动 2024/03?a=1&b#c", "100%", "%2F", "a+b;c", "..x", "~", "🎶"] {
        docked.get("resource.push", &row("news", id)).await;
        assert_eq!(docked.get("resource.status", &json!({ "extId": id })).await["extId"], id);
        docked.get("resource.delete", &json!({ "extId": id })).await;
        assert!(docked.sim.profile().resource(id).is_none(), "{id}");
    }
    let sent = docked.requests("resource.push");
    for id in [".", "..", "a\nb"] {
        for (operation, input) in [
            ("resource.push", row("news", id)),
            ("resource.status", json!({ "extId": id })),
            ("resource.delete", json!({ "extId": id })),
        ] {
            docked.call(operation, &input).await.problem(422, "invalid-input", "not-sent");
        }
    }
    assert_eq!(docked.requests("resource.push"), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_with_a_resource_is_told_at_once_and_nothing_is_sent() {
    let docked = docked().await;
    let mut wrong = activity("a");
    for (field, value) in [
        ("title", "名".repeat(51)),
        ("cover", format!("https://img.campus.example/{}", "图".repeat(80))),
        ("url", "ftp://campus.example/".to_owned()),
        ("regionCode", "33020".to_owned()),
        ("startTime", "2024-02-30 10:00:00".to_owned()),
    ] {
        wrong[field] = value.into();
    }
    let problem = docked.call("resource.push", &wrong).await.problem(422, "invalid-input", "not-sent");
    let pointers: BTreeSet<&str> =
        problem["details"].as_array().unwrap().iter().filter_map(|one| one["pointer"].as_str()).collect();
    assert_eq!(pointers, BTreeSet::from(["/title", "/cover", "/url", "/regionCode", "/startTime"]), "{problem}");
    wrong = activity("a");
    wrong["endTime"] = "2024-03-09 13:59:59".into();
    let problem = docked.call("resource.push", &wrong).await.problem(422, "invalid-input", "not-sent");
    assert!(problem["details"].to_string().contains("/endTime"), "{problem}");
    assert_eq!(docked.requests("resource.push"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_fifty_characters_and_addresses_of_255_bytes_after_encoding_arrive() {
    let docked = docked().await;
    let base = "https://img.campus.example/";
    let mut resource = activity("a");
    resource["title"] = "𠀀".repeat(50).into();
    resource["cover"] = format!("{base}{}", "a".repeat(255 - base.len())).into();
    docked.get("resource.push", &resource).await;
    assert_eq!(docked.kept("a").item["cover"], resource["cover"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn licensed_resources_come_page_by_page_to_the_end() {
    let docked = docked().await;
    let mut ids = BTreeSet::new();
    for (page, items, has_more) in [(1, 50, true), (2, 50, true), (3, 20, false), (4, 0, false)] {
        let told = docked.get("resource.fetch", &json!({ "page": page, "size": 50 })).await;
        assert_eq!((&told["total"], &told["page"]), (&json!(120), &json!(page)));
        assert_eq!((told["items"].as_array().unwrap().len(), &told["has_more"]), (items, &json!(has_more)));
        ids.extend(told["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(ids.len(), 120);
    let first = docked.get("resource.fetch", &json!({ "page": 1, "size": 1 })).await;
    let expected = json!({
        "id": "L00000000", "category": "news", "upstreamType": "news", "title": "模拟资源0",
        "url": "https://resources.example.com/0", "licenseUntil": "2035-12-31",
    });
    assert_eq!(first["items"], json!([expected]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quirky_upstream_that_writes_numbers_as_text_and_null_for_nothing_is_understood() {
    let docked = docked_with(Culturedc::builder().quirky(), &json!({})).await;
    assert_eq!(docked.get("resource.push", &activity("a")).await["state"], "submitted");
    assert_eq!(docked.get("resource.status", &json!({ "extId": "a" })).await["final"], false);
    let page = docked.get("resource.fetch", &json!({ "page": 3, "size": 50 })).await;
    assert_eq!((&page["total"], &page["has_more"]), (&json!(120), &json!(false)));
    let day = json!({ "date": "2024-03-01", "pv": 3, "uv": 2, "ip": 1 });
    assert_eq!(docked.get("stats.report", &day).await["accepted"], true);
    assert_eq!(docked.get("resource.delete", &json!({ "extId": "a" })).await["deleted"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_of_resources_is_told_every_column_in_which_something_is_wrong_or_missing() {
    let docked = docked().await;
    let csv = "extId,category,title\na,news,一场讲座\nb,别的,\nc,news,\n";
    let path = format!("/v1/links/{LINK}/operations/resource.push/batches?dry_run=true");
    let request = docked.host.api(http::Method::POST, &path).key(docked.host.key("campus"));
    let receipt = request.header("content-type", "text/csv").body(csv).send().await.expect(200);
    let errors = receipt["errors"].as_array().unwrap().iter();
    let mut places: Vec<_> = errors.map(|error| (error["row"].as_u64().unwrap(), error["column"].as_str())).collect();
    places.sort_unstable();
    assert_eq!(places, [(3, Some("category")), (3, Some("title")), (4, Some("title"))], "{receipt}");
    assert_eq!((&receipt["rows"], &receipt["accepted"]), (&json!(3), &json!(1)));
}
