//! Links that are held back: by an operator, by a restore, or because a credential is over. What waits stays accepted and
//! in order; nothing is refused, nothing is lost.

use std::{collections::HashSet, time::Instant};

use super::{Push, PushError, now};
use crate::{
    id::LinkId,
    link::{Entry, Link, Table, expiry::standings},
    store::At,
};

/// How the reason begins of a hold that ends by itself, when the credential has been renewed.
const EXPIRED: &str = "credential expired: ";

/// What became of a link that somebody wanted to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resumed {
    /// It does.
    GoesOn,
    /// It was not held.
    NotHeld,
    /// The credential in this slot is over: it goes on by itself when that is renewed.
    Expired(String),
}

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

    /// Lets it go on, unless a credential of it is over: then that is why it is held from now on.
    ///
    /// # Errors
    /// `Store`.
    pub(crate) async fn resume(&self, link: &LinkId) -> Result<Resumed, PushError> {
        if let Some(slot) = self.expired(link) {
            // In the place of what it was held for: with no hold in between, nothing is sent that would be refused.
            self.hold(link, &format!("{EXPIRED}{slot}")).await?;
            return Ok(Resumed::Expired(slot));
        }
        if !self.store.resume(link.clone(), None).await? {
            return Ok(Resumed::NotHeld);
        }
        tracing::info!(%link, "the link's queue goes on");
        self.wake();
        Ok(Resumed::GoesOn)
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

    /// Lets a link go on whose credential was renewed, unless somebody holds it for another reason by now.
    async fn lift(&self, link: &LinkId, reason: String) -> Result<(), PushError> {
        if self.store.resume(link.clone(), Some(reason)).await? {
            tracing::info!(%link, "the link's queue goes on: its credential was renewed");
            self.wake();
        }
        Ok(())
    }

    fn expired(&self, link: &LinkId) -> Option<String> {
        match self.dispatcher.table().get(link) {
            Some(Entry::Serving(serving)) => expired(&serving.stable),
            _ => None,
        }
    }

    /// Holds the links whose credentials are over, and lets those go on that were held for that and are valid again. An
    /// operator's own hold is left as it is, also one that is set meanwhile.
    ///
    /// # Errors
    /// `Store`.
    pub(crate) async fn hold_expired(&self, table: &Table) -> Result<(), PushError> {
        let holds = self.store.holds().await?;
        for (id, entry) in table.iter() {
            let Entry::Serving(serving) = entry else { continue };
            let hold = holds.iter().find(|hold| hold.link == *id);
            match (expired(&serving.stable), hold) {
                (Some(slot), None) => {
                    let reason = format!("{EXPIRED}{slot}");
                    if self.store.hold_free(now(), id.clone(), reason.clone()).await? {
                        tracing::warn!(link = %id, reason, "the link's queue is held back");
                    }
                }
                (None, Some(hold)) if hold.reason.starts_with(EXPIRED) => self.lift(id, hold.reason.clone()).await?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The slot of a credential that is over.
fn expired(link: &Link) -> Option<String> {
    standings(link).find(|credential| credential.warning == Some(0)).map(|credential| credential.slot)
}
