//! Accepting a record, on a real store: what is the same request, what is the same record, and what is refused.

use serde_json::json;

use super::*;
use crate::{
    server::tests::{
        guest,
        queue::{Queue, queue, queue_on},
    },
    store::{Filter, Options, State, seen_past_store},
};

const LINK: &str = "t.a";

/// A queue that keeps what it accepts: the link is held.
async fn held() -> Queue {
    let queue = queue(guest::dispatcher(&[LINK], &[]).await);
    queue.push.hold(&LINK.parse().unwrap(), "a test").await.unwrap();
    queue
}

async fn accept(queue: &Queue, operation: &str, input: &str, key: Option<&str>) -> Result<Ticket, PushError> {
    let platform: PlatformName = "campus".parse().unwrap();
    let input = Bytes::copy_from_slice(input.as_bytes());
    let ask = Ask { platform: &platform, link: LINK, operation, input, idempotency: key, request_id: "r-1" };
    queue.push.accept(ask).await
}

async fn states(queue: &Queue) -> Vec<State> {
    let page = queue.push.store().list(Filter::default(), 0, 100).await.unwrap();
    page.jobs.iter().map(|job| job.stage.state()).collect()
}

#[tokio::test]
async fn the_same_key_and_body_are_the_same_job_and_another_body_is_a_conflict() {
    let queue = held().await;
    let first = accept(&queue, "echo", r#"{"n":1}"#, Some("k")).await.unwrap();
    let again = accept(&queue, "echo", r#"{"n":1}"#, Some("k")).await.unwrap();
    assert_eq!((first.replay, again), (false, Ticket { id: first.id, replay: true }));
    for (operation, input) in [("echo", r#"{"n":2}"#), ("other.echo", r#"{"n":1}"#)] {
        let refused = accept(&queue, operation, input, Some("k")).await.unwrap_err();
        assert!(matches!(refused, PushError::KeyReused(id) if id == first.id), "{refused}");
    }
    assert_eq!(states(&queue).await, [State::Queued]);
}

#[tokio::test]
async fn a_newer_version_takes_the_place_of_one_of_the_same_operation_and_key_only() {
    let queue = held().await;
    for (operation, input) in [
        ("echo", r#"{"n":1,"v":1}"#),
        ("echo", r#"{"n":2,"v":1}"#),
        ("other.echo", r#"{"n":1,"v":1}"#),
        ("echo", r#"{"v":1}"#),
        ("echo", r#"{"v":2}"#),
        ("echo", r#"{"n":1,"v":2}"#),
    ] {
        accept(&queue, operation, input, None).await.unwrap();
    }
    use State::{Queued, Superseded};
    assert_eq!(states(&queue).await, [Superseded, Queued, Queued, Queued, Queued, Queued]);
}

#[tokio::test]
async fn a_key_is_remembered_for_a_week_after_the_longest_that_its_record_may_wait() {
    let queue = held().await;
    accept(&queue, "echo", r#"{"n":1}"#, Some("k")).await.unwrap();
    let sql =
        "SELECT CAST((until - parks_at) / 86400000 AS TEXT) FROM idempotency JOIN job ON job.seq = idempotency.job";
    assert_eq!(seen_past_store(&queue.directory.path().join("duijie.db"), sql), ["7"]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_not_kept() {
    let queue = held().await;
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(guest::INPUT_MAX));
    for (operation, input) in [("echo", r#"{"n":"one"}"#), ("echo", "{"), ("none", "{}"), ("echo", large.as_str())] {
        let refused = accept(&queue, operation, input, None).await.unwrap_err();
        assert!(matches!(refused, PushError::Call(_)), "{refused}");
    }
    assert!(states(&queue).await.is_empty());
}

#[tokio::test]
async fn a_record_that_breaks_the_store_is_in_doubt_and_a_later_one_is_certainly_not_kept() {
    let full = |options| Options { pages_max: Some(150), ..options };
    let queue = queue_on(guest::dispatcher(&[LINK], &[]).await, full);
    queue.push.hold(&LINK.parse().unwrap(), "a test").await.unwrap();
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(30_000));
    let first = loop {
        if let Err(error) = accept(&queue, "echo", &large, None).await {
            break error;
        }
    };
    assert!(matches!(first, PushError::InDoubt), "{first}");
    let later = accept(&queue, "echo", "{}", None).await.unwrap_err();
    assert!(matches!(later, PushError::Store(StoreError::Broken(_))), "{later}");
}

#[tokio::test]
async fn what_is_kept_is_sealed_and_opens_to_the_very_bytes_that_were_sent() {
    let queue = held().await;
    let input = "{ \"n\" : 1, \"name\": \"甄测生\" }";
    let ticket = accept(&queue, "echo", input, None).await.unwrap();
    let store = queue.push.store();
    let sealed = store.payload(ticket.id).await.unwrap().unwrap();
    assert!(!format!("{sealed:?}").contains("甄测生"));
    let job = store.job(ticket.id).await.unwrap().unwrap();
    assert_eq!(queue.push.payload(&job).await.unwrap().unwrap(), input.as_bytes());
    assert_eq!((job.repeat, job.request_id.as_str()), (Repeat::Safe, "r-1"));
    assert!(job.parks_at.is_some_and(|at| at > now()));
}

#[test]
fn a_record_is_named_by_text_or_a_number_and_by_nothing_else() {
    let key = |value: Value| record_key(&json!({ "k": value }), "/k");
    assert_eq!(key(json!("a")).as_deref(), Some("a"));
    assert_eq!(key(json!(17)).as_deref(), Some("17"));
    for nothing in [json!(""), json!(1.5), json!(null), json!(true), json!(["a"]), json!({ "a": 1 })] {
        assert_eq!(key(nothing.clone()), None, "{nothing}");
    }
    assert_eq!(record_key(&json!({}), "/k"), None);
}
