//! The connector against a scripted upstream: bytes on the wire, published vectors, and every row of the error table.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test ends where it goes wrong")]

#[path = "push/errors.rs"]
mod errors;
#[path = "push/link.rs"]
mod link;
#[path = "push/vectors.rs"]
mod vectors;
#[path = "push/wire.rs"]
mod wire;

use duijie_sdk::{
    Failure,
    testing::{KeyEncoding, TestHost},
};
use serde_json::{Value, json};
use zj_gxsz::ZjGxsz;

const BASE: &str = "http://127.0.0.1:18080";
const TOKEN: &str = "http://127.0.0.1:18080/api/oauth2/token";
const ONE: &str = "http://127.0.0.1:18080/api/talk-record/one";
const SECRET: &str = "ASNFZ4mrze/+3LqYdlQyEA==";

fn config() -> Value {
    json!({ "base_url": BASE, "client_id": "nbufe", "token": { "path": "/api/oauth2/token" } })
}

/// A link with a secret and a config.
fn bare(config: Value) -> TestHost {
    let host = TestHost::new();
    host.config(config);
    host.secret("client_secret", SECRET, KeyEncoding::Base64);
    host
}

/// A link whose upstream gives tokens.
fn host(config: Value) -> TestHost {
    let host = bare(config);
    host.on("POST", TOKEN)
        .reply(200, json!({ "access_token": "t1", "expires_in": 3600, "token_type": "bearer" }))
        .reply(200, json!({ "access_token": "t2", "expires_in": 3600, "token_type": "bearer" }));
    host
}

fn talk() -> Value {
    json!({
        "recordId": "T20240001", "schoolCode": "13001", "teacherNo": "10086", "teacherName": "李老师",
        "students": [{ "studentNo": "2021001", "studentName": "张三" }],
        "talkTime": "2024-03-01 14:30:00", "content": "测试谈话内容", "attention": 1,
    })
}

fn push(host: &TestHost) -> Result<Value, Failure> {
    host.call::<ZjGxsz>("record.push-one", talk())
}

/// Pushes and must fail.
fn refused(host: &TestHost) -> Failure {
    push(host).unwrap_err()
}

/// How many requests went to this URL.
fn count(host: &TestHost, url: &str) -> usize {
    host.requests().iter().filter(|sent| sent.url.split('?').next() == Some(url)).count()
}
