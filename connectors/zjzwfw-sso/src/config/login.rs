//! What a link says of log-in and log-out by redirect: the links that browsers follow, and the pages they may end at.

use schemars::JsonSchema;
use serde::Deserialize;

/// Log-in by redirect.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// The log-in page: `${base}`, `${servicecode}` and `${goto}`, the last two percent-encoded.
    #[schemars(length(min = 1, max = 2048))]
    pub url_template: String,
    /// The public address of this link's hook `login-landing`, as browsers reach it. Without it there is no log-in.
    pub landing_url: Option<String>,
    /// The platform's pages that a log-in may end at, or the folders of such pages.
    #[schemars(length(max = 32))]
    pub return_urls: Vec<String>,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            url_template: "${base}/mobile.do?action=oauth&scope=1&servicecode=${servicecode}&goto=${goto}".to_owned(),
            landing_url: None,
            return_urls: Vec::new(),
        }
    }
}

/// Log-out by redirect.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Logout {
    /// The log-out page, with the variables of `login.url_template`. The portal prints none, so there is no default.
    pub url_template: Option<String>,
}
