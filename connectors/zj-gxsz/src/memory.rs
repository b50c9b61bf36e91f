//! Which records the upstream has accepted, as far as this link remembers: in a bounded number of the store's keys, so
//! that the store always has room for the token. A list has 256 buckets by the first byte of the hash of a record's key;
//! a bucket is a row of entries, the oldest first. Only hashes are kept.

use duijie_sdk::{
    Failure,
    crypto::{self, Algorithm},
    kv, log, time,
};

use crate::model::Endpoint;

/// How long a record is remembered.
const REMEMBER_MS: u64 = 30 * 86_400_000;
/// Entries of a bucket: 12 KiB, a quarter of a million records a list, and 9 MiB of the 16 that a store holds.
const ENTRIES_MAX: usize = 1024;
/// Bytes of an entry: eight of the hash, and four of the second it was accepted at.
const ENTRY_BYTES: usize = 12;
/// Bytes of the hash in an entry.
const HASH_BYTES: usize = 8;
/// Two calls rarely meet at one bucket, and each holds it for a moment.
const HOLD_MS: u32 = 1_000;

/// Notes the acceptance and says whether there was one before. The record is accepted whatever the store says, so its
/// errors are a line in the log.
pub fn remember(endpoint: Endpoint, key: &str) -> Option<bool> {
    match noted(endpoint, key) {
        Ok(before) => Some(before),
        Err(failure) => {
            log::warn("an accepted record cannot be remembered", &[("error", &failure.message)]);
            None
        }
    }
}

fn noted(endpoint: Endpoint, key: &str) -> Result<bool, Failure> {
    let hash = crypto::hash(Algorithm::Sha256, key)?;
    let Some((first, rest)) = hash.split_first() else {
        return Err(Failure::internal("a hash is empty"));
    };
    let mark = rest.get(..HASH_BYTES).unwrap_or(rest);
    let bucket = format!("accepted/{}/{first:02x}", endpoint.name());

    let _lock = kv::lock(&bucket, HOLD_MS)?;
    let kept = kv::get(&bucket)?.unwrap_or_default();
    let (entries, before) = with(&kept, mark, time::now_ms());
    kv::set(&bucket, entries, Some(REMEMBER_MS))?;
    Ok(before)
}

/// A bucket's entries with this one as the newest, and whether it was among them.
fn with(kept: &[u8], mark: &[u8], now_ms: u64) -> (Vec<u8>, bool) {
    let live = kept.chunks_exact(ENTRY_BYTES).filter(|entry| now_ms < accepted_ms(entry).saturating_add(REMEMBER_MS));
    let (same, others): (Vec<_>, Vec<_>) = live.partition(|entry| entry.starts_with(mark));
    let dropped = (others.len() + 1).saturating_sub(ENTRIES_MAX);
    let mut entries = others.into_iter().skip(dropped).flatten().copied().collect::<Vec<_>>();
    entries.extend_from_slice(mark);
    entries.extend_from_slice(&u32::try_from(now_ms / 1000).unwrap_or(u32::MAX).to_be_bytes());
    (entries, !same.is_empty())
}

fn accepted_ms(entry: &[u8]) -> u64 {
    let seconds = entry.last_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    u64::from(seconds) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(number: u64) -> [u8; HASH_BYTES] {
        number.to_be_bytes()
    }

    #[test]
    fn a_full_bucket_forgets_its_oldest_entry_and_nothing_else() {
        let mut bucket = Vec::new();
        for number in 0..=ENTRIES_MAX as u64 {
            let (entries, before) = with(&bucket, &mark(number), 1_700_000_000_000);
            assert!(!before);
            bucket = entries;
        }
        assert_eq!(bucket.len(), ENTRIES_MAX * ENTRY_BYTES);
        assert!(with(&bucket, &mark(1), 1_700_000_000_000).1);
        assert!(!with(&bucket, &mark(0), 1_700_000_000_000).1);
    }

    #[test]
    fn an_entry_ends_by_its_own_time_however_busy_the_bucket_is() {
        let start = 1_700_000_000_000;
        let (bucket, _) = with(&[], &mark(1), start);
        let (bucket, _) = with(&bucket, &mark(2), start + REMEMBER_MS - 1000);
        assert!(with(&bucket, &mark(1), start + REMEMBER_MS - 1).1);
        let (bucket, before) = with(&bucket, &mark(1), start + REMEMBER_MS);
        assert!(!before);
        assert_eq!(bucket.len(), 2 * ENTRY_BYTES);
    }
}
