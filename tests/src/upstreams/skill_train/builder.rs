//! Settings of the simulator, checked before it starts. Never changed afterwards; what a test changes while it runs is
//! in the profile.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::super::simulator::{Simulator, StartError};
use super::{DEMO_ACCOUNT, DEMO_PASSWORD, Hook, Mode, SkillTrain, Spelling};

/// What the operations of part 2 want as `user_token`: the document does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part2Token {
    /// The token of 1.1.
    Login,
    /// This one, for ever.
    Static(String),
    /// Anything, also nothing.
    Unchecked,
}

/// Builds a simulator; every method replaces a default.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    accounts: Vec<(String, String)>,
    hooks: Vec<(Hook, String)>,
    timestamp_window: Option<Option<Duration>>,
    spelling: Option<Spelling>,
    listen: SocketAddr,
    settings: Settings,
}

/// What [`Builder`] was told.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    /// Password by account.
    pub(super) accounts: BTreeMap<String, String>,
    pub(super) spelling: Spelling,
    pub(super) token_ttl: Duration,
    pub(super) part2_token: Part2Token,
    pub(super) timestamp_window: Option<Duration>,
    pub(super) face_bytes_max: usize,
    pub(super) biz_code_ttl_min: u32,
    pub(super) in_order: bool,
    pub(super) refuse_unknown: bool,
    pub(super) require_api_url: bool,
    pub(super) well_formed: bool,
    pub(super) hook_token: String,
    pub(super) hook_timeout: Duration,
    pub(super) seed: u64,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            accounts: Vec::new(),
            hooks: Vec::new(),
            timestamp_window: None,
            spelling: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            settings: Settings {
                mode: Mode::Strict,
                accounts: BTreeMap::new(),
                spelling: Spelling::Repaired,
                token_ttl: Duration::from_secs(7200),
                part2_token: Part2Token::Login,
                timestamp_window: None,
                face_bytes_max: 2_000_000,
                biz_code_ttl_min: 5,
                in_order: false,
                refuse_unknown: false,
                require_api_url: false,
                well_formed: false,
                hook_token: String::new(),
                hook_timeout: Duration::from_secs(15),
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

    /// One more platform account.
    pub fn account(mut self, account: impl Into<String>, password: impl Into<String>) -> Self {
        self.accounts.push((account.into(), password.into()));
        self
    }

    /// Which spelling of the two misprinted paths exists. Without this: strict, the repaired; quirky, both.
    pub fn spelling(mut self, spelling: Spelling) -> Self {
        self.spelling = Some(spelling);
        self
    }

    /// Life of a token; two hours by default.
    pub fn token_ttl(mut self, ttl: Duration) -> Self {
        self.settings.token_ttl = ttl;
        self
    }

    /// What part 2 wants as a token; that of the login by default.
    pub fn part2_token(mut self, token: Part2Token) -> Self {
        self.settings.part2_token = token;
        self
    }

    /// How far `timestamp` may be from the clock; none: not checked. Without this: strict, 300 s; quirky, none.
    pub fn timestamp_window(mut self, window: Option<Duration>) -> Self {
        self.timestamp_window = Some(window);
        self
    }

    /// Bytes of a photo after base64; 2 000 000 by default.
    pub fn face_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.face_bytes_max = bytes;
        self
    }

    /// Life of a `bizCode` in whole minutes, as the replies announce it; 5 by default.
    pub fn biz_code_ttl_min(mut self, minutes: u32) -> Self {
        self.settings.biz_code_ttl_min = minutes;
        self
    }

    /// Refuses progress and an end without a start. Without this they are accepted and counted in
    /// [`Study::out_of_order`](super::Study::out_of_order).
    pub fn refuse_out_of_order(mut self) -> Self {
        self.settings.in_order = true;
        self
    }

    /// Refuses fields that the document does not name.
    pub fn refuse_unknown_fields(mut self) -> Self {
        self.settings.refuse_unknown = true;
        self
    }

    /// 2.1 to 2.3 want `studyPlatformApiUrl`, as the tables say and no example shows.
    pub fn require_api_url(mut self) -> Self {
        self.settings.require_api_url = true;
        self
    }

    /// Quirky replies of 2.5 without the comma too many.
    pub fn well_formed(mut self) -> Self {
        self.settings.well_formed = true;
        self
    }

    /// Where the platform calls; may also be set later.
    pub fn hook_url(mut self, hook: Hook, url: impl Into<String>) -> Self {
        self.hooks.push((hook, url.into()));
        self
    }

    /// The `userToken` of the platform's own calls; empty by default, as in the examples.
    pub fn hook_token(mut self, token: impl Into<String>) -> Self {
        self.settings.hook_token = token.into();
        self
    }

    /// How long the platform waits for a hook's answer; 15 s by default.
    pub fn hook_timeout(mut self, timeout: Duration) -> Self {
        self.settings.hook_timeout = timeout;
        self
    }

    /// Seed of tokens, codes, latencies and probabilities.
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
    /// [`StartError`]: an account is named twice, or the address is taken.
    pub async fn start(self) -> Result<Simulator<SkillTrain>, StartError> {
        let Self { mut accounts, hooks, timestamp_window, spelling, listen, mut settings } = self;
        if accounts.is_empty() {
            accounts.push((DEMO_ACCOUNT.to_owned(), DEMO_PASSWORD.to_owned()));
        }
        for (account, password) in accounts {
            if settings.accounts.insert(account, password).is_some() {
                return Err(StartError::Settings("an account is named twice".to_owned()));
            }
        }
        let (default_window, default_spelling) = match settings.mode {
            Mode::Strict => (Some(Duration::from_secs(300)), Spelling::Repaired),
            Mode::Quirky => (None, Spelling::Both),
        };
        settings.timestamp_window = timestamp_window.unwrap_or(default_window);
        settings.spelling = spelling.unwrap_or(default_spelling);
        let seed = settings.seed;
        let profile = SkillTrain::new(settings);
        for (hook, url) in hooks {
            profile.set_hook_url(hook, url);
        }
        Simulator::start(profile, listen, seed).await
    }
}
