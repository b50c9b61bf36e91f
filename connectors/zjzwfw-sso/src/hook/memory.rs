//! What the hook remembers: which requests came already, and what the platform was told last of each person. Only
//! hashes and counters; nothing of a person can be read from them.

use duijie_sdk::{
    Failure,
    crypto::{Algorithm, hash},
    encode,
    kv::{self, KvError, Lock},
    log, typed,
};
use serde::{Deserialize, Serialize};

use super::{Change, Delivery};
use crate::config::Config;

/// A request is remembered this long at the least.
const REPLAY_MS: u64 = 600_000;
/// What the platform was told is remembered this long.
const TOLD_MS: u64 = 86_400_000;
/// One person's changes are passed on one at a time; nobody holds on longer than this.
const HOLD_MS: u32 = 30_000;

/// A request that has not come before.
pub(super) struct Replay {
    key: String,
}

impl Replay {
    /// Lets the same request come again.
    pub(super) fn forget(&self) {
        // If it stays, the SSO's next attempt has a new time and another signature.
        let _ = kv::delete(&self.key);
    }
}

/// Remembers a request; `None` when it came before. Without a memory nothing is accepted.
pub(super) fn first_seen(config: &Config, delivery: &Delivery) -> Result<Option<Replay>, Failure> {
    let digest = digest(&[&delivery.sign, &delivery.method, &delivery.args])?;
    let key = format!("hook/seen/{digest}");
    // From the earliest moment at which its time is good to the last.
    let ttl_ms = REPLAY_MS.max(u64::from(config.hook.window_s) * 2_000);
    Ok(kv::add(&key, "", Some(ttl_ms))?.then_some(Replay { key }))
}

/// One change of one person, while nobody else changes that person.
pub(super) struct Turn {
    key: String,
    now: Told,
    was_told: bool,
    _held: Lock,
}

/// What the platform was told last of a person, and how many things it was told before.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    digest: String,
    count: u64,
}

impl Turn {
    /// Waits until nobody else changes this person.
    pub(super) fn of(user_id: &str, change: Change, args: &str) -> Result<Self, Failure> {
        let key = format!("hook/told/{}", digest(&[user_id])?);
        let digest = digest(&[user_id, change.event(), args])?;
        let held = kv::lock(&key, HOLD_MS)?;
        let last = kv::get(&key)?.and_then(|told| typed::parse::<Told>(&told).ok());
        // Only the last counts: a person changed and changed back is changed twice.
        let was_told = last.as_ref().is_some_and(|last| last.digest == digest);
        let count = last.map_or(0, |last| last.count.wrapping_add(1));
        Ok(Self { key, now: Told { digest, count }, was_told, _held: held })
    }

    /// The event's key, the same for each attempt at this change and no other; `None` when the platform knows of it.
    pub(super) fn key(&self) -> Option<String> {
        (!self.was_told).then(|| format!("{}-{}", self.now.digest, self.now.count))
    }

    /// The platform has been told.
    pub(super) fn done(&self) {
        let kept = serde_json::to_vec(&self.now).map_err(|error| KvError::Other(error.to_string()));
        if let Err(error) = kept.and_then(|told| kv::set(&self.key, told, Some(TOLD_MS))) {
            // The platform gets this change again if the SSO sends it again, and knows the event by its id.
            log::warn("a change of a person cannot be remembered", &[("error", &error.to_string())]);
        }
    }
}

/// 128 bits of a hash over parts that cannot run into each other.
fn digest(parts: &[&str]) -> Result<String, Failure> {
    let message: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    let digest = hash(Algorithm::Sha256, message)?;
    Ok(encode::hex(digest.get(..16).unwrap_or(&digest)))
}
