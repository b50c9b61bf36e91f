//! Usage numbers (layer ③): one day, overwritten when it is reported again, and never anything about a user.

use duijie_tests::upstreams::{Culturedc, culturedc::DEMO_ACCESS_KEY};
use serde_json::{Value, json};

use super::{docked, docked_with};

fn day(pv: u64) -> Value {
    json!({ "date": "2024-03-01", "pv": pv, "uv": 2, "ip": 1 })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_of_a_day_arrive_and_the_same_day_again_overwrites_them() {
    let docked = docked().await;
    for (pv, times) in [(10, 1), (12, 2)] {
        let told = docked.get("stats.report", &day(pv)).await;
        assert_eq!(told, json!({ "date": "2024-03-01", "accepted": true }));
        let kept = docked.sim.profile().day(DEMO_ACCESS_KEY, "2024-03-01").unwrap();
        assert_eq!((kept.numbers["pv"], kept.numbers["uv"], kept.numbers["ip"], kept.times), (pv, 2, 1, times));
        assert_eq!(kept.numbers.len(), 3, "what the platform leaves out is not sent");
    }
    let counters = docked.sim.counters();
    assert_eq!((counters.records_accepted, counters.overwrites), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_whose_answer_was_lost_is_sent_again_without_harm() {
    let docked = docked().await;
    docked.fault("stats.report", "reset-after");
    docked.call("stats.report", &day(10)).await.problem(503, "unavailable", "unknown");
    docked.sim.faults().clear();
    docked.get("stats.report", &day(10)).await;
    let kept = docked.sim.profile().day(DEMO_ACCESS_KEY, "2024-03-01").unwrap();
    assert_eq!((kept.numbers["pv"], kept.times), (10, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn added_activities_and_venues_are_numbers_that_a_link_may_require() {
    let fields = json!({ "config": { "stats": { "fields": ["pv", "newActivities", "newVenues"] } } });
    let docked = docked_with(Culturedc::builder().quirky(), &fields).await;
    let problem = docked.call("stats.report", &day(1)).await.problem(422, "invalid-input", "not-sent");
    let details = problem["details"].to_string();
    assert!(details.contains("/newActivities") && details.contains("/newVenues"), "{details}");
    let mut full = day(1);
    full["newActivities"] = json!(4);
    full["newVenues"] = json!(0);
    docked.get("stats.report", &full).await;
    let kept = docked.sim.profile().day(DEMO_ACCESS_KEY, "2024-03-01").unwrap();
    assert_eq!((kept.numbers["newActivities"], kept.numbers["newVenues"]), (4, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_does_not_exist_or_has_not_begun_and_numbers_that_are_none_are_refused() {
    let docked = docked().await;
    for (field, value) in [
        ("date", json!("2024-02-30")),
        ("date", json!("2999-01-01")),
        ("date", json!("20240301")),
        ("pv", json!(-1)),
        ("pv", json!(1.5)),
        ("pv", Value::Null),
        ("userId", json!("u1")),
    ] {
        let mut wrong = day(1);
        wrong[field] = value.clone();
        let answer = docked.call("stats.report", &wrong).await;
        answer.problem(422, "invalid-input", "not-sent");
        assert!(
            answer.text().contains(&format!("/{field}")) || field == "userId",
            "{field} {value}: {}",
            answer.text()
        );
    }
    assert_eq!(docked.requests("stats.report"), 0);
}
