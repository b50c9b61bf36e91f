//! Batches.

use super::*;

fn batch() -> NewBatch {
    NewBatch {
        id: Uuid::now_v7(),
        platform: "campus".parse().unwrap(),
        link: "zj.a".parse().unwrap(),
        operation: "record.push-one".into(),
        named: true,
        meta: Some(sealed("meta")),
        request_id: "r-1".into(),
    }
}

fn row(row: u32, job: &NewJob) -> NewRow {
    NewRow { row, body: digest(1), ask: RowAsk::Job(Box::new(job.clone())) }
}

fn bad(row: u32) -> NewRow {
    let ask = RowAsk::Refused { column: Some("学号".into()), error: sealed("is missing"), until: t(1000) };
    NewRow { row, body: digest(1), ask }
}

/// A refused row as it stands.
fn refused(row: u32) -> BatchRow {
    let fate = RowFate::Refused { column: Some("学号".into()), error: Some(sealed("is missing")) };
    BatchRow { row, fate, kept: None }
}

/// A row that waits, with its payload.
fn waits(row: u32, id: JobId) -> BatchRow {
    let fate = RowFate::Job { id, state: State::Queued, last: None };
    BatchRow { row, fate, kept: Some(sealed("payload")) }
}

/// Rows with their payloads.
fn asked(which: Rows, after: Option<u32>, rows_max: usize) -> RowsAsk {
    RowsAsk { which, with: With::Payload, after, rows_max, bytes_max: 1 << 20 }
}

async fn rows(store: &dyn Store, batch: Uuid, ask: RowsAsk) -> Vec<BatchRow> {
    store.batch_rows(batch, ask).await.unwrap().rows
}

fn already(was: Was, same: bool) -> RowVerdict {
    RowVerdict::Already { was, same }
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
    let given = vec![row(7, &good), bad(2), row(4, &again), row(9, &other)];
    let verdicts = store.batch_add(T0, batch.id, given).await.unwrap();
    assert!(matches!(verdicts[0], RowVerdict::Job(Accepted::New { .. })));
    assert_eq!(verdicts[1], RowVerdict::Refused);
    assert_eq!(verdicts[2], RowVerdict::Job(Accepted::Replay(earlier.id)));
    assert_eq!(verdicts[3], RowVerdict::Job(Accepted::Conflict(earlier.id)));
    let conflict = BatchRow { row: 9, fate: RowFate::Conflict(earlier.id), kept: None };
    let expected = [refused(2), waits(4, earlier.id), waits(7, good.id), conflict];
    let page = async |which, after, max| store.batch_rows(batch.id, asked(which, after, max)).await.unwrap();
    assert_eq!(page(Rows::All, None, 100).await, RowPage { rows: expected.to_vec(), more: false });
    assert_eq!(page(Rows::All, None, 4).await, RowPage { rows: expected.to_vec(), more: false });
    assert_eq!(page(Rows::All, Some(2), 2).await, RowPage { rows: expected[1..3].to_vec(), more: true });
    assert_eq!(page(Rows::Troubled, None, 100).await.rows, [expected[0].clone(), expected[3].clone()]);
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
    assert_eq!(verdicts.unwrap()[..2], [already(Was::Job(first.id), true), already(Was::Refused, true)]);
    assert_eq!(store.batch_progress(batch.id).await.unwrap().rows, 3);
    assert_eq!(store.list(Filter::default(), 0, 100).await.unwrap().jobs.len(), 2);
}

pub(super) async fn a_row_that_comes_twice_is_told_what_it_became_and_whether_it_is_the_same(maker: &dyn Maker) {
    let store = maker.open();
    let (batch, used) = (batch(), Idempotency { key: digest(1), body: digest(1), until: t(9) });
    let earlier = NewJob { idempotency: Some(used), ..job("zj.a") };
    let other = NewJob { idempotency: Some(Idempotency { body: digest(2), ..used }), ..job("zj.a") };
    accept(&*store, &earlier).await;
    store.batch_create(T0, batch.clone()).await.unwrap();
    let good = job("zj.a");
    store.batch_add(T0, batch.id, vec![row(1, &good), bad(2), row(3, &other)]).await.unwrap();
    // Row 2 is corrected, row 1 is spoilt, and row 3 comes as it was.
    let (corrected, spoilt) = (job("zj.a"), NewRow { body: digest(8), ..bad(1) });
    let corrected = NewRow { body: digest(9), ..row(2, &corrected) };
    let again = vec![spoilt, corrected, row(3, &job("zj.a"))];
    let expected =
        [already(Was::Job(good.id), false), already(Was::Refused, false), already(Was::Conflict(earlier.id), true)];
    assert_eq!(store.batch_add(t(1), batch.id, again.clone()).await.unwrap(), expected);
    assert_eq!(rows(&*store, batch.id, asked(Rows::All, None, 2)).await, [waits(1, good.id), refused(2)]);
    assert_eq!(store.list(Filter::default(), 0, 100).await.unwrap().jobs.len(), 2);
    // The same when all have come, or when the records of those that were refused are gone.
    store.batch_close(t(2), batch.id).await.unwrap();
    store.batch_forget(batch.id).await.unwrap();
    assert_eq!(store.batch_add(t(3), batch.id, again).await.unwrap(), expected);
}

pub(super) async fn a_page_of_rows_ends_when_they_are_large(maker: &dyn Maker) {
    let store = maker.open();
    let batch = batch();
    store.batch_create(T0, batch.clone()).await.unwrap();
    let jobs = [(); 5].map(|()| NewJob { payload: sealed(&"x".repeat(100)), ..job("zj.a") });
    let given = (1..).zip(&jobs).map(|(n, job)| row(n, job)).collect();
    store.batch_add(T0, batch.id, given).await.unwrap();
    let page = async |after, bytes_max| {
        let ask = RowsAsk { bytes_max, ..asked(Rows::All, after, 100) };
        let page = store.batch_rows(batch.id, ask).await.unwrap();
        (page.rows.iter().map(|row| row.row).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(page(None, 150).await, (vec![1, 2], true));
    assert_eq!(page(Some(2), 0).await, (vec![3], true), "one in any case");
    assert_eq!(page(Some(3), 150).await, (vec![4, 5], false));
    // Of results, of which there are none.
    let ask = RowsAsk { with: With::Result, bytes_max: 0, ..asked(Rows::All, None, 100) };
    assert_eq!(store.batch_rows(batch.id, ask).await.unwrap().rows.len(), 5);
}

pub(super) async fn a_batch_is_forgotten_but_for_what_may_still_be_sent(maker: &dyn Maker) {
    let store = maker.open();
    let batch = batch();
    store.batch_create(T0, batch.clone()).await.unwrap();
    let jobs = [(); 5].map(|()| job("zj.a"));
    let mut given: Vec<_> = (1..).zip(&jobs).map(|(n, job)| row(n, job)).collect();
    given.push(bad(6));
    store.batch_add(T0, batch.id, given).await.unwrap();
    let ends = [Verdict::Failed { payload_until: None }, Verdict::Parked, Verdict::Unknown];
    for (leased, verdict) in lease(&*store, T0, 3).await.iter().zip(ends) {
        store.finish(T0, end(leased, Outcome::Rejected, verdict)).await.unwrap();
    }
    lease(&*store, T0, 1).await;
    assert_eq!(store.batch_forget(batch.id).await, Ok(Forgotten { rows: 1, payloads: 1 }));
    assert_eq!(store.batch_forget(batch.id).await, Ok(Forgotten::default()));
    let kept: Vec<bool> =
        rows(&*store, batch.id, asked(Rows::All, None, 9)).await.iter().map(|row| row.kept.is_some()).collect();
    assert_eq!(kept, [false, true, true, true, true, false], "failed, parked, unknown, sending, queued, refused");
    let last = rows(&*store, batch.id, asked(Rows::All, Some(5), 9)).await.remove(0);
    assert_eq!(last.fate, RowFate::Refused { column: Some("学号".into()), error: None });
    assert_eq!(store.batch_progress(batch.id).await.unwrap().refused, 1);
    assert_eq!(store.retry(T0, jobs[0].id, None).await, Err(StoreError::Gone));
    assert_eq!(store.batch_forget(Uuid::nil()).await, Err(StoreError::NotFound));
}

pub(super) async fn batches_that_nobody_can_name_are_closed(maker: &dyn Maker) {
    let store = maker.open();
    let (named, unnamed) = (batch(), NewBatch { named: false, ..batch() });
    store.batch_create(T0, named.clone()).await.unwrap();
    store.batch_create(T0, unnamed.clone()).await.unwrap();
    assert_eq!(store.batches_close_unnamed(t(5)).await, Ok(1));
    assert_eq!(store.batches_close_unnamed(t(6)).await, Ok(0));
    assert_eq!(store.batch(unnamed.id).await.unwrap().unwrap().closed, Some(t(5)));
    assert_eq!(store.batch(named.id).await.unwrap().unwrap().closed, None);
}

pub(super) async fn progress_counts_what_became_of_the_rows(maker: &dyn Maker) {
    let store = maker.open();
    let batch = batch();
    store.batch_create(T0, batch.clone()).await.unwrap();
    let given = (1..=8).map(|n| if n == 3 { bad(n) } else { row(n, &job("zj.a")) }).collect();
    store.batch_add(T0, batch.id, given).await.unwrap();
    let leased = lease(&*store, T0, 4).await;
    store.finish(T0, done(&leased[0])).await.unwrap();
    store.finish(T0, end(&leased[1], Outcome::Rejected, Verdict::Failed { payload_until: None })).await.unwrap();
    let jobs = vec![(State::Queued, 3), (State::Sending, 2), (State::Done, 1), (State::Failed, 1)];
    let expected = Progress { rows: 8, refused: 1, conflicts: 0, jobs };
    assert_eq!(store.batch_progress(batch.id).await.unwrap(), expected);
    assert_eq!(rows(&*store, batch.id, asked(Rows::Troubled, None, 10)).await.len(), 2);
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
    assert_eq!(store.batch_add(t(4), first.id, vec![bad(1)]).await, Ok(vec![RowVerdict::Late]));
    assert_eq!(store.batch_progress(first.id).await.unwrap().rows, 0, "none is added");
    assert_eq!(store.batch_close(T0, Uuid::nil()).await, Err(StoreError::NotFound));
    assert!(store.batch(Uuid::nil()).await.unwrap().is_none());
}
