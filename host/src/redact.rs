//! Keeps personal data and credentials out of log lines and failure messages.
//!
//! Three nets, because each has holes: names of fields whose value is always masked, in free text, JSON and URLs alike;
//! shapes (identity numbers, mobile numbers, long base64); and the values that this very call got or gave at the places
//! its operation declares personal (`personal.rs`), wherever they turn up. It masks too much rather than too little,
//! and never decides what is logged. Against a guest that hides data on purpose it is no defence.
//!
//! Redact first, then cut to length, then escape: a value cut in two is not found. Time is linear in the text; callers
//! bound the text.

mod escape;
mod personal;

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

pub(crate) use escape::escape_control;
pub(crate) use personal::{PersonalPointers, PersonalValues, PointerError};

/// What stands where something was.
pub(crate) const MASK: &str = "***";

/// Names whose value is masked whole, in any case and with `_` or `-` between words or not: the upstreams' fields for
/// people, credentials and sealed payloads, and HTTP's own.
const FIELDS: [&str; 50] = [
    "idcardno",
    "cardno",
    "stucard",
    "teacard",
    "idnum",
    "name",
    "username",
    "studentname",
    "stuname",
    "teaname",
    "phone",
    "mobile",
    "studentphone",
    "password",
    "passwd",
    "pwd",
    "token",
    "usertoken",
    "accepttoken",
    "accesstoken",
    "refreshtoken",
    "accessticket",
    "ticket",
    "st",
    "usessionid",
    "localsession",
    "keyinfo",
    "sign",
    "xsignature",
    "xbghmacsignature",
    "authorization",
    "cookie",
    "setcookie",
    "appkey",
    "apikey",
    "xapikey",
    "clientsecret",
    "servicepwd",
    "secret",
    "verifycode",
    "verificationcode",
    "target",
    "data",
    "content",
    "ercunphotos",
    "ercunphotourl",
    "recordvideourl",
    "account",
    "loginaccount",
    "loginname",
];

/// The rest of the list; apart only because it is the one word that is no field elsewhere.
const BIRTHDAY: &str = "birthday";

/// Headers whose value is the rest of the line, blanks and semicolons included.
const LINE: &str = r#"(?P<line>(?-u:\b)(?i-u:set-cookie|cookie|authorization)[ \t]*:[ \t]*)[^ \t\r\n"'][^\r\n"']*"#;

/// A field's name, perhaps quoted, and what stands between it and the value.
const NAME: &str = r#"(?P<name>(?-u:\b)(?i-u:NAMES)(?-u:\b)\\*["']?[ \t]*[:=：][ \t]*)"#;

/// A field's value: quoted within a JSON string; quoted; a bracket, whose end [`nested`] finds; up to a delimiter.
const VALUE: &str = r#"(?:\\+"(?:[^"\\]|\\+[^"\\])*(?:\\+")?|"(?:[^"\\]|\\(?s:.))*"?|'(?:[^'\\]|\\(?s:.))*'?|(?P<open>[\[{])|[^ \t\r\n"'&;,}\])]+)"#;

/// Characters of base64 that are taken for a sealed payload, a key or a picture: longer than any name or address.
const BLOB_MIN: usize = 257;

/// Digits of the shortest number that is personal.
const NUMBER_MIN: usize = 11;

/// `None` if it cannot be built, which the tests rule out: then all text is masked.
static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let spaced = |name: &&str| {
        name.chars()
            .map(String::from)
            .collect::<Vec<_>>()
            .join("[_-]?")
    };
    let names: Vec<_> = FIELDS.iter().chain([&BIRTHDAY]).map(spaced).collect();
    let name = NAME.replace("NAMES", &names.join("|"));
    Regex::new(&format!("{LINE}|{name}{VALUE}")).ok()
});

/// Masks by field names and shapes, and the values of this call.
pub(crate) fn redact_text<'a>(text: &'a str, personal: &PersonalValues) -> Cow<'a, str> {
    let Some(pattern) = PATTERN.as_ref().filter(|_| !personal.is_overfull()) else {
        return Cow::Borrowed(MASK);
    };
    // Both look at the text as it is: what one masks must not hide the rest of a match from the other.
    let mut found = Vec::new();
    personal.find(text, &mut found);
    find_fields(pattern, text, &mut found);
    find_shapes(text, &mut found);
    if found.is_empty() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(replace(text, found))
    }
}

/// Masks a named value, as in a log field: whole if the name says so.
pub(crate) fn redact_field<'a>(
    name: &str,
    value: &'a str,
    personal: &PersonalValues,
) -> Cow<'a, str> {
    if is_field(name) {
        Cow::Borrowed(MASK)
    } else {
        redact_text(value, personal)
    }
}

/// Masks within JSON, for instance a failure's detail: values whose name says so whole, texts and numbers as text.
/// As deep as serde_json parses, 128 levels.
pub(crate) fn redact_json(value: &mut Value, personal: &PersonalValues) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if is_field(name) {
                    *value = Value::String(MASK.into());
                } else {
                    redact_json(value, personal);
                }
            }
        }
        Value::Array(elements) => elements
            .iter_mut()
            .for_each(|element| redact_json(element, personal)),
        Value::String(text) => *text = redact_text(text, personal).into_owned(),
        Value::Number(number) => {
            let text = number.to_string();
            let masked = redact_text(&text, personal);
            if masked != text {
                *value = Value::String(masked.into_owned());
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Is the value of a field of this name always masked?
pub(crate) fn is_field(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    plain == BIRTHDAY || FIELDS.contains(&plain.as_str())
}

fn find_fields(pattern: &Regex, text: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(hit) = pattern.captures_at(text, at) {
        let Some(whole) = hit.get(0) else { return };
        let start = hit
            .name("name")
            .or_else(|| hit.name("line"))
            .map_or(whole.start(), |name| name.end());
        let end = if hit.name("open").is_some() {
            nested(text, start)
        } else {
            whole.end()
        };
        found.push(start..end);
        // A match is never empty.
        at = end;
    }
}

/// Numbers of people and long base64, each a whole run of its characters.
fn find_shapes(text: &str, found: &mut Vec<Range<usize>>) {
    let mut runs = |is_part: fn(u8) -> bool, is_meant: fn(&str) -> bool| {
        let mut start = 0;
        for end in 0..=text.len() {
            if text.as_bytes().get(end).is_some_and(|byte| is_part(*byte)) {
                continue;
            }
            // Runs are ASCII, so they begin and end at characters.
            if end > start && text.get(start..end).is_some_and(is_meant) {
                found.push(start..end);
            }
            start = end.saturating_add(1);
        }
    };
    runs(
        |byte| byte.is_ascii_digit(),
        |run| run.len() >= NUMBER_MIN && is_mobile(run),
    );
    runs(
        |byte| byte.is_ascii_digit() || matches!(byte, b'X' | b'x'),
        is_identity,
    );
    runs(
        |byte| byte.is_ascii_alphanumeric() || b"+/_-=".contains(&byte),
        |run| run.len() >= BLOB_MIN,
    );
}

/// A mobile number, with or without its prefix. Other lengths are times and counters.
fn is_mobile(run: &str) -> bool {
    let mobile = |number: &str| matches!(number.as_bytes(), [b'1', b'3'..=b'9', rest @ ..] if rest.len() == 9);
    ["", "0", "86", "086", "0086"]
        .iter()
        .any(|prefix| run.strip_prefix(prefix).is_some_and(mobile))
}

/// Seventeen digits and one more or an X; what is longer is taken for one with something stuck to it.
fn is_identity(run: &str) -> bool {
    run.split(['X', 'x']).any(|digits| digits.len() >= 17) && run.len() >= 18
}

/// Where the object or array that begins here ends; the end of the text if it does not.
fn nested(text: &str, start: usize) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth = depth.saturating_add(1),
            b']' | b'}' if !quoted => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at.saturating_add(1);
                }
            }
            _ => {}
        }
    }
    text.len()
}

fn replace(text: &str, mut found: Vec<Range<usize>>) -> String {
    found.sort_unstable_by_key(|range| range.start);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for range in found {
        // What overlaps or touches the last one is behind the same mask.
        if range.start > at || at == 0 {
            out.push_str(text.get(at..range.start).unwrap_or_default());
            out.push_str(MASK);
        }
        at = at.max(text.ceil_char_boundary(range.end));
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests;
