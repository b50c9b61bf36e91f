//! Dates there and back, and dates that do not exist.

use super::*;

#[test]
fn china_time_is_eight_hours_ahead() {
    assert_eq!(format(0, DATE_TIME), "1970-01-01 08:00:00");
    assert_eq!(format(1_709_274_600_123, "yyyy/MM/dd'T'HH:mm:ss.SSS"), "2024/03/01'T'14:30:00.123");
    assert_eq!(parse("1970-01-01 08:00:00", DATE_TIME), Some(0));
}

#[test]
fn every_day_of_four_centuries_goes_there_and_back() {
    for day in 0..146_097 {
        let epoch_ms = day * 86_400_000 + 3_723_004;
        let text = format(epoch_ms, "yyyyMMddHHmmssSSS");
        assert_eq!(parse(&text, "yyyyMMddHHmmssSSS"), Some(epoch_ms), "{text}");
    }
}

#[test]
fn what_is_not_a_date_is_refused() {
    for text in [
        "2023-02-29 00:00:00",
        "2024-13-01 00:00:00",
        "2024-00-10 00:00:00",
        "2024-01-32 00:00:00",
        "2024-01-01 24:00:00",
        "2024-01-01 00:60:00",
        "2024-01-01 00:00:60",
        "2024-1-1 00:00:00",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00 ",
        "",
        "2024-01-01",
        "+024-01-01 00:00:00",
        "２０２４-01-01 00:00:00",
        "1970-01-01 07:59:59",
    ] {
        assert_eq!(parse(text, DATE_TIME), None, "{text}");
    }
}

#[test]
fn http_dates() {
    assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
    assert_eq!(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), None);
    assert_eq!(parse_http_date("06 Nov 1994"), None);
}
