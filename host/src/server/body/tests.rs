//! Bodies, too large and too slow.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use hyper::body::Frame;

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// Gives out pieces and counts them, as a chunked upload does: without a length.
struct Pieces {
    piece: Bytes,
    left: usize,
    given: Arc<AtomicUsize>,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.given.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }
}

fn pieces(piece: &'static str, count: usize) -> (Body, Arc<AtomicUsize>) {
    let given = Arc::new(AtomicUsize::new(0));
    (Body::new(Pieces { piece: piece.into(), left: count, given: given.clone() }), given)
}

#[tokio::test]
async fn pieces_are_put_together_and_one_piece_is_not_copied() {
    assert_eq!(read(pieces("abc", 3).0, 9, LONG).await.unwrap(), "abcabcabc");
    assert_eq!(read(Body::empty(), 0, LONG).await.unwrap(), "");

    let one = Bytes::from(vec![b'x'; 1000]);
    let read = read(Body::from(one.clone()), 1000, LONG).await.unwrap();
    assert_eq!(read.as_ptr(), one.as_ptr());
}

#[tokio::test]
async fn an_endless_body_is_left_at_the_bound() {
    let (body, given) = pieces("0123456789", usize::MAX);
    let error = read(body, 25, LONG).await.unwrap_err();
    assert!(matches!(error, BodyError::TooLarge { given: 30, max: 25 }), "{error}");
    assert_eq!(given.load(Ordering::SeqCst), 3, "nothing is read beyond the bound");
}

#[tokio::test]
async fn a_body_announced_too_large_is_not_touched() {
    let error = read(Body::from("0123456789"), 9, LONG).await.unwrap_err();
    assert!(matches!(error, BodyError::TooLarge { given: 10, max: 9 }), "{error}");
}

/// Never gives anything.
struct Silent;

impl hyper::body::Body for Silent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let error = read(Body::new(Silent), 10, Duration::from_millis(20)).await.unwrap_err();
    assert!(matches!(error, BodyError::Slow(_)), "{error}");
}
