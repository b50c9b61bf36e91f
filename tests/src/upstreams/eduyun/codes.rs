//! Result codes of the simulated 体系. Only those that are documented or seen in public clients: the platform never
//! tells more, so several causes share a code and the text names the field. The text never quotes a value.

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// One of the constants of this module, or the token code that the builder was told.
    pub code: String,
    /// The `retDesc` or `desc` of the reply.
    pub message: String,
    /// HTTP status: 200 for all that the gateway itself decides.
    pub status: u16,
    /// With [`UNVERIFIED`]: the page where a user gets verified.
    pub cert_url: Option<String>,
}

impl Refusal {
    pub(super) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), status: 200, cert_url: None }
    }

    /// A required member that is missing, null or empty.
    pub(super) fn empty(name: &str) -> Self {
        Self::new(EMPTY, format!("必填参数 {name} 为空"))
    }

    /// A member that breaks this rule.
    pub(super) fn wrong(name: &str, rule: &str) -> Self {
        Self::new(WRONG, format!("参数 {name} 错误：{rule}"))
    }

    /// A user who is not real-name verified, or not as claimed.
    pub(super) fn unverified() -> Self {
        Self { cert_url: Some(CERT_URL.to_owned()), ..Self::new(UNVERIFIED, "用户未实名认证") }
    }

    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// Success.
pub const OK: &str = "000000";
/// Failure: wrong keyInfo, a hook that does not answer as it must, a phone code asked for again too soon, and all
/// ticket failures of aamif. Also the code of a refused access token, unless the builder was told another.
pub const FAILED: &str = "100001";
/// A required parameter is empty.
pub const EMPTY: &str = "200001";
/// A parameter is wrong.
pub const WRONG: &str = "200002";
/// The user's session or ticket is not valid (gateway).
pub const SESSION: &str = "300006";
/// The user is not real-name verified; with `data.certUrl`.
pub const UNVERIFIED: &str = "300027";
/// The user's session is not valid (aamif).
pub const SESSION_AAMIF: &str = "301999";

/// Where an unverified user is sent.
pub const CERT_URL: &str = "http://cert.example.invalid/real-name";
