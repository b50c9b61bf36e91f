//! What platforms are told: a CloudEvent 1.0 in JSON, signed as Standard Webhooks wants it. Sends nothing; who the platform
//! is and how it is reached is the caller's.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use jiff::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use super::crypto::hash::{Algorithm, MacError, hmac};

/// Before the base64 of a signing secret.
const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a signing key at the least: what Standard Webhooks asks for.
const KEY_BYTES_MIN: usize = 24;

/// No key, or no event; without any of the secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventError {
    /// The secret is cut or spoilt.
    #[error("what follows whsec_ is not base64")]
    NotBase64,
    /// The secret could be guessed.
    #[error("the key has {0} bytes; at least {KEY_BYTES_MIN} are needed")]
    Short(usize),
    /// The data is no JSON.
    #[error(transparent)]
    Data(#[from] serde_json::Error),
    /// The crate underneath has changed.
    #[error(transparent)]
    Mac(#[from] MacError),
    /// The id cannot be a header.
    #[error("the event's id is not text that a header can hold")]
    Id,
}

/// CloudEvents 1.0, structured mode.
#[derive(Serialize)]
struct CloudEvent<'e, D> {
    specversion: &'static str,
    id: &'e str,
    source: &'e str,
    #[serde(rename = "type")]
    kind: &'e str,
    time: &'e str,
    datacontenttype: &'static str,
    data: D,
}

/// What makes an event, in the words of CloudEvents.
pub(crate) struct Told<'e, D> {
    /// The same in every delivery of the same event.
    pub(crate) id: &'e str,
    /// Where it comes from.
    pub(crate) source: &'e str,
    /// What kind of event it is.
    pub(crate) kind: &'e str,
    /// When it happened, RFC 3339.
    pub(crate) time: &'e str,
    /// What happened.
    pub(crate) data: D,
}

/// An event that can be posted.
pub(crate) struct Signed {
    /// `Content-Type` and the three of Standard Webhooks.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The event.
    pub(crate) body: Bytes,
}

/// The key that a platform shares with this host.
pub(crate) struct Signer(Zeroizing<Vec<u8>>);

impl Signer {
    /// `secret` is `whsec_` and base64, or at least 24 characters that are the key themselves.
    ///
    /// # Errors
    /// What is wrong with the secret, without any of it.
    pub(crate) fn new(secret: &[u8]) -> Result<Self, EventError> {
        let secret = secret.trim_ascii();
        let key = match secret.strip_prefix(SECRET_PREFIX.as_bytes()) {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| EventError::NotBase64)?,
            None => secret.to_vec(),
        };
        let key = Zeroizing::new(key);
        if key.len() < KEY_BYTES_MIN { Err(EventError::Short(key.len())) } else { Ok(Self(key)) }
    }

    /// Writes the event and signs it for a delivery at this moment.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn sign<D: Serialize>(&self, told: Told<'_, D>, now: Timestamp) -> Result<Signed, EventError> {
        let Told { id, source, kind, time, data } = told;
        let datacontenttype = "application/json";
        let body =
            serde_json::to_vec(&CloudEvent { specversion: "1.0", id, source, kind, time, datacontenttype, data })?;
        let seconds = now.as_second().to_string();
        let message: [&[u8]; 5] = [id.as_bytes(), b".", seconds.as_bytes(), b".", &body];
        let signature = format!("v1,{}", STANDARD.encode(hmac(Algorithm::Sha256, &self.0, message)?));
        let header = |text: &str| HeaderValue::from_str(text).map_err(|_| EventError::Id);
        let headers = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static("application/cloudevents+json; charset=utf-8")),
            (HeaderName::from_static("webhook-id"), header(id)?),
            (HeaderName::from_static("webhook-timestamp"), header(&seconds)?),
            (HeaderName::from_static("webhook-signature"), header(&signature)?),
        ];
        Ok(Signed { headers, body: body.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(id: &str) -> Told<'_, &'static str> {
        Told { id, source: "/s", kind: "k", time: "t", data: "d" }
    }

    #[test]
    fn a_signature_is_that_of_the_standards_own_example() {
        // From the reference libraries of Standard Webhooks; there the body is given, so the MAC alone is compared.
        let signer = Signer::new(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let message: [&[u8]; 3] = [b"msg_p5jXN8AQM9LWM0D4loKWxJek.", b"1614265330.", br#"{"test": 2432232314}"#];
        let mac = STANDARD.encode(hmac(Algorithm::Sha256, &signer.0, message).unwrap());
        assert_eq!(mac, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_signed_is_id_time_and_body() {
        let signer = Signer::new(b"a key of 24 characters !").unwrap();
        let signed = signer.sign(told("e-1"), Timestamp::from_second(1_800_000_000).unwrap()).unwrap();
        let text = std::str::from_utf8(&signed.body).unwrap();
        let wanted = r#"{"specversion":"1.0","id":"e-1","source":"/s","type":"k","time":"t","datacontenttype":"application/json","data":"d"}"#;
        assert_eq!(text, wanted);
        let mac = hmac(Algorithm::Sha256, b"a key of 24 characters !", [b"e-1.1800000000.".as_slice(), &signed.body]);
        let named = |name: &str| signed.headers.iter().find(|(known, _)| known == name).unwrap().1.to_str().unwrap();
        assert_eq!((named("webhook-id"), named("webhook-timestamp")), ("e-1", "1800000000"));
        assert_eq!(named("webhook-signature"), format!("v1,{}", STANDARD.encode(mac.unwrap())));
        assert!(signer.sign(told("e\n1"), Timestamp::UNIX_EPOCH).is_err());
    }

    #[test]
    fn a_secret_that_is_none_is_not_repeated() {
        for bad in ["whsec_hunter2!", "whsec_aHVudGVyMg==", "hunter2", ""] {
            let text = Signer::new(bad.as_bytes()).map(|_| ()).unwrap_err().to_string();
            assert!(!text.contains("hunter2") && !text.contains("aHVu"), "{text}");
        }
        assert!(Signer::new(b" whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\n").is_ok());
    }
}
