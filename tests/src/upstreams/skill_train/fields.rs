//! Reads a JSON object by a table of fields. Strict takes the names and types that a careful connector sends; quirky
//! takes every spelling in the document and numbers for strings and the reverse. Refusals name the field by its path
//! and never quote a value. Lengths are in Unicode scalar values.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};
use url::Url;

use super::identity::is_identity_number;
use super::{Mode, Refusal, codes};

const CODE_CHARS: usize = 32;
const QUIRKY_CODE_CHARS_MAX: usize = 64;
const URL_CHARS_MAX: usize = 2048;

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// `studyPlatformCode`: strict, the one that the login gave; quirky, any code.
    Platform,
    /// Strict: 32 lower-case hexadecimal digits. Quirky: 1 to 64 characters.
    Code,
    /// 1 to so many characters.
    Text(usize),
    /// An identity number; quirky takes any text of up to 64 characters, as the document's own examples need.
    Card,
    /// `http://` or `https://`; strict, without blanks around.
    Url,
    /// A whole number, 0 or more. Strict: a JSON number; quirky: also as a string.
    Number,
    /// A number that the examples send as a string. Quirky: also as a JSON number.
    Digits,
    /// One of these, as a string. Quirky: also as a JSON number.
    OneOf(&'static [&'static str]),
    /// Checked elsewhere; only its name is known.
    Elsewhere,
}

/// One line of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    name: &'static str,
    also: &'static [&'static str],
    required: bool,
    kind: Kind,
}

/// A field that must be there.
pub(super) const fn must(name: &'static str, kind: Kind) -> Field {
    Field { name, also: &[], required: true, kind }
}

/// A field that may be left out.
pub(super) const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, also: &[], required: false, kind }
}

impl Field {
    /// Quirky also knows it by these names.
    pub(super) const fn or(mut self, also: &'static [&'static str]) -> Self {
        self.also = also;
        self
    }
}

/// How fields are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) mode: Mode,
    /// The caller's `studyPlatformCode`.
    pub(super) platform: &'a str,
    pub(super) refuse_unknown: bool,
}

/// The fields found, by the names of the table; numbers in decimal.
#[derive(Debug)]
pub(super) struct Read<'a>(BTreeMap<&'static str, Cow<'a, str>>);

impl Read<'_> {
    /// A field's text; empty when it was left out.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value)
    }

    /// A field's number; 0 when it was left out.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }
}

impl Rules<'_> {
    /// Reads the object at `path`.
    pub(super) fn read<'v>(&self, path: &str, value: &'v Value, fields: &[Field]) -> Result<Read<'v>, Refusal> {
        let object = object(path, value)?;
        let mut read = BTreeMap::new();
        for field in fields {
            if matches!(field.kind, Kind::Elsewhere) {
                continue;
            }
            match self.find(object, field) {
                Some(value) => {
                    let text =
                        self.check(field, value).map_err(|(code, rule)| refused(code, path, field.name, rule))?;
                    read.insert(field.name, text);
                }
                None if field.required => return Err(refused(codes::FIELD_MISSING, path, field.name, "必填")),
                None => {}
            }
        }
        let known = |name: &String| fields.iter().any(|field| self.names(field).any(|known| known == name));
        if self.refuse_unknown && !object.keys().all(known) {
            // The name of an unknown field is the caller's text, and could be anything: it is not repeated.
            return Err(Refusal::new(codes::FIELD_UNKNOWN, format!("{path} 含有未知字段")));
        }
        Ok(Read(read))
    }

    /// The array of a member; none when it is missing or null.
    pub(super) fn list<'v>(&self, path: &str, value: &'v Value, name: &str) -> Result<Option<&'v [Value]>, Refusal> {
        match value.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            // One instead of a list of one: what a careless serialiser makes of it.
            Some(one @ Value::Object(_)) if self.mode == Mode::Quirky => Ok(Some(std::slice::from_ref(one))),
            Some(_) => Err(refused(codes::FIELD_TYPE, path, name, "应为数组")),
        }
    }

    fn names(&self, field: &Field) -> impl Iterator<Item = &'static str> {
        let also = if self.mode == Mode::Quirky { field.also } else { &[] };
        std::iter::once(field.name).chain(also.iter().copied())
    }

    fn find<'v>(&self, object: &'v Map<String, Value>, field: &Field) -> Option<&'v Value> {
        let found = self.names(field).find_map(|name| object.get(name)).filter(|value| !value.is_null())?;
        let left_empty = self.mode == Mode::Quirky && !field.required && found.as_str() == Some("");
        (!left_empty).then_some(found)
    }

    fn check<'v>(&self, field: &Field, value: &'v Value) -> Result<Cow<'v, str>, (&'static str, &'static str)> {
        let quirky = self.mode == Mode::Quirky;
        let text: Cow<'v, str> = match (field.kind, value) {
            (Kind::Number, Value::String(_)) if !quirky => return Err((codes::FIELD_TYPE, "应为数字")),
            (Kind::Number, Value::Number(number)) => number.to_string().into(),
            (_, Value::Number(number)) if quirky => number.to_string().into(),
            (Kind::Url, Value::String(text)) if quirky => text.trim().into(),
            (_, Value::String(text)) => text.as_str().into(),
            (Kind::Number, _) => return Err((codes::FIELD_TYPE, "应为数字")),
            _ => return Err((codes::FIELD_TYPE, "应为字符串")),
        };
        let chars = text.chars().count();
        let format = |holds: bool, rule| if holds { Ok(()) } else { Err((codes::FIELD_FORMAT, rule)) };
        match field.kind {
            Kind::Platform if quirky => format((1..=QUIRKY_CODE_CHARS_MAX).contains(&chars), "长度超限")?,
            Kind::Platform if text != self.platform => return Err((codes::PLATFORM, "与账号不符")),
            Kind::Platform | Kind::Elsewhere => {}
            Kind::Code | Kind::Card if quirky => format((1..=QUIRKY_CODE_CHARS_MAX).contains(&chars), "长度超限")?,
            Kind::Code => format(is_code(&text), "应为 32 位小写十六进制")?,
            Kind::Card => format(is_identity_number(&text), "不是有效的身份证号码")?,
            Kind::Text(chars_max) => format((1..=chars_max).contains(&chars), "长度超限")?,
            Kind::Url => format(chars <= URL_CHARS_MAX && is_url(&text), "应为 http 或 https 地址")?,
            Kind::Number | Kind::Digits => format(text.parse::<u32>().is_ok(), "应为非负整数")?,
            Kind::OneOf(known) if !known.contains(&text.as_ref()) => return Err((codes::FIELD_ENUM, "取值不在范围内")),
            Kind::OneOf(_) => {}
        }
        Ok(text)
    }
}

/// The object at this path.
pub(super) fn object<'v>(path: &str, value: &'v Value) -> Result<&'v Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| Refusal::new(codes::FIELD_TYPE, format!("字段 {path} 应为对象")))
}

/// A refusal about one field.
pub(super) fn refused(code: &'static str, path: &str, name: &str, rule: &str) -> Refusal {
    Refusal::new(code, format!("字段 {path}.{name} {rule}"))
}

fn is_code(text: &str) -> bool {
    text.len() == CODE_CHARS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_url(text: &str) -> bool {
    // A URL parser forgives blanks around; the document does not say that the platform does.
    text.trim() == text && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
