//! The simulated 国家数字教育资源公共服务体系: the gateway with its access tokens, the older aamif service, and the login
//! page. Where the interface document is silent it follows what public clients have seen; tests/README.md says which is
//! which. Never reaches out but to the hook it was told, and to that only during an exchange or when asked.

mod aamif;
mod admin;
mod builder;
mod catalogue;
pub mod codes;
mod exchange;
mod gateway;
mod identity;
mod login;
mod operation;
mod people;
mod phones;
mod reply;
mod request;
mod signing;
mod tickets;
mod token;

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use parking_lot::Mutex;

use super::Mode;
use super::hook::Hook;
use super::ledger::Ledger;
use super::profile::{Profile, Received, Reply};
use super::tokens::Tokens;

pub use builder::{Builder, OauthTicketMethod, TokenReply, ValidTime};
pub use catalogue::{App, DEMO_ORG_CODE, Org};
pub use codes::Refusal;
pub use exchange::Exchange;
pub use people::{Person, Verification};
pub use signing::{Encoding, Hash, KeyInfo, Unit};

use builder::Settings;
use exchange::Exchanges;
use operation::Operation;
use people::{People, SessionForm};
use phones::Phones;
use reply::Style;
use request::Body;
use tickets::Tickets;

/// Platform known to a simulator that was given none.
pub const DEMO_APP_ID: &str = "demoAppId000000000000000000000001";
/// Its key.
pub const DEMO_APP_KEY: &str = "demoAppKey00000000000000000000002";
/// Its system code.
pub const DEMO_SYS_CODE: &str = "999999";

/// The profile: settings, tokens, people, tickets, and what happened.
#[derive(Debug)]
pub struct Eduyun {
    settings: Settings,
    tokens: Tokens,
    people: People,
    tickets: Tickets,
    phones: Phones,
    apps: Vec<App>,
    orgs: Vec<Org>,
    hook: Hook,
    redirect_uri: Mutex<Option<String>>,
    exchanges: Mutex<Exchanges>,
}

impl Eduyun {
    /// Settings to start from: strict, the demo platform and people, tokens for an hour, tickets for two minutes.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Says where sessions are checked.
    pub fn set_hook_url(&self, url: impl Into<String>) {
        self.hook.set(url);
    }

    /// Chooses who is logged in at `/bmp-oauth`; false when there is no such person. The first by `userId` otherwise.
    pub fn log_in(&self, user_id: &str) -> bool {
        self.people.log_in(user_id)
    }

    /// Adds a person, or replaces the one with this `userId`; false when there are 100,000 others.
    pub fn put_person(&self, person: Person) -> bool {
        self.people.put(person)
    }

    /// A person by `userId`.
    pub fn person(&self, user_id: &str) -> Option<Person> {
        self.people.get(user_id)
    }

    /// Accepted `validateUser` calls, oldest first.
    pub fn verifications(&self) -> Vec<Verification> {
        self.people.verifications()
    }

    /// The last 1000 session exchanges, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().iter().cloned().collect()
    }

    /// The last code sent to a phone.
    pub fn phone_code(&self, phone: &str) -> Option<String> {
        self.phones.last(phone)
    }

    /// Ends all users' sessions; says how many there were.
    pub fn end_sessions(&self) -> usize {
        self.people.end_sessions()
    }

    /// The applications, in the order in which they are listed.
    pub fn apps(&self) -> &[App] {
        &self.apps
    }

    /// The organisations, in the order in which they are listed.
    pub fn orgs(&self) -> &[Org] {
        &self.orgs
    }

    fn new(settings: Settings) -> Self {
        let seed = settings.seed;
        Self {
            tokens: Tokens::new(seed),
            people: People::new(settings.people.clone(), seed),
            tickets: Tickets::new(seed),
            phones: Phones::new(seed),
            apps: catalogue::apps(settings.apps, seed),
            orgs: catalogue::orgs(settings.orgs, seed),
            hook: Hook::new(settings.hook_url.clone()),
            redirect_uri: Mutex::new(settings.redirect_uri.clone()),
            exchanges: Mutex::default(),
            settings,
        }
    }

    fn style(&self) -> Style {
        Style { mode: self.settings.mode }
    }

    fn operation_at(&self, path: &str) -> Option<Operation> {
        Operation::of_path(path, self.settings.mode == Mode::Quirky)
    }

    fn open(&self, person: &Person, form: SessionForm, now_ms: i64) -> String {
        self.people.open(&person.user_id, form, now_ms, later(now_ms, self.settings.session_ttl))
    }

    async fn serve(&self, operation: Operation, received: &Received, ledger: &Ledger) -> Result<Reply, Refusal> {
        if !self.allows(operation, &received.method) {
            return Err(Refusal::new(codes::WRONG, "请求方法错误").status(405));
        }
        let body = || Body::read(received, self.settings.mode);
        let gateway = || self.client(received, ledger).and_then(|_| body());
        let aamif = || if self.settings.aamif_token { gateway() } else { body() };
        match operation {
            Operation::Token => self.issue_token(received, ledger),
            Operation::Apps => self.list_apps(&gateway()?),
            Operation::Exchange => self.exchange(&gateway()?, received).await,
            Operation::CreateTicket => self.create_ticket(&gateway()?, received),
            Operation::SendCode => self.send_code(&gateway()?, received),
            Operation::Verify => self.verify(&self.client(received, ledger)?, &body()?, received, ledger),
            Operation::Orgs => self.list_orgs(&gateway()?),
            Operation::OauthTicket => self.client(received, ledger).and_then(|_| self.oauth_ticket(received)),
            Operation::Login => Ok(self.login(received)),
            Operation::UserInfo => self.user_info(&gateway()?, received),
            Operation::AamifCreate => self.aamif_create(&aamif()?, received),
            Operation::AamifValidateArea | Operation::AamifValidateCentral => {
                self.aamif_validate(operation, &aamif()?, received)
            }
            Operation::ValidateTicket => self.validate_ticket(&gateway()?, received),
            Operation::ValidateSession => self.validate_session(&gateway()?),
            Operation::Certificates => self.certificates(&gateway()?, received),
        }
    }
}

impl Profile for Eduyun {
    const NAME: &'static str = "eduyun";

    fn summary(&self) -> String {
        let paths: String = operation::paths().map(|(path, name)| format!("{path:<36} {name}\n")).collect();
        format!(
            "Mode: {mode:?}. Clients: {clients}. Tokens live {ttl} s.\n{paths}\n{surface}",
            mode = self.settings.mode,
            clients = self.settings.clients.keys().cloned().collect::<Vec<_>>().join(", "),
            ttl = self.settings.token_ttl.as_secs(),
            surface = admin::SURFACE,
        )
    }

    fn operation(&self, path: &str) -> Option<&'static str> {
        self.operation_at(path).map(Operation::name)
    }

    async fn answer(&self, received: &Received, ledger: &Ledger) -> Reply {
        // The frame asks only for paths that have an operation.
        let operation = self.operation_at(&received.path).unwrap_or(Operation::Token);
        let served = self.serve(operation, received, ledger).await;
        served.unwrap_or_else(|refusal| self.style().refuse(operation, &refusal))
    }

    fn refuse(&self, code: &str, message: &str) -> Reply {
        self.style().refuse(Operation::Token, &Refusal::new(code, message))
    }

    fn refuse_to(&self, received: &Received, code: &str, message: &str) -> Reply {
        let operation = self.operation_at(&received.path).unwrap_or(Operation::Token);
        self.style().refuse(operation, &Refusal::new(code, message))
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
        self.people.reset();
        self.tickets.clear();
        self.phones.clear();
        self.exchanges.lock().clear();
    }
}

/// `ttl` after `now_ms`.
fn later(now_ms: i64, ttl: Duration) -> i64 {
    now_ms.saturating_add(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX))
}

/// `yyyy-MM-dd HH:mm:ss` in Beijing.
fn beijing(time_ms: i64) -> String {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let time = jiff::Timestamp::from_millisecond(time_ms).map(|time| time.to_zoned(zone));
    time.map(|time| time.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}
