//! `keyInfo`: an HMAC over appId, appKey and timeStamp under the appKey, in the variants that gateways of this family
//! have been seen to want. Never tells which part of a wrong one is wrong.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::{Digest, block_api::EagerHash};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::Sha256;

/// Hash under the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Hash {
    /// The default.
    Sha1,
    /// MD5.
    Md5,
    /// SHA-256.
    Sha256,
}

/// How the MAC is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Encoding {
    /// The default.
    HexUpper,
    /// Lower-case hexadecimal.
    HexLower,
    /// Base64 of the bytes.
    Base64,
    /// Base64 of the text in lower-case hexadecimal.
    Base64OfHex,
}

/// Unit of `timeStamp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Unit {
    /// The default: 13 digits.
    Milliseconds,
    /// 10 digits.
    Seconds,
}

/// One way to write `keyInfo` and `timeStamp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyInfo {
    /// Hash under the HMAC.
    pub hash: Hash,
    /// How the MAC is written.
    pub encoding: Encoding,
    /// Unit of the time that is signed.
    pub unit: Unit,
}

impl Default for KeyInfo {
    fn default() -> Self {
        Self { hash: Hash::Sha1, encoding: Encoding::HexUpper, unit: Unit::Milliseconds }
    }
}

impl KeyInfo {
    /// All there are.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for hash in [Hash::Sha1, Hash::Md5, Hash::Sha256] {
            for encoding in [Encoding::HexUpper, Encoding::HexLower, Encoding::Base64, Encoding::Base64OfHex] {
                for unit in [Unit::Milliseconds, Unit::Seconds] {
                    all.push(Self { hash, encoding, unit });
                }
            }
        }
        all
    }

    /// The value for this time stamp, which is signed as it is written.
    pub fn of(&self, app_id: &str, app_key: &str, time_stamp: &str) -> String {
        let message = format!("{app_id}{app_key}{time_stamp}");
        let mac = match self.hash {
            Hash::Sha1 => mac::<Sha1>(app_key, &message),
            Hash::Md5 => mac::<Md5>(app_key, &message),
            Hash::Sha256 => mac::<Sha256>(app_key, &message),
        };
        match self.encoding {
            Encoding::HexUpper => hex::encode_upper(mac),
            Encoding::HexLower => hex::encode(mac),
            Encoding::Base64 => STANDARD.encode(mac),
            Encoding::Base64OfHex => STANDARD.encode(hex::encode(mac)),
        }
    }

    /// The time that this text means in this variant, in milliseconds since 1970.
    pub(super) fn time_ms(&self, time_stamp: &str) -> Option<i64> {
        let (digits, factor) = match self.unit {
            Unit::Milliseconds => (13, 1),
            Unit::Seconds => (10, 1000),
        };
        let plain = time_stamp.len() == digits && time_stamp.bytes().all(|byte| byte.is_ascii_digit());
        if plain { time_stamp.parse::<i64>().ok()?.checked_mul(factor) } else { None }
    }
}

fn mac<D: EagerHash + Digest>(key: &str, message: &str) -> Vec<u8> {
    // HMAC takes keys of any length; the empty MAC that an error would give equals no received one.
    let state = Hmac::<D>::new_from_slice(key.as_bytes());
    state.map(|state| state.chain_update(message).finalize().into_bytes().to_vec()).unwrap_or_default()
}
