//! Log lines and metrics. Lines go to stderr as JSON, one object a line; what a guest wrote is a value in them, never a
//! line. Writing never blocks a call: a slow reader of stderr loses lines, which are counted, not calls.

use serde::Deserialize;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For a terminal.
    Text,
}

/// A filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("log level {level:?}: {reason}; use error, warn, info, debug or trace")]
pub(crate) struct FilterError {
    level: String,
    reason: String,
}

/// Keeps the log's writer thread going; dropping it writes what is left.
pub(crate) struct LogGuard(#[expect(dead_code, reason = "held for its drop")] tracing_appender::non_blocking::WorkerGuard);

/// Starts logging for the whole process.
///
/// # Errors
/// When the level is not a filter.
pub(crate) fn start_logging(level: &str, format: LogFormat) -> Result<LogGuard, FilterError> {
    let filter = EnvFilter::try_new(level).map_err(|e| FilterError { level: level.into(), reason: e.to_string() })?;
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
    Ok(LogGuard(guard))
}
