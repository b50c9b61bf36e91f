//! The fields of one pushed resource. Their names are sim-v1's; which are required and how long they may be is decided
//! here. Refusals name fields and never quote a value. Lengths are in Unicode scalar values, of URLs in bytes.

use serde_json::{Map, Value};
use url::Url;

use super::super::profile::Mode;
use super::Refusal;

/// The categories of the guide.
pub const CATEGORIES: [&str; 11] =
    ["news", "live", "activity", "venue", "room", "course", "book", "market", "ebook", "audio", "video"];

const EXT_ID_CHARS_MAX: usize = 64;
const TITLE_CHARS_MAX: usize = 100;
const URL_BYTES_MAX: usize = 255;
/// Optional text with the most characters of each.
const TEXTS: [(&str, usize); 3] = [("summary", 500), ("content", 50_000), ("venue", 100)];

/// The extId of an item that holds.
pub(super) fn check(item: &Value, mode: Mode) -> Result<String, Refusal> {
    let item = item.as_object().ok_or_else(|| Refusal::parameter("items 的元素应为对象"))?;
    let ext_id = required(item, "extId", EXT_ID_CHARS_MAX, mode)?;
    required(item, "title", TITLE_CHARS_MAX, mode)?;
    if mode == Mode::Quirky {
        return Ok(ext_id);
    }
    for (name, chars_max) in TEXTS {
        if optional(item, name)?.is_some_and(|text| text.chars().count() > chars_max) {
            return Err(field(name, "长度超限"));
        }
    }
    for name in ["cover", "url"] {
        if optional(item, name)?.is_some_and(|text| !is_url(text)) {
            return Err(field(name, "应为 255 字节以内的 http 或 https 地址"));
        }
    }
    for name in ["startTime", "endTime"] {
        if optional(item, name)?.is_some_and(|text| !is_time(text)) {
            return Err(field(name, "应为 yyyy-MM-dd HH:mm:ss 或 RFC 3339"));
        }
    }
    let is_region = |text: &str| (6..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if optional(item, "regionCode")?.is_some_and(|text| !is_region(text)) {
        return Err(field("regionCode", "应为 6 至 12 位数字"));
    }
    Ok(ext_id)
}

/// `http://` or `https://`, without blanks, not too long.
pub(super) fn is_url(text: &str) -> bool {
    text.len() <= URL_BYTES_MAX
        && text.trim() == text
        && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn required(item: &Map<String, Value>, name: &str, chars_max: usize, mode: Mode) -> Result<String, Refusal> {
    let text = match (item.get(name), mode) {
        (Some(Value::String(text)), _) => text.clone(),
        (Some(Value::Number(number)), Mode::Quirky) => number.to_string(),
        (None | Some(Value::Null), _) => return Err(field(name, "必填")),
        (Some(_), _) => return Err(field(name, "应为字符串")),
    };
    if text.is_empty() || text.chars().count() > chars_max {
        return Err(field(name, "长度超限"));
    }
    Ok(text)
}

/// A string that may be missing, null or empty.
fn optional<'a>(item: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refusal> {
    match item.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(field(name, "应为字符串")),
    }
}

fn is_time(text: &str) -> bool {
    // The length keeps out what the parser takes without its zeroes.
    let civil = text.len() == 19 && jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", text).is_ok();
    civil || (text.contains('T') && text.parse::<jiff::Timestamp>().is_ok())
}

fn field(name: &str, rule: &str) -> Refusal {
    Refusal::parameter(format!("字段 {name} {rule}"))
}
