//! Values of one link that may be larger than one of the store's: cut into pieces, and read whole or not at all. A
//! reader never sees pieces of two versions. For catalogues and lists, not for files: at most 1 MiB each.

use serde::{Deserialize, Serialize};

use crate::{
    Failure,
    crypto::{self, Algorithm},
    encode,
    kv::{self, KvError},
    typed,
};

/// Bytes of one piece: the store's limit less the mark.
const PIECE_BYTES: usize = 64 * 1024 - 1;
/// Bytes of a value.
pub const BYTES_MAX: usize = 1024 * 1024;
/// A value that stands in the head itself begins with this.
const WHOLE: u8 = b'=';
/// A head that only lists pieces begins with this.
const LISTED: u8 = b'#';

/// Where a value's pieces are.
#[derive(Serialize, Deserialize)]
struct Pieces {
    version: String,
    count: usize,
}

/// Stores a value, replacing value and time. Keys are 1 to 400 bytes; a small value takes one key of the store, a large
/// one a key more than pieces.
///
/// # Errors
/// [`KvError`]: sizes, the link's quota, or the store; what was there before stays.
pub fn set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Failure> {
    if value.len() > BYTES_MAX {
        return Err(KvError::TooLarge(format!("{} bytes; at most {BYTES_MAX}", value.len())).into());
    }
    let before = kv::get(key)?;
    if value.len() <= PIECE_BYTES {
        kv::set(key, [&[WHOLE], value].concat(), ttl_ms)?;
    } else {
        let digest = crypto::hash(Algorithm::Sha256, value)?;
        let version = encode::hex(digest.get(..8).unwrap_or(&digest));
        let pieces = Pieces { version, count: value.chunks(PIECE_BYTES).len() };
        for (at, piece) in value.chunks(PIECE_BYTES).enumerate() {
            kv::set(&pieces.key(key, at), piece, ttl_ms)?;
        }
        let listed = serde_json::to_vec(&pieces).map_err(|error| Failure::internal(error.to_string()))?;
        // Only now is the new version seen.
        kv::set(key, [&[LISTED], listed.as_slice()].concat(), ttl_ms)?;
        if before.as_deref().and_then(Pieces::of).is_some_and(|old| old.version == pieces.version) {
            return Ok(());
        }
    }
    forget(key, before.as_deref())
}

/// The value, unless absent or over its time.
///
/// # Errors
/// The store's.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Failure> {
    // A version that is replaced while it is read is missing a piece; the next is whole.
    for _ in 0..2 {
        let Some(head) = kv::get(key)? else { return Ok(None) };
        if let Some((&WHOLE, value)) = head.split_first() {
            return Ok(Some(value.to_vec()));
        }
        if let Some(pieces) = Pieces::of(&head)
            && let Some(value) = pieces.read(key)?
        {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// Forgets a value; an absent one is no error.
///
/// # Errors
/// The store's.
pub fn delete(key: &str) -> Result<(), Failure> {
    let before = kv::take(key)?;
    forget(key, before.as_deref())
}

fn forget(key: &str, head: Option<&[u8]>) -> Result<(), Failure> {
    if let Some(pieces) = head.and_then(Pieces::of) {
        for at in 0..pieces.count {
            kv::delete(&pieces.key(key, at))?;
        }
    }
    Ok(())
}

impl Pieces {
    fn of(head: &[u8]) -> Option<Self> {
        let (&LISTED, listed) = head.split_first()? else { return None };
        typed::parse(listed).ok()
    }

    fn key(&self, key: &str, at: usize) -> String {
        format!("{key}/{}/{at}", self.version)
    }

    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        let mut value = Vec::new();
        for at in 0..self.count {
            match kv::get(&self.key(key, at))? {
                Some(piece) => value.extend(piece),
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestHost;

    #[test]
    fn values_of_any_size_come_back_whole() {
        let _host = TestHost::new();
        for bytes in [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES, BYTES_MAX] {
            let value: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
            set("key", &value, None).unwrap();
            assert_eq!(get("key").unwrap(), Some(value), "{bytes}");
        }
        assert!(set("key", &vec![0; BYTES_MAX + 1], None).is_err());
    }

    #[test]
    fn nothing_of_a_replaced_or_deleted_value_stays() {
        let host = TestHost::new();
        set("key", &vec![1; 3 * PIECE_BYTES], None).unwrap();
        set("key", &vec![1; 3 * PIECE_BYTES], None).unwrap();
        assert_eq!(host.kv_keys().len(), 4);
        set("key", &vec![2; 2 * PIECE_BYTES], None).unwrap();
        assert_eq!(host.kv_keys().len(), 3);
        set("key", b"small", None).unwrap();
        assert_eq!(host.kv_keys(), ["key"]);
        set("key", &vec![3; 2 * PIECE_BYTES], None).unwrap();
        delete("key").unwrap();
        assert!(host.kv_keys().is_empty());
        assert_eq!(get("key").unwrap(), None);
    }

    #[test]
    fn a_value_ends_by_its_time_and_one_that_lost_a_piece_is_absent() {
        let host = TestHost::new();
        set("key", &vec![1; 2 * PIECE_BYTES], Some(1000)).unwrap();
        let piece = host.kv_keys().pop().unwrap();
        kv::delete(&piece).unwrap();
        assert_eq!(get("key").unwrap(), None);
        set("key", b"small", Some(1000)).unwrap();
        host.advance_ms(1000);
        assert_eq!(get("key").unwrap(), None);
    }
}
