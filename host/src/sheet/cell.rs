//! A cell: how it is read as the kind its column has, and how a text is kept from being run as a formula.
//!
//! What a cell says is never in the text of a refusal.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::columns::Kind;

/// From here on Excel, which keeps 15 digits, has written zeros for the last ones.
const EXACT: f64 = 1e15;

/// Stands in a sheet for a text that a cell cannot hold. It is refused when it comes back: a cut text must not.
pub(super) const TOO_LONG: &str = "#TOO LONG FOR A CELL";

const DROPPED: &str =
    "stored as a number; Excel has dropped its last digits; format the column as text and enter it again";

/// What stands in a cell.
pub(super) enum Cell<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    Bool(bool),
    /// A date or a time, as text already.
    Date(String),
    /// `#N/A` and its like.
    Error,
}

/// Why a cell is not what its column says.
pub(super) struct Bad {
    pub(super) why: &'static str,
    /// What stands there, for the sheet that is given back.
    pub(super) shown: Option<String>,
}

impl Cell<'_> {
    /// Nothing but white space counts as nothing.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Cell::Text(text) if text.trim().is_empty())
    }

    /// About how many bytes it takes as JSON.
    pub(super) fn size(&self) -> usize {
        match self {
            Cell::Text(text) => text.len(),
            _ => 32,
        }
    }

    /// The value as the column's kind. Must not be called of an empty cell.
    pub(super) fn read(self, kind: Kind) -> Result<Value, Bad> {
        match (&self, kind) {
            (Cell::Error, _) => {
                return Err(Bad { why: "the cell holds an error of Excel; enter a value", shown: None });
            }
            (Cell::Text(text), _) if text == TOO_LONG => {
                let why = "the value is too long for a cell of Excel; send this record as JSON";
                return Err(Bad { why, shown: Some(TOO_LONG.into()) });
            }
            (Cell::Text(text), _) if text.contains('\0') => {
                return Err(Bad { why: "the cell holds a NUL character; enter it again", shown: None });
            }
            (Cell::Number(number), Kind::Text | Kind::Integer) if number.fract() == 0.0 && number.abs() >= EXACT => {
                return Err(Bad { why: DROPPED, shown: None });
            }
            // How Excel saves a number of twelve digits and more as CSV, an identity number as well.
            (Cell::Text(text), Kind::Text) if is_scientific(text) => {
                return Err(Bad { why: DROPPED, shown: Some(text.to_string()) });
            }
            _ => {}
        }
        let value = match kind {
            Kind::Text => Some(Value::String(self.shown())),
            Kind::Integer => self.integer().map(Value::from),
            Kind::Number => self.number().map(Value::Number),
            Kind::Boolean => self.boolean().map(Value::Bool),
        };
        value.ok_or_else(|| Bad { why: expected(kind), shown: Some(self.shown()) })
    }

    /// As Excel shows it, roughly.
    pub(super) fn shown(&self) -> String {
        match self {
            Cell::Text(text) => text.to_string(),
            Cell::Number(number) => number_of(*number).map(|number| number.to_string()).unwrap_or_default(),
            Cell::Bool(value) => value.to_string(),
            Cell::Date(text) => text.clone(),
            Cell::Error => String::new(),
        }
    }

    fn integer(&self) -> Option<i64> {
        match self {
            Cell::Number(_) => self.number()?.as_i64(),
            Cell::Text(text) => {
                let text = text.trim();
                let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
                let zeros = !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
                zeros.then(|| whole.parse().ok()).flatten()
            }
            _ => None,
        }
    }

    fn number(&self) -> Option<Number> {
        match self {
            Cell::Number(number) => number_of(*number),
            Cell::Text(text) => {
                let text = text.trim();
                // Neither `inf` nor `nan`, which Rust reads as well.
                let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
                let whole = || text.parse::<i64>().ok().map(Number::from);
                plain.then(|| whole().or_else(|| Number::from_f64(text.parse().ok()?))).flatten()
            }
            _ => None,
        }
    }

    fn boolean(&self) -> Option<bool> {
        match self {
            Cell::Bool(value) => Some(*value),
            Cell::Number(number) if *number == 1.0 => Some(true),
            Cell::Number(number) if *number == 0.0 => Some(false),
            Cell::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "是" => Some(true),
                "false" | "0" | "否" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a text is expected",
        Kind::Integer => "a whole number is expected, such as 12",
        Kind::Number => "a number is expected, such as 12.5",
        Kind::Boolean => "true or false is expected (or 1 or 0, 是 or 否)",
    }
}

/// With the 15 digits that Excel shows; without a fraction if there is none.
fn number_of(number: f64) -> Option<Number> {
    let rounded: f64 = format!("{number:.14e}").parse().ok()?;
    if rounded.fract() == 0.0 && rounded.abs() < EXACT {
        return format!("{rounded:.0}").parse::<i64>().ok().map(Number::from);
    }
    Number::from_f64(rounded)
}

/// `3.30106E+17`
fn is_scientific(text: &str) -> bool {
    let Some((digits, power)) = text.trim().split_once("E+") else {
        return false;
    };
    let mut digits = digits.strip_prefix('-').unwrap_or(digits).bytes();
    digits.next().is_some_and(|byte| byte.is_ascii_digit())
        && digits.next().is_none_or(|byte| byte == b'.')
        && digits.all(|byte| byte.is_ascii_digit())
        && power.parse::<u16>().is_ok_and(|power| power >= 11)
}

/// Would a spreadsheet run it, if quotes before it are taken off? Then a quote more or less makes a difference.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A text as it may stand in CSV: what a spreadsheet would run has a quote before it.
pub(super) fn guard(text: &str) -> Cow<'_, str> {
    if is_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// A text as it may stand in XLSX, where no text is run: a quote is needed only before what [`unguard`] would take one from.
pub(super) fn guard_quoted(text: &str) -> Cow<'_, str> {
    if text.starts_with('\'') { guard(text) } else { Cow::Borrowed(text) }
}

/// Takes one such quote off, and no other.
pub(super) fn unguard(text: &str) -> &str {
    text.strip_prefix('\'').filter(|_| is_formula(text)).unwrap_or(text)
}
