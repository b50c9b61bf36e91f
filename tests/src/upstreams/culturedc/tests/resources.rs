//! Resources and their review, licensed resources, numbers.

use serde_json::{Value, json};

use super::super::super::testing::{call, post};
use super::super::{Culturedc, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, State, codes};
use super::institution::{How, Institution, RESOURCES, item};

const STATS: &str = "/openapi/v1/stats/daily";

fn with(name: &str, value: Value) -> Value {
    let mut item = item("a");
    item[name] = value;
    item
}

#[tokio::test]
async fn a_pushed_resource_waits_for_its_review_and_can_be_asked_for() {
    let institution = Institution::strict().await;
    let pushed = institution.push(item("展览/1")).await;
    let expected = json!({"extId": "展览/1", "id": "R00000001", "state": "submitted", "code": 0, "message": ""});
    assert_eq!(pushed, expected);
    let path = format!("{RESOURCES}/%E5%B1%95%E8%A7%88%2F1");
    let status = json!({"extId": "展览/1", "id": "R00000001", "state": "submitted", "reviewNote": ""});
    assert_eq!(institution.data("GET", &path, &json!(null)).await, status);
    let kept = institution.profile().resource("展览/1").expect("kept");
    assert_eq!((kept.item, kept.category.as_str(), kept.versions), (item("展览/1"), "activity", 1));
}

#[tokio::test]
async fn what_is_published_can_be_neither_changed_nor_deleted() {
    let institution = Institution::strict().await;
    institution.push(item("a")).await;
    assert!(institution.profile().review("a", State::Published, ""));
    let again = institution.push(item("a")).await;
    assert_eq!((&again["code"], &again["state"]), (&json!(codes::PUBLISHED), &json!("published")));
    let path = format!("{RESOURCES}/a");
    assert_eq!(institution.code("DELETE", &path, &json!("")).await, codes::PUBLISHED);
    assert_eq!(institution.profile().resource("a").map(|kept| kept.versions), Some(1));
}

#[tokio::test]
async fn what_is_rejected_may_be_pushed_again_or_deleted() {
    let institution = Institution::strict().await;
    institution.push(item("a")).await;
    let review = json!({"extId": "a", "state": "rejected", "note": "封面不清晰"}).to_string();
    let reviewed = post(institution.address(), "POST", "/_sim/review", &[], review).await.expect("an answer");
    assert_eq!(reviewed.status, 200);
    let path = format!("{RESOURCES}/a");
    let status = institution.data("GET", &path, &json!(null)).await;
    assert_eq!((&status["state"], &status["reviewNote"]), (&json!("rejected"), &json!("封面不清晰")));
    let again = institution.push(item("a")).await;
    assert_eq!((&again["state"], &again["id"]), (&json!("submitted"), &json!("R00000001")));
    assert_eq!(institution.data("DELETE", &path, &json!(null)).await, json!({}));
    assert_eq!(institution.send("GET", &path, "").await.json()["code"], codes::PARAMETER);
    assert_eq!(institution.send("DELETE", &path, "").await.json()["code"], codes::PARAMETER);
    assert!(!institution.profile().review("a", State::Published, ""));
}

#[tokio::test]
async fn every_item_of_a_push_is_judged_for_itself() {
    let institution = Institution::strict().await;
    institution.push(item("published")).await;
    institution.profile().review("published", State::Published, "");
    let items = [item("a"), json!({"extId": "b"}), item("published"), json!(1)];
    let data = institution.data("POST", RESOURCES, &json!({"type": "venue", "items": items})).await;
    let results = data["results"].as_array().expect("results");
    let codes: Vec<&Value> = results.iter().map(|result| &result["code"]).collect();
    assert_eq!(codes, [0, codes::PARAMETER, codes::PUBLISHED, codes::PARAMETER]);
    assert_eq!((&results[1]["extId"], &results[1]["message"]), (&json!("b"), &json!("字段 title 必填")));
    let counters = institution.simulator.counters();
    assert_eq!((counters.records_accepted, counters.records_rejected), (2, 3));
}

#[tokio::test]
async fn fields_are_checked_and_never_quoted() {
    let institution = Institution::strict().await;
    for (item, message) in [
        (with("extId", json!("")), "字段 extId 长度超限"),
        (with("extId", json!("x".repeat(65))), "字段 extId 长度超限"),
        (with("extId", json!(7)), "字段 extId 应为字符串"),
        (with("title", json!(null)), "字段 title 必填"),
        (with("title", json!("活".repeat(101))), "字段 title 长度超限"),
        (with("summary", json!(["x"])), "字段 summary 应为字符串"),
        (with("cover", json!("c.jpg")), "字段 cover 应为 255 字节以内的 http 或 https 地址"),
        (
            with("url", json!(format!("http://www.example.com/{}", "x".repeat(255)))),
            "字段 url 应为 255 字节以内的 http 或 https 地址",
        ),
        (with("startTime", json!("2024-02-30 14:30:00")), "字段 startTime 应为 yyyy-MM-dd HH:mm:ss 或 RFC 3339"),
        (with("endTime", json!("2024/03/01")), "字段 endTime 应为 yyyy-MM-dd HH:mm:ss 或 RFC 3339"),
        (with("regionCode", json!("宁波")), "字段 regionCode 应为 6 至 12 位数字"),
        (with("title", json!("活".repeat(100))), ""),
        (json!({"extId": "least", "title": "模拟活动", "summary": null, "cover": ""}), ""),
    ] {
        assert_eq!(institution.push(item.clone()).await["message"], message, "{item}");
    }
    for body in [
        json!({"type": "concert", "items": [item("a")]}),
        json!({"type": "news"}),
        json!({"type": "news", "items": []}),
        json!({"type": "news", "items": item("a")}),
        json!({"type": "news", "items": vec![item("a"); 51]}),
        json!([]),
    ] {
        assert_eq!(institution.code("POST", RESOURCES, &body).await, codes::PARAMETER);
    }
    assert_eq!(institution.code("POST", RESOURCES, &json!({"type": "news", "items": vec![item("a"); 50]})).await, 0);
    let form = How { content_type: "text/plain", ..institution.carefully() };
    let body = json!({"type": "news", "items": [item("a")]}).to_string();
    assert_eq!(institution.send_as(&form, "POST", RESOURCES, &body).await.json()["code"], codes::PARAMETER);
    assert_eq!(institution.send("PUT", RESOURCES, &body).await.status, 405);
}

#[tokio::test]
async fn two_institutions_with_the_same_ids_do_not_meet() {
    let builder = Culturedc::builder().key(DEMO_ACCESS_KEY, DEMO_SECRET_KEY).key("AKDEMO0000000002", "SK2");
    let institution = Institution::of(builder).await;
    institution.push(item("a")).await;
    let other = How { access_key: "AKDEMO0000000002", secret_key: "SK2", ..institution.carefully() };
    let answer = institution.send_as(&other, "GET", "/openapi/v1/resources/a", "").await;
    assert_eq!(answer.json()["code"], codes::PARAMETER);
    assert!(institution.profile().resource_of("AKDEMO0000000002", "a").is_none());
}

#[tokio::test]
async fn licensed_resources_come_in_pages_with_a_tag() {
    let institution = Institution::of(Culturedc::builder().licensed(120)).await;
    let mut ids = std::collections::BTreeSet::new();
    for (page, expected) in [(1, 50), (2, 50), (3, 20), (4, 0)] {
        let path = format!("/openapi/v1/licensed?page={page}&size=50");
        let data = institution.data("GET", &path, &json!(null)).await;
        let items = data["items"].as_array().expect("items");
        assert_eq!((items.len(), &data["total"]), (expected, &json!(120)));
        ids.extend(items.iter().map(|item| item["id"].to_string()));
    }
    assert_eq!(ids.len(), 120);
    let first = institution.send("GET", "/openapi/v1/licensed", "").await;
    let tag = first.header("etag");
    let known = || How { more: vec![("if-none-match", tag.to_owned())], ..institution.carefully() };
    let again = institution.send_as(&known(), "GET", "/openapi/v1/licensed", "").await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag));
    institution.profile().set_licensed(121);
    assert_eq!(institution.send_as(&known(), "GET", "/openapi/v1/licensed", "").await.status, 200);
    for query in ["page=0", "page=x", "size=101", "size=-1"] {
        let path = format!("/openapi/v1/licensed?{query}");
        assert_eq!(institution.send("GET", &path, "").await.json()["code"], codes::PARAMETER, "{query}");
    }
}

#[tokio::test]
async fn the_numbers_of_a_day_overwrite_those_before() {
    let institution = Institution::strict().await;
    let numbers = |pv: u64| json!({"date": "2024-03-01", "pv": pv, "uv": 20, "ip": 15, "newActivities": 1});
    assert_eq!(institution.data("POST", STATS, &numbers(100)).await, json!({}));
    assert_eq!(institution.data("POST", STATS, &numbers(90)).await, json!({}));
    let day = institution.profile().day(DEMO_ACCESS_KEY, "2024-03-01").expect("kept");
    assert_eq!((day.numbers.get("pv"), day.numbers.get("newVenues"), day.times), (Some(&90), None, 2));
    assert_eq!(call(institution.address(), "GET", "/_sim/stats").await.json()[0]["numbers"]["uv"], 20);
    for body in [
        json!({"date": "2024-03-01", "pv": 1, "uv": 1}),
        json!({"date": "2024-03-01", "pv": -1, "uv": 1, "ip": 1}),
        json!({"date": "2024-03-01", "pv": "1", "uv": 1, "ip": 1}),
        json!({"date": "2024-02-30", "pv": 1, "uv": 1, "ip": 1}),
        json!({"date": "2024-3-1", "pv": 1, "uv": 1, "ip": 1}),
        json!({"pv": 1, "uv": 1, "ip": 1}),
    ] {
        assert_eq!(institution.code("POST", STATS, &body).await, codes::PARAMETER, "{body}");
    }
    let counters = institution.simulator.counters();
    assert_eq!((counters.records_accepted, counters.overwrites, counters.records_rejected), (2, 1, 6));
}

#[tokio::test]
async fn the_journal_holds_no_contents_and_a_fault_has_the_profiles_form() {
    let institution = Institution::strict().await;
    institution.push(item("a")).await;
    let fault = How { more: vec![("x-sim-fault", "code=50000,系统错误".to_owned())], ..institution.carefully() };
    let refused = institution.send_as(&fault, "GET", "/openapi/v1/resources/a", "").await;
    assert_eq!(refused.json(), json!({"code": 50000, "message": "系统错误", "data": {}}));
    let journal = call(institution.address(), "GET", "/_sim/journal").await.json();
    assert_eq!(journal[0]["operation"], "resource.push");
    assert_eq!(journal[1]["path"], "/openapi/v1/resources/{extId}");
    assert!(!journal.to_string().contains("模拟活动") && !journal.to_string().contains(DEMO_ACCESS_KEY), "{journal}");
    institution.simulator.reset();
    assert_eq!(institution.profile().resources(), []);
}
