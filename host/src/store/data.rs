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

impl From<At> for jiff::Timestamp {
    /// What no calendar reaches is its nearest end.
    fn from(at: At) -> Self {
        let nearest = if at.0 < 0 { Self::MIN } else { Self::MAX };
        Self::from_millisecond(at.0).unwrap_or(nearest)
    }
}

impl fmt::Display for At {
    /// RFC 3339 with milliseconds, as platforms are shown it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", jiff::Timestamp::from(*self))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_with_its_milliseconds() {
        assert_eq!(At(1_800_000_000_000).to_string(), "2027-01-15T08:00:00.000Z");
        assert_eq!(At(1_800_000_000_007).to_string(), "2027-01-15T08:00:00.007Z");
        assert!(At(i64::MAX).to_string().starts_with("9999-12-"));
        assert!(At(i64::MIN).to_string().starts_with("-009999-01-"));
    }
}
