//! Digests and HMACs over a message given in pieces, and the comparison of a received one.
//!
//! The message is never joined in memory and its pieces are never kept; nothing here knows what a secret is. The
//! algorithms are RustCrypto's; MD5 and SHA-1 are here only because upstreams demand them.
//!
//! Time and memory are those of the message; the caller's byte budget is the bound.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use sm3::Sm3;
use subtle::ConstantTimeEq;

/// A hash function, and the HMAC made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// RFC 1321, 16 bytes; broken, for upstreams only.
    Md5,
    /// FIPS 180-4, 20 bytes; broken, for upstreams only.
    Sha1,
    /// FIPS 180-4, 32 bytes.
    Sha256,
    /// FIPS 180-4, 64 bytes.
    Sha512,
    /// GB/T 32905-2016, 32 bytes.
    Sm3,
}

/// Why there is no MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MacError {
    /// HMAC takes keys of every length, so this means the crate underneath has changed.
    #[error("the HMAC implementation refuses the key")]
    Key,
}

/// Runs `$body` with `$D` standing for the algorithm's type.
macro_rules! with_digest {
    ($algorithm:expr, $D:ident => $body:expr) => {
        match $algorithm {
            Algorithm::Md5 => {
                type $D = Md5;
                $body
            }
            Algorithm::Sha1 => {
                type $D = Sha1;
                $body
            }
            Algorithm::Sha256 => {
                type $D = Sha256;
                $body
            }
            Algorithm::Sha512 => {
                type $D = Sha512;
                $body
            }
            Algorithm::Sm3 => {
                type $D = Sm3;
                $body
            }
        }
    };
}

/// The digest of the pieces, concatenated without separators.
pub(crate) fn hash<'a>(algorithm: Algorithm, message: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    with_digest!(algorithm, D => {
        let mut state = D::new();
        message.into_iter().for_each(|piece| state.update(piece));
        state.finalize().to_vec()
    })
}

/// The HMAC (RFC 2104) of the pieces, concatenated without separators, under a key of any length.
pub(crate) fn hmac<'a>(
    algorithm: Algorithm,
    key: &[u8],
    message: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, MacError> {
    with_digest!(algorithm, D => {
        let mut state = Hmac::<D>::new_from_slice(key).map_err(|_| MacError::Key)?;
        message.into_iter().for_each(|piece| state.update(piece));
        Ok(state.finalize().into_bytes().to_vec())
    })
}

/// Compares a digest of ours with one received, in a time that depends on the lengths only.
pub(crate) fn equal(ours: &[u8], received: &[u8]) -> bool {
    ours.ct_eq(received).into()
}

#[cfg(test)]
mod tests;
