//! An access token shared by all calls of a link, fetched by one of them at a time. The host keeps it between calls; it
//! is never logged. A failed fetch fails all calls that waited for it, so that an endpoint that is down or refuses gets
//! one request instead of one a call; whoever asks later tries anew.

mod kept;

use std::cell::Cell;

use serde::{Deserialize, Serialize};

use crate::{
    Class, Failure, Outcome,
    crypto::{self, Algorithm},
    encode,
    http::{Request, Response},
    kv, log, time, typed,
};

/// A token is renewed this long before it expires, or at half its life if that is shorter, unless the cache is told otherwise.
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

/// A token as it is kept: the time until which it is valid, a space, the token.
struct Kept {
    token: String,
    until_ms: u64,
}

/// What is found after waiting for whoever fetches.
enum Turn {
    /// The token of one who fetched.
    Found(String),
    /// Nothing: it is ours to fetch, while this is held.
    Ours(kv::Lock),
}

/// The cache of one kind of token.
///
/// ```no_run
/// use duijie_sdk::token::{Fetched, TokenCache};
///
/// # fn fetch() -> Result<Fetched, duijie_sdk::Failure> { Ok(Fetched { token: "t".into(), ttl_ms: 60_000 }) }
/// # fn call(token: &str) -> Result<u16, duijie_sdk::Failure> { Ok(if token.is_empty() { 401 } else { 200 }) }
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
    early_ms: u64,
    trusts_fetched: bool,
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
        Ok(Self { key: format!("token/{name}/{version}"), early_ms: EARLY_MS, trusts_fetched: false })
    }

    /// Renews tokens this long before they expire instead of a minute; still at half their life if that is shorter.
    #[must_use]
    pub fn early_ms(mut self, milliseconds: u64) -> Self {
        self.early_ms = milliseconds;
        self
    }

    /// A token that the very call has fetched is not renewed when the upstream refuses it: it cannot have expired. For
    /// [`TokenCache::send`] and [`TokenCache::send_kept`].
    #[must_use]
    pub fn trust_fetched(mut self) -> Self {
        self.trusts_fetched = true;
        self
    }

    /// Until when the kept token is valid by what its endpoint said, in milliseconds since 1970; `None` when none is kept.
    ///
    /// # Errors
    /// The store's.
    pub fn valid_until_ms(&self) -> Result<Option<u64>, Failure> {
        Ok(self.kept()?.map(|kept| kept.until_ms))
    }

    /// The token that is kept and not about to expire, or a fetched one. However many calls ask at once, one fetches
    /// and the others find it.
    ///
    /// # Errors
    /// What `fetch` gives, here or in the call that this one waited for; or the store's.
    pub fn get(&self, fetch: impl FnOnce() -> Result<Fetched, Failure>) -> Result<String, Failure> {
        match self.kept()? {
            Some(kept) => Ok(kept.token),
            None => self.fetched_once(None, fetch),
        }
    }

    /// A token other than the stale one that the upstream has just refused: of a hundred calls refused at once, one
    /// fetches and the others find what it got.
    ///
    /// # Errors
    /// As [`TokenCache::get`].
    pub fn renew(&self, stale: &str, fetch: impl FnOnce() -> Result<Fetched, Failure>) -> Result<String, Failure> {
        self.fetched_once(Some(stale), fetch)
    }

    /// Sends a request that needs the token. When the upstream refuses the token, it is renewed and the request sent
    /// once more; `request` gets the token and which attempt this is (1 or 2).
    ///
    /// # Errors
    /// What `fetch` and `request` give (outcome `not-sent` before the first attempt), or why there was no answer.
    pub fn send(
        &self,
        fetch: impl Fn() -> Result<Fetched, Failure>,
        request: impl Fn(&str, u32) -> Result<Request, Failure>,
        is_refused: impl Fn(&Response) -> bool,
    ) -> Result<Authorized, Failure> {
        self.attempts(fetch, is_refused, |token, attempt| {
            let built = request(token, attempt).map_err(|failure| before(attempt, failure))?;
            Ok(built.send()?)
        })
    }

    /// At most two attempts, the second with a renewed token.
    fn attempts(
        &self,
        fetch: impl Fn() -> Result<Fetched, Failure>,
        is_refused: impl Fn(&Response) -> bool,
        mut attempt: impl FnMut(&str, u32) -> Result<Response, Failure>,
    ) -> Result<Authorized, Failure> {
        let is_fetched = Cell::new(false);
        let fetch = || fetch().inspect(|_| is_fetched.set(true));
        let token = self.get(fetch).map_err(|failure| before(1, failure))?;
        let response = attempt(&token, 1)?;
        if (self.trusts_fetched && is_fetched.get()) || !is_refused(&response) {
            return Ok(Authorized { response, attempt: 1, first: Outcome::NotSent });
        }
        let first = effect_of_refusal(&response);
        let again = self.renew(&token, fetch).and_then(|token| attempt(&token, 2));
        let response = again.map_err(|failure| after(first, failure))?;
        Ok(Authorized { response, attempt: 2, first })
    }

    fn fetched_once(
        &self,
        stale: Option<&str>,
        fetch: impl FnOnce() -> Result<Fetched, Failure>,
    ) -> Result<String, Failure> {
        match self.turn(stale)? {
            Turn::Found(token) => Ok(token),
            Turn::Ours(_held) => self.keep(fetch()),
        }
    }

    /// Waits for whoever fetches. This and [`TokenCache::keep`] stand apart from `fetch`, so that a connector of many
    /// fetches holds them once.
    fn turn(&self, stale: Option<&str>) -> Result<Turn, Failure> {
        let asked_ms = time::now_ms();
        let held = kv::lock(&self.key, HOLD_MS)?;
        // Whoever held the lock before may have fetched it, or failed to.
        if let Some(kept) = self.kept()?.filter(|kept| stale != Some(&kept.token)) {
            return Ok(Turn::Found(kept.token));
        }
        match self.failed_since(asked_ms)? {
            Some(failure) => Err(failure),
            None => Ok(Turn::Ours(held)),
        }
    }

    /// Keeps what was fetched for all that wait, be it a token or a failure.
    fn keep(&self, fetched: Result<Fetched, Failure>) -> Result<String, Failure> {
        let Fetched { token, ttl_ms } = fetched.inspect_err(|failure| self.keep_failure(failure))?;
        let keep_ms = ttl_ms - self.early_ms.min(ttl_ms / 2);
        if keep_ms == 0 {
            return Ok(token);
        }
        // The token is good even if it cannot be kept; then every call fetches, which an operator should know.
        let until_ms = time::now_ms().saturating_add(ttl_ms);
        if let Err(error) = kv::set(&self.key, format!("{until_ms} {token}"), Some(keep_ms)) {
            log::warn("an access token cannot be kept", &[("error", &error.to_string())]);
        }
        Ok(token)
    }

    fn keep_failure(&self, failure: &Failure) {
        let kept = KeptFailure {
            at_ms: time::now_ms(),
            class: failure.class as u8,
            message: failure.message.clone(),
            upstream_code: failure.upstream_code.clone(),
            retry_after_ms: failure.retry_after_ms,
        };
        // Without it the next in line tries for itself, which is no harm.
        if let Ok(kept) = serde_json::to_vec(&kept) {
            let _ = kv::set(&self.failure_key(), kept, Some(u64::from(HOLD_MS)));
        }
    }

    /// How the fetch failed that ended at this time or later.
    fn failed_since(&self, asked_ms: u64) -> Result<Option<Failure>, Failure> {
        let Some(kept) = kv::get(&self.failure_key())? else {
            return Ok(None);
        };
        let kept = typed::parse::<KeptFailure>(&kept).ok().filter(|kept| kept.at_ms >= asked_ms);
        Ok(kept.map(|kept| {
            let class = CLASSES.into_iter().find(|&class| class as u8 == kept.class).unwrap_or(Class::Other);
            // Asking for a token has no effect on any record.
            let failure = Failure::new(class, kept.message).outcome(Outcome::NotSent);
            Failure { upstream_code: kept.upstream_code, retry_after_ms: kept.retry_after_ms, ..failure }
        }))
    }

    fn failure_key(&self) -> String {
        format!("{}/failed", self.key)
    }

    /// An entry lives until the token should be renewed, so what is found is fresh.
    fn kept(&self) -> Result<Option<Kept>, Failure> {
        let value = kv::get(&self.key)?.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(value.as_deref().and_then(|text| {
            let (until_ms, token) = text.split_once(' ')?;
            Some(Kept { token: token.to_owned(), until_ms: until_ms.parse().ok()? })
        }))
    }
}

/// The answer to a request that needed a token ([`TokenCache::send`]).
#[derive(Debug)]
pub struct Authorized {
    /// The last answer.
    pub response: Response,
    /// 1, or 2 when the token had to be renewed.
    pub attempt: u32,
    first: Outcome,
}

impl Authorized {
    /// Reads the answer. A failure is told with what the first attempt left open.
    ///
    /// # Errors
    /// What `read` gives.
    pub fn read<T>(&self, read: impl FnOnce(&Response) -> Result<T, Failure>) -> Result<T, Failure> {
        read(&self.response).map_err(|failure| after(self.first, failure))
    }
}

/// A failure before an attempt: before the first nothing has left.
fn before(attempt: u32, failure: Failure) -> Failure {
    if attempt == 1 { failure.outcome(Outcome::NotSent) } else { failure }
}

/// A failure of the call, told with what its first attempt left open: once a request has left, nothing is `not-sent`.
fn after(first: Outcome, failure: Failure) -> Failure {
    match (first, failure.outcome) {
        (Outcome::Unknown, _) | (_, Outcome::NotSent) => failure.outcome(first),
        _ => failure,
    }
}

/// A server that fails while it answers may have acted before.
fn effect_of_refusal(response: &Response) -> Outcome {
    if response.status >= 500 { Outcome::Unknown } else { Outcome::Rejected }
}

/// A failed fetch, for those who wait.
#[derive(Serialize, Deserialize)]
struct KeptFailure {
    at_ms: u64,
    class: u8,
    message: String,
    upstream_code: Option<String>,
    retry_after_ms: Option<u64>,
}

/// The classes that a fetch may fail with and that mean something to the caller.
const CLASSES: [Class; 10] = [
    Class::Config,
    Class::AuthFailed,
    Class::AuthExpired,
    Class::UpstreamRejected,
    Class::RateLimited,
    Class::Unavailable,
    Class::Timeout,
    Class::Protocol,
    Class::Denied,
    Class::Internal,
];

#[cfg(test)]
mod tests;
