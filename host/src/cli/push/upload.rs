//! A file on its way to the host: hashed for the batch's name, then read piece by piece as the host takes it. It is never
//! in memory as a whole. Ends when the host has neither taken nor said anything for too long.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http::{header, request};
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};

use super::bar::Bar;
use crate::cli::{
    Ended,
    remote::{Remote, json, refused},
};

/// Bytes read at a time.
const PIECE: usize = 64 << 10;
/// For how long the host may take nothing: it has 10,000 rows to check and to keep after the last byte.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(100);

/// A file that is open.
pub(super) struct Upload {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Upload {
    /// Opens it.
    pub(super) fn open(path: &Path) -> Result<Self, Ended> {
        let wrong = |error: io::Error| Ended::Usage(format!("{}: {error}", path.display()));
        let opened = crate::file::open(path).map_err(wrong)?;
        Ok(Self { path: path.to_owned(), len: opened.meta.len(), file: opened.file })
    }

    /// Names the batch: the same for the same content for the same purpose, and another one for anything else.
    pub(super) fn key(&self, link: &str, operation: &str) -> Result<String, Ended> {
        let mut hash = Sha256::new();
        hash.update(format!("duijie push 1\n{link}\n{operation}\n"));
        let hashed = (|| {
            let mut file = &self.file;
            io::copy(&mut file, &mut Hashing(&mut hash))?;
            file.seek(SeekFrom::Start(0))
        })();
        hashed.map_err(|error| Ended::Usage(format!("{}: {error}", self.path.display())))?;
        Ok(format!("push-{}", hex::encode(hash.finalize())))
    }

    /// Sends it; the host's answer, if it took the batch.
    pub(super) async fn send(self, remote: &Remote, request: request::Builder, bar: &Bar) -> Result<Value, Ended> {
        let sent = Arc::new(AtomicU64::new(0));
        let request = request.header(header::CONTENT_LENGTH, self.len);
        let (path, len) = (self.path.display().to_string(), self.len);
        let exchange = async { json(remote.send(request, StreamBody::new(self.pieces(sent.clone()))).await?).await };
        tokio::pin!(exchange);
        let (mut seen, mut since) = (0, Instant::now());
        loop {
            tokio::select! {
                answered = &mut exchange => {
                    bar.clear();
                    return match answered {
                        Ok((200..=299, receipt)) => Ok(receipt),
                        Ok((status, problem)) => Err(refused(status, &problem)),
                        Err(error) => Err(again(remote.silent(&format!("{error:#} (while sending {path})")))),
                    };
                }
                () = sleep(LOOK) => {
                    let now = sent.load(Ordering::Relaxed);
                    bar.sent(now, len);
                    if now != seen {
                        (seen, since) = (now, Instant::now());
                    } else if since.elapsed() > SILENCE_MAX {
                        return Err(again(remote.silent(&"it takes nothing more")));
                    }
                }
            }
        }
    }

    /// The file's pieces, each read when the host has room for it.
    fn pieces(self, sent: Arc<AtomicU64>) -> impl futures_util::Stream<Item = io::Result<Frame<Bytes>>> + Send {
        stream::unfold((self.file, sent), |(file, sent)| async move {
            let read = tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; PIECE];
                let read = (&file).read(&mut piece).map(|len| {
                    piece.truncate(len);
                    piece
                });
                (file, read)
            });
            let (file, read) = read.await.ok()?;
            match read {
                Ok(piece) if piece.is_empty() => None,
                Ok(piece) => {
                    sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
                    Some((Ok(Frame::data(piece.into())), (file, sent)))
                }
                Err(error) => Some((Err(error), (file, sent))),
            }
        })
    }
}

/// What to do when the host went away half-way.
fn again(error: Ended) -> Ended {
    match error {
        Ended::Because(text) => Ended::Because(format!("{text} Run the same command again: it goes on where it was.")),
        other => other,
    }
}

struct Hashing<'h>(&'h mut Sha256);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_named_after_content_link_and_operation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("talks.csv");
        let key = |content: &str, link: &str, operation: &str| {
            std::fs::write(&path, content).unwrap();
            let upload = Upload::open(&path).ok().unwrap();
            let key = upload.key(link, operation).ok().unwrap();
            assert_eq!((&upload.file).stream_position().unwrap(), 0, "it is sent from its beginning");
            key
        };
        let one = key("a", "zj.a", "push");
        assert_eq!(one, key("a", "zj.a", "push"));
        assert_eq!(one.len(), 69);
        for other in [key("b", "zj.a", "push"), key("a", "zj.b", "push"), key("a", "zj.a", "pull")] {
            assert_ne!(one, other);
        }
    }
}
