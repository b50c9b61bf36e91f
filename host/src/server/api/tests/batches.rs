//! Batches: what comes again, what never ends, what is held, what is forgotten.

use tokio::{io::AsyncBufReadExt as _, net::TcpStream};

use super::*;
use crate::id::LinkId;

const NDJSON: &str = "content-type: application/x-ndjson";
const PATH: &str = "POST /v1/links/zj.a/operations/echo/batches";
const KEY: &str = "idempotency-key: term-1";

fn link() -> LinkId {
    "zj.a".parse().unwrap()
}

/// Rows, each its number, but for the bad ones, which are texts.
fn rows(all: u32, bad: &[u32]) -> Vec<String> {
    let row = |n| if bad.contains(&n) { format!("{{\"n\":\"{n}\"}}") } else { format!("{{\"n\":{n}}}") };
    (1..=all).map(row).collect()
}

/// The rows that a receipt says something of.
fn named(receipt: &Value) -> Vec<u64> {
    receipt["errors"].as_array().unwrap().iter().map(|error| error["row"].as_u64().unwrap()).collect()
}

impl Fixture {
    async fn send(&self, rows: &[String]) -> Value {
        let reply = self.host.ask(PATH, &[&self.all, NDJSON, KEY], &(rows.join("\n") + "\n")).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        reply.json()
    }

    async fn seen(&self, id: &Value) -> Value {
        self.get(&self.all, &format!("/v1/batches/{}", id.as_str().unwrap())).await.json()
    }

    /// Begins a batch and sends so much of it; the rest never comes.
    async fn begin(&self, key: &str, lines: &[&str], rows: &[String]) -> TcpStream {
        let mut stream = self.host.connect().await;
        let headers: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let head = format!("{PATH} HTTP/1.1\r\nhost: t\r\n{key}\r\n{headers}content-length: 1000000\r\n\r\n");
        let body: String = rows.iter().map(|row| format!("{row}\n")).collect();
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        stream
    }

    /// Sends so much of a batch, and breaks off when it is kept.
    async fn cut(&self, rows: &[String]) {
        let open = self.begin(&self.all, &[NDJSON, KEY], rows).await;
        let wanted = rows.iter().filter(|row| !row.contains("\":\"")).count();
        let kept = async {
            while self.get(&self.all, "/v1/jobs?limit=500").await.json()["jobs"].as_array().unwrap().len() < wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LONG, kept).await.expect("rows that came are kept");
        drop(open);
    }
}

#[tokio::test]
async fn a_refused_row_of_an_upload_that_was_cut_is_counted_once_when_it_comes_again() {
    let fixture = Fixture::start().await;
    fixture.queue.push.hold(&link(), "a test").await.unwrap();
    let all = rows(60, &[7, 8, 30, 55]);
    fixture.cut(&all[..40]).await;
    let receipt = fixture.send(&all).await;
    assert_eq!((&receipt["rows"], &receipt["accepted"]), (&json!(60), &json!(56)), "{receipt}");
    assert_eq!(named(&receipt), [7, 8, 30, 55]);
    let view = fixture.seen(&receipt["id"]).await;
    assert_eq!((&view["rows"], &view["refused"], &view["jobs"]), (&json!(60), &json!(4), &json!({ "queued": 56 })));
    // And once more, when all of it is there.
    assert_eq!(fixture.send(&all).await, receipt);
}

#[tokio::test]
async fn a_row_that_was_corrected_under_the_same_key_is_not_said_to_be_accepted() {
    let fixture = Fixture::start().await;
    fixture.queue.push.hold(&link(), "a test").await.unwrap();
    fixture.cut(&rows(20, &[7])[..10]).await;
    let receipt = fixture.send(&rows(20, &[3])).await;
    assert_eq!((&receipt["rows"], &receipt["accepted"]), (&json!(20), &json!(18)), "{receipt}");
    assert_eq!(named(&receipt), [3, 7], "one was corrected and one spoilt");
    for error in receipt["errors"].as_array().unwrap() {
        assert!(error["message"].as_str().unwrap().contains("new batch"), "{error}");
    }
    let view = fixture.seen(&receipt["id"]).await;
    assert_eq!((&view["refused"], &view["jobs"]), (&json!(1), &json!({ "queued": 19 })), "as they came first");
}

#[tokio::test]
async fn a_row_behind_the_end_of_a_batch_is_refused() {
    let fixture = Fixture::start().await;
    fixture.send(&rows(3, &[])).await;
    let receipt = fixture.send(&rows(4, &[])).await;
    assert_eq!((&receipt["accepted"], named(&receipt)), (&json!(3), vec![4]), "{receipt}");
}

#[tokio::test]
async fn two_uploads_under_one_key_at_once_have_the_same_verdict() {
    let fixture = Fixture::start().await;
    fixture.queue.push.hold(&link(), "a test").await.unwrap();
    let all = rows(800, &[5, 700]);
    let (one, other) = tokio::join!(fixture.send(&all), fixture.send(&all));
    assert_eq!(one, other);
    assert_eq!((&one["accepted"], named(&one)), (&json!(798), vec![5, 700]));
    assert_eq!(fixture.seen(&one["id"]).await["jobs"], json!({ "queued": 798 }));
}

#[tokio::test]
async fn of_two_batches_under_one_key_at_once_for_two_operations_one_is_refused() {
    let fixture = Fixture::start().await;
    fixture.queue.push.hold(&link(), "a test").await.unwrap();
    let body = rows(3, &[]).join("\n") + "\n";
    let headers = [fixture.all.as_str(), NDJSON, KEY];
    let other = PATH.replace("/echo/", "/other.echo/");
    let (one, other) = tokio::join!(fixture.host.ask(PATH, &headers, &body), fixture.host.ask(&other, &headers, &body));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 422], "{one:?} {other:?}");
    let refused = if one.status == 422 { one } else { other };
    assert_eq!(refused.json()["type"], "urn:duijie:problem:key-reused");
}

#[tokio::test]
async fn uploads_that_never_end_take_a_share_and_leave_the_others_alone() {
    let fixture = Fixture::start().await;
    let mut open = Vec::new();
    let mut shed = 0;
    for _ in 0..40 {
        let stream = fixture.begin(&fixture.all, &[NDJSON], &rows(1, &[])).await;
        open.push(stream);
    }
    // Those beyond the share are answered at once, the others not at all.
    while shed < 32 {
        let answers = open.iter_mut().map(|stream| {
            Box::pin(async move {
                stream.readable().await.unwrap();
                let mut lines = tokio::io::BufReader::new(stream).lines();
                let mut head = Vec::new();
                while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
                    head.push(line);
                }
                head.join("\n")
            })
        });
        let (head, at, _) =
            tokio::time::timeout(LONG, futures_util::future::select_all(answers)).await.expect("no answer");
        assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("retry-after: "), "{head}");
        drop(open.swap_remove(at));
        shed += 1;
    }
    assert_eq!(open.len(), 8);
    assert_eq!(fixture.call(&fixture.all, "zj.a", "echo", "{}").await.status, 200, "calls go on");
    assert_eq!(fixture.get(&fixture.all, "/v1/jobs").await.status, 200, "the store is asked");
    let reply = fixture.host.ask(PATH, &[&fixture.some, NDJSON], "{\"n\":1}\n").await;
    assert_eq!(reply.status, 202, "other platforms send: {reply:?}");
    let workbook = "content-type: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let reply = fixture.host.ask(PATH, &[&fixture.all, workbook], "PK").await;
    assert_eq!(kind(&reply), (503, "busy".into()), "a workbook counts what it may take, not its length");
    drop(open);
    let free = async {
        while fixture.host.ask(PATH, &[&fixture.all, NDJSON], "{\"n\":1}\n").await.status != 202 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, free).await.expect("what was held is given back");
}

#[tokio::test]
async fn a_batch_and_its_link_say_that_they_are_held() {
    let fixture = Fixture::start().await;
    fixture.queue.push.hold(&link(), "the operator's own reason").await.unwrap();
    let id = fixture.send(&rows(2, &[])).await["id"].clone();
    let view = fixture.seen(&id).await;
    assert!(view["held_since"].is_string(), "{view}");
    assert!(!view.to_string().contains("reason"), "why is the operator's: {view}");
    let shown = fixture.get(&fixture.all, "/v1/links/zj.a").await.json();
    assert_eq!(shown["held_since"], view["held_since"]);
    assert!(fixture.get(&fixture.all, "/v1/links/zj.b").await.json().get("held_since").is_none());
    fixture.queue.push.resume(&link()).await.unwrap();
    assert!(fixture.seen(&id).await.get("held_since").is_none());
}

#[tokio::test]
async fn a_batch_is_forgotten_by_its_platform_alone() {
    let fixture = Fixture::start().await;
    fixture.queue.push.hold(&link(), "a test").await.unwrap();
    let id = fixture.send(&rows(4, &[2, 3])).await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/batches/{id}");
    let forget = async |key: &str| fixture.host.ask(&format!("DELETE {path}"), &[key], "").await;
    assert_eq!(kind(&forget(&fixture.some).await), (404, "unknown-batch".into()));
    let lines = async || fixture.get(&fixture.all, &format!("{path}/results?only=troubled&format=ndjson")).await.body;
    let before = lines().await;
    assert!(before.contains("{\"n\":\"2\"}"), "{before}");
    let reply = forget(&fixture.all).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "rows": 2, "jobs": 0 })));
    assert!(!lines().await.contains("\"2\""), "the records are gone");
    let shown = fixture.get(&fixture.all, &format!("{path}/results?only=troubled")).await.json();
    assert_eq!(shown["rows"][0]["state"], "refused");
    assert!(shown["rows"][0]["message"].as_str().unwrap().contains("no longer kept"), "{shown}");
    let view = fixture.get(&fixture.all, &path).await.json();
    assert_eq!((&view["refused"], &view["jobs"]), (&json!(2), &json!({ "queued": 2 })), "what waits is untouched");
}

#[tokio::test]
async fn a_page_of_results_says_whether_there_are_more() {
    let fixture = Fixture::start().await;
    fixture.queue.push.hold(&link(), "a test").await.unwrap();
    let id = fixture.send(&rows(4, &[])).await["id"].as_str().unwrap().to_owned();
    let page = async |query: &str| fixture.get(&fixture.all, &format!("/v1/batches/{id}/results?{query}")).await.json();
    let (first, second) = (page("limit=2").await, page("limit=2&after=2").await);
    assert_eq!((first["rows"].as_array().unwrap().len(), &first["next"]), (2, &json!(2)));
    assert_eq!((second["rows"].as_array().unwrap().len(), second.get("next")), (2, None));
}
