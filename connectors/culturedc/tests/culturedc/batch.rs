//! Rows of a sheet: chunks, results in the order of the rows, and chunks that fail.

use culturedc::CultureDc;
use duijie_sdk::{
    Class, Outcome,
    http::{HttpErrorKind, Response},
    testing::{Sent, TestHost},
};
use serde_json::{Value, json};

use super::{RESOURCES, call, config, host, is, refused, row, taken, with};

/// An upstream that takes whatever comes.
fn takes(request: &Sent) -> Response {
    let items = request.json()["items"].clone();
    let ids: Vec<_> = items.as_array().unwrap().iter().map(|item| item["extId"].as_str().unwrap().to_owned()).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    Response { status: 200, headers: Vec::new(), body: taken(&ids).to_string().into_bytes() }
}

fn rows(count: usize) -> Value {
    json!((0..count).map(|number| row(&format!("r{number}"))).collect::<Vec<_>>())
}

fn sizes(host: &TestHost) -> Vec<usize> {
    host.requests().iter().map(|sent| sent.json()["items"].as_array().unwrap().len()).collect()
}

fn results(pushed: &Value, member: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    pushed["results"].as_array().unwrap().iter().map(|result| text(&result[member])).collect()
}

#[test]
fn five_hundred_rows_go_in_chunks_and_come_back_in_order() {
    let host = host(config());
    host.on("POST", RESOURCES).reply_by(takes);
    let pushed = call(&host, "resource.push-batch", json!({ "rows": rows(500) })).unwrap();
    assert_eq!(sizes(&host), [50; 10]);
    assert_eq!((&pushed["accepted"], &pushed["failed"]), (&json!(500), &json!(0)));
    let expected: Vec<_> = (0..500).map(|number| format!("r{number}")).collect();
    assert_eq!(results(&pushed, "extId"), expected);
    assert!(results(&pushed, "outcome").iter().all(|outcome| outcome == "done"));
    assert_eq!(pushed["results"][499]["id"], "R-r499");
}

#[test]
fn a_chunk_holds_one_category() {
    let host = host(with(json!({ "batch": { "size": 2 } })));
    host.on("POST", RESOURCES).reply_by(takes);
    let mut mixed = rows(5);
    mixed[1]["category"] = json!("video");
    let pushed = call(&host, "resource.push-batch", json!({ "rows": mixed })).unwrap();
    let sent: Vec<_> = host.requests().iter().map(|sent| sent.json()["type"].clone()).collect();
    assert_eq!((sent, sizes(&host)), (vec![json!("news"), json!("video"), json!("news")], vec![2, 1, 2]));
    assert_eq!(results(&pushed, "extId"), ["r0", "r1", "r2", "r3", "r4"]);
}

#[test]
fn a_chunk_that_fails_marks_its_rows_and_the_others_go_on() {
    let host = host(with(json!({ "batch": { "size": 1 } })));
    host.on("POST", RESOURCES)
        .reply(200, taken(&["r0"]))
        .fail(HttpErrorKind::Connect("refused".to_owned()), false)
        .fail(HttpErrorKind::Reset("by peer".to_owned()), true)
        .reply(429, json!({}))
        .reply(200, json!({ "code": 40001, "message": "regionCode" }))
        .reply_text(200, "text/html", "<html>")
        .reply(200, taken(&["someone else"]));
    let pushed = call(&host, "resource.push-batch", json!({ "rows": rows(7) })).unwrap();
    assert_eq!(
        results(&pushed, "outcome"),
        ["done", "not-sent", "unknown", "rejected", "rejected", "unknown", "unknown"]
    );
    assert_eq!(
        results(&pushed, "class"),
        ["null", "unavailable", "unavailable", "rate-limited", "invalid-input", "protocol", "protocol"]
    );
    assert_eq!(pushed["results"][4]["upstreamCode"], "40001");
    assert_eq!((&pushed["accepted"], &pushed["failed"]), (&json!(1), &json!(6)));
}

#[test]
fn a_row_that_the_upstream_refuses_does_not_touch_its_neighbours() {
    let host = host(config());
    let mut reply = taken(&["r0", "r1", "r2"]);
    // In another order than sent: results are told apart by their ids.
    reply["data"]["results"] = json!([
        { "extId": "r2", "id": "R2", "state": "submitted", "code": 0 },
        { "extId": "r1", "code": 40901, "message": "已发布" },
        { "extId": "r0", "id": "R0", "state": "submitted", "code": "0" },
    ]);
    host.on("POST", RESOURCES).reply(200, reply);
    let pushed = call(&host, "resource.push-batch", json!({ "rows": rows(3) })).unwrap();
    assert_eq!(results(&pushed, "id"), ["R0", "null", "R2"]);
    let refused = &pushed["results"][1];
    assert_eq!((&refused["class"], &refused["subCode"]), (&json!("upstream-rejected"), &json!("published-immutable")));
}

#[test]
fn wrong_rows_are_marked_with_row_and_field_and_the_others_are_sent() {
    let host = host(config());
    host.on("POST", RESOURCES).reply_by(takes);
    let mut wrong = rows(4);
    wrong[1]["title"] = json!("题".repeat(51));
    wrong[2]["extId"] = json!("r0");
    let pushed = call(&host, "resource.push-batch", json!({ "rows": wrong })).unwrap();
    assert_eq!(results(&pushed, "ok"), ["true", "false", "false", "true"]);
    assert_eq!(pushed["results"][1]["fields"][0]["pointer"], "/rows/1/title");
    assert_eq!(pushed["results"][2]["fields"][0]["pointer"], "/rows/2/extId");
    assert_eq!(results(&pushed, "outcome"), ["done", "not-sent", "not-sent", "done"]);
    assert_eq!(sizes(&host), [2]);
}

#[test]
fn a_check_sends_nothing() {
    let host = host(config());
    let checked = call(&host, "resource.push-batch", json!({ "rows": rows(3), "checkOnly": true })).unwrap();
    assert_eq!((&checked["accepted"], results(&checked, "outcome")[0].as_str()), (&json!(3), "not-sent"));
    assert!(host.requests().is_empty() && host.kv_keys().is_empty());
}

#[test]
fn what_is_over_the_rate_is_held_back_and_may_be_sent_again() {
    let host = host(with(json!({ "batch": { "size": 1 }, "rate": { "per_min": 2 } })));
    host.set_now_ms(60_000 * 1000 + 15_000);
    host.on("POST", RESOURCES).reply_by(takes);
    let pushed = call(&host, "resource.push-batch", json!({ "rows": rows(3) })).unwrap();
    assert_eq!(results(&pushed, "outcome"), ["done", "done", "not-sent"]);
    assert_eq!((&pushed["results"][2]["class"], &pushed["retryAfterMs"]), (&json!("rate-limited"), &json!(45_000)));
    let failure = refused(&host, "resource.push-batch", json!({ "rows": rows(1) }));
    is(&failure, Class::RateLimited, Outcome::NotSent);
    assert_eq!(failure.retry_after_ms, Some(45_000));
    host.advance_ms(45_000);
    assert_eq!(call(&host, "resource.push-batch", json!({ "rows": rows(1) })).unwrap()["accepted"], 1);
}

#[test]
fn a_call_sends_no_more_than_thirty_two_requests() {
    let host = host(with(json!({ "batch": { "size": 1 }, "rate": { "per_min": 0 } })));
    host.on("POST", RESOURCES).reply_by(takes);
    let pushed = call(&host, "resource.push-batch", json!({ "rows": rows(40) })).unwrap();
    assert_eq!((host.requests().len(), &pushed["accepted"], &pushed["failed"]), (32, &json!(32), &json!(8)));
}

#[test]
fn long_texts_make_smaller_chunks() {
    let host = host(config());
    host.on("POST", RESOURCES).reply_by(takes);
    let mut long = rows(20);
    for row in long.as_array_mut().unwrap() {
        row["content"] = json!("文".repeat(50_000));
    }
    call(&host, "resource.push-batch", json!({ "rows": long })).unwrap();
    assert_eq!(sizes(&host), [5, 5, 5, 5]);
    assert!(host.requests().iter().all(|sent| sent.body.len() < 1 << 20));
}

#[test]
fn the_schema_bounds_a_batch() {
    let manifest = host(config()).describe::<CultureDc>();
    let operations = manifest["operations"].as_array().unwrap();
    let batch = operations.iter().find(|operation| operation["name"] == "resource.push-batch").unwrap();
    let validator = jsonschema::draft202012::new(&batch["input"]).unwrap();
    assert!(validator.is_valid(&json!({ "rows": rows(500) })));
    assert!(!validator.is_valid(&json!({ "rows": rows(501) })) && !validator.is_valid(&json!({ "rows": [] })));
}
