//! What a link says of requests that come in: `[hooks.NAME]`, one table for each hook it serves, and `[platform]`, whom
//! hooks may ask. A hook without a table is not served.

use std::{num::NonZeroU32, path::Path, time::Duration};

use ipnet::IpNet;
use serde::Deserialize;
use url::Url;

use super::{DEADLINE_MS_MAX, Wrong, secrets::source, within};
use crate::{
    capability::http::policy::{AllowRule, Origin, request},
    link::layers::join,
    secret::source::{RawSource, SecretSource},
};

/// Requests a minute that a hook takes unless its link says otherwise.
const RATE_PER_MIN: u32 = 600;
/// Requests of all hooks of a link that may be open.
const CONCURRENCY: usize = 32;
/// How long a platform may take unless its link says otherwise, in milliseconds.
const TIMEOUT_MS: u64 = 10_000;

/// One hook that a link serves.
#[derive(Debug)]
pub(crate) struct HookSpec {
    /// Where the secret part of its path is.
    pub(crate) path_secret: SecretSource,
    /// Networks it may be called from; for a browser's hook, empty means everywhere.
    pub(crate) allow: Vec<IpNet>,
    /// Requests a minute.
    pub(crate) rate_per_min: NonZeroU32,
    /// Bytes of a request's body; none = the link's.
    pub(crate) body_bytes: Option<usize>,
    /// Total time of a request; none = the link's.
    pub(crate) deadline: Option<Duration>,
    /// Requests that may be open at a time.
    pub(crate) concurrency: usize,
}

/// Whom hooks may ask.
#[derive(Debug)]
pub(crate) struct PlatformSpec {
    /// Where events are posted.
    pub(crate) url: Url,
    /// Its origin, with the networks it may be found in.
    pub(crate) rule: AllowRule,
    /// What events are signed with.
    pub(crate) secret: SecretSource,
    /// Total time of one event.
    pub(crate) timeout: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHook {
    path_secret: RawSource,
    #[serde(default)]
    allow: Vec<IpNet>,
    rate_per_min: Option<u32>,
    max_body_kib: Option<usize>,
    deadline_ms: Option<u64>,
    concurrency: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlatform {
    url: String,
    #[serde(default)]
    cidr: Vec<IpNet>,
    secret: RawSource,
    timeout_ms: Option<u64>,
}

impl RawHook {
    pub(super) fn parse(self, name: &str, root: &Path, wrong: Wrong<'_>) -> Result<HookSpec, super::SpecError> {
        let key = |key: &str| join(&join("hooks", name), key);
        let bounded = |name: &str, given: Option<u64>, min, max| match given {
            Some(number) => within(&key(name), number, min, max, wrong),
            None => Ok(()),
        };
        bounded("rate_per_min", self.rate_per_min.map(Into::into), 1, 1_000_000)?;
        bounded("max_body_kib", self.max_body_kib.map(|kib| kib as u64), 1, 16 * 1024)?;
        bounded("deadline_ms", self.deadline_ms, 1, DEADLINE_MS_MAX)?;
        bounded("concurrency", self.concurrency.map(|number| number as u64), 1, 100_000)?;
        Ok(HookSpec {
            path_secret: source(self.path_secret, &key("path_secret"), root, wrong)?,
            allow: self.allow,
            rate_per_min: self
                .rate_per_min
                .and_then(NonZeroU32::new)
                .or(NonZeroU32::new(RATE_PER_MIN))
                .unwrap_or(NonZeroU32::MIN),
            body_bytes: self.max_body_kib.map(|kib| kib << 10),
            deadline: self.deadline_ms.map(Duration::from_millis),
            concurrency: self.concurrency.unwrap_or(CONCURRENCY),
        })
    }
}

impl RawPlatform {
    pub(super) fn parse(self, root: &Path, wrong: Wrong<'_>) -> Result<PlatformSpec, super::SpecError> {
        let url = request::check_url(&self.url).map_err(|error| wrong("platform.url", error.to_string()))?;
        let origin = Origin::of(&url).map_err(|error| wrong("platform.url", error.to_string()))?;
        if let Some(timeout_ms) = self.timeout_ms {
            within("platform.timeout_ms", timeout_ms, 1, DEADLINE_MS_MAX, wrong)?;
        }
        Ok(PlatformSpec {
            url,
            rule: AllowRule::new(origin, self.cidr),
            secret: source(self.secret, "platform.secret", root, wrong)?,
            timeout: Duration::from_millis(self.timeout_ms.unwrap_or(TIMEOUT_MS)),
        })
    }
}
