//! The date of HTTP headers. Always GMT, always the one form that RFC 9110 has senders write.

use super::{CHINA_OFFSET_MS, DAY_MS, format};

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
pub(super) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The time as an HTTP date (RFC 9110 §5.6.7, called RFC 1123 by older documents); the first eight hours of 1970 count
/// as their end.
///
/// ```
/// assert_eq!(duijie_sdk::time::http_date(1_704_164_645_000), "Tue, 02 Jan 2024 03:04:05 GMT");
/// ```
pub fn http_date(epoch_ms: u64) -> String {
    let offset_ms = CHINA_OFFSET_MS.unsigned_abs();
    let epoch_ms = epoch_ms.max(offset_ms);
    // 1970-01-01 was a Thursday.
    let day = usize::try_from(epoch_ms / DAY_MS.unsigned_abs() % 7).ok().and_then(|day| DAYS.get(day));
    // The formatter writes China time: eight hours earlier there is what it is in Greenwich now.
    let written = |pattern| format(epoch_ms - offset_ms, pattern);
    let month = written("MM").parse::<usize>().ok().and_then(|month| MONTHS.get(month.saturating_sub(1)));
    let (day, month) = (day.unwrap_or(&"Thu"), month.unwrap_or(&"Jan"));
    std::format!("{day}, {} {month} {} GMT", written("dd"), written("yyyy HH:mm:ss"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_http_date;

    #[test]
    fn a_date_is_written_as_it_is_read() {
        for epoch_ms in [28_800_000, 951_782_399_000, 1_704_164_645_000, 1_798_761_599_000] {
            assert_eq!(parse_http_date(&http_date(epoch_ms)), Some(epoch_ms));
        }
    }

    #[test]
    fn days_of_the_week_follow_each_other_over_a_leap_day() {
        assert_eq!(http_date(1_709_164_800_000), "Thu, 29 Feb 2024 00:00:00 GMT");
        assert_eq!(http_date(1_709_251_199_000), "Thu, 29 Feb 2024 23:59:59 GMT");
        assert_eq!(http_date(1_709_251_200_000), "Fri, 01 Mar 2024 00:00:00 GMT");
    }
}
