//! `Prefer: respond-async` and `wait=n`: whoever asks decides how long to wait; the record is ours from the 202 on.

use duijie_tests::{fixtures, upstreams::ZjGxsz};
use serde_json::json;

use super::{ONE, accepted, ends, hand_in, hold, id_of, job, jobs, over, resume, text, until_job};
use crate::support::{LINK, docked, docked_with, in_wire_order, requests};

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_accepted_with_202_and_its_job_goes_from_queued_to_done_with_the_output() {
    let docked = docked().await;
    hold(&docked.host, LINK).await;
    let record = fixtures::talk_one(1);
    let answer = hand_in(&docked.host, LINK, ONE, &record).send().await;
    assert_eq!(answer.header("preference-applied"), "respond-async");
    let id = id_of(&answer);
    assert_eq!(answer.header("location"), format!("/v1/jobs/{id}"));
    let waits = job(&docked.host, &id).await;
    assert_eq!((text(&waits, "state"), &waits["attempts"], waits.get("result")), ("queued", &json!(0), None));
    assert_eq!((text(&waits, "link"), text(&waits, "operation")), (LINK, ONE));
    assert_eq!(requests(&docked.sim.counters()), 0);

    resume(&docked.host, LINK).await;
    let done = ends(&docked.host, &id, "done").await;
    assert_eq!((text(&done, "outcome"), &done["attempts"]), ("done", &json!(1)));
    assert_eq!((&done["result"]["accepted"], &done["result"]["recordId"]), (&json!(true), &record["recordId"]));
    let attempts = done["attempts_made"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[0]["n"], text(&attempts[0], "outcome")), (1, &json!(1), "done"));
    assert!(docked.stored(&record).plaintext == in_wire_order(&record).as_bytes());
    assert!(!done.to_string().contains(fixtures::CONTENT_MARK), "a job shows no record");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_gets_200_with_the_output_as_soon_as_it_is_there() {
    let docked = docked().await;
    let record = fixtures::talk_one(1);
    let request = docked.host.call_request(LINK, ONE, in_wire_order(&record));
    let answer = request.header("prefer", "wait=30").send().await;
    let output = answer.expect(200);
    assert_eq!((&output["accepted"], &output["recordId"]), (&json!(true), &record["recordId"]));
    assert_eq!(answer.header("preference-applied"), "wait=30");
    let id = answer.header("location").strip_prefix("/v1/jobs/").unwrap();
    assert_eq!(job(&docked.host, id).await["result"], output, "the output is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_is_over_ends_with_202_and_the_record_goes_on() {
    let docked = docked().await;
    docked.fault_once(ONE, "latency=3000");
    let request = docked.host.call_request(LINK, ONE, in_wire_order(&fixtures::talk_one(1)));
    let answer = request.header("prefer", "respond-async, wait=1").send().await;
    assert_eq!(answer.header("preference-applied"), "respond-async, wait=1");
    let id = id_of(&answer);
    assert!(matches!(text(&answer.json(), "state"), "queued" | "sending"), "{}", answer.text());
    ends(&docked.host, &id, "done").await;
    assert_eq!(docked.sim.counters().requests_of(ONE), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_record_that_fails_gets_its_problem_with_class_and_outcome() {
    let docked = docked().await;
    docked.fault_once(ONE, "code=50018,无此学校");
    let wait = |body: String| docked.host.call_request(LINK, ONE, body).header("prefer", "wait=30");
    let answer = wait(in_wire_order(&fixtures::talk_one(1))).send().await;
    let problem = answer.problem(409, "upstream-rejected", "rejected");
    assert_eq!((text(&problem, "upstream_code"), &problem["retryable"]), ("50018", &json!(false)));
    let id = answer.header("location").strip_prefix("/v1/jobs/").unwrap().to_owned();
    let failed = ends(&docked.host, &id, "failed").await;
    assert_eq!((text(&failed, "class"), text(&failed, "upstream_code")), ("upstream-rejected", "50018"));

    // What no schema says and only the connector knows.
    let mut record = fixtures::talk_one(2);
    record.as_object_mut().unwrap().remove("content");
    let problem = wait(record.to_string()).send().await.problem(422, "invalid-input", "not-sent");
    assert!(text(&problem, "detail").contains("/content"), "the member is named: {problem}");
    assert_eq!(docked.sim.counters().requests_of(ONE), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_at_all_is_refused_and_not_kept() {
    let docked = docked().await;
    let ask = |link: &str, operation: &str, body: &str| {
        docked.host.call_request(link, operation, body.to_owned()).header("prefer", "respond-async")
    };
    let mut record = fixtures::talk_one(1);
    record["content"] = json!(["谈"]);
    let problem = ask(LINK, ONE, &record.to_string()).send().await.problem(422, "invalid-input", "not-sent");
    assert_eq!(problem["errors"][0]["pointer"], "/content", "{problem}");
    ask(LINK, ONE, "{").send().await.problem(400, "invalid-input", "not-sent");
    ask("zj.none", ONE, "{}").send().await.problem(404, "invalid-input", "not-sent");
    ask(LINK, "record.none", "{}").send().await.problem(404, "invalid-input", "not-sent");
    ask(LINK, ONE, "{}").header("content-type", "text/plain").send().await.expect(415);
    let large = format!("{{\"content\":\"{}\"}}", "x".repeat(2 << 20));
    ask(LINK, ONE, &large).send().await.expect(413);
    assert_eq!(jobs(&docked.host, "").await.len(), 0);
    assert_eq!(requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_upstream_is_down_records_wait_with_the_reason_and_then_arrive() {
    let docked = docked().await;
    docked.fault(ONE, "status=503");
    let record = fixtures::talk_one(1);
    let id = accepted(&docked.host, LINK, ONE, &record).await;
    let waits = until_job(&docked.host, &id, "to wait for its second attempt", |job| {
        job["attempts"] == 1 && text(job, "state") == "queued"
    })
    .await;
    assert_eq!((text(&waits, "class"), waits["due"].is_string()), ("unavailable", true), "{waits}");
    docked.sim.faults().clear();
    let done = ends(&docked.host, &id, "done").await;
    assert_eq!(done.get("class"), None, "what went wrong before is over: {done}");
    assert_eq!(docked.sim.counters().records_accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_names_a_time_is_not_asked_again_before_it() {
    let docked = docked_with(ZjGxsz::builder(), |college| college).await;
    docked.fault_once(ONE, "status=503,4");
    let id = accepted(&docked.host, LINK, ONE, &fixtures::talk_one(1)).await;
    let done = over(&docked.host, &id).await;
    let at = |n: usize, what: &str| text(&done["attempts_made"][n], what).parse::<jiff::Timestamp>().unwrap();
    let waited = at(1, "started").duration_since(at(0, "ended"));
    assert!(waited.as_millis() >= 4000, "{done}");
}
