//! `bench accept`: how many records the host makes durable in a second, and how long one takes, with the disk's own sync and
//! with one that takes longer. Each record is of a key of its own, the link is held, so nothing is sent meanwhile. The
//! sync of this disk is measured in the same run: what matters is how many records share one.

use std::{fs::File, io::Write as _, time::Instant};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{
    machine::{Layout, Spinners},
    tools::{Load, LoadRun, Options, Tools},
};
use crate::{
    figures::{median, percentile},
    process,
    rollouts::Operator,
    site::{Host, Site, simulated},
};

/// The link, and the operation.
const LINK: &str = "held";
const PATH: &str = "/v1/links/held/operations/record.push-one";
/// In each record; every request has other digits there.
const DIGITS: &str = "000000000000";
/// Records of a batch.
const BATCH: usize = 500;
/// Syncs of the bare disk.
const SYNCS: usize = 200;

/// A way to send.
#[derive(Debug, Clone, Copy)]
struct Way {
    name: &'static str,
    connections: u32,
    /// Records of a request.
    records: usize,
}

const WAYS: [Way; 5] = [
    Way { name: "single x1", connections: 1, records: 1 },
    Way { name: "single x16", connections: 16, records: 1 },
    Way { name: "single x64", connections: 64, records: 1 },
    Way { name: "batch x1", connections: 1, records: BATCH },
    Way { name: "batch x4", connections: 4, records: BATCH },
];

/// What one way was like.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Records a second.
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Changes a commit, and commits a second.
    group: f64,
    commits: f64,
}

/// Measures and reports.
pub(super) fn run(options: Options, rounds: u32, seconds: u64, slow_ms: u64) -> Result<()> {
    let tools = Tools::build("zj-gxsz", Options { failpoints: true, ..options })?;
    process::block_on(async {
        let layout = Layout::of_this_machine();
        let spinners = Spinners::start(layout, &tools.bench)?;
        println!("bench accept: {rounds} rounds of {seconds} s a way; {}", layout.describe(&spinners));
        let mut bench = Bench { tools: &tools, layout, millis: seconds * 1000, sync_ms: Vec::new() };
        let (mut plain, mut slow) = (vec![Vec::new(); WAYS.len()], vec![Vec::new(); WAYS.len()]);
        for round in 0..rounds {
            // In turn, so that a disk that changes its mind changes it for both.
            let both = [(&mut plain, 0), (&mut slow, slow_ms)];
            for (all, extra_ms) in both {
                for (seen, all) in bench.round(round, extra_ms).await?.into_iter().zip(all.iter_mut()) {
                    all.push(seen);
                }
            }
        }
        let middle = |all: &[Vec<Seen>]| all.iter().map(|seen| middle(seen)).collect::<Vec<_>>();
        report(&bench.sync_ms, &middle(&plain), &middle(&slow), slow_ms);
        Ok(())
    })
}

struct Bench<'a> {
    tools: &'a Tools,
    layout: Layout,
    millis: u64,
    /// Of the bare disk.
    sync_ms: Vec<f64>,
}

impl Bench<'_> {
    /// All ways once, on a host of its own.
    async fn round(&mut self, round: u32, extra_ms: u64) -> Result<Vec<Seen>> {
        let site = Site::new(&self.tools.duijie, "[log]\nlevel = \"warn\"\n")?;
        site.add_connector(&self.tools.connector)?;
        // Nothing is sent; port 9 is the one for throwing away.
        let link = format!("{}client_id = \"demo-college\"\n", simulated("http://127.0.0.1:9"));
        site.write(&format!("links.d/{LINK}.toml"), &link)?;
        for way in WAYS {
            site.write(way.name, &body(way, round))?;
        }
        self.sync_ms.extend(syncs(&site)?);
        let env = match extra_ms {
            0 => Vec::new(),
            ms => vec![("DUIJIE_SLOW_SYNC_MS", ms.to_string())],
        };
        let host = site.start_with(self.layout.server, env).await?;
        Operator::of(&site, &host).ask("POST", &format!("/v1/links/{LINK}/hold")).await?;
        let mut all = Vec::new();
        for way in WAYS {
            all.push(self.way(&site, &host, way).await?);
        }
        host.process.stop().await?;
        Ok(all)
    }

    async fn way(&self, site: &Site, host: &Host, way: Way) -> Result<Seen> {
        let operator = Operator::of(site, host);
        let counted = async || {
            let commits = operator.counter("duijie_store_commits_total").await?;
            anyhow::Ok((commits, operator.counter("duijie_store_changes_total").await?))
        };
        let batches = if way.records > 1 { "/batches" } else { "" };
        let before = counted().await?;
        let begun = Instant::now();
        let load = LoadRun {
            tools: &self.tools.bench,
            cpu: self.layout.rest,
            url: &format!("{}{PATH}{batches}", host.api),
            key: &site.key,
            body: &site.path(way.name),
            concurrency: way.connections,
            millis: self.millis,
        };
        let media_type = if way.records > 1 { "application/x-ndjson" } else { "application/json" };
        let more =
            ["--expect", "202", "--header", "prefer: respond-async", "--media-type", media_type, "--numbered", DIGITS];
        let Load { rps, p50_us, p99_us, .. } = load.run_with(&more).await?;
        let took = begun.elapsed().as_secs_f64();
        let after = counted().await?;
        let (commits, changes) = (after.0 - before.0, after.1 - before.1);
        Ok(Seen {
            rate: rps * way.records as f64,
            p50_ms: p50_us / 1e3,
            p99_ms: p99_us / 1e3,
            group: changes / commits.max(1.0),
            commits: commits / took,
        })
    }
}

/// So many records, one a line, each with digits to be replaced. Rounds and ways differ in the rest of the key.
fn body(way: Way, round: u32) -> String {
    let Way { connections, records, .. } = way;
    let record = json!({
        "recordId": format!("r{round}c{connections}n{records}-{DIGITS}"), "schoolCode": "33001", "teacherNo": "10086",
        "teacherName": "王老师", "students": [{ "studentNo": "2021001", "studentName": "张三" }],
        "talkTime": "2026-03-01 14:30:00", "talkTopic": "学业", "content": "谈话内容".repeat(40),
    });
    match records {
        1 => record.to_string(),
        _ => format!("{record}\n").repeat(records),
    }
}

/// How long the disk takes to make a page durable, in milliseconds.
fn syncs(site: &Site) -> Result<Vec<f64>> {
    let path = site.path("sync");
    let mut file = File::create(&path).with_context(|| path.display().to_string())?;
    let mut millis = Vec::new();
    for _ in 0..SYNCS {
        file.write_all(&[7; 4096])?;
        let begun = Instant::now();
        file.sync_data()?;
        millis.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(millis)
}

fn middle(all: &[Seen]) -> Seen {
    let of = |figure: fn(&Seen) -> f64| median(all.iter().map(figure).collect());
    Seen {
        rate: of(|seen| seen.rate),
        p50_ms: of(|seen| seen.p50_ms),
        p99_ms: of(|seen| seen.p99_ms),
        group: of(|seen| seen.group),
        commits: of(|seen| seen.commits),
    }
}

fn report(sync_ms: &[f64], plain: &[Seen], slow: &[Seen], slow_ms: u64) {
    let (sync, sync_p99) = (median(sync_ms.to_vec()), percentile(sync_ms, 0.99));
    println!("  a sync of this disk: median {sync:.2} ms, p99 {sync_p99:.2} ms");
    println!(
        "\n  {:<24} {:>10} {:>9} {:>9} {:>9} {:>10} {:>9}",
        "", "records/s", "p50 ms", "p99 ms", "a commit", "commits/s", "p50/sync"
    );
    let mut line = String::new();
    for (all, name, sync_ms) in [(plain, "", sync), (slow, " slow", sync + slow_ms as f64)] {
        for (way, seen) in WAYS.iter().zip(all) {
            println!(
                "  {:<24} {:>10.0} {:>9.2} {:>9.2} {:>9.1} {:>10.0} {:>9.1}",
                format!("{}{name}", way.name),
                seen.rate,
                seen.p50_ms,
                seen.p99_ms,
                seen.group,
                seen.commits,
                seen.p50_ms / sync_ms
            );
            let key = format!("{}{name}", way.name).replace([' ', '-'], "_");
            line.push_str(&format!(
                " {key}_rps={:.0} {key}_p50_ms={:.2} {key}_p99_ms={:.2} {key}_group={:.1}",
                seen.rate, seen.p50_ms, seen.p99_ms, seen.group
            ));
        }
    }
    let ratio = |all: &[Seen], one: usize, other: usize| {
        let rate = |index: usize| all.get(index).map_or(0.0, |seen| seen.rate);
        rate(one) / rate(other).max(1e-9)
    };
    let kept = |index: usize| {
        let rate = |all: &[Seen]| all.get(index).map_or(0.0, |seen| seen.rate);
        rate(slow) / rate(plain).max(1e-9)
    };
    println!(
        "\n  64 connections over one: {:.1}x, and {:.1}x where a sync takes {slow_ms} ms longer; 64 keep {:.0} % of their rate then, one keeps {:.0} %",
        ratio(plain, 2, 0),
        ratio(slow, 2, 0),
        kept(2) * 100.0,
        kept(0) * 100.0
    );
    println!(
        "bench accept: sync_ms={sync:.2} sync_p99_ms={sync_p99:.2} slow_ms={slow_ms} x16_over_x1={:.1} x64_over_x1={:.1} slow_x64_over_x1={:.1} slow_keeps_x64={:.2} slow_keeps_x1={:.2}{line}",
        ratio(plain, 1, 0),
        ratio(plain, 2, 0),
        ratio(slow, 2, 0),
        kept(2),
        kept(0)
    );
}
