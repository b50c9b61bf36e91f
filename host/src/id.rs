//! Names that appear in URLs, files and logs, each parsed once at the rim. They never carry anything personal,
//! which is why they may be logged.

use std::{fmt, str::FromStr, sync::Arc};

use sha2::{Digest, Sha256};

/// A name that does not follow its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {given:?} is not valid: {rule}")]
pub(crate) struct NameError {
    what: &'static str,
    given: String,
    rule: &'static str,
}

impl NameError {
    fn new(what: &'static str, given: &str, rule: &'static str) -> Self {
        // Names come from files and requests: what is quoted back is bounded.
        Self { what, given: given.chars().take(80).collect(), rule }
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $type(Arc<str>);

        impl std::ops::Deref for $type {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.into())) } else { Err(NameError::new($what, text, $rule)) }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// A link's id: the path of its file below the links directory with dots for slashes, for instance `zj.nbufe`.
    LinkId,
    "link id",
    "use segments of a-z, 0-9, _ and - joined by dots, each beginning with a letter or digit, at most 128 bytes",
    |text| text.len() <= 128 && text.split('.').all(segment)
);

name!(
    /// A connector's name as its manifest says it, for instance `zj-gxsz`.
    ConnectorName,
    "connector name",
    "use a-z, 0-9 and -, beginning with a letter, at most 64 bytes",
    |text| text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
);

name!(
    /// A platform's name in `duijie.toml`, for instance `campus`.
    PlatformName,
    "platform name",
    "use a-z, 0-9, _ and -, beginning with a letter or digit, at most 64 bytes",
    |text| text.len() <= 64 && segment(text)
);

name!(
    /// The beginning of a revision: 12 to 64 hex digits, as logs and rollouts show it.
    Pin,
    "pin",
    "use the first 12 to 64 of a revision's hex digits, in lower case",
    |text| (12..=64).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
);

fn segment(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// The SHA-256 of a connector's bytes: what is served is named by what it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Revision([u8; 32]);

impl Revision {
    /// Of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first 12 hex digits, for people.
    pub(crate) fn short(&self) -> String {
        let mut hex = self.to_string();
        hex.truncate(12);
        hex
    }
}

impl Pin {
    /// Is this the revision that is meant?
    pub(crate) fn is(&self, revision: Revision) -> bool {
        revision.to_string().starts_with(&**self)
    }
}

impl FromStr for Revision {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut bytes = [0; 32];
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err(NameError::new("revision", text, "use the 64 hex digits of its SHA-256")),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Revision {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Revision {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_ids_follow_their_rule() {
        for good in ["zj.nbufe", "a", "0-1_2.x", "zj.hz.school-7"] {
            assert!(good.parse::<LinkId>().is_ok(), "{good}");
        }
        for bad in ["", ".", "zj.", ".zj", "zj..x", "ZJ", "zj/nbufe", "_zj", "-a", "a b", "zj.\u{7}", &"a".repeat(129)]
        {
            assert!(bad.parse::<LinkId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_bad_name_is_quoted_bounded() {
        let error = "X".repeat(10_000).parse::<LinkId>().unwrap_err().to_string();
        assert!(error.len() < 400, "{}", error.len());
    }

    #[test]
    fn a_pin_is_the_beginning_of_a_revision() {
        let revision = Revision::of(b"abc");
        assert!("ba7816bf8f01".parse::<Pin>().unwrap().is(revision));
        assert!(revision.to_string().parse::<Pin>().unwrap().is(revision));
        assert!(!"ba7816bf8f02".parse::<Pin>().unwrap().is(revision));
        for bad in ["ba7816bf8f0", "BA7816BF8F01", "", &"a".repeat(65), "zzzzzzzzzzzz"] {
            assert!(bad.parse::<Pin>().is_err(), "{bad:?}");
        }
        assert_eq!(revision.to_string().parse(), Ok(revision));
        assert!("ba78".parse::<Revision>().is_err());
    }

    #[test]
    fn a_revision_is_the_sha256_of_the_bytes() {
        assert_eq!(
            Revision::of(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
