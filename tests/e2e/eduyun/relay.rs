//! What stands between the upstream and a hook and sees both sides: the local session, which nobody else ever shows,
//! and the hook's answer to the byte. Asks as often as it is told, and gives the upstream the first answer.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use bytes::Bytes;
use duijie_tests::{
    harness::WAIT_MAX,
    upstreams::{Called, call},
};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// A running relay; dropping it ends it.
pub(super) struct Relay {
    address: SocketAddr,
    passed: Arc<Mutex<Vec<Passed>>>,
    serving: JoinHandle<()>,
}

/// One request of the upstream's, and what the hook answered each time.
#[derive(Clone)]
pub(super) struct Passed {
    pub(super) body: String,
    pub(super) answers: Vec<Called>,
}

impl Passed {
    /// The local session that the upstream asked about.
    pub(super) fn local_session(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        super::text(&body["localSession"])
    }
}

impl Relay {
    /// One that passes every request on to `hook`, so many times.
    pub(super) async fn to(hook: String, times: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, passed) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Passed>>>::default());
        let kept = passed.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (hook, kept) = (hook.clone(), kept.clone());
                tokio::spawn(async move {
                    let pass = service_fn(|request| pass(&hook, times, &kept, request));
                    let _ =
                        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), pass).await;
                });
            }
        });
        Self { address, passed, serving }
    }

    /// Where the upstream must call.
    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Everything so far, oldest first.
    pub(super) fn passed(&self) -> Vec<Passed> {
        self.passed.lock().clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass(
    hook: &str,
    times: usize,
    kept: &Mutex<Vec<Passed>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    let mut answers = Vec::new();
    for _ in 0..times {
        let headers = [("content-type", "application/json; charset=utf-8")];
        answers.push(call(Method::POST, hook, &headers, body.clone(), WAIT_MAX).await.unwrap());
    }
    let first = answers[0].clone();
    kept.lock().push(Passed { body: String::from_utf8(body.to_vec()).unwrap(), answers });
    let mut response = Response::new(Full::new(first.body));
    *response.status_mut() = http::StatusCode::from_u16(first.status).unwrap();
    *response.headers_mut() = first.headers;
    Ok(response)
}
