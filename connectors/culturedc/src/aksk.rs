//! The life of the AK/SK: 30 days, renewed by a person on the upstream's web page, which has no interface for it. Since
//! when and for how long stands in the link; here it is told, confirmed, and held to. Never the key itself.

use duijie_sdk::{
    Failure, Outcome,
    credential::{self, Validity},
    input::Violations,
    time::{self, DATE_TIME},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    SECRET_KEY,
    config::{Config, OnExpired},
};

const DAY_MS: u64 = 86_400_000;
/// A confirmed renewal frees calls that were held back within this time.
const HELD_RETRY_MS: u64 = 60_000;
/// How days and times are written out.
const RFC3339: &str = "yyyy-MM-ddTHH:mm:ss+08:00";

/// Nothing to say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {}

/// Confirms a renewal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Renewal {
    /// When it was renewed: `yyyy-MM-dd` or `yyyy-MM-dd HH:mm:ss`, China time; now if left out.
    #[serde(default)]
    #[schemars(length(min = 10, max = 19))]
    pub issued_at: Option<String>,
}

/// How the AK/SK stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Does the link say when it was issued? If not, nothing below is known and nothing is held back.
    pub tracked: bool,
    /// Since when it is valid (RFC 3339).
    pub issued_at: Option<String>,
    /// Until when it is valid (RFC 3339).
    pub expires_at: Option<String>,
    /// Whole days that are left.
    pub days_left: Option<u64>,
    /// Is it over?
    pub expired: bool,
    /// Are calls held back now?
    pub held: bool,
    /// What the link does when it is over.
    pub on_expired: OnExpired,
}

/// How the AK/SK stands.
pub fn status(config: &Config) -> Standing {
    standing(config, credential::validity(SECRET_KEY))
}

/// Notes a renewal; calls that were held back may be sent again.
///
/// # Errors
/// `invalid-input` for a time that does not exist, is in the future or before the last; `config` when the link tracks
/// no validity.
pub fn renewed(config: &Config, renewal: &Renewal) -> Result<Standing, Failure> {
    let issued_at_ms = match &renewal.issued_at {
        None => time::now_ms(),
        Some(text) => match time::parse(text, "yyyy-MM-dd").or_else(|| time::parse(text, DATE_TIME)) {
            Some(issued_at_ms) => issued_at_ms,
            None => {
                let mut wrong = Violations::default();
                wrong.add("/issuedAt", "must be a date that exists, written yyyy-MM-dd or yyyy-MM-dd HH:mm:ss");
                return wrong.none().map(|()| status(config));
            }
        },
    };
    Ok(standing(config, Some(credential::renewed(SECRET_KEY, issued_at_ms)?)))
}

/// May a request be sent under this AK/SK?
///
/// # Errors
/// `auth-expired`, and nothing is sent, when it is over and the link holds calls back.
pub fn not_held(config: &Config) -> Result<(), Failure> {
    if !status(config).held {
        return Ok(());
    }
    let message = "the AK/SK is over its time: renew it on the upstream's web page, then confirm with aksk.renewed";
    Err(Failure::auth_expired(message).outcome(Outcome::NotSent).retry_after_ms(HELD_RETRY_MS))
}

fn standing(config: &Config, validity: Option<Validity>) -> Standing {
    let on_expired = config.aksk.on_expired;
    let expired = validity.as_ref().is_some_and(Validity::has_expired);
    let text = |epoch_ms: u64| time::format(epoch_ms, RFC3339);
    Standing {
        tracked: validity.is_some(),
        issued_at: validity.as_ref().map(|validity| text(validity.issued_at_ms)),
        expires_at: validity.as_ref().map(|validity| text(validity.expires_at_ms)),
        days_left: validity.map(|validity| validity.expires_at_ms.saturating_sub(time::now_ms()) / DAY_MS),
        expired,
        held: expired && on_expired == OnExpired::Hold,
        on_expired,
    }
}
