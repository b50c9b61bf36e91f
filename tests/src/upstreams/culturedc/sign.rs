//! Signatures of requests. The HMAC is that of profile sim-v1; the MD5 stands for the usual schemes of access and
//! secret keys and is this project's invention. Never compares anything.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

/// How requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SignKind {
    /// HMAC-SHA256, keyed with the secret key, over method, path with query, timestamp, nonce and the body's SHA-256 in
    /// lower-case hexadecimal, joined by line feeds.
    Hmac,
    /// MD5 of access key, timestamp, nonce and secret key, with nothing between them.
    Md5Concat,
    /// Not at all: the access key is enough.
    None,
}

/// How the signature's bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SignEncoding {
    /// `0123456789abcdef`.
    HexLower,
    /// `0123456789ABCDEF`.
    HexUpper,
    /// Standard alphabet, padded.
    Base64,
}

impl SignEncoding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::HexLower, Self::HexUpper, Self::Base64];

    fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::HexLower => hex::encode(bytes),
            Self::HexUpper => hex::encode_upper(bytes),
            Self::Base64 => STANDARD.encode(bytes),
        }
    }
}

/// What a signature covers.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// AK.
    pub access_key: &'a str,
    /// SK.
    pub secret_key: &'a str,
    /// As `POST`.
    pub method: &'a str,
    /// Path and, after a question mark, query, as they stand in the request line.
    pub target: &'a str,
    /// `X-Timestamp` as sent.
    pub timestamp: &'a str,
    /// `X-Nonce`.
    pub nonce: &'a str,
    /// The whole body.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// The value of `X-Signature`; empty when nothing is signed.
    pub fn signature(&self, kind: SignKind, encoding: SignEncoding) -> String {
        match kind {
            SignKind::Hmac => encoding.encode(&self.hmac()),
            SignKind::Md5Concat => {
                let Self { access_key, secret_key, timestamp, nonce, .. } = self;
                encoding.encode(&Md5::digest(format!("{access_key}{timestamp}{nonce}{secret_key}")))
            }
            SignKind::None => String::new(),
        }
    }

    fn hmac(&self) -> Vec<u8> {
        let Self { method, target, timestamp, nonce, body, .. } = self;
        let message = format!("{method}\n{target}\n{timestamp}\n{nonce}\n{}", hex::encode(Sha256::digest(body)));
        // HMAC takes a key of any length.
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(self.secret_key.as_bytes()) else { return Vec::new() };
        mac.chain_update(message).finalize().into_bytes().to_vec()
    }
}
