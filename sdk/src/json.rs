//! Reading the JSON of systems that are loose about it: a byte order mark, trailing commas, numbers as text and text as
//! numbers. Only for reading; what is written is always strict.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::typed;

/// JSON, whatever byte order mark stands before it and whatever commas stand before its closing brackets.
///
/// # Errors
/// The strict parser's, when it is no JSON even so.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    typed::from_value(value_of(bytes)?)
}

fn value_of(bytes: &[u8]) -> serde_json::Result<Value> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes)
        .or_else(|strict| serde_json::from_slice(&without_trailing_commas(bytes)).map_err(|_| strict))
}

/// The same bytes without the commas that nothing but white space parts from a closing bracket.
fn without_trailing_commas(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut kept = Vec::with_capacity(bytes.len());
    let (mut in_text, mut escaped) = (false, false);
    for (at, &byte) in bytes.iter().enumerate() {
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
        } else if byte == b'"' {
            in_text = true;
        } else if byte == b',' {
            let rest = bytes.get(at + 1..).unwrap_or_default();
            if matches!(rest.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b']' | b'}')) {
                continue;
            }
        }
        kept.push(byte);
    }
    if kept.len() == bytes.len() { Cow::Borrowed(bytes) } else { Cow::Owned(kept) }
}

/// A scalar as text, however it was written; `None` for null, lists and objects.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A whole number that may stand in quotes.
pub fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The first of these places (JSON Pointers) where there is something.
pub fn first<'a>(value: &'a Value, pointers: &[&str]) -> Option<&'a Value> {
    pointers.iter().find_map(|pointer| value.pointer(pointer).filter(|found| !found.is_null()))
}

/// A member by name in any case: of two that differ in case only, the exact one.
pub fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    let other = || object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, found)| found);
    object.get(name).or_else(other)
}

/// For `#[serde(deserialize_with = "…")]`: a scalar as text; null is empty.
///
/// # Errors
/// A list or an object.
pub fn as_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(String::new()),
        value => text(&value).ok_or_else(|| serde::de::Error::custom("expected a text or a number")),
    }
}

/// For `#[serde(default, deserialize_with = "…")]`: a scalar as text; null and empty are absent.
///
/// # Errors
/// A list or an object.
pub fn as_text_option<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    as_text(from).map(|text| Some(text).filter(|text| !text.is_empty()))
}

/// For `#[serde(deserialize_with = "…")]`: a whole number that may stand in quotes.
///
/// # Errors
/// Anything else.
pub fn as_integer<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    integer(&Value::deserialize(from)?).ok_or_else(|| serde::de::Error::custom("expected a whole number"))
}

/// For `#[serde(default, deserialize_with = "…")]`: a list, or one element without its list; null is an empty one.
///
/// # Errors
/// The elements'.
pub fn as_list<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let elements = match Value::deserialize(from)? {
        Value::Null => Vec::new(),
        Value::Array(elements) => elements,
        one => vec![one],
    };
    elements.into_iter().map(typed::from_value).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_byte_order_mark_and_trailing_commas_are_passed_over() {
        let loose = "\u{feff}{\"a\":[1,2, ],\"b\":\"x,}\\\",]\",\n}";
        assert_eq!(parse::<Value>(loose.as_bytes()).unwrap(), json!({ "a": [1, 2], "b": "x,}\",]" }));
    }

    #[test]
    fn what_is_broken_otherwise_stays_an_error() {
        for bad in ["{\"code\":0\"msg\":\"\"}", "[,]x", "{,", "<html>"] {
            assert!(parse::<Value>(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn scalars_are_read_however_they_are_written() {
        #[derive(Deserialize, PartialEq, Debug)]
        struct Fans {
            #[serde(deserialize_with = "as_text")]
            count: String,
            #[serde(deserialize_with = "as_integer")]
            page: i64,
            #[serde(default, deserialize_with = "as_list")]
            users: Vec<String>,
            #[serde(default, deserialize_with = "as_text_option")]
            note: Option<String>,
        }
        let read = |value| serde_json::from_value::<Fans>(value).unwrap();
        let expected = |users: &[&str]| Fans {
            count: "0".into(),
            page: 7,
            users: users.iter().map(|&user| user.into()).collect(),
            note: None,
        };
        assert_eq!(read(json!({ "count": 0, "page": "7", "users": "a" })), expected(&["a"]));
        assert_eq!(read(json!({ "count": "0", "page": 7, "users": ["a", "b"], "note": "" })), expected(&["a", "b"]));
    }

    #[test]
    fn members_are_found_in_any_case() {
        let value = json!({ "usessionid": "1", "usessionId": "2" });
        assert_eq!(member(&value, "usessionId"), Some(&json!("2")));
        assert_eq!(member(&value, "USESSIONID"), Some(&json!("2")).or(Some(&json!("1"))));
        assert_eq!(first(&json!({ "a": null, "b": 1 }), &["/a", "/b"]), Some(&json!(1)));
    }
}
