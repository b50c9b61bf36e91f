//! The simulated 浙江政务服务网 SSO: its servlets, its webservice, its login page, the IRS gateway in front of the
//! servlets, and the calls by which it tells a resource about users. The parameter tables of the interface document are
//! lost: what follows public clients and what is invented is told in tests/README.md.
//! Never reaches out but to the hook it was told, and to that only when asked.

mod admin;
mod builder;
pub mod codes;
mod directory;
mod door;
mod login;
mod methods;
mod reply;
mod request;
mod sign;
mod soap;
mod sync;
mod xml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::exchange::now_ms;
use super::hook::Hook;
use super::ledger::Ledger;
use super::profile::{Profile, Received, Reply};
use super::tokens::Tokens;

pub use builder::Builder;
pub use codes::Refusal;
pub use directory::{Pushed, User};
pub use reply::Quirks;
pub use request::Datatype;
pub use sign::{beijing, sign};
pub use sync::{Signature, UserPush, Verb};

use builder::Settings;
use directory::Directory;
use door::Door;
use methods::METHODS;
use sync::Sent;

/// Resource known to a simulator that was given none.
pub const DEMO_SERVICE_CODE: &str = "demosvc";
/// Its password.
pub const DEMO_SERVICE_PWD: &str = "demosvcpwd";
/// A second one, to chain to.
pub const DEMO_PROXY_CODE: &str = "demosvc2";
/// Its password.
pub const DEMO_PROXY_PWD: &str = "demosvcpwd2";
/// Access key of the IRS gateway, unless the builder was told another.
pub const DEMO_IRS_ACCESS_KEY: &str = "demoak";
/// Secret key of the IRS gateway, unless the builder was told another.
pub const DEMO_IRS_SECRET_KEY: &str = "demosk";
/// Target namespace of the webservice, unless the builder was told another.
pub const DEMO_SOAP_NAMESPACE: &str = "http://sso.example.invalid/SimpleAuthService";

/// Method names that are counted; a name beyond them is counted as `other`.
const COUNTED_MAX: usize = 100;
const COUNTED_CHARS_MAX: usize = 64;

/// The profile: settings, users, tickets, tokens, and what was called.
#[derive(Debug)]
pub struct ZjzwfwSso {
    settings: Settings,
    directory: Directory,
    tokens: Tokens,
    hook: Hook,
    landing: Mutex<Option<String>>,
    canned: Mutex<BTreeMap<String, Map<String, Value>>>,
    counted: Mutex<BTreeMap<String, u64>>,
    last_sent: Mutex<Option<Sent>>,
}

impl ZjzwfwSso {
    /// Settings to start from: strict, the demo resources and users, tokens for ten minutes, tickets for two.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Says where user changes are sent.
    pub fn set_hook_url(&self, url: impl Into<String>) {
        self.hook.set(url);
    }

    /// Registers the address that the login page returns to.
    pub fn set_landing_url(&self, url: impl Into<String>) {
        *self.landing.lock() = Some(url.into());
    }

    /// Lets a method besides those that are simulated answer with these members.
    pub fn set_canned(&self, method: impl Into<String>, members: Map<String, Value>) {
        self.canned.lock().insert(method.into(), members);
    }

    /// Chooses who is logged in at the login page; false when there is no such user. The first by `userid` otherwise.
    pub fn log_in(&self, userid: &str) -> bool {
        self.directory.log_in(userid)
    }

    /// A ticket for the resource named first, as the login page would give it; none when there is no such user.
    pub fn ticket(&self, userid: &str) -> Option<String> {
        let user = self.directory.user(userid)?;
        let now_ms = now_ms();
        Some(self.directory.issue(&self.settings.main, &user.userid, now_ms, later(now_ms, self.settings.ticket_ttl)))
    }

    /// Users that resources pushed, by resource and key.
    pub fn pushed(&self) -> Vec<Pushed> {
        self.directory.all_pushed()
    }

    /// How often each method was called with a signature that held.
    pub fn method_counts(&self) -> BTreeMap<String, u64> {
        self.counted.lock().clone()
    }

    fn new(settings: Settings) -> Self {
        Self {
            directory: Directory::new(settings.users.clone(), settings.seed),
            tokens: Tokens::new(settings.seed),
            hook: Hook::new(settings.hook_url.clone()),
            landing: Mutex::new(settings.landing_url.clone()),
            canned: Mutex::new(settings.canned.clone()),
            counted: Mutex::default(),
            last_sent: Mutex::default(),
            settings,
        }
    }

    fn count(&self, method: &str) {
        let mut counted = self.counted.lock();
        let room = counted.len() < COUNTED_MAX && method.len() <= COUNTED_CHARS_MAX;
        let name = if room || counted.contains_key(method) { method } else { "other" };
        *counted.entry(name.to_owned()).or_default() += 1;
    }
}

impl Profile for ZjzwfwSso {
    const NAME: &'static str = "zjzwfw-sso";

    fn summary(&self) -> String {
        format!(
            "Mode: {mode:?}. Services: {services}. Tokens live {ttl} s.\n{doors}\n\
            The context is /sso or /sso4. Methods: {methods}.\n\n{surface}",
            mode = self.settings.mode,
            services = self.settings.services.keys().cloned().collect::<Vec<_>>().join(", "),
            ttl = self.settings.token_ttl.as_secs(),
            doors = door::summary(),
            methods = METHODS.join(", "),
            surface = admin::SURFACE,
        )
    }

    fn operation(&self, path: &str) -> Option<&'static str> {
        Door::of_path(path).map(Door::name)
    }

    async fn answer(&self, received: &Received, ledger: &Ledger) -> Reply {
        match Door::of_path(&received.path) {
            Some(Door::Login) | None => self.login(received),
            Some(Door::SimpleSoap | Door::StandardSoap) => self.answer_soap(received, ledger),
            Some(door) => self.answer_http(door, received, ledger),
        }
    }

    fn refuse(&self, code: &str, message: &str) -> Reply {
        let text = self.settings.quirks.write(Datatype::Json, code, message, &Map::new());
        self.settings.quirks.send(&text).code(code)
    }

    fn refuse_to(&self, received: &Received, code: &str, message: &str) -> Reply {
        self.refuse_in_form(received, code, message)
    }

    fn revoke_tokens(&self) -> usize {
        self.tokens.revoke_all()
    }

    fn inspect(&self, path: &str, _query: &str) -> Option<Reply> {
        self.read(path)
    }

    async fn act(&self, method: &Method, path: &str, body: &Bytes) -> Option<Reply> {
        self.write(method, path, body).await
    }

    fn reset(&self) {
        self.tokens.revoke_all();
        self.directory.reset();
        self.counted.lock().clear();
        *self.last_sent.lock() = None;
    }
}

/// `ttl` after `now_ms`.
fn later(now_ms: i64, ttl: Duration) -> i64 {
    now_ms.saturating_add(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX))
}
