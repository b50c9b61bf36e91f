//! Secrets: what a link's credential is, how its text is written where it is placed, and how its echoes are masked.
//!
//! A secret has two forms: the *text* as issued (what is sent, and what goes into a signed string) and the *key*, that
//! text decoded by the encoding the link declares (what HMAC and SM4 are keyed with). It is never shown: there is no
//! `Display`, `Debug` says nothing, no error quotes it, and its memory is zeroed when dropped. Zeroing is best effort:
//! a buffer that a secret was written into is the caller's, and so are copies the allocator made of it.
//!
//! Bounded by [`SECRET_MAX`] bytes a secret.

pub(crate) mod finder;
mod masker;
pub(crate) mod source;
pub(crate) mod spelling;

use std::{fmt, string::FromUtf8Error};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use zeroize::{Zeroize, Zeroizing};

pub(crate) use masker::{Masker, Overlay};

/// Most bytes of a secret's text: a PEM chain fits, a file chosen by mistake does not.
pub(crate) const SECRET_MAX: usize = 16 << 10;

/// Standard base64 as people paste it: with or without its padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a secret's text becomes its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyEncoding {
    /// The text's bytes are the key.
    #[default]
    Utf8,
    /// The text is standard base64 (RFC 4648 §4) of the key, padded or not.
    Base64,
    /// The text is hex of the key, in either case.
    Hex,
}

/// How a secret's text is written where it is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As issued.
    Raw,
    /// Lower-case hex of its bytes.
    Hex,
    /// Upper-case hex of its bytes.
    HexUpper,
    /// Standard base64 of its bytes, padded.
    Base64,
    /// `application/x-www-form-urlencoded`: for a form body or a query.
    Form,
    /// The inside of a JSON string, without the quotes.
    Json,
}

/// What a slot's secret may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Use {
    /// As a piece of a message to hash or to MAC.
    Digest,
    /// As the key of an HMAC.
    Hmac,
    /// As the key of SM4.
    Sm4,
    /// As a piece of a request, to the origins it is bound to.
    Send,
}

impl Use {
    /// Every use, in the order they are listed in messages.
    pub(crate) const ALL: [Self; 4] = [Self::Digest, Self::Hmac, Self::Sm4, Self::Send];

    /// The name as it stands in a manifest.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Hmac => "hmac",
            Self::Sm4 => "sm4",
            Self::Send => "send",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Digest => 1,
            Self::Hmac => 2,
            Self::Sm4 => 4,
            Self::Send => 8,
        }
    }
}

/// A set of uses. The empty one allows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uses(u8);

impl Uses {
    /// Is this use in the set?
    pub(crate) const fn allows(self, one: Use) -> bool {
        self.0 & one.bit() != 0
    }
}

impl FromIterator<Use> for Uses {
    fn from_iter<I: IntoIterator<Item = Use>>(uses: I) -> Self {
        Self(uses.into_iter().fold(0, |set, one| set | one.bit()))
    }
}

impl fmt::Display for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Use::ALL.into_iter().filter(|one| self.allows(*one)).map(Use::name).collect();
        f.write_str(if names.is_empty() { "nothing" } else { "" })?;
        f.write_str(&names.join(", "))
    }
}

/// Why what was issued is no secret. Never quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretError {
    /// Nothing but perhaps a line end.
    #[error("the secret is empty")]
    Empty,
    /// Over [`SECRET_MAX`].
    #[error("the secret is {0} bytes, at most 16384 are allowed")]
    TooLong(usize),
    /// A text is what upstreams issue and what headers, forms and JSON can carry.
    #[error("the secret is not UTF-8 text; store a binary key as base64 or hex and say so with `encoding`")]
    NotText,
    /// `encoding = "base64"` and it is not.
    #[error("the secret is not standard base64, as its `encoding` says")]
    NotBase64,
    /// `encoding = "hex"` and it is not.
    #[error("the secret is not hex (an even number of digits 0-9 a-f), as its `encoding` says")]
    NotHex,
}

/// One secret of a link. Shared, never copied.
pub(crate) struct Secret {
    text: Zeroizing<String>,
    /// `None`: the text's bytes are the key.
    key: Option<Zeroizing<Vec<u8>>>,
}

impl Secret {
    /// Takes what was issued, from a file or the environment, and drops one line end behind it, which editors and
    /// `echo` leave.
    pub(crate) fn new(issued: Vec<u8>, encoding: KeyEncoding) -> Result<Self, SecretError> {
        let text = String::from_utf8(issued).map_err(|error: FromUtf8Error| {
            error.into_bytes().zeroize();
            SecretError::NotText
        })?;
        let mut text = Zeroizing::new(text);
        let end = text.strip_suffix('\n').map_or(text.len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
        text.truncate(end);
        match text.len() {
            0 => return Err(SecretError::Empty),
            len if len > SECRET_MAX => return Err(SecretError::TooLong(len)),
            _ => {}
        }
        let key = match encoding {
            KeyEncoding::Utf8 => None,
            KeyEncoding::Base64 => {
                // Room for all of it, so that growing leaves no copy behind.
                let mut key = Zeroizing::new(Vec::with_capacity(text.len()));
                LENIENT.decode_vec(text.as_bytes(), &mut key).map_err(|_| SecretError::NotBase64)?;
                Some(key)
            }
            KeyEncoding::Hex => Some(Zeroizing::new(hex::decode(&*text).map_err(|_| SecretError::NotHex)?)),
        };
        Ok(Self { text, key })
    }

    /// What HMAC and SM4 are keyed with.
    pub(crate) fn key(&self) -> &[u8] {
        self.key.as_ref().map_or(self.text.as_bytes(), |key| key)
    }

    /// Appends the text, written as the guest asked. The buffer is the caller's to bound and to keep from the guest.
    pub(crate) fn write_text(&self, encoding: Encoding, out: &mut Vec<u8>) {
        let text = self.text.as_bytes();
        match encoding {
            Encoding::Raw => out.extend_from_slice(text),
            Encoding::Hex => out.extend_from_slice(Zeroizing::new(hex::encode(text)).as_bytes()),
            Encoding::HexUpper => out.extend_from_slice(Zeroizing::new(hex::encode_upper(text)).as_bytes()),
            Encoding::Base64 => out.extend_from_slice(Zeroizing::new(STANDARD.encode(text)).as_bytes()),
            Encoding::Form => {
                form_urlencoded::byte_serialize(text).for_each(|piece| out.extend_from_slice(piece.as_bytes()));
            }
            Encoding::Json => spelling::json(&self.text, spelling::JsonStyle::default(), out),
        }
    }

    /// Most bytes that [`write_text`](Self::write_text) appends, for a budget that is checked before.
    pub(crate) fn written_max(&self, encoding: Encoding) -> usize {
        let times = match encoding {
            Encoding::Raw => 1,
            Encoding::Hex | Encoding::HexUpper => 2,
            // Four for three, and the last group whole.
            Encoding::Base64 => return self.text.len().div_ceil(3).saturating_mul(4),
            Encoding::Form => 3,
            Encoding::Json => 6,
        };
        self.text.len().saturating_mul(times)
    }

    fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests;
