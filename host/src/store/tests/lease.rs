//! Attempts: leases, verdicts, fencing, expiry.

use super::*;

pub(super) async fn an_attempt_is_counted_before_it_begins(maker: &dyn Maker) {
    let store = maker.open();
    let given = job("zj.a");
    accept(&*store, &given).await;
    let leased = lease(&*store, t(5), 1).await.remove(0);
    assert_eq!((leased.n, &leased.payload), (1, &given.payload));
    assert_eq!(Some(&leased.job), store.job(given.id).await.unwrap().as_ref());
    assert_eq!(leased.job.stage, Stage::Sending { n: 1, until: t(35) });
    assert_eq!((leased.job.attempts, leased.job.tries), (1, 1));
    let attempt = Attempt { n: 1, started: t(5), ended: None, report: None };
    assert_eq!(store.attempts(given.id).await.unwrap(), [attempt]);
}

pub(super) async fn nothing_is_leased_before_its_time(maker: &dyn Maker) {
    let store = maker.open();
    accept(&*store, &NewJob { due: t(10), ..job("zj.a") }).await;
    assert_eq!(lease(&*store, t(9), 10).await.len(), 0);
    assert_eq!(lease(&*store, t(10), 10).await.len(), 1);
}

pub(super) async fn a_link_has_no_more_under_way_than_it_may(maker: &dyn Maker) {
    let store = maker.open();
    let jobs = (0..20).map(|n| job(if n % 2 == 0 { "zj.a" } else { "zj.b" })).collect();
    store.accept(T0, jobs).await.unwrap();
    let limits = LeaseAsk { inflight: 2, inflight_of: [("zj.b".parse().unwrap(), 5)].into(), ..ask(100) };
    let leased = store.lease(T0, limits.clone()).await.unwrap().leased;
    let of = |link: &str| leased.iter().filter(|one| &*one.job.link == link).collect::<Vec<_>>();
    assert_eq!((of("zj.a").len(), of("zj.b").len()), (2, 5));
    assert_eq!(store.lease(T0, limits.clone()).await.unwrap().leased.len(), 0);
    store.finish(T0, done(of("zj.a")[0])).await.unwrap();
    assert_eq!(store.lease(T0, limits).await.unwrap().leased.len(), 1);
}

pub(super) async fn excluded_and_held_links_are_left_alone(maker: &dyn Maker) {
    let store = maker.open();
    store.accept(T0, ["zj.a", "zj.b", "zj.c"].map(job).to_vec()).await.unwrap();
    store.hold(T0, "zj.b".parse().unwrap(), "the key ends".into()).await.unwrap();
    let limits = LeaseAsk { excluded: ["zj.a".parse().unwrap()].into(), ..ask(100) };
    let leased = store.lease(T0, limits.clone()).await.unwrap().leased;
    assert_eq!(leased.iter().map(|one| &*one.job.link).collect::<Vec<_>>(), ["zj.c"]);
    assert_eq!(store.next_due(At(0), limits.excluded).await.unwrap().job, None);
    assert!(store.resume("zj.b".parse().unwrap(), None).await.unwrap());
    assert_eq!(lease(&*store, T0, 100).await.len(), 2);
}

pub(super) async fn links_take_turns(maker: &dyn Maker) {
    let store = maker.open();
    for chunk in [vec![job("zj.hot"); 1], vec![]] {
        store.accept(T0, chunk).await.unwrap();
    }
    store.accept(T0, (0..500).map(|_| job("zj.hot")).collect()).await.unwrap();
    store.accept(t(1), (0..9).map(|n| job(&format!("zj.s{n}"))).collect()).await.unwrap();
    // Later and fewer, but each has its job before the hot one has its second.
    let links: Vec<_> = lease(&*store, t(1), 12).await.iter().map(|one| one.job.link.to_string()).collect();
    assert_eq!(links.iter().filter(|link| *link == "zj.hot").count(), 3, "{links:?}");
    // And one at a time goes round.
    store.accept(t(1), (0..9).map(|n| job(&format!("zj.s{n}"))).collect()).await.unwrap();
    let mut links = Vec::new();
    for _ in 0..10 {
        links.extend(lease(&*store, t(1), 1).await.iter().map(|one| one.job.link.to_string()));
    }
    links.sort();
    links.dedup();
    assert_eq!(links.len(), 10);
}

pub(super) async fn a_verdict_of_an_attempt_that_is_over_is_fenced(maker: &dyn Maker) {
    let store = maker.open();
    let given = job("zj.a");
    accept(&*store, &given).await;
    let first = lease(&*store, T0, 1).await.remove(0);
    let expiry = Expiry { now: t(30), all: false, except: [].into(), tries_max: 9, jobs_max: 10 };
    assert_eq!(store.expire(expiry).await.unwrap(), [Expired { id: given.id, state: State::Queued }]);
    assert_eq!(store.finish(t(31), done(&first)).await, Err(StoreError::Fenced));
    let second = lease(&*store, t(31), 1).await.remove(0);
    assert_eq!(second.n, 2);
    assert_eq!(store.finish(t(32), done(&first)).await, Err(StoreError::Fenced));
    store.finish(t(33), done(&second)).await.unwrap();
    assert_eq!(store.finish(t(34), done(&second)).await, Err(StoreError::Fenced));
    let nobody = Finish { id: JobId(Uuid::nil()), ..done(&second) };
    assert_eq!(store.finish(t(34), nobody).await, Err(StoreError::NotFound));
    let job = store.job(given.id).await.unwrap().unwrap();
    assert_eq!((job.stage, job.finished), (Stage::Done, Some(t(33))));
}

pub(super) async fn every_verdict_is_written_on_attempt_and_job(maker: &dyn Maker) {
    let store = maker.open();
    let verdicts = [
        (Outcome::Rejected, Verdict::Failed { payload_until: None }, State::Failed),
        (Outcome::NotSent, Verdict::Parked, State::Parked),
        (Outcome::Unknown, Verdict::Unknown, State::Unknown),
        (Outcome::NotSent, Verdict::Retry { at: t(9) }, State::Queued),
        (Outcome::Done, done(&sample()).verdict, State::Done),
    ];
    for (outcome, verdict, expected) in verdicts {
        let given = job("zj.a");
        accept(&*store, &given).await;
        let leased = lease(&*store, T0, 1).await.remove(0);
        let finish = end(&leased, outcome, verdict);
        assert_eq!(store.finish(t(3), finish.clone()).await, Ok(Fate::AsAsked));
        let job = store.job(given.id).await.unwrap().unwrap();
        assert_eq!((job.stage.state(), job.last.as_ref()), (expected, Some(&finish.report)));
        assert_eq!(job.finished, (expected != State::Queued).then_some(t(3)));
        assert_eq!(job.doubt, outcome == Outcome::Unknown);
        let attempt = Attempt { n: 1, started: T0, ended: Some(t(3)), report: Some(finish.report) };
        assert_eq!(store.attempts(given.id).await.unwrap(), [attempt]);
    }
}

/// Something to make a verdict from.
fn sample() -> Leased {
    let given = job("zj.a");
    let job = Job {
        id: given.id,
        seq: 0,
        link: given.link,
        connector: given.connector,
        operation: given.operation,
        platform: given.platform,
        key: None,
        repeat: Repeat::Safe,
        body: given.body,
        stage: Stage::Done,
        attempts: 1,
        tries: 1,
        doubt: false,
        parks_at: None,
        last: None,
        accepted: T0,
        updated: T0,
        finished: None,
        place: None,
        callback: false,
        request_id: String::new(),
    };
    Leased { job, n: 1, payload: given.payload }
}

pub(super) async fn an_unsafe_job_of_unknown_effect_is_not_tried_again(maker: &dyn Maker) {
    let store = maker.open();
    let given = NewJob { repeat: Repeat::Unsafe, ..job("zj.a") };
    accept(&*store, &given).await;
    let leased = lease(&*store, T0, 1).await.remove(0);
    let again = end(&leased, Outcome::Unknown, Verdict::Retry { at: T0 });
    assert!(matches!(store.finish(T0, again).await, Err(StoreError::Constraint(_))));
    assert_eq!(state(&*store, given.id).await, State::Sending);
    // Nothing of the refused verdict is left.
    assert_eq!(store.attempts(given.id).await.unwrap()[0].ended, None);
    store.finish(T0, end(&leased, Outcome::Unknown, Verdict::Unknown)).await.unwrap();
}

pub(super) async fn leases_that_are_over_are_given_up_as_repeat_says(maker: &dyn Maker) {
    let store = maker.open();
    let (safe, not_safe) = (job("zj.a"), NewJob { repeat: Repeat::Unsafe, ..job("zj.a") });
    store.accept(T0, vec![safe.clone(), not_safe.clone()]).await.unwrap();
    lease(&*store, T0, 10).await;
    let expiry = |now| Expiry { now, all: false, except: [].into(), tries_max: 9, jobs_max: 10 };
    assert_eq!(store.expire(expiry(t(29))).await.unwrap(), []);
    assert_eq!(store.expire(expiry(t(30))).await.unwrap().len(), 2);
    assert_eq!(stage(&*store, safe.id).await, Stage::Queued { due: t(30), behind: false });
    assert_eq!(state(&*store, not_safe.id).await, State::Unknown);
    for id in [safe.id, not_safe.id] {
        let attempt = store.attempts(id).await.unwrap().remove(0);
        assert_eq!((attempt.ended, attempt.report.map(|report| report.outcome)), (Some(t(30)), Some(Outcome::Unknown)));
        assert!(store.job(id).await.unwrap().unwrap().doubt);
        assert!(store.payload(id).await.unwrap().is_some());
    }
}

pub(super) async fn a_job_that_takes_the_host_down_is_parked(maker: &dyn Maker) {
    let store = maker.open();
    let given = job("zj.a");
    accept(&*store, &given).await;
    for (n, expected) in [(1, State::Queued), (2, State::Queued), (3, State::Parked)] {
        assert_eq!(lease(&*store, t(n * 100), 1).await[0].n, u32::try_from(n).unwrap());
        let expiry = Expiry { now: t(n * 100 + 50), all: false, except: [].into(), tries_max: 3, jobs_max: 10 };
        assert_eq!(store.expire(expiry).await.unwrap(), [Expired { id: given.id, state: expected }]);
    }
    // A person may try again, with as many tries.
    store.retry(t(900), given.id, None).await.unwrap();
    let leased = lease(&*store, t(900), 1).await.remove(0);
    assert_eq!((leased.n, leased.job.tries), (4, 1));
}

pub(super) async fn after_a_start_every_lease_is_over(maker: &dyn Maker) {
    let store = maker.open();
    store.accept(T0, (0..25).map(|_| job("zj.a")).collect()).await.unwrap();
    lease(&*store, T0, 25).await;
    let expiry = Expiry { now: t(1), all: true, except: [].into(), tries_max: 9, jobs_max: 10 };
    let mut steps = Vec::new();
    for _ in 0..4 {
        steps.push(store.expire(expiry.clone()).await.unwrap().len());
    }
    assert_eq!(steps, [10, 10, 5, 0]);
}

pub(super) async fn what_waits_too_long_is_parked_and_never_dropped(maker: &dyn Maker) {
    let store = maker.open();
    let jobs: Vec<_> = (0..3).map(|n| NewJob { parks_at: Some(t(10 + n)), ..job("zj.a") }).collect();
    store.accept(T0, jobs.clone()).await.unwrap();
    assert_eq!(store.next_due(T0, [].into()).await.unwrap().age, Some(t(10)));
    assert_eq!(store.park_aged(t(10), 10).await.unwrap(), [jobs[0].id]);
    // A lease parks what is too old rather than hand it out, and says so.
    let taken = store.lease(t(11), ask(10)).await.unwrap();
    assert_eq!((ids(&taken.leased), taken.parked), (vec![jobs[2].id], vec![jobs[1].id]));
    let parked = store.job(jobs[1].id).await.unwrap().unwrap();
    assert_eq!((parked.stage, parked.last.unwrap().outcome), (Stage::Parked, Outcome::NotSent));
    assert!(store.payload(jobs[1].id).await.unwrap().is_some());
    store.retry(t(20), jobs[1].id, Some(t(60))).await.unwrap();
    assert_eq!(store.job(jobs[1].id).await.unwrap().unwrap().parks_at, Some(t(60)));
    assert_eq!(ids(&lease(&*store, t(20), 10).await), [jobs[1].id]);
}

pub(super) async fn the_timer_knows_what_is_next(maker: &dyn Maker) {
    let store = maker.open();
    assert_eq!(store.next_due(T0, [].into()).await.unwrap(), Due::default());
    let first = NewJob { due: t(5), callback: true, parks_at: Some(t(90)), ..job("zj.b") };
    store.accept(T0, vec![NewJob { due: t(7), ..job("zj.a") }, first]).await.unwrap();
    let expected = Due { job: Some(t(5)), age: Some(t(90)), ..Due::default() };
    assert_eq!(store.next_due(T0, [].into()).await.unwrap(), expected);
    let leased = lease(&*store, t(6), 10).await.remove(0);
    let expected = Due { job: Some(t(7)), lease: Some(t(36)), ..Due::default() };
    assert_eq!(store.next_due(t(6), [].into()).await.unwrap(), expected);
    store.finish(t(6), done(&leased)).await.unwrap();
    assert_eq!(store.next_due(t(6), [].into()).await.unwrap().event, Some(t(6)));
    assert_eq!(store.next_due(t(6), ["zj.a".parse().unwrap()].into()).await.unwrap().job, None);
}

pub(super) async fn the_timer_knows_of_each_link_what_is_not_due_yet(maker: &dyn Maker) {
    let store = maker.open();
    let due = |link, seconds| NewJob { due: t(seconds), ..job(link) };
    store.accept(T0, vec![due("zj.a", 1), due("zj.a", 900), due("zj.b", 2), due("zj.b", 12)]).await.unwrap();
    let next = async |now, excluded: &[&str]| {
        let excluded = excluded.iter().map(|link| link.parse().unwrap()).collect();
        store.next_due(now, excluded).await.unwrap().job
    };
    assert_eq!(next(T0, &[]).await, Some(t(1)));
    // What is due waits for a place; that of one link hides nothing of another's, nor of its own.
    assert_eq!(next(t(10), &[]).await, Some(t(12)));
    assert_eq!(next(t(10), &["zj.b"]).await, Some(t(900)));
    assert_eq!(next(t(900), &[]).await, None);
}

pub(super) async fn what_is_under_way_here_is_not_given_up_whatever_the_clock_says(maker: &dyn Maker) {
    let store = maker.open();
    store.accept(T0, (0..6).map(|_| job("zj.a")).collect()).await.unwrap();
    let leased = ids(&lease(&*store, T0, 6).await);
    let here = || leased[..4].iter().copied().collect();
    for all in [false, true] {
        // As many as are asked for, though those that are not meant come first.
        let expiry = Expiry { now: t(86_400), all, except: here(), tries_max: 9, jobs_max: 1 };
        assert_eq!(store.expire(expiry).await.unwrap().len(), 1);
    }
    let expiry = Expiry { now: t(86_400), all: true, except: here(), tries_max: 9, jobs_max: 9 };
    assert_eq!(store.expire(expiry).await.unwrap(), []);
    for id in &leased[..4] {
        assert_eq!(state(&*store, *id).await, State::Sending);
    }
}
