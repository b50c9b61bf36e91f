//! The admin listener, with the key and without.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;

use super::*;
use crate::{
    link::Dispatcher,
    server::{
        auth::generate,
        tests::{
            harness::Host,
            queue::{Queue, queue, still},
        },
    },
    shutdown::Shutdown,
    store::{At, Digest, JobId, NewJob, Newer, Repeat, Sealed},
};

#[derive(Default)]
struct Double {
    published: AtomicBool,
    reloads: AtomicUsize,
}

impl Control for Double {
    fn published(&self) -> bool {
        self.published.load(Ordering::SeqCst)
    }

    fn rollouts(&self) -> Value {
        json!({ "links": [] })
    }

    fn reload(&self) {
        self.reloads.fetch_add(1, Ordering::SeqCst);
    }

    fn roll_back(&self, connector: ConnectorName) -> BoxFuture<'_, Result<Granted, Declined>> {
        let answer = match &*connector {
            "known" => Ok(Granted { revision: Revision::of(b"gone"), links: 0 }),
            "first" => Err(Declined::Impossible("nothing served before".into())),
            _ => Err(Declined::Unknown("no such connector".into())),
        };
        Box::pin(std::future::ready(answer))
    }

    fn release(&self, _: Pin) -> BoxFuture<'_, Result<Granted, Declined>> {
        Box::pin(std::future::ready(Ok(Granted { revision: Revision::of(b"free"), links: 2 })))
    }
}

async fn start(key: Option<&str>) -> (Host, Arc<Double>, Shutdown) {
    start_with(key, queue(Arc::new(Dispatcher::new(1, 1)))).await
}

async fn start_with(key: Option<&str>, queue: Queue) -> (Host, Arc<Double>, Shutdown) {
    let control = Arc::new(Double::default());
    let (shutdown, drain) = Shutdown::new();
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || metrics::counter!("duijie_test_total").increment(7));
    let admin = Admin {
        control: control.clone(),
        push: queue.push.clone(),
        auditor: queue.auditor.clone(),
        metrics: recorder.handle(),
        key: AdminKey::from_config(key).unwrap(),
        drain,
        versions: Versions { duijie: "1.2.3", wasmtime: "48", contract: "0.1.0" },
    };
    // It must outlive the test's host, which nobody owns.
    std::mem::forget(queue);
    (Host::of(router(Arc::new(admin))).await, control, shutdown)
}

#[tokio::test]
async fn probes_are_open_and_ready_says_why_not() {
    let (host, control, shutdown) = start(None).await;
    assert_eq!(host.ask("GET /healthz", &[], "").await.status, 200);
    let reply = host.ask("GET /readyz", &[], "").await;
    assert_eq!(
        (reply.status, reply.json()),
        (503, json!({ "ready": false, "reasons": ["the links have not been read yet"] }))
    );

    control.published.store(true, Ordering::SeqCst);
    let reply = host.ask("GET /readyz", &[], "").await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "ready": true })));

    shutdown.begin();
    let reply = host.ask("GET /readyz", &[], "").await;
    assert_eq!((reply.status, reply.json()["reasons"].as_array().unwrap().len()), (503, 1));
    assert_eq!(host.ask("GET /healthz", &[], "").await.status, 200);
}

#[tokio::test]
async fn metrics_and_version_are_open() {
    let (host, ..) = start(None).await;
    let reply = host.ask("GET /metrics", &[], "").await;
    assert!(
        reply.header("content-type").unwrap().starts_with("text/plain") && reply.body.contains("duijie_test_total 7")
    );
    let reply = host.ask("GET /version", &[], "").await;
    assert_eq!(reply.json(), json!({ "duijie": "1.2.3", "wasmtime": "48", "contract": "0.1.0" }));
}

#[tokio::test]
async fn operators_need_the_admin_key() {
    let (key, other) = (generate().unwrap(), generate().unwrap());
    let (host, control, _shutdown) = start(Some(&key.sha256)).await;
    let right = format!("authorization: Bearer {}", *key.secret);
    let wrong = format!("authorization: Bearer {}", *other.secret);
    for request in ["GET /v1/rollouts", "POST /v1/reload"] {
        assert_eq!(host.ask(request, &[], "").await.status, 401);
        let reply = host.ask(request, &[&wrong], "").await;
        assert_eq!(reply.status, 401);
        assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer "));
        reply.problem();
    }
    assert_eq!(control.reloads.load(Ordering::SeqCst), 0);

    assert_eq!(host.ask("GET /v1/rollouts", &[&right], "").await.json(), json!({ "links": [] }));
    assert_eq!(host.ask("POST /v1/reload", &[&right], "").await.status, 202);
    assert_eq!(control.reloads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_an_admin_key_operators_are_told_how_to_make_one() {
    let (host, ..) = start(None).await;
    let reply = host.ask("POST /v1/reload", &["authorization: Bearer x"], "").await;
    assert_eq!(reply.status, 403);
    assert!(reply.problem()["detail"].as_str().unwrap().contains("duijie keys new --admin"));
}

#[tokio::test]
async fn wishes_are_operators_own_and_what_cannot_be_granted_says_why() {
    let key = generate().unwrap();
    let (host, _, _shutdown) = start(Some(&key.sha256)).await;
    let bearer = format!("Authorization: Bearer {}", key.secret.as_str());
    let rollback = |name: &str| format!("POST /v1/connectors/{name}/rollback");
    assert_eq!(host.ask(&rollback("known"), &[], "").await.status, 401);
    let keyed = [bearer.as_str()];
    let reply = host.ask(&rollback("known"), &keyed, "").await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "revision": Revision::of(b"gone"), "links": 0 })));
    for (name, status) in [("first", 409), ("other", 404), ("Not-A-Name", 404)] {
        assert_eq!(host.ask(&rollback(name), &keyed, "").await.status, status, "{name}");
    }
    let release = |revision: &str| format!("POST /v1/quarantine/{revision}/release");
    assert_eq!(host.ask(&release(&"a".repeat(12)), &keyed, "").await.status, 200);
    assert_eq!(host.ask(&release("a"), &keyed, "").await.status, 404);
}

fn job() -> NewJob {
    NewJob {
        id: JobId(uuid::Uuid::now_v7()),
        link: "zj.a".parse().unwrap(),
        connector: "zj-gxsz".parse().unwrap(),
        operation: "record.push-one".into(),
        platform: "campus".parse().unwrap(),
        key: None,
        repeat: Repeat::Safe,
        newer: Newer::Keep,
        payload: Sealed("sealed".into()),
        body: Digest([0; 32]),
        due: At(0),
        parks_at: Some(At(1)),
        idempotency: None,
        callback: false,
        request_id: "r-1".into(),
    }
}

#[tokio::test]
async fn many_jobs_are_sent_again_in_requests_that_end_soon_and_say_where_to_go_on() {
    let key = generate().unwrap();
    let (queue, _drain) = still(Arc::new(Dispatcher::new(1, 1)));
    let store = queue.push.store().clone();
    for many in [1000, 1] {
        store.accept(At(0), (0..many).map(|_| job()).collect()).await.unwrap();
    }
    assert_eq!(store.park_aged(At(1), 2000).await.unwrap().len(), 1001);
    let (host, _, _shutdown) = start_with(Some(&key.sha256), queue).await;
    let bearer = format!("Authorization: Bearer {}", key.secret.as_str());
    let mut answers = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("POST /v1/jobs/retry?link=zj.a&state=parked{after}");
        let answer = host.ask(&path, &[&bearer], "").await.json();
        let next = answer["next"].as_str().map(str::to_owned);
        answers.push(answer);
        let Some(next) = next else { break };
        after = format!("&after={next}");
    }
    let page = |next: &str| json!({ "retried": 500, "next": next });
    assert_eq!(answers, [page("500"), page("1000"), json!({ "retried": 1 })]);
    assert_eq!(store.oldest().await.unwrap().len(), 1, "all of them wait");
}
