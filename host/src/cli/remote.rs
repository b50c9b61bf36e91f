//! Talking to the admin listener of a running host, for the verbs that look at it or change it. HTTP without TLS: the
//! listener is the machine's own. The admin key comes from the environment or a file, never from an argument.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use clap::Args;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::{Ended, Global};

/// How long the host may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Bytes of answer read: the rollouts of some ten thousand links.
const BODY_MAX: usize = 64 << 20;

/// Which host, and the key to it.
#[derive(Args)]
pub(super) struct RemoteArgs {
    /// The admin listener of the running host; `listen.admin` of the configuration when not given
    #[arg(long, value_name = "HOST:PORT", env = "DUIJIE_ADMIN")]
    admin: Option<String>,
    /// A file with the admin key; otherwise it is taken from DUIJIE_ADMIN_KEY
    #[arg(long, value_name = "FILE")]
    admin_key_file: Option<PathBuf>,
}

/// A running host.
pub(super) struct Remote {
    address: String,
    key: Zeroizing<String>,
}

impl RemoteArgs {
    /// The host that is meant.
    pub(super) fn remote(&self, global: &Global) -> Result<Remote, Ended> {
        let address = match &self.admin {
            Some(given) => given.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            None => global.read_config()?.admin.to_string(),
        };
        let key = match &self.admin_key_file {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| Ended::Usage(format!("--admin-key-file {}: {error}", file.display())))?,
            None => std::env::var("DUIJIE_ADMIN_KEY").map_err(|_| {
                Ended::Usage("the admin key is needed: set DUIJIE_ADMIN_KEY, or give --admin-key-file".into())
            })?,
        };
        Ok(Remote { address, key: Zeroizing::new(key.trim().to_owned()) })
    }
}

impl Remote {
    /// How everything stands.
    pub(super) async fn rollouts(&self) -> Result<Value, Ended> {
        self.ask(Method::GET, "/v1/rollouts").await
    }

    /// Asks; what it answered, or its own words when it did not do it.
    pub(super) async fn ask(&self, method: Method, path: &str) -> Result<Value, Ended> {
        let address = &self.address;
        let failed = |error: &dyn std::fmt::Display| {
            Ended::Because(format!("the host at {address} does not answer: {error}. Does it run? Is --admin right?"))
        };
        let answered = tokio::time::timeout(ANSWER_MAX, self.exchange(method, path)).await;
        let (status, body) = answered.map_err(|_| failed(&"no answer in time"))?.map_err(|error| failed(&error))?;
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(json);
        }
        let detail = json.get("detail").and_then(Value::as_str).unwrap_or("it says no more");
        Err(Ended::Because(format!("{}: {detail}", status.as_u16())))
    }

    async fn exchange(&self, method: Method, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let bearer = Zeroizing::new(format!("Bearer {}", self.key.as_str()));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.address)
            .header(header::AUTHORIZATION, bearer.as_str())
            .body(Full::<Bytes>::default())?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, BODY_MAX).collect().await.map_err(|error| anyhow::anyhow!(error))?;
        Ok((head.status, body.to_bytes()))
    }
}
