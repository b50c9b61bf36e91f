//! `soak progress --durable` (A5): every minute's reports of all learners as batches, taken as fast as they are; the host
//! is killed once in the middle. Afterwards every second is accounted for, by learner: it is at the simulator once, or in
//! a job that says that nobody knows. What nobody knows of is never more than was under way at the kill.

use std::{
    collections::HashMap,
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;

use crate::{
    http,
    site::{Host, Site},
};

/// Where batches go.
const BATCHES: &str = "/v1/links/soak/operations/progress.report/batches";
/// Most rows of a batch.
const ROWS_MAX: u64 = 10_000;
/// Attempts under way at a time.
pub(super) const INFLIGHT: u32 = 64;
/// How long the queue may stand still before the soak has failed.
const STILL_MAX: Duration = Duration::from_secs(60);

/// How it went.
#[derive(Default)]
struct Tally {
    reports: u64,
    accepting: Duration,
    slowest: Duration,
    draining: Duration,
    restart: Duration,
    unknown_jobs: u64,
    unknown_s: u64,
}

/// What one learner watched in one minute: of each its own, so that no two mistakes cancel out.
fn watched_s(learner: u64, minute: u64) -> u64 {
    (learner * 7 + minute * 13) % 59 + 1
}

/// What one learner watched in all.
fn reported_s(learner: u64, minutes: u64) -> u64 {
    (0..minutes).map(|minute| watched_s(learner, minute)).sum()
}

/// Sends everything, kills the host in the middle, waits for the rest, and compares.
pub(super) async fn run(site: &Site, host: Host, upstream: &str, learners: u64, minutes: u64) -> Result<()> {
    println!("soak progress --durable: {learners} learners, {minutes} minutes, killed once in the middle");
    let (mut host, mut tally, mut batches) = (host, Tally::default(), HashMap::new());
    for minute in 0..minutes {
        if minute == minutes / 2 && minute > 0 {
            host.process.kill().await?;
            host = site.start(None).await?;
            tally.restart = host.ready_after;
        }
        for first in (0..learners).step_by(ROWS_MAX as usize) {
            let rows = first..learners.min(first + ROWS_MAX);
            let began = Instant::now();
            let id = send(&host, site, minute, rows.clone()).await?;
            tally.accepting += began.elapsed();
            tally.slowest = tally.slowest.max(began.elapsed());
            tally.reports += rows.end - rows.start;
            batches.insert(id, (minute, first));
        }
    }
    let began = Instant::now();
    drain(&host, site).await?;
    tally.draining = began.elapsed();
    let doubts = doubts(&host, site, &batches, &mut tally).await?;
    report(&tally, &doubts, upstream, learners, minutes).await
}

/// Hands in one minute of these learners; the batch.
async fn send(host: &Host, site: &Site, minute: u64, learners: std::ops::Range<u64>) -> Result<String> {
    let mut lines = String::new();
    for learner in learners.clone() {
        let (code, seconds, play) = (format!("{learner:032x}"), watched_s(learner, minute), 60 * (minute + 1));
        let of = "a1".repeat(16);
        writeln!(
            lines,
            r#"{{"resCode":"{of}","studentUserCode":"{code}","classCode":"{of}","courseCode":"{of}","playTime":{play},"progressTime":{seconds}}}"#
        )?;
    }
    let (key, name) = (format!("Bearer {}", site.key), format!("{minute}-{}", learners.start));
    let headers =
        [("authorization", key.as_str()), ("content-type", "application/x-ndjson"), ("idempotency-key", &name)];
    let answer = http::send("POST", &format!("{}{BATCHES}", host.api), &headers, lines.as_bytes()).await?;
    let said = answer.json();
    let accepted = said.get("accepted").and_then(Value::as_u64);
    if answer.status != 202 || accepted != Some(learners.end - learners.start) {
        bail!("a batch was not accepted: {} {said}", answer.status);
    }
    Ok(text(&said, "id").to_owned())
}

/// Waits until nothing waits or is under way.
async fn drain(host: &Host, site: &Site) -> Result<()> {
    let (mut least, mut since) = (u64::MAX, Instant::now());
    loop {
        let queue = ask(host, site, "/v1/queue").await?;
        let jobs = queue.pointer("/links/0/jobs").cloned().unwrap_or_default();
        let left: u64 = ["queued", "sending"].iter().filter_map(|state| jobs.get(state)?.as_u64()).sum();
        if left == 0 {
            return Ok(());
        }
        if left < least {
            (least, since) = (left, Instant::now());
        } else if since.elapsed() > STILL_MAX {
            bail!("the queue stands still: {queue}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Seconds by learner in jobs of which nobody knows whether they were applied, and in those that were folded into them.
async fn doubts(
    host: &Host,
    site: &Site,
    batches: &HashMap<String, (u64, u64)>,
    tally: &mut Tally,
) -> Result<HashMap<u64, u64>> {
    let mut doubts = HashMap::new();
    let unknown = jobs(host, site, "unknown").await?;
    tally.unknown_jobs = unknown.len() as u64;
    if unknown.len() > INFLIGHT as usize {
        bail!("{} jobs are unknown, and no more than {INFLIGHT} can have been under way", unknown.len());
    }
    for state in ["failed", "parked", "cancelled"] {
        if let Some(job) = jobs(host, site, state).await?.first() {
            bail!("a job is {state}: {job}");
        }
    }
    let folded = jobs(host, site, "superseded").await?;
    let by: HashMap<&str, &str> = folded.iter().map(|job| (text(job, "id"), text(job, "superseded_by"))).collect();
    let ends: HashMap<&str, ()> = unknown.iter().map(|job| (text(job, "id"), ())).collect();
    for job in folded.iter().chain(&unknown) {
        let mut end = text(job, "id");
        while let Some(next) = by.get(end) {
            end = next;
        }
        if ends.contains_key(end) {
            let (minute, first) = batches.get(text(job, "batch")).ok_or_else(|| anyhow!("a batch of nobody: {job}"))?;
            let row = job.get("row").and_then(Value::as_u64).context("a job has no row")?;
            let learner = first + row - 1;
            *doubts.entry(learner).or_insert(0) += watched_s(learner, *minute);
        }
    }
    tally.unknown_s = doubts.values().sum();
    Ok(doubts)
}

async fn report(tally: &Tally, doubts: &HashMap<u64, u64>, upstream: &str, learners: u64, minutes: u64) -> Result<()> {
    let said = http::get(&format!("{upstream}/_sim/studies")).await?.json();
    let studies = said.get("studies").and_then(Value::as_array).context("the simulator has no studies")?;
    let number = |study: &Value, name: &str| study.get(name).and_then(Value::as_u64).unwrap_or(0);
    let counted: HashMap<&str, u64> =
        studies.iter().map(|study| (text(study, "studentUserCode"), number(study, "progressS"))).collect();
    let requests: u64 = studies.iter().map(|study| number(study, "reports")).sum();
    let (mut wrong, mut accepted_s, mut counted_s) = (0_u64, 0, 0);
    for learner in 0..learners {
        let reported = reported_s(learner, minutes);
        let counted = counted.get(format!("{learner:032x}").as_str()).copied().unwrap_or(0);
        let doubt = doubts.get(&learner).copied().unwrap_or(0);
        (accepted_s, counted_s) = (accepted_s + reported, counted_s + counted);
        wrong += u64::from(!is_accounted_for(reported, counted, doubt));
    }
    let per_s = tally.reports as f64 / tally.accepting.as_secs_f64();
    let rows = [
        ("accepted", format!("{} reports, {accepted_s} s, {per_s:.0} reports/s", tally.reports)),
        ("slowest batch", format!("{:.2} s", tally.slowest.as_secs_f64())),
        ("ready again", format!("{:.2} s after the kill", tally.restart.as_secs_f64())),
        ("drained", format!("{:.1} s after the last batch", tally.draining.as_secs_f64())),
        ("at the simulator", format!("{counted_s} s in {requests} requests")),
        ("in doubt", format!("{} s in {} jobs, all reported", tally.unknown_s, tally.unknown_jobs)),
        ("not accounted for", format!("{wrong} learners")),
    ];
    for (name, text) in rows {
        println!("  {name:<17} {text}");
    }
    println!(
        "soak progress --durable: reports={} accepted_s={accepted_s} counted_s={counted_s} unknown_s={} unknown_jobs={} requests={requests} conserved={}",
        tally.reports,
        tally.unknown_s,
        tally.unknown_jobs,
        wrong == 0
    );
    if wrong > 0 {
        bail!("{wrong} learners have more or less than they reported, and no job says so");
    }
    Ok(())
}

/// Is what the simulator has everything that was reported, less at most what is in doubt?
fn is_accounted_for(reported: u64, counted: u64, doubt: u64) -> bool {
    (reported.saturating_sub(doubt)..=reported).contains(&counted)
}

/// All jobs in a state.
async fn jobs(host: &Host, site: &Site, state: &str) -> Result<Vec<Value>> {
    let (mut all, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page = ask(host, site, &format!("/v1/jobs?state={state}&limit=500&after={after}")).await?;
        all.extend(page.get("jobs").and_then(Value::as_array).context("a page has no jobs")?.iter().cloned());
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = next.to_owned(),
            None => return Ok(all),
        }
    }
}

/// Asks the operator's side.
async fn ask(host: &Host, site: &Site, path: &str) -> Result<Value> {
    let key = format!("Bearer {}", site.admin_key);
    let answer = http::send("GET", &format!("{}{path}", host.admin), &[("authorization", &key)], b"").await?;
    if answer.status != 200 {
        bail!("{path}: {} {}", answer.status, answer.json());
    }
    Ok(answer.json())
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lost_or_counted_twice_is_found_and_what_is_in_doubt_may_be_either() {
        assert!(is_accounted_for(300, 300, 0));
        assert!(!is_accounted_for(300, 299, 0), "lost");
        assert!(!is_accounted_for(300, 301, 0), "counted twice");
        assert!(is_accounted_for(300, 240, 60) && is_accounted_for(300, 300, 60));
        assert!(!is_accounted_for(300, 239, 60) && !is_accounted_for(300, 301, 60));
    }
}
