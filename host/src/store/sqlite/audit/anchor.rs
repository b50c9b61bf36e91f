//! How many entries the audit log has, under its key, in a file beside the database: without it the end of the log could be
//! cut off together with its checkpoints. Written after each commit that appended, and synced with each checkpoint; after a
//! power cut it may say fewer than there are, never more.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::{CHECKPOINT_EVERY, mac};
use crate::store::{Digest, StoreError, sqlite::file};

/// Count, hash, MAC.
const LEN: usize = 8 + 32 + 32;

/// The file and the key.
pub(in crate::store::sqlite) struct Anchor {
    file: File,
    key: Zeroizing<[u8; 32]>,
    /// What the commit under way appends last.
    noted: Mutex<Option<(u64, Digest)>>,
    synced: AtomicU64,
}

impl Anchor {
    /// The file beside this database.
    pub(in crate::store::sqlite) fn path(database: &Path) -> PathBuf {
        file::beside(database, ".audit")
    }

    /// Opens or makes it.
    pub(in crate::store::sqlite) fn open(database: &Path, key: &Zeroizing<[u8; 32]>) -> Result<Self, StoreError> {
        let file = file::private(&Self::path(database)).map_err(|error| broken(&error))?;
        // The first entry after a start is synced, whichever it is.
        Ok(Self { file, key: key.clone(), noted: Mutex::new(None), synced: AtomicU64::new(u64::MAX) })
    }

    /// Says of an empty log that it is empty, before it has an entry: a power cut right after the first one must not look
    /// as if somebody had emptied this file.
    pub(in crate::store::sqlite) fn begin(&self, is_empty: bool) -> Result<(), StoreError> {
        if !is_empty || self.read().is_some() {
            return Ok(());
        }
        self.put(0, Digest([0; 32]))?;
        self.file.sync_all().map_err(|error| broken(&error))
    }

    /// Under the key.
    pub(super) fn mac(&self, n: u64, hash: Digest) -> Digest {
        mac(&self.key, n, hash)
    }

    /// Remembers the last entry until the commit.
    pub(super) fn note(&self, n: u64, hash: Digest) {
        *self.noted.lock() = Some((n, hash));
    }

    /// After the commit. One write of one sector in place: it is there whole or not at all.
    pub(in crate::store::sqlite) fn write(&self) -> Result<(), StoreError> {
        let Some((n, hash)) = self.noted.lock().take() else { return Ok(()) };
        self.put(n, hash)?;
        let epoch = n / CHECKPOINT_EVERY;
        if self.synced.swap(epoch, Ordering::Relaxed) != epoch {
            self.file.sync_data().map_err(|error| broken(&error))?;
        }
        Ok(())
    }

    fn put(&self, n: u64, hash: Digest) -> Result<(), StoreError> {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend(n.to_be_bytes());
        bytes.extend(hash.0);
        bytes.extend(self.mac(n, hash).0);
        self.file.write_all_at(&bytes, 0).map_err(|error| broken(&error))
    }

    /// What it says, if it is of this host's making.
    pub(super) fn read(&self) -> Option<(u64, Digest)> {
        let mut bytes = [0; LEN];
        self.file.read_exact_at(&mut bytes, 0).ok()?;
        let (n, rest) = bytes.split_first_chunk::<8>()?;
        let (hash, rest) = rest.split_first_chunk::<32>()?;
        let (n, hash) = (u64::from_be_bytes(*n), Digest(*hash));
        (rest == self.mac(n, hash).0).then_some((n, hash))
    }
}

fn broken(error: &std::io::Error) -> StoreError {
    StoreError::Broken(format!("the audit log's anchor: {error}").into())
}
