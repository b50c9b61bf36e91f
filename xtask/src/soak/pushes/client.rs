//! The two listeners of one host as somebody sees them who hands records in and looks after them. Remembers nothing, and
//! tries nothing twice.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    http::{self, Answer},
    site::Site,
    soak::power::{Ack, said},
};

/// A host, and the keys to it.
#[derive(Clone)]
pub(super) struct Client {
    api: String,
    /// Where operators ask.
    pub(super) admin: String,
    key: String,
    admin_key: String,
}

impl Client {
    /// Of the host that listens there.
    pub(super) fn new(api: String, admin: String, site: &Site) -> Self {
        let bearer = |key: &str| format!("Bearer {key}");
        Self { api, admin, key: bearer(&site.key), admin_key: bearer(&site.admin_key) }
    }

    /// Hands a record in; none: the host refuses, or is gone.
    pub(super) async fn push(
        &self,
        link: &str,
        operation: &str,
        record: &str,
        name: Option<&str>,
    ) -> Result<Option<Ack>> {
        let mut headers = vec![("content-type", "application/json"), ("prefer", "respond-async")];
        headers.extend(name.map(|name| ("idempotency-key", name)));
        self.hand_in(&format!("/v1/links/{link}/operations/{operation}"), headers, record).await
    }

    /// Hands a batch in; none: the host refuses, or is gone.
    pub(super) async fn batch(&self, link: &str, operation: &str, records: &[String]) -> Result<Option<Ack>> {
        let mut lines = String::new();
        for record in records {
            writeln!(lines, "{record}")?;
        }
        let path = format!("/v1/links/{link}/operations/{operation}/batches");
        self.hand_in(&path, vec![("content-type", "application/x-ndjson")], &lines).await
    }

    async fn hand_in(&self, path: &str, headers: Vec<(&str, &str)>, body: &str) -> Result<Option<Ack>> {
        // Whoever's disk has failed may be gone before it answers.
        let Ok(answer) = self.call("POST", path, headers, body).await else { return Ok(None) };
        match answer.status {
            202 => said(&answer.json()).map(Some).with_context(|| format!("a 202 names nothing: {}", answer.json())),
            503 => Ok(None),
            status => bail!("{path}: {status} {}", answer.json()),
        }
    }

    /// Asks as the platform; anything but 200 is an error.
    pub(super) async fn ask(&self, method: &str, path: &str) -> Result<Value> {
        good(path, self.call(method, path, Vec::new(), "").await?)
    }

    /// Acts as the operator; anything but 200 is an error.
    pub(super) async fn operate(&self, path: &str, body: &Value) -> Result<Value> {
        let headers = [("authorization", self.admin_key.as_str())];
        let url = format!("{}{path}", self.admin);
        good(path, http::send("POST", &url, &headers, body.to_string().as_bytes()).await?)
    }

    async fn call(&self, method: &str, path: &str, mut headers: Vec<(&str, &str)>, body: &str) -> Result<Answer> {
        headers.push(("authorization", self.key.as_str()));
        http::send(method, &format!("{}{path}", self.api), &headers, body.as_bytes()).await
    }
}

fn good(path: &str, answer: Answer) -> Result<Value> {
    match answer.status {
        200 => Ok(answer.json()),
        status => bail!("{path}: {status} {}", answer.json()),
    }
}
