//! The small values of each link, kept over restarts: the durable side of the guests' KV, and what the host keeps of a link.
//! A cache, locks and the guests' quota stand above it. Keys and values are bytes, sealed or not.

use super::{Answer, At};
use crate::id::LinkId;

/// Most bytes of a key.
pub(crate) const KEY_MAX: usize = 512;
/// Most bytes of a value: the 64 KiB that a guest may store, and what sealing adds.
pub(crate) const VALUE_MAX: usize = 65 << 10;
/// Before a schedule's name: the key of what `push/schedule.rs` notes of it. A restore holds the links that have one.
pub(crate) const SCHEDULE: &str = "hschedule/";

/// Why a value was not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValuesError {
    /// A key that is empty or over [`KEY_MAX`].
    #[error("a key is 1 to 512 bytes, this one is {0}")]
    KeyLength(usize),
    /// A value over [`VALUE_MAX`].
    #[error("a value is at most 66560 bytes, this one is {0}")]
    ValueLength(usize),
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
    fn value_set(&self, now: At, link: LinkId, value: Value) -> Answer<'_, ()>;

    /// Forgets a key; an absent one is no error.
    fn value_delete(&self, link: LinkId, key: Vec<u8>) -> Answer<'_, ()>;

    /// Stores only if absent; true if it was stored: of many adders one is told so.
    fn value_add(&self, now: At, link: LinkId, value: Value) -> Answer<'_, bool>;

    /// All of a link, for a cache.
    fn values(&self, now: At, link: LinkId) -> Answer<'_, Vec<Value>>;

    /// The links that have a value whose key begins so, by name. Looks at all that there is: for a restore, not for use.
    fn values_links(&self, prefix: Vec<u8>) -> Answer<'_, Vec<LinkId>>;

    /// Clears away what is over its time, at most so many, and says how many they were.
    fn values_sweep(&self, now: At, values_max: usize) -> Answer<'_, usize>;
}
