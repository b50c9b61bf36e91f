//! The connector against a scripted upstream: bytes on the wire, published vectors, quirks, and every row of the error
//! table.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test ends where it goes wrong")]

#[path = "culturedc/aksk.rs"]
mod aksk;
#[path = "culturedc/batch.rs"]
mod batch;
#[path = "culturedc/errors.rs"]
mod errors;
#[path = "culturedc/link.rs"]
mod link;
#[path = "culturedc/links.rs"]
mod links;
#[path = "culturedc/login.rs"]
mod login;
#[path = "culturedc/profile.rs"]
mod profile;
#[path = "culturedc/resource.rs"]
mod resource;
#[path = "culturedc/sheet.rs"]
mod sheet;
#[path = "culturedc/stats.rs"]
mod stats;
#[path = "culturedc/vectors.rs"]
mod vectors;

use std::{collections::BTreeMap, sync::LazyLock, thread};

use culturedc::CultureDc;
use duijie_sdk::{
    Class, Failure, Outcome,
    testing::{KeyEncoding, TestHost, changed},
};
use serde_json::{Value, json};

const BASE: &str = "http://127.0.0.1:18082";
const RESOURCES: &str = "http://127.0.0.1:18082/openapi/v1/resources";
const ACCESS_KEY: &str = "AKDEMO0000000001";
const SECRET: &str = "SKDEMO000000000000000000000000001";

fn config() -> Value {
    json!({ "base_url": BASE, "access_key": ACCESS_KEY })
}

/// The usual config with these members instead.
fn with(changes: Value) -> Value {
    changed(config(), &changes)
}

fn host(config: Value) -> TestHost {
    let host = TestHost::new();
    host.config(config);
    host.secret("secret_key", SECRET, KeyEncoding::Utf8);
    host
}

/// The schemas of inputs and outputs, by operation. Described on a thread of its own: a thread has one host.
static SCHEMAS: LazyLock<BTreeMap<String, [jsonschema::Validator; 2]>> = LazyLock::new(|| {
    let manifest = thread::spawn(|| TestHost::new().describe::<CultureDc>()).join().unwrap();
    let validator = |schema: &Value| jsonschema::draft202012::new(schema).unwrap();
    let operations = manifest["operations"].as_array().unwrap().iter();
    let schemas = |operation: &Value| [validator(&operation["input"]), validator(&operation["output"])];
    operations.map(|operation| (operation["name"].as_str().unwrap().to_owned(), schemas(operation))).collect()
});

/// Calls as the host does: what comes out must fit its schema.
fn call(host: &TestHost, operation: &str, input: Value) -> Result<Value, Failure> {
    let [takes, gives] = &SCHEMAS[operation];
    let fits = takes.is_valid(&input);
    let output = host.call::<CultureDc>(operation, input)?;
    assert!(fits, "what {operation} took does not fit its schema");
    let errors: Vec<_> =
        gives.iter_errors(&output).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{operation}: {errors:?}");
    Ok(output)
}

/// Calls, and must fail.
fn refused(host: &TestHost, operation: &str, input: Value) -> Failure {
    call(host, operation, input).unwrap_err()
}

fn is(failure: &Failure, class: Class, outcome: Outcome) {
    assert_eq!((failure.class, failure.outcome), (class, outcome), "{failure:?}");
}

/// The pointers of a failure's detail.
fn pointers(failure: &Failure) -> Vec<String> {
    let fields = failure.detail_json();
    fields.as_array().unwrap().iter().map(|field| field["pointer"].as_str().unwrap().to_owned()).collect()
}

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A resource as the platform has it: everything filled.
fn activity() -> Value {
    json!({
        "category": "activity", "extId": "ACT-20240301-01", "title": "春季合唱公益课", "summary": "面向市民的合唱入门",
        "cover": "https://img.campus.example/a.jpg", "content": "<p>报名电话 13800000001</p>",
        "venue": "市文化馆三楼排练厅", "startTime": "2024-03-09 14:00:00", "endTime": "2024-03-09 16:00:00",
        "regionCode": "330200", "url": "https://www.campus.example/activity/1",
    })
}

/// The least that a resource needs.
fn row(ext_id: &str) -> Value {
    json!({ "category": "news", "extId": ext_id, "title": "讲座" })
}

/// An answer to a push of these ids.
fn taken(ids: &[&str]) -> Value {
    let results: Vec<_> = ids
        .iter()
        .map(|id| json!({ "extId": id, "id": format!("R-{id}"), "state": "submitted", "code": 0, "message": "" }))
        .collect();
    json!({ "code": 0, "message": "ok", "data": { "results": results } })
}
