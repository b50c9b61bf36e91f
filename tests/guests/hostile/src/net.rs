//! Requests that policy should refuse, by the raw contract: the SDK would not let most of them be written.

use duijie_sdk::{
    Failure, Link, Operations,
    bindings::duijie::{http::client as wit, secret::parts::Part},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Config, Hostile,
    wire::{Piece, parts},
};

/// Where to.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Target {
    pub(crate) url: String,
}

/// A request of any shape.
#[derive(Deserialize, JsonSchema)]
struct Shape {
    #[serde(default = "get_method")]
    method: String,
    url: Vec<Piece>,
    #[serde(default)]
    headers: Vec<(String, Vec<Piece>)>,
    #[serde(default)]
    body: Vec<Piece>,
    #[serde(default)]
    timeout_ms: Option<u32>,
}

/// The same request many times.
#[derive(Deserialize, JsonSchema)]
struct Many {
    url: String,
    count: u32,
    /// At once, with `send-all`.
    #[serde(default)]
    together: bool,
}

/// An answer, or why there is none.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Response { status: u16, headers: Vec<(String, String)>, body: String },
    Error { kind: String, sent: bool },
}

/// What became of many.
#[derive(Default, Serialize, JsonSchema)]
struct Counted {
    answered: u32,
    refused: u32,
    /// The last refusal.
    error: Option<String>,
}

pub(crate) fn register(ops: &mut Operations<Hostile>) {
    ops.add("http.send", send).summary("Sends any request.", "发送任意请求。");
    ops.add("http.many", many).summary("Sends many requests.", "发送大量请求。");
}

fn send(_: &Link<Config>, shape: Shape) -> Result<Answer, Failure> {
    let headers = shape.headers.into_iter();
    let request = wit::Request {
        method: shape.method,
        url: parts(shape.url),
        headers: headers.map(|(name, value)| wit::Header { name, value: parts(value) }).collect(),
        body: parts(shape.body),
        timeout_ms: shape.timeout_ms,
    };
    Ok(wit::send(&request).into())
}

fn many(_: &Link<Config>, many: Many) -> Result<Counted, Failure> {
    let requests: Vec<_> = (0..many.count).map(|_| plain(&many.url)).collect();
    let results: Vec<_> =
        if many.together { wit::send_all(&requests) } else { requests.iter().map(wit::send).collect() };
    let mut counted = Counted::default();
    for result in results {
        match result {
            Ok(_) => counted.answered += 1,
            Err(error) => {
                counted.refused += 1;
                counted.error = Some(format!("{:?}", error.kind));
            }
        }
    }
    Ok(counted)
}

/// A GET of this address.
pub(crate) fn get(url: &str) -> Result<wit::Response, wit::Error> {
    wit::send(&plain(url))
}

fn plain(url: &str) -> wit::Request {
    let url = vec![Part::Text(url.to_owned())];
    wit::Request { method: get_method(), url, headers: Vec::new(), body: Vec::new(), timeout_ms: None }
}

fn get_method() -> String {
    "GET".to_owned()
}

impl From<Result<wit::Response, wit::Error>> for Answer {
    fn from(result: Result<wit::Response, wit::Error>) -> Self {
        match result {
            Ok(response) => Self::Response {
                status: response.status,
                headers: response.headers,
                body: String::from_utf8_lossy(&response.body).into_owned(),
            },
            Err(error) => Self::Error { kind: format!("{:?}", error.kind), sent: error.sent },
        }
    }
}
