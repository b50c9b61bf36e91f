//! Cryptography for guests: digests and HMACs over messages that may hold secrets, and SM4 under a key that stays here.
//! A secret is never the plaintext of anything reversible. The algorithms are RustCrypto's; none is ours.

#[cfg(test)]
mod differential;
pub(crate) mod hash;
pub(crate) mod sm4;

use super::{
    Context, Phase,
    parts::{Assembled, PartsError, assemble},
};
use crate::{
    bindings::duijie::{
        crypto::{
            digest,
            sm4::{Host as Sm4Host, Mode as WitMode, Padding as WitPadding},
            types::{self, Error},
        },
        secret::parts::{self, Part},
    },
    secret::Use,
};

/// The longest message hashed in one go.
const MESSAGE_MAX: usize = 16 << 20;

impl types::Host for Context {}
impl parts::Host for Context {}

impl digest::Host for Context {
    fn hash(&mut self, algorithm: digest::Algorithm, message: Vec<Part>) -> Answer<Vec<u8>> {
        self.enter("crypto.digest", Phase::Serve)?;
        Ok(self.message(&message).map(|message| hash::hash(name(algorithm), [message.as_slice()])))
    }

    fn hmac(&mut self, algorithm: digest::Algorithm, key_slot: String, message: Vec<Part>) -> Answer<Vec<u8>> {
        self.enter("crypto.digest", Phase::Serve)?;
        Ok(self.mac(algorithm, &key_slot, &message))
    }

    fn verify_hash(&mut self, algorithm: digest::Algorithm, message: Vec<Part>, expected: Vec<u8>) -> Answer<bool> {
        Ok(self.hash(algorithm, message)?.map(|ours| hash::equal(&ours, &expected)))
    }

    fn verify_hmac(
        &mut self,
        algorithm: digest::Algorithm,
        key_slot: String,
        message: Vec<Part>,
        expected: Vec<u8>,
    ) -> Answer<bool> {
        Ok(self.hmac(algorithm, key_slot, message)?.map(|ours| hash::equal(&ours, &expected)))
    }
}

impl Sm4Host for Context {
    fn encrypt(&mut self, mode: WitMode, key_slot: String, data: Vec<u8>) -> Answer<Vec<u8>> {
        self.sm4(sm4::encrypt, &mode, &key_slot, &data)
    }

    fn decrypt(&mut self, mode: WitMode, key_slot: String, data: Vec<u8>) -> Answer<Vec<u8>> {
        self.sm4(sm4::decrypt, &mode, &key_slot, &data)
    }
}

type Answer<T> = wasmtime::Result<Result<T, Error>>;
type Cipher = fn(&[u8], sm4::Mode<'_>, &[u8]) -> Result<Vec<u8>, sm4::Sm4Error>;

impl Context {
    fn message(&mut self, message: &[Part]) -> Result<Assembled, Error> {
        let grant = self.grant.clone();
        // A digest cannot be turned back, so an encoded group in it needs no mask.
        let assembled = assemble(message, MESSAGE_MAX, &|slot| grant.secret(slot, Use::Digest), &mut |_| {});
        let assembled = assembled.map_err(|error| match error {
            PartsError::Denied(text) => Error::Denied(text),
            PartsError::TooLong(max) => Error::Invalid(format!("a message has at most {max} bytes")),
        })?;
        self.spend_crypto(assembled.len())?;
        Ok(assembled)
    }

    fn mac(&mut self, algorithm: digest::Algorithm, key_slot: &str, message: &[Part]) -> Result<Vec<u8>, Error> {
        let message = self.message(message)?;
        let key = self.grant.secret(key_slot, Use::Hmac).map_err(Error::Denied)?;
        hash::hmac(name(algorithm), key.key(), [message.as_slice()]).map_err(|e| Error::Other(e.to_string()))
    }

    fn sm4(&mut self, cipher: Cipher, mode: &WitMode, key_slot: &str, data: &[u8]) -> Answer<Vec<u8>> {
        self.enter("crypto.sm4", Phase::Serve)?;
        Ok(self.spend_crypto(data.len()).and_then(|()| {
            let key = self.grant.secret(key_slot, Use::Sm4).map_err(Error::Denied)?;
            cipher(key.key(), mode_of(mode), data).map_err(|error| match error {
                sm4::Sm4Error::Verification => Error::Verification,
                key @ sm4::Sm4Error::KeyLength(_) => Error::Key(key.to_string()),
                invalid => Error::Invalid(invalid.to_string()),
            })
        }))
    }

    fn spend_crypto(&mut self, bytes: usize) -> Result<(), Error> {
        self.crypto_bytes_left = self.crypto_bytes_left.checked_sub(bytes).ok_or_else(|| {
            Error::Budget(format!("a call may pass {} bytes through crypto", super::CRYPTO_BYTES_MAX))
        })?;
        Ok(())
    }
}

fn mode_of(mode: &WitMode) -> sm4::Mode<'_> {
    match mode {
        WitMode::LegacyEcb(padding) => sm4::Mode::Ecb(padding_of(*padding)),
        WitMode::Cbc((iv, padding)) => sm4::Mode::Cbc { iv, padding: padding_of(*padding) },
        WitMode::Ctr(counter) => sm4::Mode::Ctr { counter },
        WitMode::Gcm(params) => sm4::Mode::Gcm { nonce: &params.nonce, aad: &params.aad },
    }
}

fn padding_of(padding: WitPadding) -> sm4::Padding {
    match padding {
        WitPadding::Pkcs7 => sm4::Padding::Pkcs7,
        WitPadding::None => sm4::Padding::None,
    }
}

fn name(algorithm: digest::Algorithm) -> hash::Algorithm {
    match algorithm {
        digest::Algorithm::Md5 => hash::Algorithm::Md5,
        digest::Algorithm::Sha1 => hash::Algorithm::Sha1,
        digest::Algorithm::Sha256 => hash::Algorithm::Sha256,
        digest::Algorithm::Sha512 => hash::Algorithm::Sha512,
        digest::Algorithm::Sm3 => hash::Algorithm::Sm3,
    }
}
