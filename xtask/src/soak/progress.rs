//! `soak progress`: 10,000 learners with a report a minute are 167 calls a second. Each goes from an API request through
//! the connector to the simulator, which adds up. Afterwards every learner's sum is compared with what was sent.

mod durable;

use std::{collections::BTreeMap, path::Path, time::Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::simulator;
use crate::{
    bench::{
        machine::{cpu_ns, rss_kib},
        tools::{self, Options, Tools, number, run as run_tool},
    },
    http, process,
    site::{Host, Site},
};

/// The link, and the operation that is called.
const PATH: &str = "/v1/links/soak/operations/progress.report";
/// Seconds that each report adds.
const PROGRESS_S: u64 = 60;
/// The share of the wanted rate that must be reached, the load's own start and end included.
const RATE_MIN: f64 = 0.98;
/// What the link has beside the usual.
const WIDE: &str = "[limits]\nconcurrency = 256\n";

/// What the simulator has.
struct Kept {
    /// Seconds in all.
    progress_s: u64,
    /// Reports by learner.
    reports: BTreeMap<String, u64>,
}

/// Soaks and reports; an error, or a sum that is not what was sent, is an error. Durable: the reports of so many seconds
/// are pushed as batches, as fast as they are taken.
pub(super) fn run(options: Options, seconds: u64, learners: u64, per_min: u32, durable: bool) -> Result<()> {
    let tools = Tools::build("skill-train", options)?;
    let upstreams = tools::upstreams(options)?;
    process::block_on(async {
        if durable {
            let minutes = (seconds.saturating_mul(per_min.into()) / 60).max(2);
            return soak_durable(&tools, &upstreams, learners, minutes).await;
        }
        soak(&tools, &upstreams, seconds, learners, per_min).await
    })
}

async fn soak_durable(tools: &Tools, upstreams: &Path, learners: u64, minutes: u64) -> Result<()> {
    let site = Site::new(&tools.duijie, "[log]\nlevel = \"warn\"\n")?;
    site.add_connector(&tools.connector)?;
    let (_simulator, upstream) = simulator::start(&site, upstreams, "skill-train").await?;
    let wide = format!("{WIDE}\n[push]\nmax_inflight = {}\n", durable::INFLIGHT);
    site.add_academy("soak", &upstream, &wide)?;
    let host = site.start(None).await?;
    durable::run(&site, host, &upstream, learners, minutes).await
}

async fn soak(tools: &Tools, upstreams: &Path, seconds: u64, learners: u64, per_min: u32) -> Result<()> {
    let site = Site::new(&tools.duijie, "[log]\nlevel = \"warn\"\n")?;
    site.add_connector(&tools.connector)?;
    let (_simulator, upstream) = simulator::start(&site, upstreams, "skill-train").await?;
    site.add_academy("soak", &upstream, WIDE)?;
    let host = site.start(None).await?;

    // Whole numbers: learners × reports a minute ÷ 60 is the rate.
    let count = (learners.saturating_mul(per_min.into()).saturating_mul(seconds) / 60).max(1);
    let rate = count as f64 / seconds as f64;
    println!("soak progress: {learners} learners, {per_min} a minute each: {rate:.1} calls/s for {seconds} s");
    let args = [
        ("--url", format!("{}{PATH}", host.api)),
        ("--learners", learners.to_string()),
        ("--per-min", per_min.to_string()),
        ("--count", count.to_string()),
        ("--progress-s", PROGRESS_S.to_string()),
    ];
    let args = args.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
    let args: Vec<String> = std::iter::once("progress".to_owned()).chain(args).collect();
    let (cpu_before, started) = (cpu_ns(host.process.pid())?, Instant::now());
    let said = run_tool(&tools.bench, None, &args, &site.key).await?;
    let took_s = started.elapsed().as_secs_f64();
    let cpu_s = cpu_ns(host.process.pid())?.saturating_sub(cpu_before) as f64 / 1e9;
    report(&said, &host, &kept(&upstream).await?, learners, took_s, cpu_s)?;
    // A load that the host does not keep up with is spread over more time, without any error.
    if count as f64 / took_s < rate * RATE_MIN {
        bail!("the host did not keep up: {:.1} of {rate:.1} calls/s", count as f64 / took_s);
    }
    Ok(())
}

fn report(said: &Value, host: &Host, kept: &Kept, learners: u64, took_s: f64, cpu_s: f64) -> Result<()> {
    let value = |name: &str| number(said, name);
    let (calls, errors) = (value("calls")?, value("errors")?);
    let (p50_ms, p99_ms, max_ms) = (value("p50_ms")?, value("p99_ms")?, value("max_ms")?);
    let conserved = is_conserved(kept, calls as u64, errors as u64, learners);
    let (rate, rss_mib) = (calls / took_s, rss_kib(host.process.pid())? as f64 / 1024.0);
    let late = value("late")?;
    let rows = [
        ("calls", format!("{calls:.0} in {took_s:.1} s: {rate:.1}/s, over {:.0} connections", value("connections")?)),
        ("errors", format!("{errors:.0}")),
        ("begun late", format!("{late:.0} (over 20 ms after they were due)")),
        ("latency", format!("p50 {p50_ms:.2} ms, p99 {p99_ms:.2} ms, max {max_ms:.2} ms, from when due")),
        ("at the simulator", format!("{} s of {} learners", kept.progress_s, kept.reports.len())),
        (
            "host",
            format!(
                "{:.0} µs CPU a call, {:.0}% of a processor, {rss_mib:.1} MiB resident",
                cpu_s * 1e6 / calls.max(1.0),
                cpu_s / took_s * 100.0
            ),
        ),
    ];
    for (name, text) in rows {
        println!("  {name:<17} {text}");
    }
    println!(
        "soak progress: calls={calls:.0} rate={rate:.1} errors={errors:.0} p50_ms={p50_ms:.2} p99_ms={p99_ms:.2} late={late:.0} conserved={conserved} cpu_us={:.0} rss_mib={rss_mib:.1}",
        cpu_s * 1e6 / calls.max(1.0)
    );
    if errors > 0.0 || !conserved {
        bail!("the soak did not go as it should; above is what happened");
    }
    Ok(())
}

/// Does the simulator have every accepted report of every learner once? Reports go round the learners, so that each has
/// as many as the others, or one more; after an error nobody knows whose is missing, and only the sum can be compared.
fn is_conserved(kept: &Kept, calls: u64, errors: u64, learners: u64) -> bool {
    let accepted = calls.saturating_sub(errors);
    let is_even = || {
        (0..learners.min(calls)).all(|learner| {
            let expected = calls / learners + u64::from(learner < calls % learners);
            kept.reports.get(&format!("{learner:032x}")) == Some(&expected)
        })
    };
    kept.progress_s == accepted.saturating_mul(PROGRESS_S) && (errors > 0 || is_even())
}

async fn kept(upstream: &str) -> Result<Kept> {
    let said = http::get(&format!("{upstream}/_sim/studies")).await?.json();
    let progress_s = said.get("progressSum").and_then(Value::as_u64).context("the simulator has no sum")?;
    let studies = said.get("studies").and_then(Value::as_array).into_iter().flatten();
    let reports = studies.map(|study| {
        let learner = study.get("studentUserCode").and_then(Value::as_str).unwrap_or_default();
        (learner.to_owned(), study.get("reports").and_then(Value::as_u64).unwrap_or(0))
    });
    Ok(Kept { progress_s, reports: reports.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(reports: &[u64]) -> Kept {
        let by_learner = reports.iter().enumerate().map(|(learner, reports)| (format!("{learner:032x}"), *reports));
        Kept { progress_s: reports.iter().sum::<u64>() * PROGRESS_S, reports: by_learner.collect() }
    }

    #[test]
    fn a_report_that_is_lost_doubled_or_another_learners_is_found() {
        assert!(is_conserved(&kept(&[2, 2, 1]), 5, 0, 3));
        assert!(!is_conserved(&kept(&[2, 1, 1]), 5, 0, 3), "lost");
        assert!(!is_conserved(&kept(&[3, 2, 1]), 5, 0, 3), "doubled");
        assert!(!is_conserved(&kept(&[2, 1, 2]), 5, 0, 3), "another's");
    }

    #[test]
    fn after_an_error_the_sum_must_still_be_that_of_the_accepted_reports() {
        assert!(is_conserved(&kept(&[1, 2, 1]), 5, 1, 3));
        assert!(!is_conserved(&kept(&[2, 2, 1]), 5, 1, 3));
    }
}
