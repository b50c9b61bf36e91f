//! Order within a line: the jobs of one link and key.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;

use super::*;

async fn three(store: &dyn Store, newer: Newer) -> [JobId; 3] {
    let jobs = [(); 3].map(|()| keyed("zj.a", 1, newer.clone()));
    store.accept(T0, jobs.to_vec()).await.unwrap();
    jobs.map(|job| job.id)
}

pub(super) async fn jobs_of_a_key_go_one_at_a_time_and_in_order(maker: &dyn Maker) {
    let store = maker.open();
    let jobs = three(&*store, Newer::Keep).await;
    for id in jobs {
        let leased = lease(&*store, T0, 10).await;
        assert_eq!(ids(&leased), [id]);
        assert_eq!(lease(&*store, T0, 10).await.len(), 0);
        store.finish(T0, done(&leased[0])).await.unwrap();
    }
    assert_eq!(lease(&*store, T0, 10).await.len(), 0);
}

pub(super) async fn a_retry_is_waited_for_by_those_behind_it(maker: &dyn Maker) {
    let store = maker.open();
    let [first, second, _] = three(&*store, Newer::Keep).await;
    let leased = lease(&*store, T0, 10).await;
    store.finish(t(1), end(&leased[0], Outcome::NotSent, Verdict::Retry { at: t(10) })).await.unwrap();
    assert_eq!(lease(&*store, t(9), 10).await.len(), 0);
    let leased = lease(&*store, t(10), 10).await;
    assert_eq!((ids(&leased), leased[0].n), (vec![first], 2));
    store.finish(t(11), done(&leased[0])).await.unwrap();
    assert_eq!(ids(&lease(&*store, t(11), 10).await), [second]);
}

pub(super) async fn a_retry_gives_way_to_a_newer_version_that_waits(maker: &dyn Maker) {
    let store = maker.open();
    let (first, second) = (keyed("zj.a", 1, Newer::Supersede), keyed("zj.a", 1, Newer::Supersede));
    accept(&*store, &first).await;
    let leased = lease(&*store, T0, 1).await;
    accept(&*store, &second).await;
    let fate = store.finish(t(1), end(&leased[0], Outcome::NotSent, Verdict::Retry { at: t(9) })).await.unwrap();
    assert_eq!(fate, Fate::Superseded(second.id));
    assert_eq!(stage(&*store, first.id).await, Stage::Superseded { by: second.id });
    assert_eq!(ids(&lease(&*store, t(1), 10).await), [second.id]);
}

pub(super) async fn a_retry_by_hand_takes_its_old_place(maker: &dyn Maker) {
    let store = maker.open();
    let [first, second, third] = three(&*store, Newer::Keep).await;
    let leased = lease(&*store, T0, 10).await;
    store.finish(T0, end(&leased[0], Outcome::Rejected, Verdict::Parked)).await.unwrap();
    assert_eq!(store.retry(t(1), first, None).await, Ok(Retried::Queued));
    assert_eq!(stage(&*store, second).await, Stage::Queued { due: T0, behind: true });
    for id in [first, second, third] {
        let leased = lease(&*store, t(1), 10).await;
        assert_eq!(ids(&leased), [id]);
        store.finish(t(1), done(&leased[0])).await.unwrap();
    }
}

pub(super) async fn a_retry_by_hand_never_runs_beside_another_of_its_line(maker: &dyn Maker) {
    let store = maker.open();
    let [first, second, third] = three(&*store, Newer::Keep).await;
    let leased = lease(&*store, T0, 10).await;
    store.finish(T0, end(&leased[0], Outcome::Rejected, Verdict::Parked)).await.unwrap();
    let under_way = lease(&*store, T0, 10).await;
    assert_eq!(ids(&under_way), [second]);
    store.retry(t(1), first, None).await.unwrap();
    assert_eq!(lease(&*store, t(1), 10).await.len(), 0);
    // The one under way comes back: the retried one is older and goes first.
    store.finish(t(1), end(&under_way[0], Outcome::NotSent, Verdict::Retry { at: t(1) })).await.unwrap();
    for id in [first, second, third] {
        let leased = lease(&*store, t(1), 10).await;
        assert_eq!(ids(&leased), [id]);
        store.finish(t(1), done(&leased[0])).await.unwrap();
    }
}

pub(super) async fn a_retry_by_hand_does_not_undo_a_newer_version(maker: &dyn Maker) {
    let store = maker.open();
    let (first, second) = (keyed("zj.a", 1, Newer::Supersede), keyed("zj.a", 1, Newer::Supersede));
    accept(&*store, &first).await;
    let leased = lease(&*store, T0, 1).await;
    store.finish(T0, end(&leased[0], Outcome::Rejected, Verdict::Parked)).await.unwrap();
    accept(&*store, &second).await;
    let leased = lease(&*store, T0, 1).await;
    store.finish(T0, done(&leased[0])).await.unwrap();
    assert_eq!(store.retry(t(1), first.id, None).await, Ok(Retried::Superseded(second.id)));
    assert_eq!(stage(&*store, first.id).await, Stage::Superseded { by: second.id });
    assert_eq!(lease(&*store, t(1), 1).await.len(), 0);
}

pub(super) async fn whatever_ends_a_job_lets_the_next_one_go(maker: &dyn Maker) {
    let store = maker.open();
    let jobs: Vec<_> = (0..6).map(|_| NewJob { parks_at: Some(t(50)), ..keyed("zj.a", 1, Newer::Keep) }).collect();
    store.accept(T0, jobs.clone()).await.unwrap();
    for (n, verdict) in
        [Verdict::Failed { payload_until: None }, Verdict::Parked, Verdict::Unknown].into_iter().enumerate()
    {
        let leased = lease(&*store, T0, 10).await;
        assert_eq!(ids(&leased), [jobs[n].id]);
        store.finish(T0, end(&leased[0], Outcome::Rejected, verdict)).await.unwrap();
    }
    store.cancel(T0, jobs[3].id).await.unwrap();
    assert_eq!(ids(&lease(&*store, T0, 10).await), [jobs[4].id]);
    let expiry = Expiry { now: t(30), all: false, except: [].into(), tries_max: 1, jobs_max: 10 };
    assert_eq!(store.expire(expiry).await.unwrap(), [Expired { id: jobs[4].id, state: State::Parked }]);
    assert_eq!(stage(&*store, jobs[5].id).await, Stage::Queued { due: T0, behind: false });
    assert_eq!(store.park_aged(t(50), 10).await.unwrap(), [jobs[5].id]);
    let last = keyed("zj.a", 1, Newer::Keep);
    store.accept(t(51), vec![last.clone()]).await.unwrap();
    assert_eq!(ids(&lease(&*store, t(51), 10).await), [last.id]);
}

pub(super) async fn links_with_the_same_key_do_not_wait_for_each_other(maker: &dyn Maker) {
    let store = maker.open();
    let jobs = vec![keyed("zj.a", 1, Newer::Supersede), keyed("zj.b", 1, Newer::Supersede)];
    store.accept(T0, jobs).await.unwrap();
    assert_eq!(lease(&*store, T0, 10).await.len(), 2);
}

pub(super) async fn operations_of_one_line_go_one_at_a_time_and_in_order(maker: &dyn Maker) {
    let store = maker.open();
    let names = ["study.start", "progress.report", "study.end", "study.start"];
    let jobs = names.map(|name| NewJob { operation: name.into(), ..keyed("zj.a", 1, Newer::Keep) });
    store.accept(T0, jobs.to_vec()).await.unwrap();
    for job in jobs {
        let leased = lease(&*store, T0, 10).await;
        assert_eq!(ids(&leased), [job.id]);
        assert_eq!(lease(&*store, T0, 10).await.len(), 0);
        store.finish(T0, done(&leased[0])).await.unwrap();
    }
}

pub(super) async fn what_another_operation_waits_behind_keeps_its_place(maker: &dyn Maker) {
    let store = maker.open();
    let of = |operation: &str| NewJob { operation: operation.into(), ..keyed("zj.a", 1, Newer::Supersede) };
    let jobs = [of("progress.report"), of("study.end"), of("progress.report"), of("progress.report")];
    for (n, job) in jobs.iter().enumerate() {
        let superseded = if n == 3 { vec![jobs[2].id] } else { Vec::new() };
        assert!(matches!(accept(&*store, job).await, Accepted::New { superseded: ended, .. } if ended == superseded));
    }
    // Nor does a later version end what comes back while another operation waits between the two.
    for (n, job) in [&jobs[0], &jobs[1], &jobs[3]].into_iter().enumerate() {
        let leased = lease(&*store, T0, 10).await;
        assert_eq!(ids(&leased), [job.id]);
        if n == 0 {
            let fate = store.finish(T0, end(&leased[0], Outcome::NotSent, Verdict::Retry { at: T0 })).await.unwrap();
            assert_eq!(fate, Fate::AsAsked);
            assert_eq!(ids(&lease(&*store, T0, 10).await), [job.id]);
        }
        store.finish(T0, Finish { n: 1 + u32::from(n == 0), ..done(&leased[0]) }).await.unwrap();
    }
}

/// Eight workers, 20 keys, 25 versions each, some tried twice.
pub(super) async fn concurrent_leasers_never_hold_two_of_a_key(maker: &dyn Maker) {
    let store = maker.open();
    let jobs: Vec<_> = (0..500).map(|n: u16| keyed("zj.a", (n % 20) as u8, Newer::Keep)).collect();
    store.accept(T0, jobs).await.unwrap();
    let held = Arc::new(Mutex::new((HashSet::new(), HashMap::<Digest, i64>::new(), 0)));
    let worker = |n: u32| {
        let (store, held) = (store.clone(), held.clone());
        async move {
            loop {
                let leased = lease(&*store, T0, 3).await;
                if leased.is_empty() {
                    if held.lock().2 == 500 {
                        return;
                    }
                    tokio::task::yield_now().await;
                    continue;
                }
                for one in leased {
                    let key = one.job.key.unwrap();
                    assert!(held.lock().0.insert(key), "two of a key");
                    tokio::task::yield_now().await;
                    held.lock().0.remove(&key);
                    if one.n == 1 && one.job.seq % 7 == i64::from(n % 7) {
                        let again = end(&one, Outcome::NotSent, Verdict::Retry { at: T0 });
                        store.finish(T0, again).await.unwrap();
                        continue;
                    }
                    {
                        let mut held = held.lock();
                        let before = held.1.insert(key, one.job.seq);
                        assert!(before.is_none_or(|before| before < one.job.seq), "out of order");
                        held.2 += 1;
                    }
                    store.finish(T0, done(&one)).await.unwrap();
                }
            }
        }
    };
    futures_util::future::join_all((0..8).map(worker)).await;
    let counts = store.counts().await.unwrap();
    assert_eq!(counts, [("zj.a".parse().unwrap(), State::Done, 500)]);
}
