//! What inputs and outputs of many operations have in common. Lengths are in characters.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The input of an operation that needs none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// What an operation answers whose upstream says no more than "success".
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// Always true: a refusal is a failure.
    pub accepted: bool,
    /// The upstream's text; usually "success".
    pub upstream_message: String,
    /// How often this call sent it: 2 if the log-in had to be renewed.
    pub attempt: u32,
}

/// A code of the upstream's: 1 to 64 characters that are not all blanks, as a rule a UUID of 32 lower-case hex digits. A UUID that comes with
/// hyphens or capitals is brought into that form; anything else is left as it is, because the upstream's own examples
/// are not all UUIDs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Code(String);

impl Code {
    /// As sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Code {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim();
        if text.is_empty() {
            return Err("a code must not be blank");
        }
        let groups: Vec<usize> = text.split('-').map(str::len).collect();
        let has_form = matches!(groups.as_slice(), [32] | [8, 4, 4, 4, 12]);
        if has_form && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()) {
            return Ok(Self(text.replace('-', "").to_ascii_lowercase()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": "\\S" })
    }
}

/// Sets a member of a record; of what is no object, nothing.
pub fn set(record: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = record.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}

/// A number as the upstream wants it here.
pub fn number(value: u32, as_text: bool) -> Value {
    if as_text { value.to_string().into() } else { value.into() }
}
