//! Plays the learning platform: logs in, sends envelopes, and answers hooks.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::super::super::simulator::Simulator;
use super::super::super::testing::{Answer, post};
use super::super::class::code_of;
use super::super::{Builder, DEMO_ACCOUNT, DEMO_PASSWORD, SkillTrain};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A simulator with a platform that has logged in.
pub(super) struct Academy {
    pub(super) simulator: Simulator<SkillTrain>,
    pub(super) token: String,
}

impl Academy {
    pub(super) async fn strict() -> Self {
        Self::of(SkillTrain::builder()).await
    }

    pub(super) async fn of(builder: Builder) -> Self {
        let simulator = builder.start().await.expect("starts");
        let mut academy = Self { simulator, token: String::new() };
        let login = academy.login().await;
        let members = ["acceptToken", "accessToken", "userToken", "token"];
        let token = members.iter().find_map(|member| login["returnData"][*member].as_str());
        academy.token = token.expect("a token").to_owned();
        academy
    }

    pub(super) fn profile(&self) -> &SkillTrain {
        self.simulator.profile()
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.simulator.address()
    }

    pub(super) async fn login(&self) -> Value {
        let data = json!({"studyPlatformAcount": DEMO_ACCOUNT, "passWord": DEMO_PASSWORD});
        self.send("/api/v1/thlogin", &data).await.json()
    }

    /// Sends `data` in a careful envelope.
    pub(super) async fn send(&self, path: &str, data: &Value) -> Answer {
        self.send_with(path, data, &[]).await
    }

    /// Also with these headers.
    pub(super) async fn send_with(&self, path: &str, data: &Value, more: &[(&str, &str)]) -> Answer {
        let token = if path.starts_with("/api/v1") { "userToken" } else { "user_token" };
        let body = json!({"headers": headers(token, &self.token), "data": data});
        self.send_body(path, &body.to_string(), more).await
    }

    pub(super) async fn send_body(&self, path: &str, body: &str, more: &[(&str, &str)]) -> Answer {
        let headers = [&[JSON], more].concat();
        post(self.address(), "POST", path, &headers, body.to_owned()).await.expect("an answer")
    }

    /// The `returnCode` of a careful request.
    pub(super) async fn code(&self, path: &str, data: &Value) -> Value {
        self.send(path, data).await.json()["returnCode"].clone()
    }

    /// The `returnData` of a request that must be accepted.
    pub(super) async fn data(&self, path: &str, data: &Value) -> Value {
        let reply = self.send(path, data).await.json();
        assert_eq!(reply["returnCode"], "0", "{reply}");
        reply["returnData"].clone()
    }
}

/// Careful `headers` of now.
pub(super) fn headers(token_member: &str, token: &str) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    json!({
        "deviceType": "TYPE_PC",
        "timestamp": now.as_secs().to_string(),
        "deviceId": "5f0c6d0e-0000-4000-8000-000000000001",
        token_member: token,
    })
}

/// A code of 32 hexadecimal digits.
pub(super) fn code(name: &str) -> String {
    code_of(name)
}

/// The demo account's `studyPlatformCode`.
pub(super) fn platform() -> String {
    SkillTrain::platform_code(DEMO_ACCOUNT)
}

/// `data` with what every operation about a learner wants, and more.
pub(super) fn learner(student: &str, more: Value) -> Value {
    let mut data = json!({
        "studyPlatformCode": platform(),
        "resCode": code("resource"),
        "studentUserCode": code(student),
        "classCode": code("class"),
    });
    let members = data.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    data
}

/// The same data with one member replaced; null removes it.
pub(super) fn with(data: &Value, name: &str, value: Value) -> Value {
    let mut data = data.clone();
    let members = data.as_object_mut().expect("an object");
    match value {
        Value::Null => drop(members.remove(name)),
        value => drop(members.insert(name.to_owned(), value)),
    }
    data
}

/// A hook that gives one answer and keeps what it was sent.
pub(super) struct Listener {
    pub(super) url: String,
    received: Arc<Mutex<Vec<Value>>>,
}

impl Listener {
    /// Answers every request with what `reply` makes of its body.
    pub(super) async fn new(reply: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let url = format!("http://{}/hooks/learning", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (kept, reply) = (received.clone(), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service_fn(|request: Request<Incoming>| {
                    let (kept, reply) = (kept.clone(), reply.clone());
                    async move {
                        let body = request.into_body().collect().await?.to_bytes();
                        let body: Value = serde_json::from_slice(&body).expect("JSON");
                        let answer = reply(&body).to_string();
                        kept.lock().push(body);
                        Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from(answer))))
                    }
                });
                http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
            }
        });
        Self { url, received }
    }

    pub(super) fn received(&self) -> Vec<Value> {
        self.received.lock().clone()
    }
}
