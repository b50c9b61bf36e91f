//! A link's `[config]`, with the defaults of what the upstream has published and none where it has not. Parsed once;
//! [`problems`] says what a schema cannot.

mod problems;

use std::collections::BTreeMap;

use duijie_sdk::{Failure, mapping::Mapping, url};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{model::Endpoint, sim};

pub use problems::problems;

/// The upstream's published address.
pub const BASE_URL: &str = "https://api.zj-gxsz.cn";

/// Everything a link may say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address of the upstream: scheme, host and, if need be, port and path.
    #[serde(default = "base_url")]
    pub base_url: String,
    /// The client_id as issued.
    #[schemars(length(min = 1, max = 256))]
    pub client_id: String,
    /// `sim` until the province's real field names are installed: built-in mappings, and no host but a simulator's.
    #[serde(default)]
    pub profile: Profile,
    /// The simulators that the profile `sim` may talk to besides this machine.
    #[serde(default)]
    pub sim: Sim,
    /// Paths of the three lists.
    #[serde(default)]
    pub path: Paths,
    /// How a token is got and shown.
    pub token: Token,
    /// How a record is encrypted.
    #[serde(default)]
    pub sm4: Sm4,
    /// What is put around the ciphertext.
    #[serde(default)]
    pub envelope: Envelope,
    /// How a record becomes the upstream's, per list.
    #[serde(default)]
    pub mapping: Mappings,
    /// Which member of a record is its key.
    #[serde(default)]
    pub record: RecordKey,
    /// How fast to push.
    #[serde(default)]
    pub rate: Rate,
    /// How long to wait.
    #[serde(default)]
    pub http: Http,
    /// How to read refusals.
    #[serde(default)]
    pub errors: Errors,
}

/// Whose field names are in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Our simulator's, which are our invention.
    #[default]
    Sim,
    /// The province's: every list that is used has a mapping in this config.
    Mapped,
}

/// Simulators besides this machine.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sim {
    /// `host` or `host:port`, exactly as in `base_url`.
    pub hosts: Vec<String>,
}

/// Paths of the three lists, appended to `base_url`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    /// For talks with one student.
    pub one: String,
    /// For talks with several students.
    pub multi: String,
    /// For contacts with parents.
    pub patriarch: String,
}

/// How a token is got and shown.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Path of the token endpoint, appended to `base_url`. The upstream has not published one: ask for it.
    pub path: String,
    /// Where client_id and client_secret go.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// Life of a token whose reply does not say, in seconds.
    #[serde(default = "default_ttl_s")]
    #[schemars(range(min = 1, max = 31_536_000))]
    pub default_ttl_s: u32,
    /// The header that shows the token.
    #[serde(default = "token_header")]
    #[schemars(length(min = 1, max = 64))]
    pub header: String,
    /// What stands before the token in that header.
    #[serde(default = "token_prefix")]
    pub prefix: String,
}

/// Where client_id and client_secret go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// Into the form body (RFC 6749 §2.3.1).
    #[default]
    Body,
    /// Into HTTP Basic credentials (RFC 7617).
    Basic,
    /// Into the URL's query.
    Query,
}

/// How a record is encrypted: SM4, ECB, PKCS#7, which the upstream demands.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sm4 {
    /// What the link must write as `encoding` of `[secrets.client_secret]`, where the host decodes the key; here it only
    /// serves the message that says so.
    pub key_encoding: KeyEncoding,
    /// How the ciphertext is written.
    pub output: CipherText,
}

/// How the key is written as issued.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum KeyEncoding {
    #[default]
    Base64,
    Hex,
    Utf8,
}

impl KeyEncoding {
    /// Its name in config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Utf8 => "utf8",
        }
    }
}

/// How the ciphertext is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CipherText {
    /// Standard alphabet, padded, without line breaks.
    #[default]
    Base64,
    /// Lower case.
    Hex,
}

/// What is put around the ciphertext.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Envelope {
    /// The body: JSON with `${data} ${client_id} ${timestamp_ms} ${timestamp_s} ${nonce} ${token}`.
    pub template: String,
    /// More headers by name; the same variables in their values.
    pub headers: BTreeMap<String, String>,
}

/// How a record becomes the upstream's, per list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mappings {
    /// For talks with one student.
    pub one: Option<Mapping>,
    /// For talks with several students.
    pub multi: Option<Mapping>,
    /// For contacts with parents.
    pub patriarch: Option<Mapping>,
}

/// Which member of a record is its key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecordKey {
    /// The member's name in the platform's record. The host orders records by `/recordId`, whatever this says.
    #[schemars(length(min = 1, max = 64))]
    pub key_field: String,
}

/// How fast to push.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rate {
    /// How many pushes the upstream bears at once. The host's `[limits] concurrency` enforces
    /// it; here it is a note for the operator.
    #[schemars(range(min = 1, max = 1024))]
    pub max_inflight: u32,
    /// Milliseconds between two pushes; a push that comes earlier is `rate-limited` and not sent. 0 = no interval.
    #[schemars(range(max = 3_600_000))]
    pub min_interval_ms: u32,
}

/// How long to wait.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Milliseconds for each request; the call's deadline cuts it.
    #[schemars(range(min = 1, max = 600_000))]
    pub timeout_ms: u32,
}

/// How to read refusals.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Errors {
    /// Codes of the upstream that mean "your token has expired", written as strings.
    pub token_expired_codes: Vec<String>,
}

impl Config {
    /// The URL of a path at the upstream.
    pub fn url(&self, path: &str) -> String {
        url::join(&self.base_url, path)
    }

    /// The path of a list.
    pub fn path(&self, endpoint: Endpoint) -> &str {
        match endpoint {
            Endpoint::One => &self.path.one,
            Endpoint::Multi => &self.path.multi,
            Endpoint::Patriarch => &self.path.patriarch,
        }
    }

    /// The mapping of a list as the config has it.
    pub fn own_mapping(&self, endpoint: Endpoint) -> Option<&Mapping> {
        match endpoint {
            Endpoint::One => self.mapping.one.as_ref(),
            Endpoint::Multi => self.mapping.multi.as_ref(),
            Endpoint::Patriarch => self.mapping.patriarch.as_ref(),
        }
    }

    /// Gives a list's mapping to `with`: the config's own, or the built-in one of the profile `sim`.
    ///
    /// # Errors
    /// `config` when there is none, or when the profile may not talk to this host.
    pub fn with_mapping<T>(
        &self,
        endpoint: Endpoint,
        with: impl FnOnce(&Mapping) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        problems::host_is_allowed(self).map_err(Failure::config)?;
        match (self.own_mapping(endpoint), self.profile) {
            (Some(mapping), _) => with(mapping),
            (None, Profile::Sim) => with(&sim::mapping(endpoint)),
            (None, Profile::Mapped) => Err(Failure::config(format!(
                "mapping.{} is not set, and the profile \"mapped\" has no other",
                endpoint.name()
            ))),
        }
    }
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            one: "/api/talk-record/one".to_owned(),
            multi: "/api/talk-record/multi".to_owned(),
            patriarch: "/api/talk-record/patriarch".to_owned(),
        }
    }
}

impl Default for Envelope {
    fn default() -> Self {
        Self { template: r#"{"data":"${data}"}"#.to_owned(), headers: BTreeMap::new() }
    }
}

impl Default for RecordKey {
    fn default() -> Self {
        Self { key_field: "recordId".to_owned() }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self { max_inflight: 4, min_interval_ms: 0 }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self { timeout_ms: 10_000 }
    }
}

fn base_url() -> String {
    BASE_URL.to_owned()
}

fn default_ttl_s() -> u32 {
    1800
}

fn token_header() -> String {
    "Authorization".to_owned()
}

fn token_prefix() -> String {
    "Bearer ".to_owned()
}
