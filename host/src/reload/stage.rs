//! One file becomes something that could serve, step by step: copied (read once) → named (hashed) → admitted (signature)
//! → prepared (parsed, compiled, described: `runtime/prepared`) → kept on disk. Each step has a type that only the one
//! before it makes, so that bytes which were not judged cannot be served. A component that is already loaded under another
//! name is shared, not compiled again.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{
    blocking,
    retained::{Kept, Retained},
    signature::{self, SIGNATURE_MAX, SignatureError, Signatures},
    source::{self, Seen},
    status::{Refusal, Step},
};
use crate::{
    failpoint, file,
    id::Revision,
    runtime::{Compiler, LoadError, LoadStep, Prepared, PreparedRef, Runtime},
};

/// Files staged at a time: one may compile while another is refused at once, and serving keeps its processors.
const STAGING_MAX: usize = 2;

/// Why a file was not staged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    /// It cannot be read, or is being written.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// Nobody who may has signed it.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// It is not a connector that this host can serve.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl StageError {
    /// May it be otherwise next time, although the file is the same? A disk that was away, a machine without room for a
    /// process.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Read(_) => true,
            Self::Signature(_) => false,
            Self::Load(error) => error.may_pass(),
        }
    }

    /// At which step, and why, for the operator.
    pub(super) fn refusal(&self) -> Refusal {
        let step = match self {
            Self::Read(_) => Step::Read,
            Self::Signature(_) => Step::Signature,
            Self::Load(error) => match error.step() {
                LoadStep::Parse => Step::Parse,
                LoadStep::Imports => Step::Imports,
                LoadStep::Compile => Step::Compile,
                LoadStep::Describe => Step::Describe,
            },
        };
        Refusal { step, reason: self.to_string() }
    }
}

/// A file's bytes, read once: whatever happens to the file from now on, these are judged and these serve.
struct Copied {
    bytes: Vec<u8>,
    signature: Option<Vec<u8>>,
}

/// The same, with the name that follows from them.
struct Named {
    revision: Revision,
    copied: Copied,
}

/// The same, let in by the signatures that this host asks for.
struct Admitted(Named);

impl Copied {
    fn read(path: &Path, signatures: &Signatures) -> io::Result<(Seen, Self)> {
        let signature = match signatures.required() {
            true => file::read(&signature::beside(path), SIGNATURE_MAX).ok(),
            false => None,
        };
        let (seen, bytes) = source::read(path)?;
        failpoint::pass("stage.read");
        Ok((seen, Self { bytes, signature }))
    }

    fn named(self) -> Named {
        Named { revision: Revision::of(&self.bytes), copied: self }
    }
}

impl Named {
    fn admitted(self, signatures: &Signatures) -> Result<Admitted, SignatureError> {
        signatures.admit(&self.copied.bytes, self.copied.signature.as_deref())?;
        Ok(Admitted(self))
    }
}

/// Turns files into revisions.
pub(crate) struct Stager {
    runtime: Runtime,
    compiler: Compiler,
    signatures: Signatures,
    retained: Retained,
    turns: Semaphore,
    loaded: Mutex<HashMap<Revision, Weak<Prepared>>>,
}

impl Stager {
    pub(crate) fn new(runtime: Runtime, compiler: Compiler, signatures: Signatures, retained: Retained) -> Self {
        let turns = Semaphore::new(STAGING_MAX);
        Self { runtime, compiler, signatures, retained, turns, loaded: Mutex::default() }
    }

    /// Takes the file through every step.
    ///
    /// # Errors
    /// Says at which step it failed and why.
    pub(super) async fn stage(&self, path: PathBuf) -> Result<(Seen, PreparedRef), StageError> {
        let _turn = self.turns.acquire().await.map_err(io::Error::other)?;
        let signatures = self.signatures.clone();
        let (seen, admitted) = blocking(move || {
            let (seen, copied) = Copied::read(&path, &signatures)?;
            Ok((seen, copied.named().admitted(&signatures)))
        })
        .await?;
        Ok((seen, self.load(admitted?).await?))
    }

    /// A revision that served before, from what is kept on disk.
    ///
    /// # Errors
    /// When it is not there, or would not be let in today.
    pub(super) async fn restore(&self, revision: Revision) -> Result<PreparedRef, StageError> {
        if let Some(known) = self.known(revision) {
            return Ok(known);
        }
        let retained = self.retained.clone();
        let Kept { bytes, signature } = blocking(move || retained.read(revision)).await?;
        let named = Copied { bytes, signature }.named();
        self.load(named.admitted(&self.signatures)?).await
    }

    async fn load(&self, Admitted(Named { revision, copied }): Admitted) -> Result<PreparedRef, StageError> {
        let prepared = match self.known(revision) {
            Some(known) => known,
            None => self.prepare(&copied.bytes).await?,
        };
        let retained = self.retained.clone();
        let kept = blocking(move || retained.keep(revision, &copied.bytes, copied.signature.as_deref())).await;
        if let Err(error) = kept {
            tracing::error!(revision = revision.short(), %error, "a connector cannot be kept on disk; it serves, but not after a restart without its file");
        }
        Ok(prepared)
    }

    /// Prepares these bytes, which nobody signed and nothing serves: for whoever only wants to know.
    ///
    /// # Errors
    /// Says at which step they failed and why.
    pub(crate) async fn prepare(&self, bytes: &[u8]) -> Result<PreparedRef, LoadError> {
        let prepared = Arc::new(Prepared::load(&self.runtime, &self.compiler, bytes).await?);
        let mut loaded = self.loaded.lock();
        loaded.retain(|_, known| known.strong_count() > 0);
        // Of two that were prepared at once, one is shared.
        if let Some(known) = loaded.get(&prepared.revision).and_then(Weak::upgrade) {
            return Ok(known);
        }
        loaded.insert(prepared.revision, Arc::downgrade(&prepared));
        Ok(prepared)
    }

    fn known(&self, revision: Revision) -> Option<PreparedRef> {
        self.loaded.lock().get(&revision).and_then(Weak::upgrade)
    }

    /// Drops what is kept on disk of all other revisions.
    pub(super) async fn prune(&self, keep: std::collections::BTreeSet<Revision>) {
        let retained = self.retained.clone();
        if let Err(error) = blocking(move || retained.prune(&keep)).await {
            tracing::warn!(%error, "revisions that nobody needs cannot be removed");
        }
    }
}
