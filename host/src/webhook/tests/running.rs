//! The loop: order, bounds, neighbours, waking, restarting, stopping, and what it writes into the log.

use std::io::Write;

use parking_lot::Mutex;
use tokio::{sync::Notify, task::JoinHandle};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::layer,
    layer::SubscriberExt as _,
};

use super::*;
use crate::shutdown::Shutdown;

/// A worker that runs.
struct Running {
    wake: Arc<Notify>,
    shutdown: Shutdown,
    ended: JoinHandle<()>,
}

impl Running {
    fn start(worker: Worker, grace: Duration) -> Self {
        let (wake, (shutdown, drain)) = (Arc::new(Notify::new()), Shutdown::new());
        let waking = wake.clone();
        let ended = tokio::spawn(async move { worker.run(&waking, drain, grace).await });
        Self { wake, shutdown, ended }
    }

    async fn stop(self) {
        self.shutdown.begin();
        self.ended.await.unwrap();
    }
}

#[tokio::test]
async fn the_oldest_event_goes_first_and_two_at_a_time() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(done(&*store, site.now(), "campus").await);
        site.pass(seconds(1));
    }
    let running = Running::start(site.worker(&store, &[("campus", &campus.url())]), seconds(20));
    let first = [campus.asked().await, campus.asked().await];
    let mut two = jobs(&first);
    two.sort();
    let mut wanted = names(&told[..2]);
    wanted.sort();
    assert_eq!(two, wanted);
    running.wake.notify_one();
    assert!(campus.is_left_alone());
    let [one, other] = first;
    one.answer(200);
    let third = campus.asked().await;
    assert_eq!(third.job(), told[2].to_string());
    third.answer(200);
    let fourth = campus.asked().await;
    assert_eq!(fourth.job(), told[3].to_string());
    fourth.answer(200);
    other.answer(200);
    running.stop().await;
    assert_eq!(count(&*store).await, (0, 0));
}

#[tokio::test]
async fn platforms_do_not_hold_up_each_other() {
    let (site, mut slow, mut quick) = (Site::new(), Platform::start().await, Platform::start().await);
    let store = site.store();
    for _ in 0..20 {
        done(&*store, site.now(), "slow").await;
    }
    site.pass(seconds(1));
    let running = Running::start(site.worker(&store, &[("slow", &slow.url()), ("quick", &quick.url())]), seconds(20));
    let held = [slow.asked().await, slow.asked().await];
    // The first platform does not answer; the other one is told of three ends meanwhile.
    for _ in 0..3 {
        let id = done(&*store, site.now(), "quick").await;
        running.wake.notify_one();
        let asked = quick.asked().await;
        assert_eq!(asked.job(), id.to_string());
        asked.answer(200);
    }
    assert!(slow.is_left_alone());
    drop(held);
    running.shutdown.begin();
    running.ended.await.unwrap();
}

#[tokio::test]
async fn nine_platforms_that_do_not_answer_leave_turns_to_a_tenth() {
    let site = Site::new();
    let store = site.store();
    let mut platforms = Vec::new();
    for n in 0..10 {
        platforms.push((format!("p{n}"), Platform::start().await));
        for _ in 0..3 {
            done(&*store, site.now(), &format!("p{n}")).await;
        }
        site.pass(seconds(1));
    }
    let urls: Vec<_> = platforms.iter().map(|(name, platform)| (name.clone(), platform.url())).collect();
    let webhooks: Vec<_> = urls.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
    let mut worker = site.worker(&store, &webhooks);
    worker.start().await.unwrap();
    let (tenth, others) = platforms.split_last_mut().unwrap();
    assert!(tenth.1.is_left_alone());
    // Two of those that have a turn do not use it.
    for (_, other) in &mut others[..2] {
        other.asked().await.answer(500);
    }
    worker.settle_one().await.unwrap();
    worker.settle_one().await.unwrap();
    worker.start().await.unwrap();
    tenth.1.asked().await;
}

#[tokio::test]
async fn a_job_that_ends_wakes_the_worker_and_a_retry_comes_by_itself() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    let running = Running::start(site.worker(&store, &[("campus", &campus.url())]), seconds(20));
    let id = done(&*store, site.now(), "campus").await;
    running.wake.notify_one();
    let asked = campus.asked().await;
    asked.answer(503);
    // It is noted as soon as the event is due before its lease would have ended.
    let due = loop {
        match store.events_due().await.unwrap().first() {
            Some((_, at)) if *at < T0.plus(seconds(60)) => break *at,
            _ => tokio::task::yield_now().await,
        }
    };
    site.now.store(due.0 - 1, Ordering::SeqCst);
    running.wake.notify_one();
    // Nobody wakes it now.
    site.now.store(due.0, Ordering::SeqCst);
    let again = campus.asked().await;
    assert_eq!(again.job(), id.to_string());
    again.answer(200);
    running.stop().await;
    assert_eq!(count(&*store).await, (0, 0));
}

#[tokio::test]
async fn by_the_machines_own_clock_an_end_is_told_at_once() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let (store, wake, (shutdown, drain)) = (site.store(), Arc::new(Notify::new()), Shutdown::new());
    let webhooks = site.webhooks(&[("campus", &campus.url())]);
    let ended = tokio::spawn(run(store.clone(), webhooks, wake.clone(), drain, seconds(20)));
    let id = done(&*store, At::from(jiff::Timestamp::now()), "campus").await;
    wake.notify_one();
    let asked = campus.asked().await;
    assert_eq!(asked.job(), id.to_string());
    shutdown.begin();
    asked.answer(200);
    ended.await.unwrap();
    assert_eq!(count(&*store).await, (0, 0));
}

#[tokio::test]
async fn after_a_restart_what_was_under_way_is_delivered_again() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    let id = done(&*store, site.now(), "campus").await;
    let mut worker = site.worker(&store, &[("campus", &campus.url())]);
    worker.start().await.unwrap();
    let first = campus.asked().await.event();
    // The process dies before anything is noted.
    let gone = Arc::downgrade(&store);
    drop((worker, store));
    while gone.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
    let store = site.store();
    let mut worker = site.worker(&store, &[("campus", &campus.url())]);
    let next = worker.start().await.unwrap().unwrap();
    assert!(next > site.now() && next <= site.now().plus(seconds(60)), "{next}");
    site.now.store(next.0, Ordering::SeqCst);
    worker.start().await.unwrap();
    let asked = campus.asked().await;
    assert_eq!((asked.event()["id"].clone(), asked.job()), (first["id"].clone(), id.to_string()));
    asked.answer(200);
    worker.settle().await.unwrap();
    assert_eq!(count(&*store).await, (0, 0));
}

#[tokio::test]
async fn when_told_to_stop_it_finishes_what_is_under_way_and_begins_nothing() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    for _ in 0..3 {
        done(&*store, site.now(), "campus").await;
    }
    let running = Running::start(site.worker(&store, &[("campus", &campus.url())]), seconds(20));
    let under_way = [campus.asked().await, campus.asked().await];
    running.shutdown.begin();
    for asked in under_way {
        asked.answer(200);
    }
    running.ended.await.unwrap();
    assert_eq!(count(&*store).await, (1, 0));
    assert!(campus.is_left_alone());
}

#[tokio::test]
async fn the_grace_bounds_what_is_waited_for() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    done(&*store, site.now(), "campus").await;
    let running = Running::start(site.worker(&store, &[("campus", &campus.url())]), Duration::ZERO);
    let _held = campus.asked().await;
    running.stop().await;
    assert_eq!(count(&*store).await, (1, 0));
}

#[tokio::test]
async fn a_store_that_breaks_ends_the_worker() {
    let (site, campus) = (Site::new(), Platform::start().await);
    let options = Options { pages_max: Some(150), ..Options::new(site.folder.path().join("store.db"), [7; 32]) };
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(options).unwrap());
    let running = Running::start(site.worker(&store, &[("campus", &campus.url())]), seconds(20));
    loop {
        let big = NewJob { payload: Sealed(vec![7; 200_000].into()), ..new_job("campus") };
        if store.accept(T0, vec![big]).await.is_err() {
            break;
        }
    }
    running.ended.await.unwrap();
}

/// Where log lines go.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_says_who_was_not_reached_and_nothing_of_what_was_said() {
    let (site, mut campus, lines) = (Site::new(), Platform::start().await, Lines::default());
    let to = lines.clone();
    // As in operation: all of ours, of the libraries what is wrong.
    let filter = Targets::new().with_default(LevelFilter::WARN).with_target("duijie", LevelFilter::TRACE);
    let subscriber = tracing_subscriber::registry().with(filter).with(layer().with_writer(move || to.clone()));
    // A second one: with one alone, `tracing` asks the default of whichever thread comes first whether a line is wanted, and
    // the threads of other tests want none.
    let _other = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber);
    let store = site.store();
    for status in [200, 500, 410] {
        let id =
            ended_as(&*store, site.now(), "campus", Outcome::Rejected, Verdict::Failed { payload_until: None }).await;
        let mut worker = site.worker(&store, &[("campus", &campus.url())]);
        worker.start().await.unwrap();
        campus.asked().await.answer_with(status, "x-note: hunter2\r\n");
        worker.settle().await.unwrap();
        let text = String::from_utf8(lines.0.lock().clone()).unwrap();
        assert!(text.contains(&id.to_string()), "{text}");
    }
    let text = String::from_utf8(lines.0.lock().clone()).unwrap();
    for said in ["webhook delivered", "webhook failed", "webhook given up", "HTTP 500", "HTTP 410", "campus"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    for unsaid in ["whsec_", "MDEyMzQ1", "0123456789abcdef01234567", "t0ken", "hunter2", "as it was", "payload"] {
        assert!(!text.contains(unsaid), "{unsaid}: {text}");
    }
}
