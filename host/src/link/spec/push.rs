//! How a link's queue behaves: `[push]`, what it does by itself: `[schedules.*]`, and which column of a sheet is which
//! member of a record: `[sheets.*]`. Parsed here as far as it can be without the connector.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    str::FromStr as _,
    time::Duration,
};

use croner::Cron;
use serde::Deserialize;
use serde_json::Value;

use super::{SpecError, Wrong, join, within};

/// Attempts of one link under way at a time by default: an upstream of a province is not a fast one.
pub(crate) const INFLIGHT_DEFAULT: u32 = 4;
/// Days after which a record that could not be delivered is parked by default.
const MAX_AGE_DAYS_DEFAULT: u32 = 14;
/// Hours for which an output is kept by default: a week.
const KEEP_RESULT_H_DEFAULT: u32 = 168;
/// Hours for which a record that was refused is kept by default, by its upstream or by the check of a batch: 30 days.
const KEEP_FAILED_H_DEFAULT: u32 = 720;
/// Longest of each, in hours: a year.
const KEEP_H_MAX: u64 = 8760;
/// Schedules of a link.
const SCHEDULES_MAX: usize = 64;
/// The longest name of one, in bytes.
const SCHEDULE_NAME_MAX: usize = 64;

/// How a link's queue behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PushSpec {
    /// Most attempts under way.
    pub(crate) max_inflight: u32,
    /// Most attempts begun in a minute; none: as many as there are.
    pub(crate) rate_per_min: Option<NonZeroU32>,
    /// A record that is not delivered by then is parked.
    pub(crate) max_age: Duration,
    /// For how long a record is kept after it was delivered; zero: not at all.
    pub(crate) keep_payload: Duration,
    /// For how long its output is.
    pub(crate) keep_result: Duration,
    /// Are waiting inputs merged where the connector says how?
    pub(crate) coalesce: bool,
    /// For how long a record is kept that failed, and one that was refused as a row of a batch.
    pub(crate) keep_failed: Duration,
}

impl Default for PushSpec {
    fn default() -> Self {
        let hours = |hours: u32| Duration::from_secs(u64::from(hours) * 3600);
        Self {
            max_inflight: INFLIGHT_DEFAULT,
            rate_per_min: None,
            max_age: hours(MAX_AGE_DAYS_DEFAULT * 24),
            keep_payload: Duration::ZERO,
            keep_result: hours(KEEP_RESULT_H_DEFAULT),
            coalesce: true,
            keep_failed: hours(KEEP_FAILED_H_DEFAULT),
        }
    }
}

/// Something that a link does by itself.
#[derive(Debug, Clone)]
pub(crate) struct ScheduleSpec {
    /// The operation.
    pub(crate) operation: String,
    /// When, in China time.
    pub(crate) cron: Cron,
    /// With which input.
    pub(crate) input: Value,
}

/// The columns of an operation's sheet, in order: header and JSON Pointer.
pub(crate) type SheetSpec = Vec<(String, String)>;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawPush {
    max_inflight: Option<u32>,
    rate_per_min: Option<u32>,
    max_age_days: Option<u32>,
    keep_payload_h: Option<u32>,
    keep_result_h: Option<u32>,
    coalesce: Option<bool>,
    /// Operations whose records are sent again when nobody knows what became of them, though each sending may count.
    pub(super) resend: BTreeSet<String>,
    keep_failed_h: Option<u32>,
}

impl RawPush {
    pub(super) fn parse(&self, wrong: Wrong<'_>) -> Result<PushSpec, SpecError> {
        let value = |key: &str, given: Option<u32>, default: u32, min: u64, max: u64| {
            let given = given.unwrap_or(default);
            within(&join("push", key), given.into(), min, max, wrong).map(|()| given)
        };
        let hours = |hours: u32| Duration::from_secs(u64::from(hours) * 3600);
        Ok(PushSpec {
            max_inflight: value("max_inflight", self.max_inflight, INFLIGHT_DEFAULT, 1, 1000)?,
            rate_per_min: match self.rate_per_min {
                None => None,
                Some(rate) => NonZeroU32::new(value("rate_per_min", Some(rate), 0, 1, 600_000)?),
            },
            max_age: hours(24) * value("max_age_days", self.max_age_days, MAX_AGE_DAYS_DEFAULT, 1, 365)?,
            keep_payload: hours(value("keep_payload_h", self.keep_payload_h, 0, 0, KEEP_H_MAX)?),
            keep_result: hours(value("keep_result_h", self.keep_result_h, KEEP_RESULT_H_DEFAULT, 0, KEEP_H_MAX)?),
            coalesce: self.coalesce.unwrap_or(true),
            keep_failed: hours(value("keep_failed_h", self.keep_failed_h, KEEP_FAILED_H_DEFAULT, 1, KEEP_H_MAX)?),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSchedule {
    operation: String,
    cron: String,
    #[serde(default)]
    input: toml::Table,
}

pub(super) fn schedules(
    raw: BTreeMap<String, RawSchedule>,
    wrong: Wrong<'_>,
) -> Result<BTreeMap<String, ScheduleSpec>, SpecError> {
    if raw.len() > SCHEDULES_MAX {
        return Err(wrong("schedules", format!("a link has at most {SCHEDULES_MAX} schedules")));
    }
    let parse = |(name, raw): (String, RawSchedule)| {
        let key = join("schedules", &name);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || name.len() > SCHEDULE_NAME_MAX || !name.bytes().all(plain) {
            let text = format!("a schedule's name is 1 to {SCHEDULE_NAME_MAX} characters of A-Z a-z 0-9 - _");
            return Err(wrong(&key, text));
        }
        let cron = Cron::from_str(&raw.cron).map_err(|error| {
            let text =
                format!("{error}; five fields are expected: minute hour day month weekday, as in \"30 2 * * *\" (or six, with seconds in front)");
            wrong(&join(&key, "cron"), text)
        })?;
        let input = serde_json::to_value(&raw.input).map_err(|error| wrong(&join(&key, "input"), error.to_string()))?;
        Ok((name, ScheduleSpec { operation: raw.operation, cron, input }))
    };
    raw.into_iter().map(parse).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSheet {
    columns: SheetSpec,
}

pub(super) fn sheets(raw: BTreeMap<String, RawSheet>) -> BTreeMap<String, SheetSpec> {
    raw.into_iter().map(|(operation, sheet)| (operation, sheet.columns)).collect()
}
