//! What a browser carries from a link to a landing and back: a `state` that is random, used once, and good for a while,
//! against log-ins that somebody else began (RFC 6749 §10.12). What it stands for stays in the link's store.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Failure,
    crypto::{self, Algorithm},
    encode, kv, random,
};

/// A new state of 128 bits for this purpose, which stands for `what` until it is [taken](take) or over its time.
///
/// # Errors
/// The store's, or no random bytes.
pub fn issue(purpose: &str, what: &impl Serialize, ttl_ms: u64) -> Result<String, Failure> {
    let state = random::nonce()?;
    let what = serde_json::to_vec(what).map_err(|error| Failure::internal(format!("a state is not JSON: {error}")))?;
    kv::set(&key(purpose, &state)?, what, Some(ttl_ms))?;
    Ok(state)
}

/// What a state stands for, once; `None` when it is unknown, used or over its time, which look the same.
///
/// # Errors
/// The store's.
pub fn take<T: DeserializeOwned>(purpose: &str, state: &str) -> Result<Option<T>, Failure> {
    let kept = kv::take(&key(purpose, state)?)?;
    Ok(kept.and_then(|kept| serde_json::from_slice(&kept).ok()))
}

/// Only a hash is a key: whoever reads the store cannot use what is in it, and a stranger's state has any length.
fn key(purpose: &str, state: &str) -> Result<String, Failure> {
    let digest = crypto::hash(Algorithm::Sha256, state)?;
    Ok(format!("state/{purpose}/{}", encode::hex(digest.get(..16).unwrap_or(&digest))))
}
