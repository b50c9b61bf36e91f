//! The log-in (1.1): one for all calls, a new one when the upstream forgets, and never a request with a password that the
//! upstream refuses.

use duijie_tests::upstreams::{SkillTrain, skill_train::DEMO_ACCOUNT};
use futures_util::future::join_all;
use serde_json::json;

use super::{Docked, docked, docked_from, docked_with, setup, viewing};

/// Fifty calls at once, of fifty learners; all are answered.
async fn fifty(docked: &Docked) {
    let calls = (0..50).map(|n| async move { docked.call("popup.get", &viewing(n)).await });
    for answer in join_all(calls).await {
        answer.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_logs_in_anew_and_says_who_we_are_and_until_when() {
    let docked = docked().await;
    for logins in 1..=2 {
        let checked = docked.done("token.check", &json!({})).await;
        assert_eq!(checked["studyPlatformCode"], SkillTrain::platform_code(DEMO_ACCOUNT));
        assert_eq!(checked["studyPlatformName"], "模拟学习平台 demo-academy");
        let ends: jiff::Timestamp = checked["expiresAt"].as_str().unwrap().parse().unwrap();
        assert!((7000..=7200).contains(&ends.duration_since(jiff::Timestamp::now()).as_secs()), "{checked}");
        assert_eq!(docked.sim.counters().tokens_issued, logins);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_parallel_calls_without_a_token_log_in_once() {
    let docked = docked().await;
    fifty(&docked).await;
    assert_eq!((docked.seen("login"), docked.seen("popup.get")), (1, 50));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_parallel_calls_with_a_token_that_the_upstream_has_forgotten_log_in_once_more() {
    let docked = docked().await;
    fifty(&docked).await;
    // Nobody tells us.
    assert_eq!(docked.sim.revoke_tokens(), 1);
    fifty(&docked).await;
    assert_eq!(docked.seen("login"), 2, "one at first, one for the fifty");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_past_its_two_hours_is_replaced_and_the_request_sent_once_more() {
    let docked = docked().await;
    docked.accepted("study.start", &super::start(1)).await;
    docked.fault_once("study.end", "clock-skew=7300");
    let output = docked.done("study.end", &viewing(1)).await;
    assert_eq!(output["attempt"], 2);
    let counters = docked.sim.counters();
    assert_eq!(
        (counters.requests_of("login"), counters.requests_of("study.end"), counters.token_rejections),
        (2, 2, 1)
    );
    assert_eq!(docked.sim.profile().studies()[0].ends, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_before_its_end_by_the_links_word_alone() {
    // Half of one second is over before the host has answered twice; the upstream would take the old one for hours.
    let docked = docked_with(SkillTrain::builder(), |academy| academy.config("token.ttl_s = 1")).await;
    docked.done("popup.get", &viewing(1)).await;
    duijie_tests::harness::eventually("a second log-in", async || {
        docked.done("popup.get", &viewing(1)).await;
        docked.seen("login") >= 2
    })
    .await;
    assert_eq!(docked.sim.counters().token_rejections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_auth_failed_and_fifty_calls_do_not_try_it_fifty_times() {
    let setup = setup().env("ACADEMY_PASSWORD", "not-the-password");
    let docked = docked_from(setup, SkillTrain::builder(), |academy| academy.toml()).await;
    // Long enough for the fifty to meet.
    docked.fault("login", "latency=500");
    let calls = (0..50).map(|n| {
        let docked = &docked;
        async move { docked.call("popup.get", &viewing(n)).await }
    });
    for answer in join_all(calls).await {
        let problem = answer.problem(502, "auth-failed", "not-sent");
        assert_eq!((&problem["upstream_code"], &problem["retryable"]), (&json!("1101"), &json!(false)));
    }
    assert_eq!(docked.seen("popup.get"), 0);
    assert!(docked.seen("login") < 50, "an account refused again and again is soon blocked");
}
