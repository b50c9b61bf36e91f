//! Following a batch as it happens: server-sent events up to `settled`, and on from the last one seen.

use duijie_tests::{fixtures, harness::Host, upstreams::ZjGxsz};
use http::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use super::{NDJSON, ONE, batch, hold, id_of, ndjson, resume, settled, text};
use crate::support::{LINK, docked, docked_with};

/// One event.
#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

/// The events of a whole stream.
fn events(stream: &str) -> Vec<Event> {
    let member = |event: &str, name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim().to_owned()
    };
    let one = |event: &str| Event {
        name: member(event, "event"),
        id: member(event, "id"),
        data: serde_json::from_str(&member(event, "data")).unwrap_or_else(|error| panic!("{error}: {event}")),
    };
    // A comment keeps a quiet connection alive.
    stream.split("\n\n").filter(|event| event.lines().any(|line| line.starts_with("event:"))).map(one).collect()
}

fn follow(host: &Host, id: &str) -> duijie_tests::harness::Request {
    host.api(Method::GET, &format!("/v1/batches/{id}/events")).key(host.key("campus"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_followed_from_its_beginning_to_settled() {
    let docked = docked_with(ZjGxsz::builder(), |college| college).await;
    docked.fault(ONE, "latency=150");
    let records: Vec<Value> = (0..40).map(fixtures::talk_one).collect();
    let id = id_of(&batch(&docked.host, LINK, ONE, NDJSON, ndjson(&records)).send().await);
    let answer = follow(&docked.host, &id).send().await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
    let events = events(&answer.text());
    let (last, before) = events.split_last().unwrap();
    assert_eq!((last.name.as_str(), text(&last.data, "state")), ("settled", "settled"));
    assert_eq!((&last.data["id"], &last.data["jobs"]), (&json!(id), &json!({ "done": 40 })));
    assert!(!before.is_empty() && before.iter().all(|event| event.name == "progress"), "{events:?}");
    let done: Vec<u64> = events.iter().map(|event| event.data["jobs"]["done"].as_u64().unwrap_or(0)).collect();
    assert!(done.is_sorted(), "{done:?}");
    assert!(events.windows(2).all(|two| two[0].id != two[1].id), "each event is news");
    assert_eq!(last.data, settled(&docked.host, &id).await, "it is the batch as GET shows it");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_with_the_last_event_is_not_told_it_again() {
    let docked = docked().await;
    hold(&docked.host, LINK).await;
    let records: Vec<Value> = (0..10).map(fixtures::talk_one).collect();
    let id = id_of(&batch(&docked.host, LINK, ONE, NDJSON, ndjson(&records)).send().await);

    // The first event, and the connection breaks.
    let mut stream = TcpStream::connect(docked.host.api_address()).await.unwrap();
    let key = docked.host.key("campus");
    let head = format!("GET /v1/batches/{id}/events HTTP/1.1\r\nhost: duijie\r\nauthorization: Bearer {key}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    let seen = loop {
        let line = lines.next_line().await.unwrap().expect("an event comes at once");
        if let Some(id) = line.strip_prefix("id:") {
            break id.trim().to_owned();
        }
    };
    drop(lines);

    let again = tokio::spawn(follow(&docked.host, &id).header("last-event-id", &seen).send());
    resume(&docked.host, LINK).await;
    let events = events(&again.await.unwrap().text());
    assert!(events.iter().all(|event| event.id != seen), "{events:?}");
    assert_eq!(events.last().unwrap().name, "settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_settled_is_told_at_once() {
    let docked = docked().await;
    let id = id_of(&batch(&docked.host, LINK, ONE, NDJSON, ndjson(&[fixtures::talk_one(1)])).send().await);
    settled(&docked.host, &id).await;
    let events = events(&follow(&docked.host, &id).send().await.text());
    assert_eq!((events.len(), events[0].name.as_str()), (1, "settled"));
    follow(&docked.host, "0199a7f0-7c52-7a1e-9f7e-3d6c1f0a2b4c").send().await.problem(404, "invalid-input", "not-sent");
}
