//! Durable push, end to end: what was accepted with 202 arrives, is refused by the upstream, or is reported; whatever is
//! killed, lost or repeated meanwhile. What the themes share: handing records in, and asking what became of them.

mod asking;
mod at_rest;
mod audit;
mod batches;
mod credentials;
mod events;
mod idempotency;
mod kills;
mod order;
mod poison;
mod prefer;
mod progress;
mod resume;
mod schedules;
mod sheets;
mod term_end;
mod viewings;

use duijie_tests::harness::{Answer, Host, Request, eventually};
use http::Method;
use serde_json::Value;

use crate::support::in_wire_order;

const ONE: &str = "record.push-one";
const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv; charset=utf-8";

/// Hands a record in without waiting for it.
fn hand_in(host: &Host, link: &str, operation: &str, record: &Value) -> Request {
    host.call_request(link, operation, in_wire_order(record)).header("prefer", "respond-async")
}

/// The job of a record that is accepted.
async fn accepted(host: &Host, link: &str, operation: &str, record: &Value) -> String {
    id_of(&hand_in(host, link, operation, record).send().await)
}

/// The job, or the batch, that an answer with 202 names.
fn id_of(answer: &Answer) -> String {
    let id = text(&answer.expect(202), "id").to_owned();
    assert!(answer.header("location").ends_with(&id), "{}", answer.header("location"));
    id
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// A job as its platform sees it.
async fn job(host: &Host, id: &str) -> Value {
    host.get(&format!("/v1/jobs/{id}")).await.expect(200)
}

/// A job when nothing will happen to it by itself any more.
async fn over(host: &Host, id: &str) -> Value {
    until_job(host, id, "to come to its end", |job| !matches!(text(job, "state"), "queued" | "sending")).await
}

/// A job as soon as it stands so.
async fn until_job(host: &Host, id: &str, what: &str, stands: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    eventually(&format!("job {id} {what}"), async || {
        last = job(host, id).await;
        stands(&last)
    })
    .await;
    last
}

/// A job that ends in this state.
async fn ends(host: &Host, id: &str, state: &str) -> Value {
    let job = over(host, id).await;
    assert_eq!(text(&job, "state"), state, "{job}");
    job
}

/// All jobs of the platform `campus` that a query asks for, over all pages.
async fn jobs(host: &Host, query: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = host.get(&format!("/v1/jobs?limit=500{after}&{query}")).await.expect(200);
        all.extend(page["jobs"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}

/// A link's queue as the operator sees it; null when there is nothing in it.
async fn queue(host: &Host, link: &str) -> Value {
    let all = host.admin(Method::GET, "/v1/queue").send().await.expect(200);
    let found = all["links"].as_array().unwrap().iter().find(|queue| queue["link"] == link).cloned();
    found.unwrap_or_default()
}

/// Jobs of a link to which something will still happen.
async fn waiting(host: &Host, link: &str) -> u64 {
    let queue = queue(host, link).await;
    ["queued", "sending"].iter().map(|state| queue["jobs"][state].as_u64().unwrap_or(0)).sum()
}

/// Waits until a link's queue stands still; however long that is, as long as it gets shorter.
async fn until_quiet(host: &Host, link: &str) {
    let mut left = waiting(host, link).await;
    while left > 0 {
        let before = left;
        eventually(&format!("the queue of {link} to get shorter than {before}"), async || {
            left = waiting(host, link).await;
            left < before
        })
        .await;
    }
}

/// Holds a link's queue back.
async fn hold(host: &Host, link: &str) {
    host.admin(Method::POST, &format!("/v1/links/{link}/hold")).send().await.expect(200);
}

/// Lets it go on.
async fn resume(host: &Host, link: &str) {
    host.admin(Method::POST, &format!("/v1/links/{link}/resume")).send().await.expect(200);
}

/// Asks something of a job.
async fn act(host: &Host, id: &str, what: &str) -> Answer {
    host.api(Method::POST, &format!("/v1/jobs/{id}/{what}")).key(host.key("campus")).send().await
}

/// A batch on its way.
fn batch(host: &Host, link: &str, operation: &str, media_type: &str, body: impl Into<bytes::Bytes>) -> Request {
    let path = format!("/v1/links/{link}/operations/{operation}/batches");
    host.api(Method::POST, &path).key(host.key("campus")).header("content-type", media_type).body(body)
}

/// Records, one a line.
fn ndjson<'r>(records: impl IntoIterator<Item = &'r Value>) -> String {
    records.into_iter().map(|record| in_wire_order(record) + "\n").collect()
}

/// A batch of which nothing will change by itself.
async fn settled(host: &Host, id: &str) -> Value {
    let mut last = Value::Null;
    let mut left = u64::MAX;
    while text(&last, "state") != "settled" {
        let before = left;
        eventually(&format!("batch {id} to go on: {last}"), async || {
            last = host.get(&format!("/v1/batches/{id}")).await.expect(200);
            left = ["queued", "sending"].iter().map(|state| last["jobs"][state].as_u64().unwrap_or(0)).sum();
            text(&last, "state") == "settled" || left < before
        })
        .await;
    }
    last
}

/// Rows of a batch that a query asks for, over all pages.
async fn rows(host: &Host, id: &str, query: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = host.get(&format!("/v1/batches/{id}/results?limit=500{after}&{query}")).await.expect(200);
        all.extend(page["rows"].as_array().unwrap().iter().cloned());
        match page["next"].as_u64() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}
