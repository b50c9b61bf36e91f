//! Result codes of the simulated SSO. Only 0 and 6402 are known from outside; the others are invented here, begin with
//! 9, and are distinct for every cause, so that a test can tell which rule was broken.

/// Why a request was refused. The message names parameters, never their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// One of the constants of this module.
    pub code: &'static str,
    /// The `errmsg` of the reply.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A required parameter that is missing or empty.
    pub(super) fn missing(name: &str) -> Self {
        Self::new(MISSING, format!("缺少参数 {name}"))
    }
}

/// Success.
pub const OK: &str = "0";
/// The user's password is wrong, or there is no such user.
pub const PASSWORD: &str = "6402";

/// A required parameter is missing or empty.
pub const MISSING: &str = "9001";
/// Strict: a parameter's name is not all lower case, is repeated, or is not where it belongs.
pub const MALFORMED: &str = "9002";
/// No such method; names are case-sensitive. Also a method that this gateway path does not carry.
pub const METHOD: &str = "9003";
/// Wrong HTTP method or Content-Type.
pub const HTTP: &str = "9004";
/// No such servicecode.
pub const SERVICE: &str = "9101";
/// The sign is wrong.
pub const SIGN: &str = "9102";
/// The time is not `yyyyMMddHHmmss`, or more than five minutes off.
pub const TIME: &str = "9103";
/// Neither `json` nor `xml`.
pub const DATATYPE: &str = "9104";
/// The ticket is unknown, used, past its life, or another resource's.
pub const TICKET: &str = "9201";
/// The token is unknown, revoked, expired, or another resource's.
pub const TOKEN: &str = "9301";
/// There is no such user, or none that this resource pushed.
pub const USER: &str = "9401";
/// `args` is not what it should be: its form, a field missing, or a field wrong.
pub const ARGS: &str = "9501";
/// The loginname is another user's.
pub const LOGINNAME: &str = "9502";
/// The target resource of a chained ticket is not known.
pub const PROXY: &str = "9503";
/// The simulator holds as much as it will.
pub const FULL: &str = "9901";
