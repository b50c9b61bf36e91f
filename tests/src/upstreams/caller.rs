//! What a simulated upstream uses to call the platform's side: one plain HTTP/1.1 request on a connection of its own,
//! within a deadline. Never follows a redirect, never retries, never speaks TLS: simulators live on loopback.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Position, Url};

/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A complete answer to a simulator's own call.
#[derive(Debug, Clone)]
pub struct Called {
    /// HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why a simulator's own call has no answer.
#[derive(Debug, thiserror::Error)]
#[error("calling {url}: {reason}")]
pub struct CallError {
    url: String,
    reason: String,
}

/// Sends one request to an `http://` URL and reads the whole answer, all within `deadline`.
///
/// # Errors
/// [`CallError`]: the URL is not plain HTTP, or there is no complete answer in time.
pub async fn call(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
    deadline: Duration,
) -> Result<Called, CallError> {
    let body = body.into();
    let exchange = exchange(method, url, headers, body);
    let answered = timeout(deadline, exchange).await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
    answered.map_err(|reason| CallError { url: url.split('?').next().unwrap_or_default().to_owned(), reason })
}

async fn exchange(method: Method, url: &str, headers: &[(&str, &str)], body: Bytes) -> Result<Called, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let (Some(host), Some(port), "http") = (url.host_str(), url.port_or_known_default(), url.scheme()) else {
        return Err("only http:// can be called".to_owned());
    };
    let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|error| error.to_string())?;
    let connection = tokio::spawn(connection);
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = url[Position::BeforePath..Position::AfterQuery].parse().map_err(|_| "bad path".to_owned())?;
    let to = HeaderValue::from_str(&format!("{host}:{port}")).map_err(|error| error.to_string())?;
    request.headers_mut().insert(header::HOST, to);
    for (name, value) in headers {
        let name: HeaderName = name.parse().map_err(|_| format!("bad header name {name}"))?;
        request.headers_mut().append(name, HeaderValue::from_str(value).map_err(|error| error.to_string())?);
    }
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| error.to_string())?.to_bytes();
    connection.abort();
    Ok(Called { status: head.status.as_u16(), headers: head.headers, body })
}
