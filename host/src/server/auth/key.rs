//! The form of an API key: `dj_<8 hex>_<43 base64url>`. The first part is public and finds the key's record; the second
//! is 256 random bits. Only the SHA-256 of the whole is ever kept: a random key needs no slow hash.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const PREFIX: &str = "dj_";
const ID_LEN: usize = 8;
/// 32 bytes in base64 without padding.
const SECRET_LEN: usize = 43;

/// The public part of a key.
pub(super) type Id = [u8; ID_LEN];

/// A new key, shown once.
pub(crate) struct NewKey {
    /// The whole key; for the platform, and nowhere else.
    pub(crate) secret: Zeroizing<String>,
    /// Its public part; for `duijie.toml`.
    pub(crate) id: String,
    /// SHA-256 of the whole key, in hex; for `duijie.toml`.
    pub(crate) sha256: String,
}

/// Makes a key from the system's random source.
///
/// # Errors
/// When the system has no random bytes to give.
pub(crate) fn generate() -> Result<NewKey, getrandom::Error> {
    let mut id = [0; ID_LEN / 2];
    getrandom::fill(&mut id)?;
    let mut random = Zeroizing::new([0; 32]);
    getrandom::fill(random.as_mut_slice())?;
    let id = hex::encode(id);
    let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_slice()));
    let secret = Zeroizing::new(format!("{PREFIX}{id}_{}", encoded.as_str()));
    let sha256 = hex::encode(Sha256::digest(secret.as_bytes()));
    Ok(NewKey { secret, id, sha256 })
}

/// The id in a key, if it has the form of one. By position: base64url has `_`, too.
pub(super) fn id(key: &str) -> Option<Id> {
    let rest = key.strip_prefix(PREFIX)?;
    let (id, secret) = rest.split_at_checked(ID_LEN)?;
    let secret = secret.strip_prefix('_')?;
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if secret.len() != SECRET_LEN || !secret.bytes().all(base64url) {
        return None;
    }
    parse_id(id)
}

/// An id as configured.
pub(super) fn parse_id(text: &str) -> Option<Id> {
    let id: Id = text.as_bytes().try_into().ok()?;
    id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(id)
}

/// SHA-256 of a key.
#[derive(Clone, Copy)]
pub(crate) struct KeyHash([u8; 32]);

impl KeyHash {
    /// No key has this hash, as far as anybody will ever know.
    pub(super) const NOBODYS: Self = Self([0; 32]);

    /// Is it the hash of this key? In constant time.
    pub(super) fn is_of(&self, key: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        self.0.ct_eq(&given).into()
    }
}

/// Not 64 hex digits.
#[derive(Debug, thiserror::Error)]
#[error("a key's sha256 has 64 hex digits; `duijie keys new` prints it")]
pub(crate) struct NotAHash;

impl FromStr for KeyHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(|_| NotAHash)?;
        Ok(Self(hash))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}
