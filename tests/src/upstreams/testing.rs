//! A plain HTTP client for the simulators' own tests: one connection a request, and failures kept apart. Never retries.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A complete answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

/// Why there is no complete answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The peer reset the connection before any header.
    ResetBeforeHead,
    /// The peer reset the connection within the body.
    ResetWithinBody,
    /// The peer closed the connection within the body.
    ClosedWithinBody,
    /// The peer closed the connection without an answer.
    ClosedBeforeHead,
    /// Not HTTP.
    NotHttp,
    /// The request could not be written whole.
    WhileSending,
}

/// Sends one request.
pub(super) async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Result<Answer, Broken> {
    let stream = TcpStream::connect(address).await.expect("connects");
    let (mut sender, connection) =
        hyper::client::conn::http1::Builder::new().handshake(TokioIo::new(stream)).await.expect("handshakes");
    let driver = tokio::spawn(connection);
    let sent = sender.send_request(request).await;
    let response = match sent {
        Ok(response) => response,
        Err(error) if error.is_parse() => return Err(Broken::NotHttp),
        Err(error) if is_reset(&error) => return Err(Broken::ResetBeforeHead),
        Err(error) if error.is_incomplete_message() => return Err(Broken::ClosedBeforeHead),
        Err(_) => return Err(Broken::WhileSending),
    };
    let (head, body) = response.into_parts();
    let body = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if is_reset(&error) => return Err(Broken::ResetWithinBody),
        Err(_) => return Err(Broken::ClosedWithinBody),
    };
    drop(sender);
    driver.await.expect("no panic").ok();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
}

/// Sends a request without a body.
pub(super) async fn call(address: SocketAddr, method: &str, path: &str) -> Answer {
    post(address, method, path, &[], "").await.expect("an answer")
}

/// Sends a request with these headers and this body.
pub(super) async fn post(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Answer, Broken> {
    let mut request = Request::builder().method(method).uri(target).header("host", address.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(address, request.body(Full::new(body.into())).expect("a request")).await
}

fn is_reset(error: &hyper::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionReset) {
            return true;
        }
        source = cause.source();
    }
    false
}
