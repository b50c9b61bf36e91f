//! Result codes of the simulated platform, distinct for every cause, so that a test can tell which rule was broken.
//! All are invented here: the interface document knows only 0 and "anything else".

/// Why a request was refused. The message names fields, never their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// One of the constants of this module.
    pub code: u32,
    /// The `msg` of the reply.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The body is not a JSON object.
pub const ENVELOPE: u32 = 40001;
/// The envelope has no member `data` that is a string.
pub const ENVELOPE_DATA: u32 = 40002;
/// `data` is not base64 in the standard alphabet, padded, without line breaks.
pub const BASE64: u32 = 40003;
/// `data` does not decrypt: not whole blocks, or wrong padding (which a wrong key gives).
pub const DECRYPT: u32 = 40004;
/// The plaintext is not UTF-8.
pub const UTF8: u32 = 40005;
/// The plaintext is not a JSON object.
pub const RECORD: u32 = 40006;
/// Strict: Content-Type is not `application/json`, or names a charset other than UTF-8.
pub const CONTENT_TYPE: u32 = 40007;
/// The method is not POST (with HTTP 405).
pub const METHOD: u32 = 40008;

/// No `Authorization: Bearer …` (with HTTP 401).
pub const TOKEN_MISSING: u32 = 40101;
/// The token was never issued, or is revoked (with HTTP 401).
pub const TOKEN_UNKNOWN: u32 = 40102;
/// The token is past its life (with HTTP 401).
pub const TOKEN_EXPIRED: u32 = 40103;

/// Token request: malformed, a parameter missing or repeated, credentials in two places.
pub const OAUTH_REQUEST: u32 = 40110;
/// Token request: unknown client or wrong secret (with HTTP 401).
pub const OAUTH_CLIENT: u32 = 40111;
/// Token request: `grant_type` is not `client_credentials`.
pub const OAUTH_GRANT: u32 = 40112;
/// Strict token request: Content-Type is not `application/x-www-form-urlencoded`.
pub const OAUTH_CONTENT_TYPE: u32 = 40113;
/// Strict token request: a parameter is not form-encoded (`+`, `/` or `=` of a base64 secret sent as they are).
pub const OAUTH_ENCODING: u32 = 40114;
/// Token request: credentials are not where this simulator was told to expect them.
pub const OAUTH_CLIENT_AUTH: u32 = 40115;

/// A required field is missing or null.
pub const FIELD_MISSING: u32 = 42201;
/// A field has the wrong JSON type.
pub const FIELD_TYPE: u32 = 42202;
/// A string is empty or too long.
pub const FIELD_LENGTH: u32 = 42203;
/// A value is not of its enumeration.
pub const FIELD_ENUM: u32 = 42204;
/// `talkTime` is not `yyyy-MM-dd HH:mm:ss`, or no such time exists.
pub const FIELD_TIME: u32 = 42205;
/// The number of students does not fit the endpoint.
pub const FIELD_STUDENTS: u32 = 42206;
/// Patriarch: a parent field is missing or null.
pub const FIELD_PARENT: u32 = 42207;
/// Only when told to refuse them: a field that the profile does not know.
pub const FIELD_UNKNOWN: u32 = 42208;

/// The simulator holds as many records as it will.
pub const STORE_FULL: u32 = 50001;
