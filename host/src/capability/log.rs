//! Lines that guests write for the operator: bounded, escaped, redacted. A guest cannot forge a line, choose the host's
//! severities, or flood the log: what is over its budget is counted and dropped.

use tracing::Level;

use super::{Context, Phase};
use crate::{
    bindings::duijie::log::logger::{self, Level as WitLevel},
    redact::Redactor,
};

/// Longest message kept, in bytes (wit/deps/duijie-log.wit).
const MESSAGE_MAX: usize = 4 << 10;
/// Longest field value kept, in bytes.
const FIELD_MAX: usize = 1 << 10;
/// Fields kept of one line.
const FIELDS_MAX: usize = 32;
/// Bytes of one call.
const BYTES_MAX: usize = 64 << 10;
/// Lines of one call.
const LINES_MAX: u32 = 256;

/// What a call may still write.
pub(super) struct LogBudget {
    bytes: usize,
    lines: u32,
}

impl Default for LogBudget {
    fn default() -> Self {
        Self { bytes: BYTES_MAX, lines: LINES_MAX }
    }
}

impl LogBudget {
    fn spend(&mut self, bytes: usize) -> bool {
        match (self.bytes.checked_sub(bytes), self.lines.checked_sub(1)) {
            (Some(bytes), Some(lines)) => {
                (self.bytes, self.lines) = (bytes, lines);
                true
            }
            _ => false,
        }
    }
}

impl logger::Host for Context {
    fn write(&mut self, level: WitLevel, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.enter("log.logger", Phase::Describe)?;
        let message = self.clean(message, MESSAGE_MAX);
        let fields = self.clean_fields(fields);
        if !self.log.spend(message.len() + fields.len()) {
            metrics::counter!("duijie_guest_log_lines_dropped_total").increment(1);
            return Ok(());
        }
        let link = self.grant.link.as_ref().map_or("", |link| &**link);
        let request_id = &*self.request_id;
        match level {
            WitLevel::Debug => tracing::event!(Level::DEBUG, request_id, link, guest = message, fields, "connector"),
            WitLevel::Info => tracing::event!(Level::INFO, request_id, link, guest = message, fields, "connector"),
            // A guest's troubles are the integrator's; the host's own warnings and errors stay apart from them.
            WitLevel::Warn => {
                tracing::event!(Level::INFO, request_id, link, guest = message, fields, severity = "warn", "connector")
            }
            WitLevel::Error => {
                tracing::event!(Level::WARN, request_id, link, guest = message, fields, severity = "error", "connector")
            }
        }
        Ok(())
    }
}

impl Context {
    /// The fields as one JSON object in a string: their names are the guest's, so they must not become the log's own.
    fn clean_fields(&self, fields: Vec<(String, String)>) -> String {
        if fields.is_empty() {
            return String::new();
        }
        let clean = fields.into_iter().take(FIELDS_MAX).map(|(name, value)| {
            let name = self.clean(name, 64);
            let value =
                if Redactor::shared().is_personal_field(&name) { "***".into() } else { self.clean(value, FIELD_MAX) };
            (name, serde_json::Value::String(value))
        });
        serde_json::Value::Object(clean.collect()).to_string()
    }
}
