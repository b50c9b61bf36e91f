//! An access token shared by all calls of a link, fetched by one of them at a time. The host keeps it between calls; it
//! is never logged. One failed fetch fails one call: the next in line tries for itself.

use crate::{
    Failure,
    crypto::{self, Algorithm},
    encode, kv, log,
};

/// A token is renewed this long before it expires, or at half its life if that is shorter.
const EARLY_MS: u64 = 60_000;
/// A fetch that takes longer no longer keeps others from trying.
const HOLD_MS: u32 = 30_000;

/// What a token endpoint gave.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The token as received.
    pub token: String,
    /// Its life from now in milliseconds.
    pub ttl_ms: u64,
}

/// The cache of one kind of token.
///
/// ```no_run
/// use duijie_sdk::token::{Fetched, TokenCache};
///
/// # fn fetch() -> Result<Fetched, duijie_sdk::Failure> { unimplemented!() }
/// # fn call(token: &str) -> Result<u16, duijie_sdk::Failure> { unimplemented!() }
/// # fn run() -> Result<(), duijie_sdk::Failure> {
/// let cache = TokenCache::new("access", &["https://api.example.org", "my-client-id"])?;
/// let token = cache.get(fetch)?;
/// if call(&token)? == 401 {
///     let token = cache.renew(&token, fetch)?;
///     call(&token)?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TokenCache {
    key: String,
}

impl TokenCache {
    /// A cache under this name for tokens issued for these values (address, client id …): when config changes one of
    /// them, the old token is not used again. Values should be short; their hash is what is kept.
    ///
    /// # Errors
    /// What [`crypto::hash`] gives.
    pub fn new(name: &str, issued_for: &[&str]) -> Result<Self, Failure> {
        let digest = crypto::hash(Algorithm::Sha256, issued_for.join("\n"))?;
        let version = encode::hex(digest.get(..8).unwrap_or(&digest));
        Ok(Self {
            key: format!("token/{name}/{version}"),
        })
    }

    /// The token that is kept and not about to expire, or a fetched one. However many calls ask at once, one fetches
    /// and the others find it.
    ///
    /// # Errors
    /// What `fetch` gives, or the store's.
    pub fn get(&self, fetch: impl FnOnce() -> Result<Fetched, Failure>) -> Result<String, Failure> {
        match self.kept()? {
            Some(token) => Ok(token),
            None => self.fetched_once(None, fetch),
        }
    }

    /// A token other than the stale one that the upstream has just refused: of a hundred calls refused at once, one
    /// fetches and the others find what it got.
    ///
    /// # Errors
    /// As [`TokenCache::get`].
    pub fn renew(
        &self,
        stale: &str,
        fetch: impl FnOnce() -> Result<Fetched, Failure>,
    ) -> Result<String, Failure> {
        self.fetched_once(Some(stale), fetch)
    }

    fn fetched_once(
        &self,
        stale: Option<&str>,
        fetch: impl FnOnce() -> Result<Fetched, Failure>,
    ) -> Result<String, Failure> {
        let _lock = kv::lock(&self.key, HOLD_MS)?;
        // Whoever held the lock before may have fetched it.
        if let Some(token) = self.kept()?.filter(|token| stale != Some(token)) {
            return Ok(token);
        }
        let Fetched { token, ttl_ms } = fetch()?;
        let keep_ms = ttl_ms - EARLY_MS.min(ttl_ms / 2);
        if keep_ms == 0 {
            return Ok(token);
        }
        // The token is good even if it cannot be kept; then every call fetches, which an operator should know.
        if let Err(error) = kv::set(&self.key, &token, Some(keep_ms)) {
            log::warn(
                "an access token cannot be kept",
                &[("error", &error.to_string())],
            );
        }
        Ok(token)
    }

    /// An entry lives until the token should be renewed, so what is found is fresh.
    fn kept(&self) -> Result<Option<String>, Failure> {
        let value = kv::get(&self.key)?;
        Ok(value.and_then(|bytes| String::from_utf8(bytes).ok()))
    }
}

#[cfg(test)]
mod tests;
