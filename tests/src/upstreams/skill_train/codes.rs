//! Values of `returnCode`, distinct for every cause, so that a test can tell which rule was broken.
//! All are invented here but two: the document knows "0", and "1" for a learner who is not on line.
//! No message but those about the token contains `token`, 登录, 失效 or 过期: connectors know an expired token by them.

/// Why a request was refused. The message names fields, never their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// One of the constants of this module.
    pub code: &'static str,
    /// The `returnMsg` of the reply.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Success.
pub const SUCCESS: &str = "0";
/// 1.5: the learner is not on line.
pub const OFFLINE: &str = "1";

/// The body is not a JSON object with `headers` and `data`.
pub const BODY: &str = "1001";
/// A member of `headers` is missing, of the wrong type or not of its enumeration.
pub const HEADERS: &str = "1002";
/// `headers.timestamp` is too far from the platform's clock.
pub const TIMESTAMP: &str = "1003";
/// Strict: Content-Type is not `application/json`.
pub const CONTENT_TYPE: &str = "1004";
/// The method is not POST (with HTTP 405).
pub const METHOD: &str = "1005";

/// 1.1: unknown account or wrong password.
pub const CREDENTIALS: &str = "1101";
/// The token is missing, was never issued, or is revoked.
pub const TOKEN: &str = "1102";
/// The token is past its life.
pub const TOKEN_EXPIRED: &str = "1103";

/// A required field is missing or null.
pub const FIELD_MISSING: &str = "1201";
/// A field has the wrong JSON type.
pub const FIELD_TYPE: &str = "1202";
/// A string is empty, too long, or not of its form: 32 hexadecimal digits, a URL, an identity number.
pub const FIELD_FORMAT: &str = "1203";
/// A value is not of its enumeration.
pub const FIELD_ENUM: &str = "1204";
/// Only when told to refuse them: a field that the document does not name.
pub const FIELD_UNKNOWN: &str = "1205";
/// `studyPlatformCode` is not the one that the login gave.
pub const PLATFORM: &str = "1206";
/// A chapter or a section names a parent that it is not in.
pub const PARENT: &str = "1207";
/// Chapters are nested too deep.
pub const DEPTH: &str = "1208";

/// 1.2: name and identity number do not belong together.
pub const REAL_NAME: &str = "1301";
/// 1.6: the photo is too large.
pub const PHOTO_SIZE: &str = "1302";
/// 1.6: the photo is not base64.
pub const PHOTO_BASE64: &str = "1303";
/// 1.6, 1.8: `bizCode` was never issued for this, or is used up.
pub const BIZ_CODE: &str = "1304";
/// 1.6, 1.8: the time for `bizCode` is over.
pub const BIZ_CODE_LATE: &str = "1305";
/// 1.8: not the code that was shown.
pub const VERIFICATION_CODE: &str = "1306";
/// Only when told to refuse it: progress or an end without a start.
pub const ORDER: &str = "1307";
/// 2.5: no such class.
pub const CLASS: &str = "1308";

/// The simulator holds as much as it will.
pub const STORE_FULL: &str = "1901";
