//! All that a host writes, as it writes it. What is kept is every byte, because tests look for what must not be there.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::Notify,
    task::JoinHandle,
};

use super::WAIT_MAX;

/// What a host wrote to one of its streams.
#[derive(Debug, Clone, Default)]
pub struct Output(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    bytes: Mutex<Vec<u8>>,
    more: Notify,
}

impl Output {
    /// Reads a stream to its end.
    pub(super) fn read(&self, mut from: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<io::Result<()>> {
        let shared = self.0.clone();
        tokio::spawn(async move {
            let mut piece = vec![0; 64 << 10];
            loop {
                let read = from.read(&mut piece).await?;
                let Some(new) = piece.get(..read).filter(|new| !new.is_empty()) else { return Ok(()) };
                lock(&shared.bytes).extend_from_slice(new);
                shared.more.notify_waiters();
            }
        })
    }

    /// Every byte so far.
    pub fn bytes(&self) -> Vec<u8> {
        lock(&self.0.bytes).clone()
    }

    /// The same as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Every complete line as JSON.
    pub fn lines(&self) -> Vec<Value> {
        let text = self.text();
        let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
        let parse =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("not a JSON line ({error}): {line}"));
        complete.lines().map(parse).collect()
    }

    /// Waits until what was written satisfies `condition`; returns it.
    pub(super) async fn until(&self, what: &str, mut condition: impl FnMut(&str) -> bool) -> String {
        let end = Instant::now() + WAIT_MAX;
        loop {
            let more = self.0.more.notified();
            let text = self.text();
            if condition(&text) {
                return text;
            }
            let left = end.saturating_duration_since(Instant::now());
            // A notification between the look and the wait is not missed for long.
            let wait = left.min(std::time::Duration::from_millis(100));
            let _ = tokio::time::timeout(wait, more).await;
            assert!(!left.is_zero(), "waited in vain for {what}; written so far:\n{text}");
        }
    }
}

fn lock(bytes: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    // A panic elsewhere is no reason to lose what the host said.
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}
