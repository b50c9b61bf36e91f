//! Reply bodies: whole, cut short, slow, or huge. Never holds more than the reply itself: a huge body is one shared
//! chunk sent over and over.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::Sleep;

use super::wire::{Cut, Line, TICK, bytes_per_tick};

/// Bytes in one chunk of a huge body.
const CHUNK: usize = 64 * 1024;

/// A body on its way out.
pub(super) enum Body {
    /// All of it, then the end.
    Whole(Bytes),
    /// A part, then the end of the connection. The headers promise more.
    Cut { part: Bytes, flushed: bool, line: Arc<Line>, cut: Cut },
    /// All of it, in ticks of 100 ms.
    Slow { rest: Bytes, bytes_per_s: u64, pause: Option<Pin<Box<Sleep>>> },
    /// So many bytes of `x`, chunked, with no length announced.
    Huge { left: u64, chunk: Bytes },
}

impl Body {
    pub(super) fn cut(part: Bytes, line: Arc<Line>, cut: Cut) -> Self {
        Self::Cut { part, flushed: false, line, cut }
    }

    pub(super) fn slow(bytes: Bytes, bytes_per_s: u64) -> Self {
        Self::Slow { rest: bytes, bytes_per_s, pause: None }
    }

    pub(super) fn huge(bytes: u64) -> Self {
        Self::Huge { left: bytes, chunk: Bytes::from(vec![b'x'; CHUNK]) }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(rest) => Poll::Ready(next(rest, usize::MAX)),
            Self::Cut { part, flushed, line, cut } => {
                if let Some(frame) = next(part, usize::MAX) {
                    return Poll::Ready(Some(frame));
                }
                if *flushed {
                    line.cut(*cut);
                } else {
                    // hyper flushes when a body is pending; only after that may the connection go.
                    *flushed = true;
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
            Self::Slow { rest, bytes_per_s, pause } => {
                if let Some(sleep) = pause {
                    ready!(sleep.as_mut().poll(cx));
                }
                *pause = Some(Box::pin(tokio::time::sleep(TICK)));
                Poll::Ready(next(rest, bytes_per_tick(*bytes_per_s)))
            }
            Self::Huge { left, chunk } => {
                let size = usize::try_from(*left).unwrap_or(usize::MAX).min(chunk.len());
                *left -= size as u64;
                let mut bytes = chunk.clone();
                Poll::Ready(next(&mut bytes, size))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(rest) if rest.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(rest) => SizeHint::with_exact(rest.len() as u64),
            _ => SizeHint::default(),
        }
    }
}

/// Takes at most `max` bytes off the front; none when nothing is left.
fn next(rest: &mut Bytes, max: usize) -> Option<Result<Frame<Bytes>, Infallible>> {
    let bytes = rest.split_to(rest.len().min(max));
    if bytes.is_empty() { None } else { Some(Ok(Frame::data(bytes))) }
}
