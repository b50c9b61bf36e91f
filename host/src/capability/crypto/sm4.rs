//! SM4 (GB/T 32907-2016) in the modes that upstreams ask for: ECB, CBC, CTR and GCM (GB/T 17964-2021).
//!
//! It never makes up a key, an IV or a nonce, never tells bad padding from a bad tag, and never sees a secret as data:
//! the key comes from a slot, the data from the guest. The block cipher and the modes are RustCrypto's; the cipher looks
//! its S-box up by secret bytes, so it is not constant in time and runs in the host only, behind a coarse guest clock.
//!
//! Bounded by [`DATA_MAX`] and [`AAD_MAX`]; the largest message takes about 40 ms of CPU, so callers move messages
//! over some 64 KiB off the async workers.

use aes_gcm::{
    AesGcm,
    aead::{Aead, Payload, consts::U12},
};
use cbc::cipher::{
    BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit, StreamCipher,
    block_padding::{NoPadding, Pkcs7},
};
use sm4::Sm4;

/// Bytes of a key, of a block, and of an IV or counter block.
pub(crate) const BLOCK: usize = 16;

/// Bytes of a GCM nonce: the length for which GCM needs no extra hashing (NIST SP 800-38D §8.2).
pub(crate) const NONCE: usize = 12;

/// Bytes of a GCM tag; upstreams and the contract know no shorter one.
pub(crate) const TAG: usize = 16;

/// Most bytes of plaintext in one operation: the contract's 4 MiB.
pub(crate) const DATA_MAX: usize = 4 << 20;

/// Most bytes of additional authenticated data: it is a header, not a payload.
pub(crate) const AAD_MAX: usize = 64 << 10;

/// What fills the last block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// PKCS#7; what Java calls PKCS5Padding is the same for 16-byte blocks.
    Pkcs7,
    /// None: the data must be whole blocks.
    None,
}

/// A mode of operation with its parameters, not yet checked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode<'a> {
    /// Deterministic and unauthenticated: only because upstreams demand it.
    Ecb(Padding),
    /// Cipher block chaining.
    Cbc {
        /// [`BLOCK`] bytes.
        iv: &'a [u8],
        /// What fills the last block.
        padding: Padding,
    },
    /// A key stream from a counter that counts up as a big-endian number of 128 bits and wraps around.
    Ctr {
        /// The first counter block, [`BLOCK`] bytes.
        counter: &'a [u8],
    },
    /// Authenticated; the tag of [`TAG`] bytes follows the ciphertext.
    Gcm {
        /// [`NONCE`] bytes, never twice under one key.
        nonce: &'a [u8],
        /// Additional authenticated data, at most [`AAD_MAX`] bytes; may be empty.
        aad: &'a [u8],
    },
}

/// Why there is no result. The texts say what is right, and never quote key or data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Sm4Error {
    /// The slot's key does not fit the cipher: the link is configured wrongly.
    #[error("an SM4 key is 16 bytes, this one is {0}; check the secret's `encoding`")]
    KeyLength(usize),
    /// The guest's IV, counter block or nonce does not fit the mode.
    #[error("{what} is {want} bytes, this one is {got}")]
    IvLength {
        /// What it is, with an article.
        what: &'static str,
        /// The right length.
        want: usize,
        /// The length given.
        got: usize,
    },
    /// The guest's data does not fit the mode or the bound.
    #[error("{what}, this is {got}")]
    DataLength {
        /// What would be right.
        what: &'static str,
        /// Bytes given.
        got: usize,
    },
    /// Padding or tag is wrong. One case without detail, so that it is no padding oracle.
    #[error("the data does not verify")]
    Verification,
}

/// Encrypts at most [`DATA_MAX`] bytes.
pub(crate) fn encrypt(key: &[u8], mode: Mode<'_>, data: &[u8]) -> Result<Vec<u8>, Sm4Error> {
    bound(data, DATA_MAX)?;
    match mode {
        Mode::Ecb(padding) => {
            let cipher = ecb::Encryptor::<Sm4>::new_from_slice(key).map_err(|_| key_length(key))?;
            match padding {
                Padding::Pkcs7 => Ok(cipher.encrypt_padded_vec::<Pkcs7>(data)),
                Padding::None => whole_blocks(data).map(|data| cipher.encrypt_padded_vec::<NoPadding>(data)),
            }
        }
        Mode::Cbc { iv, padding } => {
            check_lengths(key, "a CBC IV", iv, BLOCK)?;
            let cipher = cbc::Encryptor::<Sm4>::new_from_slices(key, iv).map_err(|_| key_length(key))?;
            match padding {
                Padding::Pkcs7 => Ok(cipher.encrypt_padded_vec::<Pkcs7>(data)),
                Padding::None => whole_blocks(data).map(|data| cipher.encrypt_padded_vec::<NoPadding>(data)),
            }
        }
        Mode::Ctr { counter } => key_stream(key, counter, data),
        Mode::Gcm { nonce, aad } => {
            let cipher = gcm(key, nonce, aad)?;
            let nonce = nonce.try_into().map_err(|_| iv_length("a GCM nonce", NONCE, nonce))?;
            // The crate's only error here is a message over 64 GiB.
            cipher.encrypt(nonce, Payload { msg: data, aad }).map_err(|_| over(data))
        }
    }
}

/// Decrypts at most [`DATA_MAX`] bytes, plus a block of padding or the tag.
pub(crate) fn decrypt(key: &[u8], mode: Mode<'_>, data: &[u8]) -> Result<Vec<u8>, Sm4Error> {
    match mode {
        Mode::Ecb(padding) => {
            bound(data, DATA_MAX.saturating_add(BLOCK))?;
            let cipher = ecb::Decryptor::<Sm4>::new_from_slice(key).map_err(|_| key_length(key))?;
            unpad(cipher, padding, data)
        }
        Mode::Cbc { iv, padding } => {
            bound(data, DATA_MAX.saturating_add(BLOCK))?;
            check_lengths(key, "a CBC IV", iv, BLOCK)?;
            let cipher = cbc::Decryptor::<Sm4>::new_from_slices(key, iv).map_err(|_| key_length(key))?;
            unpad(cipher, padding, data)
        }
        Mode::Ctr { counter } => {
            bound(data, DATA_MAX)?;
            key_stream(key, counter, data)
        }
        Mode::Gcm { nonce, aad } => {
            bound(data, DATA_MAX.saturating_add(TAG))?;
            let cipher = gcm(key, nonce, aad)?;
            if data.len() < TAG {
                return Err(Sm4Error::DataLength { what: "GCM data is at least its 16-byte tag", got: data.len() });
            }
            let nonce = nonce.try_into().map_err(|_| iv_length("a GCM nonce", NONCE, nonce))?;
            cipher.decrypt(nonce, Payload { msg: data, aad }).map_err(|_| Sm4Error::Verification)
        }
    }
}

/// Is this a key that [`encrypt`] and [`decrypt`] take? For `check`, so that a wrong key is found at load.
pub(crate) fn check_key(key: &[u8]) -> Result<(), Sm4Error> {
    if key.len() == BLOCK { Ok(()) } else { Err(key_length(key)) }
}

fn unpad(cipher: impl BlockModeDecrypt, padding: Padding, data: &[u8]) -> Result<Vec<u8>, Sm4Error> {
    let data = whole_blocks(data)?;
    match padding {
        Padding::Pkcs7 if data.is_empty() => {
            Err(Sm4Error::DataLength { what: "padded data is at least one block of 16 bytes", got: 0 })
        }
        Padding::Pkcs7 => cipher.decrypt_padded_vec::<Pkcs7>(data).map_err(|_| Sm4Error::Verification),
        Padding::None => cipher.decrypt_padded_vec::<NoPadding>(data).map_err(|_| Sm4Error::Verification),
    }
}

fn key_stream(key: &[u8], counter: &[u8], data: &[u8]) -> Result<Vec<u8>, Sm4Error> {
    check_lengths(key, "a CTR counter block", counter, BLOCK)?;
    let mut cipher = ctr::Ctr128BE::<Sm4>::new_from_slices(key, counter).map_err(|_| key_length(key))?;
    let mut out = data.to_vec();
    // A key stream of 2^128 blocks cannot be used up by DATA_MAX bytes.
    cipher.try_apply_keystream(&mut out).map_err(|_| over(data))?;
    Ok(out)
}

fn gcm(key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<AesGcm<Sm4, U12>, Sm4Error> {
    check_lengths(key, "a GCM nonce", nonce, NONCE)?;
    if aad.len() > AAD_MAX {
        return Err(Sm4Error::DataLength { what: "GCM additional data is at most 65536 bytes", got: aad.len() });
    }
    AesGcm::new_from_slice(key).map_err(|_| key_length(key))
}

fn check_lengths(key: &[u8], what: &'static str, iv: &[u8], want: usize) -> Result<(), Sm4Error> {
    check_key(key)?;
    if iv.len() == want { Ok(()) } else { Err(iv_length(what, want, iv)) }
}

fn bound(data: &[u8], max: usize) -> Result<(), Sm4Error> {
    if data.len() <= max { Ok(()) } else { Err(over(data)) }
}

fn whole_blocks(data: &[u8]) -> Result<&[u8], Sm4Error> {
    if data.len().is_multiple_of(BLOCK) {
        Ok(data)
    } else {
        Err(Sm4Error::DataLength {
            what: "without padding, and when decrypting, data is a multiple of 16 bytes",
            got: data.len(),
        })
    }
}

fn over(data: &[u8]) -> Sm4Error {
    Sm4Error::DataLength { what: "data is at most 4194304 bytes", got: data.len() }
}

fn key_length(key: &[u8]) -> Sm4Error {
    Sm4Error::KeyLength(key.len())
}

fn iv_length(what: &'static str, want: usize, iv: &[u8]) -> Sm4Error {
    Sm4Error::IvLength { what, want, got: iv.len() }
}

#[cfg(test)]
mod tests;
