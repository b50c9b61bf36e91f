//! What is there after a process ended without a word.

use super::*;

pub(super) async fn what_was_accepted_survives(maker: &dyn Maker) {
    let store = maker.open();
    let used = Idempotency { key: digest(1), body: digest(1), until: t(99) };
    let mut jobs: Vec<_> = (0..50).map(|n| keyed("zj.a", n % 7, Newer::Keep)).collect();
    jobs[0].idempotency = Some(used);
    store.accept(T0, jobs.clone()).await.unwrap();
    let after = maker.cut();
    let store = after.open();
    let found = store.list(Filter::default(), 0, 100).await.unwrap().jobs;
    assert_eq!(found.iter().map(|job| job.id).collect::<Vec<_>>(), jobs.iter().map(|job| job.id).collect::<Vec<_>>());
    for job in &jobs {
        assert_eq!(store.payload(job.id).await.unwrap(), Some(job.payload.clone()));
    }
    let again = NewJob { idempotency: Some(used), ..job("zj.a") };
    assert_eq!(accept(&*store, &again).await, Accepted::Replay(jobs[0].id));
    assert_eq!(lease(&*store, T0, 100).await.len(), 7);
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}

pub(super) async fn what_was_under_way_is_recovered_as_repeat_says(maker: &dyn Maker) {
    let store = maker.open();
    let (safe, not_safe) = (keyed("zj.a", 1, Newer::Keep), NewJob { repeat: Repeat::Unsafe, ..job("zj.a") });
    let behind = keyed("zj.a", 1, Newer::Keep);
    store.accept(T0, vec![safe.clone(), not_safe.clone(), behind.clone()]).await.unwrap();
    let leased = lease(&*store, T0, 10).await;
    let after = maker.cut();
    // What the lost process says now comes too late for the recovered store.
    let (late, store) = (done(&leased[0]), after.open());
    assert_eq!(state(&*store, safe.id).await, State::Sending);
    let expired =
        store.expire(Expiry { now: t(1), all: true, except: [].into(), tries_max: 9, jobs_max: 10 }).await.unwrap();
    assert_eq!(expired.len(), 2);
    assert_eq!(store.finish(t(1), late).await, Err(StoreError::Fenced));
    assert_eq!(state(&*store, not_safe.id).await, State::Unknown);
    let leased = lease(&*store, t(1), 10).await;
    assert_eq!((ids(&leased), leased[0].n), (vec![safe.id], 2));
    // And a second cut, during what follows.
    let after = after.cut();
    let store = after.open();
    assert_eq!(stage(&*store, safe.id).await, Stage::Sending { n: 2, until: t(31) });
    assert_eq!(stage(&*store, behind.id).await, Stage::Queued { due: T0, behind: true });
}

pub(super) async fn verdicts_events_values_and_batches_survive(maker: &dyn Maker) {
    let store = maker.open();
    let given = NewJob { callback: true, ..job("zj.a") };
    accept(&*store, &given).await;
    let leased = lease(&*store, T0, 1).await.remove(0);
    let verdict = Verdict::Done { result: Some(sealed("output")), result_until: None, payload_until: None };
    store.finish(T0, end(&leased, Outcome::Done, verdict)).await.unwrap();
    let value = Value { key: b"k".to_vec(), value: b"v".to_vec(), expires: None };
    store.value_set(T0, "zj.a".parse().unwrap(), value.clone()).await.unwrap();
    let batch = NewBatch {
        id: Uuid::now_v7(),
        platform: "campus".parse().unwrap(),
        link: "zj.a".parse().unwrap(),
        operation: "x".into(),
        named: true,
        meta: None,
        request_id: "r".into(),
    };
    store.batch_create(T0, batch.clone()).await.unwrap();
    let rows = vec![NewRow { row: 1, body: digest(1), ask: RowAsk::Job(Box::new(job("zj.a"))) }];
    store.batch_add(T0, batch.id, rows).await.unwrap();
    let after = maker.cut();
    let store = after.open();
    assert_eq!(state(&*store, given.id).await, State::Done);
    assert_eq!(store.result(given.id).await.unwrap(), Some(sealed("output")));
    assert_eq!(store.payload(given.id).await.unwrap(), None);
    assert_eq!(store.events_lease(T0, "campus".parse().unwrap(), LEASE, 9).await.unwrap()[0].job, given.id);
    assert_eq!(store.values(T0, "zj.a".parse().unwrap()).await.unwrap(), [value]);
    assert_eq!(store.batches_open(9).await.unwrap().len(), 1);
    assert_eq!(store.batch_progress(batch.id).await.unwrap().rows, 1);
}
