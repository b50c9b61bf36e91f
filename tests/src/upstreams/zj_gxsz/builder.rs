//! Settings of the simulator, checked before it starts. Never changed afterwards.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::simulator::{Simulator, StartError};
use super::{ClientAuth, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Mode, ZjGxsz};

/// Builds a simulator; every method replaces a default.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    mode: Mode,
    clients: Vec<(String, String)>,
    client_auth: Option<ClientAuth>,
    token_ttl: Duration,
    expires_in: bool,
    wrap_token_reply: Option<bool>,
    token_errors_as_codes: bool,
    refuse_unknown_fields: bool,
    seed: u64,
    listen: SocketAddr,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            mode: Mode::Strict,
            clients: Vec::new(),
            client_auth: None,
            token_ttl: Duration::from_secs(1800),
            expires_in: true,
            wrap_token_reply: None,
            token_errors_as_codes: false,
            refuse_unknown_fields: false,
            seed: 0,
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
        self.mode = mode;
        self
    }

    /// One more client. The secret is base64 of 16 bytes: OAuth secret as written, SM4 key when decoded.
    pub fn client(mut self, id: impl Into<String>, secret_base64: impl Into<String>) -> Self {
        self.clients.push((id.into(), secret_base64.into()));
        self
    }

    /// Takes client credentials only here; without this, in any place.
    pub fn client_auth(mut self, place: ClientAuth) -> Self {
        self.client_auth = Some(place);
        self
    }

    /// Life of a token; announced in whole seconds.
    pub fn token_ttl(mut self, ttl: Duration) -> Self {
        self.token_ttl = ttl;
        self
    }

    /// Token replies do not say how long the token lives.
    pub fn omit_expires_in(mut self) -> Self {
        self.expires_in = false;
        self
    }

    /// Whether token replies come as `{"code":0,"msg":"成功","data":{…}}`. Without this: in quirky mode.
    pub fn wrap_token_reply(mut self, wrap: bool) -> Self {
        self.wrap_token_reply = Some(wrap);
        self
    }

    /// A refused token gives HTTP 200 and a code instead of HTTP 401.
    pub fn token_errors_as_codes(mut self) -> Self {
        self.token_errors_as_codes = true;
        self
    }

    /// Strict mode also refuses record fields that the profile does not know.
    pub fn refuse_unknown_fields(mut self) -> Self {
        self.refuse_unknown_fields = true;
        self
    }

    /// Seed of token values, latencies and probabilities. A simulator restarted with the same seed issues the same
    /// tokens again.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
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
    /// [`StartError`]: a client's secret is not base64 of 16 bytes, a client is named twice, or the address is taken.
    pub async fn start(mut self) -> Result<Simulator<ZjGxsz>, StartError> {
        if self.clients.is_empty() {
            self.clients.push((DEMO_CLIENT_ID.to_owned(), DEMO_CLIENT_SECRET.to_owned()));
        }
        let mut clients = BTreeMap::new();
        for (id, secret) in self.clients {
            let sm4 = STANDARD.decode(&secret).ok().and_then(|key| <[u8; 16]>::try_from(key).ok());
            let Some(sm4) = sm4 else {
                return Err(StartError::Settings(format!("client {id}: the secret is not base64 of 16 bytes")));
            };
            if clients.insert(id.clone(), Client { secret, sm4 }).is_some() {
                return Err(StartError::Settings(format!("client {id} is named twice")));
            }
        }
        let settings = Settings {
            mode: self.mode,
            clients,
            client_auth: self.client_auth,
            token_ttl: self.token_ttl,
            expires_in: self.expires_in,
            wrap_token_reply: self.wrap_token_reply,
            token_errors_as_codes: self.token_errors_as_codes,
            refuse_unknown_fields: self.refuse_unknown_fields,
            seed: self.seed,
        };
        Simulator::start(ZjGxsz::new(settings), self.listen, self.seed).await
    }
}

/// One client, its secret in both forms.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) secret: String,
    pub(super) sm4: [u8; 16],
}

/// What [`Builder`] was told, checked.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) clients: BTreeMap<String, Client>,
    pub(super) client_auth: Option<ClientAuth>,
    pub(super) token_ttl: Duration,
    pub(super) expires_in: bool,
    wrap_token_reply: Option<bool>,
    pub(super) token_errors_as_codes: bool,
    pub(super) refuse_unknown_fields: bool,
    pub(super) seed: u64,
}

impl Settings {
    pub(super) fn wrapped_tokens(&self) -> bool {
        self.wrap_token_reply.unwrap_or(self.mode == Mode::Quirky)
    }
}
