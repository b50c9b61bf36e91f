//! A batch that is interrupted: by its sender's connection, by the host's death. Sent again under its Idempotency-Key it
//! goes on where it was, and every row is one record.

use duijie_tests::{
    fixtures,
    harness::{Host, eventually},
    upstreams::ZjGxsz,
};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::{NDJSON, ONE, batch, hold, id_of, jobs, ndjson, resume, rows, settled, text, until_quiet};
use crate::support::{College, Docked, LINK, docked, docked_with, in_wire_order};

const KEY: &str = "term-1";

fn wide(college: College) -> College {
    college.tables("[push]\nmax_inflight = 16")
}

/// Begins to send a batch and never ends; what is sent of it is this much.
async fn begin(host: &Host, body: &str, share: f64) -> TcpStream {
    let mut stream = TcpStream::connect(host.api_address()).await.unwrap();
    let head = format!(
        "POST /v1/links/{LINK}/operations/{ONE}/batches HTTP/1.1\r\nhost: duijie\r\nauthorization: Bearer {}\r\n\
        content-type: {NDJSON}\r\nidempotency-key: {KEY}\r\ncontent-length: {}\r\n\r\n",
        host.key("campus"),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let part = (body.len() as f64 * share) as usize;
    stream.write_all(&body.as_bytes()[..part]).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_upload_was_cut_is_sent_again_and_every_row_is_there_once() {
    let docked = docked_with(ZjGxsz::builder(), wide).await;
    let records: Vec<Value> = (0..200).map(fixtures::talk_one).collect();
    let body = ndjson(&records);
    let upload = begin(&docked.host, &body, 0.5).await;
    eventually("the first rows to be kept", async || jobs(&docked.host, "").await.len() > 50).await;
    drop(upload);

    let answer = batch(&docked.host, LINK, ONE, NDJSON, body.clone()).header("idempotency-key", KEY).send().await;
    let receipt = answer.expect(202);
    assert_eq!((&receipt["rows"], &receipt["accepted"]), (&json!(200), &json!(200)), "{receipt}");
    let id = id_of(&answer);
    let view = settled(&docked.host, &id).await;
    assert_eq!((&view["rows"], &view["jobs"]), (&json!(200), &json!({ "done": 200 })));
    let counters = docked.sim.counters();
    assert_eq!((counters.records_accepted, counters.overwrites, counters.requests_of(ONE)), (200, 0, 200));
    for (n, row) in rows(&docked.host, &id, "").await.iter().enumerate() {
        assert_eq!((&row["row"], &row["result"]["recordId"]), (&json!(n + 1), &records[n]["recordId"]));
    }

    // And once more, whole: it is the same batch, and nothing happens.
    let again = batch(&docked.host, LINK, ONE, NDJSON, body).header("idempotency-key", KEY).send().await;
    assert_eq!((id_of(&again), &again.json()["accepted"]), (id, &json!(200)));
    until_quiet(&docked.host, LINK).await;
    assert_eq!(docked.sim.counters().requests_of(ONE), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_cut_says_that_it_waits_for_the_rest_and_keeps_no_torn_row() {
    let docked = docked().await;
    hold(&docked.host, LINK).await;
    let body = ndjson(&(0..40).map(fixtures::talk_one).collect::<Vec<_>>());
    let upload = begin(&docked.host, &body, 0.5).await;
    eventually("rows to be kept", async || jobs(&docked.host, "").await.len() >= 15).await;
    drop(upload);
    let id = text(&jobs(&docked.host, "").await[0], "batch").to_owned();
    let view = docked.host.get(&format!("/v1/batches/{id}")).await.expect(200);
    assert_eq!((text(&view, "state"), &view["refused"]), ("receiving", &json!(0)), "{view}");
    let Docked { host, .. } = docked;
    let host = host.kill().await.start().await;
    let answer = batch(&host, LINK, ONE, NDJSON, body).header("idempotency-key", KEY).send().await;
    assert_eq!((id_of(&answer), &answer.json()["accepted"]), (id.clone(), &json!(40)));
    resume(&host, LINK).await;
    assert_eq!(settled(&host, &id).await["jobs"], json!({ "done": 40 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_goes_on_after_the_host_was_killed_in_the_middle_of_it() {
    let Docked { host, sim } = docked_with(ZjGxsz::builder(), wide).await;
    let records: Vec<Value> = (0..200).map(fixtures::talk_one).collect();
    let id = id_of(&batch(&host, LINK, ONE, NDJSON, ndjson(&records)).send().await);
    sim.wait_until(|counters| counters.records_accepted >= 40).await.unwrap();
    let host = host.kill().await.start().await;
    let view = settled(&host, &id).await;
    assert_eq!((&view["rows"], &view["jobs"]), (&json!(200), &json!({ "done": 200 })), "{view}");
    let again = sim.counters().records_accepted - 200;
    assert!(again <= 16, "of those that were safely sent again, no more than were under way: {again}");
    let docked = Docked { host, sim };
    for record in &records {
        assert!(docked.stored(record).plaintext == in_wire_order(record).as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_batch_is_no_key_of_another() {
    let docked = docked().await;
    let send = |operation: &str, body: String| {
        batch(&docked.host, LINK, operation, NDJSON, body).header("idempotency-key", KEY).send()
    };
    let id = id_of(&send(ONE, ndjson(&[fixtures::talk_one(1)])).await);
    let refused = send("record.push-patriarch", ndjson(&[fixtures::talk_patriarch(1)])).await;
    let problem = refused.problem(422, "invalid-input", "not-sent");
    assert_eq!(text(&problem, "type"), "urn:duijie:problem:key-reused");
    assert!(text(&problem, "detail").contains(&id), "{problem}");
    assert_eq!(jobs(&docked.host, "").await.len(), 1);
}
