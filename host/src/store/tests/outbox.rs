//! Events for platforms.

use super::*;

async fn events(store: &dyn Store, now: At, events_max: usize) -> Vec<Event> {
    store.events_lease(now, "campus".parse().unwrap(), LEASE, events_max).await.unwrap()
}

pub(super) async fn every_end_of_a_job_is_an_event_if_its_platform_wants_to_hear(maker: &dyn Maker) {
    let store = maker.open();
    let told = |link: &str| NewJob { callback: true, ..job(link) };
    let verdicts = [
        (Verdict::Failed { payload_until: None }, State::Failed),
        (Verdict::Parked, State::Parked),
        (Verdict::Unknown, State::Unknown),
    ];
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
    let found = events(&*store, t(9), 100).await;
    assert_eq!(found.iter().map(|event| (event.job, event.state)).collect::<Vec<_>>(), expected);
    assert_eq!((found[0].at, found[0].n, &*found[0].platform), (t(1), 1, "campus"));
    assert!(found.is_sorted_by(|a, b| a.id < b.id));
}

async fn one(store: &dyn Store) -> Event {
    accept(store, &NewJob { callback: true, ..job("zj.a") }).await;
    let leased = lease(store, T0, 1).await.remove(0);
    store.finish(T0, done(&leased)).await.unwrap();
    events(store, T0, 10).await.remove(0)
}

pub(super) async fn a_delivery_is_fenced_and_tried_again(maker: &dyn Maker) {
    let store = maker.open();
    let first = one(&*store).await;
    assert_eq!(events(&*store, t(29), 10).await, []);
    // Over its time: the same event under another number.
    let second = events(&*store, t(30), 10).await.remove(0);
    assert_eq!(second, Event { n: 2, ..first.clone() });
    assert_eq!(store.event_finish(t(31), first.id, 1, Delivery::Done).await, Err(StoreError::Fenced));
    store.event_finish(t(31), first.id, 2, Delivery::Retry { at: t(40) }).await.unwrap();
    assert_eq!(events(&*store, t(39), 10).await, []);
    let third = events(&*store, t(40), 10).await.remove(0);
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
    assert_eq!(events(&*store, t(999), 10).await, []);
    assert_eq!(store.events_retry(t(999), "city".parse().unwrap()).await, Ok(0));
    assert_eq!(store.events_retry(t(999), "campus".parse().unwrap()).await, Ok(1));
    assert_eq!(events(&*store, t(999), 10).await[0].n, 2);
}

pub(super) async fn platforms_do_not_wait_for_each_other(maker: &dyn Maker) {
    let store = maker.open();
    assert_eq!(store.events_due().await.unwrap(), []);
    for (seconds, platform) in [(1, "campus"), (2, "campus"), (3, "city")] {
        let told = NewJob { callback: true, platform: platform.parse().unwrap(), ..job("zj.a") };
        accept(&*store, &told).await;
        store.cancel(t(seconds), told.id).await.unwrap();
    }
    let (campus, city) = ("campus".parse().unwrap(), "city".parse().unwrap());
    assert_eq!(store.events_due().await.unwrap(), [(campus, t(1)), (city, t(3))]);
    let first = events(&*store, t(9), 1).await;
    assert_eq!(first.iter().map(|event| event.at).collect::<Vec<_>>(), [t(1)]);
    let city = store.events_lease(t(9), "city".parse().unwrap(), LEASE, 9).await.unwrap();
    assert_eq!(city.iter().map(|event| event.at).collect::<Vec<_>>(), [t(3)]);
    let due: Vec<_> = store.events_due().await.unwrap().into_iter().map(|(_, at)| at).collect();
    assert_eq!(due, [t(2), t(9 + LEASE.as_secs())]);
}
