//! Access keys with their lives: certified or not, issued, expired, renewed; the nonces and the requests of each.
//! Bounds: nonces of ten minutes, at most a million for each key.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;
use serde::Serialize;

use super::super::exchange::now_ms;
use super::super::profile::{Mode, Received};
use super::builder::Settings;
use super::sign::{SignEncoding, SignKind, Signed};
use super::{Refusal, codes};

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// How far a timestamp may be off.
const WINDOW_MS: i64 = 5 * MINUTE_MS;
/// How long a nonce may not be used again.
const NONCE_MS: i64 = 10 * MINUTE_MS;
const NONCE_CHARS: std::ops::RangeInclusive<usize> = 8..=128;
const NONCES_MAX: usize = 1_000_000;
/// From here on a number of seconds would be the year 5138: it is milliseconds.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// Where an access key stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyState {
    /// AK.
    pub access_key: String,
    /// The institution is certified.
    pub certified: bool,
    /// Issued or last renewed, in milliseconds since 1970.
    pub issued_ms: i64,
    /// From then on it is refused, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// The keys known, and how many requests a minute each may make.
#[derive(Debug)]
pub(super) struct Keys {
    valid_days: u32,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    rate_per_min: Option<u32>,
    keys: BTreeMap<String, Key>,
}

#[derive(Debug)]
struct Key {
    secret: String,
    certified: bool,
    issued_ms: i64,
    nonces: HashMap<String, i64>,
    /// The minute counted, since 1970, and the requests in it.
    minute: (i64, u32),
}

impl Keys {
    pub(super) fn new(settings: &Settings) -> Self {
        let issued_ms = settings.issued_at_ms.unwrap_or_else(now_ms);
        let key = |secret: &String| Key {
            secret: secret.clone(),
            certified: settings.certified,
            issued_ms,
            nonces: HashMap::new(),
            minute: (0, 0),
        };
        let keys = settings.keys.iter().map(|(access_key, secret)| (access_key.clone(), key(secret))).collect();
        let inner = Inner { rate_per_min: settings.rate_per_min, keys };
        Self { valid_days: settings.valid_days, inner: Mutex::new(inner) }
    }

    /// Who signed this request. A nonce is spent and a request counted only when the signature holds.
    pub(super) fn check(&self, received: &Received, settings: &Settings) -> Result<String, Refusal> {
        let access_key = received.header("x-access-key").unwrap_or_default();
        let mut inner = self.inner.lock();
        let Inner { rate_per_min, keys } = &mut *inner;
        let key = keys.get_mut(access_key).ok_or_else(unknown)?;
        if settings.sign_kind != SignKind::None {
            let nonce = check_signature(received, settings, access_key, &key.secret)?;
            key.spend(nonce, received.now_ms)?;
        }
        self.check_life(key, received.now_ms)?;
        key.count(*rate_per_min, received.now_ms)?;
        Ok(access_key.to_owned())
    }

    /// Whether a key is known, certified and alive: what a browser's visit needs.
    pub(super) fn check_named(&self, access_key: &str, now_ms: i64) -> Result<(), Refusal> {
        let inner = self.inner.lock();
        self.check_life(inner.keys.get(access_key).ok_or_else(unknown)?, now_ms)
    }

    /// By access key.
    pub(super) fn list(&self) -> Vec<KeyState> {
        let inner = self.inner.lock();
        let state = |(access_key, key): (&String, &Key)| KeyState {
            access_key: access_key.clone(),
            certified: key.certified,
            issued_ms: key.issued_ms,
            expires_ms: self.expires_ms(key),
        };
        inner.keys.iter().map(state).collect()
    }

    /// Changes when a key was issued; false when there is no such key.
    pub(super) fn issue_at(&self, access_key: &str, issued_ms: i64) -> bool {
        self.change(access_key, |key| key.issued_ms = issued_ms)
    }

    /// Lets a key's life have ended just now.
    pub(super) fn expire(&self, access_key: &str) -> bool {
        self.issue_at(access_key, now_ms().saturating_sub(self.life_ms()))
    }

    pub(super) fn certify(&self, access_key: &str, certified: bool) -> bool {
        self.change(access_key, |key| key.certified = certified)
    }

    pub(super) fn limit(&self, rate_per_min: Option<u32>) {
        self.inner.lock().rate_per_min = rate_per_min;
    }

    /// Forgets nonces and requests; keys keep their state.
    pub(super) fn clear(&self) {
        for key in self.inner.lock().keys.values_mut() {
            key.nonces.clear();
            key.minute = (0, 0);
        }
    }

    fn change(&self, access_key: &str, change: impl FnOnce(&mut Key)) -> bool {
        self.inner.lock().keys.get_mut(access_key).map(change).is_some()
    }

    fn life_ms(&self) -> i64 {
        i64::from(self.valid_days) * DAY_MS
    }

    fn expires_ms(&self, key: &Key) -> i64 {
        key.issued_ms.saturating_add(self.life_ms())
    }

    fn check_life(&self, key: &Key, now_ms: i64) -> Result<(), Refusal> {
        if !key.certified {
            return Err(Refusal::new(codes::NOT_CERTIFIED, "机构未认证"));
        }
        if self.expires_ms(key) <= now_ms {
            return Err(Refusal::new(codes::KEY_EXPIRED, "AK 已过期，请延长有效期"));
        }
        Ok(())
    }
}

impl Key {
    fn spend(&mut self, nonce: &str, now_ms: i64) -> Result<(), Refusal> {
        if self.nonces.len() >= NONCES_MAX {
            self.nonces.retain(|_, spent_ms| spent_ms.saturating_add(NONCE_MS) > now_ms);
        }
        if self.nonces.len() >= NONCES_MAX {
            return Err(Refusal::new(codes::ERROR, "模拟器存储已满"));
        }
        if self.nonces.get(nonce).is_some_and(|spent_ms| spent_ms.saturating_add(NONCE_MS) > now_ms) {
            return Err(replay("X-Nonce 重复"));
        }
        self.nonces.insert(nonce.to_owned(), now_ms);
        Ok(())
    }

    fn count(&mut self, rate_per_min: Option<u32>, now_ms: i64) -> Result<(), Refusal> {
        let minute = now_ms.div_euclid(MINUTE_MS);
        if self.minute.0 != minute {
            self.minute = (minute, 0);
        }
        if rate_per_min.is_some_and(|most| self.minute.1 >= most) {
            return Err(Refusal::new(codes::TOO_FAST, "调用过于频繁"));
        }
        self.minute.1 += 1;
        Ok(())
    }
}

/// The nonce of a request whose signature and timestamp hold.
fn check_signature<'r>(
    received: &'r Received,
    settings: &Settings,
    access_key: &str,
    secret_key: &str,
) -> Result<&'r str, Refusal> {
    let timestamp = received.header("x-timestamp").unwrap_or_default();
    let nonce = received.header("x-nonce").unwrap_or_default();
    let sent_ms = timestamp_ms(timestamp, settings.mode).ok_or_else(|| replay("X-Timestamp 应为毫秒时间戳"))?;
    if received.now_ms.saturating_sub(sent_ms).saturating_abs() > WINDOW_MS {
        return Err(replay("X-Timestamp 与平台时间相差过大"));
    }
    if !NONCE_CHARS.contains(&nonce.len()) {
        return Err(replay("X-Nonce 长度不符"));
    }
    let target = match received.query.as_str() {
        "" => received.path.clone(),
        query => format!("{}?{query}", received.path),
    };
    let method = received.method.as_str();
    let signed = Signed { access_key, secret_key, method, target: &target, timestamp, nonce, body: &received.body };
    let encodings: &[SignEncoding] = match settings.mode {
        Mode::Strict => &settings.sign_encodings,
        Mode::Quirky => &SignEncoding::ALL,
    };
    let sent = received.header("x-signature").unwrap_or_default();
    if !encodings.iter().any(|encoding| signed.signature(settings.sign_kind, *encoding) == sent) {
        return Err(Refusal::new(codes::SIGNATURE, "X-Signature 不正确"));
    }
    Ok(nonce)
}

/// Strict: milliseconds. Quirky: also seconds.
fn timestamp_ms(text: &str, mode: Mode) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    match mode {
        Mode::Quirky if number < MILLISECONDS_FROM => Some(number.saturating_mul(1000)),
        _ => Some(number),
    }
}

fn unknown() -> Refusal {
    Refusal::new(codes::UNKNOWN_KEY, "AK 不存在")
}

fn replay(message: &str) -> Refusal {
    Refusal::new(codes::REPLAY, message)
}
