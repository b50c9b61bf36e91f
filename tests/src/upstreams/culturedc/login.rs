//! C9 and C11: a citizen logs in on the national page and comes back with a code that is exchanged once within 60 s.
//! Whoever comes is logged in at once: there is no page to fill in. Nobody here exists.
//! Bounds: 10 000 codes.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::super::profile::{Mode, Received, Reply};
use super::super::random::Random;
use super::builder::Settings;
use super::{Culturedc, Refusal, codes};

const CODE_LIFE_MS: i64 = 60_000;
const CODES_MAX: usize = 10_000;

/// Login codes not yet exchanged.
#[derive(Debug)]
pub(super) struct Logins {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    random: Random,
    arrived: u32,
    codes: HashMap<String, Code>,
}

#[derive(Debug)]
struct Code {
    access_key: String,
    user: u32,
    expires_ms: i64,
}

impl Logins {
    pub(super) fn new(seed: u64) -> Self {
        Self { inner: Mutex::new(Inner { random: Random::new(seed), arrived: 0, codes: HashMap::new() }) }
    }

    /// Forgets all codes; says how many there were.
    pub(super) fn clear(&self) -> usize {
        let mut inner = self.inner.lock();
        let count = inner.codes.len();
        inner.codes.clear();
        count
    }

    fn issue(&self, access_key: &str, users: u32, now_ms: i64) -> Result<String, Refusal> {
        let mut inner = self.inner.lock();
        inner.codes.retain(|_, code| code.expires_ms > now_ms);
        if inner.codes.len() >= CODES_MAX {
            return Err(Refusal::new(codes::ERROR, "模拟器存储已满"));
        }
        let user = inner.arrived % users;
        inner.arrived = inner.arrived.wrapping_add(1);
        let code = inner.random.hex128();
        let expires_ms = now_ms.saturating_add(CODE_LIFE_MS);
        inner.codes.insert(code.clone(), Code { access_key: access_key.to_owned(), user, expires_ms });
        Ok(code)
    }

    /// Who logged in. The code is gone, whatever comes of it.
    fn exchange(&self, access_key: &str, code: &str, now_ms: i64) -> Result<u32, Refusal> {
        let taken = self.inner.lock().codes.remove(code);
        let good = taken.filter(|code| code.access_key == access_key && code.expires_ms > now_ms);
        good.map(|code| code.user).ok_or_else(|| Refusal::parameter("字段 code 无效、已使用或已超时"))
    }
}

impl Culturedc {
    /// C9. Not signed: a browser makes this request.
    pub(super) fn authorize(&self, received: &Received) -> Result<Reply, Refusal> {
        let query: BTreeMap<_, _> = url::form_urlencoded::parse(received.query.as_bytes()).into_owned().collect();
        let parameter = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let (access_key, state) = (parameter("ak"), parameter("state"));
        self.keys.check_named(access_key, received.now_ms)?;
        let mut back = check_redirect(parameter("redirect_uri"), &self.settings)?;
        if state.is_empty() && self.settings.mode == Mode::Strict {
            return Err(Refusal::parameter("缺少 state"));
        }
        let code = self.logins.issue(access_key, self.settings.users, received.now_ms)?;
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", state);
        Ok(Reply::text("").status(302).header("location", back).header("cache-control", "no-store").code(codes::OK))
    }

    /// C11.
    pub(super) fn exchange(&self, access_key: &str, body: &Value, now_ms: i64) -> Result<Value, Refusal> {
        let code = body.get("code").and_then(Value::as_str).filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| Refusal::parameter("字段 code 必填"))?;
        let user = self.logins.exchange(access_key, code, now_ms)?;
        Ok(self.user(user))
    }

    /// Person `user` as C11 tells of them.
    fn user(&self, user: u32) -> Value {
        let open_id = Sha256::digest(format!("{} {user}", self.settings.seed));
        let mut open_id = hex::encode(open_id);
        open_id.truncate(32);
        let nickname = format!("甄测生{}", user.saturating_add(1));
        if self.settings.phones {
            let phone = format!("138{:08}", u64::from(user) + 1);
            json!({"openId": open_id, "nickname": nickname, "phone": phone})
        } else {
            json!({"openId": open_id, "nickname": nickname})
        }
    }
}

fn check_redirect(redirect_uri: &str, settings: &Settings) -> Result<Url, Refusal> {
    if settings.callback.as_ref().is_some_and(|registered| registered != redirect_uri) {
        return Err(Refusal::parameter("redirect_uri 与登记的回调地址不符"));
    }
    let url = Url::parse(redirect_uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| Refusal::parameter("redirect_uri 应为 http 或 https 地址"))
}
