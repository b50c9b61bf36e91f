//! Many rows in one call (way b by API): chunks, bad rows, failing chunks, and what may be sent again.

use duijie_tests::upstreams::{Culturedc, Rule, culturedc::State};
use serde_json::{Value, json};

use super::{activity, docked, docked_with, row};
use crate::support::parse;

fn rows(count: usize) -> Vec<Value> {
    (0..count).map(|n| row("activity", &format!("r{n:03}"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_rows_arrive_in_chunks_and_are_told_in_order() {
    let docked = docked().await;
    let told = docked.get("resource.push-batch", &json!({ "rows": rows(500) })).await;
    assert_eq!((&told["accepted"], &told["failed"]), (&json!(500), &json!(0)));
    let results = told["results"].as_array().unwrap();
    for (n, result) in results.iter().enumerate() {
        assert_eq!(result["extId"], format!("r{n:03}"));
        assert_eq!((&result["state"], &result["outcome"]), (&json!("submitted"), &json!("done")), "{result}");
        assert_eq!(result["id"], docked.kept(&format!("r{n:03}")).id);
    }
    assert_eq!((results.len(), docked.requests("resource.push")), (500, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_rows_are_told_by_row_and_field_and_the_good_ones_arrive() {
    let docked = docked().await;
    let mut wrong = activity("bad");
    wrong["url"] = "www.campus.example".into();
    wrong["startTime"] = "3月9日".into();
    let batch = json!({ "rows": [row("news", "a"), wrong, activity("b"), row("news", "a")] });
    let told = docked.get("resource.push-batch", &batch).await;
    assert_eq!((&told["accepted"], &told["failed"]), (&json!(2), &json!(2)));
    let pointers = |row: usize| -> Vec<String> {
        let fields = told["results"][row]["fields"].as_array().unwrap().iter();
        let mut pointers: Vec<String> = fields.map(|field| field["pointer"].as_str().unwrap().to_owned()).collect();
        pointers.sort();
        pointers
    };
    assert_eq!(pointers(1), ["/rows/1/startTime", "/rows/1/url"]);
    assert_eq!(pointers(3), ["/rows/3/extId"]);
    for row in [1, 3] {
        let result = &told["results"][row];
        assert_eq!((&result["class"], &result["outcome"]), (&json!("invalid-input"), &json!("not-sent")));
    }
    let kept: Vec<_> = docked.sim.profile().resources().into_iter().map(|kept| (kept.ext_id, kept.category)).collect();
    assert_eq!(kept, [("a".to_owned(), "news".to_owned()), ("b".to_owned(), "activity".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_fails_marks_its_rows_and_only_they_need_to_be_sent_again() {
    let docked = docked().await;
    docked.sim.faults().add(Rule::new(parse("status=503,7")).operation("resource.push").once());
    let all = rows(120);
    let told = docked.get("resource.push-batch", &json!({ "rows": all })).await;
    let failed: Vec<&Value> = told["results"].as_array().unwrap().iter().filter(|row| row["ok"] == false).collect();
    for result in &failed {
        assert_eq!((&result["class"], &result["outcome"]), (&json!("unavailable"), &json!("unknown")), "{result}");
    }
    assert_eq!((docked.requests("resource.push"), told["retryAfterMs"].as_u64()), (3, Some(7_000)));
    assert_eq!(docked.sim.profile().resources().len(), 120 - failed.len());
    assert!([20, 50].contains(&failed.len()), "one chunk: {}", failed.len());
    let again: Vec<Value> =
        all.into_iter().filter(|row| failed.iter().any(|result| result["extId"] == row["extId"])).collect();
    let told = docked.get("resource.push-batch", &json!({ "rows": again })).await;
    assert_eq!((&told["failed"], docked.sim.profile().resources().len()), (&json!(0), 120));
    assert_eq!(docked.sim.counters().overwrites, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_row_is_refused_as_such_and_its_neighbours_arrive() {
    let docked = docked().await;
    docked.get("resource.push", &row("news", "b")).await;
    docked.sim.profile().review("b", State::Published, "");
    let batch = json!({ "rows": [row("news", "a"), row("news", "b"), row("news", "c")] });
    let told = docked.get("resource.push-batch", &batch).await;
    assert_eq!((&told["accepted"], &told["failed"]), (&json!(2), &json!(1)));
    let refused = &told["results"][1];
    assert_eq!((&refused["class"], &refused["outcome"]), (&json!("upstream-rejected"), &json!("rejected")));
    assert_eq!((&refused["upstreamCode"], &refused["subCode"]), (&json!("40901"), &json!("published-immutable")));
    assert_eq!((docked.kept("b").versions, docked.kept("a").versions, docked.kept("c").versions), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_rows_says_the_same_and_sends_nothing() {
    let docked = docked().await;
    let mut wrong = row("news", "b");
    wrong["title"] = "名".repeat(51).into();
    let told =
        docked.get("resource.push-batch", &json!({ "rows": [row("news", "a"), wrong], "checkOnly": true })).await;
    assert_eq!((&told["accepted"], &told["failed"]), (&json!(1), &json!(1)));
    assert_eq!(told["results"][1]["fields"][0]["pointer"], "/rows/1/title");
    assert_eq!(docked.requests("resource.push"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_over_the_links_rate_are_held_back_and_told_when_to_come_again() {
    let config = json!({ "config": { "rate": { "per_min": 2 }, "batch": { "size": 10 } } });
    let docked = docked_with(Culturedc::builder(), &config).await;
    let told = docked.get("resource.push-batch", &json!({ "rows": rows(50) })).await;
    assert_eq!((&told["accepted"], &told["failed"]), (&json!(20), &json!(30)));
    assert!((1..=60_000).contains(&told["retryAfterMs"].as_u64().unwrap()), "{}", told["retryAfterMs"]);
    for (n, result) in told["results"].as_array().unwrap().iter().enumerate() {
        assert_eq!(result["ok"], n < 20, "the end of the sheet is what waits: {result}");
    }
    let held = &told["results"][49];
    assert_eq!((&held["class"], &held["outcome"]), (&json!("rate-limited"), &json!("not-sent")));
    assert_eq!((docked.requests("resource.push"), docked.sim.profile().resources().len()), (2, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_over_the_upstreams_own_rate_are_rejected_and_may_be_sent_again() {
    let config = json!({ "config": { "batch": { "size": 10 } } });
    let docked = docked_with(Culturedc::builder(), &config).await;
    docked.sim.faults().add(Rule::new(parse("code=42901,调用过于频繁")).operation("resource.push").times(2));
    let told = docked.get("resource.push-batch", &json!({ "rows": rows(50) })).await;
    assert_eq!((&told["accepted"], &told["failed"]), (&json!(30), &json!(20)));
    let refused = told["results"].as_array().unwrap().iter().filter(|row| row["class"] == "rate-limited");
    assert!(refused.clone().all(|row| row["outcome"] == "rejected"));
    assert_eq!(refused.count(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_or_too_many_rows_are_refused_before_anything_is_sent() {
    let docked = docked().await;
    for rows in [rows(0), rows(501)] {
        docked.call("resource.push-batch", &json!({ "rows": rows })).await.problem(422, "invalid-input", "not-sent");
    }
    assert_eq!(docked.requests("resource.push"), 0);
}
