//! `state/host.key`: 32 random bytes that all this host seals and vouches for hangs on. Each purpose has a key of its own,
//! derived from them; nobody is given the bytes themselves. Made at the first start, and never again in silence once there
//! is something that was sealed with it.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of the key and of whatever is derived from it.
pub(crate) const KEY_BYTES: usize = 32;
/// What SHA-256 takes at a time, and so the length to which HMAC fills up a key.
const BLOCK_BYTES: usize = 64;

/// Why there is no key. The texts are for operators.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostKeyError {
    /// It lies open.
    #[error("{} can be read by others; run `chmod 600` on it", .0.display())]
    Exposed(PathBuf),
    /// It is not the file that was made.
    #[error(
        "{} is damaged: it has {bytes} bytes instead of {KEY_BYTES}; put the copy of it back. Do not delete it while there is \
         a store: all records in there are sealed with it, and without it every one that is queued is lost",
        .path.display()
    )]
    Damaged {
        /// Where it lies.
        path: PathBuf,
        /// How long it is.
        bytes: u64,
    },
    /// It is gone, and what needs it is not.
    #[error(
        "{} is missing, yet there is {}, which was sealed with it; put the copy of the key back, or move the store away \
         and lose what it holds",
        .path.display(), .sealed.display()
    )]
    Missing {
        /// Where it should lie.
        path: PathBuf,
        /// What was sealed with it.
        sealed: PathBuf,
    },
    /// The file system does not do it.
    #[error("{}: {source}", .path.display())]
    Io {
        /// With which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system gives no random bytes to make one of.
    #[error("a host.key cannot be made: {0}")]
    Random(getrandom::Error),
}

/// The key.
pub(crate) struct HostKey(Prf);

impl HostKey {
    /// The key in `path`, made when there is none; but not when `sealed` is there, the store that is sealed with it.
    ///
    /// # Errors
    /// See [`HostKeyError`]; each is a reason not to start.
    pub(crate) fn open(path: &Path, sealed: &Path) -> Result<Self, HostKeyError> {
        let io = |source| HostKeyError::Io { path: path.to_owned(), source };
        // In this order: a host that starts beside us makes first its key and then its store.
        let is_sealed = sealed.try_exists().map_err(io)?;
        if let Some(key) = read(path)? {
            return Ok(key);
        }
        if is_sealed {
            return Err(HostKeyError::Missing { path: path.to_owned(), sealed: sealed.to_owned() });
        }
        make(path)
    }

    /// The key for one purpose. This is HKDF-Expand (RFC 5869) with SHA-256 and "duijie " and the label as `info`, of which
    /// 32 bytes are the first block; the step before it, which makes poor keys even, has nothing to do for random ones.
    pub(crate) fn derive(&self, label: &str) -> Zeroizing<[u8; KEY_BYTES]> {
        Zeroizing::new(self.0.of(&[b"duijie ", label.as_bytes(), &[1]].concat()))
    }

    fn new(key: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(Prf::new(key))
    }
}

/// HMAC-SHA256 under one key: the same 32 bytes for the same message, and nothing to be learnt from them without the key.
pub(crate) struct Prf(Zeroizing<[u8; KEY_BYTES]>);

impl Prf {
    /// Under this key.
    pub(crate) fn new(key: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(key)
    }

    /// Of this message.
    pub(crate) fn of(&self, message: &[u8]) -> [u8; KEY_BYTES] {
        // As HMAC itself would fill it up; a whole block is the one length that no implementation can refuse.
        let mut block = Zeroizing::new([0; BLOCK_BYTES]);
        block.iter_mut().zip(self.0.iter()).for_each(|(to, from)| *to = *from);
        Hmac::<Sha256>::new((&*block).into()).chain_update(message).finalize().into_bytes().into()
    }
}

fn read(path: &Path) -> Result<Option<HostKey>, HostKeyError> {
    let io = |source| HostKeyError::Io { path: path.to_owned(), source };
    let mut file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(io)?,
    };
    let metadata = file.metadata().map_err(io)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(HostKeyError::Exposed(path.to_owned()));
    }
    if metadata.len() != KEY_BYTES as u64 {
        return Err(HostKeyError::Damaged { path: path.to_owned(), bytes: metadata.len() });
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    file.read_exact(key.as_mut()).map_err(io)?;
    Ok(Some(HostKey::new(key)))
}

/// Under its name it is there whole or not at all, also when the host is killed meanwhile. The key of another host that
/// was faster is everybody's.
fn make(path: &Path) -> Result<HostKey, HostKeyError> {
    let io = |source| HostKeyError::Io { path: path.to_owned(), source };
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(key.as_mut()).map_err(HostKeyError::Random)?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io)?;
    let private = fs::Permissions::from_mode(0o600);
    let mut file = tempfile::Builder::new().prefix(".host.key-").permissions(private).tempfile_in(dir).map_err(io)?;
    file.write_all(key.as_ref()).and_then(|()| file.as_file().sync_all()).map_err(io)?;
    match file.persist_noclobber(path) {
        // Before anything is sealed with it, so that no power cut leaves that behind without its key.
        Ok(_) => fs::File::open(dir).and_then(|dir| dir.sync_all()).map(|()| HostKey::new(key)).map_err(io),
        Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| io(io::ErrorKind::NotFound.into()))
        }
        Err(lost) => Err(io(lost.error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(state: &Path) -> Result<HostKey, HostKeyError> {
        HostKey::open(&state.join("host.key"), &state.join("duijie.db"))
    }

    #[test]
    fn every_purpose_has_a_key_of_its_own_and_the_same_one_always() {
        let key = HostKey::new(Zeroizing::new([7; KEY_BYTES]));
        // By another implementation: Python's `hmac.digest(bytes([7]) * 32, b"duijie audit\x01", "sha256")`.
        assert_eq!(
            hex::encode(*key.derive("audit")),
            "ecbfa162fc2f5a2130c886371320e8fe6eb3fe48f63611f4e9f91bcfd0df07f7"
        );
        assert_ne!(key.derive("audit"), key.derive("data keys"));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let state = tempfile::tempdir().unwrap();
        open(state.path()).unwrap();
        fs::set_permissions(state.path().join("host.key"), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(open(state.path()).err().unwrap().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_key_of_another_size_is_refused_with_the_cure() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("host.key");
        let key = open(state.path()).unwrap().derive("audit");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let good = fs::read(&path).unwrap();
        for bad in [&good[..0], &good[..31], &[good.as_slice(), b"\n"].concat()] {
            fs::write(&path, bad).unwrap();
            let text = open(state.path()).err().unwrap().to_string();
            assert!(text.contains("host.key is damaged") && text.contains("put the copy of it back"), "{text}");
        }
        fs::write(&path, good).unwrap();
        assert_eq!(open(state.path()).unwrap().derive("audit"), key);
        assert_eq!(fs::read_dir(state.path()).unwrap().count(), 1, "nothing but the key");
    }

    #[test]
    fn a_key_that_is_missing_beside_its_store_is_not_made_anew() {
        let state = tempfile::tempdir().unwrap();
        let (path, store) = (state.path().join("host.key"), state.path().join("duijie.db"));
        let key = open(state.path()).unwrap().derive("audit");
        fs::write(&store, "sealed").unwrap();
        assert_eq!(open(state.path()).unwrap().derive("audit"), key);
        fs::rename(&path, state.path().join("copy")).unwrap();
        for _ in 0..2 {
            let text = open(state.path()).err().unwrap().to_string();
            assert!(text.contains("host.key is missing") && text.contains("put the copy of the key back"), "{text}");
        }
        fs::rename(state.path().join("copy"), &path).unwrap();
        assert_eq!(open(state.path()).unwrap().derive("audit"), key);
        fs::remove_file(&store).unwrap();
        fs::remove_file(&path).unwrap();
        assert_ne!(open(state.path()).unwrap().derive("audit"), key, "with the store moved away there is a new one");
    }

    #[test]
    fn hosts_that_start_at_once_have_one_key() {
        let state = tempfile::tempdir().unwrap();
        let start = || {
            let key = open(state.path()).unwrap();
            fs::write(state.path().join("duijie.db"), "sealed").unwrap();
            key.derive("audit")
        };
        let keys = std::thread::scope(|scope| {
            let hosts: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            hosts.into_iter().map(|host| host.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }
}
