//! The connector against a scripted SSO: bytes on the wire, the document's samples and vectors, every quirk it is known
//! for, every row of the error table, and what the SSO may do to the hook.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test ends where it goes wrong")]

#[path = "sso/call.rs"]
mod call;
#[path = "sso/errors.rs"]
mod errors;
#[path = "sso/hook.rs"]
mod hook;
#[path = "sso/link.rs"]
mod link;
#[path = "sso/login.rs"]
mod login;
#[path = "sso/quirks.rs"]
mod quirks;
#[path = "sso/users.rs"]
mod users;
#[path = "sso/wire.rs"]
mod wire;

use duijie_sdk::{
    Class, Failure, Outcome,
    testing::{KeyEncoding, TestHost},
};
use serde_json::{Value, json};
use zjzwfw_sso::ZjzwfwSso;

const BASE: &str = "http://127.0.0.1:18084/sso";
const SIMPLE: &str = "http://127.0.0.1:18084/sso/servlet/simpleauth";
const USERS: &str = "http://127.0.0.1:18084/sso/servlet/organduser";
/// 2024-01-02 03:04:05 in China, the time of the document's vector.
const NOW_MS: u64 = 1_704_135_845_000;
/// Of `demosvc`, `demosvcpwd` and that time.
const SIGN: &str = "5950c275d9fa9fc74ce40053f223d793";

const VALIDATED: &str = include_str!("golden/ticket_validation.reply.json");
const INFO: &str = include_str!("golden/user_info.reply.json");

/// A link's config with these changes, merged table by table.
fn config(changes: Value) -> Value {
    let mut config = json!({ "base": BASE, "servicecode": "demosvc" });
    merge(&mut config, changes);
    config
}

fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(members), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(members.entry(name).or_insert(Value::Null), change);
            }
        }
        (into, change) => *into = change,
    }
}

/// A link with this config, its secrets, and the vector's time.
fn host(changes: Value) -> TestHost {
    let host = TestHost::new();
    host.config(config(changes));
    host.secret("servicepwd", "demosvcpwd", KeyEncoding::Utf8);
    host.secret("irs_secret_key", "demosk", KeyEncoding::Utf8);
    host.set_now_ms(NOW_MS);
    host
}

/// A link whose SSO answers this at the simple servlet.
fn answering(changes: Value, status: u16, body: &str) -> TestHost {
    let host = host(changes);
    host.on("POST", SIMPLE).reply_text(status, "text/xml;charset=utf-8", body);
    host
}

fn validate(host: &TestHost) -> Result<Value, Failure> {
    host.call::<ZjzwfwSso>("ticket.validate", json!({ "ticket": "8afac0cc-ticket" }))
}

fn info(host: &TestHost) -> Result<Value, Failure> {
    host.call::<ZjzwfwSso>("user.info", json!({ "token": "8afac0cc-commonToken" }))
}

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The parameters of a form or query, decoded.
fn parameters(text: &str) -> Vec<(String, String)> {
    duijie_sdk::encode::form_pairs(text.trim()).collect()
}

/// One parameter of the last request.
fn sent(host: &TestHost, name: &str) -> Option<String> {
    let request = host.requests().pop().unwrap();
    parameters(&request.text()).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn is(failure: &Failure, class: Class, outcome: Outcome) {
    assert_eq!((failure.class, failure.outcome), (class, outcome), "{}", failure.message);
}
