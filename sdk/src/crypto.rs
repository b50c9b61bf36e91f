//! Hashes, MACs and SM4 by the host, under keys that a connector never sees. A call may pass at most 64 MiB through
//! hashes and MACs, and 4 MiB through each use of SM4.

use crate::{
    Class, Failure,
    bindings::duijie::crypto::{digest, sm4, types},
    raw,
    secret::Parts,
};

pub use digest::Algorithm;
pub use sm4::{GcmParams, Mode, Padding};
pub use types::Error as CryptoError;

/// The digest of the message. Every secret in it needs the use `digest`.
///
/// # Errors
/// [`CryptoError`]: a slot that is not filled or not allowed this use, or a budget.
pub fn hash(algorithm: Algorithm, message: impl Into<Parts>) -> Result<Vec<u8>, CryptoError> {
    raw::hash(algorithm, &message.into().0)
}

/// HMAC (RFC 2104) under the key in this slot, which needs the use `hmac`; secrets in the message need `digest`.
///
/// # Errors
/// As [`hash`].
pub fn hmac(algorithm: Algorithm, key_slot: &str, message: impl Into<Parts>) -> Result<Vec<u8>, CryptoError> {
    raw::hmac(algorithm, key_slot, &message.into().0)
}

/// Compares a digest received from outside with that of the message, in constant time.
///
/// # Errors
/// As [`hash`].
pub fn verify_hash(algorithm: Algorithm, message: impl Into<Parts>, expected: &[u8]) -> Result<bool, CryptoError> {
    raw::verify_hash(algorithm, &message.into().0, expected)
}

/// Compares an HMAC received from outside with that of the message, in constant time.
///
/// # Errors
/// As [`hash`].
pub fn verify_hmac(
    algorithm: Algorithm,
    key_slot: &str,
    message: impl Into<Parts>,
    expected: &[u8],
) -> Result<bool, CryptoError> {
    raw::verify_hmac(algorithm, key_slot, &message.into().0, expected)
}

/// SM4 encryption under the 16-byte key in this slot, which needs the use `sm4`.
///
/// # Errors
/// [`CryptoError`]: the slot, or a wrong length of key, IV, nonce or data.
pub fn sm4_encrypt(mode: &Mode, key_slot: &str, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    raw::encrypt(mode, key_slot, data)
}

/// SM4 decryption under the 16-byte key in this slot, which needs the use `sm4`.
///
/// # Errors
/// As [`sm4_encrypt`], and [`CryptoError::Verification`] for wrong padding or tag.
pub fn sm4_decrypt(mode: &Mode, key_slot: &str, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    raw::decrypt(mode, key_slot, data)
}

impl From<CryptoError> for Failure {
    /// A key that does not fit is `config`, the operator's; other lengths are in the connector's own hands.
    fn from(error: CryptoError) -> Self {
        let (class, message) = match error {
            CryptoError::Denied(which) => {
                (Class::Denied, format!("the link does not let a secret be used so: {which}"))
            }
            CryptoError::Key(which) => (Class::Config, format!("the secret does not fit as a key: {which}")),
            CryptoError::Invalid(which) => {
                (Class::Internal, format!("the connector gave data of a wrong form: {which}"))
            }
            CryptoError::Verification => {
                (Class::Protocol, "what the upstream sent does not verify under the link's key".to_owned())
            }
            CryptoError::Budget(which) => (Class::Internal, format!("the call's budget is used up: {which}")),
            CryptoError::Other(why) => (Class::Internal, format!("cryptography failed: {why}")),
        };
        Self::new(class, message)
    }
}
