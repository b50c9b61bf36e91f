//! Small values of one link, kept between calls and over connector versions. Keys are 1 to 512 bytes, values up to
//! 64 KiB. Times to live are in milliseconds; `None` keeps a value until it is deleted.

use crate::{Class, Failure, bindings::duijie::kv::store, raw};

pub use store::Error as KvError;

/// The value, unless absent or over its time.
///
/// # Errors
/// [`KvError`]: the key's size, or the store.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, KvError> {
    raw::get(key)
}

/// Stores a value, replacing value and time.
///
/// # Errors
/// [`KvError`]: sizes, the link's quota, or the store.
pub fn set(key: &str, value: impl AsRef<[u8]>, ttl_ms: Option<u64>) -> Result<(), KvError> {
    raw::set(key, value.as_ref(), ttl_ms)
}

/// Forgets a key; an absent one is no error.
///
/// # Errors
/// As [`get`].
pub fn delete(key: &str) -> Result<(), KvError> {
    raw::delete(key)
}

/// Reads once: returns and deletes atomically.
///
/// # Errors
/// As [`get`].
pub fn take(key: &str) -> Result<Option<Vec<u8>>, KvError> {
    raw::take(key)
}

/// Stores only if absent; true if it was stored. For replay guards and throttles.
///
/// # Errors
/// As [`set`].
pub fn add(key: &str, value: impl AsRef<[u8]>, ttl_ms: Option<u64>) -> Result<bool, KvError> {
    raw::add(key, value.as_ref(), ttl_ms)
}

/// Adds to a signed counter (absent = 0) and returns the new value. The time to live is set when the counter is created.
///
/// # Errors
/// As [`set`], and a stored value that is no counter or would overflow.
pub fn increment(key: &str, by: i64, ttl_ms: Option<u64>) -> Result<i64, KvError> {
    raw::increment(key, by, ttl_ms)
}

/// A lock that is held: until dropped, until the call ends, or until its time is over, whichever is first.
#[must_use = "the lock is free again as soon as this is dropped"]
pub struct Lock {
    _held: raw::Lock,
}

/// Waits for the lock of this name, at most until the call's deadline. It frees itself after `hold_ms`.
///
/// # Errors
/// [`KvError::Unavailable`] when it did not come free in time.
pub fn lock(name: &str, hold_ms: u32) -> Result<Lock, KvError> {
    Ok(Lock { _held: raw::acquire(name, hold_ms)? })
}

impl From<KvError> for Failure {
    fn from(error: KvError) -> Self {
        let (class, message) = match error {
            KvError::TooLarge(which) => (Class::Internal, format!("too large for the link's store: {which}")),
            KvError::Quota(which) => (Class::Internal, format!("the link's store is full: {which}")),
            KvError::NotANumber => (Class::Internal, "a counter in the link's store is not a number".to_owned()),
            KvError::Unavailable(why) => (Class::Unavailable, format!("the link's store is not available: {why}")),
            KvError::Other(why) => (Class::Internal, format!("the link's store failed: {why}")),
        };
        Self::new(class, message)
    }
}
