//! The simulated 浙江省教育厅智慧思政平台: a token endpoint and three that take one encrypted talk record each.
//! Its record fields and result codes are this project's invention, for the real ones are not public; the token
//! step, the envelope, the encryption and the form of the reply follow the interface document.
//! Never keeps an earlier version of a record, only its digest.

mod builder;
pub mod codes;
mod credentials;
mod envelope;
mod record;
mod reply;
mod store;
mod token;

#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use super::ledger::Ledger;
use super::profile::{Mode, Profile, Received, Reply};
use super::tokens::{TokenError, Tokens};

pub use builder::Builder;
pub use codes::Refusal;
pub use record::Endpoint;
pub use store::{Stored, Summary};

use builder::Settings;
use reply::Style;
use store::Store;

/// Path of the token endpoint.
pub const TOKEN_PATH: &str = "/api/oauth2/token";
/// Client known to a simulator that was given none.
pub const DEMO_CLIENT_ID: &str = "demo-college";
/// Its secret: base64 of the key of GB/T 32907-2016, appendix A.
pub const DEMO_CLIENT_SECRET: &str = "ASNFZ4mrze/+3LqYdlQyEA==";

const TOKEN_OPERATION: &str = "token.get";

/// Where a client puts its credentials in a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// In the form body.
    Body,
    /// HTTP Basic.
    Basic,
    /// In the query.
    Query,
}

/// The profile: settings, tokens and the records received.
#[derive(Debug)]
pub struct ZjGxsz {
    settings: Settings,
    tokens: Tokens,
    store: Store,
}

impl ZjGxsz {
    /// Settings to start from: strict, one demo client, tokens for 1800 s.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The last accepted version of a record; of the first client in order that has one.
    pub fn record(&self, record_id: &str) -> Option<Stored> {
        self.store.get(None, record_id)
    }

    /// The last accepted version of a record of this client.
    pub fn record_of(&self, client_id: &str, record_id: &str) -> Option<Stored> {
        self.store.get(Some(client_id), record_id)
    }

    /// All records, without their contents, by client and id.
    pub fn records(&self) -> Vec<Summary> {
        self.store.list()
    }

    fn new(settings: Settings) -> Self {
        let tokens = Tokens::new(settings.seed);
        Self { settings, tokens, store: Store::default() }
    }

    fn style(&self) -> Style {
        Style { mode: self.settings.mode, wrapped_tokens: self.settings.wrapped_tokens() }
    }

    fn push(&self, endpoint: Endpoint, received: &Received, ledger: &Ledger) -> Reply {
        if received.method != Method::POST {
            return self.style().refuse(&Refusal::new(codes::METHOD, "只支持 POST")).status(405);
        }
        let client = match self.client(received) {
            Ok(client) => client,
            Err(refusal) => {
                ledger.count(|counters| counters.token_rejections += 1);
                let status = if self.settings.token_errors_as_codes { 200 } else { 401 };
                return self.style().refuse(&refusal).status(status);
            }
        };
        match self.accept(endpoint, &client, received) {
            Ok((key_hash, version)) => {
                ledger.count(|counters| {
                    counters.records_accepted += 1;
                    counters.overwrites += u64::from(version > 1);
                });
                Reply { key_hash: Some(key_hash), ..self.style().accept() }
            }
            Err(refusal) => {
                ledger.count(|counters| {
                    counters.records_rejected += 1;
                    counters.crypto_failures += u64::from(refusal.code == codes::DECRYPT);
                });
                self.style().refuse(&refusal)
            }
        }
    }

    /// Whose token this request bears.
    fn client(&self, received: &Received) -> Result<String, Refusal> {
        let token = received.header("authorization").and_then(credentials::bearer);
        let token = token.ok_or_else(|| Refusal::new(codes::TOKEN_MISSING, "未携带 token"))?;
        self.tokens.check(token, received.now_ms).map_err(|error| match error {
            TokenError::Unknown => Refusal::new(codes::TOKEN_UNKNOWN, "token 无效"),
            TokenError::Expired => Refusal::new(codes::TOKEN_EXPIRED, "token 已过期"),
        })
    }

    /// Opens, checks and stores one record; the hash of its key, and which version it is.
    fn accept(&self, endpoint: Endpoint, client: &str, received: &Received) -> Result<(String, u64), Refusal> {
        let strict = self.settings.mode == Mode::Strict;
        if strict {
            envelope::check_content_type(received)?;
        }
        // A token outlives no client: the list is fixed at the start.
        let key = self.settings.clients.get(client).ok_or_else(|| Refusal::new(codes::TOKEN_UNKNOWN, "token 无效"))?;
        let plaintext = envelope::open(&received.body, &key.sm4)?;
        let fields = envelope::parse(&plaintext)?;
        let record_id = if strict {
            record::validate(endpoint, &fields, self.settings.refuse_unknown_fields)?
        } else {
            record::key(&fields)?
        };
        self.store.put(client, record_id, endpoint, plaintext)
    }
}

impl Profile for ZjGxsz {
    const NAME: &'static str = "zj-gxsz";

    fn summary(&self) -> String {
        format!(
            "Mode: {mode:?}. Clients: {clients}. Tokens live {ttl} s.\n\
            POST {TOKEN_PATH}              OAuth 2.0 client credentials\n\
            POST {one}        one teacher, one student\n\
            POST {multi}      one teacher, 2 to 200 students\n\
            POST {patriarch}  contact with a parent\n\n\
            GET    /_sim/records                  what was stored, without contents\n\
            GET    /_sim/versions                 SHA-256 of every version of each record, in order\n\
            GET    /_sim/records/{{recordId}}       last version, decrypted, byte for byte (?client=… to choose)\n",
            mode = self.settings.mode,
            clients = self.settings.clients.keys().cloned().collect::<Vec<_>>().join(", "),
            ttl = self.settings.token_ttl.as_secs(),
            one = Endpoint::One.path(),
            multi = Endpoint::Multi.path(),
            patriarch = Endpoint::Patriarch.path(),
        )
    }

    fn operation(&self, path: &str) -> Option<&'static str> {
        if path == TOKEN_PATH {
            return Some(TOKEN_OPERATION);
        }
        Endpoint::of_path(path).map(Endpoint::operation)
    }

    async fn answer(&self, received: &Received, ledger: &Ledger) -> Reply {
        match Endpoint::of_path(&received.path) {
            Some(endpoint) => self.push(endpoint, received, ledger),
            None => self.issue_token(received, ledger),
        }
    }

    fn refuse(&self, code: &str, message: &str) -> Reply {
        // A number where the code is one, as the upstream writes it.
        let number = code.parse::<u32>().map_or_else(|_| Value::from(code), Value::from);
        self.style().envelope(number, message).code(code)
    }

    fn revoke_tokens(&self) -> usize {
        self.tokens.revoke_all()
    }

    fn inspect(&self, path: &str, query: &str) -> Option<Reply> {
        if path == "records" {
            return Some(Reply::json(&json!(self.store.list())));
        }
        if path == "versions" {
            return Some(Reply::json(&json!(self.store.versions())));
        }
        let record_id = credentials::decode_path(path.strip_prefix("records/")?)?;
        let parameters: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let stored = self.store.get(parameters.get("client").map(String::as_str), &record_id)?;
        Some(
            Reply::new("application/octet-stream", stored.plaintext)
                .header("x-sim-client", stored.client_id)
                .header("x-sim-endpoint", stored.endpoint.operation())
                .header("x-sim-version", stored.versions.len().to_string()),
        )
    }

    fn reset(&self) {
        self.tokens.revoke_all();
        self.store.clear();
    }
}
