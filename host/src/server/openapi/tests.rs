//! The document that a platform generates its client from.

use jsonschema::validator_for;

use super::*;

fn manifest(name: &str, version: &str, operations: Value) -> Manifest {
    let manifest = json!({
        "manifest": 1, "name": name, "version": version, "summary": { "en": "X", "zh": "某" }, "sdk": "s",
        "config": {}, "secrets": [], "hooks": [], "origins": [], "operations": operations
    });
    Manifest::parse(&manifest.to_string()).unwrap()
}

fn operation(name: &str, input: Value) -> Value {
    json!({
        "name": name, "summary": { "en": "Pushes", "zh": "推送" }, "input": input, "output": { "$ref": "#/$defs/Out", "$defs": { "Out": { "type": "object" } } },
        "effect": "write", "repeat": "safe", "key": "/id"
    })
}

/// A schema as generators write it: named types, nested, and one that refers to itself.
fn tree() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object", "required": ["root"], "properties": { "root": { "$ref": "#/$defs/Node" } },
        "$defs": {
            "Node": {
                "type": "object", "required": ["name"],
                "properties": { "name": { "type": "string", "maxLength": 3 }, "children": { "type": "array", "items": { "$ref": "#/$defs/Node" } } }
            }
        }
    })
}

fn example() -> Value {
    let one = manifest(
        "zj-gxsz",
        "0.1.0",
        json!([operation("record.push-one", tree()), operation("token.get", json!(true))]),
    );
    let two = manifest("eduyun", "1.2.0+b1", json!([operation("token.get", json!({ "type": "object" }))]));
    let served = BTreeMap::from([
        (Revision::of(b"1"), Served { manifest: &one, links: vec!["zj.a", "zj.b"] }),
        (Revision::of(b"2"), Served { manifest: &two, links: vec!["cn.x"] }),
    ]);
    build(&served, |operation| operation != "secret.op")
}

fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(to) if name == "$ref" => found.push(to),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn it_is_openapi_3_1_and_every_reference_resolves() {
    let document = example();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for to in found {
        let pointer = to.strip_prefix('#').unwrap_or_else(|| panic!("{to} leads elsewhere"));
        assert!(document.pointer(pointer).is_some(), "{to} leads nowhere");
    }
}

#[test]
fn component_names_and_operation_ids_follow_their_rules() {
    let document = example();
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{name}");
    }
    let mut ids = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{operation}");
            assert!(
                operation["responses"]["4XX"].is_object() && operation["responses"]["200"].is_object(),
                "{operation}"
            );
        }
    }
    assert_eq!(document["security"], json!([{ "key": [] }]));
}

#[test]
fn an_embedded_schema_validates_as_it_did_alone() {
    let mut document = example();
    document["$ref"] = json!("#/components/schemas/zj-gxsz-0.1.0.record.push-one.input");
    let (embedded, alone) = (validator_for(&document).unwrap(), validator_for(&tree()).unwrap());
    for (input, fits) in [
        (json!({ "root": { "name": "a", "children": [{ "name": "b" }] } }), true),
        (json!({ "root": { "name": "a", "children": [{ "name": "too long" }] } }), false),
        (json!({}), false),
        (json!({ "root": 1 }), false),
    ] {
        assert_eq!((embedded.is_valid(&input), alone.is_valid(&input)), (fits, fits), "{input}");
    }
}

#[test]
fn an_operation_of_two_connectors_is_one_path_with_both_schemas() {
    let document = example();
    let post = &document["paths"]["/v1/links/{link}/operations/token.get"]["post"];
    assert_eq!(post["requestBody"]["content"]["application/json"]["schema"]["anyOf"].as_array().unwrap().len(), 2);
    assert_eq!(post["tags"], json!(["eduyun", "zj-gxsz"]));
    assert_eq!(post["x-duijie-connectors"].as_array().unwrap().len(), 2);

    let post = &document["paths"]["/v1/links/{link}/operations/record.push-one"]["post"];
    assert_eq!(
        post["requestBody"]["content"]["application/json"]["schema"],
        json!({ "$ref": "#/components/schemas/zj-gxsz-0.1.0.record.push-one.input" })
    );
    assert_eq!(post["x-duijie-connectors"][0]["links"], json!(["zj.a", "zj.b"]));
    assert!(post["description"].as_str().unwrap().contains("推送"));
}

#[test]
fn what_a_key_may_not_call_is_not_there_at_all() {
    let manifest =
        manifest("x", "0.1.0", json!([operation("record.push-one", tree()), operation("secret.op", tree())]));
    let served = BTreeMap::from([(Revision::of(b"1"), Served { manifest: &manifest, links: vec!["a"] })]);
    let document = build(&served, |operation| operation != "secret.op").to_string();
    assert!(document.contains("record.push-one") && !document.contains("secret.op"));
}

#[test]
fn two_revisions_of_one_version_do_not_overwrite_each_other() {
    let old = manifest("x", "0.1.0", json!([operation("a", json!({ "title": "old" }))]));
    let new = manifest("x", "0.1.0", json!([operation("a", json!({ "title": "new" }))]));
    let served = BTreeMap::from([
        (Revision::of(b"1"), Served { manifest: &old, links: vec!["a"] }),
        (Revision::of(b"2"), Served { manifest: &new, links: vec!["b"] }),
    ]);
    let document = build(&served, |_| true).to_string();
    assert!(document.contains(r#""title":"old""#) && document.contains(r#""title":"new""#));
}

#[test]
fn thousands_of_links_do_not_make_it_large() {
    let manifest = manifest("x", "0.1.0", json!([operation("a", tree())]));
    let links: Vec<String> = (0..5000).map(|n| format!("zj.school-{n}")).collect();
    let served = BTreeMap::from([(
        Revision::of(b"1"),
        Served { manifest: &manifest, links: links.iter().map(String::as_str).collect() },
    )]);
    let document = build(&served, |_| true);
    assert!(document.to_string().len() < 64 << 10);
    assert_eq!(
        document["paths"]["/v1/links/{link}/operations/a"]["post"]["x-duijie-connectors"][0]["links_total"],
        5000
    );
}
