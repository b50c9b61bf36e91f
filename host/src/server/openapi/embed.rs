//! A JSON Schema moved into a larger document: references to its own root must point to where it now lies. Only
//! references in schema positions are touched, never data that looks like one. Recursion is bounded by what the JSON
//! parser took: 128 levels.

use serde_json::{Map, Value};

/// The schema as it may stand at `base` (`#/components/schemas/…`).
pub(super) fn embed(schema: &Value, base: &str) -> Value {
    let mut moved = walk(schema, base);
    if let Value::Object(members) = &mut moved {
        // With an identity of its own its references would be relative to that again; the dialect is the document's.
        members.remove("$id");
        members.remove("$schema");
    }
    moved
}

fn walk(schema: &Value, base: &str) -> Value {
    match schema {
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), member(name, value, base))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| walk(item, base)).collect()),
        other => other.clone(),
    }
}

fn member(keyword: &str, value: &Value, base: &str) -> Value {
    match (keyword, value) {
        ("$ref" | "$dynamicRef", Value::String(to)) => Value::String(moved(to, base)),
        // Data, whatever it looks like.
        ("const" | "enum" | "default" | "example" | "examples", _) => value.clone(),
        // Here names are anybody's, and what they name are schemas.
        ("properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas", Value::Object(named)) => {
            Value::Object(named.iter().map(|(name, schema)| (name.clone(), below(schema, base))).collect::<Map<_, _>>())
        }
        _ => below(value, base),
    }
}

/// A schema with an identity of its own keeps its references: they are relative to that.
fn below(schema: &Value, base: &str) -> Value {
    if schema.get("$id").is_some_and(Value::is_string) { schema.clone() } else { walk(schema, base) }
}

/// `#` and `#/…` are relative to the root that moved; an anchor (`#name`) means the same everywhere.
fn moved(to: &str, base: &str) -> String {
    match to.strip_prefix('#') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{base}{rest}"),
        _ => to.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_move_and_data_does_not() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.test/x",
            "properties": {
                "a": { "$ref": "#/$defs/A" },
                "$ref": { "type": "string" },
                "default": { "$ref": "#" },
                "b": { "const": { "$ref": "#/$defs/A" }, "items": [{ "$ref": "#/$defs/A" }] },
                "own": { "$id": "https://example.test/own", "$ref": "#/$defs/B" }
            },
            "allOf": [{ "$ref": "#/$defs/A" }, { "$ref": "#anchor" }],
            "$defs": { "A": true }
        });
        assert_eq!(
            embed(&schema, "#/c/X"),
            json!({
                "properties": {
                    "a": { "$ref": "#/c/X/$defs/A" },
                    "$ref": { "type": "string" },
                    "default": { "$ref": "#/c/X" },
                    "b": { "const": { "$ref": "#/$defs/A" }, "items": [{ "$ref": "#/c/X/$defs/A" }] },
                    "own": { "$id": "https://example.test/own", "$ref": "#/$defs/B" }
                },
                "allOf": [{ "$ref": "#/c/X/$defs/A" }, { "$ref": "#anchor" }],
                "$defs": { "A": true }
            })
        );
        assert_eq!(embed(&json!(true), "#/c/X"), json!(true));
    }
}
