//! That one bad row, one bug or a clock that jumps costs a record at most, and never the queue. On a real store with a real
//! guest.

use bytes::Bytes;

use super::*;
use crate::{
    id::PlatformName,
    push::{Ask, is_over},
    server::tests::{
        guest,
        queue::{Queue, still},
    },
    store::{Filter, Job, past_store, seen_past_store},
};

const LINK: &str = "t.a";

/// A queue whose worker has not begun.
async fn resting() -> (Queue, Drain) {
    still(guest::dispatcher(&[LINK], &[]).await)
}

async fn accept(queue: &Queue, n: u32) -> JobId {
    let platform: PlatformName = "campus".parse().unwrap();
    let input = Bytes::from(format!(r#"{{"n":{n}}}"#));
    let ask = Ask { platform: &platform, link: LINK, operation: "echo", input, idempotency: None, request_id: "r-1" };
    queue.push.accept(ask).await.unwrap().id
}

/// Changes the database past the store.
fn damage(queue: &Queue, sql: &str) {
    past_store(&queue.directory.path().join("duijie.db"), sql);
}

async fn job(queue: &Queue, id: JobId) -> Job {
    queue.push.store().job(id).await.unwrap().unwrap()
}

/// The states of all jobs, also of those that cannot be read, in the order of acceptance.
fn states(queue: &Queue) -> Vec<String> {
    seen_past_store(&queue.directory.path().join("duijie.db"), "SELECT state FROM job ORDER BY seq")
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_parked_and_all_others_are_delivered() {
    let (queue, drain) = resting().await;
    let mut ends = queue.push.ends();
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(accept(&queue, n).await);
    }
    // One that waits, and one that an earlier process left under way.
    queue
        .push
        .store()
        .lease(now(), LeaseAsk { lease: LEASE, jobs_max: 1, inflight: 9, ..LeaseAsk::default() })
        .await
        .unwrap();
    damage(&queue, "UPDATE job SET connector = 'NOT A NAME' WHERE seq IN (1, 3)");
    let working = tokio::spawn(run(queue.push.clone(), drain));
    let mut waits: std::collections::HashSet<JobId> = ids.iter().copied().collect();
    while !waits.is_empty() {
        waits.remove(&ends.recv().await.unwrap());
    }
    assert_eq!(states(&queue), ["parked", "done", "parked", "done", "done", "done"]);
    // And it goes on.
    let after = accept(&queue, 7).await;
    while ends.recv().await.unwrap() != after {}
    assert_eq!(states(&queue).last().unwrap(), "done");
    assert!(!working.is_finished());
}

#[tokio::test]
async fn an_error_that_is_not_the_disks_ends_neither_the_worker_nor_what_is_under_way() {
    let (queue, drain) = resting().await;
    let id = accept(&queue, 1).await;
    let mut worker = Worker { push: queue.push.clone(), attempts: Attempts::default(), recovered: false };
    let (sends, sent) = tokio::sync::oneshot::channel::<()>();
    worker.attempts.tasks.spawn(async { sent.await.unwrap() });
    // Whatever it is: a hold of which the link cannot be read is one.
    damage(&queue, "INSERT INTO hold VALUES (CAST(x'ff' AS TEXT), 'x', 0)");
    for _ in 0..3 {
        let turned = worker.turn().await;
        assert!(matches!(turned, Err(StoreError::Data(_))), "{turned:?}");
    }
    assert_eq!(queue.push.store().is_broken(), None);
    sends.send(()).unwrap();
    assert!(worker.attempts.next().await, "it was not aborted");
    damage(&queue, "DELETE FROM hold");
    let mut ends = queue.push.ends();
    let _working = tokio::spawn(run(queue.push.clone(), drain));
    while ends.recv().await.unwrap() != id {}
    assert!(is_over(&job(&queue, id).await));
}

#[tokio::test]
async fn a_clock_that_is_set_forward_gives_up_nothing_that_is_under_way_here() {
    let (queue, _drain) = resting().await;
    accept(&queue, 1).await;
    accept(&queue, 2).await;
    let mut worker = Worker { push: queue.push.clone(), attempts: Attempts::default(), recovered: true };
    let ask = LeaseAsk { lease: LEASE, jobs_max: 2, inflight: 9, ..LeaseAsk::default() };
    let leased = queue.push.store().lease(now(), ask).await.unwrap().leased;
    // The first is this worker's, and does not end.
    let task = worker.attempts.tasks.spawn(std::future::pending());
    worker.attempts.of.insert(task.id(), leased[0].job.id);
    damage(&queue, "UPDATE job SET lease_until = 1");
    worker.expire(false).await.unwrap();
    assert_eq!(states(&queue), ["sending", "queued"]);
    let listed = queue.push.store().list(Filter::default(), 0, 9).await.unwrap().jobs;
    assert_eq!((listed[0].attempts, listed[0].doubt), (1, false));
}
