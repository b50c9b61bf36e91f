//! What goes in and out of the generic operations: parts that name secrets, and bytes as hex.

use duijie_sdk::bindings::duijie::secret::parts as wit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// No input, or no output.
#[derive(Deserialize, Serialize, JsonSchema)]
pub(crate) struct Nothing {}

/// A piece of a message.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Piece {
    /// UTF-8 text.
    Text(String),
    /// Bytes, as hex.
    Hex(String),
    /// A secret by its slot.
    Secret(SecretPiece),
    /// The base64 of several; those of its own kind are left out.
    Base64(Vec<Piece>),
}

/// A secret, and how it is written.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SecretPiece {
    slot: String,
    #[serde(default)]
    encoding: Encoding,
}

/// As in the contract.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Encoding {
    #[default]
    Raw,
    Hex,
    HexUpper,
    Base64,
    Form,
    Json,
}

/// Bytes, as hex.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Bytes {
    pub(crate) hex: String,
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self { hex: duijie_sdk::encode::hex(bytes) }
    }
}

/// The bytes of some hex; what is not hex ends it.
pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    hex.as_bytes().chunks(2).map_while(pair).collect()
}

/// A whole message.
pub(crate) fn parts(pieces: Vec<Piece>) -> Vec<wit::Part> {
    pieces.into_iter().map(part).collect()
}

fn part(piece: Piece) -> wit::Part {
    match piece {
        Piece::Base64(pieces) => wit::Part::Base64(pieces.into_iter().filter_map(atom).collect()),
        Piece::Text(text) => wit::Part::Text(text),
        Piece::Hex(hex) => wit::Part::Bytes(unhex(&hex)),
        Piece::Secret(secret) => wit::Part::Secret(secret.into()),
    }
}

fn atom(piece: Piece) -> Option<wit::Atom> {
    match piece {
        Piece::Base64(_) => None,
        Piece::Text(text) => Some(wit::Atom::Text(text)),
        Piece::Hex(hex) => Some(wit::Atom::Bytes(unhex(&hex))),
        Piece::Secret(secret) => Some(wit::Atom::Secret(secret.into())),
    }
}

impl From<SecretPiece> for wit::SecretRef {
    fn from(secret: SecretPiece) -> Self {
        let encoding = match secret.encoding {
            Encoding::Raw => wit::Encoding::Raw,
            Encoding::Hex => wit::Encoding::Hex,
            Encoding::HexUpper => wit::Encoding::HexUpper,
            Encoding::Base64 => wit::Encoding::Base64,
            Encoding::Form => wit::Encoding::Form,
            Encoding::Json => wit::Encoding::Json,
        };
        Self { slot: secret.slot, encoding }
    }
}
