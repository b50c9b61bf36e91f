//! Everything about the store itself: holds, deletion of what is over its time, backups, and the end of it all.

use std::{path::PathBuf, sync::Arc};

use futures_util::future::BoxFuture;

use super::{Answer, At};
use crate::id::LinkId;

/// A link whose jobs wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// The link.
    pub(crate) link: LinkId,
    /// Why; cut to [`crate::failure::MESSAGE_MAX`].
    pub(crate) reason: String,
    /// Since when.
    pub(crate) since: At,
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Purged {
    /// Payloads past their retention.
    pub(crate) payloads: usize,
    /// Results past theirs.
    pub(crate) results: usize,
    /// Idempotency keys past their time.
    pub(crate) keys: usize,
    /// Records of refused rows past theirs.
    pub(crate) rows: usize,
}

/// Looking after the store.
pub(crate) trait Upkeep: Send + Sync {
    /// Holds a link back; a second reason takes the place of the first.
    fn hold(&self, now: At, link: LinkId, reason: String) -> Answer<'_, ()>;

    /// Holds a link back that is not held; true if it was not.
    fn hold_free(&self, now: At, link: LinkId, reason: String) -> Answer<'_, bool>;

    /// Lets it go on; true if it was held. With a reason, only if that is why.
    fn resume(&self, link: LinkId, reason: Option<String>) -> Answer<'_, bool>;

    /// Every link that is held.
    fn holds(&self) -> Answer<'_, Vec<Hold>>;

    /// Deletes what is past its time, at most so many of each kind. The key of a job that waits, or that a person may still
    /// send again, has its time prolonged instead: it must not become another job meanwhile.
    fn purge(&self, now: At, each_max: usize) -> Answer<'_, Purged>;

    /// Writes a whole copy, as of one moment, to a new file while the store goes on, and checks it.
    ///
    /// # Errors
    /// `Backup`, also if the file exists.
    fn backup(&self, to: PathBuf) -> Answer<'_, ()>;

    /// Checks every page and every reference; what is wrong, in words.
    fn check(&self) -> Answer<'_, Vec<String>>;

    /// Why the store is broken, if it is.
    fn is_broken(&self) -> Option<Arc<str>>;

    /// Ends when the store breaks, with the reason; never, if it does not.
    fn broken(&self) -> BoxFuture<'static, Arc<str>>;
}
