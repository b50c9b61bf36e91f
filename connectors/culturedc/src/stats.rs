//! Usage numbers (layer ③): one day's aggregates; the same day again overwrites. When to report is the platform's: the
//! upstream says "定期", and 02:30 for the day before is our advice.

use duijie_sdk::{Failure, mapping, time};

use crate::{
    config::{Config, StatsField},
    model::{Reported, StatsDay},
    resource::{refused, text_of},
    upstream::{Upstream, Variable, part},
};

/// How a day is written.
const DAY: &str = "yyyy-MM-dd";

/// Reports a day.
///
/// # Errors
/// Every row of the error table in this connector's README.
pub fn report(config: &Config, day: StatsDay) -> Result<Reported, Failure> {
    let upstream = Upstream::of(config)?;
    let call = part(&upstream.profile.stats, "stats")?;
    let mut wrong = Vec::new();
    let mut add = |pointer: &str, message: &str| wrong.push((pointer.to_owned(), message.to_owned()));
    match time::parse(&day.date, DAY) {
        None => add("/date", "must be a day that exists, written yyyy-MM-dd"),
        Some(begins_ms) if begins_ms > time::now_ms() => add("/date", "has not begun yet"),
        Some(_) => {}
    }
    for field in &config.stats.fields {
        let (value, pointer) = match field {
            StatsField::Pv => (day.pv, "/pv"),
            StatsField::Uv => (day.uv, "/uv"),
            StatsField::Ip => (day.ip, "/ip"),
            StatsField::NewActivities => (day.new_activities, "/newActivities"),
            StatsField::NewVenues => (day.new_venues, "/newVenues"),
        };
        if value.is_none() {
            add(pointer, "is required by the link (stats.fields)");
        }
    }
    let record = serde_json::to_value(&day).unwrap_or_default();
    let mapped = mapping::map(part(&call.record, "stats.record")?, &record);
    let wire = match mapped {
        Ok(wire) if wrong.is_empty() => wire,
        mapped => return Err(refused(wrong.into_iter().chain(mapped.err().into_iter().flatten()).collect())),
    };
    upstream.ask(call, &[("record", Variable::Json(text_of(&wire)))])?;
    Ok(Reported { date: day.date, accepted: true })
}
