//! The platforms' end of the webhooks: takes every event and remembers its name, its job and what it says.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use serde_json::Value;

use super::verdict::Told;
use crate::{
    server::{Handler, Request, Said, Server},
    site::Site,
};

/// What events are signed with: nobody's.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

#[derive(Default)]
struct Events {
    by_job: BTreeMap<String, BTreeSet<Told>>,
    deliveries: u64,
    strange: u64,
}

/// Whoever listens.
pub(super) struct Inbox {
    events: Arc<Mutex<Events>>,
    server: Server,
}

impl Inbox {
    /// Listens.
    pub(super) async fn open() -> Result<Self> {
        let events = Arc::new(Mutex::new(Events::default()));
        let book = events.clone();
        let handler: Handler = Arc::new(move |request| {
            book.lock().unwrap_or_else(PoisonError::into_inner).take(request);
            Said::Json(200, "{}".to_owned())
        });
        Ok(Self { events, server: Server::start(None, handler).await? })
    }

    /// Has the host tell this platform of its jobs.
    pub(super) fn subscribe(&self, site: &Site, platform: &str) -> Result<()> {
        site.write("secrets/webhook", SECRET)?;
        site.configure(&format!(
            "[[webhooks]]\nplatform = \"{platform}\"\nurl = \"{}/{platform}\"\ncidr = [\"127.0.0.0/8\"]\nsecret = {{ file = \"secrets/webhook\" }}\n",
            self.server.url()
        ))
    }

    /// What was told of each job.
    pub(super) fn told(&self) -> BTreeMap<String, BTreeSet<Told>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).by_job.clone()
    }

    /// Deliveries, and those that were no event of a job.
    pub(super) fn deliveries(&self) -> (u64, u64) {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        (events.deliveries, events.strange)
    }
}

impl Events {
    fn take(&mut self, request: &Request<'_>) {
        self.deliveries += 1;
        let event: Value = serde_json::from_slice(request.body).unwrap_or_default();
        let text = |name: &str| event.pointer(&format!("/data/{name}")).and_then(Value::as_str).map(str::to_owned);
        match (request.header("webhook-id"), text("job"), text("state")) {
            (Some(id), Some(job), Some(state)) => {
                self.by_job.entry(job).or_default().insert(Told { id: id.to_owned(), state });
            }
            _ => self.strange += 1,
        }
    }
}
