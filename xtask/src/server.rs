//! The least HTTP/1.1 server that a soak needs inside this process: it hands whole requests to a function and sends what
//! that says, or nothing. On loopback, for programs that we started; gone with everything that is under way when dropped.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, Result};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// The largest request that is read.
const REQUEST_MAX: usize = 4 << 20;

/// A request that is there to its end.
pub(crate) struct Request<'r> {
    head: &'r str,
    /// Its body.
    pub(crate) body: &'r [u8],
}

impl<'r> Request<'r> {
    /// Its path.
    pub(crate) fn path(&self) -> &'r str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&'r str> {
        header(self.head, name)
    }
}

/// What is said to a request.
pub(crate) enum Said {
    /// An answer of JSON.
    Json(u16, String),
    /// Nothing, until whoever asked goes away.
    Nothing,
}

/// Looks at a request; must be quick.
pub(crate) type Handler = Arc<dyn Fn(&Request<'_>) -> Said + Send + Sync>;

/// A server that runs.
pub(crate) struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Starts it, at a free port unless told where.
    pub(crate) async fn start(at: Option<SocketAddr>, handler: Handler) -> Result<Self> {
        let at = at.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = TcpListener::bind(at).await.with_context(|| format!("listening on {at}"))?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            // They end with this task.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                let handler = handler.clone();
                connections.spawn(async move {
                    // A client that went away, or that a kill took away, needs no answer.
                    let _ = serve(stream, &handler).await;
                });
            }
        });
        Ok(Self { address, accepting })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL, without a slash at its end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it; connections are cut, and the port refuses.
    pub(crate) async fn stop(mut self) {
        self.accepting.abort();
        // An error is what we wanted.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, handler: &Handler) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4 << 10);
    loop {
        let (head, body) = loop {
            if let Some(lengths) = whole(&buffer) {
                break lengths;
            }
            if buffer.len() > REQUEST_MAX || stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let (text, rest) = buffer.split_at(head.min(buffer.len()));
        let request =
            Request { head: std::str::from_utf8(text).unwrap_or_default(), body: rest.get(..body).unwrap_or_default() };
        match handler(&request) {
            Said::Json(status, json) => {
                stream.write_all(answer(status, &json).as_bytes()).await?;
                if request.header("connection").is_some_and(|how| how.eq_ignore_ascii_case("close")) {
                    return Ok(());
                }
            }
            Said::Nothing => {
                let mut waste = [0; 64];
                while stream.read(&mut waste).await? > 0 {}
                return Ok(());
            }
        }
        buffer.drain(..head + body);
    }
}

fn answer(status: u16, json: &str) -> String {
    format!("HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{json}", json.len())
}

/// Lengths of head and body, once the request is there to its end.
fn whole(buffer: &[u8]) -> Option<(usize, usize)> {
    let head = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(buffer.get(..head)?).ok()?;
    let body = header(text, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    (buffer.len() >= head + body).then_some((head, body))
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    #[tokio::test]
    async fn a_request_is_handed_over_whole_and_a_stopped_server_refuses() {
        let handler: Handler = Arc::new(|request| {
            let body = String::from_utf8_lossy(request.body).into_owned();
            Said::Json(201, format!("{{\"path\":{:?},\"body\":{body:?}}}", request.path()))
        });
        let server = Server::start(None, handler).await.unwrap();
        let (address, url) = (server.address(), format!("{}/a/b", server.url()));
        let answer = http::send("POST", &url, &[], b"xyz").await.unwrap();
        assert_eq!((answer.status, answer.json()["path"].as_str()), (201, Some("/a/b")));
        assert_eq!(answer.json()["body"].as_str(), Some("xyz"));
        server.stop().await;
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[test]
    fn a_request_is_whole_when_its_body_is_there() {
        let request = b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        assert!(whole(&request[..request.len() - 1]).is_none());
        assert_eq!(whole(request), Some((request.len() - 3, 3)));
    }
}
