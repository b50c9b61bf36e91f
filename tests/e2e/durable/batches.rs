//! Batches: many records as one body; every row has its verdict at once, and later its result, in the order sent.

use duijie_tests::{fixtures, upstreams::ZjGxsz};
use serde_json::{Value, json};

use super::{NDJSON, ONE, batch, hold, id_of, jobs, ndjson, resume, rows, settled, text};
use crate::support::{College, LINK, docked, docked_with, in_wire_order, requests};

const JSON: &str = "application/json";

fn records(count: usize) -> Vec<Value> {
    (0..count).map(fixtures::talk_one).collect()
}

fn array(records: &[Value]) -> String {
    let records: Vec<String> = records.iter().map(in_wire_order).collect();
    format!("[{}]", records.join(",\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_of_a_batch_arrives_byte_for_byte_and_results_are_in_the_order_sent() {
    let wide = |college: College| college.tables("[push]\nmax_inflight = 8");
    let docked = docked_with(ZjGxsz::builder(), wide).await;
    docked.fault(ONE, "latency=0..40");
    let all = records(120);
    let (first, second) = all.split_at(60);
    for (media_type, body, sent) in [(NDJSON, ndjson(first), first), (JSON, array(second), second)] {
        let answer = batch(&docked.host, LINK, ONE, media_type, body).send().await;
        let receipt = answer.expect(202);
        assert_eq!((&receipt["rows"], &receipt["accepted"], &receipt["errors"]), (&json!(60), &json!(60), &json!([])));
        let id = id_of(&answer);
        assert_eq!(answer.header("location"), format!("/v1/batches/{id}"));
        let batch = settled(&docked.host, &id).await;
        assert_eq!(
            (&batch["rows"], &batch["refused"], &batch["jobs"]),
            (&json!(60), &json!(0), &json!({ "done": 60 }))
        );
        for (n, row) in rows(&docked.host, &id, "").await.iter().enumerate() {
            assert_eq!((&row["row"], text(row, "state")), (&json!(n + 1), "done"), "{row}");
            assert_eq!(row["result"]["recordId"], sent[n]["recordId"]);
        }
    }
    for record in &all {
        assert!(docked.stored(record).plaintext == in_wire_order(record).as_bytes());
    }
    assert_eq!((docked.sim.counters().records_accepted, docked.sim.counters().overwrites), (120, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_is_refused_by_its_number_and_pointer_and_the_others_arrive() {
    let docked = docked().await;
    let mut all: Vec<String> = records(6).iter().map(in_wire_order).collect();
    all[2] = json!({ "recordId": "ONE-000002", "content": ["甄测"] }).to_string();
    all[4] = "{\"recordId\": \"甄测".to_owned();
    let answer = batch(&docked.host, LINK, ONE, NDJSON, all.join("\n")).send().await;
    let receipt = answer.expect(202);
    assert_eq!((&receipt["rows"], &receipt["accepted"]), (&json!(6), &json!(4)));
    let errors = receipt["errors"].as_array().unwrap();
    let places: Vec<_> = errors.iter().map(|error| (error["row"].as_u64().unwrap(), text(error, "pointer"))).collect();
    assert_eq!(places, [(3, "/content"), (5, "")], "{receipt}");
    assert!(!receipt.to_string().contains("甄测"), "no value is quoted: {receipt}");
    let id = id_of(&answer);
    let batch = settled(&docked.host, &id).await;
    assert_eq!((&batch["refused"], &batch["jobs"]), (&json!(2), &json!({ "done": 4 })));
    let states: Vec<String> =
        rows(&docked.host, &id, "").await.iter().map(|row| text(row, "state").to_owned()).collect();
    assert_eq!(states, ["done", "done", "refused", "done", "refused", "done"]);
    let troubled = rows(&docked.host, &id, "only=troubled").await;
    assert_eq!(troubled.iter().map(|row| row["row"].as_u64().unwrap()).collect::<Vec<_>>(), [3, 5]);
    assert_eq!(troubled[0]["errors"][0]["pointer"], "/content");
    assert_eq!(docked.sim.counters().records_accepted, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_gives_the_same_verdicts_and_keeps_and_sends_nothing() {
    let docked = docked().await;
    let mut all = records(4);
    all[1]["content"] = json!(1);
    let send = |query: &str| {
        let path = format!("/v1/links/{LINK}/operations/{ONE}/batches{query}");
        let request = docked.host.api(http::Method::POST, &path).key(docked.host.key("campus"));
        request.header("content-type", NDJSON).header("idempotency-key", "term-1").body(ndjson(&all)).send()
    };
    let dry = send("?dry_run=true").await.expect(200);
    assert_eq!((dry.get("id"), &dry["rows"], &dry["accepted"]), (None, &json!(4), &json!(3)));
    assert_eq!(jobs(&docked.host, "").await.len(), 0);
    assert_eq!(requests(&docked.sim.counters()), 0);
    send("?dry_run=perhaps").await.expect(400);
    let wet = send("").await.expect(202);
    let again = send("?dry_run=true").await.expect(200);
    assert_eq!(again, dry, "also when the batch has come");
    assert_eq!((&wet["rows"], &wet["accepted"], &wet["errors"]), (&dry["rows"], &dry["accepted"], &dry["errors"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_ten_thousand_rows_are_refused_with_what_to_do() {
    let docked = docked().await;
    hold(&docked.host, LINK).await;
    let line = |n: usize| format!("{{\"recordId\":\"R{n}\"}}\n");
    let body: String = (0..10_001).map(line).collect();
    let dry = format!("/v1/links/{LINK}/operations/{ONE}/batches?dry_run=true");
    let dry = docked.host.api(http::Method::POST, &dry).key(docked.host.key("campus")).header("content-type", NDJSON);
    for (request, keeps) in
        [(dry.body(body.clone()), false), (batch(&docked.host, LINK, ONE, NDJSON, body.clone()), true)]
    {
        let problem = request.send().await.problem(422, "invalid-input", "not-sent");
        let detail = text(&problem, "detail");
        assert_eq!(text(&problem, "type"), "urn:duijie:problem:batch");
        assert!(detail.contains("10000 rows") && detail.contains("parts"), "{detail}");
        assert_eq!(detail.contains("taken"), keeps, "what was taken is said: {detail}");
        if keeps {
            let id = detail.split("as batch ").nth(1).and_then(|rest| rest.get(..36)).expect("the batch's id");
            let view = docked.host.get(&format!("/v1/batches/{id}")).await.expect(200);
            assert_eq!(text(&view, "state"), "running", "nothing more can come: {view}");
        }
    }
    let taken = super::queue(&docked.host, LINK).await;
    assert_eq!(taken["jobs"]["queued"], 10_000, "{taken}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_batch_is_refused_with_what_would_be_one() {
    let docked = docked().await;
    let send = |media_type: &str, body: &str| batch(&docked.host, LINK, ONE, media_type, body.to_owned());
    let kind = |problem: Value| text(&problem, "type").trim_start_matches("urn:duijie:problem:").to_owned();
    assert_eq!(kind(send("text/plain", "a").send().await.expect(415)), "media-type");
    assert_eq!(kind(send("text/csv; charset=gb18030", "a").send().await.expect(415)), "media-type");
    assert_eq!(kind(send(NDJSON, "a").header("content-encoding", "gzip").send().await.expect(415)), "media-type");
    assert_eq!(kind(send(JSON, "{}").send().await.expect(422)), "batch");
    assert_eq!(kind(send(JSON, "[").send().await.expect(422)), "batch");
    send(NDJSON, "").header("x-request-id", "empty").send().await.expect(200);
    let unknown = "/v1/links/zj.nbufe/operations/record.none/batches";
    let unknown = docked.host.api(http::Method::POST, unknown).key(docked.host.key("campus"));
    assert_eq!(kind(unknown.header("content-type", NDJSON).body("{}").send().await.expect(404)), "unknown-operation");
    assert_eq!(jobs(&docked.host, "").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_records_of_a_batch_that_nobody_waits_for_are_deleted_when_its_platform_says_so() {
    let docked = docked().await;
    docked.fault_once(ONE, "code=17,no");
    let mut all = records(4);
    all[2]["content"] = json!(1);
    let id = id_of(&batch(&docked.host, LINK, ONE, NDJSON, ndjson(&all)).send().await);
    let view = settled(&docked.host, &id).await;
    assert_eq!((&view["refused"], &view["jobs"]), (&json!(1), &json!({ "done": 2, "failed": 1 })), "{view}");
    let troubled = rows(&docked.host, &id, "only=troubled").await;
    let failed = troubled.iter().find(|row| text(row, "state") == "failed").unwrap();
    let lines = async || {
        let path = format!("/v1/batches/{id}/results?only=troubled&format=ndjson");
        docked.host.get(&path).await.text().lines().filter(|line| !line.is_empty()).count()
    };
    assert_eq!(lines().await, 2);
    let path = format!("/v1/batches/{id}");
    let forget = || docked.host.api(http::Method::DELETE, &path).key(docked.host.key("campus")).send();
    assert_eq!(forget().await.expect(200), json!({ "rows": 1, "jobs": 1 }));
    assert_eq!(forget().await.expect(200), json!({ "rows": 0, "jobs": 0 }));
    assert_eq!(lines().await, 0);
    let again = super::act(&docked.host, text(failed, "job"), "retry").await;
    let problem = again.problem(409, "invalid-input", "not-sent");
    assert!(text(&problem, "detail").contains("no longer kept"), "{problem}");
    assert_eq!(settled(&docked.host, &id).await["jobs"], view["jobs"], "how they ended stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rows_of_one_record_in_a_batch_are_two_versions_and_the_later_one_stays() {
    let docked = docked().await;
    hold(&docked.host, LINK).await;
    let record = fixtures::talk_one(1);
    let all = [fixtures::revise(&record, 1), fixtures::talk_one(2), fixtures::revise(&record, 2)];
    let id = id_of(&batch(&docked.host, LINK, ONE, NDJSON, ndjson(&all)).send().await);
    resume(&docked.host, LINK).await;
    let batch = settled(&docked.host, &id).await;
    assert_eq!(batch["jobs"], json!({ "done": 2, "superseded": 1 }), "{batch}");
    assert!(docked.stored(&record).plaintext == in_wire_order(&all[2]).as_bytes());
    assert_eq!(docked.stored(&record).versions.len(), 1);
}
