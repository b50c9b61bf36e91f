//! One resource at a time: the document's bodies both ways, and what is refused before anything is sent.

use duijie_sdk::{Class, Outcome};
use serde_json::{Value, json};

use super::{BASE, RESOURCES, activity, call, config, golden, host, is, pointers, refused, row, taken, with};

#[test]
fn a_push_is_the_documents_body_and_its_answer_is_read() {
    let host = host(config());
    host.on("POST", RESOURCES).reply(200, golden(include_str!("../golden/push.reply.json")));
    let pushed = call(&host, "resource.push", activity()).unwrap();
    let sent = host.requests().remove(0);
    assert_eq!(sent.text(), include_str!("../golden/push.request.json").trim());
    assert_eq!(sent.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(
        pushed,
        json!({ "extId": "ACT-20240301-01", "id": "R10001", "state": "submitted", "upstreamState": "submitted" })
    );
}

#[test]
fn members_that_are_left_out_are_not_sent() {
    let host = host(config());
    host.on("POST", RESOURCES).reply(200, taken(&["n1"]));
    call(&host, "resource.push", row("n1")).unwrap();
    assert_eq!(host.requests().remove(0).text(), r#"{"type":"news","items":[{"extId":"n1","title":"讲座"}]}"#);
}

#[test]
fn everything_wrong_is_told_at_once_without_values_and_nothing_is_sent() {
    let host = host(with(json!({ "categories": { "news": "news" } })));
    let failure = refused(
        &host,
        "resource.push",
        json!({
            "category": "activity", "extId": "..", "title": "题".repeat(51), "cover": "ftp://img.example/a",
            "url": "javascript:alert(1)", "regionCode": "33020", "startTime": "2024-02-30 10:00:00", "extra": { "host": "甄测生" },
        }),
    );
    is(&failure, Class::InvalidInput, Outcome::NotSent);
    assert_eq!(
        pointers(&failure),
        ["/category", "/extId", "/title", "/cover", "/url", "/regionCode", "/startTime", "/extra"]
    );
    let told = format!("{}{:?}", failure.message, failure.detail);
    assert!(!told.contains("题题") && !told.contains("甄测生") && !told.contains("33020\""), "{told}");
    assert!(host.requests().is_empty());
}

#[test]
fn an_end_before_its_beginning_is_refused() {
    let mut backwards = activity();
    backwards["endTime"] = json!("2024-03-09 13:59:59");
    assert_eq!(pointers(&refused(&host(config()), "resource.push", backwards)), ["/endTime"]);
}

#[test]
fn names_are_counted_in_unicode_characters_and_addresses_in_bytes_after_encoding() {
    let url = |path: &str| format!("https://a.example/{path}");
    let try_push = |title: String, url: String| {
        let host = host(config());
        host.on("POST", RESOURCES).reply(200, taken(&["x"]));
        call(&host, "resource.push", json!({ "category": "news", "extId": "x", "title": title, "url": url }))
    };
    assert!(try_push("𠮷".repeat(50), url("a")).is_ok());
    assert_eq!(pointers(&try_push("a".repeat(51), url("a")).unwrap_err()), ["/title"]);
    let prefix = url("").len();
    assert!(try_push("t".into(), url(&"a".repeat(255 - prefix))).is_ok());
    assert!(try_push("t".into(), url(&"a".repeat(256 - prefix))).is_err());
    // One Chinese character is nine bytes once encoded.
    let fits = (255 - prefix) / 9;
    assert!(try_push("t".into(), url(&"文".repeat(fits))).is_ok());
    assert_eq!(pointers(&try_push("t".into(), url(&"文".repeat(fits + 1))).unwrap_err()), ["/url"]);
}

#[test]
fn the_limits_are_the_links() {
    let host = host(with(json!({ "limits": { "name": 2, "url": 300 } })));
    assert_eq!(
        pointers(&refused(&host, "resource.push", json!({ "category": "news", "extId": "x", "title": "三个字" }))),
        ["/title"]
    );
}

#[test]
fn every_category_is_sent_by_the_upstreams_word() {
    for category in ["news", "live", "activity", "venue", "room", "course", "book", "market", "ebook", "audio", "video"]
    {
        let host = host(config());
        host.on("POST", RESOURCES).reply(200, taken(&["x"]));
        call(&host, "resource.push", json!({ "category": category, "extId": "x", "title": "t" })).unwrap();
        assert_eq!(host.requests().remove(0).json()["type"], category);
    }
    let host = host(with(json!({ "categories": { "book": "读好书" } })));
    host.on("POST", RESOURCES).reply(200, taken(&["x"]));
    call(&host, "resource.push", json!({ "category": "book", "extId": "x", "title": "t" })).unwrap();
    assert_eq!(host.requests().remove(0).json()["type"], "读好书");
}

#[test]
fn a_published_resource_can_be_neither_changed_nor_deleted() {
    let host = host(config());
    host.on("DELETE", &format!("{RESOURCES}/a"))
        .reply(200, golden(include_str!("../golden/delete.published.reply.json")));
    let refusal = json!({ "extId": "a", "code": 40901, "message": "已发布" });
    host.on("POST", RESOURCES).reply(200, json!({ "code": 0, "data": { "results": [refusal] } }));
    for (operation, input) in [("resource.delete", json!({ "extId": "a" })), ("resource.push", row("a"))] {
        let failure = refused(&host, operation, input);
        is(&failure, Class::UpstreamRejected, Outcome::Rejected);
        assert_eq!(failure.upstream_code.as_deref(), Some("40901"));
        assert_eq!(failure.detail_json(), json!({ "sub_code": "published-immutable" }));
    }
}

#[test]
fn a_deletion_says_which() {
    let host = host(config());
    host.on("DELETE", &format!("{RESOURCES}/a")).reply(200, json!({ "code": 0, "message": "ok", "data": {} }));
    assert_eq!(
        call(&host, "resource.delete", json!({ "extId": "a" })).unwrap(),
        json!({ "extId": "a", "deleted": true })
    );
    assert_eq!(host.requests().remove(0).text(), "");
}

#[test]
fn the_review_state_is_told_with_the_reviewers_note() {
    let host = host(config());
    host.on("GET", &format!("{RESOURCES}/ACT-20240301-01"))
        .reply(200, golden(include_str!("../golden/status.reply.json")));
    assert_eq!(
        call(&host, "resource.status", json!({ "extId": "ACT-20240301-01" })).unwrap(),
        json!({
            "extId": "ACT-20240301-01", "id": "R10001", "state": "rejected", "upstreamState": "rejected",
            "reviewNote": "封面图不清晰", "final": true,
        })
    );
}

#[test]
fn submitted_is_not_published() {
    for (word, state, is_final) in [
        ("draft", "draft", false),
        ("submitted", "submitted", false),
        ("published", "published", true),
        ("下架", "other", false),
    ] {
        let host = host(config());
        host.on("GET", &format!("{RESOURCES}/a")).reply(200, json!({ "code": 0, "data": { "state": word } }));
        let status = call(&host, "resource.status", json!({ "extId": "a" })).unwrap();
        assert_eq!((&status["state"], &status["final"]), (&json!(state), &json!(is_final)), "{word}");
        assert_eq!(status["upstreamState"], word);
    }
}

#[test]
fn an_id_is_encoded_in_a_path_and_one_of_dots_is_refused() {
    let host = host(config());
    host.on("GET", &format!("{RESOURCES}/a%2F%E6%96%87%3F"))
        .reply(200, json!({ "code": 0, "data": { "state": "draft" } }));
    assert!(call(&host, "resource.status", json!({ "extId": "a/文?" })).is_ok());
    for operation in ["resource.status", "resource.delete"] {
        for bad in ["..", ".", "a\nb"] {
            let failure = refused(&host, operation, json!({ "extId": bad }));
            is(&failure, Class::InvalidInput, Outcome::NotSent);
            assert_eq!(pointers(&failure), ["/extId"]);
        }
    }
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn licensed_resources_come_in_pages() {
    let host = host(config());
    host.on("GET", &format!("{BASE}/openapi/v1/licensed"))
        .reply(200, golden(include_str!("../golden/fetch.reply.json")));
    let page = call(&host, "resource.fetch", json!({ "page": 1, "size": 2 })).unwrap();
    assert_eq!(host.requests().remove(0).url, format!("{BASE}/openapi/v1/licensed?page=1&size=2"));
    assert_eq!((&page["total"], &page["page"], &page["has_more"]), (&json!(3), &json!(1), &json!(true)));
    assert_eq!(
        page["items"][0],
        json!({
            "id": "L1", "category": "video", "upstreamType": "video", "title": "昆曲公开课",
            "url": "https://www.culturedc.cn/v/1", "licenseUntil": "2026-12-31",
        })
    );
    assert_eq!((&page["items"][1]["category"], &page["items"][1]["upstreamType"]), (&Value::Null, &json!("vr")));
}

#[test]
fn numbers_as_text_and_trailing_commas_are_understood() {
    let host = host(config());
    let loose = "\u{feff}{\"code\":\"0\",\"data\":{\"total\":\"1\",\"items\":[{\"id\":7,\"title\":\"t\",},]}}";
    host.on("GET", &format!("{BASE}/openapi/v1/licensed")).reply_text(200, "text/html", loose);
    let page = call(&host, "resource.fetch", json!({})).unwrap();
    assert_eq!((&page["items"][0]["id"], &page["has_more"]), (&json!("7"), &json!(false)));
}
