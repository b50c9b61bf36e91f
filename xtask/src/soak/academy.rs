//! An upstream of `skill-train` inside this process, which keeps what reached it: who, what, in which order, when. It can
//! be told to keep silent, to refuse all work, and to be gone. What it got was applied, unless it refused it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    server::{Handler, Request, Said, Server},
    site::Site,
};

/// The path of the log-in.
const LOGIN: &str = "/api/v1/thlogin";

/// A request that reached it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Receipt {
    /// When.
    pub(super) at: Instant,
    /// The learner: the key of the order.
    pub(super) key: u64,
    /// The resource, which is the number of the record.
    pub(super) record: u64,
    /// Was it applied?
    pub(super) applied: bool,
}

/// How it behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mood {
    /// It applies what it gets and says so.
    #[default]
    Well,
    /// It applies what it gets and says nothing.
    Silent,
    /// It answers 503 and applies nothing.
    Unavailable,
}

#[derive(Default)]
struct Book {
    mood: Mood,
    receipts: Vec<Receipt>,
    /// Requests that were not answered, since it fell silent.
    unanswered: usize,
}

#[derive(Default)]
struct Shared {
    book: Mutex<Book>,
    received: Notify,
}

/// The upstream.
pub(super) struct Academy {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: Option<Server>,
}

impl Academy {
    /// Opens.
    pub(super) async fn open() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let server = Server::start(None, handler(shared.clone())).await?;
        Ok(Self { shared, address: server.address(), server: Some(server) })
    }

    /// Ends every connection and refuses new ones.
    pub(super) async fn close(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Takes connections again, at the same port.
    pub(super) async fn reopen(&mut self) -> Result<()> {
        self.server = Some(Server::start(Some(self.address), handler(self.shared.clone())).await?);
        Ok(())
    }

    /// Behaves like this from now on.
    pub(super) fn set_mood(&self, mood: Mood) {
        let mut book = self.book();
        (book.mood, book.unanswered) = (mood, 0);
    }

    /// Waits until it has left so many requests without an answer.
    pub(super) async fn unanswered(&self, wanted: usize) {
        loop {
            let received = self.shared.received.notified();
            if self.book().unanswered >= wanted {
                return;
            }
            received.await;
        }
    }

    /// Everything that reached it, in order.
    pub(super) fn receipts(&self) -> Vec<Receipt> {
        self.book().receipts.clone()
    }

    /// How many requests reached it.
    pub(super) fn count(&self) -> usize {
        self.book().receipts.len()
    }

    /// Writes the file of a link to it, with these tables at its end.
    pub(super) fn link(&self, site: &Site, name: &str, tables: &str) -> Result<()> {
        site.add_academy(name, &format!("http://{}", self.address), tables)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.shared)
    }
}

/// What of a record both operations take: a viewing of the resource of this number by the learner of this number.
pub(super) fn viewing(key: u64, record: u64) -> Value {
    json!({
        "resCode": format!("{record:032x}"),
        "studentUserCode": format!("{key:032x}"),
        "classCode": "bf448ef96aff42beb30d39db8c5ba66e",
        "courseCode": "ce7114fca7d6477fbb4f40fefa29bccb",
    })
}

fn lock(shared: &Shared) -> MutexGuard<'_, Book> {
    shared.book.lock().unwrap_or_else(PoisonError::into_inner)
}

fn handler(shared: Arc<Shared>) -> Handler {
    Arc::new(move |request| {
        let said = lock(&shared).receive(request);
        shared.received.notify_waiters();
        said
    })
}

impl Book {
    fn receive(&mut self, request: &Request<'_>) -> Said {
        if self.mood == Mood::Unavailable {
            self.note(request, false);
            return Said::Json(503, "{}".to_owned());
        }
        if request.path() == LOGIN {
            let session = json!({ "acceptToken": "token", "studyPlatformCode": "p", "studyPlatformName": "n" });
            return well(&session);
        }
        if !self.note(request, true) {
            return Said::Json(400, "{}".to_owned());
        }
        if self.mood == Mood::Silent {
            self.unanswered += 1;
            return Said::Nothing;
        }
        well(&json!({}))
    }

    /// Writes down which record it is; false if it is none.
    fn note(&mut self, request: &Request<'_>, applied: bool) -> bool {
        let body: Value = serde_json::from_slice(request.body).unwrap_or_default();
        let number = |name: &str| {
            let code = body.pointer(&format!("/data/{name}")).and_then(Value::as_str)?;
            u64::from_str_radix(code.trim_start_matches('0'), 16).ok().or((code.len() == 32).then_some(0))
        };
        let (Some(key), Some(record)) = (number("studentUserCode"), number("resCode")) else { return false };
        self.receipts.push(Receipt { at: Instant::now(), key, record, applied });
        true
    }
}

fn well(data: &Value) -> Said {
    Said::Json(200, json!({ "returnCode": "0", "returnMsg": "ok", "returnData": data }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    async fn ask(academy: &Academy, key: u64, record: u64) -> Option<u16> {
        let url = format!("http://{}/api/v1/startStudy", academy.address);
        let body = json!({ "headers": {}, "data": viewing(key, record) }).to_string();
        http::send("POST", &url, &[], body.as_bytes()).await.ok().map(|answer| answer.status)
    }

    #[tokio::test]
    async fn what_reached_it_is_kept_and_what_it_refused_was_not_applied() {
        let mut academy = Academy::open().await.unwrap();
        assert_eq!(ask(&academy, 0, 17).await, Some(200));
        academy.set_mood(Mood::Unavailable);
        assert_eq!(ask(&academy, 3, 18).await, Some(503));
        academy.close().await;
        assert_eq!(ask(&academy, 3, 19).await, None);
        academy.reopen().await.unwrap();
        academy.set_mood(Mood::Silent);
        tokio::select! {
            _ = ask(&academy, 4, 20) => panic!("it must not answer"),
            () = academy.unanswered(1) => {}
        }
        let seen: Vec<_> = academy.receipts().iter().map(|seen| (seen.key, seen.record, seen.applied)).collect();
        assert_eq!(seen, [(0, 17, true), (3, 18, false), (4, 20, true)]);
    }
}
