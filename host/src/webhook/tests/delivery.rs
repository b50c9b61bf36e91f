//! What goes out, and what becomes of it.

use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::{push::view::JobView, store::Delivery};

/// Begins what is due, answers it so, and waits until the store has heard of it.
async fn answered(worker: &mut Worker, platform: &mut Platform, status: u16, headers: &str) -> String {
    worker.start().await.unwrap();
    let asked = platform.asked().await;
    let id = asked.event()["id"].as_str().unwrap().to_owned();
    asked.answer_with(status, headers);
    worker.settle().await.unwrap();
    id
}

#[tokio::test]
async fn an_event_says_how_the_job_went_and_is_signed() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    let id = ended_as(&*store, site.now(), "campus", Outcome::Rejected, Verdict::Failed { payload_until: None }).await;
    let mut worker = site.worker(&store, &[("campus", &campus.url())]);
    worker.start().await.unwrap();
    let asked = campus.asked().await;
    let wanted = json!({
        "specversion": "1.0", "id": format!("evt_{}_1", id.0.simple()), "source": format!("/v1/jobs/{id}"),
        "type": "duijie.job.failed", "time": "2027-01-15T08:00:00.000Z", "datacontenttype": "application/json",
        "data": {
            "job": id.to_string(), "link": "zj.a", "operation": "record.push-one", "state": "failed",
            "outcome": "rejected", "may_have_been_applied": false, "class": "upstream-rejected", "upstream_code": "17",
            "message": "as it was", "attempts": 1, "request_id": "r-1",
            "accepted": "2027-01-15T08:00:00.000Z", "finished": "2027-01-15T08:00:00.000Z",
        },
    });
    let event = asked.event();
    assert_eq!(event, wanted);
    assert_eq!(asked.line(), "POST /duijie?token=t0ken HTTP/1.1");
    assert_eq!(asked.header("content-type"), "application/cloudevents+json; charset=utf-8");
    assert_eq!((asked.header("webhook-timestamp"), asked.header("x-request-id")), ("1800000000", "r-1"));
    // What the API says of a job and what an event says of it have the same names and values.
    let job = store.job(id).await.unwrap().unwrap();
    let view = serde_json::to_value(JobView::from(&job)).unwrap();
    for (name, value) in event["data"].as_object().unwrap().iter().filter(|(name, _)| *name != "job") {
        assert_eq!(view.get(name), Some(value), "{name}");
    }
    asked.answer(204);
    worker.settle().await.unwrap();
    assert_eq!(count(&*store).await, (0, 0));
    site.pass(hours(100));
    worker.start().await.unwrap();
    assert!(campus.is_left_alone());
}

#[tokio::test]
async fn what_fails_is_delivered_again_under_its_id() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    done(&*store, site.now(), "campus").await;
    let mut worker = site.worker(&store, &[("campus", &campus.url())]);
    let first = answered(&mut worker, &mut campus, 500, "").await;
    assert_eq!(count(&*store).await, (1, 0));
    // Not at once.
    site.pass(seconds(3));
    assert!(worker.start().await.unwrap().is_some());
    assert!(campus.is_left_alone());
    for status in [302, 404, 429, 503] {
        site.pass(hours(8));
        assert_eq!(answered(&mut worker, &mut campus, status, "").await, first, "{status}");
        assert_eq!(count(&*store).await, (1, 0), "{status}");
    }
    site.pass(hours(8));
    assert_eq!(answered(&mut worker, &mut campus, 200, "").await, first);
    assert_eq!(count(&*store).await, (0, 0));
}

#[tokio::test]
async fn a_platform_that_asks_for_time_gets_it() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    done(&*store, site.now(), "campus").await;
    let mut worker = site.worker(&store, &[("campus", &campus.url())]);
    answered(&mut worker, &mut campus, 503, "retry-after: 600\r\n").await;
    assert_eq!(worker.start().await.unwrap(), Some(T0.plus(seconds(600))));
}

#[tokio::test]
async fn a_platform_that_wants_no_more_is_not_asked_again() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    done(&*store, site.now(), "campus").await;
    let mut worker = site.worker(&store, &[("campus", &campus.url())]);
    answered(&mut worker, &mut campus, 410, "").await;
    assert_eq!(count(&*store).await, (0, 1));
    assert_eq!(worker.start().await.unwrap(), None);
}

#[tokio::test]
async fn a_platform_that_is_not_there_is_tried_later_and_given_up_after_three_days() {
    let site = Site::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let store = site.store();
    done(&*store, site.now(), "campus").await;
    let mut worker = site.worker(&store, &[("campus", &url)]);
    let mut tries = 0;
    loop {
        worker.start().await.unwrap();
        worker.settle().await.unwrap();
        tries += 1;
        match worker.start().await.unwrap() {
            Some(next) => site.now.store(next.0, Ordering::SeqCst),
            None => break,
        }
    }
    assert_eq!(count(&*store).await, (0, 1));
    assert_eq!(site.now(), T0.plus(hours(72)));
    assert!((12..30).contains(&tries), "{tries}");
}

#[tokio::test]
async fn what_the_policy_refuses_is_not_sent() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    done(&*store, site.now(), "campus").await;
    // A name is not an address: it may lead here only where the operator wrote so.
    let url = campus.url().replace("127.0.0.1", "localhost");
    let mut worker = site.worker(&store, &[("campus", &url)]);
    worker.start().await.unwrap();
    worker.settle().await.unwrap();
    assert!(campus.is_left_alone());
    assert_eq!(count(&*store).await, (1, 0));
}

#[tokio::test]
async fn events_of_a_platform_without_a_webhook_wait_for_a_person() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    let id = done(&*store, site.now(), "campus").await;
    let webhooks = site.webhooks(&[]);
    let campus_name = "campus".parse().unwrap();
    assert!(!webhooks.wants(&campus_name));
    let mut worker = Worker::new(store.clone(), webhooks.clone(), site.clock());
    worker.start().await.unwrap();
    worker.settle().await.unwrap();
    assert_eq!(count(&*store).await, (0, 1));
    webhooks.replace(&[site.options("campus", &campus.url())]).unwrap();
    assert!(webhooks.wants(&campus_name));
    store.events_retry(site.now(), campus_name).await.unwrap();
    worker.start().await.unwrap();
    assert_eq!(campus.asked().await.job(), id.to_string());
}

#[tokio::test]
async fn a_secret_that_changed_is_read_again_and_one_that_is_gone_changes_nothing() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let (store, secret) = (site.store(), site.folder.path().join("secret"));
    let options = [site.options("campus", &campus.url())];
    std::fs::write(&secret, "some other key that is long enough").unwrap();
    let webhooks = Arc::new(Webhooks::new(&options, Arc::new(ClientPool::new())).unwrap());
    std::fs::write(&secret, SECRET).unwrap();
    webhooks.replace(&options).unwrap();
    for bad in ["whsec_hunter2", "hunter2"] {
        std::fs::write(&secret, bad).unwrap();
        let text = webhooks.replace(&options).unwrap_err().to_string();
        assert!(text.contains("platform campus") && !text.contains("hunter2"), "{text}");
    }
    std::fs::remove_file(&secret).unwrap();
    assert!(webhooks.replace(&options).is_err());
    done(&*store, site.now(), "campus").await;
    let mut worker = Worker::new(store, webhooks, site.clock());
    worker.start().await.unwrap();
    // Signed with what was read when it could be.
    campus.asked().await.event();
}

#[tokio::test]
async fn an_end_that_is_over_is_told_without_what_came_after_it() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    let id = ended_as(&*store, site.now(), "campus", Outcome::Unknown, Verdict::Parked).await;
    site.pass(seconds(10));
    store.retry(site.now(), id, None).await.unwrap();
    store.cancel(site.now(), id).await.unwrap();
    let mut worker = site.worker(&store, &[("campus", &campus.url())]);
    worker.start().await.unwrap();
    let mut events = [campus.asked().await.event(), campus.asked().await.event()];
    events.sort_by_key(|event| event["time"].to_string());
    let [parked, cancelled] = events;
    assert_eq!((&parked["type"], &parked["data"]["finished"]), (&json!("duijie.job.parked"), &parked["time"]));
    assert_eq!((parked["data"].get("class"), parked["data"].get("outcome")), (None, None));
    assert_eq!(parked["data"]["may_have_been_applied"], true);
    assert_eq!(cancelled["type"], "duijie.job.cancelled");
    assert_eq!(cancelled["data"]["outcome"], "unknown");
    assert_ne!(parked["id"], cancelled["id"]);
}

#[tokio::test]
async fn a_delivery_that_took_too_long_does_not_end_the_next_one() {
    let (site, mut campus) = (Site::new(), Platform::start().await);
    let store = site.store();
    done(&*store, site.now(), "campus").await;
    let mut worker = site.worker(&store, &[("campus", &campus.url())]);
    worker.start().await.unwrap();
    let late = campus.asked().await;
    site.pass(hours(1));
    let event = store.events_lease(site.now(), "campus".parse().unwrap(), hours(1), 1).await.unwrap().remove(0);
    late.answer(200);
    worker.settle().await.unwrap();
    assert_eq!(count(&*store).await, (1, 0));
    store.event_finish(site.now(), event.id, event.n, Delivery::Done).await.unwrap();
}
