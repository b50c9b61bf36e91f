//! Opens `{"headers":{…},"data":…}`: the "headers" of this upstream stand in the body. Never decides whether a token is
//! right.

use std::time::Duration;

use serde_json::{Map, Value};

use super::super::profile::Received;
use super::operation::Part;
use super::{Mode, Refusal, codes};

const DEVICE_TYPES: [&str; 4] = ["TYPE_PC", "TYPE_H5", "TYPE_ANDROID", "TYPE_IOS"];
const DEVICE_ID_CHARS_MAX: usize = 64;
/// From here on a number of seconds would be the year 5138: it is milliseconds.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// What a request says.
#[derive(Debug)]
pub(super) struct Envelope {
    /// Empty when there is none.
    pub(super) token: String,
    pub(super) data: Value,
    /// The request's own time, in milliseconds since 1970.
    sent_ms: i64,
}

impl Envelope {
    /// Opens a request's body.
    pub(super) fn open(received: &Received, part: Part, mode: Mode) -> Result<Self, Refusal> {
        if mode == Mode::Strict && received.media_type() != "application/json" {
            return Err(Refusal::new(codes::CONTENT_TYPE, "Content-Type 应为 application/json"));
        }
        let malformed = || Refusal::new(codes::BODY, "请求体应为含 headers 与 data 的 JSON 对象");
        let mut body = parse(&received.body, mode).ok_or_else(malformed)?;
        let Some(Value::Object(headers)) = body.remove("headers") else { return Err(malformed()) };
        let data = body.remove("data").filter(|data| !data.is_null()).ok_or_else(malformed)?;
        if !DEVICE_TYPES.contains(&text(&headers, "deviceType")?) {
            return Err(header("deviceType", "取值不在范围内"));
        }
        let device_id = text(&headers, "deviceId")?.chars().count();
        if !(1..=DEVICE_ID_CHARS_MAX).contains(&device_id) {
            return Err(header("deviceId", "长度超限"));
        }
        let sent_ms = timestamp_ms(&headers, mode)?;
        Ok(Self { token: token(&headers, part, mode), data, sent_ms })
    }

    /// Checks that the request's own time is not further than `window` from the simulator's.
    pub(super) fn check_time(&self, window: Option<Duration>, now_ms: i64) -> Result<(), Refusal> {
        let window_ms = window.map(|window| i64::try_from(window.as_millis()).unwrap_or(i64::MAX));
        if window_ms.is_some_and(|window_ms| now_ms.saturating_sub(self.sent_ms).saturating_abs() > window_ms) {
            return Err(Refusal::new(codes::TIMESTAMP, "headers.timestamp 与平台时间相差过大"));
        }
        Ok(())
    }
}

/// The token under the name that this part of the document uses; quirky takes either name.
fn token(headers: &Map<String, Value>, part: Part, mode: Mode) -> String {
    let names: &[&str] = match (part, mode) {
        (Part::Learning, Mode::Strict) => &["userToken"],
        (Part::Business, Mode::Strict) => &["user_token"],
        (_, Mode::Quirky) => &["userToken", "user_token"],
    };
    let mut tokens = names.iter().filter_map(|name| headers.get(*name)?.as_str());
    tokens.find(|token| !token.is_empty()).unwrap_or_default().to_owned()
}

/// Strict: a string of ten digits, in seconds. Quirky: also a number, also milliseconds.
fn timestamp_ms(headers: &Map<String, Value>, mode: Mode) -> Result<i64, Refusal> {
    let number = match (headers.get("timestamp"), mode) {
        (Some(Value::String(text)), Mode::Strict) if text.len() == 10 => text.parse().ok(),
        (Some(Value::String(text)), Mode::Quirky) => text.trim().parse().ok(),
        (Some(Value::Number(number)), Mode::Quirky) => number.as_i64(),
        _ => None,
    };
    let number: i64 = number.ok_or_else(|| header("timestamp", "应为秒级时间戳字符串"))?;
    Ok(if number < MILLISECONDS_FROM { number.saturating_mul(1000) } else { number })
}

fn text<'a>(headers: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    headers.get(name).and_then(Value::as_str).ok_or_else(|| header(name, "应为字符串"))
}

fn header(name: &str, rule: &str) -> Refusal {
    Refusal::new(codes::HEADERS, format!("字段 headers.{name} {rule}"))
}

fn parse(body: &[u8], mode: Mode) -> Option<Map<String, Value>> {
    let strictly = serde_json::from_slice(body).ok();
    if strictly.is_some() || mode == Mode::Strict {
        return strictly;
    }
    let text = std::str::from_utf8(body).ok()?;
    serde_json::from_str(&without_trailing_commas(text.trim_start_matches('\u{feff}'))).ok()
}

/// Drops every comma that only blanks part from a closing bracket: the document's example of 1.11 has one.
pub(super) fn without_trailing_commas(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    // The comma last seen, with the blanks after it, until it is known what follows.
    let mut held = String::new();
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c == ',' || (!held.is_empty() && c.is_ascii_whitespace()) {
            clean.push_str(if c == ',' { held.as_str() } else { "" });
            if c == ',' {
                held.clear();
            }
            held.push(c);
            continue;
        } else {
            in_string = c == '"';
        }
        if !matches!(c, '}' | ']') || in_string {
            clean.push_str(&held);
        }
        held.clear();
        clean.push(c);
    }
    clean + &held
}
