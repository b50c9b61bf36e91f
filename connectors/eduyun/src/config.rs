//! A link's `[config]`, with the defaults of upstreams' documents and public clients where there are any. Parsed once;
//! [`problems`] says what a schema cannot. What the host enforces (a hook's secret path and networks, the platform's
//! address, deadlines) stands in the link's other tables, not here.

mod problems;

use duijie_sdk::{pattern::Pattern, url};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::IntoDeserializer as _};

pub use problems::problems;

/// Everything a link may say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address of the gateway: scheme, host and, if need be, port and path.
    #[schemars(length(min = 1, max = 1024))]
    pub base_url: String,
    /// The platform's id (appId) as issued.
    #[schemars(length(min = 1, max = 128))]
    pub app_id: String,
    /// The system code (sysCode) as issued: code of the region or the institution.
    #[schemars(length(min = 1, max = 64))]
    pub sys_code: String,
    /// How a token is got and kept.
    #[serde(default)]
    pub token: Token,
    /// How the request for a token is signed.
    #[serde(default)]
    pub sign: Sign,
    /// Log-in with a national account.
    #[serde(default)]
    pub oauth: Oauth,
    /// Where browsers go after they have landed.
    #[serde(default)]
    pub login: Login,
    /// The inbound look-up of a local session.
    #[serde(default)]
    pub hook: Hook,
    /// The aamif service.
    #[serde(default)]
    pub aamif: Aamif,
    /// How to read refusals.
    #[serde(default)]
    pub errors: Errors,
    /// How to read replies.
    #[serde(default)]
    pub json: Json,
    /// How long to wait.
    #[serde(default)]
    pub http: Http,
}

/// How a token is got and kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Token {
    /// Path of the token endpoint, appended to `base_url`; the 2015 generation writes it in lower case.
    pub path: String,
    /// Life of a token whose reply does not say, in seconds.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub default_ttl_s: u32,
    /// A token is renewed this many seconds before it expires, or at half its life if that is shorter.
    #[schemars(range(max = 86_400))]
    pub refresh_skew_s: u32,
}

/// How `keyInfo` is made: an HMAC under appKey over appId, appKey and timeStamp.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sign {
    /// The HMAC's hash.
    pub hash: Hash,
    /// How the HMAC is written.
    pub encoding: KeyInfoEncoding,
    /// What timeStamp counts.
    pub timestamp_unit: TimestampUnit,
}

/// The HMAC's hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Hash {
    #[default]
    Sha1,
    Md5,
    Sha256,
}

/// How the HMAC is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyInfoEncoding {
    /// Upper-case hex.
    #[default]
    HexUpper,
    /// Lower-case hex.
    HexLower,
    /// Standard base64 of the bytes.
    Base64,
    /// Standard base64 of the lower-case hex text.
    Base64OfHexLower,
}

/// What timeStamp counts since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimestampUnit {
    /// Milliseconds.
    #[default]
    Ms,
    /// Seconds.
    S,
}

/// Log-in with a national account.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Oauth {
    /// How an accessTicket is asked for.
    pub ticket_method: TicketMethod,
    /// The address registered with the upstream that its log-in page sends browsers to: the public address of this
    /// link's hook `oauth-landing`. Needed for `oauth.link`.
    #[schemars(length(max = 2048))]
    pub redirect_uri: Option<String>,
}

/// How an accessTicket is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum TicketMethod {
    /// The token in the query and in a JSON body.
    #[default]
    Post,
    /// The token in the query.
    Get,
}

/// Where browsers go after they have landed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// Pages of the platform that a log-in may end at: each stands for itself and what is below it. None = no log-in.
    #[schemars(length(max = 64))]
    pub return_urls: Vec<String>,
    /// Who validates the ticket of a browser that arrives at `ticket-landing`.
    pub ticket_validator: Validator,
    /// The platform's page for such arrivals. Needed for `ticket-landing`.
    #[schemars(length(max = 2048))]
    pub ticket_return_url: Option<String>,
}

/// Which platform's aamif service validates a ticket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Validator {
    /// The region's.
    #[default]
    Area,
    /// The central one.
    Central,
}

/// The inbound look-up of a local session.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hook {
    /// How long a local session may be looked up, in seconds.
    #[schemars(range(min = 1, max = 120))]
    pub ttl_s: u32,
    /// Who knows the person behind a local session.
    pub identity_source: IdentitySource,
    /// How the identity number is answered.
    pub id_mask: IdMask,
}

/// Who knows the person behind a local session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IdentitySource {
    /// The call of `session.exchange` says it; it is kept until it is looked up, at most `ttl_s`.
    #[default]
    Kv,
    /// The platform is asked during the look-up (event `local-session`); the call only names the person by `subject`.
    Platform,
}

/// How the identity number is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IdMask {
    /// As it is: the upstream compares it with its register.
    #[default]
    None,
    /// The first six and the last two characters, as in the document's example.
    Middle,
}

/// The aamif service.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Aamif {
    /// Its address; `base_url` when left out.
    #[schemars(length(max = 1024))]
    pub base_url: Option<String>,
    /// What the central platform gets as platformcode; `sys_code` when left out.
    #[schemars(length(max = 64))]
    pub platformcode: Option<String>,
    /// Send the gateway's token too?
    pub send_access_token: bool,
}

/// How to read refusals.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Errors {
    /// Codes that mean "your token has expired", written as strings.
    #[schemars(length(max = 64))]
    pub token_expired_codes: Vec<String>,
    /// Words by which the text of a code that has no meaning of its own says that the token has expired, with `|` between
    /// them; `(?i)` before them ignores case. Empty = texts say nothing.
    #[serde(deserialize_with = "pattern_or_none")]
    #[schemars(with = "Pattern")]
    pub token_expired_pattern: Option<Pattern>,
}

/// How to read replies.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Json {
    /// Take replies with trailing commas too?
    pub lenient: bool,
}

/// How long to wait.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Milliseconds for each request; the call's deadline cuts it.
    #[schemars(range(min = 1, max = 600_000))]
    pub timeout_ms: u32,
}

impl Config {
    /// The URL of a path at the gateway.
    pub fn gateway_url(&self, path: &str) -> String {
        url::join(&self.base_url, path)
    }

    /// The URL of a path at the aamif service.
    pub fn aamif_url(&self, path: &str) -> String {
        url::join(self.aamif.base_url.as_deref().unwrap_or(&self.base_url), path)
    }

    /// What the central platform gets as platformcode.
    pub fn platform_code(&self) -> &str {
        self.aamif.platformcode.as_deref().unwrap_or(&self.sys_code)
    }
}

impl Default for Token {
    fn default() -> Self {
        Self { path: "/apigateway/getAccessToken".to_owned(), default_ttl_s: 3600, refresh_skew_s: 60 }
    }
}

impl Default for Hook {
    fn default() -> Self {
        Self { ttl_s: 120, identity_source: IdentitySource::default(), id_mask: IdMask::default() }
    }
}

impl Default for Errors {
    fn default() -> Self {
        Self { token_expired_codes: Vec::new(), token_expired_pattern: Pattern::new("(?i)token|令牌") }
    }
}

impl Default for Json {
    fn default() -> Self {
        Self { lenient: true }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self { timeout_ms: 5000 }
    }
}

/// A pattern; an empty one would be in every text, so it stands for none.
fn pattern_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Pattern>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() { Ok(None) } else { Pattern::deserialize(text.into_deserializer()).map(Some) }
}
