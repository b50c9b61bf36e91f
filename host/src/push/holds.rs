//! Links that are held back: by an operator, by a restore, or because a credential is over. What waits stays accepted and
//! in order; nothing is refused, nothing is lost.

use std::{collections::HashSet, time::Instant};

use super::{Push, PushError, now};
use crate::{
    id::LinkId,
    link::{Entry, Table, expiry::standings},
    store::At,
};

/// How the reason begins of a hold that ends by itself, when the credential has been renewed.
const EXPIRED: &str = "credential expired: ";

impl Push {
    /// Holds a link back.
    ///
    /// # Errors
    /// `Store`.
    pub(crate) async fn hold(&self, link: &LinkId, reason: &str) -> Result<(), PushError> {
        self.store.hold(now(), link.clone(), reason.to_owned()).await?;
        tracing::warn!(%link, reason, "the link's queue is held back");
        Ok(())
    }

    /// Lets it go on; true if it was held.
    ///
    /// # Errors
    /// `Store`.
    pub(crate) async fn resume(&self, link: &LinkId) -> Result<bool, PushError> {
        let held = self.store.resume(link.clone()).await?;
        if held {
            tracing::info!(%link, "the link's queue goes on");
            self.wake();
        }
        Ok(held)
    }

    /// Since when a link is held back, if it is. Why is the operator's.
    ///
    /// # Errors
    /// `Store`.
    pub(crate) async fn held_since(&self, link: &LinkId) -> Result<Option<At>, PushError> {
        let holds = self.store.holds().await?;
        Ok(holds.iter().find(|hold| hold.link == *link).map(|hold| hold.since))
    }

    /// Credentials of these links have been renewed: whether their upstreams take them is to be found out at once, also if
    /// they refused the old ones before those were over.
    pub(crate) fn renewed(&self, links: &HashSet<LinkId>) {
        if !links.is_empty() {
            self.traffic.lock().mended(|link| links.contains(link), Instant::now());
            self.wake();
        }
    }

    /// Holds the links whose credentials are over, and lets those go on that were held for that and are valid again. An
    /// operator's own hold is left as it is.
    ///
    /// # Errors
    /// `Store`.
    pub(crate) async fn hold_expired(&self, table: &Table) -> Result<(), PushError> {
        let holds = self.store.holds().await?;
        for (id, entry) in table.iter() {
            let Entry::Serving(serving) = entry else { continue };
            let expired = standings(&serving.stable).find(|credential| credential.warning == Some(0));
            let hold = holds.iter().find(|hold| hold.link == *id);
            match (expired, hold) {
                (Some(credential), None) => self.hold(id, &format!("{EXPIRED}{}", credential.slot)).await?,
                (None, Some(hold)) if hold.reason.starts_with(EXPIRED) => {
                    self.resume(id).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
