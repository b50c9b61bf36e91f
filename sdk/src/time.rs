//! Time as upstreams want it: epoch milliseconds, and text in China time (UTC+8, no daylight saving), which is fixed
//! here because neither host nor connector may depend on a machine's time zone. Years 1970 to 9999.

mod http_date;

use crate::raw;

pub use http_date::http_date;

/// What most upstreams mean by a date and time.
pub const DATE_TIME: &str = "yyyy-MM-dd HH:mm:ss";

const DAY_MS: i64 = 86_400_000;
const CHINA_OFFSET_MS: i64 = 8 * 3_600_000;

/// Now, in milliseconds since 1970-01-01T00:00:00Z.
pub fn now_ms() -> u64 {
    raw::now_ms()
}

/// China time in this pattern: `yyyy MM dd HH mm ss SSS` stand for themselves, all else is copied.
///
/// ```
/// assert_eq!(duijie_sdk::time::format(1_709_274_600_000, "yyyyMMddHHmmss"), "20240301143000");
/// ```
pub fn format(epoch_ms: u64, pattern: &str) -> String {
    let local = i64::try_from(epoch_ms).unwrap_or(i64::MAX - CHINA_OFFSET_MS) + CHINA_OFFSET_MS;
    let (year, month, day) = civil(local.div_euclid(DAY_MS));
    let in_day = local.rem_euclid(DAY_MS);
    let fields = Fields {
        year,
        month,
        day,
        hour: in_day / 3_600_000,
        minute: in_day / 60_000 % 60,
        second: in_day / 1000 % 60,
        millisecond: in_day % 1000,
    };
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if let Some((field, width)) = field_at(rest) {
            let value = fields.value(field);
            text.push_str(&format!("{value:0width$}"));
            rest = rest.get(width..).unwrap_or("");
        } else {
            text.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or("");
        }
    }
    text
}

/// The epoch milliseconds of China time in this pattern (as [`format()`]); `None` unless every digit is there and the
/// date exists. What the pattern leaves out is the first possible value.
///
/// ```
/// use duijie_sdk::time::{DATE_TIME, parse};
///
/// assert_eq!(parse("2024-03-01 14:30:00", DATE_TIME), Some(1_709_274_600_000));
/// assert_eq!(parse("2023-02-29 00:00:00", DATE_TIME), None);
/// ```
pub fn parse(text: &str, pattern: &str) -> Option<u64> {
    let mut fields = Fields { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0 };
    let (mut text, mut rest) = (text, pattern);
    while let Some(first) = rest.chars().next() {
        if let Some((field, width)) = field_at(rest) {
            let digits = text.get(..width).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
            fields.set(field, digits.parse().ok()?);
            text = text.get(width..)?;
            rest = rest.get(width..)?;
        } else {
            text = text.strip_prefix(first)?;
            rest = rest.get(first.len_utf8()..)?;
        }
    }
    if text.is_empty() { fields.epoch_ms(CHINA_OFFSET_MS) } else { None }
}

/// The epoch milliseconds of an HTTP date in the one form that RFC 9110 has senders write.
pub(crate) fn parse_http_date(text: &str) -> Option<u64> {
    let (_, date) = text.strip_suffix(" GMT")?.split_once(", ")?;
    let month = http_date::MONTHS.iter().position(|&name| date.get(3..6) == Some(name))? + 1;
    let numeric = format!("{}{month:02}{}", date.get(..3)?, date.get(6..)?);
    let china_ms = parse(&numeric, "dd MM yyyy HH:mm:ss")?;
    china_ms.checked_add(u64::try_from(CHINA_OFFSET_MS).ok()?)
}

#[derive(Clone, Copy)]
enum Field {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

struct Fields {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    millisecond: i64,
}

impl Fields {
    fn value(&self, field: Field) -> i64 {
        match field {
            Field::Year => self.year,
            Field::Month => self.month,
            Field::Day => self.day,
            Field::Hour => self.hour,
            Field::Minute => self.minute,
            Field::Second => self.second,
            Field::Millisecond => self.millisecond,
        }
    }

    fn set(&mut self, field: Field, value: i64) {
        *match field {
            Field::Year => &mut self.year,
            Field::Month => &mut self.month,
            Field::Day => &mut self.day,
            Field::Hour => &mut self.hour,
            Field::Minute => &mut self.minute,
            Field::Second => &mut self.second,
            Field::Millisecond => &mut self.millisecond,
        } = value;
    }

    fn epoch_ms(&self, offset_ms: i64) -> Option<u64> {
        if !(1..=12).contains(&self.month) || self.hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        let days = days(self.year, self.month, self.day);
        if civil(days) != (self.year, self.month, self.day) {
            return None;
        }
        let in_day = ((self.hour * 60 + self.minute) * 60 + self.second) * 1000 + self.millisecond;
        u64::try_from(days * DAY_MS + in_day - offset_ms).ok()
    }
}

fn field_at(pattern: &str) -> Option<(Field, usize)> {
    const FIELDS: [(&str, Field); 7] = [
        ("yyyy", Field::Year),
        ("MM", Field::Month),
        ("dd", Field::Day),
        ("HH", Field::Hour),
        ("mm", Field::Minute),
        ("SSS", Field::Millisecond),
        ("ss", Field::Second),
    ];
    FIELDS.iter().find(|(letters, _)| pattern.starts_with(letters)).map(|&(letters, field)| (field, letters.len()))
}

/// Year, month and day of a day number since 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms":
/// years begin in March, so that the leap day is the last of one).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests;
