//! Batches.

use super::*;

fn batch() -> NewBatch {
    NewBatch {
        id: Uuid::now_v7(),
        platform: "campus".parse().unwrap(),
        link: "zj.a".parse().unwrap(),
        operation: "record.push-one".into(),
        meta: Some(sealed("meta")),
        request_id: "r-1".into(),
    }
}

fn row(row: u32, job: &NewJob) -> NewRow {
    NewRow { row, ask: RowAsk::Job(Box::new(job.clone())) }
}

fn bad(row: u32) -> NewRow {
    NewRow { row, ask: RowAsk::Refused { column: Some("学号".into()), error: sealed("is missing") } }
}

pub(super) async fn every_row_has_its_verdict_and_keeps_its_place(maker: &dyn Maker) {
    let store = maker.open();
    let (batch, used) = (batch(), Idempotency { key: digest(1), body: digest(1), until: t(9) });
    let earlier = NewJob { idempotency: Some(used), ..job("zj.a") };
    accept(&*store, &earlier).await;
    store.batch_create(T0, batch.clone()).await.unwrap();
    assert!(matches!(store.batch_create(T0, batch.clone()).await, Err(StoreError::Constraint(_))));
    let good = job("zj.a");
    let again = NewJob { idempotency: Some(used), ..job("zj.a") };
    let other = NewJob { idempotency: Some(Idempotency { body: digest(2), ..used }), ..job("zj.a") };
    // Not in the order of their numbers: verdicts are in the order given, pages in that of the numbers.
    let rows = vec![row(7, &good), bad(2), row(4, &again), row(9, &other)];
    let verdicts = store.batch_add(T0, batch.id, rows).await.unwrap();
    assert!(matches!(verdicts[0], RowVerdict::Job(Accepted::New { .. })));
    assert_eq!(verdicts[1], RowVerdict::Refused);
    assert_eq!(verdicts[2], RowVerdict::Job(Accepted::Replay(earlier.id)));
    assert_eq!(verdicts[3], RowVerdict::Job(Accepted::Conflict(earlier.id)));
    let refused = RowFate::Refused { column: Some("学号".into()), error: sealed("is missing") };
    let expected = [
        BatchRow { row: 2, fate: refused },
        BatchRow { row: 4, fate: RowFate::Job(earlier.id, State::Queued) },
        BatchRow { row: 7, fate: RowFate::Job(good.id, State::Queued) },
        BatchRow { row: 9, fate: RowFate::Conflict(earlier.id) },
    ];
    let page = async |which, after, max| store.batch_rows(batch.id, which, after, max).await.unwrap();
    assert_eq!(page(Rows::All, None, 100).await, expected);
    assert_eq!(page(Rows::All, Some(2), 2).await, expected[1..3]);
    assert_eq!(page(Rows::Troubled, None, 100).await, [expected[0].clone(), expected[3].clone()]);
    let place = Some(Place { batch: batch.id, row: 7 });
    assert_eq!(store.job(good.id).await.unwrap().unwrap().place, place);
    let filter = Filter { batch: Some(batch.id), ..Filter::default() };
    assert_eq!(store.list(filter, 0, 100).await.unwrap().jobs.len(), 1);
    assert_eq!(store.batch_add(T0, Uuid::nil(), vec![bad(1)]).await, Err(StoreError::NotFound));
    assert_eq!(store.batch_progress(Uuid::nil()).await, Err(StoreError::NotFound));
}

pub(super) async fn a_row_that_comes_twice_is_there_once(maker: &dyn Maker) {
    let store = maker.open();
    let batch = batch();
    store.batch_create(T0, batch.clone()).await.unwrap();
    let first = job("zj.a");
    store.batch_add(T0, batch.id, vec![row(1, &first), bad(2)]).await.unwrap();
    // Read again after a crash, with new ids.
    let verdicts = store.batch_add(t(1), batch.id, vec![row(1, &job("zj.a")), bad(2), row(3, &job("zj.a"))]).await;
    assert_eq!(verdicts.unwrap()[..2], [RowVerdict::Already, RowVerdict::Already]);
    assert_eq!(store.batch_progress(batch.id).await.unwrap().rows, 3);
    assert_eq!(store.list(Filter::default(), 0, 100).await.unwrap().jobs.len(), 2);
}

pub(super) async fn progress_counts_what_became_of_the_rows(maker: &dyn Maker) {
    let store = maker.open();
    let batch = batch();
    store.batch_create(T0, batch.clone()).await.unwrap();
    let rows = (1..=8).map(|n| if n == 3 { bad(n) } else { row(n, &job("zj.a")) }).collect();
    store.batch_add(T0, batch.id, rows).await.unwrap();
    let leased = lease(&*store, T0, 4).await;
    store.finish(T0, done(&leased[0])).await.unwrap();
    store.finish(T0, end(&leased[1], Outcome::Rejected, Verdict::Failed)).await.unwrap();
    let jobs = vec![(State::Queued, 3), (State::Sending, 2), (State::Done, 1), (State::Failed, 1)];
    let expected = Progress { rows: 8, refused: 1, conflicts: 0, jobs };
    assert_eq!(store.batch_progress(batch.id).await.unwrap(), expected);
    assert_eq!(store.batch_rows(batch.id, Rows::Troubled, None, 10).await.unwrap().len(), 2);
}

pub(super) async fn a_batch_is_resumed_until_it_is_closed(maker: &dyn Maker) {
    let store = maker.open();
    let (first, second) = (batch(), batch());
    store.batch_create(T0, first.clone()).await.unwrap();
    store.batch_create(t(1), second.clone()).await.unwrap();
    let open: Vec<_> = store.batches_open(10).await.unwrap().iter().map(|batch| batch.given.id).collect();
    assert_eq!(open, [first.id, second.id]);
    store.batch_close(t(2), first.id).await.unwrap();
    store.batch_close(t(3), first.id).await.unwrap();
    let found = store.batch(first.id).await.unwrap().unwrap();
    assert_eq!((found.created, found.closed, found.given.meta), (T0, Some(t(2)), Some(sealed("meta"))));
    assert_eq!(store.batches_open(10).await.unwrap().len(), 1);
    assert!(matches!(store.batch_add(t(4), first.id, vec![bad(1)]).await, Err(StoreError::Constraint(_))));
    assert_eq!(store.batch_close(T0, Uuid::nil()).await, Err(StoreError::NotFound));
    assert!(store.batch(Uuid::nil()).await.unwrap().is_none());
}
