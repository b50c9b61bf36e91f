//! Signing a request: the message from the profile's template, with the secret standing in it only by name, and the
//! signature in the profile's encoding. It sees neither the secret nor sends anything.

use duijie_sdk::{
    Failure,
    crypto::{self, Algorithm},
    encode,
    secret::{Part, Parts, Secret},
    template, time,
};

use crate::{
    SECRET_KEY,
    profile::{Encoding, Sign, SignKind, Timestamp},
};

/// The variables of a message to sign, and of headers and query parameters.
pub const NAMES: [&str; 10] =
    ["method", "path", "query", "target", "timestamp", "nonce", "body", "body_sha256", "ak", "signature"];
/// Where the secret stands.
const SECRET: &str = "${sk}";

/// What is signed.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query as sent.
    pub target: &'a str,
    /// The body as sent.
    pub body: &'a str,
    /// The AK.
    pub access_key: &'a str,
    /// When, in milliseconds since 1970.
    pub now_ms: u64,
    /// A value that no other request has.
    pub nonce: &'a str,
}

/// A message with its signature: the variables of headers and query parameters.
#[derive(Debug)]
pub struct Signed<'a> {
    message: Message<'a>,
    timestamp: String,
    body_sha256: String,
    signature: Option<String>,
}

impl<'a> Signed<'a> {
    /// Signs.
    ///
    /// # Errors
    /// `config` for a template that is not fit, which `check` would have said; what the host says of the secret.
    pub fn new(sign: &Sign, message: Message<'a>) -> Result<Self, Failure> {
        let timestamp = match sign.timestamp {
            Timestamp::Ms => message.now_ms.to_string(),
            Timestamp::S => (message.now_ms / 1000).to_string(),
            Timestamp::Compact => time::format(message.now_ms, "yyyyMMddHHmmss"),
        };
        let body_sha256 = encode::hex(crypto::hash(Algorithm::Sha256, message.body)?);
        let unsigned = Self { message, timestamp, body_sha256, signature: None };
        let text = || unsigned.parts(&sign.template);
        let digest = match sign.kind {
            SignKind::None => return Ok(unsigned),
            SignKind::Hmac => crypto::hmac(sign.algorithm.into(), SECRET_KEY, text()?)?,
            SignKind::Md5Concat => crypto::hash(Algorithm::Md5, text()?)?,
        };
        let signature = match sign.encoding {
            Encoding::Hex => encode::hex(digest),
            Encoding::HexUpper => encode::hex_upper(digest),
            Encoding::Base64 => encode::base64(digest),
        };
        Ok(Self { signature: Some(signature), ..unsigned })
    }

    /// The value that a template of a header or query parameter makes.
    ///
    /// # Errors
    /// What is wrong with the template.
    pub fn render(&self, template: &str) -> Result<String, String> {
        template::render(template, &NAMES, |name| self.value(name), |value| value)
    }

    /// The template is cut at the secret before any value is put in, so that a value cannot stand for it.
    fn parts(&self, template: &str) -> Result<Parts, Failure> {
        let mut parts = Parts::default();
        for (index, text) in template.split(SECRET).enumerate() {
            if index > 0 {
                parts.push(Secret::raw(SECRET_KEY));
            }
            let text = self.render(text).map_err(|message| Failure::config(format!("wire.sign.template {message}")))?;
            parts.push(Part::text(text));
        }
        Ok(parts)
    }

    fn value(&self, name: &str) -> Option<String> {
        let (path, query) = self.message.target.split_once('?').unwrap_or((self.message.target, ""));
        Some(match name {
            "method" => self.message.method.to_owned(),
            "path" => path.to_owned(),
            "query" => query.to_owned(),
            "target" => self.message.target.to_owned(),
            "timestamp" => self.timestamp.clone(),
            "nonce" => self.message.nonce.to_owned(),
            "body" => self.message.body.to_owned(),
            "body_sha256" => self.body_sha256.clone(),
            "ak" => self.message.access_key.to_owned(),
            "signature" => return self.signature.clone(),
            _ => return None,
        })
    }
}
