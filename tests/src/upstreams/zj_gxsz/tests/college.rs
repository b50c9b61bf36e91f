//! Plays the college: asks for a token, encrypts a record, pushes it.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::super::super::simulator::Simulator;
use super::super::super::testing::{Answer, Broken, post};
use super::super::{Builder, DEMO_CLIENT_ID, Endpoint, TOKEN_PATH, ZjGxsz, envelope};

/// The demo client's key: GB/T 32907-2016, appendix A.
pub(super) const KEY: [u8; 16] =
    [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10];
/// A careful token request of the demo client.
pub(super) const FORM: &str =
    "grant_type=client_credentials&client_id=demo-college&client_secret=ASNFZ4mrze%2F%2B3LqYdlQyEA%3D%3D";

/// A simulator with a college that holds a token.
pub(in super::super::super) struct College {
    pub(in super::super::super) simulator: Simulator<ZjGxsz>,
    pub(super) token: String,
}

impl College {
    pub(in super::super::super) async fn strict() -> Self {
        Self::of(ZjGxsz::builder()).await
    }

    pub(super) async fn of(builder: Builder) -> Self {
        let simulator = builder.start().await.expect("starts");
        let mut college = Self { simulator, token: String::new() };
        let reply = college.ask_token().await.json();
        let token = if reply["data"].is_object() { &reply["data"]["access_token"] } else { &reply["access_token"] };
        college.token = token.as_str().expect("a token").to_owned();
        college
    }

    pub(in super::super::super) fn address(&self) -> SocketAddr {
        self.simulator.address()
    }

    pub(super) async fn ask_token(&self) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        post(self.address(), "POST", TOKEN_PATH, &headers, FORM).await.expect("an answer")
    }

    /// Pushes a record as a careful connector does; also with these headers.
    pub(in super::super::super) async fn push_with(
        &self,
        endpoint: Endpoint,
        record: &Value,
        more: &[(&str, &str)],
    ) -> Result<Answer, Broken> {
        self.push_body(endpoint, &self.seal(record.to_string().as_bytes()), more).await
    }

    pub(super) async fn push(&self, endpoint: Endpoint, record: &Value) -> Answer {
        self.push_with(endpoint, record, &[]).await.expect("an answer")
    }

    /// Pushes this plaintext; the result code.
    pub(super) async fn push_plaintext(&self, plaintext: &[u8]) -> Value {
        let body = self.seal(plaintext);
        self.push_body(Endpoint::One, &body, &[]).await.expect("an answer").json()["code"].clone()
    }

    /// Pushes this request body.
    pub(super) async fn push_body(
        &self,
        endpoint: Endpoint,
        body: &str,
        more: &[(&str, &str)],
    ) -> Result<Answer, Broken> {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str()), ("content-type", "application/json; charset=utf-8")];
        headers.extend(more);
        post(self.address(), "POST", endpoint.path(), &headers, body.to_owned()).await
    }

    /// What is stored, which must be there.
    pub(in super::super::super) fn stored(&self, record: &Value) -> super::super::Stored {
        let id = record["recordId"].as_str().expect("an id");
        self.simulator.profile().record_of(DEMO_CLIENT_ID, id).expect("stored")
    }

    fn seal(&self, plaintext: &[u8]) -> String {
        json!({"data": envelope::seal(&KEY, plaintext)}).to_string()
    }
}
