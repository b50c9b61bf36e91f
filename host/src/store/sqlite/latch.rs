//! Whether the disk has failed: set once, never reset, heard by everyone.

use std::sync::Arc;

use tokio::sync::watch;

use crate::store::StoreError;

/// Shared by writer, readers and whoever waits for the end.
#[derive(Clone)]
pub(super) struct Latch(watch::Sender<Option<Arc<str>>>);

impl Default for Latch {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Latch {
    /// The first reason counts.
    pub(super) fn set(&self, reason: &Arc<str>) {
        self.0.send_if_modified(|latched| {
            let first = latched.is_none();
            if first {
                tracing::error!(%reason, "the store is broken: nothing is accepted any more");
                *latched = Some(reason.clone());
            }
            first
        });
    }

    /// Why, if so.
    pub(super) fn get(&self) -> Option<Arc<str>> {
        self.0.borrow().clone()
    }

    /// An error if so.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.get().map_or(Ok(()), |reason| Err(StoreError::Broken(reason)))
    }

    /// Passes a result on, and latches if it is the disk's.
    pub(super) fn watch<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Broken(reason)) = &result {
            self.set(reason);
        }
        result
    }

    /// Ends when it is set.
    pub(super) fn wait(&self) -> impl Future<Output = Arc<str>> + Send + 'static {
        let mut heard = self.0.subscribe();
        let sender = self.0.clone();
        async move {
            let reason = heard.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
            drop(sender);
            match reason {
                Some(reason) => reason,
                None => std::future::pending().await,
            }
        }
    }
}
