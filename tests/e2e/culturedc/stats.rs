//! Usage numbers (layer ③): one day, overwritten when it is reported again, and never anything about a user.

use std::net::{Ipv4Addr, SocketAddr};

use duijie_tests::{
    harness::eventually,
    platform::{self, Platform},
    upstreams::{
        Culturedc,
        culturedc::{DEMO_ACCESS_KEY, Day},
    },
};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Docked, docked, docked_with, setup, start};

/// What the platform is asked.
const EVENT: &str = "duijie.culturedc.stats.day";

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

/// An institution whose platform is asked for numbers, and whose link reports them by itself every second: cron's grain
/// is a minute, and a sixth field makes this quick.
async fn nightly() -> (Docked, Platform) {
    let campus = Platform::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let tables = json!({
        "platform": { "url": format!("{}/events", campus.url()), "secret": { "env": "PLATFORM_SECRET" } },
        "schedules": { "stats": { "operation": "stats.report", "cron": "* * * * * *", "input": {} } },
    });
    let setup = setup().env("PLATFORM_SECRET", platform::SECRET);
    (start(setup, Culturedc::builder().start().await.unwrap(), &tables).await, campus)
}

/// Yesterday in China. A test that runs over midnight there may find either.
fn yesterday() -> String {
    (Timestamp::now() + SignedDuration::from_hours(8 - 24)).strftime("%Y-%m-%d").to_string()
}

/// The runs of the schedule that ended so.
async fn runs(docked: &Docked, state: &str) -> usize {
    let page = docked.host.admin(Method::GET, "/v1/jobs?platform=schedule&limit=500").send().await.expect(200);
    page["jobs"].as_array().unwrap().iter().filter(|job| job["state"] == state).count()
}

/// What the upstream has of the day.
fn kept(docked: &Docked, date: &str) -> Option<Day> {
    docked.sim.profile().day(DEMO_ACCESS_KEY, date)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_asks_the_platform_for_yesterday_and_reports_the_day_once() {
    let before = yesterday();
    let (docked, campus) = nightly().await;
    campus.answer(EVENT, |_| (200, json!({ "pv": 30, "uv": 20, "ip": 10 })));
    eventually("a run that found nothing to do any more", async || runs(&docked, "done").await >= 3).await;
    if yesterday() != before {
        return;
    }
    let day = kept(&docked, &before).unwrap();
    assert_eq!((day.numbers["pv"], day.numbers["uv"], day.numbers["ip"], day.times), (30, 20, 10, 1));
    let asked: Vec<_> = campus.events().into_iter().filter(|event| event.data["date"] == before.as_str()).collect();
    // Runs may have come before the platform knew its answer.
    assert_eq!(asked.last().unwrap().data["fields"], json!(["pv", "uv", "ip"]));
    assert!(asked.iter().all(|event| event.kind == EVENT && event.id == asked[0].id), "one day, one id");
    assert_eq!((docked.requests("stats.report"), campus.refused()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_whose_numbers_the_platform_has_late_is_reported_when_it_has_them() {
    let before = yesterday();
    let (docked, campus) = nightly().await;
    campus.answer(EVENT, |_| (409, json!({ "title": "not counted yet" })));
    eventually("a run that was refused", async || runs(&docked, "failed").await >= 1).await;
    assert_eq!((kept(&docked, &before), docked.requests("stats.report")), (None, 0));
    campus.answer(EVENT, |_| (200, json!({ "date": yesterday(), "pv": 3, "uv": 2, "ip": 1 })));
    eventually("the day", async || kept(&docked, &before).is_some() || yesterday() != before).await;
    eventually("another run", async || runs(&docked, "done").await >= 2).await;
    if yesterday() == before {
        assert_eq!(kept(&docked, &before).unwrap().times, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_platform_a_day_needs_its_numbers_in_the_call() {
    let docked = docked().await;
    for input in [json!({}), json!({ "date": "2024-03-01" })] {
        docked.call("stats.report", &input).await.problem(500, "config", "not-sent");
    }
    docked.get("stats.report", &json!({ "pv": 3, "uv": 2, "ip": 1 })).await;
    assert_eq!(docked.requests("stats.report"), 1);
}
