//! The connector against a scripted upstream and a scripted platform: the document's examples, every quirk of its
//! list, every row of the error table, and what a link may say.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test ends where it goes wrong")]

#[path = "train/catalogue.rs"]
mod catalogue;
#[path = "train/classes.rs"]
mod classes;
#[path = "train/errors.rs"]
mod errors;
#[path = "train/faces.rs"]
mod faces;
#[path = "train/golden.rs"]
mod golden;
#[path = "train/link.rs"]
mod link;
#[path = "train/login.rs"]
mod login;
#[path = "train/quirks.rs"]
mod quirks;

use duijie_sdk::{
    Failure, HookResponse,
    testing::{KeyEncoding, Sent, TestHost, changed, hook_request},
};
use serde_json::{Value, json};
use skill_train::SkillTrain;

const BASE: &str = "http://127.0.0.1:18083";
const LOGIN: &str = "http://127.0.0.1:18083/api/v1/thlogin";
const PLATFORM: &str = "08d924a98b244f368d8b1360dd16ce09";
const CODE: &str = "05a924a98b244f368d8b1360dd16ce09";
const PASSWORD: &str = "pass\"word";

fn config() -> Value {
    json!({ "role": "both", "base_url": BASE, "account": "academy", "allow_plaintext": true })
}

/// A config with other values in these groups or keys.
fn with(changes: Value) -> Value {
    changed(config(), &changes)
}

/// A link without an upstream.
fn bare(config: Value) -> TestHost {
    let host = TestHost::new();
    host.config(config);
    host.secret("password", PASSWORD, KeyEncoding::Utf8);
    host
}

fn logged_in(token: &str) -> Value {
    json!({
        "returnCode": "0", "returnMsg": "success",
        "returnData": { "acceptToken": token, "studyPlatformCode": PLATFORM, "studyPlatformName": "演示平台" },
    })
}

/// A link whose upstream lets it log in: with t1, then with t2 again and again.
fn host(config: Value) -> TestHost {
    let host = bare(config);
    host.on("POST", LOGIN).reply(200, logged_in("t1")).reply(200, logged_in("t2"));
    host
}

fn ok() -> Value {
    json!({ "returnCode": "0", "returnMsg": "success" })
}

fn url(path: &str) -> String {
    format!("{BASE}{path}")
}

fn viewing() -> Value {
    json!({ "resCode": CODE, "studentUserCode": CODE, "classCode": CODE })
}

fn start() -> Value {
    json!({ "resCode": CODE, "studentUserCode": CODE, "classCode": CODE, "courseCode": CODE })
}

fn end(host: &TestHost) -> Result<Value, Failure> {
    host.call::<SkillTrain>("study.end", viewing())
}

/// Requests other than log-ins.
fn sent(host: &TestHost) -> Vec<Sent> {
    host.requests().into_iter().filter(|sent| sent.url != LOGIN).collect()
}

fn last(host: &TestHost) -> Value {
    sent(host).pop().unwrap().json()
}

fn log_ins(host: &TestHost) -> usize {
    host.requests().len() - sent(host).len()
}

/// A request of the upstream's to one of our hooks.
fn received(host: &TestHost, hook: &str, body: &Value) -> HookResponse {
    host.receive::<SkillTrain>(hook_request(hook, "POST", "", body.to_string())).unwrap()
}

fn reply_of(response: &HookResponse) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}
