//! Fairness, holds that run out, waiters that give up, and that nothing is left behind. Time is paused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::*;
use crate::capability::kv::space::{
    Quota,
    tests::{Disk, link},
};

fn space() -> (Disk, Arc<Space>) {
    let disk = Disk::new();
    let space = disk.kv().space(&link("zj.nbufe"), Quota::default());
    (disk, space)
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_held_by_one_and_goes_in_the_order_of_asking() {
    let (_disk, space) = space();
    let first = space.acquire("token", ms(60_000)).await.unwrap();
    let _other = space.acquire("another name", ms(60_000)).await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for n in 0..20 {
        let (space, order) = (space.clone(), order.clone());
        tasks.spawn(async move {
            let _lock = space.acquire("token", ms(60_000)).await.unwrap();
            order.lock().push(n);
            tokio::task::yield_now().await;
        });
        // Let it take its place in the queue.
        tokio::task::yield_now().await;
    }
    assert!(order.lock().is_empty());
    drop(first);
    tasks.join_all().await;
    assert_eq!(*order.lock(), (0..20).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_lock_frees_itself_and_a_late_holder_frees_nobody_elses() {
    let (_disk, space) = space();
    let begun = Instant::now();
    let late = space.acquire("token", ms(100)).await.unwrap();
    let second = space.acquire("token", ms(1_000)).await.unwrap();
    assert_eq!(begun.elapsed().as_millis() / 10, 10, "after its hold");
    drop(late);
    let third = timeout(ms(500), space.acquire("token", ms(100))).await;
    assert!(third.is_err(), "the second still has it");
    drop(second);
    assert!(timeout(ms(1), space.acquire("token", ms(100))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_gives_up_leaves_the_queue() {
    let (_disk, space) = space();
    let first = space.acquire("token", ms(60_000)).await.unwrap();
    for _ in 0..10 {
        assert!(timeout(ms(10), space.acquire("token", ms(10))).await.is_err());
    }
    assert_eq!(space.locks.waiters.load(Ordering::Relaxed), 0);
    drop(first);
    assert!(timeout(ms(1), space.acquire("token", ms(10))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn locks_leave_nothing_behind() {
    let (_disk, space) = space();
    for n in 0..3_000 {
        drop(space.acquire(&format!("name {n}"), ms(10)).await.unwrap());
    }
    let kept: Vec<_> = {
        let mut kept = Vec::new();
        for n in 0..10 {
            kept.push(space.acquire(&format!("name {n}"), ms(10)).await.unwrap());
        }
        kept
    };
    assert_eq!(space.locks.queues.lock().len(), 10);
    tokio::time::sleep(ms(11)).await;
    assert_eq!(space.locks.queues.lock().len(), 0, "freed by time");
    drop(kept);
    assert_eq!(Arc::strong_count(&space), 1, "no timer is left");
}

#[tokio::test(start_paused = true)]
async fn locks_are_bounded() {
    let (_disk, space) = space();
    let mut held = Vec::new();
    for n in 0..1_024 {
        held.push(space.acquire(&format!("name {n}"), ms(60_000)).await.unwrap());
    }
    assert!(matches!(space.acquire("one more", ms(1)).await, Err(KvError::Unavailable(_))));
    held.pop();
    assert!(space.acquire("one more", ms(1)).await.is_ok());
}

/// What the SDK builds on it: many calls find the token expired, one fetches it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn single_flight() {
    let (_disk, space) = space();
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let space = space.clone();
        tasks.spawn(async move {
            let _lock = space.acquire("token", ms(10_000)).await.unwrap();
            if space.get("token").await.unwrap().is_none() {
                space.increment("fetches", 1, None).await.unwrap();
                tokio::task::yield_now().await;
                space.set("token", b"t", None).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(space.get("fetches").await, Ok(Some(b"1".to_vec())));
}
