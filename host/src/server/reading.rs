//! A body that arrives over minutes: for a reader that blocks, a few pieces ahead and no more, or whole. Ends with an error
//! when it breaks, when nothing comes for too long, when it comes too slowly, or when it takes too long in all. Only the
//! time counts in which the host waits for it: a store that is busy is not its sender's fault.

use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};

use axum::body::Body;
use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{body::announced, inputs::Room};

/// For how long nothing may come of a body, and when its rate is looked at first.
const IDLE: Duration = Duration::from_secs(30);
/// For how long a body may be waited for in all.
const WAIT_MAX: Duration = Duration::from_secs(600);
/// Bytes of it that come in a second of waiting, on the average.
const RATE_MIN: u64 = 1 << 10;
/// Pieces that have come and were not read.
const PIECES: usize = 8;

/// A body, and how it has come so far.
struct Arriving {
    body: Body,
    waited: Duration,
    bytes: u64,
}

impl Arriving {
    fn new(body: Body) -> Self {
        Self { body, waited: Duration::ZERO, bytes: 0 }
    }

    /// Its next piece; none at the end. After an error nothing more is to be asked.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let slow = |text: &str| Some(Err(io::Error::new(io::ErrorKind::TimedOut, text.to_owned())));
        loop {
            let began = Instant::now();
            let left = WAIT_MAX.saturating_sub(self.waited);
            let frame = timeout(IDLE.min(left), self.body.frame()).await;
            self.waited = self.waited.saturating_add(began.elapsed());
            let data = match frame {
                Ok(None) => return None,
                Ok(Some(Ok(frame))) => frame.into_data(),
                Ok(Some(Err(_))) => {
                    return Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the body ended early")));
                }
                Err(_) if left <= IDLE => return slow("the body did not come to its end within 600 s"),
                Err(_) => return slow("nothing came of the body for 30 s"),
            };
            // Trailers mean nothing here.
            let Ok(data) = data else { continue };
            self.bytes = self.bytes.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
            if self.waited > IDLE && self.bytes < self.waited.as_secs().saturating_mul(RATE_MIN) {
                return slow("the body comes with less than 1 KiB/s");
            }
            return Some(Ok(data));
        }
    }
}

/// All of it; of more than `max` bytes so much that this is seen.
///
/// # Errors
/// As the module says.
pub(super) async fn whole(body: Body, max: usize) -> io::Result<Bytes> {
    // On its sender's word: it counts as much as it may have in any case.
    let mut whole = BytesMut::with_capacity(announced(&body).unwrap_or(0).min(max));
    let mut arriving = Arriving::new(body);
    while let Some(piece) = arriving.next().await {
        whole.extend_from_slice(&piece?);
        if whole.len() > max {
            whole.truncate(max.saturating_add(1));
            break;
        }
    }
    Ok(whole.freeze())
}

/// The reading end.
pub(super) struct Source {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

/// Reads the body on a task of its own.
pub(super) fn of(body: Body) -> Source {
    let (give, pieces) = mpsc::channel(PIECES);
    let mut arriving = Arriving::new(body);
    tokio::spawn(async move {
        while let Some(piece) = arriving.next().await {
            let last = piece.is_err();
            if give.send(piece).await.is_err() || last {
                return;
            }
        }
    });
    Source { pieces, piece: Bytes::new() }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let len = self.piece.len().min(buffer.len());
        if let Some(target) = buffer.get_mut(..len) {
            self.piece.copy_to_slice(target);
        }
        Ok(len)
    }
}

/// A source with the room it counts in, which is not free before its reader has ended, whoever has lost interest meanwhile.
pub(super) struct Held<R> {
    source: R,
    _room: Arc<Room>,
}

impl<R: Read> Held<R> {
    /// Together.
    pub(super) fn new(source: R, room: Arc<Room>) -> Self {
        Self { source, _room: room }
    }
}

impl<R: Read> Read for Held<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt as _, stream};

    use super::*;

    /// A body of pieces, each after so many seconds; for ever.
    fn dripping(every: u64, bytes: usize) -> Body {
        Body::from_stream(stream::unfold((), move |()| async move {
            tokio::time::sleep(Duration::from_secs(every)).await;
            Some((Ok::<_, Infallible>(Bytes::from(vec![b'\n'; bytes])), ()))
        }))
    }

    /// What it ends with, and after how many seconds.
    async fn end(body: Body) -> (String, u64) {
        let began = Instant::now();
        let error = whole(body, usize::MAX - 1).await.unwrap_err();
        (error.to_string(), began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up() {
        let (text, after) = end(dripping(29, 1)).await;
        assert!(text.contains("1 KiB/s") && after == 58, "{text} after {after} s");
        let (text, after) = end(dripping(31, 1 << 20)).await;
        assert!(text.contains("for 30 s") && after == 30, "{text} after {after} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let (text, after) = end(dripping(10, 64 << 10)).await;
        assert!(text.contains("600 s") && after == 600, "{text} after {after} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_slowly_but_steadily_is_read() {
        let pieces = stream::iter(0..20).then(|n: u8| async move {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok::<_, Infallible>(Bytes::from(vec![n; 32 << 10]))
        });
        assert_eq!(whole(Body::from_stream(pieces), 1 << 20).await.unwrap().len(), 640 << 10);
        let body = Body::from(vec![0; 100]);
        assert_eq!(whole(body, 9).await.unwrap().len(), 10, "so much that it is seen to be too long");
    }
}
