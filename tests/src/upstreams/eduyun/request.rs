//! Reads request bodies and queries: exact in strict mode, all that can be understood in quirky mode. Refusals name a
//! parameter and its rule and never quote what was sent.

use serde_json::{Map, Value};

use super::super::profile::{Mode, Received};
use super::{Refusal, codes};

/// Characters of any text parameter; the longest that is documented, a ticket, has less than 100.
const TEXT_CHARS_MAX: usize = 512;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A request's JSON object.
#[derive(Debug)]
pub(super) struct Body {
    members: Map<String, Value>,
    mode: Mode,
}

impl Body {
    /// The body, which strict mode wants as `application/json` in UTF-8.
    pub(super) fn read(received: &Received, mode: Mode) -> Result<Self, Refusal> {
        let mut bytes: &[u8] = &received.body;
        if mode == Mode::Strict {
            check_content_type(received)?;
        } else {
            bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
            if bytes.is_empty() {
                return Ok(Self { members: Map::new(), mode });
            }
        }
        let members = serde_json::from_slice(bytes).map_err(|_| Refusal::new(codes::WRONG, "请求体不是 JSON 对象"))?;
        Ok(Self { members, mode })
    }

    /// Strict: members other than these are a mistake of the caller, as an appKey beside its keyInfo would be.
    pub(super) fn only(&self, names: &[&str]) -> Result<(), Refusal> {
        let known = |name: &String| names.contains(&name.as_str());
        if self.mode == Mode::Strict && !self.members.keys().all(known) {
            // The name of an unknown member is the caller's text, and could be anything: it is not repeated.
            return Err(Refusal::new(codes::WRONG, "含有未知参数"));
        }
        Ok(())
    }

    /// A text that must be there and not be empty.
    pub(super) fn text(&self, name: &str) -> Result<String, Refusal> {
        self.optional(name)?.filter(|text| !text.is_empty()).ok_or_else(|| Refusal::empty(name))
    }

    /// A text that may be missing or empty.
    pub(super) fn optional(&self, name: &str) -> Result<Option<String>, Refusal> {
        let text = match self.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) if self.mode == Mode::Quirky => number.to_string(),
            Some(_) => return Err(Refusal::wrong(name, "应为字符串")),
        };
        if text.chars().count() > TEXT_CHARS_MAX {
            return Err(Refusal::wrong(name, "过长"));
        }
        Ok(Some(text))
    }

    /// A whole number from 1.
    pub(super) fn number(&self, name: &str, default: Option<usize>) -> Result<usize, Refusal> {
        let number = match self.get(name) {
            None | Some(Value::Null) => return default.ok_or_else(|| Refusal::empty(name)),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) if self.mode == Mode::Quirky => text.parse().ok(),
            Some(_) => None,
        };
        let number = number.and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0);
        number.ok_or_else(|| Refusal::wrong(name, "应为正整数"))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).or_else(|| {
            let spelt = |found: &&String| self.mode == Mode::Quirky && found.eq_ignore_ascii_case(name);
            self.members.get(self.members.keys().find(spelt)?)
        })
    }
}

/// The access token of a query; strict mode wants it alone there.
pub(super) fn access_token(received: &Received, mode: Mode) -> Result<Option<String>, Refusal> {
    let mut found = None;
    for (name, value) in url::form_urlencoded::parse(received.query.as_bytes()) {
        let named = match mode {
            Mode::Strict => name == "accessToken",
            Mode::Quirky => name.eq_ignore_ascii_case("accessToken"),
        };
        let repeated = named && found.replace(value.into_owned()).is_some();
        if mode == Mode::Strict && (repeated || !named) {
            return Err(Refusal::new(codes::WRONG, "查询串只能有一个 accessToken"));
        }
    }
    Ok(found.filter(|token| !token.is_empty()))
}

fn check_content_type(received: &Received) -> Result<(), Refusal> {
    let value = received.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let charset = value.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("charset="));
    let utf8 = charset.is_none_or(|charset| charset.trim_matches('"') == "utf-8");
    if received.media_type() == "application/json" && utf8 {
        return Ok(());
    }
    Err(Refusal::new(codes::WRONG, "Content-Type 应为 application/json; charset=utf-8").status(415))
}
