//! A platform behind a host, for tests and the demo: takes the events that connectors ask it, checks their signatures,
//! answers as it was told, and keeps what it was asked. A browser's way back ends here too. Never reaches out.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// The signing secret of every platform here: `whsec_` and the base64 of 24 bytes.
pub const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
/// Bytes of the secret's key.
const KEY: &[u8] = b"0123456789abcdef01234567";
/// How old an event may be.
const AGE_MAX: Duration = Duration::from_secs(300);
/// Bytes of an event.
const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One event as it arrived, its signature being right.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What says that it is the same one.
    pub id: String,
    /// `duijie.CONNECTOR.EVENT`.
    pub kind: String,
    /// The link it came from.
    pub source: String,
    /// What it says.
    pub data: Value,
}

/// What an event gets.
type Answer = Arc<dyn Fn(&Event) -> (u16, Value) + Send + Sync>;

/// A running platform; dropping it ends it.
pub struct Platform {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<BTreeMap<String, Answer>>,
    events: Mutex<Vec<Event>>,
    refused: Mutex<u64>,
}

impl Platform {
    /// Starts one on this address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start(listen: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let serving = tokio::spawn(serve(listener, shared.clone()));
        Ok(Self { address, shared, serving })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What events of this kind (`duijie.CONNECTOR.EVENT`) get from now on: a status and a body. Others get 404.
    pub fn answer(&self, kind: &str, answer: impl Fn(&Event) -> (u16, Value) + Send + Sync + 'static) {
        self.shared.answers.lock().insert(kind.to_owned(), Arc::new(answer));
    }

    /// Every event so far, in the order of arrival.
    pub fn events(&self) -> Vec<Event> {
        self.shared.events.lock().clone()
    }

    /// Requests whose signature was wrong or too old.
    pub fn refused(&self) -> u64 {
        *self.shared.refused.lock()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and with it every connection.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        connections.spawn(async move {
            let answer = service_fn(|request| {
                let shared = shared.clone();
                async move { Ok::<_, std::convert::Infallible>(take(&shared, request).await) }
            });
            // A host that goes away is no trouble of the platform's.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn take(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, EVENT_BYTES_MAX).collect().await else {
        return response(413, &json!({ "title": "too large" }));
    };
    let body = body.to_bytes();
    let Some(event) = is_signed(&head.headers, &body).then(|| parse(&body)).flatten() else {
        *shared.refused.lock() += 1;
        return response(401, &json!({ "title": "the signature is wrong or old" }));
    };
    let answer = shared.answers.lock().get(&event.kind).cloned();
    let (status, answer) = match answer {
        Some(answer) => answer(&event),
        None => (404, json!({ "title": "nobody handles this event" })),
    };
    shared.events.lock().push(event);
    response(status, &answer)
}

/// Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`.
fn is_signed(headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, timestamp) = (text("webhook-id"), text("webhook-timestamp"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = timestamp.parse().map(|seconds: u64| now.as_secs().abs_diff(seconds));
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(KEY) else { return false };
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    let expected = mac.finalize().into_bytes();
    let given = text("webhook-signature").strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
    age.is_ok_and(|age| age <= AGE_MAX.as_secs()) && given.is_some_and(|given| given.ct_eq(&expected).into())
}

fn parse(body: &[u8]) -> Option<Event> {
    let event: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| Some(event.get(name)?.as_str()?.to_owned());
    Some(Event { id: text("id")?, kind: text("type")?, source: text("source")?, data: event.get("data")?.clone() })
}

fn response(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let mut response =
        Response::new(Full::new(Bytes::from(if body.is_null() { String::new() } else { body.to_string() })));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
}
