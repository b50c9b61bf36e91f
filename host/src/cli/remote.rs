//! Talking to a running host: to its admin listener as an operator, to its API as a platform. HTTP without TLS: it is the
//! machine's own, or the network in front of the TLS proxy. Keys come from the environment or a file, never from an argument.

use std::{error::Error, path::PathBuf, time::Duration};

use bytes::Bytes;
use clap::Args;
use http::{Method, Request, Response, header, request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use zeroize::Zeroizing;

use super::{Ended, Global};

/// How long the host may take to answer.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(30);
/// The same for what reads or writes the whole store.
pub(super) const WHOLE_STORE_MAX: Duration = Duration::from_secs(3600);
/// Bytes of answer read: the rollouts of some ten thousand links.
const BODY_MAX: usize = 64 << 20;

/// Which host, and the operator's key to it.
#[derive(Args)]
pub(super) struct RemoteArgs {
    /// The admin listener of the running host; `listen.admin` of the configuration when not given
    #[arg(long, value_name = "HOST:PORT", env = "DUIJIE_ADMIN")]
    admin: Option<String>,
    /// A file with the admin key; otherwise it is taken from DUIJIE_ADMIN_KEY
    #[arg(long, value_name = "FILE")]
    admin_key_file: Option<PathBuf>,
}

/// Which host, and a platform's key to it.
#[derive(Args)]
pub(super) struct PlatformArgs {
    /// The API of the running host, as http://HOST:PORT; `listen.api` of the configuration when not given
    #[arg(long, value_name = "URL", env = "DUIJIE_URL")]
    url: Option<String>,
    /// A file with the platform's key; otherwise it is taken from DUIJIE_KEY
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// A running host.
pub(super) struct Remote {
    address: String,
    /// Before every path.
    base: String,
    key: Zeroizing<String>,
    /// The option by which it is named.
    option: &'static str,
}

impl RemoteArgs {
    /// The host that is meant.
    pub(super) fn remote(&self, global: &Global) -> Result<Remote, Ended> {
        let address = match &self.admin {
            Some(given) => given.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            None => global.read_config()?.admin.to_string(),
        };
        let key = key(self.admin_key_file.as_ref(), "--admin-key-file", "DUIJIE_ADMIN_KEY", "the admin key")?;
        Ok(Remote { address, base: String::new(), key, option: "--admin" })
    }
}

impl PlatformArgs {
    /// The host that is meant.
    pub(super) fn remote(&self, global: &Global) -> Result<Remote, Ended> {
        let (address, base) = match &self.url {
            Some(given) => place(given)?,
            None => (global.read_config()?.api.to_string(), String::new()),
        };
        let key = key(self.key_file.as_ref(), "--key-file", "DUIJIE_KEY", "the platform's key")?;
        Ok(Remote { address, base, key, option: "--url" })
    }
}

/// Host and port of a URL, and the path before all others.
fn place(given: &str) -> Result<(String, String), Ended> {
    // Without what was given, which may hold somebody's password.
    let wrong = || Ended::Usage("--url: write http://HOST:PORT; TLS ends at the proxy in front of the host".into());
    let url = url::Url::parse(given).map_err(|_| wrong())?;
    let host = url.host_str().filter(|_| url.scheme() == "http" && url.username().is_empty()).ok_or_else(wrong)?;
    let address = format!("{host}:{}", url.port_or_known_default().unwrap_or(80));
    Ok((address, url.path().trim_end_matches('/').to_owned()))
}

fn key(file: Option<&PathBuf>, option: &str, variable: &str, what: &str) -> Result<Zeroizing<String>, Ended> {
    let key = match file {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| Ended::Usage(format!("{option} {}: {error}", file.display())))?,
        None => std::env::var(variable)
            .map_err(|_| Ended::Usage(format!("{what} is needed: set {variable}, or give {option}")))?,
    };
    Ok(Zeroizing::new(Zeroizing::new(key).trim().to_owned()))
}

impl Remote {
    /// How everything stands.
    pub(super) async fn rollouts(&self) -> Result<Value, Ended> {
        self.ask(Method::GET, "/v1/rollouts").await
    }

    /// Asks; what it answered, or its own words when it did not do it.
    pub(super) async fn ask(&self, method: Method, path: &str) -> Result<Value, Ended> {
        self.tell(method, path, None, ANSWER_MAX).await
    }

    /// The same with something to say, and as much time as that takes.
    pub(super) async fn tell(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Value, Ended> {
        let mut request = self.request(method, path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let answered = timeout(patience, async { json(self.send(request, Full::new(body)).await?).await }).await;
        let (status, json) =
            answered.map_err(|_| self.silent(&"no answer in time"))?.map_err(|error| self.silent(&error))?;
        if (200..300).contains(&status) { Ok(json) } else { Err(refused(status, &json)) }
    }

    /// A request with what every one has.
    pub(super) fn request(&self, method: Method, path: &str) -> request::Builder {
        let bearer = Zeroizing::new(format!("Bearer {}", self.key.as_str()));
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::HOST, &self.address)
            .header(header::AUTHORIZATION, bearer.as_str())
    }

    /// Sends it on a connection of its own and returns the answer's head. Bounds nothing: the caller does.
    pub(super) async fn send<B>(&self, request: request::Builder, body: B) -> anyhow::Result<Response<Incoming>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender.send_request(request.body(body)?).await?)
    }

    /// Why there is no answer.
    pub(super) fn silent(&self, error: &dyn std::fmt::Display) -> Ended {
        let Self { address, option, .. } = self;
        Ended::Because(format!("the host at {address} does not answer: {error}. Does it run? Is {option} right?"))
    }
}

/// An answer's status and its JSON; null, if it is none.
pub(super) async fn json(answer: Response<Incoming>) -> anyhow::Result<(u16, Value)> {
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, BODY_MAX).collect().await.map_err(|error| anyhow::anyhow!(error))?;
    Ok((head.status.as_u16(), serde_json::from_slice(&body.to_bytes()).unwrap_or_default()))
}

/// The host's own words for not doing it.
pub(super) fn refused(status: u16, problem: &Value) -> Ended {
    let detail = problem.get("detail").and_then(Value::as_str).unwrap_or("it says no more");
    Ended::Because(format!("{status}: {detail}"))
}

/// A name as a segment of a path.
pub(super) fn segment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_a_port_and_what_comes_before_every_path() {
        let is = |given: &str| place(given).ok();
        let found = |address: &str, base: &str| Some((address.to_owned(), base.to_owned()));
        assert_eq!(is("http://127.0.0.1:8080"), found("127.0.0.1:8080", ""));
        assert_eq!(is("http://[::1]:8080/"), found("[::1]:8080", ""));
        assert_eq!(is("http://host/duijie/"), found("host:80", "/duijie"));
        for wrong in ["https://host", "127.0.0.1:8080", "host:80", "http://name:word@host", ""] {
            assert!(is(wrong).is_none(), "{wrong}");
        }
    }
}
