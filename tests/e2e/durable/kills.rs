//! The host dies, and answers get lost (reliability.md D1, D8, C3): what was accepted is not lost; what is safe is sent
//! again; what is not is never sent twice by itself, and said to be unknown.

use duijie_tests::{
    fixtures,
    upstreams::{Rule, ZjGxsz},
};
use serde_json::json;

use super::{NDJSON, ONE, accepted, act, batch, ends, hand_in, hold, id_of, jobs, ndjson, queue, resume, text};
use crate::{
    skill_train::{self, code, minute},
    support::{Docked, LINK, docked, docked_in, docked_with, in_wire_order, parse, setup},
};

const PROGRESS: &str = "progress.report";

#[tokio::test(flavor = "multi_thread")]
async fn records_accepted_right_before_a_kill_arrive_after_the_restart() {
    let Docked { host, sim } = docked().await;
    let records: Vec<_> = (0..20).map(fixtures::talk_one).collect();
    let mut ids = Vec::new();
    for record in &records {
        ids.push(accepted(&host, LINK, ONE, record).await);
    }
    let host = host.kill().await.start().await;
    for id in &ids {
        ends(&host, id, "done").await;
    }
    let docked = Docked { host, sim };
    for record in &records {
        assert!(docked.stored(record).plaintext == in_wire_order(record).as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_outlives_a_kill_and_a_signal_as_does_the_hold() {
    let Docked { host, sim } = docked().await;
    hold(&host, LINK).await;
    let id = accepted(&host, LINK, ONE, &fixtures::talk_one(1)).await;
    let host = host.kill().await.start().await;
    let stopped = host.terminate().await;
    assert_eq!(stopped.status.code(), Some(0), "{}", stopped.log.text());
    let host = stopped.start().await;
    assert_eq!(queue(&host, LINK).await["jobs"], json!({ "queued": 1 }));
    assert_eq!(sim.counters().requests_of(ONE), 0);
    resume(&host, LINK).await;
    assert_eq!(ends(&host, &id, "done").await["attempts"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_lets_the_attempt_under_way_end_and_leaves_the_rest_for_later() {
    let Docked { host, sim } = docked().await;
    sim.faults().add(Rule::new(parse("latency=1500")).operation(ONE).once());
    let first = accepted(&host, LINK, ONE, &fixtures::talk_one(1)).await;
    sim.wait_until(|counters| counters.requests_of(ONE) == 1).await.unwrap();
    let stopped = host.terminate().await;
    assert_eq!(stopped.status.code(), Some(0), "{}", stopped.log.text());
    assert_eq!(sim.counters().records_accepted, 1);
    let host = stopped.start().await;
    assert_eq!(ends(&host, &first, "done").await["attempts"], 1, "its end was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_safe_record_that_was_under_way_at_a_kill_is_sent_again() {
    let Docked { host, sim } = docked().await;
    sim.faults().add(Rule::new(parse("hang-after")).operation(ONE).once());
    let record = fixtures::talk_one(1);
    let id = accepted(&host, LINK, ONE, &record).await;
    sim.wait_until(|counters| counters.records_accepted == 1).await.unwrap();
    let host = host.kill().await.start().await;
    let done = ends(&host, &id, "done").await;
    let attempts = &done["attempts_made"];
    assert_eq!((&done["attempts"], text(&attempts[0], "outcome")), (&json!(2), "unknown"), "{done}");
    assert_eq!((sim.counters().records_accepted, sim.counters().overwrites), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_safe_record_whose_answer_is_lost_is_sent_again() {
    let docked = docked_with(ZjGxsz::builder(), |college| college.tables("[config.http]\ntimeout_ms = 1500")).await;
    for lost in ["reset-after", "hang-after", "reset-mid", "truncate"] {
        let before = docked.sim.counters().requests_of(ONE);
        docked.fault_once(ONE, lost);
        let record = fixtures::revise(&fixtures::talk_one(1), lost.len());
        let id = accepted(&docked.host, LINK, ONE, &record).await;
        let done = ends(&docked.host, &id, "done").await;
        assert_eq!((&done["attempts"], &done["may_have_been_applied"]), (&json!(2), &json!(true)), "{lost}: {done}");
        assert_eq!(docked.sim.counters().requests_of(ONE), before + 2, "{lost}");
        assert!(docked.stored(&record).plaintext == in_wire_order(&record).as_bytes(), "{lost}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsafe_record_whose_answer_is_lost_ends_unknown_and_is_not_sent_again() {
    let docked = skill_train::docked().await;
    for (n, lost) in ["reset-after", "truncate", "reset-mid"].into_iter().enumerate() {
        docked.fault_once(PROGRESS, lost);
        let id = accepted(&docked.host, skill_train::LINK, PROGRESS, &minute(n, 60, 60)).await;
        let unknown = ends(&docked.host, &id, "unknown").await;
        assert_eq!((text(&unknown, "outcome"), &unknown["attempts"]), ("unknown", &json!(1)), "{lost}: {unknown}");
        assert_eq!(unknown["may_have_been_applied"], true);
    }
    // A later report of the first learner goes on, and what is unknown stays so, also over a restart.
    let later = accepted(&docked.host, skill_train::LINK, PROGRESS, &minute(0, 120, 60)).await;
    ends(&docked.host, &later, "done").await;
    let host = docked.host.kill().await.start().await;
    assert_eq!(queue(&host, skill_train::LINK).await["jobs"], json!({ "done": 1, "unknown": 3 }));
    assert_eq!(docked.sim.counters().requests_of(PROGRESS), 4, "nothing was sent twice");
    assert_eq!(docked.sim.profile().progress_sum(), 240);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsafe_record_that_was_under_way_at_a_kill_is_unknown_until_a_person_decides() {
    let docked = skill_train::docked().await;
    docked.fault_once(PROGRESS, "hang");
    let id = accepted(&docked.host, skill_train::LINK, PROGRESS, &minute(1, 60, 60)).await;
    docked.sim.wait_until(|counters| counters.requests_of(PROGRESS) == 1).await.unwrap();
    let host = docked.host.kill().await.start().await;
    let unknown = ends(&host, &id, "unknown").await;
    assert!(text(&unknown, "message").contains("host"), "why is said: {unknown}");
    assert_eq!(jobs(&host, "state=unknown").await.len(), 1);
    assert_eq!(docked.sim.counters().requests_of(PROGRESS), 1);
    // The person has looked: the upstream does not have it.
    assert_eq!(docked.sim.profile().study(&code(0x1001), &code(0xa1)), None);
    act(&host, &id, "retry").await.expect(200);
    ends(&host, &id, "done").await;
    assert_eq!(docked.sim.profile().progress_sum(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsafe_record_that_was_certainly_not_sent_is_sent_again() {
    let docked = skill_train::docked().await;
    // Nobody logs in, and then there is no room: either way the report was not taken.
    docked.fault_once("login", "status=503");
    docked.fault_once(PROGRESS, "status=429,1");
    let id = accepted(&docked.host, skill_train::LINK, PROGRESS, &minute(1, 60, 60)).await;
    let done = ends(&docked.host, &id, "done").await;
    assert_eq!((&done["attempts"], &done["may_have_been_applied"]), (&json!(3), &json!(false)), "{done}");
    assert_eq!(docked.sim.profile().progress_sum(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_goes_down_keeps_nobody_waiting_for_what_it_will_not_send() {
    let setup = setup().settings("[limits]\ndrain_s = 20\n");
    let Docked { host, sim } = docked_in(setup, ZjGxsz::builder(), |college| college).await;
    hold(&host, LINK).await;
    let followed = id_of(&batch(&host, LINK, ONE, NDJSON, ndjson(&[fixtures::talk_one(1)])).send().await);
    let path = format!("/v1/batches/{followed}/events");
    let follower = tokio::spawn(host.api(http::Method::GET, &path).key(host.key("campus")).send());
    let wait = hand_in(&host, LINK, ONE, &fixtures::talk_one(2)).header("prefer", "wait=60");
    let waiter = tokio::spawn(wait.send());
    until_waiting(&host, 2).await;
    let asked = std::time::Instant::now();
    let stopped = host.terminate().await;
    assert_eq!(stopped.status.code(), Some(0), "{}", stopped.log.text());
    assert!(asked.elapsed() < std::time::Duration::from_secs(15), "{:?}", asked.elapsed());
    assert_eq!(text(&waiter.await.unwrap().expect(202), "state"), "queued");
    assert!(follower.await.unwrap().text().contains("event: progress"), "what was to be told was told");
    assert_eq!(sim.counters().requests_of(ONE), 0);
}

/// Waits until so many records are kept.
async fn until_waiting(host: &duijie_tests::harness::Host, count: u64) {
    super::eventually("the records to be kept", async || super::waiting(host, LINK).await == count).await;
}
