//! The wire form of the upstream's interface as data: methods, paths, bodies, signature, where answers hold what, and
//! what codes mean. The real manual is handed out after approval and can be typed into a link's `[config.wire]`; until
//! then `sim-v1` (`profile/sim-v1.json`, our own invention) is built in. Nothing here sends anything.

pub mod problems;

use std::collections::BTreeMap;

use duijie_sdk::{class::ClassName, crypto, mapping::Mapping};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::{Category, State};

/// The built-in profile, in the very form of `[config.wire]`.
pub const SIM_V1: &str = include_str!("profile/sim-v1.json");

/// One upstream interface. A call that it leaves out does not exist there: its operation is a `config` failure.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// How a request is signed.
    pub sign: Sign,
    /// Headers of every request, with the variables of the signature and `${signature}`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Parameters added to every request's query after signing, with the same variables.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// How answers say success and failure.
    pub reply: Reply,
    /// Pushing resources.
    #[serde(default)]
    pub push: Option<Push>,
    /// Asking where a resource stands.
    #[serde(default)]
    pub status: Option<Status>,
    /// Deleting a resource.
    #[serde(default)]
    pub delete: Option<Call>,
    /// Listing licensed resources.
    #[serde(default)]
    pub fetch: Option<Fetch>,
    /// Reporting a day's numbers.
    #[serde(default)]
    pub stats: Option<StatsWire>,
    /// Logging in with an account of the upstream's.
    #[serde(default)]
    pub login: Option<LoginWire>,
}

/// How a request is signed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// The construction.
    pub kind: SignKind,
    /// The hash below an HMAC; `md5-concat` has its own.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// The message: `${method} ${path} ${query} ${target} ${timestamp} ${nonce} ${body} ${body_sha256} ${ak}`, and `${sk}`
    /// where the secret stands. `${target}` is the path with "?" and the query, if there is one.
    #[serde(default)]
    pub template: String,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// How `${timestamp}` is written.
    #[serde(default)]
    pub timestamp: Timestamp,
}

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignKind {
    /// An HMAC of the message under the secret.
    Hmac,
    /// The MD5 of a message that has the secret in it.
    Md5Concat,
    /// None.
    None,
}

/// The hash below an HMAC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// RFC 1321.
    Md5,
    /// FIPS 180-4, 20 bytes.
    Sha1,
    /// FIPS 180-4, 32 bytes.
    #[default]
    Sha256,
    /// FIPS 180-4, 64 bytes.
    Sha512,
    /// GB/T 32905-2016.
    Sm3,
}

impl From<Algorithm> for crypto::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 => Self::Md5,
            Algorithm::Sha1 => Self::Sha1,
            Algorithm::Sha256 => Self::Sha256,
            Algorithm::Sha512 => Self::Sha512,
            Algorithm::Sm3 => Self::Sm3,
        }
    }
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Lower-case hex.
    #[default]
    Hex,
    /// Upper-case hex.
    HexUpper,
    /// Standard base64.
    Base64,
}

/// How a time stamp is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Timestamp {
    /// Milliseconds since 1970.
    #[default]
    Ms,
    /// Seconds since 1970.
    S,
    /// `yyyyMMddHHmmss`, China time.
    Compact,
}

/// How answers say success and failure. Pointers are JSON Pointers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// Where the code may be; the first that is there counts.
    pub code: Vec<String>,
    /// Where its text may be.
    #[serde(default)]
    pub message: Vec<String>,
    /// Codes that mean success, as text.
    pub success: Vec<String>,
    /// What other codes mean; one that is not listed is `upstream-rejected`.
    #[serde(default)]
    pub classes: BTreeMap<String, ClassName>,
    /// What codes mean beyond their class: `detail.code` of the failure.
    #[serde(default)]
    pub sub_codes: BTreeMap<String, String>,
    /// The upstream's words for states.
    #[serde(default)]
    pub states: BTreeMap<String, State>,
}

/// One request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Path and, if need be, query, appended to `base_url`; variables are percent-encoded.
    pub path: String,
    /// The JSON body, if any: text variables are written as the inside of a JSON string, `${items}` and `${record}` as JSON.
    #[serde(default)]
    pub body: Option<String>,
}

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    Get,
    /// Whatever the upstream says.
    Post,
    /// Replaces.
    Put,
    /// Deletes.
    Delete,
}

impl Method {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// Pushing resources: `${type}` is the upstream's word for the category, `${items}` the list of resources.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// The request.
    pub call: Call,
    /// How a resource (without its category) becomes the upstream's.
    pub item: Mapping,
    /// The same for single categories that differ.
    #[serde(default)]
    pub items: BTreeMap<Category, Mapping>,
    /// Where the list of results is; without it, success of the call is success of every resource.
    #[serde(default)]
    pub results: Option<String>,
    /// Where things are in one result.
    #[serde(default)]
    pub result: ItemResult,
}

/// Where things are in one result of a push.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ItemResult {
    /// The platform's id: results are told apart by it.
    pub ext_id: String,
    /// The upstream's id.
    pub id: Option<String>,
    /// The state.
    pub state: Option<String>,
    /// The result's own code, read as that of an answer; empty: a result is a success.
    pub code: Vec<String>,
    /// Its text.
    pub message: Vec<String>,
}

/// Asking where a resource (`${extId}`) stands.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The request.
    pub call: Call,
    /// Where the upstream's id is.
    #[serde(default)]
    pub id: Option<String>,
    /// Where the state is.
    pub state: String,
    /// Where the reviewers' note is.
    #[serde(default)]
    pub review_note: Option<String>,
}

/// Listing licensed resources: `${page}` from 1, `${size}`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// The request.
    pub call: Call,
    /// Where the list is.
    pub items: String,
    /// Where the number of all items is.
    pub total: String,
    /// In an item: its id.
    pub id: String,
    /// In an item: its category.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// In an item: its title.
    pub title: String,
    /// In an item: its address.
    #[serde(default)]
    pub url: Option<String>,
    /// In an item: until when it may be used.
    #[serde(default)]
    pub license_until: Option<String>,
}

/// Reporting a day's numbers: `${record}` is what the mapping makes of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatsWire {
    /// The request.
    pub call: Call,
    /// How the numbers become the upstream's.
    pub record: Mapping,
}

/// Logging in with an account of the upstream's.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginWire {
    /// The page that a browser opens, appended to `login.base_url`: `${ak} ${redirect_uri} ${state}`, percent-encoded. An
    /// upstream without a state of its own gets `${redirect_uri_with_state}`.
    pub link: String,
    /// The parameter in which the upstream's code comes back.
    #[serde(default = "code_name")]
    pub code_parameter: String,
    /// The parameter in which the state comes back.
    #[serde(default = "state_name")]
    pub state_parameter: String,
    /// Turning the code (`${code}`) into a user.
    pub exchange: Call,
    /// Where the user's id is.
    pub open_id: String,
    /// Where the nickname is.
    #[serde(default)]
    pub nickname: Option<String>,
    /// Where the phone number is.
    #[serde(default)]
    pub phone: Option<String>,
}

fn code_name() -> String {
    "code".to_owned()
}

fn state_name() -> String {
    "state".to_owned()
}
