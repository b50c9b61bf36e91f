//! Raw TCP peers: each does one thing to every connection, and counts them.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A listener on a free port of this machine; gone when dropped.
pub(super) struct Peer {
    port: u16,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Peer {
    /// Does this to every connection.
    pub(super) async fn doing<F, R>(what: F) -> Self
    where
        F: Fn(TcpStream) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(what(stream));
            }
        });
        Self { port, connections, task }
    }

    /// Answers every request with 200 and this body, and keeps the connection.
    pub(super) async fn answering(body: &'static str) -> Self {
        Self::doing(move |mut stream| async move {
            while read_request(&mut stream).await.is_some() {
                answer(&mut stream, "200 OK", "", body).await;
            }
        })
        .await
    }

    /// Answers one request a connection and closes it, without having said so.
    pub(super) async fn closing(body: &'static str) -> Self {
        Self::doing(move |mut stream| async move {
            read_request(&mut stream).await;
            answer(&mut stream, "200 OK", "", body).await;
        })
        .await
    }

    /// Reads one request, writes these bytes, and closes.
    pub(super) async fn writing(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Arc<[u8]> = bytes.into().into();
        Self::doing(move |mut stream| {
            let bytes = bytes.clone();
            async move {
                read_request(&mut stream).await;
                let _ = stream.write_all(&bytes).await;
            }
        })
        .await
    }

    pub(super) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads one whole request as text; `None` when the connection ends.
pub(super) async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

/// Writes an answer; `more` are header lines with their ends.
pub(super) async fn answer(stream: &mut TcpStream, status: &str, more: &str, body: &str) {
    let text = format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\n\r\n{body}", body.len());
    let _ = stream.write_all(text.as_bytes()).await;
}
