//! The platform's side of a hook, for the simulators' own tests: a server that answers what it is told to and remembers
//! what it was asked. Never looks at what it was asked.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// One request of a simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Status, Content-Type and body of the answer.
pub(super) type Says = (u16, &'static str, String);

/// A running platform; dropping it ends it.
#[derive(Debug)]
pub(super) struct Platform {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: JoinHandle<()>,
}

impl Platform {
    /// Answers every request like this.
    pub(super) async fn saying(says: impl Fn(&Asked) -> Says + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let url = format!("http://{}/hook/secret", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let serving = tokio::spawn(serve(listener, Arc::new(says), asked.clone()));
        Self { url, asked, serving }
    }

    /// Where the hook is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What was asked so far, in order.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve<F>(listener: TcpListener, says: Arc<F>, asked: Arc<Mutex<Vec<Asked>>>)
where
    F: Fn(&Asked) -> Says + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (says, asked) = (says.clone(), asked.clone());
        connections.spawn(async move {
            let service = service_fn(|request| answer(request, says.clone(), asked.clone()));
            // A simulator that goes away in the middle is what some tests are about.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer<F: Fn(&Asked) -> Says>(
    request: Request<Incoming>,
    says: Arc<F>,
    asked: Arc<Mutex<Vec<Asked>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let one = Asked { method: head.method.to_string(), target: head.uri.to_string(), headers: head.headers, body };
    let (status, content_type, body) = says(&one);
    asked.lock().push(one);
    let response = Response::builder().status(status).header("content-type", content_type);
    Ok(response.body(Full::new(body.into())).expect("a response"))
}
