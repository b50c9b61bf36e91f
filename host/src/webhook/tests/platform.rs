//! A platform for tests: takes requests one by one, hands each to the test, and answers when the test says so.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use crate::capability::crypto::hash::{Algorithm, hmac};

/// What every platform here shares with the host.
pub(super) const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
/// Its key.
const KEY: &[u8] = b"0123456789abcdef01234567";
/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);

/// A listener on a free port; gone when dropped.
pub(super) struct Platform {
    port: u16,
    asked: mpsc::UnboundedReceiver<Asked>,
    task: JoinHandle<()>,
}

/// One request; the connection is closed if it is dropped without an answer.
pub(super) struct Asked {
    head: String,
    body: String,
    answer: oneshot::Sender<String>,
}

impl Platform {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, asked) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(connection(stream, sender.clone()));
            }
        });
        Self { port, asked, task }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/duijie?token=t0ken", self.port)
    }

    /// The next request.
    pub(super) async fn asked(&mut self) -> Asked {
        timeout(LONG, self.asked.recv()).await.expect("a request comes").unwrap()
    }

    /// Was there another one?
    pub(super) fn is_left_alone(&mut self) -> bool {
        self.asked.try_recv().is_err()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connection(mut stream: TcpStream, asked: mpsc::UnboundedSender<Asked>) {
    while let Some((head, body)) = read(&mut stream).await {
        let (answer, told) = oneshot::channel();
        if asked.send(Asked { head, body, answer }).is_err() {
            return;
        }
        let Ok(text) = told.await else { return };
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
            if body.len() >= length {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

impl Asked {
    /// Answers with this status and these header lines.
    pub(super) fn answer_with(self, status: u16, headers: &str) {
        let _ = self.answer.send(format!("HTTP/1.1 {status} x\r\n{headers}content-length: 0\r\n\r\n"));
    }

    pub(super) fn answer(self, status: u16) {
        self.answer_with(status, "");
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name}: {}", self.head)).1
    }

    /// The first line.
    pub(super) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    /// The event, its signature being right by the rule of Standard Webhooks.
    pub(super) fn event(&self) -> Value {
        let (id, seconds) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let signed = format!("{id}.{seconds}.{}", self.body);
        let mac = STANDARD.encode(hmac(Algorithm::Sha256, KEY, [signed.as_bytes()]).unwrap());
        let mut signatures = self.header("webhook-signature").split(' ');
        assert!(signatures.any(|signature| signature == format!("v1,{mac}")), "{}", self.head);
        let event: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(event["id"], id);
        event
    }

    /// The job it is about.
    pub(super) fn job(&self) -> String {
        self.event()["data"]["job"].as_str().unwrap().to_owned()
    }
}
