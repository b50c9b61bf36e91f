//! A link's `[config]`, with the defaults of the upstream's document or, where that is silent, ours. Parsed once;
//! [`problems`] says what a schema cannot.

mod problems;

use std::collections::BTreeMap;

use duijie_sdk::{json, pattern::Pattern, url};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::operation::{Operation, Part};

pub use problems::problems;

/// Texts that mean "log in again", unless the link says otherwise.
const TOKEN_EXPIRED: &str = "(?i)token|登录|失效|过期";

/// Everything a link may say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Which half of the document the platform behind the link needs.
    #[serde(default)]
    pub role: Role,
    /// Address of the upstream: scheme, host and, if need be, port and path.
    pub base_url: String,
    /// The platform's account (`studyPlatformAcount`) as issued; needed by whatever logs in.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub account: Option<String>,
    /// May passwords and identity numbers go to an `http://` address, readable by everybody on the way?
    #[serde(default)]
    pub allow_plaintext: bool,
    /// The token of the log-in.
    #[serde(default)]
    pub token: Token,
    /// What the upstream is told of the device that asks.
    #[serde(default)]
    pub device: Device,
    /// Paths by operation, where they are not those of the document; such an operation has no second path to try.
    #[serde(default)]
    pub path: BTreeMap<Operation, String>,
    /// The `headers` object in a request's body.
    #[serde(default)]
    pub headers: Headers,
    /// How numbers are written.
    #[serde(default)]
    pub numbers: Numbers,
    /// What only part 2 (the business platform) needs.
    #[serde(default)]
    pub part2: Part2,
    /// What becomes of a class that the upstream pushes.
    #[serde(default)]
    pub push_class: PushClass,
    /// Where the courses come from that the upstream pulls.
    #[serde(default)]
    pub pull: Pull,
    /// Whom the hooks believe, besides the path's secret and the allow list of the link.
    #[serde(default)]
    pub hook: Hook,
    /// What a photo of a face check may be.
    #[serde(default)]
    pub face: Face,
    /// What is checked before anything is sent.
    #[serde(default)]
    pub validate: Validate,
    /// How to read refusals.
    #[serde(default)]
    pub errors: Errors,
}

/// Which half of the document a link serves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A learning platform: operations 1.1 to 1.14.
    #[default]
    Learning,
    /// A business platform: operations 2.1 to 2.5.
    Business,
    /// Both.
    Both,
}

/// The token of the log-in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Token {
    /// Its life in seconds, which the upstream does not say in its answer. It is renewed 300 s before the end, or at half of it if
    /// that is shorter.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub ttl_s: u32,
}

/// What the upstream is told of the device that asks.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Device {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: DeviceKind,
    /// Its id: a UUID, for Android the MAC without colons. If left out, a UUID that is always the same for this link.
    #[schemars(length(min = 1, max = 64))]
    pub id: Option<String>,
}

/// The upstream's names of devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum DeviceKind {
    #[default]
    #[serde(rename = "TYPE_PC")]
    Pc,
    #[serde(rename = "TYPE_H5")]
    H5,
    #[serde(rename = "TYPE_ANDROID")]
    Android,
    #[serde(rename = "TYPE_IOS")]
    Ios,
}

impl DeviceKind {
    /// The upstream's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pc => "TYPE_PC",
            Self::H5 => "TYPE_H5",
            Self::Android => "TYPE_ANDROID",
            Self::Ios => "TYPE_IOS",
        }
    }
}

/// The `headers` object in a request's body.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Headers {
    /// What the token's member is called.
    pub token_keys: TokenKeys,
}

/// What the token's member is called: one name, or a list of names that are all sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenKeys {
    /// In part 1.
    #[serde(deserialize_with = "json::as_list")]
    #[schemars(schema_with = "names_schema")]
    pub part1: Vec<String>,
    /// In part 2.
    #[serde(deserialize_with = "json::as_list")]
    #[schemars(schema_with = "names_schema")]
    pub part2: Vec<String>,
}

/// How numbers are written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Numbers {
    /// By operation: true writes its numbers as text, false as numbers; as the document's example does, if left out.
    pub as_string: BTreeMap<Operation, bool>,
}

/// What only part 2 needs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Part2 {
    /// `studyPlatformApiUrl`, which the tables of 2.1 to 2.4 require and no example sends: sent when it is set.
    #[schemars(length(min = 1, max = 1024))]
    pub api_url: Option<String>,
    /// The values of `returnCode` that mean success: examples say "0", a note says "1".
    #[schemars(length(min = 1, max = 8))]
    pub success_codes: Vec<String>,
    /// Where the token comes from, which the document does not say.
    pub token_source: TokenSource,
}

/// Where the token of part 2 comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TokenSource {
    /// From the log-in of part 1.
    #[default]
    Login,
    /// From the secret `part2_token`.
    Static,
    /// None is sent: the member is empty.
    None,
}

/// What becomes of a class that the upstream pushes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PushClass {
    /// Who makes the accounts.
    pub mode: PushMode,
    /// With `derive`: a student's account, of `${studentUserCode} ${cardNo} ${cardNo6} ${studentName} ${studentPhone} ${classCode}`,
    /// where `${cardNo6}` are the last six characters of the identity number.
    #[schemars(length(min = 1, max = 256))]
    pub account_template: String,
    /// What learners are told about their passwords, unless the platform says something else.
    #[schemars(length(max = 200))]
    pub password_rules: String,
}

/// Who makes the accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PushMode {
    /// The platform, which is asked and waited for.
    #[default]
    Forward,
    /// This connector, by a template; the platform is told, if the link has one.
    Derive,
}

/// Where the courses come from that the upstream pulls.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pull {
    /// Who has them.
    pub source: PullSource,
    /// Put the page under `returnData` too, as the document's table says, besides the form of its example.
    #[serde(rename = "also_returnData")]
    pub also_return_data: bool,
}

/// Who has the courses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PullSource {
    /// The platform, which is asked for each page.
    #[default]
    Forward,
    /// The link's own store, filled by `course.store`.
    Store,
}

/// Whom the hooks believe.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hook {
    /// Must a request show the secret `hook_token` as its token? The document gives inbound requests no authentication.
    pub check_token: bool,
}

/// What a photo of a face check may be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Face {
    /// Bytes after decoding.
    #[schemars(range(min = 1, max = 3_000_000))]
    pub max_bytes: u32,
    /// Pixels of the longer and of the shorter side, where the photo is a JPEG or PNG that says them.
    pub max_px: (u32, u32),
}

/// What is checked before anything is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Validate {
    /// Identity numbers: 18 characters and the check digit. The document's own examples would not pass.
    pub card_no: bool,
}

/// How to read refusals.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Errors {
    /// Words of refusals that mean "log in again", with `|` between them; `(?i)` before them ignores case. The upstream
    /// has no codes for it.
    #[schemars(extend("default" = TOKEN_EXPIRED))]
    pub token_expired_pattern: Option<Pattern>,
    /// The values of `returnCode` by which 1.2 says "name and number do not belong together"; none is known.
    #[schemars(length(max = 16))]
    pub not_verified_codes: Vec<String>,
}

impl Config {
    /// The URL of a path at the upstream.
    pub fn url(&self, path: &str) -> String {
        url::join(&self.base_url, path)
    }

    /// Does anything that this link may do need the log-in?
    pub fn logs_in(&self) -> bool {
        self.role != Role::Business || self.part2.token_source == TokenSource::Login
    }

    /// The names of the token's member.
    pub fn token_keys(&self, part: Part) -> &[String] {
        match part {
            Part::Learning => &self.headers.token_keys.part1,
            Part::Business => &self.headers.token_keys.part2,
        }
    }

    /// Does the text of a refusal mean "log in again"?
    pub fn means_expired(&self, message: &str) -> bool {
        match &self.errors.token_expired_pattern {
            Some(pattern) => pattern.is_in(message),
            None => Pattern::new(TOKEN_EXPIRED).is_some_and(|pattern| pattern.is_in(message)),
        }
    }

    /// Does an operation write its numbers as text? `usual` is what the document's example does.
    pub fn writes_text(&self, operation: Operation, usual: bool) -> bool {
        self.numbers.as_string.get(&operation).copied().unwrap_or(usual)
    }
}

fn names_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let name = || serde_json::json!({ "type": "string", "minLength": 1, "maxLength": 64 });
    schemars::json_schema!({ "anyOf": [name(), { "type": "array", "items": name(), "minItems": 1, "maxItems": 4 }] })
}

impl Default for Token {
    fn default() -> Self {
        Self { ttl_s: 7200 }
    }
}

impl Default for TokenKeys {
    fn default() -> Self {
        Self { part1: vec!["userToken".to_owned()], part2: vec!["user_token".to_owned()] }
    }
}

impl Default for Part2 {
    fn default() -> Self {
        Self { api_url: None, success_codes: vec!["0".to_owned()], token_source: TokenSource::Login }
    }
}

impl Default for PushClass {
    fn default() -> Self {
        Self {
            mode: PushMode::Forward,
            // Unique, and says nothing of the person.
            account_template: "${studentUserCode}".to_owned(),
            password_rules: "首次登录短信验证".to_owned(),
        }
    }
}

impl Default for Face {
    fn default() -> Self {
        Self { max_bytes: 2_000_000, max_px: (1920, 1080) }
    }
}

impl Default for Validate {
    fn default() -> Self {
        Self { card_no: true }
    }
}
