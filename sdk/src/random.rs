//! Random bytes from the host; in native tests from a fixed sequence, so that what a test sees can be asserted.

use crate::{Failure, encode, raw};

/// This many random bytes.
///
/// # Errors
/// `internal` when the host has none: never go on with a guessable value.
pub fn bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    if raw::random(&mut bytes) { Ok(bytes) } else { Err(Failure::internal("the host gives no random bytes")) }
}

/// A nonce of 128 bits as 32 lower-case hex digits.
///
/// # Errors
/// As [`bytes`].
pub fn nonce() -> Result<String, Failure> {
    Ok(encode::hex(bytes::<16>()?))
}
