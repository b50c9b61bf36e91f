//! The seam between the SDK and what it runs on: the component's imports in wasm, the test doubles natively. It holds
//! nothing but names; both sides have the same signatures.

#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::*;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::imports::{
    Lock, acquire, add, ask, decrypt, delete, encrypt, get, hash, hmac, increment, link_config, link_id, now_ms,
    random, renewed, send, send_all, set, take, validity, verify_hash, verify_hmac, write,
};

#[cfg(target_arch = "wasm32")]
mod wasm {
    pub(crate) use crate::bindings::duijie::{
        crypto::{
            digest::{hash, hmac, verify_hash, verify_hmac},
            sm4::{decrypt, encrypt},
        },
        http::client::{send, send_all},
        kv::store::{Lock, acquire, add, delete, get, increment, set, take},
        link::{
            config::{get as link_config, id as link_id},
            credential::{get as validity, renewed},
        },
        log::logger::write,
        platform::forward::ask,
    };

    /// Milliseconds since 1970; a clock before that counts as 1970.
    pub(crate) fn now_ms() -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// Fills with random bytes from the host; false if the host has none.
    pub(crate) fn random(buffer: &mut [u8]) -> bool {
        getrandom::fill(buffer).is_ok()
    }
}
