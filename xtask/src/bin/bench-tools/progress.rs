//! Learners who report their progress (skill-train 1.10): each as often a minute as it is told, all of them evenly spread
//! over it. Knows only codes of learners, which are numbers here.

use anyhow::{Result, anyhow};
use clap::Args;
use serde_json::json;

use crate::pace;

#[derive(Args)]
pub(crate) struct ProgressArgs {
    /// Where to
    #[arg(long)]
    url: String,
    /// The API key
    #[arg(long, env = "DUIJIE_BENCH_KEY", hide_env_values = true, default_value = "")]
    key: String,
    /// Learners
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    learners: u64,
    /// Reports of each learner in a minute
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    per_min: u32,
    /// How many reports in all
    #[arg(long)]
    count: u64,
    /// Seconds that each report adds
    #[arg(long)]
    progress_s: u64,
}

/// Sends the reports and prints what was seen.
pub(crate) async fn run(args: ProgressArgs) -> Result<()> {
    let rest = args.url.strip_prefix("http://").ok_or_else(|| anyhow!("not an http URL"))?;
    let (authority, path) = rest.split_once('/').ok_or_else(|| anyhow!("the URL has no path"))?;
    let per_second = args.learners as f64 * f64::from(args.per_min) / 60.0;
    let request = |number: u64| {
        let body = body(number % args.learners, number / args.learners + 1, args.progress_s);
        format!(
            "POST /{path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            args.key,
            body.len()
        )
        .into_bytes()
    };
    let seen = pace::run(authority, per_second, args.count, request).await?;
    println!(
        "{}",
        json!({
            "calls": seen.calls, "errors": seen.errors, "late": seen.late, "connections": seen.connections,
            "p50_ms": seen.latency_ms(0.5), "p99_ms": seen.latency_ms(0.99), "max_ms": seen.latency_ms(1.0),
        })
    );
    Ok(())
}

/// The so-many-th report of a learner, from 1.
fn body(learner: u64, report: u64, progress_s: u64) -> String {
    json!({
        "resCode": "096924a98b244f368d8b1360dd16ce09",
        "studentUserCode": format!("{learner:032x}"),
        "classCode": "bf448ef96aff42beb30d39db8c5ba66e",
        "courseCode": "ce7114fca7d6477fbb4f40fefa29bccb",
        "playTime": report.saturating_mul(progress_s),
        "progressTime": progress_s,
    })
    .to_string()
}
