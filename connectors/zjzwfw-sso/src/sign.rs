//! The signature of the common parameters, ours and theirs: MD5 over servicecode, servicepwd and time. It covers nothing
//! else (not `args`, not `st`), so TLS and the link's allow list are what protects. The servicepwd never comes in here.

use duijie_sdk::{
    Failure,
    crypto::{Algorithm, hash, verify_hash},
    encode,
    secret::{Atom, Secret},
    time,
};

use crate::{SERVICEPWD, config::Config};

/// The time of sending, and its signature in lower-case hex.
///
/// # Errors
/// What [`hash`] gives.
pub(crate) fn sign(config: &Config) -> Result<(String, String), Failure> {
    let time = time::format(time::now_ms(), &config.time.format);
    let sign = encode::hex(hash(Algorithm::Md5, message(config, &time))?);
    Ok((time, sign))
}

/// Is this the signature of this time, and the time one of now?
///
/// # Errors
/// What [`verify_hash`] gives.
pub(crate) fn is_signed(config: &Config, time: &str, sign: &str) -> Result<bool, Failure> {
    let window_ms = u64::from(config.hook.window_s) * 1000;
    let is_now = time::parse(time, &config.time.format).is_some_and(|at| time::now_ms().abs_diff(at) <= window_ms);
    // Compared even when the time is wrong, so that both take the same way.
    let digest = encode::from_hex(sign).unwrap_or_default();
    Ok(verify_hash(Algorithm::Md5, message(config, time), &digest)? && is_now)
}

fn message(config: &Config, time: &str) -> [Atom; 3] {
    [Atom::text(&config.servicecode), Secret::raw(SERVICEPWD), Atom::text(time)]
}
