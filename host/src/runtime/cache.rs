//! Compiled code on disk, so that a restart does not compile again. The one file of the host with `unsafe`: loading
//! compiled code is running it, so nothing is loaded that does not carry this host's own MAC, and every doubt is a miss.
//! It never loads what an operator supplies.

#![allow(unsafe_code, reason = "wasmtime cannot check compiled code; the MAC below says that this host compiled it")]

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use wasmtime::{Engine, component::Component};
use zeroize::Zeroizing;

use crate::{
    capability::crypto::hash,
    failpoint,
    hostkey::{HostKey, KEY_BYTES},
    id::Revision,
};

const MAC_BYTES: usize = 32;
/// The largest entry read; compiled code is some three times the component.
const ENTRY_MAX: u64 = 512 << 20;

/// Entries kept: those of connectors that are gone, or of engines before an upgrade, must not pile up.
const ENTRIES_MAX: usize = 64;

/// A private directory of compiled components.
pub(crate) struct Cache {
    dir: PathBuf,
    key: Zeroizing<[u8; KEY_BYTES]>,
}

impl Cache {
    /// Opens `state/cache`, made when absent. Only its owner may enter.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub(crate) fn open(state: &Path, host_key: &HostKey) -> io::Result<Self> {
        let dir = state.join("cache");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
        Ok(Self { dir, key: host_key.derive("compile cache") })
    }

    /// The compiled form of this revision for this engine, if this host wrote it and nobody touched it.
    pub(crate) fn load(&self, engine: &Engine, revision: Revision) -> Option<Component> {
        let path = self.path(engine, revision);
        let mut entry = Vec::new();
        fs::File::open(&path).ok()?.take(ENTRY_MAX).read_to_end(&mut entry).ok()?;
        let code_len = entry.len().checked_sub(MAC_BYTES)?;
        let (code, mac) = entry.split_at_checked(code_len)?;
        if !self.mac(engine, revision, code).is_ok_and(|ours| hash::equal(&ours, mac)) {
            tracing::warn!(file = %path.display(), "a compile cache entry was not written by this host; ignored");
            return None;
        }
        deserialize(engine, code).ok()
    }

    /// Loads what the compiling child made, and keeps it. A cache that cannot be written costs time, not service.
    ///
    /// # Errors
    /// When wasmtime refuses the code.
    pub(super) fn admit(&self, engine: &Engine, revision: Revision, code: &[u8]) -> wasmtime::Result<Component> {
        let component = deserialize(engine, code)?;
        if let Err(error) = self.store(engine, revision, code) {
            tracing::warn!(dir = %self.dir.display(), %error, "the compile cache cannot be written");
        }
        Ok(component)
    }

    fn store(&self, engine: &Engine, revision: Revision, code: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.dir)?;
        file.write_all(code)?;
        file.write_all(&self.mac(engine, revision, code).map_err(io::Error::other)?)?;
        failpoint::pass("cache.temp-written");
        let path = self.path(engine, revision);
        file.persist(&path).map_err(|e| e.error)?;
        failpoint::pass("cache.renamed");
        self.prune(&path)
    }

    /// Removes all but the newest entries; never `kept`, whatever the clock says.
    fn prune(&self, kept: &Path) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let path = entry.path();
            if path != kept && path.extension().is_some_and(|extension| extension == "cwasm") {
                entries.push((entry.metadata()?.modified()?, path));
            }
        }
        entries.sort_unstable_by(|a, b| b.cmp(a));
        entries.iter().skip(ENTRIES_MAX - 1).try_for_each(|(_, path)| fs::remove_file(path))
    }

    fn path(&self, engine: &Engine, revision: Revision) -> PathBuf {
        self.dir.join(format!("{revision}-{:016x}.cwasm", engine_hash(engine)))
    }

    fn mac(&self, engine: &Engine, revision: Revision, code: &[u8]) -> Result<Vec<u8>, hash::MacError> {
        let (revision, engine) = (revision.to_string(), engine_hash(engine).to_be_bytes());
        let message = [&b"duijie compiled component 1\0"[..], revision.as_bytes(), &engine, code];
        hash::hmac(hash::Algorithm::Sha256, &*self.key, message)
    }
}

/// Two engines with the same hash run each other's code: same wasmtime, flags and processor features.
fn engine_hash(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` came out of this host's own compiling child a moment ago, or carries a MAC under a key that only
    // this host can read, over the same bytes, revision and engine.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::engine::compiling_engine;

    /// The smallest component: its header and nothing else.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    /// With the key of this directory.
    fn open(state: &Path) -> Cache {
        Cache::open(state, &HostKey::open(&state.join("host.key"), &state.join("duijie.db")).unwrap()).unwrap()
    }

    #[test]
    fn an_entry_is_served_until_a_single_bit_of_it_changes() {
        let state = tempfile::tempdir().unwrap();
        let cache = open(state.path());
        let engine = compiling_engine().unwrap();
        let revision = Revision::of(EMPTY);
        assert!(cache.load(&engine, revision).is_none());
        cache.admit(&engine, revision, &engine.precompile_component(EMPTY).unwrap()).unwrap();
        assert!(cache.load(&engine, revision).is_some());

        let path = cache.path(&engine, revision);
        let good = fs::read(&path).unwrap();
        for at in (0..good.len()).step_by(good.len() / 64) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert!(cache.load(&engine, revision).is_none(), "bit flipped at {at}");
        }
        fs::write(&path, &good[..good.len() - 1]).unwrap();
        assert!(cache.load(&engine, revision).is_none(), "truncated");
        fs::write(&path, []).unwrap();
        assert!(cache.load(&engine, revision).is_none(), "empty");
    }

    #[test]
    fn an_entry_of_another_revision_or_another_host_is_a_miss() {
        let (state, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cache = open(state.path());
        let engine = compiling_engine().unwrap();
        let (revision, wrong) = (Revision::of(EMPTY), Revision::of(b"other"));
        cache.admit(&engine, revision, &engine.precompile_component(EMPTY).unwrap()).unwrap();
        fs::copy(cache.path(&engine, revision), cache.path(&engine, wrong)).unwrap();
        assert!(cache.load(&engine, wrong).is_none());

        let stranger = open(other.path());
        fs::copy(cache.path(&engine, revision), stranger.path(&engine, revision)).unwrap();
        assert!(stranger.load(&engine, revision).is_none());
    }

    #[test]
    fn only_the_newest_entries_are_kept() {
        let state = tempfile::tempdir().unwrap();
        let cache = open(state.path());
        let engine = compiling_engine().unwrap();
        let entry = |age: u64| cache.dir.join(format!("{age}.cwasm"));
        for age in 1..=80 {
            let file = fs::File::create(entry(age)).unwrap();
            file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(age * 60)).unwrap();
        }
        let code = engine.precompile_component(EMPTY).unwrap();
        cache.admit(&engine, Revision::of(EMPTY), &code).unwrap();
        assert!(cache.load(&engine, Revision::of(EMPTY)).is_some());
        assert_eq!(fs::read_dir(&cache.dir).unwrap().count(), ENTRIES_MAX);
        assert!(entry(63).exists() && !entry(64).exists());
    }
}
