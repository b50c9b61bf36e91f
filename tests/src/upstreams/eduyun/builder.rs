//! Settings of the simulator, checked before it starts. Never changed afterwards, but for the two URLs of the platform.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::super::profile::Mode;
use super::super::simulator::{Simulator, StartError};
use super::{DEMO_APP_ID, DEMO_APP_KEY, DEMO_SYS_CODE, Eduyun, KeyInfo, Person, codes};

/// Organisations at most.
const ORGS_MAX: usize = 200_000;
/// Applications at most.
const APPS_MAX: usize = 10_000;

/// Where a token reply has its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TokenReply {
    /// `data.accessToken`: the national gateway.
    Data,
    /// `tokenInfo.accessToken`: regional gateways.
    TokenInfo,
    /// `tokenInfo.token`: the generation of 2015.
    TokenInfoToken,
    /// `accessToken` beside `retCode`.
    TopLevel,
}

/// How a token reply says how long the token lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ValidTime {
    /// When it ends, in milliseconds since 1970.
    Milliseconds,
    /// When it ends, in seconds since 1970.
    Seconds,
    /// Seconds to live.
    Relative,
    /// Not at all.
    Absent,
}

/// How `createOauthTicket` may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OauthTicketMethod {
    /// POST only: what the official page says.
    Post,
    /// GET only: what public clients do.
    Get,
    /// Either.
    Both,
}

/// Builds a simulator; every method replaces a default.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    clients: Vec<(String, Client)>,
    people: Vec<Person>,
    key_infos: Option<Vec<KeyInfo>>,
    oauth_ticket_method: Option<OauthTicketMethod>,
    settings: Settings,
    listen: SocketAddr,
}

/// What one platform was given when it joined.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) app_key: String,
    pub(super) sys_code: String,
}

/// What [`Builder`] was told, checked.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) clients: BTreeMap<String, Client>,
    pub(super) people: Vec<Person>,
    pub(super) key_infos: Vec<KeyInfo>,
    pub(super) token_reply: TokenReply,
    pub(super) valid_time: ValidTime,
    pub(super) token_ttl: Duration,
    pub(super) token_error_code: String,
    pub(super) ticket_ttl: Duration,
    pub(super) session_ttl: Duration,
    pub(super) oauth_ticket_method: OauthTicketMethod,
    pub(super) aamif_token: bool,
    pub(super) apps: usize,
    pub(super) app_urls: bool,
    pub(super) orgs: usize,
    pub(super) hook_url: Option<String>,
    pub(super) hook_deadline: Duration,
    pub(super) exchange_delay: Duration,
    pub(super) redirect_uri: Option<String>,
    pub(super) seed: u64,
}

impl Default for Builder {
    fn default() -> Self {
        let settings = Settings {
            mode: Mode::Strict,
            clients: BTreeMap::new(),
            people: Vec::new(),
            key_infos: Vec::new(),
            token_reply: TokenReply::Data,
            valid_time: ValidTime::Milliseconds,
            token_ttl: Duration::from_secs(3600),
            token_error_code: codes::FAILED.to_owned(),
            ticket_ttl: Duration::from_secs(120),
            session_ttl: Duration::from_secs(1800),
            oauth_ticket_method: OauthTicketMethod::Post,
            aamif_token: false,
            apps: 150,
            app_urls: false,
            orgs: 150,
            hook_url: None,
            hook_deadline: Duration::from_secs(4),
            exchange_delay: Duration::ZERO,
            redirect_uri: None,
            seed: 0,
        };
        Self {
            clients: Vec::new(),
            people: Vec::new(),
            key_infos: None,
            oauth_ticket_method: None,
            settings,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }
}

impl Builder {
    /// Strict mode: the default.
    pub fn strict(self) -> Self {
        self.mode(Mode::Strict)
    }

    /// Quirky mode.
    pub fn quirky(self) -> Self {
        self.mode(Mode::Quirky)
    }

    /// This mode.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.settings.mode = mode;
        self
    }

    /// One more platform; without any, the demo platform.
    pub fn client(
        mut self,
        app_id: impl Into<String>,
        app_key: impl Into<String>,
        sys_code: impl Into<String>,
    ) -> Self {
        let client = Client { app_key: app_key.into(), sys_code: sys_code.into() };
        self.clients.push((app_id.into(), client));
        self
    }

    /// One more person; without any, the demo people. Synthetic ones only.
    pub fn person(mut self, person: Person) -> Self {
        self.people.push(person);
        self
    }

    /// Takes `keyInfo` in these variants only. Without this: the default variant in strict mode, all in quirky mode.
    pub fn key_infos(mut self, accepted: impl IntoIterator<Item = KeyInfo>) -> Self {
        self.key_infos = Some(accepted.into_iter().collect());
        self
    }

    /// Where a token reply has its token; `data.accessToken` by default.
    pub fn token_reply(mut self, form: TokenReply) -> Self {
        self.settings.token_reply = form;
        self
    }

    /// How a token reply says how long the token lives; milliseconds since 1970 by default.
    pub fn valid_time(mut self, form: ValidTime) -> Self {
        self.settings.valid_time = form;
        self
    }

    /// Life of a token; an hour by default.
    pub fn token_ttl(mut self, ttl: Duration) -> Self {
        self.settings.token_ttl = ttl;
        self
    }

    /// The code of a refused access token; `100001` by default.
    pub fn token_error_code(mut self, code: impl Into<String>) -> Self {
        self.settings.token_error_code = code.into();
        self
    }

    /// Life of a ticket; 120 s by default.
    pub fn ticket_ttl(mut self, ttl: Duration) -> Self {
        self.settings.ticket_ttl = ttl;
        self
    }

    /// Life of a user's session; half an hour by default.
    pub fn session_ttl(mut self, ttl: Duration) -> Self {
        self.settings.session_ttl = ttl;
        self
    }

    /// How `createOauthTicket` may be called. Without this: POST in strict mode, either in quirky mode.
    pub fn oauth_ticket_method(mut self, method: OauthTicketMethod) -> Self {
        self.oauth_ticket_method = Some(method);
        self
    }

    /// The aamif operations want an access token as well.
    pub fn aamif_token(mut self) -> Self {
        self.settings.aamif_token = true;
        self
    }

    /// How many applications there are, at most 10,000; 150 by default.
    pub fn apps(mut self, count: usize) -> Self {
        self.settings.apps = count;
        self
    }

    /// Listed applications have a URL, under one of three names. Quirky mode does it anyway.
    pub fn app_urls(mut self) -> Self {
        self.settings.app_urls = true;
        self
    }

    /// How many organisations there are, at most 200,000; 150 by default.
    pub fn orgs(mut self, count: usize) -> Self {
        self.settings.orgs = count;
        self
    }

    /// Where sessions are checked; can also be told after the start.
    pub fn hook_url(mut self, url: impl Into<String>) -> Self {
        self.settings.hook_url = Some(url.into());
        self
    }

    /// How long the hook may take; 4 s by default, so that an exchange stays below 5 s.
    pub fn hook_deadline(mut self, deadline: Duration) -> Self {
        self.settings.hook_deadline = deadline;
        self
    }

    /// How long an exchange waits before it calls the hook; nothing by default.
    pub fn exchange_delay(mut self, delay: Duration) -> Self {
        self.settings.exchange_delay = delay;
        self
    }

    /// The platform URL registered when it joined: return addresses must begin with it. Can also be told after the
    /// start; until then any is taken.
    pub fn redirect_uri(mut self, registered: impl Into<String>) -> Self {
        self.settings.redirect_uri = Some(registered.into());
        self
    }

    /// Seed of tokens, tickets, sessions, phone codes, ids, latencies and probabilities.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Where to listen; a free port of 127.0.0.1 by default.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Starts it. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]: a client or a person is named twice, no way to sign is accepted, the catalogue is too large, or
    /// the address is taken.
    pub async fn start(mut self) -> Result<Simulator<Eduyun>, StartError> {
        let mut settings = self.settings;
        if settings.apps > APPS_MAX || settings.orgs > ORGS_MAX {
            return Err(StartError::Settings(format!("at most {APPS_MAX} applications and {ORGS_MAX} organisations")));
        }
        if self.clients.is_empty() {
            let client = Client { app_key: DEMO_APP_KEY.to_owned(), sys_code: DEMO_SYS_CODE.to_owned() };
            self.clients.push((DEMO_APP_ID.to_owned(), client));
        }
        for (app_id, client) in self.clients {
            if settings.clients.insert(app_id.clone(), client).is_some() {
                return Err(StartError::Settings(format!("client {app_id} is named twice")));
            }
        }
        settings.people = if self.people.is_empty() { Person::demo() } else { self.people };
        let mut keys: Vec<&str> = settings.people.iter().map(|person| person.user_id.as_str()).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(StartError::Settings("two people have the same userId".to_owned()));
        }
        settings.key_infos = self.key_infos.unwrap_or_else(|| match settings.mode {
            Mode::Strict => vec![KeyInfo::default()],
            Mode::Quirky => KeyInfo::all(),
        });
        if settings.key_infos.is_empty() {
            return Err(StartError::Settings("no variant of keyInfo is accepted".to_owned()));
        }
        settings.oauth_ticket_method = self.oauth_ticket_method.unwrap_or(match settings.mode {
            Mode::Strict => OauthTicketMethod::Post,
            Mode::Quirky => OauthTicketMethod::Both,
        });
        let seed = settings.seed;
        Simulator::start(Eduyun::new(settings), self.listen, seed).await
    }
}
