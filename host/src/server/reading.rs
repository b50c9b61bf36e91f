//! A body that arrives, for a reader that blocks: a few pieces ahead and no more. Ends with an error when nothing comes for
//! too long or the body breaks.

use std::{
    io::{self, Read},
    time::Duration,
};

use axum::body::Body;
use bytes::{Buf as _, Bytes};
use http_body_util::BodyExt as _;
use tokio::{sync::mpsc, time::timeout};

/// For how long nothing may come of a body.
const IDLE: Duration = Duration::from_secs(30);
/// Pieces that have come and were not read.
const PIECES: usize = 8;

/// The reading end.
pub(super) struct Source {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

/// Reads the body on a task of its own.
pub(super) fn of(mut body: Body) -> Source {
    let (give, pieces) = mpsc::channel(PIECES);
    tokio::spawn(async move {
        loop {
            let piece = match timeout(IDLE, body.frame()).await {
                Ok(None) => return,
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => Ok(data),
                    // Trailers mean nothing here.
                    Err(_) => continue,
                },
                Ok(Some(Err(_))) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the body ended early")),
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "nothing came of the body for 30 s")),
            };
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
