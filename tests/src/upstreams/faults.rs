//! Faults: what can go wrong at an upstream, and how it is written. Only names them; [`table`] picks those that apply
//! to a request, and `exchange` carries them out.
//!
//! One notation serves the library, the admin surface, and the request header `x-sim-fault`: `kind` or `kind=argument`.

mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub(super) use table::Plan;
pub use table::{Faults, Rule};

/// Bytes of a huge header at most: what one reply may sensibly hold in memory.
const HEADER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One thing that goes wrong. "Processed" means that the upstream did its work, whatever the caller then sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Fault {
    /// `latency=MS` or `latency=MIN..MAX`: waits that long before anything else.
    Latency {
        /// At least, in milliseconds.
        min_ms: u64,
        /// At most, in milliseconds.
        max_ms: u64,
    },
    /// `clock-skew=SECONDS`: the upstream's clock is ahead by so much (negative: behind) for this request.
    ClockSkew {
        /// Seconds ahead.
        seconds: i64,
    },
    /// `revoke-token`: all tokens are revoked just before the request is processed.
    RevokeToken,
    /// `status=CODE` or `status=CODE,RETRY-AFTER`: not processed, this HTTP status. Retry-After is sent as written.
    Status {
        /// 200 to 599.
        status: u16,
        /// Value of Retry-After, valid or not.
        retry_after: Option<String>,
    },
    /// `code=CODE` or `code=CODE,MESSAGE`: not processed, a business refusal in the upstream's own form.
    Code {
        /// The upstream's result code.
        code: String,
        /// Its message.
        message: String,
    },
    /// `redirect=LOCATION`: not processed, 302 to there.
    Redirect {
        /// Value of Location.
        location: String,
    },
    /// `html`: not processed, a maintenance page with status 200 and `text/html`.
    Html,
    /// `huge-body=BYTES`: not processed, 200 with so many bytes, chunked.
    HugeBody {
        /// Length of the body.
        bytes: u64,
    },
    /// `echo`: not processed, 200 with the request's target, headers and body.
    Echo,
    /// `reset-before`: not processed, the connection is reset.
    ResetBefore,
    /// `hang`: not processed, no answer.
    Hang,
    /// `reset-after`: processed, the connection is reset instead of an answer.
    ResetAfter,
    /// `hang-after`: processed, no answer.
    HangAfter,
    /// `reset-mid`: processed, the connection is reset in the middle of the body.
    ResetMid,
    /// `truncate` or `truncate=BYTES`: processed, the connection is closed after half the body or so many bytes.
    Truncate {
        /// Bytes of the body that are sent.
        sent: Option<usize>,
    },
    /// `slow-body=BYTES-PER-S`: processed, headers at once, the body at this speed.
    SlowBody {
        /// At least 1.
        bytes_per_s: u64,
    },
    /// `slow-reply=BYTES-PER-S`: processed, headers and body at this speed.
    SlowReply {
        /// At least 1.
        bytes_per_s: u64,
    },
    /// `huge-header=BYTES`: processed, the answer has a header of that size.
    HugeHeader {
        /// At most 64 MiB.
        bytes: usize,
    },
    /// `garbage`: processed, the answer's bytes are not HTTP.
    Garbage,
    /// `missing-comma`: processed, the first comma of the JSON answer is missing, as in the interface document's own example.
    MissingComma,
    /// `trailing-comma`: processed, a comma stands before the last brace of the JSON answer.
    TrailingComma,
    /// `bom`: processed, the answer begins with a byte order mark.
    Bom,
}

/// A fault that is not written as any kind is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a fault: {0:?}; kinds: {kinds}", kinds = KINDS.join(" "))]
pub struct FaultError(String);

/// Every kind, as in the notation, with the shape of its argument.
pub(super) const KINDS: [&str; 22] = [
    "latency=MS|MIN..MAX",
    "clock-skew=S",
    "revoke-token",
    "status=CODE[,RETRY-AFTER]",
    "code=CODE[,MESSAGE]",
    "redirect=LOCATION",
    "html",
    "huge-body=BYTES",
    "echo",
    "reset-before",
    "hang",
    "reset-after",
    "hang-after",
    "reset-mid",
    "truncate[=BYTES]",
    "slow-body=BYTES/S",
    "slow-reply=BYTES/S",
    "huge-header=BYTES",
    "garbage",
    "missing-comma",
    "trailing-comma",
    "bom",
];

impl Fault {
    /// The kind, without argument, as counted in [`super::Counters::faults`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::ClockSkew { .. } => "clock-skew",
            Self::RevokeToken => "revoke-token",
            Self::Status { .. } => "status",
            Self::Code { .. } => "code",
            Self::Redirect { .. } => "redirect",
            Self::Html => "html",
            Self::HugeBody { .. } => "huge-body",
            Self::Echo => "echo",
            Self::ResetBefore => "reset-before",
            Self::Hang => "hang",
            Self::ResetAfter => "reset-after",
            Self::HangAfter => "hang-after",
            Self::ResetMid => "reset-mid",
            Self::Truncate { .. } => "truncate",
            Self::SlowBody { .. } => "slow-body",
            Self::SlowReply { .. } => "slow-reply",
            Self::HugeHeader { .. } => "huge-header",
            Self::Garbage => "garbage",
            Self::MissingComma => "missing-comma",
            Self::TrailingComma => "trailing-comma",
            Self::Bom => "bom",
        }
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        parse(text.trim()).ok_or_else(|| FaultError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Fault> {
    let (kind, argument) = match text.split_once('=') {
        Some((kind, argument)) => (kind, Some(argument)),
        None => (text, None),
    };
    let fault = match (kind, argument) {
        ("latency", Some(range)) => {
            let (min, max) = range.split_once("..").unwrap_or((range, range));
            let (min_ms, max_ms) = (min.parse().ok()?, max.parse().ok()?);
            (min_ms <= max_ms).then_some(Fault::Latency { min_ms, max_ms })?
        }
        ("clock-skew", Some(seconds)) => Fault::ClockSkew { seconds: seconds.parse().ok()? },
        ("status", Some(argument)) => {
            let (status, retry_after) = pair(argument);
            let status = status.parse().ok().filter(|status| (200..=599).contains(status))?;
            Fault::Status { status, retry_after: retry_after.map(str::to_owned) }
        }
        ("code", Some(argument)) => {
            let (code, message) = pair(argument);
            Fault::Code { code: code.to_owned(), message: message.unwrap_or("模拟的业务失败").to_owned() }
        }
        ("redirect", Some(location)) => Fault::Redirect { location: location.to_owned() },
        ("huge-body", Some(bytes)) => Fault::HugeBody { bytes: bytes.parse().ok()? },
        ("truncate", Some(sent)) => Fault::Truncate { sent: Some(sent.parse().ok()?) },
        ("slow-body", Some(speed)) => Fault::SlowBody { bytes_per_s: positive(speed)? },
        ("slow-reply", Some(speed)) => Fault::SlowReply { bytes_per_s: positive(speed)? },
        ("huge-header", Some(bytes)) => {
            Fault::HugeHeader { bytes: bytes.parse().ok().filter(|bytes| *bytes <= HEADER_BYTES_MAX)? }
        }
        (kind, None) => bare(kind)?,
        _ => return None,
    };
    Some(fault)
}

fn bare(kind: &str) -> Option<Fault> {
    Some(match kind {
        "revoke-token" => Fault::RevokeToken,
        "html" => Fault::Html,
        "echo" => Fault::Echo,
        "reset-before" => Fault::ResetBefore,
        "hang" => Fault::Hang,
        "reset-after" => Fault::ResetAfter,
        "hang-after" => Fault::HangAfter,
        "reset-mid" => Fault::ResetMid,
        "truncate" => Fault::Truncate { sent: None },
        "garbage" => Fault::Garbage,
        "missing-comma" => Fault::MissingComma,
        "trailing-comma" => Fault::TrailingComma,
        "bom" => Fault::Bom,
        _ => return None,
    })
}

fn pair(argument: &str) -> (&str, Option<&str>) {
    match argument.split_once(',') {
        Some((first, second)) => (first, Some(second)),
        None => (argument, None),
    }
}

fn positive(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| *number > 0)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Latency { min_ms, max_ms } if min_ms == max_ms => write!(f, "={min_ms}"),
            Self::Latency { min_ms, max_ms } => write!(f, "={min_ms}..{max_ms}"),
            Self::ClockSkew { seconds } => write!(f, "={seconds}"),
            Self::Status { status, retry_after: None } => write!(f, "={status}"),
            Self::Status { status, retry_after: Some(after) } => write!(f, "={status},{after}"),
            Self::Code { code, message } => write!(f, "={code},{message}"),
            Self::Redirect { location } => write!(f, "={location}"),
            Self::HugeBody { bytes } => write!(f, "={bytes}"),
            Self::HugeHeader { bytes } => write!(f, "={bytes}"),
            Self::Truncate { sent: Some(sent) } => write!(f, "={sent}"),
            Self::SlowBody { bytes_per_s } | Self::SlowReply { bytes_per_s } => {
                write!(f, "={bytes_per_s}")
            }
            _ => Ok(()),
        }
    }
}

impl TryFrom<String> for Fault {
    type Error = FaultError;

    fn try_from(text: String) -> Result<Self, FaultError> {
        text.parse()
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}
