//! The mapping engine: the platform's record → the upstream's, by a list of fields in a link's config. It reports every violation
//! with a JSON Pointer into the platform's record, and no message holds a value. Members come out in the mapping's order.

mod check;
mod convert;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;

use crate::{table::Table, time::DATE_TIME};

pub use check::problems;

/// How one list's records become the upstream's.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The upstream's fields in the order sent.
    pub fields: Vec<Field>,
    /// What becomes of members of the record that no field names, at the record's top level.
    #[serde(default)]
    pub unknown: Unknown,
}

/// What becomes of members that no field names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// They are violations: a misspelt member is noticed.
    #[default]
    Refuse,
    /// They are left out.
    Drop,
    /// They are sent under their own names, after the fields.
    Pass,
}

/// One field of the upstream's.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The upstream's name.
    pub to: String,
    /// The platform's name, or a JSON Pointer when it begins with "/"; as `to` when left out.
    #[serde(default)]
    pub from: Option<String>,
    /// Must it be there, neither null nor empty?
    #[serde(default)]
    pub required: bool,
    /// What it is at the upstream.
    #[serde(default, rename = "type")]
    pub kind: Kind,
    /// Characters of a text, or elements of a list, at the least.
    #[serde(default)]
    pub min_length: Option<usize>,
    /// Characters of a text, or elements of a list, at the most.
    #[serde(default)]
    pub max_length: Option<usize>,
    /// The platform's values and what the upstream calls them; any other is a violation.
    #[serde(default)]
    #[schemars(with = "Option<Table<Value>>")]
    pub values: Option<BTreeMap<String, Value>>,
    /// The patterns (`yyyy MM dd HH mm ss SSS`, China time) in which a date may come; `yyyy-MM-dd HH:mm:ss` if empty.
    #[serde(default)]
    pub date_from: Vec<String>,
    /// The pattern in which a date is sent; `yyyy-MM-dd HH:mm:ss` if left out.
    #[serde(default)]
    pub date_to: Option<String>,
    /// Always this, whatever the record says.
    #[serde(default)]
    pub constant: Option<Value>,
    /// The fields of an object, or of each element of a list; empty = taken as it is.
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// What a field is at the upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Text; an integer is written as text.
    #[default]
    String,
    /// A whole number; text of digits is read as one.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A date and time, from one of `date_from` to `date_to`.
    Date,
    /// An object with `fields`.
    Object,
    /// A list; each element an object with `fields`, if there are any.
    List,
    /// Any JSON, as it is.
    Any,
}

impl Field {
    /// Where the value comes from, as a JSON Pointer into the object it is in.
    fn source(&self) -> String {
        match self.from.as_deref() {
            Some(pointer) if pointer.starts_with('/') => pointer.to_owned(),
            name => format!("/{}", escape(name.unwrap_or(&self.to))),
        }
    }

    fn date_from(&self) -> impl Iterator<Item = &str> {
        let usual = if self.date_from.is_empty() { Some(DATE_TIME) } else { None };
        self.date_from.iter().map(String::as_str).chain(usual)
    }

    fn date_to(&self) -> &str {
        self.date_to.as_deref().unwrap_or(DATE_TIME)
    }
}

/// A record in the upstream's terms: JSON whose objects keep their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Wire {
    /// Anything whose order does not matter.
    Value(Value),
    /// Members in the order sent.
    Object(Vec<(String, Wire)>),
    /// Elements.
    List(Vec<Wire>),
}

impl Serialize for Wire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::List(elements) => serializer.collect_seq(elements),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// One thing wrong with a record: a JSON Pointer into it, and what would be right.
pub type Violation = (String, String);

/// Maps a record.
///
/// # Errors
/// Every violation, in the order of the fields.
pub fn map(mapping: &Mapping, record: &Value) -> Result<Wire, Vec<Violation>> {
    let mut violations = Vec::new();
    let mut members = convert::fields(&mapping.fields, record, "", &mut violations);
    for (name, value) in record.as_object().into_iter().flatten() {
        let at = format!("/{}", escape(name));
        let is_named = mapping.fields.iter().any(|field| is_within(&field.source(), &at));
        match mapping.unknown {
            _ if is_named => {}
            Unknown::Drop => {}
            Unknown::Refuse => violations.push((at, "is not a field of this list".to_owned())),
            Unknown::Pass if members.iter().any(|(taken, _)| taken == name) => {
                violations.push((at, "has the name of another field at the upstream".to_owned()));
            }
            Unknown::Pass => members.push((name.clone(), Wire::Value(value.clone()))),
        }
    }
    if violations.is_empty() { Ok(Wire::Object(members)) } else { Err(violations) }
}

/// Is a pointer this one, or one into it?
fn is_within(pointer: &str, outer: &str) -> bool {
    pointer.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A member's name as a token of a JSON Pointer (RFC 6901).
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
