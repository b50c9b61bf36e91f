//! Plays the institution: signs requests with the demo keys and sends them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::super::super::exchange::now_ms;
use super::super::super::simulator::Simulator;
use super::super::super::testing::{Answer, post};
use super::super::{Builder, Culturedc, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, SignEncoding, SignKind, Signed};

pub(super) const RESOURCES: &str = "/openapi/v1/resources";

/// A simulator and an institution with the demo keys.
pub(super) struct Institution {
    pub(super) simulator: Simulator<Culturedc>,
    sent: AtomicU64,
}

/// How a request is signed.
#[derive(Clone)]
pub(super) struct How {
    pub(super) access_key: &'static str,
    pub(super) secret_key: &'static str,
    pub(super) kind: SignKind,
    pub(super) encoding: SignEncoding,
    pub(super) timestamp: String,
    pub(super) nonce: String,
    pub(super) content_type: &'static str,
    pub(super) more: Vec<(&'static str, String)>,
}

impl Institution {
    pub(super) async fn strict() -> Self {
        Self::of(Culturedc::builder()).await
    }

    pub(super) async fn of(builder: Builder) -> Self {
        Self { simulator: builder.start().await.expect("starts"), sent: AtomicU64::new(0) }
    }

    pub(super) fn profile(&self) -> &Culturedc {
        self.simulator.profile()
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.simulator.address()
    }

    /// As a careful connector signs, with a nonce of its own.
    pub(super) fn carefully(&self) -> How {
        How {
            access_key: DEMO_ACCESS_KEY,
            secret_key: DEMO_SECRET_KEY,
            kind: SignKind::Hmac,
            encoding: SignEncoding::HexLower,
            timestamp: now_ms().to_string(),
            nonce: format!("nonce-{:06}", self.sent.fetch_add(1, Ordering::Relaxed)),
            content_type: "application/json",
            more: Vec::new(),
        }
    }

    pub(super) async fn send_as(&self, how: &How, method: &str, target: &str, body: &str) -> Answer {
        let How { access_key, secret_key, timestamp, nonce, .. } = how;
        let signed = Signed { access_key, secret_key, method, target, timestamp, nonce, body: body.as_bytes() };
        let signature = signed.signature(how.kind, how.encoding);
        let mut headers = vec![
            ("x-access-key", *access_key),
            ("x-timestamp", timestamp.as_str()),
            ("x-nonce", nonce.as_str()),
            ("x-signature", signature.as_str()),
            ("content-type", how.content_type),
        ];
        headers.extend(how.more.iter().map(|(name, value)| (*name, value.as_str())));
        post(self.address(), method, target, &headers, body.to_owned()).await.expect("an answer")
    }

    pub(super) async fn send(&self, method: &str, target: &str, body: &str) -> Answer {
        self.send_as(&self.carefully(), method, target, body).await
    }

    /// The code of a request signed this way.
    pub(super) async fn code_as(&self, how: &How) -> Value {
        self.send_as(how, "GET", "/openapi/v1/licensed?page=1&size=1", "").await.json()["code"].clone()
    }

    pub(super) async fn code(&self, method: &str, target: &str, body: &Value) -> Value {
        self.send(method, target, &body.to_string()).await.json()["code"].clone()
    }

    /// The `data` of a request that must be accepted.
    pub(super) async fn data(&self, method: &str, target: &str, body: &Value) -> Value {
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let reply = self.send(method, target, &body).await.json();
        assert_eq!((&reply["code"], &reply["message"]), (&json!(0), &json!("ok")), "{reply}");
        reply["data"].clone()
    }

    /// Pushes one item; its result.
    pub(super) async fn push(&self, item: Value) -> Value {
        self.data("POST", RESOURCES, &json!({"type": "activity", "items": [item]})).await["results"][0].clone()
    }
}

/// An item with all its fields.
pub(super) fn item(ext_id: &str) -> Value {
    json!({
        "extId": ext_id, "title": "模拟活动", "summary": "摘要", "cover": "https://img.example.com/c.jpg",
        "content": "<p>内容</p>", "venue": "模拟文化馆", "startTime": "2024-03-01 14:30:00",
        "endTime": "2024-03-01T16:30:00+08:00", "regionCode": "330200", "url": "http://www.example.com/a",
    })
}
