//! Against a store on the disk and platforms that answer when the test says so. The clock is the test's.

mod delivery;
mod platform;
mod running;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use uuid::Uuid;

use super::{delivery::Clock, worker::Worker, *};
use crate::{
    capability::http::client::ClientPool,
    failure::{Class, Outcome},
    secret::source::SecretSource,
    store::{
        At, Digest, Finish, JobId, LeaseAsk, NewJob, Newer, Options, Repeat, Report, Sealed, Sqlite, Store, Verdict,
    },
};
use platform::{Asked, Platform, SECRET};

/// The moment at which tests begin.
const T0: At = At(1_800_000_000_000);

/// A folder with a store and a secret, and a clock.
struct Site {
    folder: TempDir,
    now: Arc<AtomicI64>,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
        Self { folder, now: Arc::new(AtomicI64::new(T0.0)) }
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(Options::new(self.folder.path().join("store.db"), [7; 32])).unwrap())
    }

    fn options(&self, platform: &str, url: &str) -> WebhookOptions {
        let secret = SecretSource::File(self.folder.path().join("secret"));
        WebhookOptions::new(platform.parse().unwrap(), url, Vec::new(), secret).unwrap()
    }

    fn webhooks(&self, all: &[(&str, &str)]) -> Arc<Webhooks> {
        let options: Vec<_> = all.iter().map(|(platform, url)| self.options(platform, url)).collect();
        Arc::new(Webhooks::new(&options, Arc::new(ClientPool::new())).unwrap())
    }

    fn worker(&self, store: &Arc<dyn Store>, all: &[(&str, &str)]) -> Worker {
        Worker::new(store.clone(), self.webhooks(all), self.clock())
    }

    fn clock(&self) -> Clock {
        let now = self.now.clone();
        Arc::new(move || At(now.load(Ordering::SeqCst)))
    }

    fn now(&self) -> At {
        At(self.now.load(Ordering::SeqCst))
    }

    fn pass(&self, time: Duration) {
        self.now.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// Hours and seconds, as tests speak of them.
const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

fn new_job(platform: &str) -> NewJob {
    NewJob {
        id: JobId(Uuid::now_v7()),
        link: "zj.a".parse().unwrap(),
        connector: "zj-gxsz".parse().unwrap(),
        operation: "record.push-one".into(),
        platform: platform.parse().unwrap(),
        key: None,
        repeat: Repeat::Safe,
        newer: Newer::Keep,
        payload: Sealed("payload".into()),
        body: Digest([0; 32]),
        due: At(0),
        parks_at: None,
        idempotency: None,
        callback: true,
        request_id: "r-1".into(),
    }
}

/// A job of this platform that ends now, in this way.
async fn ended_as(store: &dyn Store, now: At, platform: &str, outcome: Outcome, verdict: Verdict) -> JobId {
    let job = new_job(platform);
    store.accept(T0, vec![job.clone()]).await.unwrap();
    let ask = LeaseAsk { lease: seconds(30), jobs_max: 1, inflight: 1000, ..LeaseAsk::default() };
    let leased = store.lease(now, ask).await.unwrap().leased.remove(0);
    let class = (outcome != Outcome::Done).then_some(Class::UpstreamRejected);
    let report = Report { class, outcome, upstream_code: Some("17".into()), message: Some("as it was".into()) };
    store.finish(now, Finish { id: job.id, n: leased.n, report, verdict }).await.unwrap();
    job.id
}

/// A job of this platform that is done now.
async fn done(store: &dyn Store, now: At, platform: &str) -> JobId {
    let verdict = Verdict::Done { result: None, result_until: None, payload_until: None };
    ended_as(store, now, platform, Outcome::Done, verdict).await
}

/// What waits and what is parked.
async fn count(store: &dyn Store) -> (u64, u64) {
    store.events_count().await.unwrap()
}

/// The jobs of these requests.
fn jobs(asked: &[Asked]) -> Vec<String> {
    asked.iter().map(Asked::job).collect()
}

fn names(jobs: &[JobId]) -> Vec<String> {
    jobs.iter().map(JobId::to_string).collect()
}
