//! The document's examples, one file an operation: what goes out for an input, and what comes back for a reply. Files of
//! operations that the document only names have the bodies of public clients.

use std::{collections::BTreeSet, fs, path::Path};

use eduyun::Eduyun;
use serde_json::{Value, json};

use super::{bare, call, config, host, url};

fn examples() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files.map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect()
}

fn fits(schema: &Value, value: &Value) -> bool {
    jsonschema::draft202012::new(schema).unwrap().is_valid(value)
}

#[test]
fn every_example_goes_out_as_the_document_says_and_its_reply_is_understood() {
    for example in examples() {
        let operation = example["operation"].as_str().unwrap();
        let request = &example["request"];
        let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
        let host = if operation == "token.check" { bare(config()) } else { host(config()) };
        host.on(method, &url(path)).reply(200, example["reply"].clone());

        let output = call(&host, operation, example["input"].clone()).unwrap();
        assert_eq!(output, example["output"], "{operation}");

        let sent = host.requests().pop().unwrap();
        let query = if request["token"] == true { "?accessToken=t1" } else { "" };
        assert_eq!(sent.url, format!("{}{query}", url(path)), "{operation}");
        assert_eq!(sent.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(sent.header("accept"), Some("application/json"));
        let mut body = sent.json();
        if body["localSession"].as_str().is_some_and(|session| session.len() == 32) {
            body["localSession"] = json!("<minted>");
        }
        assert_eq!(body, request["body"], "{operation}");
    }
}

#[test]
fn every_example_fits_the_published_schemas() {
    let manifest = host(config()).describe::<Eduyun>();
    for example in examples() {
        let described = manifest["operations"].as_array().unwrap().iter().find(|it| it["name"] == example["operation"]);
        let described = described.unwrap();
        assert!(fits(&described["input"], &example["input"]), "{}", example["operation"]);
        assert!(fits(&described["output"], &example["output"]), "{}", example["operation"]);
        let mut misspelt = example["input"].clone();
        misspelt["idCradNo"] = json!("x");
        assert!(!fits(&described["input"], &misspelt), "{}", example["operation"]);
    }
}

#[test]
fn every_operation_that_sends_something_has_an_example() {
    let manifest = host(config()).describe::<Eduyun>();
    let has: BTreeSet<_> = examples().iter().map(|example| example["operation"].to_string()).collect();
    let operations = manifest["operations"].as_array().unwrap().iter().map(|operation| operation["name"].to_string());
    let without: Vec<_> = operations.filter(|name| !has.contains(name)).collect();
    // These three are made of others, and have tests of their own.
    assert_eq!(without, ["\"link.app\"", "\"oauth.link\"", "\"login.redeem\""]);
}
