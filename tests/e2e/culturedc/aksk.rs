//! The life of the AK/SK (A4): warned of, held to, renewed by a person, and gone on with. The upstream has no interface
//! for any of it.

use duijie_tests::{
    harness::Host,
    upstreams::{Culturedc, culturedc::DEMO_ACCESS_KEY},
};
use http::Method;
use serde_json::{Value, json};

use super::{Docked, LINK, docked, docked_with, link, row, setup, toml_of, upstream_calls};

const METRIC: &str = "duijie_credential_expires_seconds";

/// A day in China, so many days ago.
fn day(days_ago: i64) -> String {
    let there = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(8 - 24 * days_ago);
    there.strftime("%Y-%m-%d").to_string()
}

/// Changes to a link whose AK/SK was issued so many days ago.
pub(crate) fn issued(days_ago: i64) -> Value {
    let term = json!({ "issued_at": day(days_ago), "valid_days": 30, "warn_days": [7, 3, 1] });
    json!({ "secrets": { "secret_key": term } })
}

async fn expired() -> Docked {
    let docked = docked_with(Culturedc::builder(), &issued(31)).await;
    docked.sim.profile().expire_key(DEMO_ACCESS_KEY);
    docked
}

async fn credential(host: &Host, link: &str) -> Value {
    host.get(&format!("/v1/links/{link}")).await.expect(200)["credentials"][0].clone()
}

/// Seconds that the metric says are left.
async fn seconds_left(host: &Host, link: &str) -> f64 {
    let metrics = host.admin(Method::GET, "/metrics").send().await.text();
    let sample = format!("{METRIC}{{link=\"{link}\",slot=\"secret_key\"}} ");
    let value = metrics.lines().find_map(|line| line.strip_prefix(sample.as_str()));
    value.unwrap_or_else(|| panic!("no {sample} in {metrics}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_aksk_holds_every_call_until_its_renewal_is_confirmed_and_then_they_pass() {
    let docked = expired().await;
    for (operation, input) in upstream_calls() {
        let answer = docked.call(operation, &input).await;
        let problem = answer.problem(503, "auth-expired", "not-sent");
        assert_eq!((answer.header("retry-after"), &problem["retryable"]), ("60", &json!(true)));
        assert!(problem["detail"].as_str().unwrap().contains("aksk.renewed"), "what to do is said: {problem}");
    }
    assert_eq!(docked.sim.counters().requests.values().sum::<u64>(), 0, "nothing reaches the upstream");
    let told = docked.get("aksk.status", &json!({})).await;
    assert_eq!((&told["expired"], &told["held"], &told["daysLeft"]), (&json!(true), &json!(true), &json!(0)));

    docked.sim.profile().renew_key(DEMO_ACCESS_KEY);
    let told = docked.get("aksk.renewed", &json!({})).await;
    assert_eq!((&told["expired"], &told["held"], &told["daysLeft"]), (&json!(false), &json!(false), &json!(29)));
    for (operation, input) in upstream_calls() {
        docked.get(operation, &input).await;
    }
    assert_eq!(docked.requests("resource.push"), 2);
    assert_eq!(credential(&docked.host, LINK).await["state"], "valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_renewal_outlives_a_restart() {
    let Docked { host, sim } = expired().await;
    sim.profile().renew_key(DEMO_ACCESS_KEY);
    host.call(LINK, "aksk.renewed", &json!({ "issuedAt": day(1) })).await.expect(200);
    let host = host.terminate().await.start().await;
    host.until("the link to serve", |all| all.link_state(LINK) == "serving").await;
    host.call(LINK, "resource.push", &row("news", "a")).await.expect(200);
    let told = host.call(LINK, "aksk.status", &json!({})).await.expect(200);
    assert_eq!(told["issuedAt"], format!("{}T00:00:00+08:00", day(1)));
    assert!(seconds_left(&host, LINK).await > 27.9 * 86_400.0, "the metric starts anew with the renewal");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_warned_seven_three_and_one_days_before_and_at_the_end() {
    let sim = Culturedc::builder().start().await.unwrap();
    // Issued in the morning of a day, it has up to a day less.
    let links = [
        ("fresh", 20, None),
        ("seven", 23, Some(7)),
        ("three", 27, Some(3)),
        ("one", 29, Some(1)),
        ("over", 31, Some(0)),
    ];
    let mut setup = setup();
    for (name, days_ago, _) in links {
        setup = setup.link(&format!("cc/{name}"), &toml_of(&link(&sim.url(), &issued(days_ago))));
    }
    let host = setup.start().await;
    host.until("all links to serve", |all| all.all_serving()).await;
    for (name, days_ago, warning) in links {
        let id = format!("cc.{name}");
        let state = match warning {
            None => "valid",
            Some(0) => "expired",
            Some(_) => "expiring",
        };
        let credential = credential(&host, &id).await;
        assert_eq!((&credential["slot"], &credential["state"]), (&json!("secret_key"), &json!(state)), "{id}");
        let text = match warning {
            Some(0) => "credential expired".to_owned(),
            Some(days) => format!("\"within_days\":{days}"),
            None => continue,
        };
        let says = |line: &str| line.contains(&text) && line.contains(&format!("\"{id}\""));
        host.until_logged(&format!("the warning of {id}"), |log| log.lines().any(says)).await;
        let days = seconds_left(&host, &id).await / 86_400.0;
        let expected = (30 - days_ago) as f64;
        assert!(days <= expected && days > expected - 1.1, "{id}: {days} days");
    }
    assert!(!host.log.text().lines().any(|line| line.contains("cc.fresh") && line.contains("credential expire")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_thirty_days_from_the_day_of_issue_in_china() {
    let docked = docked_with(Culturedc::builder(), &issued(10)).await;
    let told = docked.get("aksk.status", &json!({})).await;
    assert_eq!((&told["tracked"], &told["onExpired"]), (&json!(true), &json!("hold")));
    assert_eq!(told["issuedAt"], format!("{}T00:00:00+08:00", day(10)));
    assert_eq!(told["expiresAt"], format!("{}T00:00:00+08:00", day(-20)));
    assert_eq!(credential(&docked.host, LINK).await["expires_at"], told["expiresAt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_may_send_under_an_expired_aksk_and_the_upstream_then_refuses() {
    let mut changes = issued(31);
    changes["config"] = json!({ "aksk": { "on_expired": "send" } });
    let docked = docked_with(Culturedc::builder(), &changes).await;
    docked.get("resource.push", &row("news", "a")).await;
    docked.sim.profile().expire_key(DEMO_ACCESS_KEY);
    let problem = docked.call("resource.push", &row("news", "b")).await.problem(503, "auth-expired", "rejected");
    assert_eq!(problem["upstream_code"], "40110");
    let told = docked.get("aksk.status", &json!({})).await;
    assert_eq!((&told["expired"], &told["held"]), (&json!(true), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_ended_earlier_than_the_link_knows_is_auth_expired_and_not_sent_twice() {
    let docked = docked_with(Culturedc::builder(), &issued(1)).await;
    docked.sim.profile().expire_key(DEMO_ACCESS_KEY);
    let problem = docked.call("resource.push", &row("news", "a")).await.problem(503, "auth-expired", "rejected");
    assert_eq!((&problem["upstream_code"], docked.requests("resource.push")), (&json!("40110"), 1));
    docked.sim.profile().renew_key(DEMO_ACCESS_KEY);
    docked.get("resource.push", &row("news", "a")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_at_an_impossible_time_is_refused_and_changes_nothing() {
    let docked = expired().await;
    for at in [day(40).as_str(), day(-3).as_str(), "2026-02-30", "20261101xx"] {
        docked.call("aksk.renewed", &json!({ "issuedAt": at })).await.problem(422, "invalid-input", "not-sent");
    }
    docked.call("resource.push", &row("news", "a")).await.problem(503, "auth-expired", "not-sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aksk_without_a_date_is_not_tracked_and_holds_nothing() {
    let docked = docked().await;
    let told = docked.get("aksk.status", &json!({})).await;
    let nothing = json!({
        "tracked": false, "issuedAt": null, "expiresAt": null, "daysLeft": null, "expired": false, "held": false,
        "onExpired": "hold",
    });
    assert_eq!(told, nothing);
    docked.get("resource.push", &row("news", "a")).await;
}
