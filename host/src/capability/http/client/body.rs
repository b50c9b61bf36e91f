//! A request body that knows whether it has begun to leave, and that can be called back until then.
//!
//! Over HTTP/1 the library writes the head into its buffer, asks the body for its first piece, and only then flushes. So
//! a body that was never asked means that no byte of the request has left; once asked, some may have. A request without a
//! body has no such witness: unless it failed before there was a connection, it may have left.
//!
//! The order holds for heads under the library's buffer (about 400 KiB), which `policy/request.rs` sees to.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

const WAITING: u8 = 0;
const LEFT: u8 = 1;
const CALLED_BACK: u8 = 2;

/// The witness of one request.
#[derive(Clone, Debug)]
pub(super) enum Departure {
    /// There is no body to ask.
    Unwitnessed,
    /// The state that the body shares.
    Witnessed(Arc<AtomicU8>),
}

impl Departure {
    /// For a request with this body.
    pub(super) fn of(body: &Bytes) -> Self {
        if body.is_empty() { Self::Unwitnessed } else { Self::Witnessed(Arc::default()) }
    }

    /// Ends the request and says whether any of it may have left. `connecting`: it failed for want of a connection.
    ///
    /// A connection on another thread may be about to ask for the body at this very moment; whoever comes first wins,
    /// so a "no" stays true: the body refuses after it, and a head without its body is never flushed.
    pub(super) fn settle(&self, connecting: bool) -> bool {
        match self {
            Self::Unwitnessed => !connecting,
            Self::Witnessed(state) => {
                state.compare_exchange(WAITING, CALLED_BACK, Ordering::AcqRel, Ordering::Acquire) == Err(LEFT)
            }
        }
    }

    fn leave(&self) -> bool {
        match self {
            Self::Unwitnessed => true,
            Self::Witnessed(state) => {
                state.compare_exchange(WAITING, LEFT, Ordering::AcqRel, Ordering::Acquire) != Err(CALLED_BACK)
            }
        }
    }
}

/// The body of one request; not empty, its length known.
#[derive(Debug)]
pub(super) struct Outbound {
    data: Option<Bytes>,
    departure: Departure,
}

/// The request was settled before its body was asked for.
#[derive(Debug, thiserror::Error)]
#[error("the request was called back before it was sent")]
pub(super) struct CalledBack;

impl Outbound {
    pub(super) fn new(data: Bytes, departure: Departure) -> Self {
        Self { data: Some(data), departure }
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = CalledBack;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CalledBack>>> {
        if !self.departure.leave() {
            return Poll::Ready(Some(Err(CalledBack)));
        }
        Poll::Ready(self.data.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX)))
    }
}
