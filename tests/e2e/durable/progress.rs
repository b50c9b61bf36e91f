//! Learners' progress (A5): each minute's reports of all learners as a batch, increments that are added up while they wait,
//! the host killed in the middle. Not a second is lost in silence, and none counted twice.
//!
//! `cargo xtask soak progress --durable` is the same with 10,000 learners.

use std::collections::BTreeMap;

use duijie_tests::{
    harness::{Host, Stopped},
    upstreams::{Simulator, SkillTrain},
};
use serde_json::Value;

use super::{NDJSON, batch, hold, id_of, jobs, resume, settled, text, until_quiet};
use crate::skill_train::{self, Docked, LINK, code};

const PROGRESS: &str = "progress.report";
const LEARNERS: usize = 1000;
const MINUTES: usize = 10;
const INFLIGHT: &str = "[push]\nmax_inflight = 32";

/// What learner `n` watched in a minute: of each its own, so that no two mistakes cancel out.
fn watched_s(learner: usize, minute: usize) -> u64 {
    (learner * 7 + minute * 13) as u64 % 59 + 1
}

fn report(learner: usize, minute: usize) -> Value {
    let seconds = watched_s(learner, minute);
    skill_train::minute(learner, 60 * (minute as u32 + 1), u32::try_from(seconds).unwrap())
}

/// Sends a minute of all learners; the batch.
async fn send(host: &Host, minute: usize) -> String {
    let lines: String = (0..LEARNERS).map(|learner| report(learner, minute).to_string() + "\n").collect();
    let request = batch(host, LINK, PROGRESS, NDJSON, lines).header("idempotency-key", &format!("minute-{minute}"));
    let answer = request.send().await;
    assert_eq!(answer.expect(202)["accepted"], LEARNERS, "{}", answer.text());
    id_of(&answer)
}

/// What every learner reported over all minutes.
fn reported_s(learner: usize) -> u64 {
    (0..MINUTES).map(|minute| watched_s(learner, minute)).sum()
}

/// What the upstream has of every learner.
fn counted(sim: &Simulator<SkillTrain>) -> Vec<u64> {
    let of = |learner| sim.profile().study(&code(0x1000 + learner), &code(0xa1)).map_or(0, |study| study.progress_s);
    (0..LEARNERS).map(of).collect()
}

/// Of every learner, the seconds in jobs that are done and in those that nobody knows of.
async fn accounts(host: &Host, minutes: &BTreeMap<String, usize>) -> Vec<(u64, u64)> {
    let all = jobs(host, &format!("link={LINK}")).await;
    assert_eq!(all.len(), LEARNERS * MINUTES, "every row is a job");
    let by_id: BTreeMap<&str, &Value> = all.iter().map(|job| (text(job, "id"), job)).collect();
    let mut accounts = vec![(0, 0); LEARNERS];
    for job in &all {
        let learner = usize::try_from(job["row"].as_u64().unwrap() - 1).unwrap();
        let seconds = watched_s(learner, minutes[text(job, "batch")]);
        let mut at = job;
        while text(at, "state") == "superseded" {
            at = by_id[text(at, "superseded_by")];
        }
        match text(at, "state") {
            "done" => accounts[learner].0 += seconds,
            "unknown" => accounts[learner].1 += seconds,
            other => panic!("a report is {other}: {at}"),
        }
    }
    accounts
}

async fn academy() -> Docked {
    skill_train::docked_with(SkillTrain::builder(), |academy| academy.tables(INFLIGHT)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_conserved_when_the_host_is_killed_in_the_middle_and_what_is_in_doubt_is_reported() {
    let docked = academy().await;
    // So that at any moment some are under way.
    docked.fault(PROGRESS, "latency=20..60");
    let mut minutes = BTreeMap::new();
    for minute in 0..MINUTES / 2 {
        minutes.insert(send(&docked.host, minute).await, minute);
    }
    docked.sim.wait_until(|counters| counters.in_flight > 4).await.unwrap();
    let host = docked.host.kill().await.start().await;
    for minute in MINUTES / 2..MINUTES {
        minutes.insert(send(&host, minute).await, minute);
    }
    until_quiet(&host, LINK).await;

    let unknown = jobs(&host, "state=unknown").await;
    assert!((1..=32).contains(&unknown.len()), "those under way at the kill are reported: {}", unknown.len());
    let told = &super::queue(&host, LINK).await["jobs"];
    assert_eq!(told["unknown"], unknown.len(), "to the operator, too: {told}");
    for (learner, ((done, doubt), counted)) in
        accounts(&host, &minutes).await.into_iter().zip(counted(&docked.sim)).enumerate()
    {
        assert_eq!(done + doubt, reported_s(learner), "learner {learner}: a report is accounted for nowhere");
        assert!(
            (done..=done + doubt).contains(&counted),
            "learner {learner}: {done} s done, {doubt} s in doubt, {counted} s counted"
        );
    }
    let requests = docked.sim.counters().requests_of(PROGRESS);
    assert!(requests < (LEARNERS * MINUTES) as u64, "what waited was added up: {requests} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_exactly_equal_when_nothing_was_under_way_at_the_kill() {
    let Docked { host, sim, platform: _platform } = academy().await;
    let mut batches = Vec::new();
    for minute in 0..MINUTES / 2 {
        batches.push(send(&host, minute).await);
    }
    // A hold lets those under way come to their end, and begins no others.
    hold(&host, LINK).await;
    for minute in MINUTES / 2..MINUTES {
        batches.push(send(&host, minute).await);
    }
    super::eventually("those under way to have ended", async || {
        super::queue(&host, LINK).await["jobs"].get("sending").is_none()
    })
    .await;
    let stopped: Stopped = host.kill().await;
    let host = stopped.start().await;
    resume(&host, LINK).await;
    for id in &batches {
        let batch = settled(&host, id).await;
        let jobs = batch["jobs"].as_object().unwrap();
        assert!(jobs.keys().all(|state| matches!(state.as_str(), "done" | "superseded")), "{batch}");
    }
    let reported: Vec<u64> = (0..LEARNERS).map(reported_s).collect();
    assert_eq!(counted(&sim), reported);
    assert_eq!(sim.profile().progress_sum(), reported.iter().sum::<u64>());
}
