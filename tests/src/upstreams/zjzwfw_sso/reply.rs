//! How answers are written: JSON or XML, both as `text/xml;charset=utf-8`, with the oddities of old installations if
//! asked for. Never decides what to answer.

use encoding_rs::GB18030;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::super::profile::{Mode, Reply};
use super::request::Datatype;
use super::xml;

const CONTENT_TYPE: &str = "text/xml;charset=utf-8";

/// The oddities, each by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quirks {
    /// Answers are in GB18030, whatever Content-Type and declaration say.
    pub gb18030: bool,
    /// `result` is a number.
    pub number_result: bool,
    /// Texts hold `&` and typographic quotes, and XML does not escape them.
    pub unescaped_text: bool,
    /// JSON is quoted with “ and ” instead of `"`, as the document's samples are.
    pub typographic_quotes: bool,
}

impl Quirks {
    /// What a mode has without being asked. Typographic quotes are in no mode: few clients read them.
    pub fn of(mode: Mode) -> Self {
        let quirky = mode == Mode::Quirky;
        Self { gb18030: quirky, number_result: quirky, unescaped_text: quirky, typographic_quotes: false }
    }

    /// The text of an answer: result and errmsg first, then these members.
    pub(super) fn write(self, datatype: Datatype, code: &str, message: &str, members: &Map<String, Value>) -> String {
        let result = match code.parse::<u64>() {
            Ok(number) if self.number_result => Value::from(number),
            _ => Value::from(code),
        };
        let message =
            Value::from(if self.unescaped_text { format!("{message} & “完”") } else { message.to_owned() });
        let first = [("result", &result), ("errmsg", &message)];
        let all = first.into_iter().chain(members.iter().map(|(name, value)| (name.as_str(), value)));
        match datatype {
            Datatype::Xml => xml::sso(all, !self.unescaped_text),
            Datatype::Json if self.typographic_quotes => typographic(&json(all)),
            Datatype::Json => json(all),
        }
    }

    /// The bytes of a text on the wire.
    pub(super) fn send(self, text: &str) -> Reply {
        let bytes = if self.gb18030 { GB18030.encode(text).0.into_owned() } else { text.as_bytes().to_vec() };
        Reply::new(CONTENT_TYPE, bytes)
    }
}

/// An object with its members in this order, as the documented samples have them.
fn json<'a>(members: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    let mut bytes = Vec::new();
    let mut writer = serde_json::Serializer::new(&mut bytes);
    let written = writer.serialize_map(None).and_then(|mut map| {
        members.into_iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    });
    // Writing to memory does not fail, and names are texts.
    written.ok().and_then(|()| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// Every other quote opens.
fn typographic(json: &str) -> String {
    let mut open = false;
    let turn = |character| {
        if character != '"' {
            return character;
        }
        open = !open;
        if open { '“' } else { '”' }
    };
    json.chars().map(turn).collect()
}
