//! Who did what with which outcome: entries for the store's audit log, in the order in which things ended. What an operator
//! does is written before it is done; what platforms do is written soon after, and waits rather than being left out. Holds
//! names and classes, never content.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use crate::store::{AuditEntry, Store, StoreError};

/// Entries that may wait; whoever comes then waits too.
const WAITING_MAX: usize = 1024;
/// Entries under way to the store: they share its commits.
const TOGETHER: usize = 128;

/// Takes entries.
#[derive(Clone)]
pub(crate) struct Auditor {
    store: Arc<dyn Store>,
    give: mpsc::Sender<AuditEntry>,
}

/// What somebody did.
pub(crate) struct Act<'a> {
    /// Who: a platform's name, `operator`, `host`.
    pub(crate) actor: &'a str,
    /// What: `call`, `push`, `retry`, `hold`.
    pub(crate) act: &'a str,
    /// On what.
    pub(crate) subject: String,
    /// With which outcome.
    pub(crate) outcome: &'a str,
    /// The request.
    pub(crate) request_id: &'a str,
}

impl Act<'_> {
    fn entry(self) -> AuditEntry {
        AuditEntry {
            at: jiff::Timestamp::now().into(),
            actor: self.actor.to_owned(),
            act: self.act.to_owned(),
            subject: self.subject,
            outcome: self.outcome.to_owned(),
            request_id: self.request_id.to_owned(),
        }
    }
}

impl Auditor {
    /// Writes into this store until the last of its clones is gone; the future ends when all is written.
    pub(crate) fn start(store: Arc<dyn Store>) -> (Self, impl Future<Output = ()>) {
        let (give, taken) = mpsc::channel(WAITING_MAX);
        let to = store.clone();
        let writing = async move {
            let entries = stream::unfold(taken, |mut taken| async { Some((taken.recv().await?, taken)) });
            let written = entries.map(|entry| to.audit(entry)).buffered(TOGETHER);
            written
                .for_each(|result| async {
                    if let Err(error) = result {
                        tracing::error!(%error, "an entry of the audit log could not be written");
                    }
                })
                .await;
        };
        (Self { store, give }, writing)
    }

    /// Writes it soon.
    pub(crate) async fn note(&self, act: Act<'_>) {
        // Nobody takes any more: the process is ending, and what it has begun is over.
        let _ = self.give.send(act.entry()).await;
    }

    /// Writes it now; what it says is done only if this answers well.
    ///
    /// # Errors
    /// As the store's.
    pub(crate) async fn before(&self, act: Act<'_>) -> Result<(), StoreError> {
        self.store.audit(act.entry()).await.map(|_| ())
    }
}
