//! Events for platforms.

use super::*;

pub(super) async fn every_end_of_a_job_is_an_event_if_its_platform_wants_to_hear(maker: &dyn Maker) {
    let store = maker.open();
    let told = |link: &str| NewJob { callback: true, ..job(link) };
    let verdicts =
        [(Verdict::Failed, State::Failed), (Verdict::Parked, State::Parked), (Verdict::Unknown, State::Unknown)];
    let mut expected = Vec::new();
    for (verdict, state) in verdicts {
        let (given, silent) = (told("zj.a"), job("zj.a"));
        store.accept(T0, vec![given.clone(), silent]).await.unwrap();
        for leased in lease(&*store, T0, 2).await {
            store.finish(t(1), end(&leased, Outcome::Rejected, verdict.clone())).await.unwrap();
        }
        expected.push((given.id, state));
    }
    // An end without a worker is one as well; going back to the queue is none.
    let (cancelled, again) = (told("zj.a"), told("zj.a"));
    store.accept(t(2), vec![cancelled.clone(), again]).await.unwrap();
    store.cancel(t(2), cancelled.id).await.unwrap();
    let leased = lease(&*store, t(2), 1).await.remove(0);
    store.finish(t(2), end(&leased, Outcome::NotSent, Verdict::Retry { at: t(3) })).await.unwrap();
    expected.push((cancelled.id, State::Cancelled));
    let events = store.events_lease(t(9), LEASE, 100).await.unwrap();
    assert_eq!(events.iter().map(|event| (event.job, event.state)).collect::<Vec<_>>(), expected);
    assert_eq!((events[0].at, events[0].n, &*events[0].platform), (t(1), 1, "campus"));
    assert!(events.is_sorted_by(|a, b| a.id < b.id));
}

async fn one(store: &dyn Store) -> Event {
    accept(store, &NewJob { callback: true, ..job("zj.a") }).await;
    let leased = lease(store, T0, 1).await.remove(0);
    store.finish(T0, done(&leased)).await.unwrap();
    store.events_lease(T0, LEASE, 10).await.unwrap().remove(0)
}

pub(super) async fn a_delivery_is_fenced_and_tried_again(maker: &dyn Maker) {
    let store = maker.open();
    let first = one(&*store).await;
    assert_eq!(store.events_lease(t(29), LEASE, 10).await.unwrap(), []);
    // Over its time: the same event under another number.
    let second = store.events_lease(t(30), LEASE, 10).await.unwrap().remove(0);
    assert_eq!(second, Event { n: 2, ..first.clone() });
    assert_eq!(store.event_finish(t(31), first.id, 1, Delivery::Done).await, Err(StoreError::Fenced));
    store.event_finish(t(31), first.id, 2, Delivery::Retry { at: t(40) }).await.unwrap();
    assert_eq!(store.events_lease(t(39), LEASE, 10).await.unwrap(), []);
    let third = store.events_lease(t(40), LEASE, 10).await.unwrap().remove(0);
    store.event_finish(t(41), first.id, third.n, Delivery::Done).await.unwrap();
    assert_eq!(store.event_finish(t(42), first.id, 3, Delivery::Done).await, Err(StoreError::Fenced));
    assert_eq!(store.event_finish(t(42), 9999, 1, Delivery::Done).await, Err(StoreError::NotFound));
    assert_eq!(store.events_count().await.unwrap(), (0, 0));
}

pub(super) async fn an_event_that_was_given_up_stays(maker: &dyn Maker) {
    let store = maker.open();
    let event = one(&*store).await;
    assert_eq!(store.events_count().await.unwrap(), (1, 0));
    store.event_finish(t(1), event.id, 1, Delivery::Parked).await.unwrap();
    assert_eq!(store.events_count().await.unwrap(), (0, 1));
    assert_eq!(store.events_lease(t(999), LEASE, 10).await.unwrap(), []);
    assert_eq!(store.events_retry(t(999), "city".parse().unwrap()).await, Ok(0));
    assert_eq!(store.events_retry(t(999), "campus".parse().unwrap()).await, Ok(1));
    assert_eq!(store.events_lease(t(999), LEASE, 10).await.unwrap()[0].n, 2);
}
