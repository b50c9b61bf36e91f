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
pub(crate) use personal::{PersonalPointers, PersonalValues};

/// What stands where something was.
pub(crate) const MASK: &str = "***";

/// Names whose value is masked whole, in any case and with `_` or `-` between words or not: the upstreams' fields for
/// people, credentials and sealed payloads, and HTTP's own.
const FIELDS: [&str; 51] = [
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
    "birthday",
];

/// Headers whose value is the rest of the line, blanks and semicolons included.
const LINE: &str = r#"(?-u:\b)(?i-u:set-cookie|cookie|authorization)[ \t]*:[ \t]*(?P<rest>[^ \t\r\n"'][^\r\n"']*)"#;

/// A field's name, perhaps quoted, and what stands between it and the value. `NAMES` is filled in.
const NAME: &str = r#"(?-u:\b)(?i-u:NAMES)(?-u:\b)\\*["']?[ \t]*[:=：][ \t]*"#;

/// A field's value: quoted within a JSON string; quoted; a bracket, whose end [`nested`] finds; up to a delimiter.
/// Quotes are not part of what is masked, and may be missing at the end of a text that was cut.
const VALUE: &str = concat!(
    r#"(?:\\+"(?P<inner>(?:[^"\\]|\\+[^"\\])*)(?:\\+")?"#,
    r#"|"(?P<double>(?:[^"\\]|\\(?s:.))*)"?"#,
    r#"|'(?P<single>(?:[^'\\]|\\(?s:.))*)'?"#,
    r#"|(?P<open>[\[{])|(?P<bare>[^ \t\r\n"'&;,}\])]+))"#,
);

/// Which of these groups took part says what is masked.
const MASKED: [&str; 5] = ["inner", "double", "single", "bare", "rest"];

/// Characters of base64 that are taken for a sealed payload, a key or a picture: longer than any name or address.
const BLOB_MIN: usize = 257;

/// Masks by field names and shapes, and the values of a call. One serves the process: it holds only the patterns.
pub(crate) struct Redactor {
    /// `None` if they cannot be built, which the tests rule out: then all text is masked.
    fields: Option<Regex>,
}

impl Redactor {
    /// The one of the process.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: LazyLock<Redactor> = LazyLock::new(Redactor::new);
        &SHARED
    }

    fn new() -> Self {
        let spaced = |name: &&str| name.chars().map(String::from).collect::<Vec<_>>().join("[_-]?");
        let names: Vec<_> = FIELDS.iter().map(spaced).collect();
        let name = NAME.replace("NAMES", &names.join("|"));
        Self { fields: Regex::new(&format!("{LINE}|{name}{VALUE}")).ok() }
    }

    /// Masks within free text. For JSON there is [`redact_json`](Self::redact_json): here, a number that is masked is no
    /// JSON any more.
    pub(crate) fn redact_text<'a>(&self, text: &'a str, personal: &PersonalValues) -> Cow<'a, str> {
        let Some(fields) = self.fields.as_ref().filter(|_| !personal.is_overfull()) else {
            return Cow::Borrowed(MASK);
        };
        // All look at the text as it is: what one masks must not hide the rest of a match from another.
        let mut found = Vec::new();
        personal.find(text, &mut found);
        find_fields(fields, text, &mut found);
        find_shapes(text, &mut found);
        if found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(replace(text, found)) }
    }

    /// Masks within JSON, for instance a failure's detail: values whose name says so whole, texts and numbers as text.
    /// As deep as serde_json parses, 128 levels.
    pub(crate) fn redact_json(&self, value: &mut Value, personal: &PersonalValues) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    if self.is_personal_field(name) {
                        *value = Value::String(MASK.into());
                    } else {
                        self.redact_json(value, personal);
                    }
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.redact_json(element, personal)),
            Value::String(text) => *text = self.redact_text(text, personal).into_owned(),
            Value::Number(number) => {
                let text = number.to_string();
                let masked = self.redact_text(&text, personal);
                if masked != text {
                    *value = Value::String(masked.into_owned());
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Is the value of a field of this name always masked whole?
    pub(crate) fn is_personal_field(&self, name: &str) -> bool {
        let plain: String = name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect();
        FIELDS.contains(&plain.as_str())
    }
}

fn find_fields(fields: &Regex, text: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(hit) = fields.captures_at(text, at) {
        let Some(whole) = hit.get(0) else { return };
        at = whole.end();
        if let Some(value) = MASKED.iter().find_map(|group| hit.name(group)) {
            found.push(value.range());
        } else if let Some(open) = hit.name("open") {
            at = nested(text, open.start());
            found.push(open.start()..at);
        }
    }
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
    runs(|byte| byte.is_ascii_digit(), is_mobile);
    runs(|byte| byte.is_ascii_digit() || matches!(byte, b'X' | b'x'), is_identity);
    runs(|byte| byte.is_ascii_alphanumeric() || b"+/_-=".contains(&byte), |run| run.len() >= BLOB_MIN);
}

/// A mobile number, with or without its prefix. Other lengths are times and counters.
fn is_mobile(run: &str) -> bool {
    let mobile = |number: &str| matches!(number.as_bytes(), [b'1', b'3'..=b'9', rest @ ..] if rest.len() == 9);
    ["", "0", "86", "086", "0086"].iter().any(|prefix| run.strip_prefix(prefix).is_some_and(mobile))
}

/// Seventeen digits and one more or an X; what is longer is taken for one with something stuck to it.
fn is_identity(run: &str) -> bool {
    run.len() >= 18 && run.split(['X', 'x']).any(|digits| digits.len() >= 17)
}

fn replace(text: &str, mut found: Vec<Range<usize>>) -> String {
    found.sort_unstable_by_key(|range| range.start);
    let (mut out, mut at, mut masked) = (String::with_capacity(text.len()), 0, false);
    for range in found {
        // What overlaps or touches the last one is behind the same mask.
        if range.start > at || !masked {
            out.push_str(text.get(at..range.start).unwrap_or_default());
            out.push_str(MASK);
        }
        masked = true;
        at = at.max(text.ceil_char_boundary(range.end));
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests;
