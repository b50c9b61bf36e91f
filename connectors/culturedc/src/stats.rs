//! Usage numbers (layer ③): one day's aggregates; the same day again overwrites. The numbers come with the call or, when
//! it has none, from the platform; a call without both is what a
//! schedule makes every night, and reports what is missing, each day once.

use duijie_sdk::{Class, Failure, Outcome, forward, kv, mapping, time, typed};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    config::{Config, StatsField},
    model::{Reported, StatsDay},
    resource::{refused, text_of},
    upstream::{Upstream, Variable, part},
};

/// How a day is written. Days written so are in order.
const DAY: &str = "yyyy-MM-dd";
const DAY_MS: u64 = 86_400_000;
/// What the platform is asked.
const EVENT: &str = "stats.day";
/// Where it is kept which days are still open.
const KEPT: &str = "stats/days";
/// A day that could not be reported is tried for so many days.
const DAYS_MAX: u64 = 7;
/// As long as a call may take.
const HOLD_MS: u32 = 60_000;

/// What has become of the days so far.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The last day that was due.
    until: String,
    /// The days up to it that are not reported yet.
    open: Vec<String>,
}

/// Reports a day, or all that are missing.
///
/// # Errors
/// Every row of the error table in this connector's README.
pub fn report(config: &Config, day: StatsDay) -> Result<Reported, Failure> {
    let date = match &day.date {
        Some(date) => date.clone(),
        None if day.has_numbers() => days_before(time::now_ms(), 1),
        None => return missing(config),
    };
    report_one(config, &date, day)?;
    Ok(Reported { date, accepted: true, late: Vec::new() })
}

/// Reports yesterday with the platform's numbers, and before it whatever day of the last seven was due and failed or
/// passed while nobody called. Each is reported once: a run that comes again finds nothing to do.
fn missing(config: &Config) -> Result<Reported, Failure> {
    let _lock = kv::lock(KEPT, HOLD_MS)?;
    let now_ms = time::now_ms();
    let date = days_before(now_ms, 1);
    let kept = kv::get(KEPT)?.and_then(|kept| typed::parse::<Kept>(&kept).ok());
    // Nothing is missing before the first run.
    let is_open = |day: &String| match &kept {
        None => *day == date,
        Some(kept) => *day > kept.until || kept.open.contains(day),
    };
    let due: Vec<String> = (1..=DAYS_MAX).rev().map(|back| days_before(now_ms, back)).filter(is_open).collect();
    let mut kept = Kept { until: date.clone(), open: due.clone() };
    kept.keep()?;
    let (mut late, mut failed) = (Vec::new(), None);
    for day in due {
        match report_one(config, &day, StatsDay::default()) {
            Ok(()) => {
                kept.open.retain(|open| *open != day);
                kept.keep()?;
                late.push(day);
            }
            // A day that is refused must not keep the others back.
            Err(failure) if is_of_the_day(&failure) => {
                failed.get_or_insert(failure);
            }
            Err(failure) => return Err(failure),
        }
    }
    late.retain(|day| *day != date);
    failed.map_or(Ok(Reported { date, accepted: true, late }), Err)
}

fn report_one(config: &Config, date: &str, day: StatsDay) -> Result<(), Failure> {
    let upstream = Upstream::of(config)?;
    let call = part(&upstream.profile.stats, "stats")?;
    let mut wrong = Vec::new();
    let mut add = |pointer: &str, message: &str| wrong.push((pointer.to_owned(), message.to_owned()));
    match time::parse(date, DAY) {
        None => add("/date", "must be a day that exists, written yyyy-MM-dd"),
        Some(begins_ms) if begins_ms > time::now_ms() => add("/date", "has not begun yet"),
        Some(_) => {}
    }
    let is_asked = !day.has_numbers();
    if is_asked && !wrong.is_empty() {
        return Err(refused(wrong));
    }
    let numbers = if is_asked { asked(config, date)? } else { day };
    let day = StatsDay { date: Some(date.to_owned()), ..numbers };
    for field in &config.stats.fields {
        let (value, pointer) = match field {
            StatsField::Pv => (day.pv, "/pv"),
            StatsField::Uv => (day.uv, "/uv"),
            StatsField::Ip => (day.ip, "/ip"),
            StatsField::NewActivities => (day.new_activities, "/newActivities"),
            StatsField::NewVenues => (day.new_venues, "/newVenues"),
        };
        if value.is_none() {
            wrong.push((pointer.to_owned(), "is required by the link (stats.fields)".to_owned()));
        }
    }
    let record = serde_json::to_value(&day).unwrap_or_default();
    let mapped = mapping::map(part(&call.record, "stats.record")?, &record);
    let wire = match mapped {
        Ok(wire) if wrong.is_empty() => wire,
        mapped => {
            let failure = refused(wrong.into_iter().chain(mapped.err().into_iter().flatten()).collect());
            return Err(if is_asked { not_fit(failure) } else { failure });
        }
    };
    upstream.ask(call, &[("record", Variable::Json(text_of(&wire)))])?;
    Ok(())
}

/// The platform's numbers of a day. Events of one day carry one id.
fn asked(config: &Config, date: &str) -> Result<StatsDay, Failure> {
    let question = json!({ "date": date, "fields": config.stats.fields });
    let answer: Result<StatsDay, _> = forward::ask(EVENT, Some(date), &question);
    let day = answer.map_err(|error| Failure::from(error).outcome(Outcome::NotSent))?;
    if day.date.as_ref().is_some_and(|of| of != date) {
        return Err(Failure::protocol("the platform's numbers are of another day").outcome(Outcome::NotSent));
    }
    Ok(day)
}

/// It is the platform's answer that is wrong, not the caller's input.
fn not_fit(failure: Failure) -> Failure {
    let message = "the platform's numbers do not fit, see detail".to_owned();
    Failure { class: Class::Protocol, outcome: Outcome::NotSent, message, ..failure }
}

/// Does a failure concern no other day?
fn is_of_the_day(failure: &Failure) -> bool {
    matches!(failure.class, Class::UpstreamRejected | Class::InvalidInput | Class::Protocol)
}

impl Kept {
    fn keep(&self) -> Result<(), Failure> {
        let text =
            serde_json::to_vec(self).map_err(|error| Failure::internal(format!("days are not JSON: {error}")))?;
        Ok(kv::set(KEPT, text, None)?)
    }
}

/// The day so many days before this moment, in China, where no day is longer than another.
fn days_before(now_ms: u64, days: u64) -> String {
    time::format(now_ms.saturating_sub(days * DAY_MS), DAY)
}
