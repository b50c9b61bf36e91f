//! Each kind of change, and what is none.

use serde_json::{Value, json};

use super::*;

fn manifest(change: impl FnOnce(&mut Value)) -> Manifest {
    let mut value = json!({
        "manifest": 1, "name": "x", "version": "0.1.0", "summary": { "en": "X", "zh": "某" }, "sdk": "duijie-sdk 0.1.0",
        "config": {}, "origins": ["https://a.example"],
        "secrets": [{ "name": "key", "summary": { "en": "K", "zh": "钥" }, "uses": ["hmac"], "optional": true }],
        "hooks": [{ "name": "push", "method": "POST", "summary": { "en": "P", "zh": "推" }, "caller": "upstream" }],
        "operations": [{
            "name": "a.b", "summary": { "en": "A", "zh": "甲" }, "output": true, "effect": "read", "repeat": "safe",
            "input": {
                "type": "object", "required": ["id"], "$defs": { "Part": {
                    "type": "object", "properties": { "size": { "type": "integer" }, "next": { "$ref": "#/$defs/Part" } }
                } },
                "properties": {
                    "id": { "type": "string" }, "note": { "type": ["string", "null"] }, "kind": { "enum": ["x", "y"] },
                    "parts": { "type": "array", "items": { "$ref": "#/$defs/Part" } }
                }
            }
        }]
    });
    change(&mut value);
    Manifest::parse(&value.to_string()).unwrap()
}

/// What is said of a change to that manifest.
fn said(change: impl FnOnce(&mut Value)) -> Vec<String> {
    changes(&manifest(|_| {}), &manifest(change)).into_iter().map(|change| change.text).collect()
}

fn at<'v>(value: &'v mut Value, pointer: &str) -> &'v mut Value {
    value.pointer_mut(pointer).unwrap()
}

fn remove(value: &mut Value, pointer: &str, name: &str) {
    at(value, pointer).as_object_mut().unwrap().remove(name);
}

const INPUT: &str = "/operations/0/input";
const PROPERTIES: &str = "/operations/0/input/properties";

#[test]
fn what_only_adds_or_only_says_is_no_change() {
    let nothing: Vec<String> = Vec::new();
    assert_eq!(said(|_| {}), nothing);
    assert_eq!(said(|v| v["version"] = json!("9.0.0")), nothing);
    assert_eq!(said(|v| at(v, PROPERTIES)["more"] = json!({ "type": "string" })), nothing);
    assert_eq!(said(|v| at(v, PROPERTIES)["kind"]["enum"] = json!(["x", "y", "z"])), nothing);
    assert_eq!(said(|v| at(v, INPUT)["$defs"]["Part"]["properties"]["size"]["type"] = json!("number")), nothing);
    assert_eq!(said(|v| at(v, INPUT)["required"] = json!([])), nothing);
    assert_eq!(said(|v| v["origins"] = json!([])), nothing);
    assert_eq!(said(|v| v["secrets"] = json!([])), nothing);
    assert_eq!(said(|v| v["hooks"][0]["method"] = json!("ANY")), nothing);
}

#[test]
fn an_operation_or_a_hook_that_is_gone_is_named() {
    let renamed = said(|v| v["operations"][0]["name"] = json!("a.c"));
    assert_eq!(renamed, ["operation a.b is gone"]);
    let found = changes(&manifest(|_| {}), &manifest(|v| v["hooks"] = json!([])));
    assert_eq!(found, [Change { hook: Some("push".into()), text: "hook push is gone".into() }]);
    assert_eq!(said(|v| v["hooks"][0]["method"] = json!("PUT")), ["hook push takes PUT instead of POST"]);
}

#[test]
fn an_input_field_that_is_gone_or_required_or_another_is_named_with_its_place() {
    assert_eq!(said(|v| remove(v, PROPERTIES, "note")), ["operation a.b: input /note is gone"]);
    assert_eq!(
        said(|v| at(v, INPUT)["required"] = json!(["id", "note"])),
        ["operation a.b: input /note is required now"]
    );
    let size = said(|v| at(v, INPUT)["$defs"]["Part"]["properties"]["size"] = json!({ "type": "string" }));
    assert_eq!(
        size,
        ["operation a.b: input /parts/*/size takes string instead of integer"],
        "once, though it goes round"
    );
    assert_eq!(
        said(|v| at(v, PROPERTIES)["note"]["type"] = json!("string")),
        ["operation a.b: input /note takes string instead of null or string"]
    );
    assert_eq!(
        said(|v| at(v, PROPERTIES)["kind"]["enum"] = json!(["x"])),
        ["operation a.b: input /kind takes \"y\" no longer"]
    );
}

#[test]
fn a_value_that_is_gone_is_named_however_values_are_listed() {
    let listed = |values: &[&str]| {
        let forms: Vec<Value> = values.iter().map(|value| json!({ "const": value, "description": "D" })).collect();
        json!({ "oneOf": forms })
    };
    let with = |kind: Value| manifest(|v| at(v, PROPERTIES)["kind"] = kind);
    let between = |old: Value, new: Value| -> Vec<String> {
        changes(&with(old), &with(new)).into_iter().map(|change| change.text).collect()
    };
    assert_eq!(between(listed(&["x", "y"]), listed(&["x", "z"])), ["operation a.b: input /kind takes \"y\" no longer"]);
    assert!(between(json!({ "enum": ["x"] }), listed(&["x", "y"])).is_empty());
    let text = json!({ "type": "string" });
    let narrowed = between(text.clone(), json!({ "type": "string", "enum": ["x"] }));
    assert_eq!(narrowed, ["operation a.b: input /kind takes only \"x\""]);
    assert_eq!(between(json!({}), text), ["operation a.b: input /kind took anything and does no longer"]);
}

#[test]
fn what_becomes_optional_is_no_change_and_what_becomes_closed_is() {
    let part = json!({ "$ref": "#/$defs/Part" });
    let with = |part: Value| manifest(|v| at(v, PROPERTIES)["part"] = part);
    let optional = with(json!({ "anyOf": [part, { "type": "null" }] }));
    assert!(changes(&with(part.clone()), &optional).is_empty());
    assert_eq!(
        said(|v| at(v, INPUT)["additionalProperties"] = json!(false)),
        ["operation a.b: input itself takes no members of other names"]
    );
}

#[test]
fn a_new_secret_use_or_origin_is_named() {
    let slot = json!({ "name": "other", "summary": { "en": "O", "zh": "他" }, "uses": ["send", "sm4"] });
    assert_eq!(
        said(|v| v["secrets"].as_array_mut().unwrap().push(slot)),
        ["secret other is new (send, sm4) and must be given"]
    );
    assert_eq!(said(|v| v["secrets"][0]["uses"] = json!(["hmac", "send"])), ["secret key is to be used for send too"]);
    assert_eq!(said(|v| v["secrets"][0]["optional"] = json!(false)), ["secret key must be given"]);
    assert_eq!(
        said(|v| v["origins"] = json!(["https://a.example", "https://b.example"])),
        ["it wants to talk to https://b.example"]
    );
}

#[test]
fn references_that_go_round_come_to_an_end_and_what_is_told_is_bounded() {
    let found = said(|v| at(v, INPUT)["$defs"]["Part"]["required"] = json!(["size"]));
    assert_eq!(found, ["operation a.b: input /parts/*/size is required now"]);
    let many = said(|v| {
        let names: Vec<String> = (0..200).map(|n| format!("n{n}")).collect();
        at(v, INPUT)["required"] = json!(names);
    });
    assert_eq!(many.len(), CHANGES_MAX);
}

#[test]
fn an_operation_that_is_never_queued_any_more_is_named() {
    assert_eq!(said(|v| v["operations"][0]["direct_only"] = json!(true)), ["operation a.b is never queued any more"]);
}
