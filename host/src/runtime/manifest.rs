//! What a connector says of itself, parsed once per revision. The JSON comes from a guest and is hostile: it is bounded,
//! validated against the published schema, and every JSON Schema in it is compiled before anything is served.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{id::ConnectorName, secret::Use};

/// The longest manifest accepted, in bytes (wit/connector.wit, `handler.describe`).
pub(crate) const MANIFEST_MAX: usize = 1024 * 1024;

/// Why a manifest was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    /// Over the bound.
    #[error("the manifest has {0} bytes; at most {MANIFEST_MAX} are accepted")]
    TooLarge(usize),
    /// Not JSON.
    #[error("the manifest is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// Not a manifest; all that is wrong, with pointers.
    #[error("the manifest is not valid: {}", .0.join("; "))]
    Invalid(Vec<String>),
    /// Two things of one name.
    #[error("the manifest declares {0} {1:?} twice")]
    Duplicate(&'static str, String),
    /// A JSON Schema in it cannot be used.
    #[error("the {at} schema in the manifest cannot be used: {reason}")]
    Schema {
        /// Which one.
        at: String,
        /// Why.
        reason: String,
    },
}

/// A text in the two languages that every summary is written in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// English.
    pub(crate) en: String,
    /// Chinese.
    pub(crate) zh: String,
}

/// Does an operation change anything at the upstream?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Effect {
    /// No.
    Read,
    /// Yes.
    Write,
}

/// May the same input be sent twice without harm?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Repeat {
    /// Yes: the second overwrites the first or changes nothing.
    Safe,
    /// No: every sending counts.
    Unsafe,
}

/// A slot that a link fills with a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecretSlot {
    /// The slot's name, for instance `client_secret`.
    pub(crate) name: String,
    /// What belongs into it.
    pub(crate) summary: Summary,
    /// What the connector does with it.
    pub(crate) uses: Vec<Use>,
    /// May a link leave it empty?
    #[serde(default)]
    pub(crate) optional: bool,
}

/// Queued inputs of one key may be merged into one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Coalesce {
    /// Members that are added up.
    #[serde(default)]
    pub(crate) sum: Vec<String>,
    /// Members of which the last counts.
    #[serde(default)]
    pub(crate) last: Vec<String>,
}

/// A named, typed thing a connector does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OperationSpec {
    /// For instance `record.push-one`.
    pub(crate) name: String,
    /// What it does.
    pub(crate) summary: Summary,
    /// JSON Schema of its input.
    pub(crate) input: Value,
    /// JSON Schema of its output.
    pub(crate) output: Value,
    /// Does it change anything?
    pub(crate) effect: Effect,
    /// May it be repeated?
    pub(crate) repeat: Repeat,
    /// Where the input says which record this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// Operations that name the same line keep one order over all of them for each key, or one in all if there is no key;
    /// none: each has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<String>,
    /// A later input of a key does not stand for an earlier one: each is sent, though repeating is safe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) every_version: bool,
    /// Its inputs are never kept on a disk: it is called, and neither queued nor scheduled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) direct_only: bool,
    /// How queued inputs merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) coalesce: Option<Coalesce>,
    /// Where personal data is, as pointer patterns.
    #[serde(default)]
    pub(crate) personal: Vec<String>,
    /// Total time it may need, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline_ms: Option<u64>,
    /// Bytes of input it needs at the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_body: Option<u64>,
}

/// Who makes an inbound request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Caller {
    /// The upstream's servers.
    Upstream,
    /// A person's browser.
    Browser,
}

/// An inbound request that the connector answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HookSpec {
    /// The hook's name.
    pub(crate) name: String,
    /// The HTTP method, or `ANY`.
    pub(crate) method: String,
    /// What it is for.
    pub(crate) summary: Summary,
    /// Who comes.
    pub(crate) caller: Caller,
}

/// A valid manifest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The connector's name.
    pub(crate) name: ConnectorName,
    /// Its version.
    pub(crate) version: semver::Version,
    /// What it is.
    pub(crate) summary: Summary,
    /// What it was built with.
    pub(crate) sdk: String,
    /// JSON Schema of a link's config.
    pub(crate) config: Value,
    /// Slots for secrets.
    pub(crate) secrets: Vec<SecretSlot>,
    /// What it does.
    pub(crate) operations: Vec<OperationSpec>,
    /// What it answers.
    pub(crate) hooks: Vec<HookSpec>,
    /// Origins it would usually talk to: a suggestion, never a grant.
    pub(crate) origins: Vec<String>,
}

static SCHEMA: LazyLock<Result<jsonschema::Validator, String>> = LazyLock::new(|| {
    let schema = serde_json::from_str(include_str!("../../../wit/manifest.schema.json")).map_err(|e| e.to_string())?;
    jsonschema::validator_for(&schema).map_err(|e| e.to_string())
});

impl Manifest {
    /// Parses and checks what `describe` returned.
    ///
    /// # Errors
    /// All that is wrong with it, in one error.
    pub(crate) fn parse(json: &str) -> Result<Self, ManifestError> {
        if json.len() > MANIFEST_MAX {
            return Err(ManifestError::TooLarge(json.len()));
        }
        let value: Value = serde_json::from_str(json).map_err(ManifestError::NotJson)?;
        let schema = SCHEMA
            .as_ref()
            .map_err(|reason| ManifestError::Schema { at: "manifest's own".into(), reason: reason.clone() })?;
        let wrong: Vec<String> = schema
            .iter_errors(&value)
            .take(20)
            .map(|e| format!("{}: {}", at(&e.instance_path().to_string()), bounded(&e.to_string())))
            .collect();
        if !wrong.is_empty() {
            return Err(ManifestError::Invalid(wrong));
        }
        let manifest: Self = serde_json::from_value(value).map_err(|e| ManifestError::Invalid(vec![e.to_string()]))?;
        unique("operation", manifest.operations.iter().map(|o| &o.name))?;
        unique("hook", manifest.hooks.iter().map(|h| &h.name))?;
        unique("secret", manifest.secrets.iter().map(|s| &s.name))?;
        Ok(manifest)
    }
}

/// Compiles one JSON Schema of the manifest. Remote references are refused: nothing is fetched for a schema.
///
/// # Errors
/// Names the schema and says why it cannot be used.
pub(crate) fn compile_schema(at: impl Into<String>, schema: &Value) -> Result<jsonschema::Validator, ManifestError> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .build(schema)
        .map_err(|e| ManifestError::Schema { at: at.into(), reason: bounded(&e.to_string()) })
}

fn unique<'a>(what: &'static str, names: impl Iterator<Item = &'a String>) -> Result<(), ManifestError> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(ManifestError::Duplicate(what, name.clone()));
        }
    }
    Ok(())
}

fn at(pointer: &str) -> &str {
    if pointer.is_empty() { "(the whole)" } else { pointer }
}

fn bounded(text: &str) -> String {
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn minimal() -> Value {
        json!({
            "manifest": 1, "name": "x", "version": "0.1.0", "summary": {"en": "X", "zh": "某"}, "sdk": "duijie-sdk 0.1.0",
            "config": {}, "secrets": [], "hooks": [], "origins": [],
            "operations": [{
                "name": "a.b", "summary": {"en": "A", "zh": "甲"}, "input": {"type": "object"}, "output": true,
                "effect": "read", "repeat": "safe", "future": 1
            }]
        })
    }

    #[test]
    fn unknown_members_are_ignored() {
        let manifest = Manifest::parse(&minimal().to_string()).unwrap();
        assert_eq!(manifest.operations[0].name, "a.b");
    }

    #[test]
    fn everything_wrong_is_listed_with_its_pointer() {
        let mut value = minimal();
        value["name"] = json!("X!");
        value["operations"][0]["effect"] = json!("maybe");
        let error = Manifest::parse(&value.to_string()).unwrap_err().to_string();
        assert!(error.contains("/name") && error.contains("/operations/0/effect"), "{error}");
    }

    #[test]
    fn an_operation_declared_twice_is_refused_by_name() {
        let mut value = minimal();
        let again = value["operations"][0].clone();
        value["operations"].as_array_mut().unwrap().push(again);
        let error = Manifest::parse(&value.to_string()).unwrap_err().to_string();
        assert!(error.contains("operation \"a.b\" twice"), "{error}");
    }

    #[test]
    fn a_schema_with_a_remote_reference_is_refused() {
        let error = compile_schema("a.b input", &json!({"$ref": "http://127.0.0.1:9/schema"})).unwrap_err().to_string();
        assert!(error.contains("a.b input"), "{error}");
    }

    #[test]
    fn a_huge_manifest_is_refused_before_it_is_parsed() {
        assert!(matches!(Manifest::parse(&" ".repeat(MANIFEST_MAX + 1)), Err(ManifestError::TooLarge(_))));
    }
}
