//! `keyInfo`: what a request for a token is signed with. The host makes the HMAC; appKey, which is both its key and a
//! part of the message, is never here.

use duijie_sdk::{
    Failure,
    crypto::{self, Algorithm},
    encode,
    secret::{Part, Secret},
};

use crate::{
    APP_KEY,
    config::{Config, Hash, KeyInfoEncoding, TimestampUnit},
};

/// `timeStamp` for this time, in the unit of the config.
pub fn time_stamp(config: &Config, now_ms: u64) -> String {
    match config.sign.timestamp_unit {
        TimestampUnit::Ms => now_ms,
        TimestampUnit::S => now_ms / 1000,
    }
    .to_string()
}

/// `keyInfo` for this `timeStamp`: HMAC(key appKey, message appId ‖ appKey ‖ timeStamp), written as the config says.
///
/// # Errors
/// The host's: the slot is not filled, or its key does not fit.
pub fn key_info(config: &Config, time_stamp: &str) -> Result<String, Failure> {
    let algorithm = match config.sign.hash {
        Hash::Sha1 => Algorithm::Sha1,
        Hash::Md5 => Algorithm::Md5,
        Hash::Sha256 => Algorithm::Sha256,
    };
    let message = [Part::text(&config.app_id), Secret::raw(APP_KEY).into(), Part::text(time_stamp)];
    let mac = crypto::hmac(algorithm, APP_KEY, message)?;
    Ok(match config.sign.encoding {
        KeyInfoEncoding::HexUpper => encode::hex_upper(mac),
        KeyInfoEncoding::HexLower => encode::hex(mac),
        KeyInfoEncoding::Base64 => encode::base64(mac),
        KeyInfoEncoding::Base64OfHexLower => encode::base64(encode::hex(mac)),
    })
}
