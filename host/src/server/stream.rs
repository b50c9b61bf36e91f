//! A socket with two clocks: one for a request's head, from its first byte (or from connecting), and one for a write
//! that makes no progress. Between requests neither runs; the idle bound is the HTTP connection's own. It closes
//! lingering, so that a client still sending reads its answer instead of a reset. Never buffers.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

/// How long a client may go on sending after its last answer.
const LINGER: Duration = Duration::from_secs(1);
/// How much of that is read and thrown away.
const LINGER_BYTES_MAX: usize = 4 << 20;

/// Is the head of a request awaited? Set and cleared by the service, read by the stream of the same connection.
#[derive(Clone)]
pub(super) struct HeadAwaited(Arc<AtomicBool>);

impl HeadAwaited {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    // Both sides run in one task; the flag only needs to be shareable.
    pub(super) fn set(&self, awaited: bool) {
        self.0.store(awaited, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The guarded socket.
pub(super) struct Guarded {
    stream: TcpStream,
    awaited: HeadAwaited,
    header_timeout: Duration,
    head: Pin<Box<Sleep>>,
    head_runs: bool,
    write_timeout: Duration,
    write: Option<Pin<Box<Sleep>>>,
    linger: Option<Linger>,
}

/// A socket closed on our side, on which the client may still be sending.
struct Linger {
    end: Pin<Box<Sleep>>,
    left: usize,
    waste: Box<[u8]>,
}

impl Guarded {
    /// The head's clock runs at once: a client that connects and says nothing has no longer than one that dawdles.
    pub(super) fn new(
        stream: TcpStream,
        awaited: HeadAwaited,
        header_timeout: Duration,
        write_timeout: Duration,
    ) -> Self {
        let head = Box::pin(sleep(header_timeout));
        Self { stream, awaited, header_timeout, head, head_runs: true, write_timeout, write: None, linger: None }
    }

    /// A write that waits longer than it may is an error; progress stops the clock.
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write = None;
            return written;
        }
        let timeout = self.write_timeout;
        let clock = self.write.get_or_insert_with(|| Box::pin(sleep(timeout)));
        match clock.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(too_slow("the client takes nothing of the answer"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if !this.awaited.get() {
            this.head_runs = false;
            return read;
        }
        if buf.filled().len() > before && !this.head_runs {
            this.head.as_mut().reset(Instant::now() + this.header_timeout);
            this.head_runs = true;
        }
        // Looked at after every read, so that a client that always has one more byte to say does not get round it.
        if this.head_runs && this.head.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(too_slow("the head of a request took too long")));
        }
        read
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.watch(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    /// Closing a socket that has unread bytes resets it, and a reset may overtake the answer: what still comes is thrown
    /// away for a moment.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let linger = match &mut this.linger {
            Some(linger) => linger,
            None => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                let end = Box::pin(sleep(LINGER));
                this.linger.insert(Linger { end, left: LINGER_BYTES_MAX, waste: vec![0; 8192].into() })
            }
        };
        while linger.left > 0 && linger.end.as_mut().poll(cx).is_pending() {
            let mut waste = ReadBuf::new(&mut linger.waste);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut waste)) {
                Ok(()) if !waste.filled().is_empty() => linger.left = linger.left.saturating_sub(waste.filled().len()),
                // The client closed, too, or is gone.
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn too_slow(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}
