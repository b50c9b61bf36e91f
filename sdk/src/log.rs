//! Lines for the operator's log. Never for personal data. A message is cut at 4 KiB, fields at 32 and 1 KiB each; a
//! call may write 64 KiB and 256 lines, the host counts and drops the rest.

use crate::{bindings::duijie::log::logger::Level, raw};

/// For the integrator.
pub fn debug(message: &str, fields: &[(&str, &str)]) {
    write(Level::Debug, message, fields);
}

/// Something worth a line.
pub fn info(message: &str, fields: &[(&str, &str)]) {
    write(Level::Info, message, fields);
}

/// Something an operator should look at.
pub fn warn(message: &str, fields: &[(&str, &str)]) {
    write(Level::Warn, message, fields);
}

/// Something that failed.
pub fn error(message: &str, fields: &[(&str, &str)]) {
    write(Level::Error, message, fields);
}

fn write(level: Level, message: &str, fields: &[(&str, &str)]) {
    let fields: Vec<_> = fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    raw::write(level, message, &fields);
}
