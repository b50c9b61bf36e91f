//! Every class of the error model that this upstream can give, reached by a fault or a code: status, class, outcome and
//! whether a repetition may help.

use duijie_tests::{harness::Answer, upstreams::SkillTrain};
use serde_json::{Value, json};

use super::{
    Docked, code, docked, docked_from, docked_with,
    faces::{compare, photo},
    minute, setup, start, viewing, with,
};
use crate::support::requests;

const REPORT: &str = "progress.report";

/// What a caller is told.
#[derive(Clone, Copy)]
struct Told(u16, &'static str, &'static str, bool);

const REFUSED: Told = Told(409, "upstream-rejected", "rejected", false);
const EXPIRED: Told = Told(503, "auth-expired", "rejected", true);
const LIMITED: Told = Told(429, "rate-limited", "rejected", true);
const GONE: Told = Told(503, "unavailable", "unknown", true);
const SILENT: Told = Told(504, "timeout", "unknown", true);
const NONSENSE: Told = Told(502, "protocol", "unknown", false);
const MISSING: Told = Told(500, "config", "rejected", false);

fn check(what: &str, answer: &Answer, told: Told) -> Value {
    let Told(status, class, outcome, retryable) = told;
    let problem = answer.json();
    let got = (answer.status, problem["class"].as_str(), problem["outcome"].as_str(), problem["retryable"].as_bool());
    assert_eq!(got, (status, Some(class), Some(outcome), Some(retryable)), "{what}: {problem}");
    problem
}

/// Reports progress to an upstream that fails so.
async fn report_with(docked: &Docked, operation: &str, fault: &str, told: Told) -> Value {
    docked.sim.faults().clear();
    docked.fault(operation, fault);
    check(&format!("{operation} {fault}"), &docked.call(REPORT, &minute(1, 60, 60)).await, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_an_operation_has_its_status_class_and_outcome() {
    let docked = docked().await;
    let faults = [
        ("code=1999,机构已停用", REFUSED),
        ("code=1102,token失效", EXPIRED),
        ("code=1103,token已过期，请重新登录", EXPIRED),
        ("status=401", EXPIRED),
        ("status=404", MISSING),
        ("status=405", MISSING),
        ("status=429,12", LIMITED),
        ("status=502", GONE),
        ("status=503,7", GONE),
        ("status=504", GONE),
        ("reset-before", GONE),
        ("reset-after", GONE),
        ("reset-mid", GONE),
        ("truncate", GONE),
        ("html", NONSENSE),
        ("garbage", NONSENSE),
        ("missing-comma", NONSENSE),
        ("huge-body=5000000", NONSENSE),
        ("echo", NONSENSE),
        ("status=200", NONSENSE),
        ("status=400", NONSENSE),
        ("status=500", NONSENSE),
        ("redirect=http://127.0.0.1:9/", NONSENSE),
    ];
    for (fault, told) in faults {
        report_with(&docked, REPORT, fault, told).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_does_not_answer_in_time_is_timeout_and_unknown() {
    let brief = |academy: super::Academy| academy.toml().replace("[limits]\n", "[limits]\ndeadline_ms = 2000\n");
    let docked = docked_from(setup(), SkillTrain::builder(), brief).await;
    docked.done("token.check", &json!({})).await;
    for fault in ["hang", "hang-after", "slow-body=2"] {
        report_with(&docked, REPORT, fault, SILENT).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_log_in_is_told_apart_and_no_report_leaves() {
    let docked = docked().await;
    let not_sent = |told: Told| Told(told.0, told.1, "not-sent", told.3);
    let faults = [
        ("code=1101,账号或密码错误", Told(502, "auth-failed", "not-sent", false)),
        ("status=404", not_sent(MISSING)),
        ("status=429,5", not_sent(LIMITED)),
        ("status=503", not_sent(GONE)),
        ("reset-before", not_sent(GONE)),
        ("reset-after", not_sent(GONE)),
        ("html", not_sent(NONSENSE)),
        ("missing-comma", not_sent(NONSENSE)),
    ];
    for (fault, told) in faults {
        report_with(&docked, "login", fault, told).await;
    }
    assert_eq!(docked.seen(REPORT), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_not_there_is_unavailable_and_not_sent() {
    let docked = docked().await;
    docked.done("token.check", &json!({})).await;
    let Docked { host, sim, .. } = docked;
    sim.stop().await;
    let answer = host.call(super::LINK, REPORT, &minute(1, 60, 60)).await;
    check("no connection", &answer, Told(503, "unavailable", "not-sent", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_costs_one_log_in_and_one_repetition_and_no_more() {
    let docked = docked().await;
    docked.done("token.check", &json!({})).await;
    report_with(&docked, REPORT, "code=1102,token失效", EXPIRED).await;
    assert_eq!((docked.seen("login"), docked.seen(REPORT)), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_whose_answer_is_lost_is_not_sent_twice() {
    let docked = docked().await;
    report_with(&docked, REPORT, "reset-after", GONE).await;
    let counters = docked.sim.counters();
    assert_eq!((counters.requests_of(REPORT), counters.records_accepted), (1, 1));
    assert_eq!(docked.sim.profile().progress_sum(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_with_its_code_and_words_and_without_what_it_quotes_of_a_person() {
    let docked = docked().await;
    let person = json!({ "cardNo": "999999198506150036", "name": "甄测生" });
    docked.fault("student.authenticate", "code=1301,甄测生 的证件 999999198506150036 未登记");
    let problem = docked.rejected("student.authenticate", &person, "1301").await.to_string();
    assert!(problem.contains("未登记") && !problem.contains("甄测生") && !problem.contains("9999991985"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_passed_on() {
    let docked = docked().await;
    for (fault, seconds) in [("status=429,12", "12"), ("status=503,7", "7")] {
        docked.sim.faults().clear();
        docked.fault(REPORT, fault);
        assert_eq!(docked.call(REPORT, &minute(1, 60, 60)).await.header("retry-after"), seconds, "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_invalid_input_by_its_place_and_nothing_is_sent() {
    let docked = docked().await;
    let person = |card: &str| json!({ "cardNo": card, "name": "甄测生" });
    let photo_of = |url: &str| json!({ "cardNo": "999999199001010016", "ercunPhotoUrl": url });
    let wrong = [
        ("student.authenticate", person("999999200312110041"), "/cardNo"),
        ("student.authenticate", person(""), "/cardNo"),
        ("study.start", viewing(1), "/courseCode"),
        ("study.end", start(1), "/courseCode"),
        (REPORT, minute(1, 604_801, 60), "/playTime"),
        (REPORT, with(start(1), &json!({ "playTime": "60", "progressTime": 60 })), "/playTime"),
        ("record.submit", with(start(1), &json!({ "recordVideoUrl": "file:///etc/passwd" })), "/recordVideoUrl"),
        ("photo.update", photo_of("ftp://img.example.com/1.jpg"), "/ercunPhotoUrl"),
        ("face.compare", compare(1, &json!({ "bizCode": code(1) }), "0", "no base64!"), "/target"),
        ("face.compare", compare(1, &json!({ "bizCode": code(1) }), "3", &photo(9, 1)), "/compareMode"),
        ("popup.submit", json!({ "bizCode": code(1), "verificationCode": "1234" }), "/videoStudyTime"),
        ("course.push", json!({ "courses": [] }), "/courses"),
    ];
    for (operation, input, pointer) in wrong {
        let answer = docked.call(operation, &input).await;
        let problem = check(operation, &answer, Told(422, "invalid-input", "not-sent", false));
        let listed = |list: &Value| list.as_array().is_some_and(|all| all.iter().any(|one| one["pointer"] == pointer));
        assert!(listed(&problem["errors"]) || listed(&problem["details"]), "{operation} {pointer}: {problem}");
        assert!(!answer.text().contains("甄测生"), "{problem}");
    }
    assert_eq!(requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_the_link_does_not_allow_is_denied() {
    let docked = docked_from(setup(), SkillTrain::builder(), |academy| {
        let url = academy.url.clone();
        academy.toml().replace(&format!("http = [\"{url}\"]"), "http = [\"http://127.0.0.1:9\"]")
    })
    .await;
    let answer = docked.call(REPORT, &minute(1, 60, 60)).await;
    check("no such origin", &answer, Told(403, "denied", "not-sent", false));
    assert_eq!(requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_runs_out_of_memory_is_internal_and_others_are_served() {
    let small = |academy: super::Academy| academy.toml().replace("[limits]\n", "[limits]\nmemory_mib = 5\n");
    let docked = docked_from(setup(), SkillTrain::builder(), small).await;
    let input = compare(1, &json!({ "bizCode": code(1) }), "0", &photo(2_000_000, 1));
    let answer = docked.call("face.compare", &input).await;
    assert_eq!((answer.status, answer.json()["class"].as_str()), (500, Some("internal")), "{}", answer.text());
    docked.accepted("study.start", &start(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_there_in_either_spelling_is_the_operators() {
    let docked = docked().await;
    docked.fault("study.start", "status=404");
    let answer = docked.call("study.start", &start(1)).await;
    // The simulator knows the repaired path only: the second is missing by itself.
    check("both are missing", &answer, MISSING);
    let moved = |academy: super::Academy| academy.config("path.\"study.start\" = \"/elsewhere\"");
    let docked = docked_with(SkillTrain::builder(), moved).await;
    check("the link's own is missing", &docked.call("study.start", &start(1)).await, MISSING);
    assert_eq!(docked.seen("unknown"), 1, "and it has no second");
}
