//! What a connector says of itself: the [`Connector`] trait, its [`About`], and the [`Link`] that every call gets.
//! Nothing here talks to the host save [`Link::id`].

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Hooks, Operations, Problem, raw};

/// One connector: it speaks one upstream's protocol for many links. All of it is static, because the host makes a fresh
/// instance for every call.
pub trait Connector: Sized + 'static {
    /// The id, for instance `"zj-gxsz"`: a lower-case letter, then up to 63 of `a-z 0-9 -`.
    const NAME: &'static str;
    /// The connector's semantic version; normally `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// A link's `[config]` table. Its JSON Schema is what the host validates the table against, so use
    /// `#[serde(deny_unknown_fields)]`: a misspelt key is then refused.
    type Config: DeserializeOwned + JsonSchema;
    /// What `describe` answers, made beforehand: a component then carries this text instead of all that makes schemas,
    /// which in a connector of many operations is a fifth of it. A native test keeps it true
    /// (`testing::TestHost::hold_manifest`). `None` = made when asked.
    const MANIFEST: Option<&'static str> = None;

    /// Summary, secret slots and suggested origins. Called once per revision.
    fn about() -> About;

    /// Registers every operation. Called once per revision to describe, and once in each call to find the one wanted.
    fn operations(ops: &mut Operations<Self>);

    /// Registers every hook; none unless overridden. Called as [`Connector::operations`] is.
    fn hooks(_hooks: &mut Hooks<Self>) {}

    /// What is wrong with the link's config beyond what its schema says. Pure: only the config may be used; the host
    /// traps everything else. Called per link at load and by `duijie check`.
    fn check(_link: &Link<Self::Config>) -> Vec<Problem> {
        Vec::new()
    }
}

/// The link a call belongs to.
#[derive(Debug)]
pub struct Link<C> {
    config: C,
}

impl<C> Link<C> {
    pub(crate) fn new(config: C) -> Self {
        Self { config }
    }

    /// The link's effective config, without secrets.
    pub fn config(&self) -> &C {
        &self.config
    }

    /// The link's id, for instance `"zj.nbufe"`; at most 128 bytes.
    pub fn id(&self) -> String {
        raw::link_id()
    }
}

/// Summary, secret slots and suggested origins of a connector.
///
/// ```
/// use duijie_sdk::{About, Slot, Use};
///
/// let about = About::new("Talk records for the province.", "向省平台报送谈话记录。")
///     .secret(Slot::new("client_secret", "OAuth2 secret.", "OAuth2 密钥。", [Use::Send, Use::Sm4]))
///     .secret(Slot::new("proxy_key", "Key of the gateway.", "网关密钥。", [Use::Send]).optional())
///     .origin("https://api.zj-gxsz.cn");
/// ```
#[derive(Debug, Clone)]
pub struct About {
    pub(crate) summary: (String, String),
    pub(crate) secrets: Vec<Slot>,
    pub(crate) origins: Vec<String>,
}

impl About {
    /// The summary in English and in Chinese; one or two sentences, at most 1024 characters each.
    pub fn new(en: &str, zh: &str) -> Self {
        Self { summary: (en.to_owned(), zh.to_owned()), secrets: Vec::new(), origins: Vec::new() }
    }

    /// Adds a secret slot; at most 32.
    #[must_use]
    pub fn secret(mut self, slot: Slot) -> Self {
        self.secrets.push(slot);
        self
    }

    /// Adds an origin (`scheme://host[:port]`) for the operator's allow list: a suggestion, never a grant.
    #[must_use]
    pub fn origin(mut self, origin: &str) -> Self {
        self.origins.push(origin.to_owned());
        self
    }
}

/// A secret that a link must fill, and what the connector does with it.
#[derive(Debug, Clone)]
pub struct Slot {
    pub(crate) name: String,
    pub(crate) summary: (String, String),
    pub(crate) uses: Vec<Use>,
    pub(crate) optional: bool,
}

impl Slot {
    /// A slot's name (a lower-case letter, then up to 63 of `a-z 0-9 _`), its summary in English and in Chinese, and
    /// its uses: at least one, and no more than needed, because the host refuses every other.
    pub fn new<const N: usize>(name: &str, en: &str, zh: &str, uses: [Use; N]) -> Self {
        Self { name: name.to_owned(), summary: (en.to_owned(), zh.to_owned()), uses: uses.to_vec(), optional: false }
    }

    /// A link may leave the slot empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

/// What a connector may do with a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// Put its text into a message that is hashed or into the message of an HMAC.
    Digest,
    /// Key an HMAC with it.
    Hmac,
    /// Key SM4 with it.
    Sm4,
    /// Send its text to an origin that the link binds it to.
    Send,
}
