//! Idempotency-Key (reliability.md E4, E5): a request that is repeated under its key is one request, whatever was lost in
//! between; a key never stands for two.

use duijie_tests::{fixtures, harness::Answer, upstreams::ZjGxsz};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::{ONE, ends, hand_in, id_of, jobs, text};
use crate::support::{Docked, LINK, docked, docked_in, in_wire_order, setup};

fn problem_of(answer: &Answer, status: u16, kind: &str) -> Value {
    let problem = answer.expect(status);
    assert_eq!(text(&problem, "type"), format!("urn:duijie:problem:{kind}"), "{problem}");
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_is_the_same_job_and_one_request_at_the_upstream() {
    let docked = docked().await;
    let record = fixtures::talk_one(1);
    let ask = || hand_in(&docked.host, LINK, ONE, &record).header("idempotency-key", "submit-1");
    let first = id_of(&ask().send().await);
    assert_eq!(id_of(&ask().send().await), first, "also while it is under way");
    ends(&docked.host, &first, "done").await;
    let again = ask().send().await;
    assert_eq!(again.expect(200)["recordId"], record["recordId"], "over, the answer is its output");
    assert_eq!(again.header("location"), format!("/v1/jobs/{first}"));
    let quoted = hand_in(&docked.host, LINK, ONE, &record).header("idempotency-key", "\"submit-1\"").send().await;
    assert_eq!(quoted.expect(200), again.json(), "quotes are no part of a key");
    assert_eq!((jobs(&docked.host, "").await.len(), docked.sim.counters().requests_of(ONE)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_call_that_is_repeated_under_its_key_gets_the_stored_answer() {
    let docked = docked().await;
    let record = fixtures::talk_one(1);
    let ask =
        || docked.host.call_request(LINK, ONE, in_wire_order(&record)).header("idempotency-key", "submit-1").send();
    let first = ask().await;
    assert_eq!((first.expect(200)["overwrote"].clone(), first.header("preference-applied")), (json!(false), ""));
    assert_eq!(ask().await.expect(200), first.json());
    assert_eq!(docked.sim.counters().requests_of(ONE), 1);

    docked.fault_once(ONE, "code=50018");
    let refused = fixtures::talk_one(2);
    let ask =
        || docked.host.call_request(LINK, ONE, in_wire_order(&refused)).header("idempotency-key", "submit-2").send();
    for _ in 0..2 {
        ask().await.problem(409, "upstream-rejected", "rejected");
    }
    assert_eq!(docked.sim.counters().requests_of(ONE), 2, "a refusal is a stored answer, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_used_for_another_request_is_refused_and_nothing_is_sent() {
    let docked = docked().await;
    let record = fixtures::talk_one(1);
    let id = id_of(&hand_in(&docked.host, LINK, ONE, &record).header("idempotency-key", "k").send().await);
    ends(&docked.host, &id, "done").await;
    let before = docked.sim.counters();
    let other = fixtures::revise(&record, 2);
    for (operation, record) in [(ONE, &other), ("record.push-patriarch", &record)] {
        let durable = hand_in(&docked.host, LINK, operation, record).header("idempotency-key", "k");
        let plain = durable.clone().without("prefer");
        for request in [durable, plain] {
            let problem = problem_of(&request.send().await, 422, "key-reused");
            assert!(text(&problem, "detail").contains(&id), "{problem}");
        }
    }
    assert_eq!((docked.sim.counters(), jobs(&docked.host, "").await.len()), (before, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_call_whose_key_is_under_way_is_409_and_its_end_is_told_later() {
    let docked = docked().await;
    docked.fault_once(ONE, "latency=2500");
    let ask = docked
        .host
        .call_request(LINK, ONE, in_wire_order(&fixtures::talk_one(1)))
        .header("idempotency-key", "submit-1");
    let first = tokio::spawn(ask.clone().send());
    docked.sim.wait_until(|counters| counters.requests_of(ONE) == 1).await.unwrap();
    let refused = ask.clone().send().await;
    let problem = problem_of(&refused, 409, "in-flight");
    assert_eq!((&problem["retryable"], refused.header("retry-after").is_empty()), (&json!(true), false));
    let output = first.await.unwrap().expect(200);
    assert_eq!(ask.send().await.expect(200), output);
    assert_eq!(docked.sim.counters().requests_of(ONE), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_repetitions_at_once_are_one_job() {
    let docked = docked().await;
    let ask = hand_in(&docked.host, LINK, ONE, &fixtures::talk_one(1)).header("idempotency-key", "click");
    let answers = join_all((0..100).map(|_| ask.clone().send())).await;
    let locations: std::collections::BTreeSet<_> =
        answers.iter().map(|answer| answer.header("location").to_owned()).collect();
    assert_eq!(locations.len(), 1, "{locations:?}");
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 202)));
    ends(&docked.host, locations.first().unwrap().strip_prefix("/v1/jobs/").unwrap(), "done").await;
    assert_eq!((jobs(&docked.host, "").await.len(), docked.sim.counters().requests_of(ONE)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_outlives_a_kill() {
    let Docked { host, sim } = docked().await;
    let record = fixtures::talk_one(1);
    let first = id_of(&hand_in(&host, LINK, ONE, &record).header("idempotency-key", "k").send().await);
    ends(&host, &first, "done").await;
    let host = host.kill().await.start().await;
    let again = hand_in(&host, LINK, ONE, &record).header("idempotency-key", "k").send().await;
    assert_eq!(again.header("location"), format!("/v1/jobs/{first}"));
    assert_eq!((again.status, sim.counters().requests_of(ONE)), (200, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_platforms_may_use_the_same_key_for_different_things() {
    let docked = docked_in(setup().platform("city", "*", "*"), ZjGxsz::builder(), |college| college).await;
    let (mine, theirs) = (fixtures::talk_one(1), fixtures::talk_one(2));
    let first = hand_in(&docked.host, LINK, ONE, &mine).header("idempotency-key", "k").send().await;
    let path = format!("/v1/links/{LINK}/operations/{ONE}");
    let request = docked.host.api(Method::POST, &path).key(docked.host.key("city")).json(in_wire_order(&theirs));
    let second = request.header("prefer", "wait=30").header("idempotency-key", "k").send().await;
    assert_eq!(second.expect(200)["recordId"], theirs["recordId"]);
    ends(&docked.host, &id_of(&first), "done").await;
    assert_eq!(docked.sim.counters().records_accepted, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_is_refused() {
    let docked = docked().await;
    for key in ["", "\"\"", &"k".repeat(256)] {
        let request = hand_in(&docked.host, LINK, ONE, &fixtures::talk_one(1)).header("idempotency-key", key);
        problem_of(&request.send().await, 400, "idempotency-key");
    }
    assert_eq!(jobs(&docked.host, "").await.len(), 0);
}
