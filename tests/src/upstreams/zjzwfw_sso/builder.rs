//! Settings of the simulator, checked before it starts. Never changed afterwards, but for the two URLs of the platform
//! and the canned answers.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::profile::Mode;
use super::super::simulator::{Simulator, StartError};
use super::reply::Quirks;
use super::sign::Irs;
use super::soap::Names;
use super::{
    DEMO_IRS_ACCESS_KEY, DEMO_IRS_SECRET_KEY, DEMO_PROXY_CODE, DEMO_PROXY_PWD, DEMO_SERVICE_CODE, DEMO_SERVICE_PWD,
    DEMO_SOAP_NAMESPACE, User, ZjzwfwSso,
};

/// Builds a simulator; every method replaces a default.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    services: Vec<(String, String)>,
    users: Vec<User>,
    quirks: Option<Quirks>,
    settings: Settings,
    listen: SocketAddr,
}

/// What [`Builder`] was told, checked.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) quirks: Quirks,
    /// The servicecode named first: whose tickets and calls are made when none is named.
    pub(super) main: String,
    /// Passwords by servicecode.
    pub(super) services: BTreeMap<String, String>,
    pub(super) users: Vec<User>,
    pub(super) irs: Irs,
    pub(super) soap: Names,
    pub(super) token_ttl: Duration,
    pub(super) ticket_ttl: Duration,
    pub(super) ticket_parameter: String,
    pub(super) sp: bool,
    pub(super) canned: BTreeMap<String, Map<String, Value>>,
    pub(super) hook_url: Option<String>,
    pub(super) hook_deadline: Duration,
    pub(super) landing_url: Option<String>,
    pub(super) seed: u64,
}

impl Default for Builder {
    fn default() -> Self {
        let settings = Settings {
            mode: Mode::Strict,
            quirks: Quirks::default(),
            main: String::new(),
            services: BTreeMap::new(),
            users: Vec::new(),
            irs: Irs { access_key: DEMO_IRS_ACCESS_KEY.to_owned(), secret_key: DEMO_IRS_SECRET_KEY.to_owned() },
            soap: Names { namespace: DEMO_SOAP_NAMESPACE.to_owned(), out: "out".to_owned() },
            token_ttl: Duration::from_secs(600),
            ticket_ttl: Duration::from_secs(120),
            ticket_parameter: "ticket".to_owned(),
            sp: true,
            canned: BTreeMap::new(),
            hook_url: None,
            hook_deadline: Duration::from_secs(10),
            landing_url: None,
            seed: 0,
        };
        Self {
            services: Vec::new(),
            users: Vec::new(),
            quirks: None,
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

    /// Exactly these oddities in answers, whatever the mode.
    pub fn quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = Some(quirks);
        self
    }

    /// One more resource; without any, the two demo resources. The first is the one that is meant when none is named.
    pub fn service(mut self, servicecode: impl Into<String>, servicepwd: impl Into<String>) -> Self {
        self.services.push((servicecode.into(), servicepwd.into()));
        self
    }

    /// One more user; without any, the demo users. Synthetic ones only.
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Key pair of the IRS gateway.
    pub fn irs(mut self, access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        self.settings.irs = Irs { access_key: access_key.into(), secret_key: secret_key.into() };
        self
    }

    /// Target namespace of the webservice.
    pub fn soap_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.settings.soap.namespace = namespace.into();
        self
    }

    /// Element that holds the webservice's answer; `out` by default.
    pub fn soap_out(mut self, element: impl Into<String>) -> Self {
        self.settings.soap.out = element.into();
        self
    }

    /// Life of a token; ten minutes by default.
    pub fn token_ttl(mut self, ttl: Duration) -> Self {
        self.settings.token_ttl = ttl;
        self
    }

    /// Life of a ticket; two minutes by default.
    pub fn ticket_ttl(mut self, ttl: Duration) -> Self {
        self.settings.ticket_ttl = ttl;
        self
    }

    /// Name of the ticket's parameter in the return address; `ticket` by default, `st` and `ticketId` have been seen.
    pub fn ticket_parameter(mut self, name: impl Into<String>) -> Self {
        self.settings.ticket_parameter = name.into();
        self
    }

    /// The return address has no `sp`.
    pub fn omit_sp(mut self) -> Self {
        self.settings.sp = false;
        self
    }

    /// A method besides those that are simulated always answers with these members.
    pub fn canned(mut self, method: impl Into<String>, members: Map<String, Value>) -> Self {
        self.settings.canned.insert(method.into(), members);
        self
    }

    /// Where user changes are sent; can also be told after the start.
    pub fn hook_url(mut self, url: impl Into<String>) -> Self {
        self.settings.hook_url = Some(url.into());
        self
    }

    /// How long the hook may take; 10 s by default.
    pub fn hook_deadline(mut self, deadline: Duration) -> Self {
        self.settings.hook_deadline = deadline;
        self
    }

    /// The registered address that the login page returns to; can also be told after the start. Without one it returns
    /// to `goto`.
    pub fn landing_url(mut self, url: impl Into<String>) -> Self {
        self.settings.landing_url = Some(url.into());
        self
    }

    /// Seed of tickets, tokens, user keys, latencies and probabilities.
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
    /// [`StartError`]: a resource or a user is named twice, or the address is taken.
    pub async fn start(mut self) -> Result<Simulator<ZjzwfwSso>, StartError> {
        let mut settings = self.settings;
        if self.services.is_empty() {
            self.services.push((DEMO_SERVICE_CODE.to_owned(), DEMO_SERVICE_PWD.to_owned()));
            self.services.push((DEMO_PROXY_CODE.to_owned(), DEMO_PROXY_PWD.to_owned()));
        }
        settings.main = self.services.first().map(|(servicecode, _)| servicecode.clone()).unwrap_or_default();
        for (servicecode, servicepwd) in self.services {
            if settings.services.insert(servicecode.clone(), servicepwd).is_some() {
                return Err(StartError::Settings(format!("service {servicecode} is named twice")));
            }
        }
        settings.users = if self.users.is_empty() { User::demo() } else { self.users };
        let mut keys: Vec<&str> = settings.users.iter().map(|user| user.userid.as_str()).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(StartError::Settings("two users have the same userid".to_owned()));
        }
        settings.quirks = self.quirks.unwrap_or_else(|| Quirks::of(settings.mode));
        let seed = settings.seed;
        Simulator::start(ZjzwfwSso::new(settings), self.listen, seed).await
    }
}
