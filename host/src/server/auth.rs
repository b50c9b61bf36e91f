//! Who asks, and what they may see: bearer keys of platforms, of which only hashes are known here. One SHA-256 and one
//! constant-time comparison a request, whether the key exists or not. Never reads a key from a URL, never logs one.

mod failures;
mod key;

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use axum::http::{HeaderMap, header};

pub(crate) use self::key::generate;
use self::{failures::Failures, key::KeyHash};
use crate::{
    config::PlatformConfig,
    id::PlatformName,
    pattern::{Pattern, PatternError},
    push::schedule,
};

/// A request that is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// No key, or not where and how it belongs.
    #[error("this needs an API key, sent as the header Authorization: Bearer <key>")]
    Missing,
    /// A key that opens nothing.
    #[error("the API key is not valid")]
    Wrong,
    /// Too many of the above from one address. A right key is never answered with this.
    #[error("too many requests without a valid API key from this address")]
    TooMany(Duration),
    /// The host has no admin key at all.
    #[error(
        "no admin key is configured, so nobody is let in; `duijie keys new --admin` makes one and prints what belongs into duijie.toml"
    )]
    NoAdminKey,
}

/// Names of actors that are no platforms.
const RESERVED: [&str; 3] = [schedule::OWNER, "operator", "host"];

/// A key that is configured wrongly.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// Not an id.
    #[error("platform {0}: the key id must be the 8 characters 0-9, a-f that `duijie keys new` printed")]
    Id(PlatformName),
    /// Not a hash.
    #[error("platform {0}: the key's sha256 must be 64 hex digits, as `duijie keys new` printed")]
    Hash(PlatformName),
    /// Two keys of one id; only one of them could ever be found.
    #[error("platforms {0} and {1} have keys of the same id; make one of them anew")]
    Twice(PlatformName, PlatformName),
    /// What the host calls itself in lists of jobs and in the audit log.
    #[error("platform {0}: this name is the host's own; give the platform another")]
    Reserved(PlatformName),
    /// Not a pattern.
    #[error("platform {0}: {1}")]
    Pattern(PlatformName, PatternError),
    /// The admin key's hash is none.
    #[error("the admin key's sha256 must be 64 hex digits, as `duijie keys new --admin` printed")]
    AdminHash,
}

/// A platform that was recognised.
#[derive(Debug)]
pub(crate) struct Platform {
    /// Its name.
    pub(crate) name: PlatformName,
    links: Vec<Pattern>,
    operations: Vec<Pattern>,
}

impl Platform {
    /// May it know of this link?
    pub(crate) fn sees_link(&self, link: &str) -> bool {
        self.links.iter().any(|pattern| pattern.matches(link))
    }

    /// May it know of this operation, on the links it sees?
    pub(crate) fn sees_operation(&self, operation: &str) -> bool {
        self.operations.iter().any(|pattern| pattern.matches(operation))
    }
}

struct Record {
    hash: KeyHash,
    platform: Arc<Platform>,
}

type Records = HashMap<key::Id, Record>;

/// All platforms' keys, replaceable while serving. Several may be one platform's, so that a key is changed without a gap.
pub(crate) struct PlatformKeys {
    records: ArcSwap<Records>,
    failures: Failures,
}

impl PlatformKeys {
    /// Of these keys.
    ///
    /// # Errors
    /// Names the platform whose key is configured wrongly.
    pub(crate) fn from_config(platforms: &[PlatformConfig]) -> Result<Self, KeyError> {
        Ok(Self { records: ArcSwap::from_pointee(records(platforms)?), failures: Failures::new("api") })
    }

    /// Knows these keys from now on, and no others.
    ///
    /// # Errors
    /// As [`Self::from_config`]; the keys known before stay.
    pub(crate) fn replace(&self, platforms: &[PlatformConfig]) -> Result<(), KeyError> {
        self.records.store(Arc::new(records(platforms)?));
        Ok(())
    }

    /// Whose key do these headers carry?
    ///
    /// # Errors
    /// Says that there is no key or that it opens nothing, never which part of it is wrong.
    pub(crate) fn authenticate(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Arc<Platform>, AuthError> {
        bearer(headers).and_then(|key| self.platform(key)).map_err(|error| self.failures.count(peer, error))
    }

    fn platform(&self, key: &str) -> Result<Arc<Platform>, AuthError> {
        let id = key::id(key).ok_or(AuthError::Wrong)?;
        let records = self.records.load();
        let record = records.get(&id);
        // A key whose id nobody has is hashed and compared all the same: time does not tell which ids exist.
        let right = record.map_or(&KeyHash::NOBODYS, |record| &record.hash).is_of(key);
        match record {
            Some(record) if right => Ok(record.platform.clone()),
            _ => Err(AuthError::Wrong),
        }
    }
}

/// The admin listener's one key.
pub(crate) struct AdminKey {
    hash: Option<KeyHash>,
    failures: Failures,
}

impl AdminKey {
    /// Of this SHA-256 in hex; without one nobody is let in.
    ///
    /// # Errors
    /// When it is no SHA-256.
    pub(crate) fn from_config(sha256: Option<&str>) -> Result<Self, KeyError> {
        let hash = sha256.map(str::parse).transpose().map_err(|_| KeyError::AdminHash)?;
        Ok(Self { hash, failures: Failures::new("admin") })
    }

    /// Do these headers carry it?
    ///
    /// # Errors
    /// Says that there is no key, that it is wrong, or that none is configured.
    pub(crate) fn authenticate(&self, headers: &HeaderMap, peer: IpAddr) -> Result<(), AuthError> {
        let Some(hash) = &self.hash else { return Err(AuthError::NoAdminKey) };
        bearer(headers)
            .and_then(|key| if hash.is_of(key) { Ok(()) } else { Err(AuthError::Wrong) })
            .map_err(|error| self.failures.count(peer, error))
    }
}

fn records(platforms: &[PlatformConfig]) -> Result<Records, KeyError> {
    let mut records = Records::with_capacity(platforms.len());
    for config in platforms {
        let name = &config.name;
        if RESERVED.contains(&&**name) {
            return Err(KeyError::Reserved(name.clone()));
        }
        let patterns = |texts: &[String]| {
            let parsed = texts.iter().map(|text| text.parse::<Pattern>());
            parsed.collect::<Result<Vec<_>, _>>().map_err(|error| KeyError::Pattern(name.clone(), error))
        };
        let id = key::parse_id(&config.key_id).ok_or_else(|| KeyError::Id(name.clone()))?;
        let hash = config.key_sha256.parse().map_err(|_| KeyError::Hash(name.clone()))?;
        let platform =
            Platform { name: name.clone(), links: patterns(&config.links)?, operations: patterns(&config.operations)? };
        if let Some(other) = records.insert(id, Record { hash, platform: Arc::new(platform) }) {
            return Err(KeyError::Twice(other.platform.name.clone(), name.clone()));
        }
    }
    Ok(records)
}

/// The key of `Authorization: Bearer <key>` (RFC 6750). Two such headers are none: which one counts would be a guess.
fn bearer(headers: &HeaderMap) -> Result<&str, AuthError> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return Err(AuthError::Missing) };
    let (scheme, key) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(AuthError::Missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(key.trim()) } else { Err(AuthError::Missing) }
}

#[cfg(test)]
mod tests;
