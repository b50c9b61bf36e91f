//! How long a credential is valid: `issued_at` and `valid_days` beside the secret, and when to warn.

use jiff::{
    Timestamp,
    civil::Date,
    tz::{Offset, TimeZone},
};
use serde::Deserialize;

use super::{SpecError, Wrong, secrets::RawSecret, within};
use crate::{capability::credential::Term, link::layers::join};

/// Days before the end at which operators are warned unless the link says otherwise.
const WARN_DAYS: [u32; 3] = [7, 3, 1];

/// A day, as a TOML date or as text; in China, where the upstreams issue.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RawDay {
    Date(toml::value::Datetime),
    Text(String),
}

impl RawDay {
    /// The beginning of the day in China (UTC+8, without daylight saving), in milliseconds since 1970.
    fn start_ms(&self) -> Option<u64> {
        let text = match self {
            Self::Date(date) => date.to_string(),
            Self::Text(text) => text.clone(),
        };
        let day: Date = text.parse().ok()?;
        let china = TimeZone::fixed(Offset::from_hours(8).ok()?);
        let start: Timestamp = day.to_zoned(china).ok()?.timestamp();
        u64::try_from(start.as_millisecond()).ok()
    }
}

/// The term of a slot's credential, if its link states one.
pub(super) fn parse(slot: &str, raw: &RawSecret, wrong: Wrong<'_>) -> Result<Option<Term>, SpecError> {
    let key = |key: &str| join(&join("secrets", slot), key);
    let (issued, days) = match (&raw.issued_at, raw.valid_days) {
        (None, None) if raw.warn_days.is_none() => return Ok(None),
        (Some(issued), Some(days)) => (issued, days),
        _ => {
            let text = "a credential that ends needs both issued_at (a date) and valid_days";
            return Err(wrong(&key("issued_at"), text.into()));
        }
    };
    let issued_at_ms = issued
        .start_ms()
        .ok_or_else(|| wrong(&key("issued_at"), "is no date; write the day of issue in China as 2026-11-01".into()))?;
    within(&key("valid_days"), days.into(), 1, 36_500, wrong)?;
    let warn_days = raw.warn_days.clone().unwrap_or_else(|| WARN_DAYS.to_vec());
    if warn_days.len() > 16 {
        return Err(wrong(&key("warn_days"), "at most 16 days are accepted".into()));
    }
    Ok(Some(Term::new(issued_at_ms, days, warn_days)))
}
