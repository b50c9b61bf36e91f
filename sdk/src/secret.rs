//! Messages that may carry secrets: a URL, a header, a body or a message to hash is a list of [`Part`]s. A secret is
//! only ever named here; no function of this crate returns one.

use crate::bindings::duijie::secret::parts as wit;

pub use wit::Encoding;

/// The smallest piece of a message: text, bytes, or a secret by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atom(pub(crate) wit::Atom);

/// A piece of a message: an [`Atom`], or the base64 of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part(pub(crate) wit::Part);

/// A whole message: parts that are concatenated without separators. Whatever takes `impl Into<Parts>` takes a string,
/// bytes, one atom or part, or an array of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts(pub(crate) Vec<wit::Part>);

/// Names a secret's text, written in one way. Every use needs the slot's use: `send` in requests, `digest` in messages
/// to hash.
///
/// ```
/// use duijie_sdk::secret::{Atom, Part, Secret};
///
/// // HTTP Basic credentials (RFC 7617): base64 of `id:secret`.
/// let basic = [Part::text("Basic "), Part::base64([Atom::text("my-id:"), Secret::raw("client_secret")])];
/// ```
#[derive(Debug)]
pub struct Secret;

impl Secret {
    /// The text as issued.
    pub fn raw(slot: &str) -> Atom {
        Self::written(slot, Encoding::Raw)
    }

    /// Lower-case hex of the text's bytes.
    pub fn hex(slot: &str) -> Atom {
        Self::written(slot, Encoding::Hex)
    }

    /// Upper-case hex of the text's bytes.
    pub fn hex_upper(slot: &str) -> Atom {
        Self::written(slot, Encoding::HexUpper)
    }

    /// Standard base64 with padding of the text's bytes.
    pub fn base64(slot: &str) -> Atom {
        Self::written(slot, Encoding::Base64)
    }

    /// Percent-encoded for a form body or a query.
    pub fn form(slot: &str) -> Atom {
        Self::written(slot, Encoding::Form)
    }

    /// The inside of a JSON string, without the quotes.
    pub fn json(slot: &str) -> Atom {
        Self::written(slot, Encoding::Json)
    }

    fn written(slot: &str, encoding: Encoding) -> Atom {
        Atom(wit::Atom::Secret(wit::SecretRef { slot: slot.to_owned(), encoding }))
    }
}

impl Atom {
    /// UTF-8 text.
    pub fn text(text: impl Into<String>) -> Self {
        Self(wit::Atom::Text(text.into()))
    }

    /// Bytes as they are.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(wit::Atom::Bytes(bytes.into()))
    }
}

impl Part {
    /// UTF-8 text.
    pub fn text(text: impl Into<String>) -> Self {
        Self(wit::Part::Text(text.into()))
    }

    /// Bytes as they are.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(wit::Part::Bytes(bytes.into()))
    }

    /// Standard base64 of the concatenated atoms.
    pub fn base64<const N: usize>(atoms: [Atom; N]) -> Self {
        Self(wit::Part::Base64(atoms.into_iter().map(|atom| atom.0).collect()))
    }
}

impl From<Atom> for Part {
    fn from(atom: Atom) -> Self {
        Self(match atom.0 {
            wit::Atom::Text(text) => wit::Part::Text(text),
            wit::Atom::Bytes(bytes) => wit::Part::Bytes(bytes),
            wit::Atom::Secret(secret) => wit::Part::Secret(secret),
        })
    }
}

impl From<&str> for Atom {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Atom {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl Parts {
    /// Adds a part at the end.
    pub fn push(&mut self, part: impl Into<Part>) {
        self.0.push(part.into().0);
    }
}

impl<P: Into<Part>> From<P> for Parts {
    fn from(part: P) -> Self {
        Self(vec![part.into().0])
    }
}

impl<P: Into<Part>> FromIterator<P> for Parts {
    fn from_iter<I: IntoIterator<Item = P>>(parts: I) -> Self {
        Self(parts.into_iter().map(|part| part.into().0).collect())
    }
}

impl<P: Into<Part>, const N: usize> From<[P; N]> for Parts {
    fn from(parts: [P; N]) -> Self {
        parts.into_iter().collect()
    }
}

impl<P: Into<Part>> From<Vec<P>> for Parts {
    fn from(parts: Vec<P>) -> Self {
        parts.into_iter().collect()
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<&String> for Part {
    fn from(text: &String) -> Self {
        Self::text(text)
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&[u8]> for Part {
    fn from(bytes: &[u8]) -> Self {
        Self::bytes(bytes)
    }
}
