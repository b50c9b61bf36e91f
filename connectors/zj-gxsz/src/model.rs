//! What goes in and out of the operations. A record is an open object, because which members it has is a matter of the
//! link's mapping; its schema names the members of the simulator profile and refuses none.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use duijie_sdk::mapping::Wire;

/// A talk record as the platform has it: an object, or nothing in it is found.
pub type Record = Value;

/// Which of the upstream's three lists a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// A talk with one student (一对一谈心谈话).
    One,
    /// One talk with several students (一对多).
    Multi,
    /// A contact with a parent (家校联系).
    Patriarch,
}

impl Endpoint {
    /// Its name in config and output.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Multi => "multi",
            Self::Patriarch => "patriarch",
        }
    }
}

/// A record that the upstream has accepted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Accepted {
    /// The record's key as pushed.
    #[serde(rename = "recordId")]
    pub record_id: String,
    /// Which list it went to.
    pub endpoint: Endpoint,
    /// Always true: a refusal is a failure.
    pub accepted: bool,
    /// The upstream's code as text.
    pub upstream_code: String,
    /// The upstream's message, without what the record says of persons.
    pub upstream_message: String,
    /// When it was sent, RFC 3339 in China time.
    pub submitted_at: String,
    /// How often this call sent it: 2 if the token had to be renewed.
    pub attempt: u32,
    /// Has this link pushed this record before? As far as it remembers (30 days, the newest quarter million of a list);
    /// null if the store is full or does not answer.
    pub overwrote: Option<bool>,
}

/// What `record.check` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckInput {
    /// The list it would go to.
    pub endpoint: Endpoint,
    /// The record as it would be pushed.
    #[schemars(with = "AnyRecord")]
    pub record: Record,
}

/// The schema of a record, where a type has to give it.
struct AnyRecord;

impl JsonSchema for AnyRecord {
    fn schema_name() -> Cow<'static, str> {
        "Record".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        record_schema().try_into().unwrap_or_default()
    }
}

/// What a push would send.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checked {
    /// The list it would go to.
    pub endpoint: Endpoint,
    /// The record in the upstream's terms.
    #[schemars(with = "Map<String, Value>")]
    pub record: Wire,
    /// Bytes of its JSON text, the plaintext of SM4.
    pub plaintext_bytes: usize,
    /// Bytes after SM4 and padding, before base64.
    pub ciphertext_bytes: usize,
}

/// The schema of a record to push: only types, because what is required and how long it may be is in the mapping, which
/// the connector checks and reports as a whole.
pub fn record_schema() -> Value {
    serde_json::from_slice(include_bytes!("record.schema.json")).unwrap_or_default()
}
