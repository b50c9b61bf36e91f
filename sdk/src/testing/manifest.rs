//! A manifest made beforehand: written as a file, and held to what a connector registers. One line a member and one an
//! operation, so that a change of the contract is a line in a diff.

use std::{env, fs};

use serde_json::Value;

/// Compares, or writes when the environment says so.
#[expect(clippy::panic, reason = "this is an assertion")]
pub(super) fn hold(registered: &Value, included: Option<&str>, path: &str) {
    if env::var("DUIJIE_MANIFEST").is_ok_and(|what| what == "write") {
        if let Err(error) = fs::write(path, written(registered)) {
            panic!("{path}: {error}");
        }
        return;
    }
    let included = included.and_then(|text| serde_json::from_str::<Value>(text).ok());
    assert!(
        included.as_ref() == Some(registered),
        "Connector::MANIFEST is not what the connector registers: run this test with DUIJIE_MANIFEST=write, and look at the diff"
    );
}

fn written(manifest: &Value) -> String {
    let members = manifest.as_object().into_iter().flatten().map(|(name, value)| {
        let value = match value {
            Value::Array(elements) if elements.iter().any(Value::is_object) => {
                format!("[\n{}\n]", lines(elements.iter()))
            }
            other => other.to_string(),
        };
        format!("{}:{value}", Value::from(name.as_str()))
    });
    format!("{{\n{}\n}}\n", lines(members))
}

fn lines<T: ToString>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(",\n")
}
