//! The bytes of connectors that served, under the name of their hash, so that they can serve again when the directory holds
//! them no more: after a rollback, and at a start among rubbish. What is read back is hashed again.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use super::signature::SIGNATURE_MAX;
use crate::{failpoint, file, id::Revision, runtime::COMPONENT_MAX};

/// A connector's bytes, and the signature that came with them.
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    pub(super) signature: Option<Vec<u8>>,
}

/// The directory of retained revisions; without one nothing is retained.
#[derive(Debug, Clone, Default)]
pub(crate) struct Retained(Option<PathBuf>);

impl Retained {
    /// `revisions` in the state directory.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        let dir = state.join("revisions");
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        file::clear_unfinished(&dir)?;
        Ok(Self(Some(dir)))
    }

    /// Keeps a connector. Blocks.
    ///
    /// # Errors
    /// When it cannot be written; then it does not survive a restart, and serves all the same.
    pub(super) fn keep(&self, revision: Revision, bytes: &[u8], signature: Option<&[u8]>) -> io::Result<()> {
        let Some(dir) = &self.0 else { return Ok(()) };
        let path = path(dir, revision);
        if let Some(signature) = signature {
            file::replace(&path.with_extension("wasm.minisig"), signature)?;
        }
        // The name is the hash of the content: what is there under it is it.
        if !path.exists() {
            file::replace(&path, bytes)?;
        }
        failpoint::pass("revision.stored");
        Ok(())
    }

    /// A connector that was kept. Blocks.
    ///
    /// # Errors
    /// When there is none, or it is not what its name says.
    pub(super) fn read(&self, revision: Revision) -> io::Result<Kept> {
        let Some(dir) = &self.0 else { return Err(io::ErrorKind::NotFound.into()) };
        let path = path(dir, revision);
        let bytes = file::read(&path, COMPONENT_MAX as u64)?;
        if Revision::of(&bytes) != revision {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its content is not what its name says"));
        }
        Ok(Kept { bytes, signature: file::read(&path.with_extension("wasm.minisig"), SIGNATURE_MAX).ok() })
    }

    /// Drops all others. Blocks.
    ///
    /// # Errors
    /// When the directory cannot be read or a file not removed.
    pub(super) fn prune(&self, keep: &BTreeSet<Revision>) -> io::Result<()> {
        let Some(dir) = &self.0 else { return Ok(()) };
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let revision = name.split('.').next().and_then(|stem| stem.parse::<Revision>().ok());
            if revision.is_some_and(|revision| !keep.contains(&revision)) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

fn path(dir: &Path, revision: Revision) -> PathBuf {
    dir.join(format!("{revision}.wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_until_it_is_pruned_or_changed() {
        let state = tempfile::tempdir().unwrap();
        let retained = Retained::open(state.path()).unwrap();
        let [one, two] = [&b"1"[..], b"2"].map(Revision::of);
        retained.keep(one, b"1", Some(b"signed")).unwrap();
        retained.keep(two, b"2", None).unwrap();
        let kept = retained.read(one).unwrap();
        assert_eq!((kept.bytes.as_slice(), kept.signature.as_deref()), (&b"1"[..], Some(&b"signed"[..])));
        assert!(retained.read(two).unwrap().signature.is_none());
        retained.prune(&[two].into()).unwrap();
        assert!(retained.read(one).is_err() && retained.read(two).is_ok());
        assert_eq!(fs::read_dir(state.path().join("revisions")).unwrap().count(), 1);
        fs::write(path(&state.path().join("revisions"), two), b"3").unwrap();
        assert!(retained.read(two).err().unwrap().to_string().contains("not what its name says"));
    }
}
