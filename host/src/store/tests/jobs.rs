//! Asking about jobs, and what a person may do to them.

use super::*;
use crate::id::LinkId;

pub(super) async fn pages_go_through_everything_once(maker: &dyn Maker) {
    let store = maker.open();
    let jobs: Vec<_> = (0..25).map(|_| job("zj.a")).collect();
    store.accept(T0, jobs.clone()).await.unwrap();
    // In two states, so that a page is put together from both.
    for leased in lease(&*store, T0, 7).await {
        store.finish(T0, done(&leased)).await.unwrap();
    }
    let (mut after, mut seen, mut pages) = (0, Vec::new(), 0);
    loop {
        let page = store.list(Filter::default(), after, 10).await.unwrap();
        seen.extend(page.jobs.iter().map(|job| job.id));
        pages += 1;
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!((seen, pages), (jobs.iter().map(|job| job.id).collect(), 3));
    // A page of exactly what is there has no next.
    assert_eq!(store.list(Filter::default(), 0, 25).await.unwrap().next, None);
}

pub(super) async fn filters_may_be_combined(maker: &dyn Maker) {
    let store = maker.open();
    let mut jobs = Vec::new();
    for link in ["zj.a", "zj.b"] {
        for platform in ["campus", "city"] {
            for operation in ["x", "y"] {
                let platform = platform.parse().unwrap();
                jobs.push(NewJob { platform, operation: operation.into(), ..job(link) });
            }
        }
    }
    store.accept(T0, jobs).await.unwrap();
    let leased = lease(&*store, T0, 1).await.remove(0);
    store.finish(T0, end(&leased, Outcome::Rejected, Verdict::Parked)).await.unwrap();
    let link = Some(leased.job.link.clone());
    let count = async |filter| store.list(filter, 0, 100).await.unwrap().jobs.len();
    assert_eq!(count(Filter { link: link.clone(), ..Filter::default() }).await, 4);
    assert_eq!(count(Filter { platform: Some("city".parse().unwrap()), ..Filter::default() }).await, 4);
    assert_eq!(count(Filter { operation: Some("x".into()), ..Filter::default() }).await, 4);
    assert_eq!(count(Filter { state: Some(State::Parked), ..Filter::default() }).await, 1);
    let all = Filter {
        link,
        state: Some(State::Parked),
        operation: Some(leased.job.operation),
        platform: Some(leased.job.platform),
        batch: None,
    };
    assert_eq!(count(all.clone()).await, 1);
    assert_eq!(count(Filter { state: Some(State::Done), ..all.clone() }).await, 0);
    assert_eq!(count(Filter { batch: Some(Uuid::nil()), ..all }).await, 0);
}

pub(super) async fn counts_follow_every_change(maker: &dyn Maker) {
    let store = maker.open();
    store.accept(T0, vec![job("zj.b"), job("zj.a"), job("zj.a")]).await.unwrap();
    let counts = async || {
        let counts = store.counts().await.unwrap();
        counts.into_iter().map(|(link, state, n)| format!("{link} {} {n}", state.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(counts().await, ["zj.a queued 2", "zj.b queued 1"]);
    let leased = store.lease(T0, LeaseAsk { inflight: 1, ..ask(9) }).await.unwrap().leased;
    assert_eq!(counts().await, ["zj.a queued 1", "zj.a sending 1", "zj.b sending 1"]);
    store.finish(T0, done(&leased[1])).await.unwrap();
    assert_eq!(counts().await, ["zj.a queued 1", "zj.a sending 1", "zj.b done 1"]);
}

pub(super) async fn the_oldest_that_waits_is_known_of_each_link(maker: &dyn Maker) {
    let store = maker.open();
    assert_eq!(store.oldest().await, Ok(vec![]));
    for (n, link) in [(1, "zj.b"), (2, "zj.a"), (3, "zj.b"), (4, "zj.b")] {
        store.accept(t(n), vec![job(link)]).await.unwrap();
    }
    let link = |link: &str| link.parse::<LinkId>().unwrap();
    assert_eq!(store.oldest().await, Ok(vec![(link("zj.a"), t(2)), (link("zj.b"), t(1))]));
    // What is sent does not wait.
    store.lease(t(5), LeaseAsk { inflight: 1, ..ask(9) }).await.unwrap();
    assert_eq!(store.oldest().await, Ok(vec![(link("zj.b"), t(3))]));
}

pub(super) async fn retry_and_cancel_know_their_states(maker: &dyn Maker) {
    let store = maker.open();
    let ends = [
        (Verdict::Failed { payload_until: None }, true),
        (Verdict::Parked, true),
        (Verdict::Unknown, true),
        (Verdict::Done { result: None, result_until: None, payload_until: None }, false),
    ];
    for (verdict, open) in ends {
        let [first, second] = [(); 2].map(|()| job("zj.a"));
        store.accept(T0, vec![first.clone(), second.clone()]).await.unwrap();
        for leased in lease(&*store, T0, 2).await {
            let id = leased.job.id;
            assert_eq!(store.retry(T0, id, None).await, Err(StoreError::State(State::Sending)));
            assert_eq!(store.cancel(T0, id).await, Err(StoreError::State(State::Sending)));
            store.finish(T0, end(&leased, Outcome::Rejected, verdict.clone())).await.unwrap();
        }
        assert_eq!(store.retry(t(1), first.id, None).await.is_ok(), open);
        assert_eq!(store.cancel(t(1), first.id).await.is_ok(), open);
        assert_eq!(store.cancel(t(1), second.id).await.is_ok(), open);
        if open {
            assert_eq!(stage(&*store, first.id).await, Stage::Cancelled);
            assert_eq!(store.payload(first.id).await.unwrap(), None);
            assert_eq!(store.retry(t(2), first.id, None).await, Err(StoreError::State(State::Cancelled)));
        }
    }
    let nobody = JobId(Uuid::nil());
    assert_eq!(store.retry(T0, nobody, None).await, Err(StoreError::NotFound));
    assert_eq!(store.cancel(T0, nobody).await, Err(StoreError::NotFound));
    // One that waits for its time is due at once.
    let waiting = NewJob { due: t(100), ..job("zj.c") };
    accept(&*store, &waiting).await;
    store.retry(t(1), waiting.id, None).await.unwrap();
    assert_eq!(ids(&lease(&*store, t(1), 9).await), [waiting.id]);
}

pub(super) async fn texts_of_an_attempt_are_bounded(maker: &dyn Maker) {
    let store = maker.open();
    let given = job("zj.a");
    accept(&*store, &given).await;
    let leased = lease(&*store, T0, 1).await.remove(0);
    let mut finish = end(&leased, Outcome::Rejected, Verdict::Failed { payload_until: None });
    finish.report.message = Some("谈".repeat(10_000));
    finish.report.upstream_code = Some("9".repeat(10_000));
    store.finish(T0, finish).await.unwrap();
    let last = store.job(given.id).await.unwrap().unwrap().last.unwrap();
    assert_eq!((last.message.unwrap().len(), last.upstream_code.unwrap().len()), (1023, 128));
}
