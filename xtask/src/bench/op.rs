//! `bench op`: one talk record of about 1 KiB from an API request to an answer, through the host and through a plain
//! server that does the same without a sandbox, by turns in one run. Both get the same record and speak to the same
//! upstream. The host does more for it (keys, schema, policy, masking, metrics, a log line): that is its price.

use std::{fs, path::PathBuf, time::Instant};

use anyhow::{Result, anyhow, bail};
use serde_json::{Value, json};

use super::{
    machine::{Layout, Spinners, cpu_ns, niced_ticks},
    rounds::{Median, Sample},
    tools::{LoadRun, Options, Tools},
};
use crate::{
    process::{self, Launch, Process},
    site::{CLIENT_SECRET, Site, simulated},
};

/// The link that the load goes to, and its path.
const PATH: &str = "/v1/links/bench/operations/record.push-one";
/// Before each measured run, so that connections are open and code is warm.
const WARM_UP_MS: u64 = 1000;
/// Rounds thrown away before giving up.
const DISCARDED_MAX: u32 = 12;

/// A server under load.
struct Contender {
    process: Process,
    url: String,
    samples: Vec<Sample>,
}

/// What all runs share.
struct Bench {
    tools: Tools,
    site: Site,
    body: PathBuf,
    layout: Layout,
    seconds: u64,
    concurrency: u32,
}

/// Measures and reports.
pub(super) fn run(options: Options, rounds: u32, seconds: u64, concurrency: u32) -> Result<()> {
    let tools = Tools::build("zj-gxsz", options)?;
    let site = Site::new(&tools.duijie, "")?;
    let body = site.path("record.json");
    fs::write(&body, record().to_string())?;
    let layout = Layout::of_this_machine();
    process::block_on(Bench { tools, site, body, layout, seconds, concurrency }.run(rounds))
}

impl Bench {
    async fn run(self, rounds: u32) -> Result<()> {
        let (_upstream, upstream) = self.tool("upstream", &[], self.layout.rest).await?;
        let baseline_args = ["--upstream", &upstream, "--client-secret", CLIENT_SECRET];
        let (process, url) = self.tool("baseline", &baseline_args, self.layout.server).await?;
        let mut baseline = Contender { process, url: format!("{url}{PATH}"), samples: Vec::new() };
        self.site.add_connector(&self.tools.connector)?;
        self.site.write("links.d/bench.toml", &link(&upstream, self.concurrency))?;
        let host = self.site.start(self.layout.server).await?;
        let mut host = Contender { process: host.process, url: format!("{}{PATH}", host.api), samples: Vec::new() };

        let spinners = Spinners::start(self.layout, &self.tools.bench)?;
        println!(
            "bench op: {} bytes of record, {} requests at a time, {} s a run; {}",
            fs::metadata(&self.body)?.len(),
            self.concurrency,
            self.seconds,
            self.layout.describe(&spinners)
        );
        let (mut counted, mut discarded) = (0, 0);
        while counted < rounds {
            let quiet = niced_ticks()?;
            // Forward, then back: whatever drifts, drifts for both.
            let forward = (self.measure(&host).await?, self.measure(&baseline).await?);
            let back = (self.measure(&baseline).await?, self.measure(&host).await?);
            if niced_ticks()? != quiet {
                discarded += 1;
                eprintln!("xtask: a niced process ran during this round; it does not count ({discarded} so far)");
                if discarded >= DISCARDED_MAX {
                    bail!("{discarded} rounds were disturbed; measure on a quieter machine");
                }
                continue;
            }
            counted += 1;
            host.samples.extend([forward.0, back.1]);
            baseline.samples.extend([forward.1, back.0]);
        }
        report(&Median::of(&host.samples), &Median::of(&baseline.samples), rounds, discarded);
        Ok(())
    }

    /// Starts one of the bench programs; returns it and its URL.
    async fn tool(&self, name: &'static str, args: &[&str], cpu: Option<usize>) -> Result<(Process, String)> {
        let args = std::iter::once(&name).chain(args).map(Into::into).collect();
        let logs = self.site.path("");
        let (process, said) =
            Launch { name, program: &self.tools.bench, args, env: Vec::new(), cpu, logs: &logs }.start().await?;
        let url = said.get("url").and_then(Value::as_str).ok_or_else(|| anyhow!("{name} did not say where it is"))?;
        Ok((process, url.to_owned()))
    }

    async fn measure(&self, contender: &Contender) -> Result<Sample> {
        self.load(&contender.url, WARM_UP_MS).await?;
        let (before, started) = (cpu_ns(contender.process.pid())?, Instant::now());
        let load = self.load(&contender.url, self.seconds.saturating_mul(1000)).await?;
        let cpu_us = cpu_ns(contender.process.pid())?.saturating_sub(before) as f64 / 1e3;
        let wall_us = started.elapsed().as_secs_f64() * 1e6;
        Ok(Sample { load, cpu_us: cpu_us / load.requests.max(1.0), busy: cpu_us / wall_us })
    }

    async fn load(&self, url: &str, millis: u64) -> Result<super::tools::Load> {
        let run = LoadRun {
            tools: &self.tools.bench,
            cpu: self.layout.rest,
            url,
            key: &self.site.key,
            body: &self.body,
            concurrency: self.concurrency,
            millis,
        };
        run.run().await
    }
}

fn report(host: &Median, baseline: &Median, rounds: u32, discarded: u32) {
    println!("\nmedians of {} runs each, {discarded} rounds discarded", rounds * 2);
    println!(
        "{:<28} {:>9} {:>8} {:>8} {:>8} {:>9} {:>6}",
        "", "req/s", "spread", "p50 µs", "p99 µs", "CPU µs/r", "busy"
    );
    for (name, median) in [("duijie (wasm connector)", host), ("plain axum + reqwest + sm4", baseline)] {
        println!(
            "{name:<28} {:>9.0} {:>7.1}% {:>8.0} {:>8.0} {:>9.1} {:>5.0}%",
            median.rps,
            median.spread * 100.0,
            median.p50_us,
            median.p99_us,
            median.cpu_us,
            median.busy * 100.0
        );
    }
    if host.spread.max(baseline.spread) > 0.1 {
        println!(
            "The runs of one server differ by more than 10 % from their median: this machine was not quiet, and the figures say little."
        );
    }
    if host.busy.min(baseline.busy) < 0.9 {
        println!("A server had processor time to spare: compare CPU a request, not throughput.");
    }
    println!(
        "bench-op: host_rps={:.0} baseline_rps={:.0} ratio={:.3} host_cpu_us={:.1} baseline_cpu_us={:.1} host_p99_us={:.0} baseline_p99_us={:.0} rounds={rounds}",
        host.rps,
        baseline.rps,
        host.rps / baseline.rps.max(1.0),
        host.cpu_us,
        baseline.cpu_us,
        host.p99_us,
        baseline.p99_us
    );
}

/// `simulated` ends within `[config]`.
fn link(upstream: &str, concurrency: u32) -> String {
    let shared = simulated(upstream);
    format!("{shared}client_id = \"bench\"\n\n[limits]\nconcurrency = {}\n", concurrency.saturating_mul(2))
}

/// A talk record of an ordinary length.
fn record() -> Value {
    json!({
        "recordId": "BENCH-000001",
        "schoolCode": "99999",
        "teacherNo": "T0001",
        "teacherName": "示例老师",
        "students": [{ "studentNo": "S0001", "studentName": "学生甲" }],
        "talkTime": "2026-03-02 14:30:00",
        "talkPlace": "谈话室",
        "talkType": "日常",
        "talkTopic": "学业与生活",
        "content": "本学期适应情况良好，作息规律，学习目标明确。".repeat(10),
        "attention": 0,
    })
}
