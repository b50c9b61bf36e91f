//! Since when and until when an expiring credential is valid, as the operator wrote it beside the secret (`issued_at`,
//! `valid_days`) or confirmed later. Never the credential itself.

use crate::{Class, Failure, bindings::duijie::link::credential as wit, raw, time};

pub use wit::{Error as CredentialError, Validity};

/// The validity of the secret in this slot; `None` when the link does not say.
pub fn validity(slot: &str) -> Option<Validity> {
    raw::validity(slot)
}

/// Notes that the credential was renewed at this time, in milliseconds since 1970.
///
/// # Errors
/// [`CredentialError`]: the link tracks no such credential, the time is impossible, or the host cannot keep it.
pub fn renewed(slot: &str, issued_at_ms: u64) -> Result<Validity, CredentialError> {
    raw::renewed(slot, issued_at_ms)
}

impl Validity {
    /// Is it over?
    pub fn has_expired(&self) -> bool {
        time::now_ms() >= self.expires_at_ms
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Self {
        let (class, message) = match error {
            CredentialError::NotTracked(which) => (Class::Config, which),
            CredentialError::Invalid(why) => (Class::InvalidInput, why),
            CredentialError::Unavailable(why) => (Class::Internal, format!("a renewal cannot be kept: {why}")),
        };
        Self::new(class, message)
    }
}
