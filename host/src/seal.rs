//! Encryption at rest: what the store is given of records, results and guests' values. Each link has a data key of its own,
//! kept in the store under a key that is derived from `host.key`; names that must be found again are given as keyed digests.
//! Holds no plaintext longer than a call, and knows nothing of what it seals.
//!
//! A seal is one byte of version, 24 of nonce, then XChaCha20-Poly1305's text and tag. What it is, whose it is and where it
//! belongs is authenticated with it, so that whoever can write to the store cannot move a seal to another place unnoticed.
//! Going back to an earlier seal of the same place is not noticed.

use std::{collections::HashMap, sync::Arc};

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::{
    hostkey::{HostKey, KEY_BYTES, Prf},
    id::{LinkId, PlatformName},
    store::{At, Digest, Sealed, Store, StoreError, Value},
};

/// The first byte of a seal, and the only one known.
const VERSION: u8 = 1;
/// Keys held in memory, a hundred bytes each; those of other links are read again.
const KEYS_MAX: usize = 10_000;
/// Under which a link's data key lies among its values. What the host keeps there begins with `h`, what guests keep with `g`.
const DATA_KEY: &[u8] = b"hdata-key";
/// A data key has no time, so any moment will do to ask for it.
const ANY_TIME: At = At(0);

/// Why something was not sealed or opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was changed, moved here from elsewhere, or sealed under another key.
    #[error("what is stored is not what was sealed for this place")]
    Foreign,
    /// A later version of this host sealed it.
    #[error("what is stored was sealed by a later version of this host (format {0})")]
    Newer(u8),
    /// It was not this `host.key` that the link's data key was sealed with.
    #[error(
        "the data key of link {0} does not open with this host.key; put back the host.key that belongs to the store"
    )]
    Key(LinkId),
    /// The system gives no random bytes.
    #[error("nothing can be sealed: {0}")]
    Random(getrandom::Error),
    /// More than the cipher takes, which is 256 GiB.
    #[error("it is too long to be sealed")]
    TooLong,
}

/// What kind of thing is sealed. The numbers are part of every seal and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A link's data key.
    DataKey = 1,
    /// What a job sends; its id is the job's.
    Payload = 2,
    /// What came of a job; its id is the job's.
    Result = 3,
    /// A row of a batch; its id is the batch's and the row's number.
    Row = 4,
    /// A guest's value; its id is its key's digest.
    Value = 5,
}

/// Where a seal belongs. It opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct What<'a> {
    /// The kind of thing.
    pub(crate) kind: Kind,
    /// The link it belongs to.
    pub(crate) link: &'a LinkId,
    /// Which one of these.
    pub(crate) id: &'a [u8],
}

impl What<'_> {
    /// What is authenticated and not stored. A link's id holds no zero byte, so no two places read the same.
    fn associated(self) -> Vec<u8> {
        [&[VERSION, self.kind as u8], self.link.as_bytes(), &[0], self.id].concat()
    }
}

/// Seals and opens what belongs to one link.
pub(crate) struct DataKey(XChaCha20Poly1305);

impl DataKey {
    fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Seals it for this place. Quick and without waiting, also for the thread that commits.
    ///
    /// # Errors
    /// `Random`, `TooLong`.
    pub(crate) fn seal(&self, what: What<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        // Random and long: with the 12 bytes of other modes chance would meet again after some billion seals under one key,
        // and a counter would have to outlive every crash and every backup that is put back.
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).map_err(SealError::Random)?;
        let aad = what.associated();
        let text = self.0.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad });
        let text = text.map_err(|_| SealError::TooLong)?;
        Ok(Sealed([&[VERSION], nonce.as_slice(), &text].concat().into()))
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// `Foreign`, `Newer`.
    pub(crate) fn open(&self, what: What<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = sealed.0.split_first().ok_or(SealError::Foreign)?;
        if *version != VERSION {
            return Err(SealError::Newer(*version));
        }
        let (nonce, text) = rest.split_first_chunk::<24>().ok_or(SealError::Foreign)?;
        let aad = what.associated();
        let plain = self.0.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: &aad });
        plain.map(Zeroizing::new).map_err(|_| SealError::Foreign)
    }
}

/// The data keys of all links, and the keyed digests of names.
pub(crate) struct Sealer {
    store: Arc<dyn Store>,
    /// Seals the data keys.
    wrapping: DataKey,
    names: Prf,
    keys: Mutex<HashMap<LinkId, Arc<DataKey>>>,
}

impl Sealer {
    /// For what is in this store, under this key.
    pub(crate) fn new(store: Arc<dyn Store>, host_key: &HostKey) -> Self {
        let wrapping = DataKey::new(&host_key.derive("data keys"));
        Self { store, wrapping, names: Prf::new(host_key.derive("record keys")), keys: Mutex::default() }
    }

    /// The link's data key, made and stored when it has none. Of many makers all get the same one.
    ///
    /// # Errors
    /// `Store`, `Key`, `Newer`, `Random`.
    pub(crate) async fn key(&self, link: &LinkId) -> Result<Arc<DataKey>, SealError> {
        let known = self.keys.lock().get(link).cloned();
        if let Some(key) = known {
            return Ok(key);
        }
        let key = Arc::new(match self.stored(link).await? {
            Some(key) => key,
            None => self.make(link).await?,
        });
        let mut keys = self.keys.lock();
        if keys.len() >= KEYS_MAX
            && let Some(any) = keys.keys().next().cloned()
        {
            keys.remove(&any);
        }
        Ok(keys.entry(link.clone()).or_insert(key).clone())
    }

    /// Stands for the key of a record, among those of an operation: the same for the same, and not to be guessed at by
    /// trying names without `host.key`.
    pub(crate) fn record(&self, link: &LinkId, operation: &str, key: &str) -> Digest {
        self.named(&[b"record", link.as_bytes(), operation.as_bytes(), key.as_bytes()])
    }

    /// The same among those of all operations of a line.
    pub(crate) fn line(&self, link: &LinkId, line: &str, key: &str) -> Digest {
        self.named(&[b"line", link.as_bytes(), line.as_bytes(), key.as_bytes()])
    }

    /// Stands for a platform's idempotency key.
    pub(crate) fn request(&self, platform: &PlatformName, key: &str) -> Digest {
        self.named(&[b"request", platform.as_bytes(), key.as_bytes()])
    }

    /// Names the batch that a platform sends under an idempotency key.
    pub(crate) fn batch(&self, platform: &PlatformName, key: &str) -> [u8; 16] {
        let Digest([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..]) =
            self.named(&[b"batch", platform.as_bytes(), key.as_bytes()]);
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    /// Stands for a record, so that two can be told to be the same when they are gone.
    pub(crate) fn body(&self, link: &LinkId, operation: &str, input: &[u8]) -> Digest {
        self.named(&[b"body", link.as_bytes(), operation.as_bytes(), input])
    }

    /// Stands for the key of a guest's value, which may be somebody's name.
    pub(crate) fn value_key(&self, link: &LinkId, key: &str) -> Digest {
        self.named(&[b"value", link.as_bytes(), key.as_bytes()])
    }

    fn named(&self, parts: &[&[u8]]) -> Digest {
        let mut message = Zeroizing::new(Vec::new());
        for part in parts {
            // With their lengths, so that no two lists of parts are the same text.
            message.extend_from_slice(&(part.len() as u64).to_be_bytes());
            message.extend_from_slice(part);
        }
        Digest(self.names.of(&message))
    }

    async fn stored(&self, link: &LinkId) -> Result<Option<DataKey>, SealError> {
        let Some(wrapped) = self.store.value(ANY_TIME, link.clone(), DATA_KEY.to_vec()).await? else {
            return Ok(None);
        };
        let opened = self.wrapping.open(place(link), &Sealed(wrapped.into())).map_err(|error| match error {
            SealError::Foreign => SealError::Key(link.clone()),
            error => error,
        })?;
        let key = <&[u8; KEY_BYTES]>::try_from(opened.as_slice()).map_err(|_| SealError::Key(link.clone()))?;
        Ok(Some(DataKey::new(key)))
    }

    async fn make(&self, link: &LinkId) -> Result<DataKey, SealError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(key.as_mut()).map_err(SealError::Random)?;
        let value = self.wrapping.seal(place(link), key.as_ref())?.0.to_vec();
        let value = Value { key: DATA_KEY.to_vec(), value, expires: None };
        if self.store.value_add(ANY_TIME, link.clone(), value).await? {
            return Ok(DataKey::new(&key));
        }
        // Somebody was faster, and theirs is everybody's.
        self.stored(link).await?.ok_or_else(|| SealError::Key(link.clone()))
    }
}

fn place(link: &LinkId) -> What<'_> {
    What { kind: Kind::DataKey, link, id: b"" }
}

#[cfg(test)]
mod tests;
