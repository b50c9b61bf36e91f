//! The manifest's JSON (`wit/manifest.schema.json`) as types that only serialise. Nothing here is built in a call.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

use crate::{Connector, Hooks, Operations, Use};

/// What `describe` answers.
#[derive(Serialize)]
pub(crate) struct Manifest {
    manifest: u8,
    name: &'static str,
    version: &'static str,
    summary: Summary,
    sdk: &'static str,
    config: Value,
    secrets: Vec<Secret>,
    operations: Vec<Operation>,
    hooks: Vec<Hook>,
    origins: Vec<String>,
}

/// One text in two languages.
#[derive(Serialize, Default)]
pub(crate) struct Summary {
    pub(crate) en: String,
    pub(crate) zh: String,
}

/// One secret slot.
#[derive(Serialize)]
struct Secret {
    name: String,
    summary: Summary,
    uses: Vec<Use>,
    optional: bool,
}

/// One operation.
#[derive(Serialize)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) summary: Summary,
    pub(crate) input: Value,
    pub(crate) output: Value,
    pub(crate) effect: &'static str,
    pub(crate) repeat: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) every_version: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) direct_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) coalesce: Option<Coalesce>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) personal: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deadline_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_body: Option<u32>,
}

/// Which members of queued inputs are added up, and of which the last counts.
#[derive(Serialize)]
pub(crate) struct Coalesce {
    pub(crate) sum: Vec<String>,
    pub(crate) last: Vec<String>,
}

/// One hook.
#[derive(Serialize)]
pub(crate) struct Hook {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) summary: Summary,
    pub(crate) caller: &'static str,
}

impl Manifest {
    /// Everything that a connector registers.
    pub(crate) fn of<C: Connector>() -> Self {
        let about = C::about();
        let mut operations = Operations::describing();
        C::operations(&mut operations);
        let mut hooks = Hooks::describing();
        C::hooks(&mut hooks);
        let secrets = about.secrets.into_iter();
        Self {
            manifest: 1,
            name: C::NAME,
            version: C::VERSION,
            summary: about.summary.into(),
            sdk: concat!("duijie-sdk ", env!("CARGO_PKG_VERSION")),
            config: schema_of::<C::Config>(),
            secrets: secrets
                .map(|slot| Secret {
                    name: slot.name,
                    summary: slot.summary.into(),
                    uses: slot.uses,
                    optional: slot.optional,
                })
                .collect(),
            operations: operations.described(),
            hooks: hooks.described(),
            origins: about.origins,
        }
    }
}

/// The schema of a type that a connector registers. A component whose manifest is made beforehand never asks for it,
/// and has nothing to make it with.
pub(crate) fn schema_for<C: Connector, T: JsonSchema>() -> Value {
    let is_made = cfg!(target_arch = "wasm32") && C::MANIFEST.is_some();
    if is_made { Value::Null } else { schema_of::<T>() }
}

/// The JSON Schema (2020-12) of a type.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    root_schema(T::json_schema, T::schema_name)
}

/// Apart from the type, so that a connector of many operations holds this once: schemars' own is compiled for every type.
fn root_schema(schema: fn(&mut SchemaGenerator) -> Schema, name: fn() -> Cow<'static, str>) -> Value {
    let mut generator = SchemaGenerator::default();
    let mut schema = schema(&mut generator);
    let definitions = generator.take_definitions(true);
    let root = schema.ensure_object();
    root.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    root.entry("title").or_insert_with(|| name().into());
    if !definitions.is_empty() {
        root.insert("$defs".to_owned(), definitions.into());
    }
    schema.to_value()
}

impl From<(String, String)> for Summary {
    fn from((en, zh): (String, String)) -> Self {
        Self { en, zh }
    }
}
