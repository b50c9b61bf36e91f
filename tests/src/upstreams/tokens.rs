//! Access tokens of a simulated upstream: issued, checked, expired, revoked. Never persisted.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

use super::random::Random;

/// Expired tokens are remembered this long, so that "expired" can be told from "never issued".
const REMEMBER_EXPIRED_MS: i64 = 3_600_000;

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Never issued, or revoked since.
    #[error("unknown token")]
    Unknown,
    /// Issued, but past its life.
    #[error("expired token")]
    Expired,
}

/// The tokens in force, each with the client it was issued to.
#[derive(Debug)]
pub struct Tokens {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    random: Random,
    issued: HashMap<String, Issued>,
}

#[derive(Debug)]
struct Issued {
    client: String,
    expires_ms: i64,
}

impl Tokens {
    /// No tokens; their values will follow from the seed.
    pub fn new(seed: u64) -> Self {
        Self { inner: Mutex::new(Inner { random: Random::new(seed), issued: HashMap::new() }) }
    }

    /// A new token for `client`, valid for `ttl` from `now_ms` (milliseconds since 1970).
    pub fn issue(&self, client: &str, ttl: Duration, now_ms: i64) -> String {
        let mut inner = self.inner.lock();
        inner.issued.retain(|_, token| token.expires_ms.saturating_add(REMEMBER_EXPIRED_MS) > now_ms);
        let token = inner.random.hex128();
        let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
        let issued = Issued { client: client.to_owned(), expires_ms: now_ms.saturating_add(ttl_ms) };
        inner.issued.insert(token.clone(), issued);
        token
    }

    /// The client that holds this token.
    ///
    /// # Errors
    /// [`TokenError`], when it is not valid at `now_ms`.
    pub fn check(&self, token: &str, now_ms: i64) -> Result<String, TokenError> {
        let inner = self.inner.lock();
        let issued = inner.issued.get(token).ok_or(TokenError::Unknown)?;
        if issued.expires_ms <= now_ms {
            return Err(TokenError::Expired);
        }
        Ok(issued.client.clone())
    }

    /// Revokes every token; says how many there were.
    pub fn revoke_all(&self) -> usize {
        let mut inner = self.inner.lock();
        let count = inner.issued.len();
        inner.issued.clear();
        count
    }
}
