//! Retention, holds, backups.

use super::*;
use crate::id::LinkId;

pub(super) async fn payloads_go_when_they_may_and_hashes_stay(maker: &dyn Maker) {
    let store = maker.open();
    let jobs = [(); 3].map(|()| job("zj.a"));
    store.accept(T0, jobs.to_vec()).await.unwrap();
    let keep =
        |result_until, payload_until| Verdict::Done { result: Some(sealed("output")), result_until, payload_until };
    let verdicts = [keep(None, None), keep(Some(t(20)), Some(t(10))), Verdict::Parked];
    for (leased, verdict) in lease(&*store, T0, 3).await.iter().zip(verdicts) {
        store.finish(T0, end(leased, Outcome::Done, verdict)).await.unwrap();
    }
    let there = async |n: usize| {
        let (payload, result) = (store.payload(jobs[n].id).await.unwrap(), store.result(jobs[n].id).await.unwrap());
        (payload.is_some(), result.is_some())
    };
    assert_eq!([there(0).await, there(1).await, there(2).await], [(false, true), (true, true), (true, false)]);
    let purged = store.purge(t(10), 10).await.unwrap();
    assert_eq!(purged, Purged { payloads: 1, ..Purged::default() });
    let purged = store.purge(t(20), 10).await.unwrap();
    assert_eq!(purged, Purged { results: 1, ..Purged::default() });
    assert_eq!([there(0).await, there(1).await, there(2).await], [(false, true), (false, false), (true, false)]);
    let job = store.job(jobs[1].id).await.unwrap().unwrap();
    assert_eq!((job.body, job.finished, job.last.unwrap().outcome), (digest(0), Some(T0), Outcome::Done));
}

pub(super) async fn what_was_refused_goes_when_its_time_is_over_and_a_retry_keeps_it(maker: &dyn Maker) {
    let store = maker.open();
    let jobs = [(); 2].map(|()| job("zj.a"));
    let batch = NewBatch {
        id: Uuid::now_v7(),
        platform: "campus".parse().unwrap(),
        link: "zj.a".parse().unwrap(),
        operation: "record.push-one".into(),
        named: false,
        meta: None,
        request_id: "r-1".into(),
    };
    store.batch_create(T0, batch.clone()).await.unwrap();
    let refused = |row, until| {
        let ask = RowAsk::Refused { column: None, error: sealed("no"), until };
        NewRow { row, body: digest(3), ask }
    };
    let sent = |(row, job): (u32, &NewJob)| NewRow { row, body: digest(3), ask: RowAsk::Job(Box::new(job.clone())) };
    let mut rows: Vec<_> = (1..).zip(&jobs).map(sent).collect();
    rows.extend([refused(3, t(10)), refused(4, t(20))]);
    store.batch_add(T0, batch.id, rows).await.unwrap();
    for leased in lease(&*store, T0, 2).await {
        let failed = Verdict::Failed { payload_until: Some(t(10)) };
        store.finish(T0, end(&leased, Outcome::Rejected, failed)).await.unwrap();
    }
    // It will be sent, so it stays.
    assert_eq!(store.retry(t(1), jobs[1].id, None).await, Ok(Retried::Queued));
    assert_eq!(store.purge(t(9), 10).await.unwrap(), Purged::default());
    let purged = store.purge(t(10), 10).await.unwrap();
    assert_eq!(purged, Purged { payloads: 1, rows: 1, ..Purged::default() });
    assert!(store.payload(jobs[1].id).await.unwrap().is_some());
    assert_eq!(store.retry(t(11), jobs[0].id, None).await, Err(StoreError::Gone));
    assert_eq!(state(&*store, jobs[0].id).await, State::Failed);
    let ask = RowsAsk { which: Rows::All, with: With::Payload, after: Some(2), rows_max: 9, bytes_max: 1 << 20 };
    let fates: Vec<_> = store.batch_rows(batch.id, ask).await.unwrap().rows.into_iter().map(|row| row.fate).collect();
    let fate = |error| RowFate::Refused { column: None, error };
    assert_eq!(fates, [fate(None), fate(Some(sealed("no")))]);
    assert_eq!(store.batch_progress(batch.id).await.unwrap().refused, 2);
}

pub(super) async fn purging_goes_in_bounded_steps(maker: &dyn Maker) {
    let store = maker.open();
    let named = |n: u8| {
        let idempotency = Some(Idempotency { key: digest(n), body: digest(n), until: t(10) });
        NewJob { idempotency, ..job("zj.a") }
    };
    store.accept(T0, (0..25).map(named).collect()).await.unwrap();
    let verdict = Verdict::Done { result: Some(sealed("r")), result_until: Some(t(10)), payload_until: Some(t(10)) };
    for leased in lease(&*store, T0, 25).await {
        store.finish(T0, end(&leased, Outcome::Done, verdict.clone())).await.unwrap();
    }
    let mut steps = Vec::new();
    for _ in 0..4 {
        let Purged { payloads, results, keys, .. } = store.purge(t(10), 10).await.unwrap();
        steps.push([payloads, results, keys]);
    }
    assert_eq!(steps, [[10; 3], [10; 3], [5; 3], [0; 3]]);
}

pub(super) async fn holds_say_why(maker: &dyn Maker) {
    let store = maker.open();
    store.hold(T0, "zj.b".parse().unwrap(), "one".into()).await.unwrap();
    store.hold(t(1), "zj.b".parse().unwrap(), "another".into()).await.unwrap();
    store.hold(t(2), "zj.a".parse().unwrap(), "x".repeat(9999)).await.unwrap();
    let holds = store.holds().await.unwrap();
    assert_eq!(holds[1], Hold { link: "zj.b".parse().unwrap(), reason: "another".into(), since: t(1) });
    assert_eq!(holds[0].reason.len(), 1024);
    assert_eq!(store.resume("zj.b".parse().unwrap(), None).await, Ok(true));
    assert_eq!(store.resume("zj.b".parse().unwrap(), None).await, Ok(false));
    // A hold survives.
    let after = maker.cut();
    assert_eq!(after.open().holds().await.unwrap().len(), 1);
}

pub(super) async fn a_hold_is_neither_overwritten_nor_lifted_for_a_reason_that_is_not_its_own(maker: &dyn Maker) {
    let store = maker.open();
    let link = || "zj.a".parse::<LinkId>().unwrap();
    let why = async || store.holds().await.unwrap().pop().map(|hold| hold.reason);
    assert_eq!(store.hold_free(T0, link(), "the key ends".into()).await, Ok(true));
    store.hold(T0, link(), "an operator's".into()).await.unwrap();
    assert_eq!(store.hold_free(T0, link(), "the key ends".into()).await, Ok(false));
    assert_eq!(store.resume(link(), Some("the key ends".into())).await, Ok(false));
    assert_eq!(why().await.as_deref(), Some("an operator's"));
    assert_eq!(store.resume(link(), Some("an operator's".into())).await, Ok(true));
    assert_eq!(why().await, None);
}

pub(super) async fn a_backup_of_a_busy_store_is_whole_and_opens(maker: &dyn Maker) {
    let store = maker.open();
    let before: Vec<_> = (0..300).map(|_| job("zj.a")).collect();
    store.accept(T0, before.clone()).await.unwrap();
    store.audit(audit::entry(1)).await.unwrap();
    let (to, other) = maker.other();
    let busy = async {
        for _ in 0..200 {
            accept(&*store, &job("zj.a")).await;
        }
    };
    let (made, ()) = tokio::join!(store.backup(to), busy);
    made.unwrap();
    // The copy is one of its own: what happens to either is not seen by the other.
    let copy = other.open();
    assert_eq!(copy.check().await.unwrap(), Vec::<String>::new());
    for given in &before {
        assert_eq!(copy.payload(given.id).await.unwrap(), Some(given.payload.clone()));
    }
    assert_eq!(copy.audit_verify().await, Ok(AuditReport { entries: 1, checkpoints: 0, fault: None }));
    copy.cancel(T0, before[0].id).await.unwrap();
    assert_eq!(state(&*store, before[0].id).await, State::Queued);
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}

pub(super) async fn a_backup_replaces_nothing(maker: &dyn Maker) {
    let store = maker.open();
    let (to, _there) = maker.other();
    store.backup(to.clone()).await.unwrap();
    let refused = store.backup(to).await.unwrap_err();
    assert!(matches!(refused, StoreError::Backup(_)), "{refused:?}");
    // Neither does a place that is not there; and the store itself is sound.
    let (to, _there) = maker.other();
    assert!(matches!(store.backup(to.join("none/store.db")).await, Err(StoreError::Backup(_))));
    assert_eq!(store.is_broken(), None);
}
