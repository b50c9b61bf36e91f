//! What is done to a store while no host runs on it: a backup is put in its place, its audit log is read. The rule of a
//! restore: nothing is sent until an operator has looked, because what the backup holds may have been sent since it was made.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;

use crate::{
    hostkey::{HostKey, HostKeyError},
    id::LinkId,
    seal::{SealError, Sealer},
    store::{self, At, AuditEntry, AuditReport, Options, RestoreError, Restoring, Sqlite, State, Store, StoreError},
};

/// For what is sealed here there is no other purpose's key.
const AUDIT: &str = "audit";

/// Why the store is what it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OfflineError {
    /// See [`RestoreError`].
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// See [`HostKeyError`].
    #[error(transparent)]
    HostKey(#[from] HostKeyError),
    /// There is nothing to read.
    #[error("there is no store at {}; is paths.state right?", .0.display())]
    NoStore(PathBuf),
    /// A host runs on it.
    #[error("a running host uses {}; ask it, without --offline", .0.display())]
    InUse(PathBuf),
    /// The backup is damaged.
    #[error("{} cannot be restored, it is damaged: {why}", .file.display())]
    Damaged {
        /// The backup.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It was sealed with another key.
    #[error("{} belongs to another host.key: {why}", .file.display())]
    OtherKey {
        /// The backup.
        file: PathBuf,
        /// How that shows.
        why: String,
    },
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a restore did.
#[derive(Debug)]
pub(crate) struct Restored {
    /// The moment as of which the store is now.
    pub(crate) of: Timestamp,
    /// Where the store is that was there before.
    pub(crate) kept: Option<PathBuf>,
    /// Jobs in it, by state.
    pub(crate) jobs: Vec<(State, u64)>,
    /// Links that are held because something of theirs waits, or because they have schedules, of which a run may have been
    /// made since.
    pub(crate) held: Vec<LinkId>,
    /// What is wrong with its audit log, if anything.
    pub(crate) audit: Option<String>,
}

/// Puts a backup in the place of the store of this state directory.
///
/// # Errors
/// Says what is wrong with which file; the store is what it was.
pub(crate) async fn restore(state: &Path, backup: &Path) -> Result<Restored, OfflineError> {
    let place = state.join(store::FILE);
    let restoring = {
        let (backup, place) = (backup.to_owned(), place.clone());
        blocking(move || Restoring::begin(&backup, &place)).await??
    };
    // The backup is what needs it, so that no key is made in silence where there is none.
    let host_key = HostKey::open(&state.join("host.key"), backup)?;
    let options = Options::new(restoring.copy(), *host_key.derive(AUDIT));
    let damaged = |why: String| OfflineError::Damaged { file: backup.to_owned(), why };
    let opened = blocking(move || Sqlite::open(options)).await?;
    let copy: Arc<dyn Store> = match opened {
        Err(StoreError::Broken(why)) => return Err(damaged(why.to_string())),
        opened => Arc::new(opened?),
    };
    if let Some(wrong) = copy.check().await?.into_iter().next() {
        return Err(damaged(wrong));
    }
    let copied = Copied { store: copy, backup, anchored: restoring.anchored() };
    let mut restored = copied.make_ready(&host_key).await?;
    drop(copied);
    let suffix = format!(".before-restore-{}", Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ"));
    restored.kept = blocking(move || restoring.finish(&suffix)).await??;
    Ok(restored)
}

/// Reads the audit log of the store of this state directory.
///
/// # Errors
/// When there is none or it cannot be opened.
pub(crate) async fn verify_audit(state: &Path) -> Result<AuditReport, OfflineError> {
    let place = state.join(store::FILE);
    if !place.is_file() {
        return Err(OfflineError::NoStore(place));
    }
    let host_key = HostKey::open(&state.join("host.key"), &place)?;
    let options = Options::new(&place, *host_key.derive(AUDIT));
    let store = match blocking(move || Sqlite::open(options)).await? {
        Err(StoreError::InUse) => return Err(OfflineError::InUse(place)),
        opened => Arc::new(opened?),
    };
    Ok(store::Audit::audit_verify(&*store).await?)
}

/// A backup that was copied and is open.
struct Copied<'a> {
    store: Arc<dyn Store>,
    backup: &'a Path,
    anchored: bool,
}

impl Copied<'_> {
    /// Makes sure that the key opens it, holds what waits, and writes into its log what happened.
    async fn make_ready(&self, host_key: &HostKey) -> Result<Restored, OfflineError> {
        let report = self.store.audit_verify().await?;
        let counts = self.store.counts().await?;
        self.is_of(host_key, &report, counts.iter().map(|(link, ..)| link).collect()).await?;
        let of = self.moment(&report).await?;
        let now = At::from(Timestamp::now());
        let waits = |state: &State| matches!(state, State::Queued | State::Sending);
        let waiting = counts.iter().filter(|(_, state, _)| waits(state)).map(|(link, ..)| link.clone());
        let mut held: BTreeSet<LinkId> = waiting.collect();
        // What ran since the backup was made is owed again by what the backup knows, and queued at the start.
        let scheduled = self.store.values_links(store::SCHEDULE.into()).await?;
        held.extend(scheduled.iter().cloned());
        let before = self.store.holds().await?;
        for link in &held {
            let mut reason = format!("restored from a backup of {of:.0}: what waits here may have been sent since");
            if scheduled.contains(link) {
                reason.push_str(", and runs of its schedules made");
            }
            reason.push_str(&format!("; look, then `duijie resume {link}`"));
            if let Some(hold) = before.iter().find(|hold| hold.link == *link) {
                reason.push_str(&format!(" (it was held before: {})", hold.reason));
            }
            self.store.hold(now, link.clone(), reason).await?;
        }
        let audit = report.fault.map(|fault| fault.to_string());
        let outcome = match &audit {
            None => format!("as of {of:.0}, {} links held", held.len()),
            // For ever: the next entry makes the anchor good again, and this one says that it was not.
            Some(fault) => format!("as of {of:.0}, {} links held, its audit log was not good: {fault}", held.len()),
        };
        self.store
            .audit(AuditEntry {
                at: now,
                actor: "operator".into(),
                act: "restore".into(),
                subject: self.backup.display().to_string(),
                outcome,
                request_id: "cli".into(),
            })
            .await?;
        let mut jobs: Vec<(State, u64)> = Vec::new();
        for (_, state, count) in &counts {
            match jobs.iter_mut().find(|(known, _)| known == state) {
                Some((_, sum)) => *sum = sum.saturating_add(*count),
                None => jobs.push((*state, *count)),
            }
        }
        jobs.sort_unstable_by_key(|(state, _)| *state);
        Ok(Restored { of, kept: None, jobs, held: held.into_iter().collect(), audit })
    }

    /// Whatever is sealed is sealed under the key of its link; the log without jobs shows it by its anchor.
    async fn is_of(
        &self,
        host_key: &HostKey,
        report: &AuditReport,
        links: BTreeSet<&LinkId>,
    ) -> Result<(), OfflineError> {
        let other = |why: String| OfflineError::OtherKey { file: self.backup.to_owned(), why };
        let sealer = Sealer::new(self.store.clone(), host_key);
        for link in links {
            match sealer.key(link).await {
                Ok(_) => {}
                Err(SealError::Store(error)) => return Err(error.into()),
                Err(error) => return Err(other(error.to_string())),
            }
        }
        match report.fault {
            Some(store::AuditFault::Anchor) if self.anchored => Err(other(
                "the .audit file beside it was made under another key; put back the host.key that belongs to it, or, \
                 if the file is only damaged, move it away and restore again"
                    .into(),
            )),
            _ => Ok(()),
        }
    }

    /// When it was made: the log ends with the backup itself. Without a good log, what the file system says.
    async fn moment(&self, report: &AuditReport) -> Result<Timestamp, OfflineError> {
        let last = self.store.audit_entries(report.entries.saturating_sub(1), 1).await?;
        if let (None, Some((_, entry))) = (report.fault, last.first()) {
            return Ok(entry.at.into());
        }
        let written = std::fs::metadata(self.backup).and_then(|meta| meta.modified()).ok();
        Ok(written.and_then(|time| Timestamp::try_from(time).ok()).unwrap_or_else(Timestamp::now))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, OfflineError> {
    let ended = |_| StoreError::Broken("the restore ended badly".into());
    Ok(tokio::task::spawn_blocking(work).await.map_err(ended)?)
}

#[cfg(test)]
mod tests;
