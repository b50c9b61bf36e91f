//! Result codes of profile sim-v1, with what becomes of them.

/// Why a request was refused. The message names fields, never their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// One of the constants of this module.
    pub code: u32,
    /// The `message` of the reply.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::new(PARAMETER, message)
    }
}

/// Success.
pub const OK: u32 = 0;
/// A parameter is missing or wrong; also an unknown resource and a code that is no longer good.
pub const PARAMETER: u32 = 40001;
/// No such access key.
pub const UNKNOWN_KEY: u32 = 40101;
/// The signature is missing or does not hold.
pub const SIGNATURE: u32 = 40102;
/// The timestamp is missing or too far off; the nonce is missing, too short or used before.
pub const REPLAY: u32 = 40103;
/// The access key is past its 30 days.
pub const KEY_EXPIRED: u32 = 40110;
/// The institution is not certified.
pub const NOT_CERTIFIED: u32 = 40301;
/// The resource is published, and so can be neither changed nor deleted.
pub const PUBLISHED: u32 = 40901;
/// More requests than a minute may have.
pub const TOO_FAST: u32 = 42901;
/// An error of the upstream; here: the simulator holds as much as it will.
pub const ERROR: u32 = 50000;
