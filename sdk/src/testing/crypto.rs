//! The cryptography behind the test host: the same algorithms as the host's, by the same libraries.

use aes_gcm::{
    AesGcm,
    aead::{Aead, Payload},
};
use cbc::cipher::{
    BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, StreamCipher,
    block_padding::{NoPadding, Pkcs7},
    consts::U12,
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Digest;
use sm4::Sm4;

use crate::crypto::{Algorithm, CryptoError, Mode, Padding};

pub(crate) fn digest(algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::Md5 => md5::Md5::digest(message).to_vec(),
        Algorithm::Sha1 => sha1::Sha1::digest(message).to_vec(),
        Algorithm::Sha256 => sha2::Sha256::digest(message).to_vec(),
        Algorithm::Sha512 => sha2::Sha512::digest(message).to_vec(),
        Algorithm::Sm3 => sm3::Sm3::digest(message).to_vec(),
    }
}

pub(crate) fn mac(algorithm: Algorithm, key: &[u8], message: &[u8]) -> Result<Vec<u8>, CryptoError> {
    fn with<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mac = <M as KeyInit>::new_from_slice(key).map_err(|_| CryptoError::Key("its length".to_owned()))?;
        Ok(mac.chain_update(message).finalize().into_bytes().to_vec())
    }
    match algorithm {
        Algorithm::Md5 => with::<Hmac<md5::Md5>>(key, message),
        Algorithm::Sha1 => with::<Hmac<sha1::Sha1>>(key, message),
        Algorithm::Sha256 => with::<Hmac<sha2::Sha256>>(key, message),
        Algorithm::Sha512 => with::<Hmac<sha2::Sha512>>(key, message),
        Algorithm::Sm3 => with::<Hmac<sm3::Sm3>>(key, message),
    }
}

pub(crate) fn encrypt(mode: &Mode, key: &[u8], data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    check_key(key)?;
    let whole_blocks = data.len().is_multiple_of(16);
    Ok(match mode {
        Mode::LegacyEcb(padding) => {
            let cipher = ecb::Encryptor::<Sm4>::new_from_slice(key).map_err(iv_length)?;
            match padding {
                Padding::Pkcs7 => cipher.encrypt_padded_vec::<Pkcs7>(data),
                Padding::None if whole_blocks => cipher.encrypt_padded_vec::<NoPadding>(data),
                Padding::None => return Err(data_length()),
            }
        }
        Mode::Cbc((iv, padding)) => {
            let cipher = cbc::Encryptor::<Sm4>::new_from_slices(key, iv).map_err(iv_length)?;
            match padding {
                Padding::Pkcs7 => cipher.encrypt_padded_vec::<Pkcs7>(data),
                Padding::None if whole_blocks => cipher.encrypt_padded_vec::<NoPadding>(data),
                Padding::None => return Err(data_length()),
            }
        }
        Mode::Ctr(counter) => keystream(key, counter, data)?,
        Mode::Gcm(params) => {
            let nonce = params
                .nonce
                .as_slice()
                .try_into()
                .map_err(|_| CryptoError::Invalid("the nonce is not 12 bytes".to_owned()))?;
            let payload = Payload { msg: data, aad: &params.aad };
            gcm(key)?.encrypt(nonce, payload).map_err(|_| CryptoError::Verification)?
        }
    })
}

pub(crate) fn decrypt(mode: &Mode, key: &[u8], data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    check_key(key)?;
    match mode {
        Mode::LegacyEcb(padding) => {
            let cipher = ecb::Decryptor::<Sm4>::new_from_slice(key).map_err(iv_length)?;
            match padding {
                Padding::Pkcs7 => cipher.decrypt_padded_vec::<Pkcs7>(data).map_err(|_| CryptoError::Verification),
                Padding::None => cipher.decrypt_padded_vec::<NoPadding>(data).map_err(|_| data_length()),
            }
        }
        Mode::Cbc((iv, padding)) => {
            let cipher = cbc::Decryptor::<Sm4>::new_from_slices(key, iv).map_err(iv_length)?;
            match padding {
                Padding::Pkcs7 => cipher.decrypt_padded_vec::<Pkcs7>(data).map_err(|_| CryptoError::Verification),
                Padding::None => cipher.decrypt_padded_vec::<NoPadding>(data).map_err(|_| data_length()),
            }
        }
        Mode::Ctr(counter) => keystream(key, counter, data),
        Mode::Gcm(params) => {
            let nonce = params
                .nonce
                .as_slice()
                .try_into()
                .map_err(|_| CryptoError::Invalid("the nonce is not 12 bytes".to_owned()))?;
            let payload = Payload { msg: data, aad: &params.aad };
            gcm(key)?.decrypt(nonce, payload).map_err(|_| CryptoError::Verification)
        }
    }
}

fn keystream(key: &[u8], counter: &[u8], data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let mut cipher = ctr::Ctr128BE::<Sm4>::new_from_slices(key, counter).map_err(iv_length)?;
    let mut text = data.to_vec();
    cipher.try_apply_keystream(&mut text).map_err(|_| data_length())?;
    Ok(text)
}

fn gcm(key: &[u8]) -> Result<AesGcm<Sm4, U12>, CryptoError> {
    AesGcm::<Sm4, U12>::new_from_slice(key).map_err(iv_length)
}

fn iv_length<E>(_: E) -> CryptoError {
    CryptoError::Invalid("an IV or counter block has 16 bytes".to_owned())
}

fn check_key(key: &[u8]) -> Result<(), CryptoError> {
    match key.len() {
        16 => Ok(()),
        len => Err(CryptoError::Key(format!("an SM4 key has 16 bytes, this one {len}"))),
    }
}

fn data_length() -> CryptoError {
    CryptoError::Invalid("without padding the data must be a multiple of 16 bytes".to_owned())
}
