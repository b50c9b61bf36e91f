//! The simulated 国家公共文化云 in profile sim-v1: resources with their review, licensed resources, daily numbers, log in,
//! and pages whose links are checked. The guide describes the process only: paths, fields, signature and codes are this
//! project's profile, and what the profile leaves open is decided here. What is the guide's own: keys of 30 days that
//! are renewed by hand, the review, and that nothing published may be changed.
//! Never fetches a page and never reviews by itself.

mod admin;
mod builder;
pub mod codes;
mod item;
mod keys;
mod licensed;
mod login;
mod pages;
mod reply;
mod resources;
mod serve;
mod sign;
mod stats;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::asked::decoded;
use super::exchange::now_ms;
use super::ledger::Ledger;
use super::profile::{Mode, Profile, Received, Reply};

pub use builder::Builder;
pub use codes::Refusal;
pub use item::CATEGORIES;
pub use keys::KeyState;
pub use pages::PageError;
pub use resources::{Resource, State};
pub use sign::{SignEncoding, SignKind, Signed};
pub use stats::Day;

use builder::Settings;
use keys::Keys;
use login::Logins;
use pages::Pages;
use reply::Style;
use resources::Resources;
use serve::ext_id;
use stats::Days;

/// Access key known to a simulator that was given none: that of the profile's vector.
pub const DEMO_ACCESS_KEY: &str = "AKDEMO0000000001";
/// Its secret key.
pub const DEMO_SECRET_KEY: &str = "SKDEMO000000000000000000000000001";

const RESOURCES_PATH: &str = "/openapi/v1/resources";
const LICENSED_PATH: &str = "/openapi/v1/licensed";
const STATS_PATH: &str = "/openapi/v1/stats/daily";
const EXCHANGE_PATH: &str = "/openapi/v1/user/exchange";
const AUTHORIZE_PATH: &str = "/oauth/authorize";
const PAGES_PATH: &str = "/pages/";
/// Resources of one push.
const ITEMS_MAX: usize = 50;

/// The profile: settings, keys, and what was received.
#[derive(Debug)]
pub struct Culturedc {
    settings: Settings,
    keys: Keys,
    resources: Resources,
    days: Days,
    logins: Logins,
    pages: Pages,
    licensed: AtomicU32,
}

impl Culturedc {
    /// Settings to start from: strict, the demo keys, certified, issued now, no rate limit.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A resource as last accepted; of the first key in order that has one.
    pub fn resource(&self, ext_id: &str) -> Option<Resource> {
        self.resources.get(None, ext_id).ok()
    }

    /// A resource of this key.
    pub fn resource_of(&self, access_key: &str, ext_id: &str) -> Option<Resource> {
        self.resources.get(Some(access_key), ext_id).ok()
    }

    /// All resources, by access key and extId.
    pub fn resources(&self) -> Vec<Resource> {
        self.resources.list()
    }

    /// Decides the review of a resource; false when nobody pushed one.
    pub fn review(&self, ext_id: &str, state: State, note: &str) -> bool {
        self.resources.review(ext_id, state, note) > 0
    }

    /// The numbers last accepted for a day (`yyyy-MM-dd`).
    pub fn day(&self, access_key: &str, date: &str) -> Option<Day> {
        self.days.get(access_key, date)
    }

    /// Where the keys stand, by access key.
    pub fn keys(&self) -> Vec<KeyState> {
        self.keys.list()
    }

    /// Lets a key's 30 days end now; false when there is no such key.
    pub fn expire_key(&self, access_key: &str) -> bool {
        self.keys.expire(access_key)
    }

    /// 延长有效期: good for 30 days from now, with the same keys; false when there is no such key.
    pub fn renew_key(&self, access_key: &str) -> bool {
        self.keys.issue_at(access_key, now_ms())
    }

    /// As if issued then (milliseconds since 1970); false when there is no such key.
    pub fn set_issued_at(&self, access_key: &str, issued_ms: i64) -> bool {
        self.keys.issue_at(access_key, issued_ms)
    }

    /// Whether the institution of a key is certified; false when there is no such key.
    pub fn set_certified(&self, access_key: &str, certified: bool) -> bool {
        self.keys.certify(access_key, certified)
    }

    /// Requests a minute for each key; none: no limit.
    pub fn set_rate_per_min(&self, requests: Option<u32>) {
        self.keys.limit(requests);
    }

    /// How many licensed resources there are.
    pub fn set_licensed(&self, resources: u32) {
        self.licensed.store(resources, Ordering::Relaxed);
    }

    /// Puts a page at `/pages/NAME` whose logo links to each of these, written as they are.
    ///
    /// # Errors
    /// [`PageError`].
    pub fn set_page<S: AsRef<str>>(&self, name: &str, hrefs: &[S]) -> Result<(), PageError> {
        self.pages.set(name, pages::with_links(hrefs))
    }

    /// Puts this HTML at `/pages/NAME`.
    ///
    /// # Errors
    /// [`PageError`].
    pub fn set_page_html(&self, name: &str, html: impl Into<String>) -> Result<(), PageError> {
        self.pages.set(name, html.into())
    }

    fn new(settings: Settings) -> Self {
        Self {
            keys: Keys::new(&settings),
            resources: Resources::default(),
            days: Days::default(),
            logins: Logins::new(settings.seed),
            pages: Pages::default(),
            licensed: AtomicU32::new(settings.licensed),
            settings,
        }
    }

    fn style(&self) -> Style {
        Style { mode: self.settings.mode }
    }
}

impl Profile for Culturedc {
    const NAME: &'static str = "culturedc";

    fn summary(&self) -> String {
        format!(
            "Mode: {mode:?}. Access keys: {keys}, for {days} days. Signature: {sign:?}.\n\
            POST   {RESOURCES_PATH}             C2 push 1 to {ITEMS_MAX} resources\n\
            GET    {RESOURCES_PATH}/{{extId}}     C5 state of the review\n\
            DELETE {RESOURCES_PATH}/{{extId}}     C6 before it is published\n\
            GET    {LICENSED_PATH}              C7 licensed resources, ?page=&size=\n\
            POST   {STATS_PATH}           C8 numbers of a day\n\
            GET    {AUTHORIZE_PATH}                 C9 ?ak=&redirect_uri=&state=, for a browser\n\
            POST   {EXCHANGE_PATH}         C11 a login's code\n\
            GET    {PAGES_PATH}{{name}}                   C1 pages with or without the link\n\n{help}",
            mode = self.settings.mode,
            keys = self.settings.keys.keys().cloned().collect::<Vec<_>>().join(", "),
            days = self.settings.valid_days,
            sign = self.settings.sign_kind,
            help = admin::HELP,
        )
    }

    fn operation(&self, path: &str) -> Option<&'static str> {
        match path {
            RESOURCES_PATH => Some("resource.push"),
            LICENSED_PATH => Some("resource.fetch"),
            STATS_PATH => Some("stats.report"),
            EXCHANGE_PATH => Some("login.user"),
            AUTHORIZE_PATH => Some("login.link"),
            // One path, two operations: the method tells C5 from C6.
            _ if ext_id(path).is_some() => Some("resource.status-or-delete"),
            _ => path.starts_with(PAGES_PATH).then_some("link.check"),
        }
    }

    fn shown<'a>(&self, path: &'a str) -> &'a str {
        if ext_id(path).is_some() { "/openapi/v1/resources/{extId}" } else { path }
    }

    async fn answer(&self, received: &Received, ledger: &Ledger) -> Reply {
        let is_get = received.method == Method::GET;
        let answered = match received.operation {
            "link.check" | "login.link" if !is_get => return self.wrong_method(),
            "link.check" => {
                return self.pages.get(&decoded(received.path.strip_prefix(PAGES_PATH).unwrap_or_default()));
            }
            // A refusal to a browser has a status that it understands.
            "login.link" => match self.authorize(received) {
                Ok(reply) => return reply,
                Err(refusal) => return self.style().refuse(&refusal).status(400),
            },
            _ => self.serve(received, ledger),
        };
        answered.unwrap_or_else(|refusal| {
            ledger.count(|counters| match refusal.code {
                codes::SIGNATURE => counters.crypto_failures += 1,
                codes::UNKNOWN_KEY | codes::REPLAY | codes::KEY_EXPIRED | codes::NOT_CERTIFIED => {
                    counters.credential_rejections += 1;
                }
                _ => counters.records_rejected += 1,
            });
            self.style().refuse(&refusal)
        })
    }

    fn refuse(&self, code: &str, message: &str) -> Reply {
        // A number where the code is one, as the profile writes it.
        let number = code.parse::<u32>().map_or_else(|_| Value::from(code), Value::from);
        self.style().envelope(number, message, json!({})).code(code)
    }

    /// There are no tokens: forgets the codes of logins that were not exchanged yet.
    fn revoke_tokens(&self) -> usize {
        self.logins.clear()
    }

    fn inspect(&self, path: &str, _query: &str) -> Option<Reply> {
        self.inspect_below(path)
    }

    async fn act(&self, method: &Method, path: &str, body: &Bytes) -> Option<Reply> {
        self.act_below(method, path, body)
    }

    /// Also spent nonces, and pages that were set; keys stay as they are.
    fn reset(&self) {
        self.keys.clear();
        self.resources.clear();
        self.days.clear();
        self.logins.clear();
        self.pages.reset();
    }
}
