//! The small values of each link, in memory: kept between calls and over connector revisions, lost with the process.
//!
//! A link's [`Space`] outlives every revision and is seen by no other link. Nothing is evicted to make room: what does
//! not fit is refused, and what is over its time is gone whether or not it has been swept. Time is monotonic. The methods
//! are async although memory needs no waiting, because the store that survives restarts will stand behind the same ones.
//!
//! Bounded per link by a [`Quota`], [`KEY_MAX`], [`VALUE_MAX`] and the bounds in `lock.rs`. An empty space costs a few
//! hundred bytes, so thousands of idle links cost nothing to speak of.

mod lock;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

pub(crate) use lock::Lock;

/// Most bytes of a key or of a lock's name.
pub(crate) const KEY_MAX: usize = 512;

/// Most bytes of a value.
pub(crate) const VALUE_MAX: usize = 64 << 10;

/// Expired entries that one writing operation clears away, so that no caller pays for many.
const PURGE_STEP: usize = 16;

/// How much a link may store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Keys.
    pub(crate) keys: usize,
    /// Bytes of keys and values together.
    pub(crate) bytes: usize,
}

impl Default for Quota {
    /// The contract's figures.
    fn default() -> Self {
        Self { keys: 10_000, bytes: 16 << 20 }
    }
}

/// Why the store did not do it. The texts go to the guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KvError {
    /// A key or lock name that is empty or over [`KEY_MAX`].
    #[error("a key is 1 to 512 bytes, this one is {0}")]
    KeyLength(usize),
    /// A value over [`VALUE_MAX`].
    #[error("a value is at most 65536 bytes, this one is {0}")]
    ValueLength(usize),
    /// [`Quota::keys`] is used up.
    #[error("the link's quota of {0} keys is used up")]
    QuotaKeys(usize),
    /// [`Quota::bytes`] is used up.
    #[error("the link's quota of {0} bytes is used up")]
    QuotaBytes(usize),
    /// What is stored is not decimal text of 64 bits, or the sum would not be.
    #[error("the value is not a counter, or it would overflow")]
    NotANumber,
    /// More locks or waiters than a link may have.
    #[error("{0}")]
    Unavailable(&'static str),
}

/// The spaces of all links.
#[derive(Default)]
pub(crate) struct Kv {
    spaces: Mutex<HashMap<Box<str>, Arc<Space>>>,
}

impl Kv {
    /// The space of this link, made when first asked for, under this quota from now on. A quota that is lowered takes
    /// nothing away; it stops growth.
    pub(crate) fn space(&self, link: &str, quota: Quota) -> Arc<Space> {
        let mut spaces = self.spaces.lock();
        if let Some(space) = spaces.get(link) {
            space.state.lock().quota = quota;
            return space.clone();
        }
        let space = Arc::new(Space::new(quota));
        spaces.insert(link.into(), space.clone());
        space
    }

    /// Clears away entries that are over their time, at most so many, and says how many they were. For a timer: without
    /// it, expired values of idle links would hold their memory.
    pub(crate) async fn sweep(&self, entries_max: usize) -> usize {
        let spaces: Vec<_> = self.spaces.lock().values().cloned().collect();
        let (now, mut left) = (Instant::now(), entries_max);
        for space in spaces {
            left = left.saturating_sub(space.state.lock().purge(now, left));
        }
        entries_max.saturating_sub(left)
    }
}

/// The values and locks of one link.
pub(crate) struct Space {
    state: Mutex<State>,
    locks: lock::Locks,
}

impl Space {
    fn new(quota: Quota) -> Self {
        let state = State { entries: HashMap::new(), expiries: BTreeSet::new(), bytes: 0, quota };
        Self { state: Mutex::new(state), locks: lock::Locks::default() }
    }

    /// The value, unless absent or over its time.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        check_key(key)?;
        Ok(self.state.lock().live(key, Instant::now()).map(|entry| entry.value.to_vec()))
    }

    /// Stores a value; it vanishes after `ttl`. Replaces value and time. A time too long for the clock is none.
    pub(crate) async fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), KvError> {
        check_value(key, value)?;
        let now = Instant::now();
        self.state.lock().put(key, value, until(now, ttl), now)
    }

    /// Forgets a key; an absent one is no error.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), KvError> {
        check_key(key)?;
        self.state.lock().remove(key);
        Ok(())
    }

    /// Returns the value and deletes it, in one step: of many takers one gets it.
    pub(crate) async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        check_key(key)?;
        let now = Instant::now();
        let taken = self.state.lock().remove(key);
        Ok(taken.filter(|entry| entry.live(now)).map(|entry| entry.value.into_vec()))
    }

    /// Stores only if absent; true if it was stored: of many adders one is told so.
    pub(crate) async fn add(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<bool, KvError> {
        check_value(key, value)?;
        let now = Instant::now();
        let mut state = self.state.lock();
        if state.live(key, now).is_some() {
            return Ok(false);
        }
        state.put(key, value, until(now, ttl), now).map(|()| true)
    }

    /// Adds to a counter, kept as decimal text, and returns the sum. An absent one is 0 and gets this time to live; one
    /// that exists keeps its own.
    pub(crate) async fn increment(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, KvError> {
        check_key(key)?;
        let now = Instant::now();
        let mut state = self.state.lock();
        let (old, expires) = match state.live(key, now) {
            Some(entry) => (entry.number().ok_or(KvError::NotANumber)?, entry.expires),
            None => (0, until(now, ttl)),
        };
        let sum = old.checked_add(by).ok_or(KvError::NotANumber)?;
        state.put(key, sum.to_string().as_bytes(), expires, now)?;
        Ok(sum)
    }

    /// Waits for the lock of this name, in the order of asking, as long as the caller waits. It frees itself after
    /// `hold`, or when dropped, whichever is first.
    pub(crate) async fn acquire(self: &Arc<Self>, name: &str, hold: Duration) -> Result<Lock, KvError> {
        check_key(name)?;
        lock::acquire(self, name, hold).await
    }
}

struct State {
    entries: HashMap<Arc<str>, Entry>,
    /// The entries that have a time, by it: what is expired is found without looking at what is not.
    expiries: BTreeSet<(Instant, Arc<str>)>,
    /// Bytes of all keys and values.
    bytes: usize,
    quota: Quota,
}

struct Entry {
    value: Box<[u8]>,
    expires: Option<Instant>,
}

impl Entry {
    fn live(&self, now: Instant) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }

    fn number(&self) -> Option<i64> {
        std::str::from_utf8(&self.value).ok()?.parse().ok()
    }
}

impl State {
    fn live(&self, key: &str, now: Instant) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.live(now))
    }

    fn put(&mut self, key: &str, value: &[u8], expires: Option<Instant>, now: Instant) -> Result<(), KvError> {
        self.purge(now, PURGE_STEP);
        if let Err(full) = self.room(key, value) {
            // Only now is it worth clearing away everything that is expired; a link's quota bounds that.
            if self.purge(now, usize::MAX) == 0 {
                return Err(full);
            }
            self.room(key, value)?;
        }
        self.remove(key);
        let key: Arc<str> = key.into();
        self.bytes = self.bytes.saturating_add(key.len()).saturating_add(value.len());
        if let Some(expires) = expires {
            self.expiries.insert((expires, key.clone()));
        }
        self.entries.insert(key, Entry { value: value.into(), expires });
        Ok(())
    }

    /// Does it fit? What makes the space no larger always does, so that a link over a lowered quota can still work.
    fn room(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        let old = self.entries.get(key).map(|entry| entry.value.len().saturating_add(key.len()));
        if old.is_none() && self.entries.len() >= self.quota.keys {
            return Err(KvError::QuotaKeys(self.quota.keys));
        }
        let new = key.len().saturating_add(value.len());
        let sum = self.bytes.saturating_sub(old.unwrap_or(0)).saturating_add(new);
        if sum > self.quota.bytes && sum > self.bytes {
            return Err(KvError::QuotaBytes(self.quota.bytes));
        }
        Ok(())
    }

    fn remove(&mut self, key: &str) -> Option<Entry> {
        let (key, entry) = self.entries.remove_entry(key)?;
        self.bytes = self.bytes.saturating_sub(key.len()).saturating_sub(entry.value.len());
        if let Some(expires) = entry.expires {
            self.expiries.remove(&(expires, key));
        }
        Some(entry)
    }

    fn purge(&mut self, now: Instant, max: usize) -> usize {
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

fn until(now: Instant, ttl: Option<Duration>) -> Option<Instant> {
    ttl.and_then(|ttl| now.checked_add(ttl))
}

fn check_key(key: &str) -> Result<(), KvError> {
    if key.is_empty() || key.len() > KEY_MAX { Err(KvError::KeyLength(key.len())) } else { Ok(()) }
}

fn check_value(key: &str, value: &[u8]) -> Result<(), KvError> {
    check_key(key)?;
    if value.len() > VALUE_MAX { Err(KvError::ValueLength(value.len())) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
