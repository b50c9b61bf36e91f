//! A link's `[config]`. What the portal prints is a default; what public clients of it do is a default too; what nobody
//! knows has none. `access` is how requests
//! get there, `methods` what they are called, [`problems`] says what a schema cannot. Never a secret.

mod access;
mod login;
mod methods;
mod problems;

use duijie_sdk::{charset::Fallback, mapping::Mapping, url::Authority};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use access::{Gateway, Http, IRS_BASE, Interface, Irs, IrsPaths, Paths, Soap, Transport, Verb};
pub use login::{Login, Logout};
pub use methods::{Method, Methods, Title};
pub use problems::problems;
pub(crate) use problems::{is_method, is_parameter, is_path};

/// The portal's address as public clients have it.
pub const BASE: &str = "https://puser.zjzwfw.gov.cn/sso";

/// Everything a link may say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address of the SSO with its context (`/sso`, `/sso4`), without a servlet.
    #[serde(default = "base")]
    #[schemars(length(min = 1, max = 512))]
    pub base: String,
    /// Code of the accessing resource, as the SSO's administrator issued it.
    #[schemars(length(min = 1, max = 128))]
    pub servicecode: String,
    /// Which family of interfaces is spoken.
    #[serde(default)]
    pub interface: Interface,
    /// How requests travel.
    #[serde(default)]
    pub transport: Transport,
    /// In which format the SSO answers and `args` are written.
    #[serde(default)]
    pub datatype: Datatype,
    /// Read answers that have typographic quotes, trailing commas or unescaped text, as the portal's own samples do.
    #[serde(default = "yes")]
    pub lenient: bool,
    /// What stands between us and the SSO.
    #[serde(default)]
    pub gateway: Gateway,
    /// Of the transport `http`.
    #[serde(default)]
    pub http: Http,
    /// Of the transport `soap`.
    #[serde(default)]
    pub soap: Soap,
    /// Of the gateway `irs`.
    #[serde(default)]
    pub irs: Irs,
    /// Paths below `base`, where the installation differs.
    #[serde(default)]
    pub path: Paths,
    /// Names of the upstream's methods.
    #[serde(default)]
    pub method: Methods,
    /// Names of parameters.
    #[serde(default)]
    pub param: Params,
    /// How requests are signed, ours and theirs.
    #[serde(default)]
    pub sign: Sign,
    /// How the parameter `time` is written.
    #[serde(default)]
    pub time: Time,
    /// How answers are decoded.
    #[serde(default)]
    pub charset: Charset,
    /// What is assumed of the tokens of people.
    #[serde(default)]
    pub token: Token,
    /// Log-in with a password that passes this host.
    #[serde(default)]
    pub id_validation: IdValidation,
    /// Log-in by redirect.
    #[serde(default)]
    pub login: Login,
    /// Log-out by redirect.
    #[serde(default)]
    pub logout: Logout,
    /// What the SSO may call here.
    #[serde(default)]
    pub hook: Hook,
    /// How records become the upstream's.
    #[serde(default)]
    pub mapping: Mappings,
    /// Where the built-in mapping may be used.
    #[serde(default)]
    pub sim: Simulators,
}

/// A data format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Datatype {
    #[default]
    Json,
    Xml,
}

impl Datatype {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }
}

/// Names of parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Of the ticket in `ticketValidation`.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]{0,63}$"))]
    pub ticket: String,
}

/// How requests are signed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sign {
    /// The one rule that is known.
    pub kind: SignKind,
}

/// A rule of signing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignKind {
    /// Lower-case hex of MD5 over servicecode, servicepwd and time.
    #[default]
    Md5Concat,
}

/// How the parameter `time` is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Time {
    /// A pattern of `yyyy MM dd HH mm ss SSS`.
    #[schemars(length(min = 4, max = 64))]
    pub format: String,
    /// The one zone that upstreams use.
    pub zone: Zone,
}

/// A time zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Zone {
    /// UTC+8 all year.
    #[default]
    #[serde(rename = "Asia/Shanghai")]
    Shanghai,
}

/// How answers are decoded.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Charset {
    /// What an answer that is no UTF-8 is read as.
    pub fallback: Fallback,
}

/// What is assumed of the tokens of people.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Token {
    /// How long a token lives, in seconds: the portal does not say, so it is only passed on to the platform.
    #[schemars(range(min = 1, max = 86_400))]
    pub default_ttl_s: u32,
}

/// Log-in with a password.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IdValidation {
    /// May people's passwords pass this host at all? Only over https.
    pub enabled: bool,
}

/// What the SSO may call here.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hook {
    /// How far the clock of a request may be off, in seconds.
    #[schemars(range(min = 1, max = 3600))]
    pub window_s: u32,
    /// The content type of every answer, as the portal demands it even for JSON.
    #[schemars(length(min = 3, max = 128))]
    pub content_type: String,
}

/// How records become the upstream's.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mappings {
    /// Of `user.sync-out`. The built-in one is our invention and only for simulators.
    pub user_sync: Option<Mapping>,
}

/// Where the built-in mapping may be used besides this machine.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Simulators {
    /// Each `host` or `host:port` as the address in use has it.
    pub hosts: Vec<String>,
}

impl Config {
    /// The address that requests go to.
    pub fn target(&self) -> &str {
        match self.gateway {
            Gateway::None => &self.base,
            Gateway::Irs => &self.irs.base,
        }
    }

    /// Is that a simulator?
    pub fn is_simulated(&self) -> bool {
        Authority::of(self.target()).is_ok_and(|authority| authority.is_simulator(&self.sim.hosts))
    }

    /// May a password go there? Over https, or to a simulator.
    pub fn is_confidential(&self) -> bool {
        Authority::of(self.target()).is_ok_and(|authority| authority.is_https) || self.is_simulated()
    }
}

impl Default for Params {
    fn default() -> Self {
        Self { ticket: "st".to_owned() }
    }
}

impl Default for Time {
    fn default() -> Self {
        Self { format: "yyyyMMddHHmmss".to_owned(), zone: Zone::Shanghai }
    }
}

impl Default for Token {
    fn default() -> Self {
        Self { default_ttl_s: 600 }
    }
}

impl Default for Hook {
    fn default() -> Self {
        Self { window_s: 300, content_type: "text/xml;charset=utf-8".to_owned() }
    }
}

fn base() -> String {
    BASE.to_owned()
}

fn yes() -> bool {
    true
}
