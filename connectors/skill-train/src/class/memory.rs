//! Which accounts were given to a class, so that a repetition is answered with the very same. Kept are hashes of identity
//! numbers and accounts, for 90 days: no name, no number, no course.

use std::collections::BTreeMap;

use duijie_sdk::{
    Failure, blob,
    crypto::{self, Algorithm},
    encode, log, typed,
};
use serde::{Deserialize, Serialize};

const TTL_MS: u64 = 90 * 86_400_000;

/// What is known of a class.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Hash of the class as it was last told.
    pub(super) told: String,
    /// What learners were told about their passwords.
    pub(super) password_rules: Option<String>,
    /// Accounts by hash of class and identity number.
    pub(super) accounts: BTreeMap<String, String>,
}

/// What is known of a class; nothing of one that is new.
pub(super) fn of(class_code: &str) -> Result<Memory, Failure> {
    let kept = blob::get(&key(class_code)?)?;
    Ok(kept.and_then(|kept| typed::parse(&kept).ok()).unwrap_or_default())
}

/// Keeps what is known. A full store is no reason to refuse a class: the platform gives the same accounts again.
pub(super) fn keep(class_code: &str, memory: &Memory) -> Result<(), Failure> {
    let text = serde_json::to_vec(memory).map_err(|error| Failure::internal(error.to_string()))?;
    if let Err(failure) = blob::set(&key(class_code)?, &text, Some(TTL_MS)) {
        log::warn("the accounts of a class cannot be kept", &[("error", &failure.message)]);
    }
    Ok(())
}

/// The lock of a class, so that a repetition waits for the first.
pub(super) fn lock_name(class_code: &str) -> Result<String, Failure> {
    Ok(format!("{}/lock", key(class_code)?))
}

/// A learner of a class, without the identity number.
pub(super) fn learner(class_code: &str, card_no: &str) -> Result<String, Failure> {
    hash(&format!("{class_code}\n{}", card_no.to_ascii_uppercase()))
}

/// 96 bits that stand for a text.
pub(super) fn hash(text: &str) -> Result<String, Failure> {
    let digest = crypto::hash(Algorithm::Sha256, text)?;
    Ok(encode::base64(digest.get(..12).unwrap_or(&digest)))
}

fn key(class_code: &str) -> Result<String, Failure> {
    Ok(format!("class/{}", hash(class_code)?))
}
