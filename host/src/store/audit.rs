//! The audit log: who did what with which outcome. Each entry carries the hash of all before it; every so many entries a
//! checkpoint carries count and hash under a key that is not in the store. It holds names, never content.

use super::{Answer, At};

/// One entry. Fields are cut to [`FIELD_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditEntry {
    /// When.
    pub(crate) at: At,
    /// Who: a platform, an operator, the host.
    pub(crate) actor: String,
    /// What: `call`, `retry`, `hold`.
    pub(crate) act: String,
    /// On what: link and operation, a job.
    pub(crate) subject: String,
    /// With which outcome.
    pub(crate) outcome: String,
    /// The request.
    pub(crate) request_id: String,
}

/// Most bytes of a field.
pub(crate) const FIELD_MAX: usize = 512;

/// What a verification saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuditReport {
    /// Entries, all of them good.
    pub(crate) entries: u64,
    /// Checkpoints among them.
    pub(crate) checkpoints: u64,
    /// The first fault, if any; `entries` are those before it.
    pub(crate) fault: Option<AuditFault>,
}

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuditFault {
    /// This entry, or one before it, is not what was written.
    #[error("entry {0} is not what was written there")]
    Changed(u64),
    /// This entry is gone.
    #[error("entry {0} is missing")]
    Missing(u64),
    /// The checkpoint at this count is missing or not of this host's making.
    #[error("the checkpoint at {0} is not good")]
    Checkpoint(u64),
    /// The log once had more entries.
    #[error("the log once had {had} entries and has {has}")]
    Truncated {
        /// Entries that there were.
        had: u64,
        /// Entries that there are.
        has: u64,
    },
    /// The file beside the store that says how many entries there are is missing or not of this host's making.
    #[error("the file with the last count is missing or not good")]
    Anchor,
}

/// The log.
pub(crate) trait Audit: Send + Sync {
    /// Appends an entry and says which one it is, from 1.
    fn audit(&self, entry: AuditEntry) -> Answer<'_, u64>;

    /// Reads all of it. Finds changed, dropped, reordered and cut-off entries, but for a cut among those after the last
    /// checkpoint of which the anchor was not told because the process died.
    fn audit_verify(&self) -> Answer<'_, AuditReport>;

    /// Entries after this one, at most so many.
    fn audit_entries(&self, after: u64, entries_max: usize) -> Answer<'_, Vec<(u64, AuditEntry)>>;
}
