//! `soak outage`: an upstream is gone, then refuses all work, while records are pushed durably; then it is back. Each record
//! must arrive once, in the order of its key, hardly any after a second try, at the rate that the link allows, and the
//! upstream must not be run over in the moment in which it is back.

mod figures;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use serde_json::Value;
use tokio::time::sleep;

use self::figures::{Facts, Figures};
use super::academy::{Academy, Mood, viewing};
use crate::{
    bench::tools::{self, Options},
    components::{self, Kind},
    figures::upper_bound,
    http, process,
    queue::{Platform, Queue},
    rollouts::Operator,
    site::{Host, Site},
};

/// The link, and its operation: it may be repeated, and has a key.
const LINK: &str = "soak";
const PATH: &str = "/v1/links/soak/operations/record.submit";
/// Attempts under way at a time.
const INFLIGHT: u64 = 16;
/// Records of a batch.
const BATCH: u64 = 1000;
/// How long the queue may stand still at the end; longer than the longest wait of a record.
const STILL_MAX: Duration = Duration::from_secs(400);
/// Attempts a record, at the most, and the share of the allowed rate, at the least.
const AMPLIFICATION_MAX: f64 = 1.1;
const RATE_MIN: f64 = 0.9;

#[derive(Args)]
pub(super) struct OutageArgs {
    /// Records that are pushed while the upstream is away
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..=100_000))]
    records: u64,
    /// Seconds of the outage: in the first half the upstream is gone, in the second it answers 503
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(2..=3600))]
    outage_s: u64,
    /// Seconds that the link's rate allows for all of them
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(5..=3600))]
    drain_s: u64,
}

/// Soaks and reports; a goal that is missed is an error.
pub(super) fn run(options: Options, args: &OutageArgs) -> Result<()> {
    // The build of `soak crash`, which nothing makes slower that is not told to.
    let options = Options { failpoints: true, ..options };
    let connectors = components::build(Kind::Connectors, None)?;
    let (duijie, connector) = (tools::host(options)?, tools::named(&connectors, "skill-train")?);
    process::block_on(async {
        let site = Site::new(&duijie, "[log]\nlevel = \"error\"\n")?;
        site.add_connector(&connector)?;
        let mut academy = Academy::open().await?;
        let per_min = (args.records * 60 / args.drain_s).clamp(60, 600_000);
        let push =
            format!("[push]\nmax_inflight = {INFLIGHT}\nrate_per_min = {per_min}\n\n[limits]\nconcurrency = 64\n");
        academy.link(&site, LINK, &push)?;
        let host = site.start(None).await?;
        println!(
            "soak outage: {} records, {} s of outage, {per_min} a minute allowed, {INFLIGHT} at a time",
            args.records, args.outage_s
        );
        warm_up(&site, &host).await?;
        let warm = academy.count();

        let begun = Instant::now();
        academy.close().await;
        let platform = Platform::new(&host.api, &site.key);
        push_all(&platform, args.records).await?;
        println!("  accepted          {} records in {:.1} s", args.records, begun.elapsed().as_secs_f64());
        let half = Duration::from_secs(args.outage_s) / 2;
        sleep(half.saturating_sub(begun.elapsed())).await;
        academy.set_mood(Mood::Unavailable);
        academy.reopen().await?;
        sleep((half * 2).saturating_sub(begun.elapsed())).await;
        academy.set_mood(Mood::Well);
        let back = Instant::now();
        println!("  back              after {:.1} s", begun.elapsed().as_secs_f64());

        let left = drain(&site, &host).await?;
        let receipts = academy.receipts().split_off(warm);
        let jobs = platform.jobs(LINK).await?;
        host.process.stop().await?;
        let facts = Facts { jobs: &jobs, receipts: &receipts, back, per_min, records: args.records, key: &key };
        report(&Figures::of(&facts), args, left)
    })
}

/// The key of a record: most have one of their own; of every ten one comes up again, four times in all.
fn key(record: u64) -> u64 {
    if record.is_multiple_of(10) { 1_000_000 + record / 40 } else { record }
}

fn submission(key: u64, record: u64) -> String {
    let mut input = viewing(key, record);
    if let Some(members) = input.as_object_mut() {
        members.insert("recordVideoUrl".to_owned(), Value::from("https://learn.example/r"));
    }
    input.to_string()
}

/// One call while all is well: what is in the way is not the log-in.
async fn warm_up(site: &Site, host: &Host) -> Result<()> {
    let bearer = format!("Bearer {}", site.key);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let record = submission(u64::MAX, u64::MAX);
    let answer = http::send("POST", &format!("{}{PATH}", host.api), &headers, record.as_bytes()).await?;
    if answer.status != 200 {
        bail!("the link does not serve: {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    Ok(())
}

async fn push_all(platform: &Platform, records: u64) -> Result<()> {
    let mut begin = 0;
    while begin < records {
        let end = (begin + BATCH).min(records);
        let rows: String = (begin..end).map(|record| format!("{}\n", submission(key(record), record))).collect();
        match platform.push_batch(PATH, &format!("outage-{begin}"), &rows).await? {
            Some(taken) if taken.accepted == end - begin => {}
            other => bail!("a batch of {} rows was taken as {other:?}", end - begin),
        }
        begin = end;
    }
    Ok(())
}

/// Waits until nothing waits any more; what is left if it stands still.
async fn drain(site: &Site, host: &Host) -> Result<u64> {
    let operator = Operator::of(site, host);
    let (mut last, mut changed, mut said) = (u64::MAX, Instant::now(), Instant::now());
    loop {
        let open = Queue::look(&operator).await?.open();
        if open == 0 || changed.elapsed() > STILL_MAX {
            return Ok(open);
        }
        if open != last {
            (last, changed) = (open, Instant::now());
        }
        if said.elapsed() > Duration::from_secs(15) {
            said = Instant::now();
            println!("  {open:>6} left");
        }
        sleep(Duration::from_millis(250)).await;
    }
}

fn report(seen: &Figures, args: &OutageArgs, left: u64) -> Result<()> {
    let records = args.records;
    let rows = [
        ("lost", format!("{} (95 %: below {:.1e})", seen.lost, upper_bound(seen.lost, records))),
        (
            "order violations",
            format!("{} (95 %: below {:.1e})", seen.violations, upper_bound(seen.violations, records)),
        ),
        ("records", format!("{} delivered, {} superseded before they were sent", seen.done, seen.superseded)),
        (
            "attempts",
            format!(
                "{} in all, {:.4} a delivered record; at most {}",
                seen.attempts, seen.amplification, seen.attempts_max
            ),
        ),
        ("first answer", format!("{:.2} s after it was back", seen.noticed_s)),
        ("first second", format!("{} requests, of {INFLIGHT} at a time", seen.first_second)),
        (
            "rate",
            format!(
                "{:.1} % of what is allowed, over {:.1} s; 99 % of the records after {:.1} s at {:.1} %",
                seen.rate * 100.0,
                seen.drained_s,
                seen.most_s,
                seen.rate_most * 100.0
            ),
        ),
        ("busiest second", format!("{} requests, of {:.1} allowed", seen.busiest, seen.allowed)),
    ];
    for (name, text) in rows {
        println!("  {name:<17} {text}");
    }
    println!(
        "soak outage: records={records} lost={} lost_upper={:.1e} violations={} violations_upper={:.1e} attempts_per_record={:.4} attempts_max={} noticed_s={:.2} first_second={} inflight={INFLIGHT} rate_share={:.3} drained_s={:.1} rate_share_99={:.3} drained_99_s={:.1} busiest_second={} allowed={:.1} superseded={} left={left}",
        seen.lost,
        upper_bound(seen.lost, records),
        seen.violations,
        upper_bound(seen.violations, records),
        seen.amplification,
        seen.attempts_max,
        seen.noticed_s,
        seen.first_second,
        seen.rate,
        seen.drained_s,
        seen.rate_most,
        seen.most_s,
        seen.busiest,
        seen.allowed,
        seen.superseded
    );
    let missed = [
        (seen.lost + seen.violations + left > 0, "every record arrives, in order"),
        (seen.amplification > AMPLIFICATION_MAX, "1.1 attempts a record"),
        (seen.rate < RATE_MIN, "nine tenths of the allowed rate"),
        (seen.first_second > INFLIGHT, "no more in the first second than at a time"),
    ];
    let missed: Vec<_> = missed.into_iter().filter(|(is, _)| *is).map(|(_, goal)| goal).collect();
    if !missed.is_empty() {
        bail!("goals that were missed: {}", missed.join("; "));
    }
    Ok(())
}
