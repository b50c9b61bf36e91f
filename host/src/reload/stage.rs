//! One file becomes something that could serve: read once, then every step of `Prepared::load`. A component that is
//! already loaded under another name is shared, not compiled again.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Weak},
};

use super::source::{self, Stamp};
use crate::{
    id::Revision,
    runtime::{Compiler, LoadError, Prepared, PreparedRef, Runtime},
};

/// Why a file was not staged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    /// It cannot be read, or is being written.
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is not a connector that this host can serve.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Turns files into revisions.
pub(crate) struct Stager {
    runtime: Runtime,
    compiler: Compiler,
    loaded: HashMap<Revision, Weak<Prepared>>,
}

impl Stager {
    pub(crate) fn new(runtime: Runtime, compiler: Compiler) -> Self {
        Self { runtime, compiler, loaded: HashMap::new() }
    }

    /// Reads and prepares the file.
    ///
    /// # Errors
    /// Says at which step it failed and why.
    pub(super) async fn stage(&mut self, path: &Path) -> Result<(Stamp, PreparedRef), StageError> {
        let owned = path.to_owned();
        let (stamp, bytes) =
            tokio::task::spawn_blocking(move || source::read(&owned)).await.map_err(std::io::Error::other)??;
        Ok((stamp, self.prepare(&bytes).await?))
    }

    /// Prepares these bytes.
    ///
    /// # Errors
    /// Says at which step they failed and why.
    pub(crate) async fn prepare(&mut self, bytes: &[u8]) -> Result<PreparedRef, LoadError> {
        let revision = Revision::of(bytes);
        if let Some(known) = self.loaded.get(&revision).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let prepared = Arc::new(Prepared::load(&self.runtime, &self.compiler, bytes).await?);
        self.loaded.retain(|_, known| known.strong_count() > 0);
        self.loaded.insert(revision, Arc::downgrade(&prepared));
        Ok(prepared)
    }
}
