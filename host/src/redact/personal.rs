//! The personal values of one call: what stands in its input and output where the operation's manifest says so.
//!
//! Pointers are read once per revision; values are collected per call, and only when there is something to redact. If a
//! call has more of them than can be kept, nothing of its texts is shown at all.
//!
//! Bounded by [`POINTERS_MAX`], [`VALUES_MAX`] and [`BYTES_MAX`].

use std::{
    collections::BTreeSet,
    fmt,
    ops::Range,
    sync::{Arc, OnceLock},
};

use serde_json::Value;

use crate::secret::{
    finder::{Finder, Spellings},
    spelling,
};

/// Most pointers of an operation.
const POINTERS_MAX: usize = 256;

/// Most values of a call.
const VALUES_MAX: usize = 4_096;

/// Most bytes of them: a whole request body.
const BYTES_MAX: usize = 1 << 20;

/// Bytes of a value that is looked for by its two ends: longer than any text a person writes into a form.
const LONG: usize = 64 << 10;

/// Bytes of such an end.
const ENDS: usize = 256;

/// Values of fewer characters are not looked for: they would mask every line.
const CHARS_MIN: usize = 2;

/// Where personal values stand: JSON Pointers (RFC 6901) in which the token `*` is every element or member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PersonalPointers(Vec<Vec<Token>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Every,
    /// A member's name or an element's index.
    One(String),
}

/// Why a manifest's pointer is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PointerError {
    /// It does not begin with a slash.
    #[error("the pointer {0:?} must be empty (the whole) or begin with /")]
    Start(String),
    /// A `~` that stands for nothing.
    #[error("in the pointer {0:?}, ~ must be followed by 0 (for ~) or 1 (for /)")]
    Escape(String),
    /// Over [`POINTERS_MAX`].
    #[error("an operation has at most 256 personal pointers, this one has {0}")]
    TooMany(usize),
}

impl PersonalPointers {
    /// Reads the pointers of an operation.
    pub(crate) fn parse(pointers: &[String]) -> Result<Self, PointerError> {
        if pointers.len() > POINTERS_MAX {
            return Err(PointerError::TooMany(pointers.len()));
        }
        pointers.iter().map(|pointer| parse_one(pointer)).collect::<Result<_, _>>().map(Self)
    }

    /// The values at these places: texts, and numbers as text; of objects and arrays, all that they hold.
    pub(crate) fn collect(&self, document: &Value) -> PersonalValues {
        let mut values = PersonalValues::default();
        self.0.iter().for_each(|pointer| walk(document, pointer, &mut values));
        values
    }
}

fn parse_one(pointer: &str) -> Result<Vec<Token>, PointerError> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let tokens = pointer.strip_prefix('/').ok_or_else(|| PointerError::Start(pointer.into()))?;
    let token = |text: &str| match text {
        "*" => Ok(Token::Every),
        _ if text.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1'])) => {
            Err(PointerError::Escape(pointer.into()))
        }
        // In this order, as RFC 6901 §4 says.
        _ => Ok(Token::One(text.replace("~1", "/").replace("~0", "~"))),
    };
    tokens.split('/').map(token).collect()
}

/// As deep as the pointer, then as deep as serde_json parses.
fn walk(value: &Value, pointer: &[Token], into: &mut PersonalValues) {
    let Some((token, rest)) = pointer.split_first() else {
        return into.add_all(value);
    };
    match (value, token) {
        (Value::Object(members), Token::Every) => members.values().for_each(|member| walk(member, rest, into)),
        (Value::Array(elements), Token::Every) => elements.iter().for_each(|element| walk(element, rest, into)),
        (Value::Object(members), Token::One(name)) => {
            members.get(name).into_iter().for_each(|member| walk(member, rest, into))
        }
        (Value::Array(elements), Token::One(index)) => {
            let element = index.parse::<usize>().ok().and_then(|index| elements.get(index));
            element.into_iter().for_each(|element| walk(element, rest, into));
        }
        _ => {}
    }
}

/// What must not be shown of one call. `Debug` does not show it either.
#[derive(Clone, Default)]
pub(crate) struct PersonalValues {
    values: BTreeSet<String>,
    bytes: usize,
    overfull: bool,
    finder: OnceLock<Arc<Finder>>,
}

impl PersonalValues {
    /// Were there more than can be looked for? Then nothing can be shown.
    pub(crate) const fn is_overfull(&self) -> bool {
        self.overfull
    }

    /// Adds where they stand in the text.
    pub(super) fn find(&self, text: &str, found: &mut Vec<Range<usize>>) {
        if self.values.is_empty() {
            return;
        }
        let finder = self.finder.get_or_init(|| {
            let mut spellings = Spellings::new();
            self.values.iter().for_each(|value| spelling::of_words(value, &mut spellings));
            Arc::new(Finder::new(spellings))
        });
        finder.find(text.as_bytes(), found);
    }

    fn add_all(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.len() > LONG => {
                // A photograph in base64: what could be quoted of it is its beginning, its end, or a shape that is
                // masked anyway.
                let end = text.len().saturating_sub(ENDS);
                self.add(text.get(..text.floor_char_boundary(ENDS)).unwrap_or_default().to_owned());
                self.add(text.get(text.ceil_char_boundary(end)..).unwrap_or_default().to_owned());
            }
            Value::String(text) => self.add(text.clone()),
            Value::Number(number) => self.add(number.to_string()),
            Value::Array(elements) => elements.iter().for_each(|element| self.add_all(element)),
            Value::Object(members) => members.values().for_each(|member| self.add_all(member)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn add(&mut self, value: String) {
        if value.chars().nth(CHARS_MIN.saturating_sub(1)).is_none()
            || value.trim().is_empty()
            || self.values.contains(&value)
        {
            return;
        }
        self.bytes = self.bytes.saturating_add(value.len());
        if self.values.len() >= VALUES_MAX || self.bytes > BYTES_MAX {
            self.overfull = true;
            return;
        }
        self.values.insert(value);
        self.finder = OnceLock::new();
    }
}

impl fmt::Debug for PersonalValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonalValues({})", self.values.len())
    }
}
