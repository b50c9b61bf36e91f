//! A guest that misbehaves: each misdeed ends its own call with an honest answer, and nothing else. The host lives, the
//! next call and the other link are served, and what was written stays within bounds.

use duijie_tests::{
    harness::{Host, eventually},
    upstreams::{Rule, ZjGxsz},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{hostile_host, parse, requests, still_serves};

/// Calls the misdeed, and checks how it ends; returns the problem.
async fn ends(host: &Host, operation: &str, input: Value, status: u16, class: &str, outcome: &str) -> Value {
    let problem = host.call("h.one", operation, &input).await.problem(status, class, outcome);
    let detail = problem["detail"].as_str().unwrap();
    assert!(!detail.is_empty() && detail.len() <= 1024, "{operation}: {detail}");
    // No part of a backtrace, an address or a path of ours.
    for internal in ["wasm backtrace", "wasm function", "0x", ".rs:", "/src/"] {
        assert!(!detail.contains(internal), "{operation}: {detail}");
    }
    still_serves(host).await;
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_is_ended_at_its_cpu_budget() {
    let host = hostile_host(&[], "[limits]\ncpu_ms = 200").await;
    let problem = ends(&host, "loop.endless", json!({}), 500, "internal", "not-sent").await;
    assert!(problem["detail"].as_str().unwrap().contains("CPU budget of 200 ms"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_loops_on_every_worker_leave_the_other_link_served() {
    let host = hostile_host(&[], "[limits]\ncpu_ms = 1000\ndeadline_ms = 60000").await;
    let spin = || host.call_request("h.one", "loop.endless", "{}").send();
    let witness = async {
        for n in 0..20 {
            assert_eq!(host.call("h.two", "echo", &json!(n)).await.expect(200), json!(n));
        }
    };
    let (a, b, c, d, ()) = tokio::join!(spin(), spin(), spin(), spin(), witness);
    for answer in [a, b, c, d] {
        answer.problem(500, "internal", "not-sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_of_small_host_calls_is_ended() {
    let host = hostile_host(&[], "[limits]\ncpu_ms = 2000").await;
    let problem = ends(&host, "loop.host-calls", json!({}), 500, "internal", "not-sent").await;
    assert!(problem["detail"].as_str().unwrap().contains("host calls"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_of_clock_readings_is_ended() {
    let host = hostile_host(&[], "[limits]\ncpu_ms = 200\ndeadline_ms = 5000").await;
    ends(&host, "loop.clock", json!({}), 500, "internal", "not-sent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleep_beyond_the_deadline_is_a_timeout() {
    let host = hostile_host(&[], "[limits]\ndeadline_ms = 500").await;
    let problem = ends(&host, "loop.sleep", json!({}), 504, "timeout", "not-sent").await;
    assert!(problem["detail"].as_str().unwrap().contains("500 ms"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_bomb_is_ended_at_the_links_memory() {
    let host = hostile_host(&[], "[limits]\ncpu_ms = 5000").await;
    let before = host.resident_bytes();
    let problem = ends(&host, "memory.bomb", json!({}), 500, "internal", "not-sent").await;
    assert!(problem["detail"].as_str().unwrap().contains("memory"), "{problem}");
    let grown = host.resident_bytes().saturating_sub(before);
    assert!(grown < 96 << 20, "{grown} bytes more are held");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_below_the_limit_is_given_and_above_it_refused() {
    let host = hostile_host(&[], "[limits]\nmemory_mib = 32\ncpu_ms = 5000").await;
    let output = host.call("h.one", "memory.take", &json!({ "count": 16 })).await.expect(200);
    assert_eq!(output["count"], 16);
    ends(&host, "memory.take", json!({ "count": 40 }), 500, "internal", "not-sent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_overflow_is_one_calls_problem_a_hundred_times() {
    let host = hostile_host(&[], "").await;
    for _ in 0..100 {
        host.call("h.one", "stack.overflow", &json!({})).await.problem(500, "internal", "not-sent");
    }
    let problem = ends(&host, "stack.overflow", json!({}), 500, "internal", "not-sent").await;
    assert!(problem["detail"].as_str().unwrap().contains("stack"), "{problem}");
    // With large frames it is the stack in the guest's own memory that overflows first.
    ends(&host, "stack.frames", json!({}), 500, "internal", "not-sent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_with_a_persons_name_tells_nobody_the_name() {
    let host = hostile_host(&[], "").await;
    let name = "甄测生零零壹";
    for operation in ["panic.personal", "print.personal", "log.personal"] {
        let answer = host.call("h.one", operation, &json!({ "name": name })).await;
        assert!(!answer.text().contains(name), "{operation}: {}", answer.text());
    }
    ends(&host, "panic.personal", json!({ "name": name }), 500, "internal", "not-sent").await;
    let written = host.terminate().await.written();
    assert!(!written.contains(name), "{}", written.lines().find(|line| line.contains(name)).unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_after_a_request_was_sent_is_unknown_and_not_repeated() {
    let sim = ZjGxsz::builder().start().await.unwrap();
    let host = hostile_host(&[&sim.url()], "").await;
    ends(&host, "panic.after-send", json!({ "url": format!("{}/x", sim.url()) }), 500, "internal", "unknown").await;
    assert_eq!(requests(&sim.counters()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_after_a_request_that_never_left_is_not_sent() {
    let sim = ZjGxsz::builder().start().await.unwrap();
    let url = sim.url();
    let host = hostile_host(&[&url], "").await;
    sim.stop().await;
    ends(&host, "panic.after-send", json!({ "url": format!("{url}/x") }), 500, "internal", "not-sent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_after_a_request_has_left_is_unknown() {
    let sim = ZjGxsz::builder().start().await.unwrap();
    sim.faults().add(Rule::new(parse("hang")));
    let host = hostile_host(&[&sim.url()], "[limits]\ndeadline_ms = 500").await;
    ends(&host, "sleep.after-send", json!({ "url": format!("{}/x", sim.url()) }), 504, "timeout", "unknown").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_upstream_leaves_the_guest_time_to_say_so() {
    let sim = ZjGxsz::builder().start().await.unwrap();
    sim.faults().add(Rule::new(parse("hang")));
    let host = hostile_host(&[&sim.url()], "[limits]\ndeadline_ms = 2000").await;
    let input = json!({ "url": format!("{}/x", sim.url()), "count": 1, "together": false });
    let output = host.call("h.one", "http.many", &input).await.expect(200);
    assert_eq!(output["error"], "ErrorKind::Timeout");
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_is_one_calls_problem() {
    let host = hostile_host(&[], "").await;
    ends(&host, "exit", json!({}), 500, "internal", "not-sent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_flood_is_cut_at_its_budget() {
    let host = hostile_host(&[], "[limits]\ncpu_ms = 5000").await;
    host.call("h.one", "log.flood", &json!({})).await.expect(200);
    still_serves(&host).await;
    let stopped = host.terminate().await;
    let lines = stopped.log.lines();
    let flood = lines.iter().filter(|line| line.to_string().contains("flood-line")).count();
    assert!((1..=256).contains(&flood), "{flood} lines");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_a_megabyte_is_cut() {
    let host = hostile_host(&[], "").await;
    host.call("h.one", "log.long-line", &json!({})).await.expect(200);
    let log = host.until_logged("the long line", |log| log.contains("long-line")).await;
    let longest = log.lines().map(str::len).max().unwrap();
    assert!(longest < 16 << 10, "{longest} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn newlines_ansi_and_a_forged_line_stay_inside_the_guests_own_line() {
    let host = hostile_host(&[], "").await;
    host.call("h.one", "log.forged", &json!({})).await.expect(200);
    host.until_logged("the forged text", |log| log.matches("forged-by-guest").count() >= 2).await;
    let stopped = host.terminate().await;
    // Every line is JSON, or this panics.
    for line in stopped.log.lines() {
        let is = |name: &str, forged: &str| line[name] == forged;
        assert!(!is("message", "forged-by-guest") && !is("request_id", "forged-request-id"), "{line}");
        assert!(!is("link", "zj.forged") && !is("link", "zj.nbufe"), "{line}");
        assert!(
            !(line.to_string().contains("forged-by-guest") && is("level", "ERROR")),
            "a guest has no ERROR: {line}"
        );
    }
    let bytes = stopped.log.bytes();
    let raw = bytes.iter().filter(|byte| **byte < 0x20 && **byte != b'\n').count();
    assert_eq!(raw, 0, "control characters in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_over_the_body_limit_is_not_passed_on() {
    let host = hostile_host(&[], "[limits]\ncpu_ms = 5000").await;
    for operation in ["output.large", "output.huge"] {
        let answer = host.call("h.one", operation, &json!({})).await;
        assert_eq!(answer.expect(500)["class"], "internal", "{operation}");
        assert!(answer.body.len() < 4096, "{operation}: {} bytes", answer.body.len());
    }
    still_serves(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_is_not_json_or_not_utf8_is_not_passed_on() {
    let host = hostile_host(&[], "").await;
    for operation in ["output.not-json", "output.not-utf8"] {
        let answer = host.call("h.one", operation, &json!({})).await;
        assert_eq!(answer.expect(500)["class"], "internal", "{operation}");
    }
    still_serves(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_message_of_ten_megabytes_is_cut_or_refused() {
    let host = hostile_host(&[], "[limits]\ncpu_ms = 5000").await;
    let answer = host.call("h.one", "fail.long", &json!({})).await;
    assert_eq!(answer.expect(500)["class"], "internal");
    assert!(answer.body.len() < 4096, "{} bytes", answer.body.len());
    still_serves(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failures_claims_are_bounded() {
    let host = hostile_host(&[], "").await;
    let answer = host.call("h.one", "fail.claims", &json!({})).await;
    let problem = answer.problem(500, "internal", "not-sent");
    assert!(problem["upstream_code"].as_str().unwrap().len() <= 128, "{problem}");
    assert_eq!(problem.get("details"), None, "what is not JSON is left out: {problem}");
    assert_eq!(answer.header("retry-after"), "3600");
    still_serves(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clocks_are_too_coarse_for_a_stopwatch() {
    let host = hostile_host(&[], "[limits]\ncpu_ms = 5000").await;
    let finest = host.call("h.one", "clock.read", &json!({})).await.expect(200)["count"].as_u64().unwrap();
    assert!(finest >= 1_000_000, "{finest} ns");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_than_a_link_may_have_open_are_shed_and_the_other_link_is_served() {
    let host = hostile_host(&[], "[limits]\nconcurrency = 1\ncpu_ms = 2000").await;
    let spin = || host.call_request("h.one", "loop.endless", "{}").send();
    let (first, second, third, ()) = tokio::join!(spin(), spin(), spin(), async {
        host.call("h.two", "echo", &json!(1)).await.expect(200);
    });
    let mut statuses = [first.status, second.status, third.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [500, 503, 503]);
    let busy = [first, second, third].into_iter().find(|answer| answer.status == 503).unwrap();
    busy.problem(503, "unavailable", "not-sent");
    assert!(!busy.header("retry-after").is_empty());
    still_serves(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_leaves_no_permit_behind() {
    let host = hostile_host(&[], "[limits]\nconcurrency = 4\ncpu_ms = 300\ndeadline_ms = 3000").await;
    for _ in 0..50 {
        let call = host.call_request("h.one", "loop.endless", "{}").send();
        // Gone before the answer.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(5), call).await;
    }
    // Whatever still runs ends at its budget; then every permit is back: four calls at once are let in.
    eventually("four permits to be free", async || {
        let four = (0..4).map(|_| host.call_request("h.one", "memory.take", "{\"count\":1}").send());
        join_all(four).await.iter().all(|answer| answer.status == 200)
    })
    .await;
}
