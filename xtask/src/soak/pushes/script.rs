//! What is done to the host while it is traced: a bit of everything that writes to the store. Whatever the host says is
//! kept, and nothing is asked of it that would take back what it has said.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use super::{HELD, LEARNING, SOAK, client::Client};
use crate::soak::power::{Ack, said};

/// Records of a round that come one by one, so many at a time: they share commits.
const SINGLES: u64 = 24;
const TOGETHER: u64 = 6;
/// Reports on the link whose upstream is not there, and of how many learners: the others wait behind, or are folded.
const REPORTS: u64 = 12;
const LEARNERS: u64 = 4;
/// Rows of a batch.
const ROWS: u64 = 30;
/// How long something may take to come.
const COME_MAX: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(20);

/// One life of the host; everything that it said.
pub(super) async fn round(client: &Client, round: u64, backup: &Path) -> Result<Vec<Ack>> {
    let mut acked = Vec::new();
    client.operate(&format!("/v1/links/{HELD}/hold"), &json!({ "reason": "soak" })).await?;
    for _ in 0..SINGLES / TOGETHER {
        acked.extend(together(client, SOAK, "echo", (0..TOGETHER).map(|n| json!({ "n": n }))).await?);
    }
    acked.extend(together(client, LEARNING, "progress.report", (0..REPORTS).map(|n| report(n % LEARNERS))).await?);
    acked.push(taken(client.push(SOAK, "kv.set", r#"{"key":"soak","size":2000}"#, None).await?)?);
    acked.push(taken(client.push(SOAK, "panic.personal", r#"{"name":"nobody"}"#, None).await?)?);
    let rows: Vec<String> = (0..ROWS).map(|n| json!({ "n": n, "of": "batch" }).to_string()).collect();
    acked.push(taken(client.batch(SOAK, "echo", &rows).await?)?);
    // The last row is refused.
    let rows = (0..ROWS / 2).map(|n| report(LEARNERS + n % LEARNERS)).chain([json!({ "resCode": 1 })]);
    let rows: Vec<String> = rows.map(|row| row.to_string()).collect();
    acked.push(taken(client.batch(LEARNING, "progress.report", &rows).await?)?);
    acked.extend(held(client, round).await?);
    client.operate("/v1/backup", &json!({ "file": backup })).await?;
    acked.extend(seen_done(client).await?);
    // Nobody was told that it is parked, so it may go on.
    let parked = until(client, "parked", |jobs| !jobs.is_empty()).await?;
    acked.extend(said(&client.ask("POST", &format!("/v1/jobs/{}/retry", id(parked.first())?)).await?));
    until(client, "queued", Vec::is_empty).await?;
    Ok(acked)
}

/// Records by turns with small batches until one is refused, or so many are taken; whether all were.
pub(super) async fn until_refused(client: &Client, records: u64, acked: &mut Vec<Ack>) -> Result<bool> {
    for n in 0..records {
        let answer = match n % 4 {
            1 => client.push(LEARNING, "progress.report", &report(n % LEARNERS).to_string(), None).await?,
            3 => client.batch(SOAK, "echo", &[json!({ "n": n }).to_string(), "{}".to_owned()]).await?,
            _ => client.push(SOAK, "echo", &json!({ "n": n }).to_string(), None).await?,
        };
        match answer {
            Some(ack) => acked.push(ack),
            None => return Ok(false),
        }
    }
    Ok(true)
}

async fn together(
    client: &Client,
    link: &'static str,
    operation: &'static str,
    records: impl Iterator<Item = Value>,
) -> Result<Vec<Ack>> {
    let mut pushes = JoinSet::new();
    for record in records {
        let client = client.clone();
        pushes.spawn(async move { client.push(link, operation, &record.to_string(), None).await });
    }
    let mut acked = Vec::new();
    while let Some(pushed) = pushes.join_next().await {
        acked.push(taken(pushed.context("a push")??)?);
    }
    Ok(acked)
}

/// Records that are held back: the same one twice under one name, two that are taken back, and in the end all may go.
async fn held(client: &Client, round: u64) -> Result<Vec<Ack>> {
    let mut acked = Vec::new();
    for n in 0..6 {
        let name = format!("round-{round}-{}", n / 2);
        acked.push(taken(client.push(HELD, "echo", &json!({ "n": n / 2 }).to_string(), Some(&name)).await?)?);
    }
    let waiting = jobs(client, HELD, "queued").await?;
    for job in waiting.iter().take(2) {
        acked.extend(said(&client.ask("POST", &format!("/v1/jobs/{}/cancel", id(Some(job))?)).await?));
    }
    client.operate(&format!("/v1/links/{HELD}/resume"), &json!({})).await?;
    Ok(acked)
}

/// A few that are done, by their own answers.
async fn seen_done(client: &Client) -> Result<Vec<Ack>> {
    let done = until(client, "done", |jobs| !jobs.is_empty()).await?;
    let mut acked = Vec::new();
    for job in done.iter().rev().take(8) {
        acked.extend(said(&client.ask("GET", &format!("/v1/jobs/{}", id(Some(job))?)).await?));
    }
    Ok(acked)
}

/// Jobs of the link that works, in this state, as soon as they are like this.
async fn until(client: &Client, state: &str, like: impl Fn(&Vec<Value>) -> bool) -> Result<Vec<Value>> {
    let since = Instant::now();
    loop {
        let jobs = jobs(client, SOAK, state).await?;
        if like(&jobs) {
            return Ok(jobs);
        }
        if since.elapsed() > COME_MAX {
            bail!("{} jobs are {state} and stay so", jobs.len());
        }
        sleep(LOOK).await;
    }
}

async fn jobs(client: &Client, link: &str, state: &str) -> Result<Vec<Value>> {
    let page = client.ask("GET", &format!("/v1/jobs?link={link}&state={state}&limit=500")).await?;
    page.get("jobs").and_then(Value::as_array).cloned().context("a page has no jobs")
}

fn id(job: Option<&Value>) -> Result<&str> {
    job.and_then(|job| job.get("id")?.as_str()).ok_or_else(|| anyhow!("there is no such job"))
}

fn taken(answer: Option<Ack>) -> Result<Ack> {
    answer.ok_or_else(|| anyhow!("the host refuses, though nothing fails"))
}

/// What a learner watched in a minute.
fn report(learner: u64) -> Value {
    let of = "a1".repeat(16);
    json!({
        "resCode": of, "studentUserCode": format!("{learner:032x}"), "classCode": of, "courseCode": of, "playTime": 60,
        "progressTime": 60,
    })
}
