//! What one link's values are right now: what is durable of them, in memory, and what of the quota is taken.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::KvError;
use crate::store::At;

/// Expired entries that one writing operation clears away, so that no caller pays for many.
pub(super) const PURGE_STEP: usize = 16;

/// How much a link may store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Keys.
    pub(crate) keys: usize,
    /// Bytes of keys and values together, as the guest counts them.
    pub(crate) bytes: usize,
}

impl Default for Quota {
    /// The contract's figures.
    fn default() -> Self {
        Self { keys: 10_000, bytes: 16 << 20 }
    }
}

/// The entries of one link.
pub(super) struct State {
    pub(super) entries: HashMap<Arc<str>, Entry>,
    /// The entries that have a time, by it: what is expired is found without looking at what is not.
    expiries: BTreeSet<(At, Arc<str>)>,
    /// Bytes of all keys and values.
    pub(super) bytes: usize,
    pub(super) quota: Quota,
    /// Room for changes that are on their way to the disk.
    reserved: Growth,
}

/// A value and its end.
pub(super) struct Entry {
    pub(super) value: Box<[u8]>,
    pub(super) expires: Option<At>,
}

impl Entry {
    pub(super) fn live(&self, now: At) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }

    pub(super) fn number(&self) -> Option<i64> {
        std::str::from_utf8(&self.value).ok()?.parse().ok()
    }
}

/// By how much a change makes the space larger.
#[derive(Clone, Copy, Default)]
pub(super) struct Growth {
    keys: usize,
    bytes: usize,
}

impl State {
    pub(super) fn new(quota: Quota) -> Self {
        let (entries, expiries) = (HashMap::new(), BTreeSet::new());
        Self { entries, expiries, bytes: 0, quota, reserved: Growth::default() }
    }

    pub(super) fn live(&self, key: &str, now: At) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.live(now))
    }

    /// Makes room for a value and keeps it until [`State::release`].
    pub(super) fn reserve(&mut self, key: &str, value: &[u8], now: At) -> Result<Growth, KvError> {
        self.purge(now, PURGE_STEP);
        let growth = match self.room(key, value) {
            Ok(growth) => growth,
            // Only now is it worth clearing away everything that is expired; a link's quota bounds that.
            Err(full) if self.purge(now, usize::MAX) == 0 => return Err(full),
            Err(_) => self.room(key, value)?,
        };
        self.reserved.keys = self.reserved.keys.saturating_add(growth.keys);
        self.reserved.bytes = self.reserved.bytes.saturating_add(growth.bytes);
        Ok(growth)
    }

    /// Gives back what was kept for a change, however it ended.
    pub(super) fn release(&mut self, growth: Growth) {
        self.reserved.keys = self.reserved.keys.saturating_sub(growth.keys);
        self.reserved.bytes = self.reserved.bytes.saturating_sub(growth.bytes);
    }

    /// Does it fit? What makes the space no larger always does, so that a link over a lowered quota can still work.
    fn room(&self, key: &str, value: &[u8]) -> Result<Growth, KvError> {
        let old = self.entries.get(key).map(|entry| entry.value.len().saturating_add(key.len()));
        let new = key.len().saturating_add(value.len());
        let growth = Growth { keys: usize::from(old.is_none()), bytes: new.saturating_sub(old.unwrap_or(0)) };
        let keys = self.entries.len().saturating_add(self.reserved.keys);
        if growth.keys > 0 && keys >= self.quota.keys {
            return Err(KvError::QuotaKeys(self.quota.keys));
        }
        let bytes = self.bytes.saturating_add(self.reserved.bytes).saturating_add(growth.bytes);
        if growth.bytes > 0 && bytes > self.quota.bytes {
            return Err(KvError::QuotaBytes(self.quota.bytes));
        }
        Ok(growth)
    }

    pub(super) fn insert(&mut self, key: Arc<str>, entry: Entry) {
        self.remove(&key);
        self.bytes = self.bytes.saturating_add(key.len()).saturating_add(entry.value.len());
        if let Some(expires) = entry.expires {
            self.expiries.insert((expires, key.clone()));
        }
        self.entries.insert(key, entry);
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Entry> {
        let (key, entry) = self.entries.remove_entry(key)?;
        self.bytes = self.bytes.saturating_sub(key.len()).saturating_sub(entry.value.len());
        if let Some(expires) = entry.expires {
            self.expiries.remove(&(expires, key));
        }
        Some(entry)
    }

    /// Clears away what is over its time, at most so many, and says how many they were.
    pub(super) fn purge(&mut self, now: At, max: usize) -> usize {
        let mut purged = 0;
        while purged < max && self.expiries.first().is_some_and(|(expires, _)| *expires <= now) {
            if let Some((_, key)) = self.expiries.pop_first() {
                self.remove(&key);
                purged = purged.saturating_add(1);
            }
        }
        if self.entries.is_empty() {
            // A table keeps the room it once had; an idle link should not.
            self.entries = HashMap::new();
        }
        purged
    }
}
