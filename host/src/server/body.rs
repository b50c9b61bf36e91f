//! A request's body, read whole: never more than the bound, never longer than the time, and not at all when the client
//! announces more than is taken.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::time::timeout;

/// Reserved on a client's word alone; more only as bytes arrive.
const RESERVED_MAX: usize = 64 << 10;

/// A body that was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// Over the bound.
    #[error("the body has {given} bytes or more; {max} are taken")]
    TooLarge {
        /// Bytes announced, or read so far.
        given: usize,
        /// Bytes taken.
        max: usize,
    },
    /// Not all there in time.
    #[error("the body did not arrive within {} s", .0.as_secs())]
    Slow(Duration),
    /// Ended early, or not framed as HTTP wants it.
    #[error("the body could not be read to its end")]
    Broken,
}

/// Its length, when the client says it.
pub(super) fn announced(body: &Body) -> Option<usize> {
    body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// Reads it. A body that comes in one piece is not copied.
pub(super) async fn read(body: Body, max: usize, time: Duration) -> Result<Bytes, BodyError> {
    let announced = announced(&body).unwrap_or(0);
    if announced > max {
        return Err(BodyError::TooLarge { given: announced, max });
    }
    timeout(time, collect(body, announced, max)).await.map_err(|_| BodyError::Slow(time))?
}

async fn collect(mut body: Body, announced: usize, max: usize) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Trailers mean nothing here.
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        let given = first.len().max(whole.len()).saturating_add(data.len());
        if given > max {
            return Err(BodyError::TooLarge { given, max });
        }
        if whole.is_empty() {
            if first.is_empty() {
                first = data;
                continue;
            }
            whole.reserve(announced.clamp(given, RESERVED_MAX.max(given)));
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

#[cfg(test)]
mod tests;
