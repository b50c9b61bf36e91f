//! The connector against a scripted upstream: the document's examples and vectors, its quirks, every variant of the
//! config and every row of the error table. Nothing here talks to a network.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test ends where it goes wrong")]

#[path = "eduyun/errors.rs"]
mod errors;
#[path = "eduyun/exchange.rs"]
mod exchange;
#[path = "eduyun/golden.rs"]
mod golden;
#[path = "eduyun/link.rs"]
mod link;
#[path = "eduyun/login.rs"]
mod login;
#[path = "eduyun/people.rs"]
mod people;
#[path = "eduyun/quirks.rs"]
mod quirks;
#[path = "eduyun/tokens.rs"]
mod tokens;
#[path = "eduyun/vectors.rs"]
mod vectors;

use duijie_sdk::{
    Class, Failure, HookResponse, Outcome,
    testing::{KeyEncoding, TestHost, changed},
};
use eduyun::Eduyun;
use serde_json::{Value, json};

const BASE: &str = "http://127.0.0.1:18081";
const TOKEN: &str = "/apigateway/getAccessToken";
const APP_LIST: &str = "/appInfo/getAppList";
const USER_INFO: &str = "/userSession/getLoginUserInfo";
const SESSION: &str = "9d82a9ca-8dfa-4d3f-8834-43887a73c2e2";
const TICKET: &str = "eUg3OTQ1OWVjMjItZDdjYy0xMWU2LTk5YzctODQzYTRiMzI4NWVlMTQ4NDExODQzNDE3NQ==";

fn url(path: &str) -> String {
    format!("{BASE}{path}")
}

fn config() -> Value {
    json!({ "base_url": BASE, "app_id": "demoAppId000000000000000000000001", "sys_code": "0" })
}

/// The config with these tables and keys instead.
fn with(changes: Value) -> Value {
    changed(config(), &changes)
}

/// A link with a secret and a config.
fn bare(config: Value) -> TestHost {
    let host = TestHost::new();
    host.config(config);
    host.secret("app_key", "demoAppKey00000000000000000000002", KeyEncoding::Utf8);
    host
}

/// A link whose upstream gives tokens: t1, then t2.
fn host(config: Value) -> TestHost {
    let host = bare(config);
    host.on("POST", &url(TOKEN)).reply(200, token("t1")).reply(200, token("t2"));
    host
}

fn token(token: &str) -> Value {
    json!({ "retCode": "000000", "retDesc": "获取Token成功。", "data": { "accessToken": token, "validTime": "1700003600000" } })
}

fn ok(data: Value) -> Value {
    json!({ "retCode": "000000", "retDesc": "success", "data": data })
}

fn refusal(code: &str, text: &str) -> Value {
    json!({ "retCode": code, "retDesc": text })
}

fn call(host: &TestHost, operation: &str, input: Value) -> Result<Value, Failure> {
    host.call::<Eduyun>(operation, input)
}

/// What `app.list` ends with when this is the answer to it.
fn answered(config: Value, status: u16, body: &str) -> Result<Value, Failure> {
    let host = host(config);
    host.on("POST", &url(APP_LIST)).reply_text(status, "application/json", body);
    call(&host, "app.list", json!({}))
}

fn is(failure: &Failure, class: Class, outcome: Outcome) {
    assert_eq!((failure.class, failure.outcome), (class, outcome), "{failure:?}");
}

/// The pointers of a refused input; nothing was sent, and no message holds a value.
fn refused_fields(host: &TestHost, operation: &str, input: Value) -> Vec<String> {
    let failure = call(host, operation, input.clone()).unwrap_err();
    is(&failure, Class::InvalidInput, Outcome::NotSent);
    assert!(host.requests().is_empty());
    let told = format!("{}{}", failure.message, failure.detail_json());
    for value in input.as_object().unwrap().values().filter_map(Value::as_str).filter(|value| value.len() > 1) {
        assert!(!told.contains(value), "{told}");
    }
    let detail = failure.detail_json();
    detail.as_array().unwrap().iter().map(|field| field["pointer"].as_str().unwrap().to_owned()).collect()
}

/// How many requests went to this path.
fn count(host: &TestHost, path: &str) -> usize {
    host.requests().iter().filter(|sent| sent.url.split('?').next() == Some(&url(path))).count()
}

/// Where a browser is sent.
fn location(response: &HookResponse) -> String {
    assert_eq!(response.status, 302);
    response.headers.iter().find(|(name, _)| name == "location").unwrap().1.clone()
}

/// A parameter of an address, as it stands there.
fn parameter(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
}
