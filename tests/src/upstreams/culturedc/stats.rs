//! C8: usage numbers by day. The same day again overwrites. Bounds: 100 000 days of all keys together.

use std::collections::BTreeMap;

use jiff::civil::Date;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

use super::super::profile::Mode;
use super::{Refusal, codes};

const DAYS_MAX: usize = 100_000;
const REQUIRED: [&str; 3] = ["pv", "uv", "ip"];
const OPTIONAL: [&str; 2] = ["newActivities", "newVenues"];

/// The numbers of one day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Day {
    /// `yyyy-MM-dd`.
    pub date: String,
    /// By name: `pv`, `uv`, `ip`, and what else was given.
    pub numbers: BTreeMap<String, u64>,
    /// How often they were accepted.
    pub times: u64,
}

/// Days by access key and date.
#[derive(Debug, Default)]
pub(super) struct Days {
    inner: Mutex<BTreeMap<(String, String), Day>>,
}

impl Days {
    /// Stores a day, replacing what there was; which version it is, from 1.
    pub(super) fn put(&self, access_key: &str, mut day: Day) -> Result<u64, Refusal> {
        let mut inner = self.inner.lock();
        let key = (access_key.to_owned(), day.date.clone());
        let known = inner.get(&key).map_or(0, |day| day.times);
        if known == 0 && inner.len() >= DAYS_MAX {
            return Err(Refusal::new(codes::ERROR, "模拟器存储已满"));
        }
        day.times = known + 1;
        inner.insert(key, day);
        Ok(known + 1)
    }

    pub(super) fn get(&self, access_key: &str, date: &str) -> Option<Day> {
        self.inner.lock().get(&(access_key.to_owned(), date.to_owned())).cloned()
    }

    /// By access key and date.
    pub(super) fn list(&self) -> Vec<Day> {
        self.inner.lock().values().cloned().collect()
    }

    pub(super) fn clear(&self) {
        self.inner.lock().clear();
    }
}

/// The day in a request's body.
pub(super) fn read(body: &Value, mode: Mode) -> Result<Day, Refusal> {
    let date = body.get("date").and_then(Value::as_str).and_then(|text| date(text, mode));
    let date = date.ok_or_else(|| Refusal::parameter("字段 date 应为 yyyy-MM-dd"))?;
    let mut numbers = BTreeMap::new();
    for name in REQUIRED.iter().chain(&OPTIONAL) {
        let value = body.get(*name).filter(|value| !value.is_null());
        let number = match (value, mode) {
            (Some(Value::String(text)), Mode::Quirky) => text.trim().parse().ok(),
            (Some(value), _) => value.as_u64(),
            (None, _) if OPTIONAL.contains(name) => continue,
            (None, _) => None,
        };
        let number = number.ok_or_else(|| Refusal::parameter(format!("字段 {name} 应为非负整数")))?;
        numbers.insert((*name).to_owned(), number);
    }
    Ok(Day { date, numbers, times: 0 })
}

/// Strict: `yyyy-MM-dd`. Quirky: also `yyyyMMdd` and `yyyy/MM/dd`.
fn date(text: &str, mode: Mode) -> Option<String> {
    let formats: &[(&str, usize)] = match mode {
        Mode::Strict => &[("%Y-%m-%d", 10)],
        Mode::Quirky => &[("%Y-%m-%d", 10), ("%Y/%m/%d", 10), ("%Y%m%d", 8)],
    };
    // The length keeps out what the parser takes without its zeroes.
    let fitting = formats.iter().filter(|(_, length)| text.len() == *length);
    fitting.filter_map(|(format, _)| Date::strptime(format, text).ok()).next().map(|date| date.to_string())
}
