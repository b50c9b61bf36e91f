//! The small values of each link, kept over restarts: the durable side of the guests' KV, by the same rules. Locks and a
//! cache stand above it. Keys and values are bytes; a counter is decimal text.

use super::{Answer, At};
use crate::id::LinkId;

/// Most bytes of a key.
pub(crate) const KEY_MAX: usize = 512;
/// Most bytes of a value.
pub(crate) const VALUE_MAX: usize = 64 << 10;

/// How much a link may store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Keys.
    pub(crate) keys: u32,
    /// Bytes of keys and values together.
    pub(crate) bytes: u32,
}

impl Default for Quota {
    /// The contract's figures.
    fn default() -> Self {
        Self { keys: 10_000, bytes: 16 << 20 }
    }
}

/// Why a value was not stored. The texts go to the guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValuesError {
    /// A key that is empty or over [`KEY_MAX`].
    #[error("a key is 1 to 512 bytes, this one is {0}")]
    KeyLength(usize),
    /// A value over [`VALUE_MAX`].
    #[error("a value is at most 65536 bytes, this one is {0}")]
    ValueLength(usize),
    /// [`Quota::keys`] is used up.
    #[error("the link's quota of {0} keys is used up")]
    QuotaKeys(u32),
    /// [`Quota::bytes`] is used up.
    #[error("the link's quota of {0} bytes is used up")]
    QuotaBytes(u32),
    /// What is stored is not decimal text of 64 bits, or the sum would not be.
    #[error("the value is not a counter, or it would overflow")]
    NotANumber,
}

/// A value with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    /// The key.
    pub(crate) key: Vec<u8>,
    /// The value.
    pub(crate) value: Vec<u8>,
    /// From when on it is gone.
    pub(crate) expires: Option<At>,
}

/// The values. What is over its time is gone, swept or not; nothing else is evicted. Every method refuses a bad key.
pub(crate) trait Values: Send + Sync {
    /// The value.
    fn value(&self, now: At, link: LinkId, key: Vec<u8>) -> Answer<'_, Option<Vec<u8>>>;

    /// Stores a value; replaces value and time.
    fn value_set(&self, now: At, link: LinkId, value: Value, quota: Quota) -> Answer<'_, ()>;

    /// Forgets a key; an absent one is no error.
    fn value_delete(&self, link: LinkId, key: Vec<u8>) -> Answer<'_, ()>;

    /// Returns the value and deletes it, in one step: of many takers one gets it.
    fn value_take(&self, now: At, link: LinkId, key: Vec<u8>) -> Answer<'_, Option<Vec<u8>>>;

    /// Stores only if absent; true if it was stored: of many adders one is told so.
    fn value_add(&self, now: At, link: LinkId, value: Value, quota: Quota) -> Answer<'_, bool>;

    /// Adds to a counter and returns the sum. An absent one is 0 and gets this time; one that exists keeps its own.
    fn value_increment(
        &self,
        now: At,
        link: LinkId,
        key: Vec<u8>,
        by: i64,
        expires: Option<At>,
        quota: Quota,
    ) -> Answer<'_, i64>;

    /// All of a link, for a cache.
    fn values(&self, now: At, link: LinkId) -> Answer<'_, Vec<Value>>;

    /// Clears away what is over its time, at most so many, and says how many they were.
    fn values_sweep(&self, now: At, values_max: usize) -> Answer<'_, usize>;
}
