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
    begin_with(host, body, share, &format!("idempotency-key: {KEY}\r\n")).await
}

/// The same with these header lines.
async fn begin_with(host: &Host, body: &str, share: f64, lines: &str) -> TcpStream {
    let mut stream = TcpStream::connect(host.api_address()).await.unwrap();
    let head = format!(
        "POST /v1/links/{LINK}/operations/{ONE}/batches HTTP/1.1\r\nhost: duijie\r\nauthorization: Bearer {}\r\n\
        content-type: {NDJSON}\r\n{lines}content-length: {}\r\n\r\n",
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

/// 800 records of which 37 are bad, as at term end.
fn term_end() -> (Vec<Value>, Vec<u64>) {
    let mut records: Vec<Value> = (0..800).map(fixtures::talk_one).collect();
    let mut bad = Vec::new();
    for (n, record) in records.iter_mut().enumerate() {
        if n % 22 == 7 {
            record["content"] = json!(1);
            bad.push(n as u64 + 1);
        }
    }
    bad.truncate(37);
    assert_eq!(bad.len(), 37);
    (records, bad)
}

fn named(receipt: &Value) -> Vec<u64> {
    receipt["errors"].as_array().unwrap().iter().map(|error| error["row"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_upload_cut_at_row_five_hundred_every_bad_row_is_named_and_none_of_them_counted_as_accepted() {
    let docked = docked_with(ZjGxsz::builder(), wide).await;
    hold(&docked.host, LINK).await;
    let (records, bad) = term_end();
    let body = ndjson(&records);
    let before = ndjson(&records[..500]).len() as f64 / body.len() as f64;
    let upload = begin(&docked.host, &body, before).await;
    let good = 499 - bad.iter().filter(|row| **row <= 499).count();
    eventually("the rows before the cut to be kept", async || jobs(&docked.host, "").await.len() >= good).await;
    drop(upload);
    let answer = batch(&docked.host, LINK, ONE, NDJSON, body.clone()).header("idempotency-key", KEY).send().await;
    let receipt = answer.expect(202);
    assert_eq!((&receipt["rows"], &receipt["accepted"]), (&json!(800), &json!(763)), "{receipt}");
    assert_eq!(named(&receipt), bad);
    resume(&docked.host, LINK).await;
    let view = settled(&docked.host, &id_of(&answer)).await;
    assert_eq!((&view["refused"], &view["jobs"]), (&json!(37), &json!({ "done": 763 })), "{view}");
    let again = batch(&docked.host, LINK, ONE, NDJSON, body).header("idempotency-key", KEY).send().await;
    assert_eq!(again.expect(202), receipt, "also when all of it has come");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_corrected_under_the_same_key_is_said_to_need_a_new_batch() {
    let docked = docked_with(ZjGxsz::builder(), wide).await;
    let (mut records, _) = term_end();
    records.truncate(40);
    let spoilt = records[7].clone();
    let upload = begin(&docked.host, &ndjson(&records), 0.6).await;
    eventually("rows to be kept", async || jobs(&docked.host, "").await.len() >= 15).await;
    drop(upload);
    records[7] = fixtures::talk_one(7);
    assert_ne!(records[7], spoilt);
    let send = |key: &'static str, body: String| {
        batch(&docked.host, LINK, ONE, NDJSON, body).header("idempotency-key", key).send()
    };
    let receipt = send(KEY, ndjson(&records)).await.expect(202);
    // Row 30 is as bad as it was.
    assert_eq!((&receipt["accepted"], named(&receipt)), (&json!(38), vec![8, 30]), "{receipt}");
    assert!(text(&receipt["errors"][0], "message").contains("new batch"), "{receipt}");
    let corrected = send("term-1-corrected", ndjson(&records[7..8])).await;
    assert_eq!(settled(&docked.host, &id_of(&corrected)).await["jobs"], json!({ "done": 1 }));
    assert!(docked.stored(&records[7]).plaintext == in_wire_order(&records[7]).as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_without_a_key_that_a_kill_cut_off_is_closed_when_the_host_is_back() {
    let docked = docked().await;
    hold(&docked.host, LINK).await;
    let body = ndjson(&(0..40).map(fixtures::talk_one).collect::<Vec<_>>());
    let _upload = begin_with(&docked.host, &body, 0.5, "").await;
    eventually("rows to be kept", async || jobs(&docked.host, "").await.len() >= 15).await;
    let id = text(&jobs(&docked.host, "").await[0], "batch").to_owned();
    let host = docked.host.kill().await.start().await;
    let view = host.get(&format!("/v1/batches/{id}")).await.expect(200);
    assert_eq!(text(&view, "state"), "running", "nobody can send the rest: {view}");
    resume(&host, LINK).await;
    assert_eq!(text(&settled(&host, &id).await, "state"), "settled");
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
