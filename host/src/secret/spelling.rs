//! The ways in which a peer may write a secret back: what the masker looks for.
//!
//! It knows the encodings of everyday stacks (hex, base64, percent, JSON), each in the variants that common libraries
//! make. It does not know compression, encryption, hashing, or one encoding inside another: an upstream that transforms
//! and echoes still wins, and the threat model says so.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode};

use super::finder::{Bleed, Spellings};

/// Encodings shorter than this are not looked for: they would turn up in ordinary text by chance.
pub(super) const SHORT: usize = 6;

/// RFC 3986 §2.3 leaves these alone.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// JavaScript's `encodeURIComponent` leaves these alone too.
const COMPONENT: &AsciiSet = &UNRESERVED.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');
/// What a form and Java's `URLEncoder` leave alone; a blank is a `+` there.
const FORM: &AsciiSet = &UNRESERVED.remove(b'*').add(b'~');
/// What URL parsers escape in a query (WHATWG special-query).
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');
/// What URL parsers escape in a path.
const PATH: &AsciiSet = &QUERY.remove(b'\'').add(b'?').add(b'^').add(b'`').add(b'{').add(b'}');

/// Adds the spellings of a text: itself whatever its length, and those of its encodings that are not [`SHORT`].
pub(super) fn of_text(text: &str, into: &mut Spellings) {
    add(into, text.as_bytes().to_vec(), Bleed::default());
    of_bytes(text.as_bytes(), into);
    for slash in [false, true] {
        for html in [false, true] {
            for unicode in [Unicode::Raw, Unicode::Lower, Unicode::Upper] {
                let mut out = Vec::new();
                json(text, JsonStyle { slash, html, unicode }, &mut out);
                add_long(into, out);
            }
        }
    }
}

/// Adds the spellings in which a text turns up in messages: as it is, in URLs, and in JSON that is all ASCII.
pub(crate) fn of_words(text: &str, into: &mut Spellings) {
    add(into, text.as_bytes().to_vec(), Bleed::default());
    let encoded = percent_encode(text.as_bytes(), UNRESERVED).to_string();
    add(into, encoded.replace("%20", "+").into_bytes(), Bleed::default());
    add(into, lower_escapes(&encoded).into_bytes(), Bleed::default());
    add(into, encoded.into_bytes(), Bleed::default());
    for unicode in [Unicode::Raw, Unicode::Lower, Unicode::Upper] {
        let mut out = Vec::new();
        json(text, JsonStyle { unicode, ..JsonStyle::default() }, &mut out);
        add(into, out, Bleed::default());
    }
}

/// Adds the spellings of bytes that need not be text, for instance a decoded key.
pub(super) fn of_bytes(bytes: &[u8], into: &mut Spellings) {
    add_long(into, bytes.to_vec());
    add_long(into, hex::encode(bytes).into_bytes());
    add_long(into, hex::encode_upper(bytes).into_bytes());
    for encoded in
        [STANDARD.encode(bytes), STANDARD_NO_PAD.encode(bytes), URL_SAFE.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)]
    {
        add_long(into, encoded.into_bytes());
    }
    for before in 0..3 {
        aligned(bytes, before, into);
    }
    for set in [UNRESERVED, COMPONENT, FORM, QUERY, PATH, NON_ALPHANUMERIC] {
        let upper = percent_encode(bytes, set).to_string();
        let lower = lower_escapes(&upper);
        for encoded in [upper.replace("%20", "+"), lower.replace("%20", "+"), upper, lower] {
            add_long(into, encoded.into_bytes());
        }
    }
}

/// Base64 of something longer that has `before` bytes (modulo 3) in front of these: the characters that depend on
/// these bytes alone. Those at the two ends that share bits with a neighbour are left to [`Bleed`].
fn aligned(bytes: &[u8], before: usize, into: &mut Spellings) {
    let shifted = [vec![0; before].as_slice(), bytes].concat();
    let first = (before * 8).div_ceil(6);
    let end = shifted.len() * 8 / 6;
    let bleed = Bleed { left: before != 0, right: !shifted.len().is_multiple_of(3) };
    for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
        if let Some(core) = encoded.as_bytes().get(first..end)
            && core.len() >= SHORT
        {
            add(into, core.to_vec(), bleed);
        }
    }
}

/// What a JSON writer escapes beyond what it must.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JsonStyle {
    /// `/` as `\/` (PHP).
    pub(super) slash: bool,
    /// `< > & = '` as `\u003c` and so on (Gson, Go).
    pub(super) html: bool,
    /// Characters outside ASCII.
    pub(super) unicode: Unicode,
}

/// How a JSON writer writes characters outside ASCII.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Unicode {
    /// As they are.
    #[default]
    Raw,
    /// `\u5f20`.
    Lower,
    /// `\u5F20`.
    Upper,
}

/// Appends the inside of a JSON string. By hand because no crate writes all these dialects.
pub(super) fn json(text: &str, style: JsonStyle, out: &mut Vec<u8>) {
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '/' if style.slash => out.extend_from_slice(b"\\/"),
            '\0'..'\u{20}' => units(c, style.unicode, out),
            '<' | '>' | '&' | '=' | '\'' if style.html => units(c, style.unicode, out),
            '\u{80}'.. if !matches!(style.unicode, Unicode::Raw) => units(c, style.unicode, out),
            _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn units(c: char, unicode: Unicode, out: &mut Vec<u8>) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        let escape = match unicode {
            Unicode::Upper => format!("\\u{unit:04X}"),
            Unicode::Raw | Unicode::Lower => format!("\\u{unit:04x}"),
        };
        out.extend_from_slice(escape.as_bytes());
    }
}

/// `%2B` as `%2b`, and nothing else.
fn lower_escapes(text: &str) -> String {
    let mut escape = 0;
    let lower = |c: char| {
        escape = if c == '%' { 2 } else { i32::max(escape - 1, -1) };
        if escape >= 0 && c != '%' { c.to_ascii_lowercase() } else { c }
    };
    text.chars().map(lower).collect()
}

fn add_long(into: &mut Spellings, bytes: Vec<u8>) {
    if bytes.len() >= SHORT {
        add(into, bytes, Bleed::default());
    }
}

fn add(into: &mut Spellings, bytes: Vec<u8>, bleed: Bleed) {
    let known = into.entry(bytes).or_default();
    known.left |= bleed.left;
    known.right |= bleed.right;
}
