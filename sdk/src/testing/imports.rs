//! The component's imports as the test host gives them; the signatures are those of the bindings.

use std::{sync::Arc, time::Duration};

use super::{
    KeyEncoding, crypto,
    script::Sent,
    state::{Asked, Entry, Held, Logged, Phase, Shared, State, current, import},
};
use crate::{
    Use,
    bindings::duijie::{
        crypto::{digest::Algorithm, sm4::Mode, types::Error as CryptoError},
        http::client::{Error as HttpError, ErrorKind, Request, Response},
        kv::store::Error as KvError,
        log::logger::Level,
        secret::parts::{Atom, Encoding, Part, SecretRef},
    },
    credential::{CredentialError, Validity},
    encode,
    forward::ForwardError,
};

/// Longer than any test should wait for a lock.
const LOCK_WAIT: Duration = Duration::from_secs(10);

pub(crate) fn link_id() -> String {
    let _ = import("link.config", Phase::Check);
    "test.link".to_owned()
}

pub(crate) fn link_config() -> String {
    import("link.config", Phase::Check).lock().config.to_string()
}

pub(crate) fn now_ms() -> u64 {
    current().lock().now_ms
}

pub(crate) fn random(buffer: &mut [u8]) -> bool {
    let shared = current();
    let mut state = shared.lock();
    for byte in buffer {
        // Xorshift: not random at all, and meant to be so.
        state.random ^= state.random << 13;
        state.random ^= state.random >> 7;
        state.random ^= state.random << 17;
        *byte = state.random.to_le_bytes()[0];
    }
    true
}

pub(crate) fn write(level: Level, message: &str, fields: &[(String, String)]) {
    let line = Logged { level, message: message.to_owned(), fields: fields.to_vec() };
    import("log", Phase::Check).lock().logs.push(line);
}

// ---- platform and credentials

pub(crate) fn ask(event: &str, key: Option<&str>, data: &str) -> Result<String, ForwardError> {
    let shared = import("forward", Phase::Call);
    let mut state = shared.lock();
    let data = serde_json::from_str(data).map_err(|_| ForwardError::Denied("the data is not JSON".to_owned()))?;
    state.asked.push(Asked { event: event.to_owned(), key: key.map(str::to_owned), data });
    let Some(replies) = state.platform.get_mut(event) else {
        return Err(ForwardError::Denied(format!("no answer is scripted for the event {event}")));
    };
    // The last reply stays.
    let reply = if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() };
    reply.unwrap_or(Ok(serde_json::Value::Null)).map(|answer| answer.to_string())
}

pub(crate) fn validity(slot: &str) -> Option<Validity> {
    import("credential", Phase::Call).lock().validity.get(slot).copied()
}

pub(crate) fn renewed(slot: &str, issued_at_ms: u64) -> Result<Validity, CredentialError> {
    let shared = import("credential", Phase::Call);
    let mut state = shared.lock();
    let latest_ms = state.now_ms.saturating_add(86_400_000);
    let Some(known) = state.validity.get_mut(slot) else {
        return Err(CredentialError::NotTracked(format!("the link does not track {slot}")));
    };
    if !(known.issued_at_ms..=latest_ms).contains(&issued_at_ms) {
        return Err(CredentialError::Invalid("the time of issue is impossible".to_owned()));
    }
    let life_ms = known.expires_at_ms - known.issued_at_ms;
    *known = Validity { issued_at_ms, expires_at_ms: issued_at_ms.saturating_add(life_ms) };
    Ok(*known)
}

// ---- http

pub(crate) fn send(request: &Request) -> Result<Response, HttpError> {
    let shared = import("http", Phase::Call);
    let mut state = shared.lock();
    let refused = |rule| HttpError { kind: ErrorKind::Denied(rule), sent: false };
    let text = |parts: &[Part]| {
        let bytes = placed(&state, parts, Use::Send).map_err(refused)?;
        String::from_utf8(bytes)
            .map_err(|_| HttpError { kind: ErrorKind::InvalidRequest("not UTF-8".to_owned()), sent: false })
    };
    let headers = request.headers.iter().map(|header| Ok((header.name.clone(), text(&header.value)?)));
    let sent = Sent {
        method: request.method.clone(),
        url: text(&request.url)?,
        headers: headers.collect::<Result<_, HttpError>>()?,
        body: placed(&state, &request.body, Use::Send).map_err(refused)?,
        timeout_ms: request.timeout_ms,
    };
    let reply = state.script.reply(sent.clone());
    drop(state);
    let response = reply.to(&sent)?;
    Ok(Response { status: response.status, headers: response.headers, body: response.body })
}

pub(crate) fn send_all(requests: &[Request]) -> Vec<Result<Response, HttpError>> {
    requests.iter().map(send).collect()
}

// ---- crypto

pub(crate) fn hash(algorithm: Algorithm, message: &[Part]) -> Result<Vec<u8>, CryptoError> {
    let shared = import("crypto", Phase::Call);
    let message = placed(&shared.lock(), message, Use::Digest).map_err(CryptoError::Denied)?;
    Ok(crypto::digest(algorithm, &message))
}

pub(crate) fn hmac(algorithm: Algorithm, key_slot: &str, message: &[Part]) -> Result<Vec<u8>, CryptoError> {
    let shared = import("crypto", Phase::Call);
    let state = shared.lock();
    let message = placed(&state, message, Use::Digest).map_err(CryptoError::Denied)?;
    crypto::mac(algorithm, &key(&state, key_slot, Use::Hmac)?, &message)
}

pub(crate) fn verify_hash(algorithm: Algorithm, message: &[Part], expected: &[u8]) -> Result<bool, CryptoError> {
    Ok(hash(algorithm, message)? == expected)
}

pub(crate) fn verify_hmac(
    algorithm: Algorithm,
    key_slot: &str,
    message: &[Part],
    expected: &[u8],
) -> Result<bool, CryptoError> {
    Ok(hmac(algorithm, key_slot, message)? == expected)
}

pub(crate) fn encrypt(mode: &Mode, key_slot: &str, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let shared = import("crypto", Phase::Call);
    let key = key(&shared.lock(), key_slot, Use::Sm4)?;
    crypto::encrypt(mode, &key, data)
}

pub(crate) fn decrypt(mode: &Mode, key_slot: &str, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let shared = import("crypto", Phase::Call);
    let key = key(&shared.lock(), key_slot, Use::Sm4)?;
    crypto::decrypt(mode, &key, data)
}

// ---- kv

pub(crate) fn get(key: &str) -> Result<Option<Vec<u8>>, KvError> {
    let shared = import("kv", Phase::Call);
    let mut state = shared.lock();
    Ok(state.live(key).map(|entry| entry.value.clone()))
}

pub(crate) fn set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), KvError> {
    let shared = import("kv", Phase::Call);
    let mut state = shared.lock();
    let until_ms = ttl_ms.map(|ttl_ms| state.now_ms.saturating_add(ttl_ms));
    state.put(key, Entry { value: value.to_vec(), until_ms })?;
    Ok(())
}

pub(crate) fn delete(key: &str) -> Result<(), KvError> {
    import("kv", Phase::Call).lock().kv.remove(key);
    Ok(())
}

pub(crate) fn take(key: &str) -> Result<Option<Vec<u8>>, KvError> {
    let value = get(key)?;
    delete(key)?;
    Ok(value)
}

pub(crate) fn add(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<bool, KvError> {
    let shared = import("kv", Phase::Call);
    let mut state = shared.lock();
    if state.live(key).is_some() {
        return Ok(false);
    }
    let until_ms = ttl_ms.map(|ttl_ms| state.now_ms.saturating_add(ttl_ms));
    state.put(key, Entry { value: value.to_vec(), until_ms })?;
    Ok(true)
}

pub(crate) fn increment(key: &str, by: i64, ttl_ms: Option<u64>) -> Result<i64, KvError> {
    let shared = import("kv", Phase::Call);
    let mut state = shared.lock();
    let until_ms = ttl_ms.map(|ttl_ms| state.now_ms.saturating_add(ttl_ms));
    let (before, until_ms) = match state.live(key) {
        Some(entry) => {
            let text = std::str::from_utf8(&entry.value).map_err(|_| KvError::NotANumber)?;
            (text.parse().map_err(|_| KvError::NotANumber)?, entry.until_ms)
        }
        None => (0, until_ms),
    };
    let after = by.checked_add(before).ok_or(KvError::NotANumber)?;
    state.put(key, Entry { value: after.to_string().into_bytes(), until_ms })?;
    Ok(after)
}

/// A held lock; dropping it lets the next one in.
pub(crate) struct Lock {
    shared: Arc<Shared>,
    name: String,
    holder: u64,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if state.locks.get(&self.name).is_some_and(|held| held.holder == self.holder) {
            state.locks.remove(&self.name);
            self.shared.freed.notify_all();
        }
    }
}

pub(crate) fn acquire(name: &str, hold_ms: u32) -> Result<Lock, KvError> {
    let shared = import("kv", Phase::Call);
    let is_held = |state: &mut State| state.locks.get(name).is_some_and(|held| state.now_ms < held.until_ms);
    let waited = shared.freed.wait_timeout_while(shared.lock(), LOCK_WAIT, is_held);
    let (mut state, timeout) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
    if timeout.timed_out() {
        return Err(KvError::Unavailable(format!("the lock {name} did not come free")));
    }
    state.holders += 1;
    let (holder, until_ms) = (state.holders, state.now_ms.saturating_add(u64::from(hold_ms)));
    state.locks.insert(name.to_owned(), Held { holder, until_ms });
    drop(state);
    Ok(Lock { shared, name: name.to_owned(), holder })
}

// ---- secrets

/// The key in a slot, decoded as the link says.
fn key(state: &State, slot: &str, wanted: Use) -> Result<Vec<u8>, CryptoError> {
    let secret = filled(state, slot, wanted).map_err(CryptoError::Denied)?;
    let decoded = match secret.encoding {
        KeyEncoding::Utf8 => Some(secret.text.as_bytes().to_vec()),
        KeyEncoding::Base64 => encode::from_base64(&secret.text),
        KeyEncoding::Hex => encode::from_hex(&secret.text),
    };
    decoded.ok_or_else(|| CryptoError::Key(format!("the key in {slot} is not in its encoding")))
}

/// The bytes of a message, with the secrets in place.
fn placed(state: &State, parts: &[Part], wanted: Use) -> Result<Vec<u8>, String> {
    let mut message = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => message.extend_from_slice(text.as_bytes()),
            Part::Bytes(bytes) => message.extend_from_slice(bytes),
            Part::Secret(secret) => message.extend(written(state, secret, wanted)?.into_bytes()),
            Part::Base64(atoms) => {
                let mut inner = Vec::new();
                for atom in atoms {
                    match atom {
                        Atom::Text(text) => inner.extend_from_slice(text.as_bytes()),
                        Atom::Bytes(bytes) => inner.extend_from_slice(bytes),
                        Atom::Secret(secret) => inner.extend(written(state, secret, wanted)?.into_bytes()),
                    }
                }
                message.extend(encode::base64(inner).into_bytes());
            }
        }
    }
    Ok(message)
}

fn written(state: &State, secret: &SecretRef, wanted: Use) -> Result<String, String> {
    let text = &filled(state, &secret.slot, wanted)?.text;
    Ok(match secret.encoding {
        Encoding::Raw => text.clone(),
        Encoding::Hex => encode::hex(text),
        Encoding::HexUpper => encode::hex_upper(text),
        Encoding::Base64 => encode::base64(text),
        Encoding::Form => encode::form(text),
        Encoding::Json => {
            let quoted = serde_json::Value::from(text.as_str()).to_string();
            quoted.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or_default().to_owned()
        }
    })
}

fn filled<'a>(state: &'a State, slot: &str, wanted: Use) -> Result<&'a super::state::Secret, String> {
    if !state.uses.get(slot).is_some_and(|uses| uses.contains(&wanted)) {
        return Err(format!("the slot {slot} is not declared for the use {wanted:?}"));
    }
    state.secrets.get(slot).ok_or_else(|| format!("the link does not fill the slot {slot}"))
}
