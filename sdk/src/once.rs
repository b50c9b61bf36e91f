//! Values that are read once: kept under a random token of 128 bits that somebody carries away and brings back. Only
//! the token's hash is in the store, so that whoever reads keys there holds no token, and a stranger's has any length.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Failure,
    crypto::{self, Algorithm},
    encode, kv, random, typed,
};

/// Keeps a value for this purpose (a prefix of keys, for instance `"landing/state"`) and this long; its token, 32
/// lower-case hex digits.
///
/// # Errors
/// `internal` without random bytes; the store's.
pub fn put(purpose: &str, what: &impl Serialize, ttl_ms: u64) -> Result<String, Failure> {
    let what = serde_json::to_vec(what);
    keep(purpose, what.map_err(|error| Failure::internal(format!("what is kept is not JSON: {error}")))?, ttl_ms)
}

fn keep(purpose: &str, what: Vec<u8>, ttl_ms: u64) -> Result<String, Failure> {
    let token = random::nonce()?;
    kv::set(&key(purpose, &token)?, what, Some(ttl_ms))?;
    Ok(token)
}

/// What a token stands for, and forgets it; `None` when it is unknown, used or over its time, which look the same.
///
/// # Errors
/// The store's.
pub fn take<T: DeserializeOwned>(purpose: &str, token: &str) -> Result<Option<T>, Failure> {
    let kept = kv::take(&key(purpose, token)?)?;
    Ok(kept.and_then(|kept| typed::parse(&kept).ok()))
}

/// Forgets what a token stands for, if it still does.
///
/// # Errors
/// The store's.
pub fn forget(purpose: &str, token: &str) -> Result<(), Failure> {
    Ok(kv::delete(&key(purpose, token)?)?)
}

fn key(purpose: &str, token: &str) -> Result<String, Failure> {
    let digest = crypto::hash(Algorithm::Sha256, token)?;
    Ok(format!("{purpose}/{}", encode::hex(digest.get(..16).unwrap_or(&digest))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestHost;

    #[test]
    fn a_value_is_there_once_for_its_purpose_and_its_time() {
        let host = TestHost::new();
        let token = put("a", &7, 1000).unwrap();
        assert_eq!(take::<i32>("b", &token).unwrap(), None);
        assert_eq!(take::<i32>("a", &token).unwrap(), Some(7));
        assert_eq!(take::<i32>("a", &token).unwrap(), None);
        let token = put("a", &7, 1000).unwrap();
        host.advance_ms(1000);
        assert_eq!(take::<i32>("a", &token).unwrap(), None);
    }

    #[test]
    fn what_is_forgotten_is_gone_and_no_key_holds_its_token() {
        let host = TestHost::new();
        let token = put("a", &7, 1000).unwrap();
        assert!(host.kv_keys().iter().all(|key| key.starts_with("a/") && !key.contains(&token)));
        forget("a", &token).unwrap();
        assert!(host.kv_keys().is_empty());
    }
}
