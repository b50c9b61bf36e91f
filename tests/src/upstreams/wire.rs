//! The TCP stream under a connection, with the misbehaviour that HTTP libraries rightly do not offer: a reset instead
//! of a close, bytes that are not HTTP, and a trickle. Never decides when; [`Line`] is told.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{future::Future, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Sleep;

/// How often a slow writer writes.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// Bytes for one tick at this speed; at least one.
pub(super) fn bytes_per_tick(bytes_per_s: u64) -> usize {
    usize::try_from(bytes_per_s / 10).unwrap_or(usize::MAX).max(1)
}

/// How a connection is ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// FIN: the peer sees an early end.
    Close,
    /// RST: the peer sees "connection reset".
    Reset,
}

/// The handle by which a request in progress reaches the connection it came on.
#[derive(Debug, Default)]
pub(super) struct Line {
    ended: Notify,
    reset: AtomicBool,
    garble: AtomicBool,
    bytes_per_s: AtomicU64,
}

impl Line {
    /// Ends the connection as soon as what was written has been handed to the kernel.
    pub(super) fn cut(&self, cut: Cut) {
        self.reset.store(cut == Cut::Reset, Ordering::Release);
        self.ended.notify_one();
    }

    /// Resolves once [`Line::cut`] was called.
    pub(super) async fn cut_asked(&self) {
        self.ended.notified().await;
    }

    /// From here on nothing sent is HTTP.
    pub(super) fn garble(&self) {
        self.garble.store(true, Ordering::Release);
    }

    /// From here on headers and body leave at this speed.
    pub(super) fn slow_down(&self, bytes_per_s: u64) {
        self.bytes_per_s.store(bytes_per_s.max(1), Ordering::Release);
    }
}

/// A TCP stream that obeys a [`Line`].
pub(super) struct Wire {
    stream: TcpStream,
    line: Arc<Line>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, line: Arc<Line>) -> Self {
        Self { stream, line, pause: None }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.line.reset.load(Ordering::Acquire) {
            // With a linger of zero the close below discards what is unsent and sends RST. A failure leaves a FIN.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let mut bytes = bytes;
        let bytes_per_s = this.line.bytes_per_s.load(Ordering::Acquire);
        if bytes_per_s > 0 {
            if let Some(pause) = &mut this.pause {
                ready!(pause.as_mut().poll(cx));
                this.pause = None;
            }
            bytes = bytes.get(..bytes_per_tick(bytes_per_s)).unwrap_or(bytes);
        }
        let written = if this.line.garble.load(Ordering::Acquire) {
            // The high bit makes an octet that no HTTP status line may hold.
            let garbled: Vec<u8> = bytes.iter().map(|byte| byte | 0x80).collect();
            ready!(Pin::new(&mut this.stream).poll_write(cx, &garbled))?
        } else {
            ready!(Pin::new(&mut this.stream).poll_write(cx, bytes))?
        };
        if bytes_per_s > 0 {
            this.pause = Some(Box::pin(tokio::time::sleep(TICK)));
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
