//! One test for each kind of fault: what the caller sees, and whether the record was stored.

use super::*;

/// Pushes one record under this fault: what the caller saw, and whether it was stored.
async fn push_under(fault: &str) -> (Result<Answer, Broken>, bool) {
    let college = College::strict().await;
    let seen = college.push_with(Endpoint::One, &fixtures::talk_one(1), &[("x-sim-fault", fault)]).await;
    let kind = fault.parse::<Fault>().expect("a fault").kind();
    let counters = college.simulator.counters();
    assert_eq!(counters.faults_of(kind), 1, "{fault} is counted");
    (seen, counters.records_accepted == 1)
}

async fn answer_under(fault: &str) -> (Answer, bool) {
    let (seen, stored) = push_under(fault).await;
    (seen.unwrap_or_else(|broken| panic!("{fault}: {broken:?}")), stored)
}

#[tokio::test]
async fn latency_delays_and_then_processes() {
    let begun = Instant::now();
    let (answer, stored) = answer_under("latency=40..60").await;
    assert!(begun.elapsed() >= Duration::from_millis(40));
    assert_eq!((answer.status, stored), (200, true));
}

#[tokio::test]
async fn clock_skew_ages_tokens_and_shows_in_the_date() {
    let (answer, stored) = answer_under("clock-skew=1801").await;
    assert_eq!((answer.status, &answer.json()["code"], stored), (401, &json!(codes::TOKEN_EXPIRED), false));
    let behind = answer_under("clock-skew=-86400").await.0;
    let ahead = answer_under("clock-skew=60").await.0;
    assert_ne!(behind.header("date").get(..16), ahead.header("date").get(..16), "a day apart");
}

#[tokio::test]
async fn revoke_token_makes_the_request_find_its_token_gone() {
    let (answer, stored) = answer_under("revoke-token").await;
    assert_eq!((answer.status, &answer.json()["code"], stored), (401, &json!(codes::TOKEN_UNKNOWN), false));
}

#[tokio::test]
async fn status_answers_without_processing() {
    for status in [401, 403, 429, 500, 502, 503, 504] {
        let (answer, stored) = answer_under(&format!("status={status}")).await;
        assert_eq!((answer.status, answer.header("retry-after"), stored), (status, "", false));
    }
    for after in ["7", "Fri, 31 Dec 1999 23:59:59 GMT", "1000000000", "-5", "soon"] {
        let (answer, _) = answer_under(&format!("status=429,{after}")).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, after));
    }
}

#[tokio::test]
async fn code_refuses_in_the_upstreams_own_form() {
    let (answer, stored) = answer_under("code=5001,busy").await;
    assert_eq!((answer.status, stored), (200, false));
    assert_eq!(answer.json(), json!({"code": 5001, "msg": "busy"}));
    assert_eq!(answer_under("code=E-17").await.0.json()["code"], "E-17");
}

#[tokio::test]
async fn redirect_points_elsewhere() {
    let (answer, stored) = answer_under("redirect=http://169.254.169.254/").await;
    assert_eq!((answer.status, answer.header("location"), stored), (302, "http://169.254.169.254/", false));
}

#[tokio::test]
async fn html_is_a_page_with_status_200() {
    let (answer, stored) = answer_under("html").await;
    assert_eq!((answer.status, answer.header("content-type"), stored), (200, "text/html;charset=UTF-8", false));
    assert!(answer.body.starts_with(b"<!DOCTYPE html>"));
}

#[tokio::test]
async fn huge_body_has_exactly_the_bytes_asked_for_and_announces_no_length() {
    let (answer, stored) = answer_under("huge-body=1000001").await;
    assert_eq!((answer.body.len(), answer.header("content-length"), stored), (1_000_001, "", false));
}

#[tokio::test]
async fn echo_gives_back_what_was_sent_and_the_journal_does_not() {
    let simulator = ZjGxsz::builder().start().await.expect("starts");
    let headers = [("authorization", "Bearer s3cr/+t=="), ("x-sim-fault", "echo"), ("x-many", "1"), ("x-many", "2")];
    let answer = post(simulator.address(), "POST", "/api/oauth2/token?key=k3y", &headers, "p4ss%2F").await;
    let echoed = answer.expect("an answer").json();
    assert_eq!(echoed["method"], "POST");
    assert_eq!(echoed["query"], "key=k3y");
    assert_eq!(echoed["headers"]["authorization"], json!(["Bearer s3cr/+t=="]));
    assert_eq!(echoed["headers"]["x-many"], json!(["1", "2"]));
    assert_eq!(echoed["body"], "p4ss%2F");
    let journal = serde_json::to_string(&simulator.journal()).expect("serialises");
    assert!(journal.contains("echo"));
    assert!(["s3cr", "k3y", "p4ss"].iter().all(|secret| !journal.contains(secret)), "{journal}");
}

#[tokio::test]
async fn reset_before_resets_and_stores_nothing() {
    assert_eq!(push_under("reset-before").await.0.expect_err("reset"), Broken::ResetBeforeHead);
    assert!(!push_under("reset-before").await.1);
}

#[tokio::test]
async fn reset_after_resets_and_stores() {
    let (seen, stored) = push_under("reset-after").await;
    assert_eq!((seen.expect_err("reset"), stored), (Broken::ResetBeforeHead, true));
}

#[tokio::test]
async fn reset_mid_resets_within_the_body() {
    let (seen, stored) = push_under("reset-mid").await;
    assert_eq!((seen.expect_err("reset"), stored), (Broken::ResetWithinBody, true));
}

#[tokio::test]
async fn truncate_promises_more_than_it_sends() {
    for fault in ["truncate", "truncate=0", "truncate=3", "truncate=1000000"] {
        let (seen, stored) = push_under(fault).await;
        assert_eq!((seen.expect_err(fault), stored), (Broken::ClosedWithinBody, true), "{fault}");
    }
}

/// A request that never gets an answer: the caller waits until the simulator has it, looks, and goes away.
async fn hang_under(fault: &str) -> bool {
    let college = College::strict().await;
    let record = fixtures::talk_one(1);
    let asked = [("x-sim-fault", fault)];
    let pushing = college.push_with(Endpoint::One, &record, &asked);
    let processed = async {
        college.simulator.wait_until(|counters| counters.faults_of(fault) == 1).await.expect("arrives");
        if fault == "hang-after" {
            college.simulator.wait_until(|counters| counters.records_accepted == 1).await.expect("stores");
        }
    };
    tokio::select! {
        seen = pushing => panic!("answered: {seen:?}"),
        () = processed => {}
    }
    // The caller is gone with the dropped future; the simulator notices.
    let counters = college.simulator.wait_until(|counters| counters.in_flight == 0).await.expect("ends");
    counters.records_accepted == 1
}

#[tokio::test]
async fn hang_never_answers_and_stores_nothing() {
    assert!(!hang_under("hang").await);
}

#[tokio::test]
async fn hang_after_never_answers_but_stores() {
    assert!(hang_under("hang-after").await);
}

#[tokio::test]
async fn slow_body_takes_its_time_and_is_whole() {
    let begun = Instant::now();
    // 25 bytes at 10 a tick: two pauses of 100 ms between three pieces.
    let (answer, stored) = answer_under("slow-body=100").await;
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!((answer.body.as_ref(), stored), (r#"{"code":0,"msg":"成功"}"#.as_bytes(), true));
}

#[tokio::test]
async fn slow_reply_is_slow_from_the_first_header() {
    let begun = Instant::now();
    let (answer, stored) = answer_under("slow-reply=800").await;
    assert!(begun.elapsed() >= Duration::from_millis(100));
    assert_eq!((&answer.json()["code"], stored), (&json!(0), true));
}

#[tokio::test]
async fn huge_header_has_the_size_asked_for() {
    let (answer, stored) = answer_under("huge-header=100000").await;
    assert_eq!((answer.header("x-huge").len(), stored), (100_000, true));
}

#[tokio::test]
async fn garbage_is_not_http() {
    let (seen, stored) = push_under("garbage").await;
    assert_eq!((seen.expect_err("garbage"), stored), (Broken::NotHttp, true));
}

#[tokio::test]
async fn json_answers_can_be_broken_in_the_ways_seen_in_the_wild() {
    for (fault, expected) in [
        ("missing-comma", r#"{"code":0"msg":"成功"}"#),
        ("trailing-comma", r#"{"code":0,"msg":"成功",}"#),
        ("bom", "\u{feff}{\"code\":0,\"msg\":\"成功\"}"),
    ] {
        let (answer, stored) = answer_under(fault).await;
        assert_eq!((answer.body.as_ref(), stored), (expected.as_bytes(), true), "{fault}");
        assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
    }
}

#[tokio::test]
async fn a_fault_that_is_none_is_refused_and_nothing_is_processed() {
    let college = College::strict().await;
    let answer = college.push_with(Endpoint::One, &fixtures::talk_one(1), &[("x-sim-fault", "explode")]).await;
    assert_eq!(answer.expect("an answer").status, 400);
    assert_eq!(college.simulator.counters().records_accepted, 0);
}
