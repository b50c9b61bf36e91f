//! The wire form of the upstream's interface as data: methods, paths, bodies, signature, where answers hold what, and
//! what codes mean. The real manual is handed out after approval and can be typed into a link's `[config.wire]`; until
//! then `sim-v1` (`profile/sim-v1.json`, our own invention) is built in. Nothing here sends anything.

pub mod problems;

use duijie_sdk::{class::ClassName, crypto, mapping::Mapping, table::Table};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::State;

/// The built-in profile, in the very form of `[config.wire]`.
pub const SIM_V1: &str = include_str!("profile/sim-v1.json");

/// One upstream interface. A call that it leaves out does not exist there: its operation is a `config` failure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// How a request is signed.
    pub sign: Sign,
    /// Headers of every request, with the variables of the signature and `${signature}`.
    #[serde(default)]
    pub headers: Table<String>,
    /// Parameters added to every request's query after signing, with the same variables.
    #[serde(default)]
    pub query: Table<String>,
    /// How answers say success and failure.
    pub reply: Reply,
    /// Pushing resources: `${type}` is the upstream's word for the category, `${items}` the list of resources, each made
    /// by `record` or, where a category differs, by `records.<category>`. `at`: `results`, and in a result `ext_id id
    /// state code message`. Without `results`, success of the call is success of every resource; without `code`, a result
    /// is a success.
    #[serde(default)]
    pub push: Option<Call>,
    /// Asking where a resource (`${extId}`) stands. `at`: `state id review_note`.
    #[serde(default)]
    pub status: Option<Call>,
    /// Deleting a resource (`${extId}`).
    #[serde(default)]
    pub delete: Option<Call>,
    /// Listing licensed resources: `${page}` from 1, `${size}`. `at`: `items total`, and in an item `id title type url
    /// license_until`.
    #[serde(default)]
    pub fetch: Option<Call>,
    /// Reporting a day's numbers: `${record}` is what `record` makes of them.
    #[serde(default)]
    pub stats: Option<Call>,
    /// The page on which a browser logs in.
    #[serde(default)]
    pub authorize: Option<Authorize>,
    /// Turning the code (`${code}`) that a browser brings into a user. `at`: `open_id nickname phone`.
    #[serde(default)]
    pub exchange: Option<Call>,
}

/// How a request is signed.
#[derive(Debug, Deserialize, JsonSchema)]
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
#[derive(Debug, Deserialize, JsonSchema)]
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
    pub classes: Table<ClassName>,
    /// What codes mean beyond their class: `detail.sub_code` of the failure.
    #[serde(default)]
    pub sub_codes: Table<String>,
    /// The upstream's words for states.
    #[serde(default)]
    pub states: Table<State>,
}

/// One request, and where its answer holds what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Path and, if need be, query, appended to `base_url`; variables are percent-encoded.
    pub path: String,
    /// The JSON body, if any: text variables are written as the inside of a JSON string, `${items}` and `${record}` as JSON.
    #[serde(default)]
    pub body: Option<String>,
    /// How the platform's record becomes the upstream's.
    #[serde(default)]
    pub record: Option<Mapping>,
    /// The same for single categories that differ.
    #[serde(default)]
    pub records: Table<Mapping>,
    /// Where the answer holds what: names that the call knows, each with a JSON Pointer.
    #[serde(default)]
    pub at: Table<String>,
}

impl Call {
    /// Where the answer holds this; `None` when the upstream does not say it.
    pub fn at(&self, name: &str) -> Option<&str> {
        self.at.get(name).map(String::as_str)
    }
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

/// The page on which a browser logs in with an account of the upstream's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authorize {
    /// Appended to `login.base_url`: `${ak} ${redirect_uri} ${state}`, percent-encoded. An upstream without a state of its
    /// own gets `${redirect_uri_with_state}`.
    pub link: String,
    /// The parameter in which the upstream's code comes back.
    #[serde(default = "code_name")]
    pub code_parameter: String,
    /// The parameter in which the state comes back.
    #[serde(default = "state_name")]
    pub state_parameter: String,
}

fn code_name() -> String {
    "code".to_owned()
}

fn state_name() -> String {
    "state".to_owned()
}
