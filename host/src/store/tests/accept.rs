//! Acceptance, idempotency, supersede, coalesce.

use super::*;

pub(super) async fn what_is_accepted_is_there(maker: &dyn Maker) {
    let store = maker.open();
    let given = NewJob { key: Some(digest(7)), parks_at: Some(t(60)), callback: true, ..job("zj.a") };
    let Accepted::New { seq, superseded } = accept(&*store, &given).await else { panic!() };
    let found = store.job(given.id).await.unwrap().unwrap();
    let expected = Job {
        id: given.id,
        seq,
        link: given.link,
        connector: given.connector,
        operation: given.operation,
        platform: given.platform,
        key: given.key,
        repeat: Repeat::Safe,
        body: given.body,
        stage: Stage::Queued { due: T0, behind: false },
        attempts: 0,
        tries: 0,
        doubt: false,
        parks_at: Some(t(60)),
        last: None,
        accepted: T0,
        updated: T0,
        finished: None,
        place: None,
        callback: true,
        request_id: "r-1".into(),
    };
    assert_eq!(found, expected);
    assert!(superseded.is_empty());
    assert_eq!(store.payload(given.id).await.unwrap(), Some(sealed("payload")));
    assert_eq!(store.attempts(given.id).await.unwrap(), []);
    assert_eq!(store.job(JobId(Uuid::nil())).await.unwrap(), None);
}

pub(super) async fn jobs_stand_in_the_order_of_acceptance(maker: &dyn Maker) {
    let store = maker.open();
    let jobs: Vec<_> = (0..10).map(|_| job("zj.a")).collect();
    let accepted = store.accept(T0, jobs.clone()).await.unwrap();
    let seqs: Vec<_> = accepted.iter().map(|one| if let Accepted::New { seq, .. } = one { *seq } else { 0 }).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    assert_eq!(ids(&lease(&*store, T0, 10).await), jobs.iter().map(|job| job.id).collect::<Vec<_>>());
}

fn named(name: u8, body: u8) -> NewJob {
    let idempotency = Some(Idempotency { key: digest(name), body: digest(body), until: t(100) });
    NewJob { idempotency, ..job("zj.a") }
}

pub(super) async fn the_same_key_and_body_is_the_same_job(maker: &dyn Maker) {
    let store = maker.open();
    let first = named(1, 1);
    assert!(matches!(accept(&*store, &first).await, Accepted::New { .. }));
    assert_eq!(accept(&*store, &named(1, 1)).await, Accepted::Replay(first.id));
    // Also twice in one call, and of nobody else.
    let (twice, other) = (named(2, 1), NewJob { platform: "city".parse().unwrap(), ..named(1, 1) });
    let accepted = store.accept(T0, vec![twice.clone(), named(2, 1), other]).await.unwrap();
    assert_eq!(accepted[1], Accepted::Replay(twice.id));
    assert!(matches!(accepted[2], Accepted::New { .. }));
    assert_eq!(store.list(Filter::default(), 0, 100).await.unwrap().jobs.len(), 3);
}

pub(super) async fn the_same_key_with_another_body_is_a_conflict(maker: &dyn Maker) {
    let store = maker.open();
    let first = named(1, 1);
    accept(&*store, &first).await;
    let second = named(1, 2);
    assert_eq!(accept(&*store, &second).await, Accepted::Conflict(first.id));
    assert_eq!(store.job(second.id).await.unwrap(), None);
}

pub(super) async fn a_key_past_its_time_is_free(maker: &dyn Maker) {
    let store = maker.open();
    let first = named(1, 1);
    accept(&*store, &first).await;
    store.cancel(T0, first.id).await.unwrap();
    let mut second = named(1, 2);
    second.idempotency.as_mut().unwrap().until = t(200);
    assert!(matches!(store.accept(t(100), vec![second.clone()]).await.unwrap()[0], Accepted::New { .. }));
    assert_eq!(store.accept(t(150), vec![named(1, 2)]).await.unwrap(), [Accepted::Replay(second.id)]);
    store.cancel(t(150), second.id).await.unwrap();
    assert_eq!(store.purge(t(150), 10).await.unwrap().keys, 0);
    assert_eq!(store.purge(t(200), 10).await.unwrap().keys, 1);
}

pub(super) async fn a_key_whose_job_still_waits_is_not_forgotten(maker: &dyn Maker) {
    let store = maker.open();
    let (week, year) = (t(7 * 86_400), t(365 * 86_400));
    let (waits, parked) = (named(1, 1), named(2, 2));
    store.accept(T0, vec![parked.clone(), waits.clone()]).await.unwrap();
    let leased = lease(&*store, T0, 1).await.remove(0);
    store.finish(T0, end(&leased, Outcome::NotSent, Verdict::Parked)).await.unwrap();
    let replays = async |now| {
        for given in [&waits, &parked] {
            let again = NewJob { id: JobId(Uuid::now_v7()), ..given.clone() };
            assert_eq!(store.accept(now, vec![again]).await.unwrap(), [Accepted::Replay(given.id)]);
        }
    };
    // Before it is purged, after that, and when it has been looked at again.
    replays(week).await;
    for now in [week, year, year] {
        assert_eq!(store.purge(now, 10).await.unwrap().keys, 0);
        replays(now).await;
    }
    for given in [&waits, &parked] {
        store.cancel(year, given.id).await.unwrap();
    }
    assert_eq!(store.purge(year, 10).await.unwrap().keys, 0, "a client may ask once more how it ended");
    assert_eq!(store.purge(t(400 * 86_400), 10).await.unwrap().keys, 2);
}

pub(super) async fn a_newer_version_takes_the_place_of_one_that_waits(maker: &dyn Maker) {
    let store = maker.open();
    let (first, second, other) =
        (keyed("zj.a", 1, Newer::Supersede), keyed("zj.a", 1, Newer::Supersede), keyed("zj.a", 2, Newer::Supersede));
    store.accept(T0, vec![first.clone(), other.clone()]).await.unwrap();
    let Accepted::New { superseded, .. } = accept(&*store, &second).await else { panic!() };
    assert_eq!(superseded, [first.id]);
    assert_eq!(stage(&*store, first.id).await, Stage::Superseded { by: second.id });
    assert_eq!(store.payload(first.id).await.unwrap(), None);
    assert_eq!(ids(&lease(&*store, T0, 10).await), [other.id, second.id]);
    // What is under way is not touched.
    accept(&*store, &keyed("zj.a", 1, Newer::Supersede)).await;
    assert_eq!(state(&*store, second.id).await, State::Sending);
}

pub(super) async fn one_that_may_have_had_an_effect_keeps_its_place(maker: &dyn Maker) {
    let store = maker.open();
    let first = keyed("zj.a", 1, Newer::Supersede);
    accept(&*store, &first).await;
    let leased = lease(&*store, T0, 1).await;
    store.finish(t(1), end(&leased[0], Outcome::Unknown, Verdict::Retry { at: t(2) })).await.unwrap();
    // Also if it was tried again and then not sent: the first attempt may still have had an effect.
    let leased = lease(&*store, t(2), 1).await;
    store.finish(t(3), end(&leased[0], Outcome::NotSent, Verdict::Retry { at: t(4) })).await.unwrap();
    let second = keyed("zj.a", 1, Newer::Supersede);
    assert!(matches!(accept(&*store, &second).await, Accepted::New { superseded, .. } if superseded.is_empty()));
    assert!(store.job(first.id).await.unwrap().unwrap().doubt);
    assert_eq!(stage(&*store, second.id).await, Stage::Queued { due: T0, behind: true });
}

pub(super) async fn one_that_certainly_had_none_gives_way_though_it_was_tried(maker: &dyn Maker) {
    let store = maker.open();
    for (key, outcome) in [(1, Outcome::NotSent), (2, Outcome::Rejected)] {
        let first = keyed("zj.a", key, Newer::Supersede);
        accept(&*store, &first).await;
        let leased = lease(&*store, T0, 1).await;
        store.finish(t(1), end(&leased[0], outcome, Verdict::Retry { at: t(99) })).await.unwrap();
        let second = keyed("zj.a", key, Newer::Supersede);
        accept(&*store, &second).await;
        assert_eq!(stage(&*store, first.id).await, Stage::Superseded { by: second.id });
        let leased = lease(&*store, t(1), 1).await;
        assert_eq!(ids(&leased), [second.id]);
        store.finish(t(1), done(&leased[0])).await.unwrap();
    }
}

fn adding() -> Newer {
    let number = |sealed: &Sealed| std::str::from_utf8(&sealed.0).unwrap().parse::<u64>().ok();
    Newer::Coalesce(Arc::new(move |fold| {
        // What is sealed for one job is sealed anew for the other.
        assert_ne!(fold.old, fold.new);
        let sum = number(fold.old_payload)?.checked_add(number(fold.new_payload)?)?;
        Some(Merged { payload: sealed(&sum.to_string()), body: digest(99) })
    }))
}

pub(super) async fn sums_are_conserved_when_waiting_jobs_are_folded(maker: &dyn Maker) {
    let store = maker.open();
    let jobs: Vec<_> =
        (1..=10).map(|n: u64| NewJob { payload: sealed(&n.to_string()), ..keyed("zj.a", 1, adding()) }).collect();
    store.accept(T0, jobs[..5].to_vec()).await.unwrap();
    let mut sum = 0;
    let leased = lease(&*store, T0, 10).await;
    sum += std::str::from_utf8(&leased[0].payload.0).unwrap().parse::<u64>().unwrap();
    // Those that come while it is under way are folded among themselves.
    store.accept(t(1), jobs[5..].to_vec()).await.unwrap();
    assert_eq!(lease(&*store, t(1), 10).await.len(), 0);
    store.finish(t(1), done(&leased[0])).await.unwrap();
    let leased = lease(&*store, t(1), 10).await;
    assert_eq!((ids(&leased), leased[0].job.body), (vec![jobs[9].id], digest(99)));
    sum += std::str::from_utf8(&leased[0].payload.0).unwrap().parse::<u64>().unwrap();
    assert_eq!(sum, 55);
    assert_eq!(stage(&*store, jobs[0].id).await, Stage::Superseded { by: jobs[1].id });
}

pub(super) async fn a_fold_that_fails_sends_both_in_order(maker: &dyn Maker) {
    let store = maker.open();
    let panics = Newer::Coalesce(Arc::new(|_| panic!("a bug in a fold")));
    let jobs: Vec<_> = (0..3).map(|_| keyed("zj.a", 1, adding())).collect();
    let (not_a_number, last) = (&jobs[..2], keyed("zj.a", 1, panics));
    store.accept(T0, not_a_number.to_vec()).await.unwrap();
    accept(&*store, &last).await;
    for expected in [jobs[0].id, jobs[1].id, last.id] {
        let leased = lease(&*store, T0, 10).await;
        assert_eq!(ids(&leased), [expected]);
        store.finish(T0, done(&leased[0])).await.unwrap();
    }
}

pub(super) async fn an_id_that_is_taken_stores_nothing_of_the_call(maker: &dyn Maker) {
    let store = maker.open();
    let (first, second) = (job("zj.a"), named(1, 1));
    accept(&*store, &first).await;
    let refused = store.accept(T0, vec![second.clone(), first]).await.unwrap_err();
    assert!(matches!(refused, StoreError::Constraint(_)), "{refused:?}");
    assert_eq!(store.job(second.id).await.unwrap(), None);
    // Neither is its idempotency key, and the store goes on.
    assert!(matches!(accept(&*store, &named(1, 2)).await, Accepted::New { .. }));
}

pub(super) async fn too_many_at_once_are_refused(maker: &dyn Maker) {
    let store = maker.open();
    let jobs = vec![job("zj.a"); 1001];
    assert_eq!(store.accept(T0, jobs).await, Err(StoreError::TooMany { given: 1001, max: 1000 }));
    assert_eq!(store.accept(T0, Vec::new()).await, Ok(Vec::new()));
}
