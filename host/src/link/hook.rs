//! One hook of one link: who may knock, and how hard. Knows the secret part of its path only as a digest, compared in
//! constant time; what bounds it lives beside the table, so that a swap gives nobody a new allowance.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

use super::spec::HookSpec;
use crate::runtime::{
    CallLimits,
    manifest::{self, Caller},
};

/// Characters of a path secret at the least: 128 bits in the URL-safe alphabet of base64.
const SECRET_MIN: usize = 22;
/// Characters of a path secret at the most.
const SECRET_MAX: usize = 128;

/// The secret part of a hook's path, as its digest.
#[derive(Clone, Copy)]
pub(crate) struct PathSecret([u8; 32]);

impl PathSecret {
    /// Of a text that stands in a path as it is.
    ///
    /// # Errors
    /// What is wrong with it, without any of it.
    pub(crate) fn new(text: &[u8]) -> Result<Self, String> {
        let text = text.trim_ascii();
        if !(SECRET_MIN..=SECRET_MAX).contains(&text.len()) {
            return Err(format!(
                "a path secret has {SECRET_MIN} to {SECRET_MAX} characters; this one has {}",
                text.len()
            ));
        }
        if !text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Err("a path secret is made of A-Z a-z 0-9 - _ only; `openssl rand -hex 16` makes a good one".into());
        }
        Ok(Self(Sha256::digest(text).into()))
    }

    /// One that no text has, as far as anybody knows.
    pub(super) const fn nobodys() -> Self {
        Self([0; 32])
    }

    /// Is it this text? Takes the same time whatever the text.
    pub(super) fn is(&self, text: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(text).into();
        self.0.ct_eq(&digest).into()
    }
}

impl PartialEq for PathSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// How many requests a hook takes, over swaps.
pub(crate) struct Gate {
    rate_per_min: NonZeroU32,
    concurrency: usize,
    limiter: DefaultDirectRateLimiter,
    pub(super) permits: Semaphore,
}

impl Gate {
    pub(super) fn new(rate_per_min: NonZeroU32, concurrency: usize) -> Self {
        let limiter = RateLimiter::direct(Quota::per_minute(rate_per_min));
        Self { rate_per_min, concurrency, limiter, permits: Semaphore::new(concurrency) }
    }

    pub(super) fn is(&self, rate_per_min: NonZeroU32, concurrency: usize) -> bool {
        (self.rate_per_min, self.concurrency) == (rate_per_min, concurrency)
    }
}

/// A hook that is served.
pub(crate) struct Hook {
    declared: manifest::HookSpec,
    pub(super) secret: PathSecret,
    allow: Vec<IpNet>,
    pub(super) limits: CallLimits,
    /// Bytes of a request's body; an answer may have as many as the link allows.
    pub(super) body_max: usize,
    pub(super) gate: Arc<Gate>,
}

/// Why a request is turned away. For metrics and the log; whoever asks is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No such link, or it does not serve.
    Link,
    /// No such hook, or the link does not serve it.
    Hook,
    /// The secret part of the path is wrong.
    Secret,
    /// The hook does not take this method.
    Method,
    /// The source is not allowed.
    Source,
    /// More requests a minute than the hook takes.
    Rate,
    /// A body larger than the hook takes, too slow, or broken.
    Body,
}

impl Refusal {
    /// As a label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Hook => "hook",
            Self::Secret => "secret",
            Self::Method => "method",
            Self::Source => "source",
            Self::Rate => "rate",
            Self::Body => "body",
        }
    }
}

impl Hook {
    /// A hook as its connector declares it and its link allows it; bounds that the link does not state are the link's own.
    pub(super) fn new(
        declared: manifest::HookSpec,
        secret: PathSecret,
        asked: &HookSpec,
        limits: &CallLimits,
        gate: Arc<Gate>,
    ) -> Self {
        let limits = CallLimits { deadline: asked.deadline.unwrap_or(limits.deadline), ..limits.clone() };
        let body_max = asked.body_bytes.unwrap_or(limits.body_bytes);
        Self { declared, secret, allow: asked.allow.clone(), limits, body_max, gate }
    }

    /// Its name, in the connector's words.
    pub(crate) fn name(&self) -> &str {
        &self.declared.name
    }

    /// Who comes.
    pub(crate) fn caller(&self) -> Caller {
        self.declared.caller
    }

    /// Is this request one to answer? Only one that is counts against the rate.
    pub(super) fn admit(&self, method: &str, source: IpAddr) -> Result<(), Refusal> {
        if self.declared.method != "ANY" && self.declared.method != method {
            return Err(Refusal::Method);
        }
        // Nobody knows beforehand where a person's browser is; everybody else is named.
        let open = self.declared.caller == Caller::Browser && self.allow.is_empty();
        let source = source.to_canonical();
        if !open && !self.allow.iter().any(|net| net.contains(&source)) {
            return Err(Refusal::Source);
        }
        self.gate.limiter.check().map_err(|_| Refusal::Rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_secret_is_long_enough_and_needs_no_escaping() {
        let secret = PathSecret::new(b"0123456789abcdef0123456789abcdef\n").unwrap();
        assert!(secret.is("0123456789abcdef0123456789abcdef"));
        assert!(!secret.is("0123456789abcdef0123456789abcdee") && !secret.is(""));
        for bad in ["", "short", "with/slash/0123456789abcdef", &"a".repeat(129)] {
            let error = PathSecret::new(bad.as_bytes()).err().unwrap();
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
    }
}
