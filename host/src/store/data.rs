//! The small types that everything in the store is made of: moments, digests, sealed bytes. None of them shows content.

use std::{fmt, time::Duration};

use bytes::Bytes;

/// A moment: milliseconds since 1970, UTC. What a store keeps, and all it keeps of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct At(pub(crate) i64);

impl At {
    /// So much later; no later than the last moment there is.
    pub(crate) fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl From<jiff::Timestamp> for At {
    fn from(time: jiff::Timestamp) -> Self {
        Self(time.as_millisecond())
    }
}

/// 32 bytes that stand for something: a SHA-256, or a keyed hash of what must not be readable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "{}…", hex::encode([a, b, c, d]))
    }
}

/// Bytes that were sealed above; the store cannot open them, and they are shown by their length alone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sealed(pub(crate) Bytes);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sealed bytes", self.0.len())
    }
}
