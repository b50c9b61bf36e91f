//! Log lines and metrics. Lines go to stderr as JSON, one object a line; what a guest wrote is a value in them, never a
//! line. Writing never blocks a call: a slow reader of stderr loses lines, which are counted, not calls.

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use serde::Deserialize;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Buckets of every duration, in seconds: from a call that only computes to the longest deadline in use.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// How often histograms are folded.
const UPKEEP: Duration = Duration::from_secs(5);

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For a terminal.
    Text,
}

/// What of this host's own lines is written. Lines of libraries are written from `warn` up whatever this says: at `trace`
/// they would show what they send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogLevel {
    /// What failed.
    Error,
    /// And what needs looking at.
    Warn,
    /// And one line a call.
    Info,
    /// And what happens inside.
    Debug,
    /// Everything.
    Trace,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// Keeps the log's writer thread going; dropping it writes what is left.
pub(crate) struct LogGuard(
    #[expect(dead_code, reason = "held for its drop")] tracing_appender::non_blocking::WorkerGuard,
);

/// Starts logging for the whole process.
pub(crate) fn start_logging(level: LogLevel, format: LogFormat) -> LogGuard {
    let filter = Targets::new().with_default(LevelFilter::WARN).with_target("duijie", LevelFilter::from(level));
    let (writer, guard) = tracing_appender::non_blocking::NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(16_384)
        .thread_name("log")
        .finish(std::io::stderr());
    let registry = tracing_subscriber::registry().with(filter);
    // A second start in one process (tests) keeps the first subscriber.
    let _ = match format {
        LogFormat::Json => {
            registry.with(fmt::layer().json().flatten_event(true).with_target(false).with_writer(writer)).try_init()
        }
        LogFormat::Text => registry.with(fmt::layer().with_target(false).with_writer(writer)).try_init(),
    };
    LogGuard(guard)
}

/// Starts metrics for the whole process; what comes back renders them.
///
/// # Errors
/// When this process has a recorder already.
pub(crate) fn start_metrics() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            // Without it, histograms would keep every value until somebody scrapes.
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// The store has committed this many changes at once: their quotient is what a sync was shared by.
pub(crate) fn committed(changes: usize) {
    metrics::counter!("duijie_store_commits_total").increment(1);
    metrics::counter!("duijie_store_changes_total").increment(changes as u64);
}
