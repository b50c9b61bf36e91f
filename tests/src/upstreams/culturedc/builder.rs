//! Settings of the simulator, checked before it starts. Never changed afterwards; the state of keys, resources and
//! pages is in the profile.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use super::super::simulator::{Simulator, StartError};
use super::sign::{SignEncoding, SignKind};
use super::{Culturedc, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, Mode};

/// Builds a simulator; every method replaces a default.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    keys: Vec<(String, String)>,
    listen: SocketAddr,
    settings: Settings,
}

/// What [`Builder`] was told.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    /// SK by AK.
    pub(super) keys: BTreeMap<String, String>,
    pub(super) sign_kind: SignKind,
    pub(super) sign_encodings: Vec<SignEncoding>,
    pub(super) certified: bool,
    pub(super) issued_at_ms: Option<i64>,
    pub(super) valid_days: u32,
    pub(super) rate_per_min: Option<u32>,
    pub(super) licensed: u32,
    pub(super) callback: Option<String>,
    pub(super) users: u32,
    pub(super) phones: bool,
    pub(super) seed: u64,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            settings: Settings {
                mode: Mode::Strict,
                keys: BTreeMap::new(),
                sign_kind: SignKind::Hmac,
                sign_encodings: vec![SignEncoding::HexLower],
                certified: true,
                issued_at_ms: None,
                valid_days: 30,
                rate_per_min: None,
                licensed: 120,
                callback: None,
                users: 1,
                phones: true,
                seed: 0,
            },
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

    /// One more pair of keys.
    pub fn key(mut self, access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        self.keys.push((access_key.into(), secret_key.into()));
        self
    }

    /// How requests are signed; HMAC by default.
    pub fn sign_kind(mut self, kind: SignKind) -> Self {
        self.settings.sign_kind = kind;
        self
    }

    /// How strict mode takes signatures written; lower-case hexadecimal by default.
    pub fn sign_encodings(mut self, encodings: impl Into<Vec<SignEncoding>>) -> Self {
        self.settings.sign_encodings = encodings.into();
        self
    }

    /// The institutions are not certified yet.
    pub fn not_certified(mut self) -> Self {
        self.settings.certified = false;
        self
    }

    /// When the keys were issued, in milliseconds since 1970; at the start by default.
    pub fn issued_at_ms(mut self, issued_ms: i64) -> Self {
        self.settings.issued_at_ms = Some(issued_ms);
        self
    }

    /// Days that a key is good for; 30 by default.
    pub fn valid_days(mut self, days: u32) -> Self {
        self.settings.valid_days = days;
        self
    }

    /// Requests a minute for each key; no limit by default.
    pub fn rate_per_min(mut self, requests: u32) -> Self {
        self.settings.rate_per_min = Some(requests);
        self
    }

    /// How many licensed resources there are; 120 by default.
    pub fn licensed(mut self, resources: u32) -> Self {
        self.settings.licensed = resources;
        self
    }

    /// The one `redirect_uri` that is registered; any by default.
    pub fn callback(mut self, url: impl Into<String>) -> Self {
        self.settings.callback = Some(url.into());
        self
    }

    /// How many people log in, one after the other; one by default.
    pub fn users(mut self, users: u32) -> Self {
        self.settings.users = users.max(1);
        self
    }

    /// Who logs in has no phone number.
    pub fn without_phones(mut self) -> Self {
        self.settings.phones = false;
        self
    }

    /// Seed of codes, people, latencies and probabilities.
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
    /// [`StartError`]: an access key is named twice, no encoding is left, or the address is taken.
    pub async fn start(self) -> Result<Simulator<Culturedc>, StartError> {
        let Self { mut keys, listen, mut settings } = self;
        if keys.is_empty() {
            keys.push((DEMO_ACCESS_KEY.to_owned(), DEMO_SECRET_KEY.to_owned()));
        }
        for (access_key, secret_key) in keys {
            if settings.keys.insert(access_key, secret_key).is_some() {
                return Err(StartError::Settings("an access key is named twice".to_owned()));
            }
        }
        if settings.sign_encodings.is_empty() {
            return Err(StartError::Settings("a signature needs an encoding".to_owned()));
        }
        let seed = settings.seed;
        Simulator::start(Culturedc::new(settings), listen, seed).await
    }
}
