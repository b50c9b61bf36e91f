//! Every row of the error table (upstreams.md §2.4), reached by a fault of the upstream: class, outcome, status.

use duijie_tests::{fixtures, harness::Answer, upstreams::ZjGxsz};
use serde_json::Value;

use crate::support::{self, College, Docked, LINK, docked, docked_with, requests};

const ONE: &str = "record.push-one";
const TOKEN: &str = "token.get";
/// Short enough for a test, long enough for a busy machine to do everything else in.
const PATIENCE: &str = "[config.http]\ntimeout_ms = 1500";

/// What a caller must be told.
struct Told {
    status: u16,
    class: &'static str,
    outcome: &'static str,
    retryable: bool,
}

const fn told(status: u16, class: &'static str, outcome: &'static str, retryable: bool) -> Told {
    Told { status, class, outcome, retryable }
}

/// Pushes to an upstream with this fault, and checks what the caller is told.
async fn push_with(operation: &str, fault: &str, expected: Told) -> (Docked, Answer) {
    let docked = docked_with(ZjGxsz::builder(), |college| college.tables(PATIENCE)).await;
    docked.fault(operation, fault);
    let answer = docked.push(ONE, &fixtures::talk_one(1)).await;
    let problem = answer.problem(expected.status, expected.class, expected.outcome);
    assert_eq!(problem["retryable"], expected.retryable, "{problem}");
    (docked, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn http_401_and_403_after_a_refresh_are_auth_failed() {
    for status in ["status=401", "status=403"] {
        let (docked, _) = push_with(ONE, status, told(502, "auth-failed", "rejected", false)).await;
        let counters = docked.sim.counters();
        assert_eq!((counters.requests_of(TOKEN), counters.requests_of(ONE)), (2, 2), "one refresh, one repetition");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_code_after_a_refresh_is_auth_failed() {
    let errors = "[config.errors]\ntoken_expired_codes = [\"47001\"]";
    let docked = docked_with(ZjGxsz::builder(), |college| college.tables(errors)).await;
    docked.fault(ONE, "code=47001,token 已失效");
    let problem = docked.push(ONE, &fixtures::talk_one(1)).await.problem(502, "auth-failed", "rejected");
    assert_eq!(problem["upstream_code"], "47001");
    assert_eq!(docked.sim.counters().requests_of(TOKEN), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_that_rejects_is_auth_failed_and_no_record_leaves() {
    let sim = ZjGxsz::builder().start().await.unwrap();
    let setup = support::setup().env(support::SECRET_ENV, "EBESExQVFhcYGRobHB0eHw==");
    let host = setup.link("zj/nbufe", &College::at(&sim.url()).toml()).start().await;
    let problem = host.call(LINK, ONE, &fixtures::talk_one(1)).await.problem(502, "auth-failed", "not-sent");
    assert_eq!(problem["retryable"], false);
    assert_eq!(problem["upstream_code"], "40111");
    assert_eq!((sim.counters().requests_of(TOKEN), sim.counters().requests_of(ONE)), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_does_not_fit_is_invalid_input_with_every_field_listed() {
    let docked = docked().await;
    let mut record = fixtures::talk_one(1);
    let members = record.as_object_mut().unwrap();
    for missing in ["teacherName", "content"] {
        members.remove(missing);
    }
    members.insert("talkTime".to_owned(), "2024-02-30 10:00:00".into());
    members.insert("students".to_owned(), serde_json::json!([{ "studentNo": "1" }]));
    let problem = docked.push(ONE, &record).await.problem(422, "invalid-input", "not-sent");
    let pointers: Vec<&str> =
        problem["details"].as_array().unwrap().iter().filter_map(|one| one["pointer"].as_str()).collect();
    for pointer in ["/teacherName", "/content", "/talkTime", "/students/0/studentName"] {
        assert!(pointers.contains(&pointer), "{pointer} in {pointers:?}");
    }
    assert_eq!(requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_other_than_zero_is_upstream_rejected_with_the_upstreams_words() {
    let (docked, answer) =
        push_with(ONE, "code=50017,学期已归档", told(409, "upstream-rejected", "rejected", false)).await;
    let problem = answer.json();
    assert_eq!(problem["upstream_code"], "50017");
    assert!(problem["detail"].as_str().unwrap().contains("学期已归档"), "{problem}");
    assert_eq!(docked.sim.counters().requests_of(ONE), 1, "a refusal is not repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_refusal_quotes_of_the_record_is_taken_out() {
    let docked = docked().await;
    let record = fixtures::talk_one(1);
    let name = record["students"][0]["studentName"].as_str().unwrap();
    docked.fault(ONE, &format!("code=50018,学生 {name} 不存在"));
    let answer = docked.push(ONE, &record).await;
    answer.problem(409, "upstream-rejected", "rejected");
    assert!(!answer.text().contains(name), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_is_unavailable_and_not_sent() {
    let Docked { host, sim } = docked().await;
    sim.stop().await;
    let problem = host.call(LINK, ONE, &fixtures::talk_one(1)).await.problem(503, "unavailable", "not-sent");
    assert_eq!(problem["retryable"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn http_502_503_and_504_are_unavailable_and_unknown() {
    for status in ["status=502", "status=503", "status=504"] {
        push_with(ONE, status, told(503, "unavailable", "unknown", true)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_of_a_503_is_passed_on_and_clamped_to_an_hour() {
    for (given, seconds) in [("7", "7"), ("999999999", "3600")] {
        let (_, answer) =
            push_with(ONE, &format!("status=503,{given}"), told(503, "unavailable", "unknown", true)).await;
        assert_eq!(answer.header("retry-after"), seconds, "Retry-After: {given}");
    }
    for nonsense in ["-5", "soon", ""] {
        let (_, answer) =
            push_with(ONE, &format!("status=503,{nonsense}"), told(503, "unavailable", "unknown", true)).await;
        assert_eq!(answer.header("retry-after"), "", "Retry-After: {nonsense}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_429_is_rate_limited_with_its_wait() {
    let (_, answer) = push_with(ONE, "status=429,12", told(429, "rate-limited", "rejected", true)).await;
    assert_eq!(answer.header("retry-after"), "12");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_before_processing_is_unavailable_and_unknown() {
    let (docked, _) = push_with(ONE, "reset-before", told(503, "unavailable", "unknown", true)).await;
    assert_eq!(docked.sim.counters().requests_of(ONE), 1, "nothing is resent by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_after_processing_is_unavailable_and_unknown_and_nothing_is_resent() {
    let (docked, _) = push_with(ONE, "reset-after", told(503, "unavailable", "unknown", true)).await;
    let counters = docked.sim.counters();
    assert_eq!((counters.requests_of(ONE), counters.records_accepted), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_in_the_middle_of_the_answer_is_unavailable_and_unknown() {
    push_with(ONE, "reset-mid", told(503, "unavailable", "unknown", true)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reply_is_timeout_and_unknown() {
    for fault in ["hang", "hang-after", "slow-reply=2", "slow-body=2"] {
        push_with(ONE, fault, told(504, "timeout", "unknown", true)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_without_reply_is_timeout_and_not_sent() {
    let (docked, _) = push_with(TOKEN, "hang", told(504, "timeout", "not-sent", true)).await;
    assert_eq!(docked.sim.counters().requests_of(ONE), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_deadline_ends_what_the_upstream_does_not() {
    let limits = "[limits]\ndeadline_ms = 1200";
    let docked = docked_with(ZjGxsz::builder(), |college| college.tables(limits)).await;
    docked.fault(ONE, "hang");
    docked.push(ONE, &fixtures::talk_one(1)).await.problem(504, "timeout", "unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_understood_is_protocol_and_unknown() {
    for fault in ["html", "missing-comma", "trailing-comma", "garbage", "huge-body=3000000", "status=200"] {
        push_with(ONE, fault, told(502, "protocol", "unknown", false)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_own_answer_without_its_comma_is_no_acceptance() {
    let docked = docked().await;
    docked.fault_once(ONE, "missing-comma");
    let problem = docked.push(ONE, &fixtures::talk_one(1)).await.problem(502, "protocol", "unknown");
    assert_eq!(docked.sim.counters().records_accepted, 1, "nobody here can know it: {problem}");
    docked.push(ONE, &fixtures::talk_one(1)).await.expect(200);
    assert_eq!(docked.sim.counters().records_accepted, 2, "which does no harm, because it overwrites");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_answer_is_never_taken_for_an_acceptance() {
    let docked = docked().await;
    docked.fault(ONE, "truncate");
    let answer = docked.push(ONE, &fixtures::talk_one(1)).await;
    let problem = answer.json();
    assert!(answer.status >= 500, "{problem}");
    assert_eq!(problem["outcome"], "unknown", "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_header_is_refused_and_the_host_lives() {
    let docked = docked().await;
    docked.fault_once(ONE, "huge-header=8000000");
    let problem = docked.push(ONE, &fixtures::talk_one(1)).await.json();
    assert_eq!(problem["outcome"], "unknown", "{problem}");
    docked.push(ONE, &fixtures::talk_one(1)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let elsewhere = ZjGxsz::builder().start().await.unwrap();
    let location = format!("redirect={}/api/talk-record/one", elsewhere.url());
    push_with(ONE, &location, told(502, "protocol", "unknown", false)).await;
    assert_eq!(requests(&elsewhere.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_order_mark_before_the_answer_is_no_fault() {
    let docked = docked().await;
    docked.fault(ONE, "bom");
    docked.push(ONE, &fixtures::talk_one(1)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_length_is_config_and_the_link_does_not_serve() {
    let sim = ZjGxsz::builder().start().await.unwrap();
    let setup = support::setup().env(support::SECRET_ENV, "c2hvcnQga2V5");
    let host = setup.link("zj/nbufe", &College::at(&sim.url()).toml()).start().await;
    let rollouts = host.until("the link to be refused", |all| all.link_refused(LINK)).await;
    let reason = rollouts.link_reason(LINK);
    assert!(
        reason.contains("zj/nbufe.toml:") && reason.contains("secrets.client_secret") && reason.contains("16 bytes"),
        "{reason}"
    );
    let problem = host.call(LINK, ONE, &fixtures::talk_one(1)).await.problem(500, "config", "not-sent");
    assert!(!problem.to_string().contains("16 bytes"), "the reason is the operator's: {problem}");
    assert_eq!(requests(&sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_path_is_config() {
    let sim = ZjGxsz::builder().start().await.unwrap();
    let toml = College::at(&sim.url()).toml().replace("/api/oauth2/token", "/nowhere");
    let host = support::setup().link("zj/nbufe", &toml).start().await;
    host.call(LINK, ONE, &fixtures::talk_one(1)).await.problem(500, "config", "not-sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pushes_faster_than_the_interval_are_rate_limited_and_the_second_is_not_sent() {
    let rate = "[config.rate]\nmin_interval_ms = 60000";
    let docked = docked_with(ZjGxsz::builder(), |college| college.tables(rate)).await;
    docked.push(ONE, &fixtures::talk_one(1)).await.expect(200);
    let answer = docked.push(ONE, &fixtures::talk_one(2)).await;
    answer.problem(429, "rate-limited", "not-sent");
    assert_eq!(answer.header("retry-after"), "60");
    assert_eq!(docked.sim.counters().requests_of(ONE), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_names_its_request_and_the_log_finds_it() {
    let docked = docked().await;
    docked.fault(ONE, "status=503");
    let record = fixtures::talk_one(1).to_string();
    let request = docked.host.call_request(LINK, ONE, record).header("x-request-id", "ticket-4711");
    let problem: Value = request.send().await.problem(503, "unavailable", "unknown");
    assert_eq!(problem["request_id"], "ticket-4711");
    let log = docked.host.until_logged("the request's line", |log| log.contains("ticket-4711")).await;
    let line = log.lines().find(|line| line.contains("ticket-4711")).unwrap();
    assert!(line.contains("unavailable") && line.contains("zj.nbufe"), "{line}");
}
