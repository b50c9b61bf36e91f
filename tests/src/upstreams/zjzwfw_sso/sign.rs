//! The two signatures: MD5 over code, password and time, which every call carries, and the HMAC of the IRS gateway in
//! front. Neither covers the parameters of a form; that weakness is the upstream's, and is kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use jiff::tz::{TimeZone, offset};
use md5::{Digest, Md5};
use sha2::Sha256;

use super::super::profile::Received;

/// How far a clock may be off, in milliseconds.
pub(super) const WINDOW_MS: u64 = 300_000;
const TIME: &str = "%Y%m%d%H%M%S";

/// `md5(servicecode + servicepwd + time)` in lower-case hexadecimal.
pub fn sign(servicecode: &str, servicepwd: &str, time: &str) -> String {
    hex::encode(Md5::digest(format!("{servicecode}{servicepwd}{time}")))
}

/// `yyyyMMddHHmmss` in Beijing for a time in milliseconds since 1970.
pub fn beijing(time_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(time_ms).map(|time| time.to_zoned(TimeZone::fixed(offset(8))));
    time.map(|time| time.strftime(TIME).to_string()).unwrap_or_default()
}

/// The reverse; none when the text is not 14 digits or no such time exists.
pub(super) fn read_beijing(text: &str) -> Option<i64> {
    if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let time = DateTime::strptime(TIME, text).ok()?.to_zoned(TimeZone::fixed(offset(8))).ok()?;
    Some(time.timestamp().as_millisecond())
}

/// The IRS gateway's key pair.
#[derive(Debug, Clone)]
pub(super) struct Irs {
    pub(super) access_key: String,
    pub(super) secret_key: String,
}

impl Irs {
    /// Checks the gateway's headers; which one is wrong otherwise.
    pub(super) fn check(&self, received: &Received) -> Result<(), &'static str> {
        let header = |name: &'static str| received.header(name).ok_or(name);
        if header("x-bg-hmac-access-key")? != self.access_key {
            return Err("x-bg-hmac-access-key");
        }
        if header("x-bg-hmac-algorithm")? != "hmac-sha256" {
            return Err("x-bg-hmac-algorithm");
        }
        let date = header("x-bg-date-time")?;
        let time = DateTimeParser::new().parse_timestamp(date).map_err(|_| "x-bg-date-time")?;
        let exact = DateTimePrinter::new().timestamp_to_rfc9110_string(&time).is_ok_and(|written| written == date);
        if !exact || received.now_ms.abs_diff(time.as_millisecond()) > WINDOW_MS {
            return Err("x-bg-date-time");
        }
        let signature = self.signature(received.method.as_str(), &received.path, &received.query, date);
        let right = header("x-bg-hmac-signature")? == signature;
        if right { Ok(()) } else { Err("x-bg-hmac-signature") }
    }

    /// BASE64(HMAC-SHA256) over method, path, sorted query, access key and date, a line each.
    pub(super) fn signature(&self, method: &str, path: &str, query: &str, date: &str) -> String {
        let mut pairs: Vec<&str> = query.split('&').collect();
        pairs.sort_unstable();
        let text = format!("{method}\n{path}\n{}\n{}\n{date}\n", pairs.join("&"), self.access_key);
        // HMAC takes keys of any length; the empty text that an error would give equals no signature.
        let state = Hmac::<Sha256>::new_from_slice(self.secret_key.as_bytes());
        state.map(|state| STANDARD.encode(state.chain_update(text).finalize().into_bytes())).unwrap_or_default()
    }
}
