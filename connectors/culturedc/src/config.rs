//! A link's `[config]`. Everything has a default save what the upstream issues. A link without `base_url` has no rights
//! at the interface yet: it fills sheets and checks links. [`problems`] says what a schema cannot.

mod problems;

use std::ops::Deref;

use duijie_sdk::{Failure, mapping::Mapping, table::Table, typed, url::Authority};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    model::Category,
    profile::{Profile, SIM_V1},
};

pub use problems::problems;

/// Everything a link may say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whose wire form is in use: `sim-v1` until the upstream's manual is there, then `custom`.
    #[serde(default)]
    pub profile: ProfileName,
    /// The wire form, for `profile = "custom"`.
    #[serde(default)]
    pub wire: Option<Box<Profile>>,
    /// The simulators that the profile `sim-v1` may talk to besides this machine.
    #[serde(default)]
    pub sim: Sim,
    /// Address of the interface: scheme, host and, if need be, port and path. None before the AK/SK is approved.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The AK as issued.
    #[serde(default)]
    #[schemars(length(min = 1, max = 256))]
    pub access_key: Option<String>,
    /// What an expired AK/SK means.
    #[serde(default)]
    pub aksk: Aksk,
    /// The categories in use and the upstream's words for them.
    #[serde(default = "all_categories")]
    pub categories: Table<String>,
    /// The columns of the upstream's sheets, for categories whose sheets differ from the built-in one.
    #[serde(default)]
    pub template: Table<Mapping>,
    /// How many resources a request takes.
    #[serde(default)]
    pub batch: Batch,
    /// How fast to send.
    #[serde(default)]
    pub rate: Rate,
    /// How long names and addresses may be.
    #[serde(default)]
    pub limits: Limits,
    /// The mutual links.
    #[serde(default)]
    pub links: Links,
    /// The usage numbers.
    #[serde(default)]
    pub stats: Stats,
    /// Logging in with an account of the upstream's.
    #[serde(default)]
    pub login: Login,
}

/// Whose wire form is in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ProfileName {
    /// Our simulator's, which is our invention.
    #[default]
    #[serde(rename = "sim-v1")]
    SimV1,
    /// The one in `wire`.
    #[serde(rename = "custom")]
    Custom,
}

/// Simulators besides this machine.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sim {
    /// `host` or `host:port`, exactly as in `base_url`.
    pub hosts: Vec<String>,
}

/// What an expired AK/SK means. When it expires stands beside the secret, in the link.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Aksk {
    /// Hold calls back, or try anyway?
    pub on_expired: OnExpired,
}

/// What becomes of calls under an expired AK/SK.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnExpired {
    /// `auth-expired`, and nothing is sent, until the renewal is confirmed.
    #[default]
    Hold,
    /// They are sent; the upstream decides.
    Send,
}

/// How many resources a request takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Batch {
    /// Resources a request at the most; `sim-v1` takes 50.
    #[schemars(range(min = 1, max = 500))]
    pub size: usize,
}

/// How fast to send.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rate {
    /// Requests a minute of the whole link; what comes beyond is `rate-limited` and not sent. 0 = no limit.
    #[schemars(range(max = 60_000))]
    pub per_min: u32,
}

/// How long names and addresses may be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Unicode characters of a title or a page's name.
    #[schemars(range(min = 1, max = 200))]
    pub name: usize,
    /// Bytes of an address after percent-encoding.
    #[schemars(range(min = 16, max = 2048))]
    pub url: usize,
}

/// The mutual links (layer ①).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Links {
    /// The pages that must carry a link.
    #[schemars(length(max = 30))]
    pub pages: Vec<Page>,
    /// Where it may lead: one of these is enough; http and https are the same, and so is any page below.
    #[schemars(length(min = 1, max = 16))]
    pub targets: Vec<String>,
    /// Hours after which a page is due for its next check.
    #[schemars(range(min = 1, max = 720))]
    pub period: u32,
}

/// A page that must carry a link.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// What the operator calls it: the system's name on the PC, H5 or App page.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// Its http or https address, after any redirect: the host follows none.
    #[schemars(length(max = 2048))]
    pub url: String,
    /// Where its link may lead, instead of `links.targets`: for pages of the upstream's that link back.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub targets: Vec<String>,
}

/// The usage numbers (layer ③).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stats {
    /// The numbers that every report must hold; the others are sent if they are given.
    pub fields: Vec<StatsField>,
}

/// A usage number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StatsField {
    /// 资源访问量.
    Pv,
    /// 独立访问用户数.
    Uv,
    /// 独立IP数量.
    Ip,
    /// 日增加活动数量.
    NewActivities,
    /// 日增加场馆数量.
    NewVenues,
}

/// Logging in with an account of the upstream's (layer ④).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// The public address of the hook `login-landing`, as registered at the upstream (APPID回调地址).
    pub redirect_uri: Option<String>,
    /// Where browsers find the upstream's log-in page, if not at `base_url`.
    pub base_url: Option<String>,
    /// The platform's pages on which a log-in may end; pages below them too.
    #[schemars(length(max = 16))]
    pub return_urls: Vec<String>,
}

impl Config {
    /// The wire form in use, if this link may use it.
    ///
    /// # Errors
    /// `config` without `base_url`, for a host that the profile may not talk to, and for `custom` without a wire form.
    pub fn profile(&self) -> Result<Wire<'_>, Failure> {
        self.base_url()?;
        problems::host_is_allowed(self).map_err(|message| Failure::config(format!("base_url {message}")))?;
        match (self.profile, &self.wire) {
            (ProfileName::SimV1, _) => Ok(Wire::BuiltIn(Box::new(sim_v1()?))),
            (ProfileName::Custom, Some(wire)) => Ok(Wire::Own(wire)),
            (ProfileName::Custom, None) => Err(Failure::config("the profile \"custom\" needs [config.wire]")),
        }
    }

    /// The address of the interface.
    ///
    /// # Errors
    /// `config` when the link has none.
    pub fn base_url(&self) -> Result<&str, Failure> {
        self.base_url.as_deref().ok_or_else(|| {
            Failure::config(
                "the link has no base_url: without rights at the interface only sheets and link checks work",
            )
        })
    }

    /// The AK; empty when the link has none.
    pub fn access_key(&self) -> &str {
        self.access_key.as_deref().unwrap_or_default()
    }

    /// The upstream's word for a category; `None` when the link does not use it.
    pub fn word_for(&self, category: Category) -> Option<&str> {
        self.categories.get(category.name()).map(String::as_str)
    }

    /// The category that the upstream means.
    pub fn category_of(&self, word: &str) -> Option<Category> {
        self.categories.iter().find(|(_, known)| *known == word).and_then(|(name, _)| Category::of(name))
    }
}

/// The wire form in use.
pub enum Wire<'a> {
    /// The one that comes with the connector.
    BuiltIn(Box<Profile>),
    /// The link's own.
    Own(&'a Profile),
}

impl Deref for Wire<'_> {
    type Target = Profile;

    fn deref(&self) -> &Profile {
        match self {
            Self::BuiltIn(profile) => profile,
            Self::Own(profile) => profile,
        }
    }
}

/// The built-in profile.
///
/// # Errors
/// None that a test would not find.
pub fn sim_v1() -> Result<Profile, Failure> {
    typed::parse(SIM_V1.as_bytes())
        .map_err(|error| Failure::internal(format!("the built-in profile is broken: {error}")))
}

/// Bytes of an address when everything that is not printable ASCII is percent-encoded.
pub fn encoded_length(url: &str) -> usize {
    url.bytes().map(|byte| if byte.is_ascii_graphic() { 1 } else { 3 }).sum()
}

/// Is this a whole http or https address, whatever stands behind its host?
pub fn is_web_address(url: &str) -> bool {
    Authority::of(url.split(['?', '#']).next().unwrap_or_default()).is_ok()
}

impl Default for Batch {
    fn default() -> Self {
        Self { size: 50 }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_min: 60 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { name: 50, url: 255 }
    }
}

impl Default for Links {
    fn default() -> Self {
        let targets = ["http://www.culturedc.cn", "https://app.culturedc.cn"];
        Self { pages: Vec::new(), targets: targets.map(str::to_owned).to_vec(), period: 24 }
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self { fields: vec![StatsField::Pv, StatsField::Uv, StatsField::Ip] }
    }
}

fn all_categories() -> Table<String> {
    Category::ALL.iter().map(|&(_, name)| (name.to_owned(), name.to_owned())).collect()
}
