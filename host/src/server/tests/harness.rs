//! A listener on a port of its own, and a client that writes bytes: what is tested is what goes over the wire.

use axum::Router;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

use super::super::*;
use crate::shutdown::Shutdown;

/// Longer than anything here takes.
pub(in crate::server) const LONG: Duration = Duration::from_secs(20);

/// A running listener.
pub(in crate::server) struct Host {
    pub(in crate::server) address: SocketAddr,
    pub(in crate::server) shutdown: Shutdown,
    pub(in crate::server) ended: JoinHandle<Drained>,
}

impl Host {
    pub(in crate::server) async fn start(router: Router, options: ServeOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, drain) = Shutdown::new();
        let ended = tokio::spawn(async move { serve(listener, router, &options, drain).await });
        Self { address, shutdown, ended }
    }

    pub(in crate::server) async fn of(router: Router) -> Self {
        Self::start(router, ServeOptions::new("test")).await
    }

    pub(in crate::server) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// One request on a connection of its own: method and path, header lines, body.
    pub(in crate::server) async fn ask(&self, line: &str, headers: &[&str], body: &str) -> Reply {
        let mut head = format!("{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
        for header in headers {
            head += &format!("{header}\r\n");
        }
        if !body.is_empty() {
            head += &format!("content-length: {}\r\n", body.len());
        }
        let mut stream = self.connect().await;
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
        Reply::read_last(&mut stream).await
    }
}

/// An answer.
#[derive(Debug)]
pub(in crate::server) struct Reply {
    pub(in crate::server) status: u16,
    headers: Vec<(String, String)>,
    pub(in crate::server) body: String,
}

impl Reply {
    /// The answer after which the server closes.
    pub(in crate::server) async fn read_last(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        if timeout(LONG, stream.read_to_end(&mut bytes)).await.is_err() {
            panic!("the server does not close after {:?}", String::from_utf8_lossy(&bytes));
        }
        Self::parse(&String::from_utf8(bytes).unwrap())
    }

    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self { status, headers, body: body.to_owned() }
    }

    pub(in crate::server) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The names of its headers, in order.
    pub(in crate::server) fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub(in crate::server) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    /// The problem, after looking at what every problem has.
    pub(in crate::server) fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{self:?}");
        assert_eq!(problem["request_id"], self.header("x-request-id").unwrap(), "{self:?}");
        assert!(problem["type"].as_str().unwrap().starts_with("urn:duijie:problem:"), "{self:?}");
        for member in ["title", "detail", "instance", "class", "outcome", "retryable"] {
            assert!(!problem[member].is_null(), "{member}: {self:?}");
        }
        problem
    }
}
