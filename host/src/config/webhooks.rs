//! `[[webhooks]]`: which platform hears of its jobs, and where. No error repeats what stands where a secret's place should.

use std::path::Path;

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::{ConfigError, PlatformConfig};
use crate::{
    id::PlatformName,
    secret::source::{RawSource, SourceError},
    webhook::WebhookOptions,
};

/// What a secret looks like.
pub(super) const SECRET_FORM: &str =
    "is a table, { file = \"PATH\" } or { env = \"NAME\" }; the secret itself is never written here";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWebhook {
    platform: Spanned<PlatformName>,
    url: Spanned<String>,
    #[serde(default)]
    cidr: Vec<IpNet>,
    // Whatever stands there: the parser's own errors quote it, and it may be the secret itself.
    secret: Spanned<toml::Value>,
}

pub(super) fn parse(
    raw: Vec<RawWebhook>,
    platforms: &[PlatformConfig],
    base: &Path,
    invalid: &dyn Fn(usize, String) -> ConfigError,
) -> Result<Vec<WebhookOptions>, ConfigError> {
    let mut webhooks: Vec<WebhookOptions> = Vec::with_capacity(raw.len());
    for RawWebhook { platform, url, cidr, secret } in raw {
        let at = platform.span().start;
        let name = platform.into_inner();
        if !platforms.iter().any(|known| known.name == name) {
            return Err(invalid(at, format!("key `webhooks.platform`: no [[platforms]] has the name {name}")));
        }
        if webhooks.iter().any(|known| known.platform == name) {
            return Err(invalid(at, format!("key `webhooks.platform`: {name} has a webhook already; it may have one")));
        }
        let at = secret.span().start;
        let source = secret.into_inner().try_into::<RawSource>();
        let source = source.map_err(|_| invalid(at, format!("key `webhooks.secret`: {SECRET_FORM}")))?;
        let source = source.parse(base).map_err(|error| {
            let key = if error == SourceError::Variable { "webhooks.secret.env" } else { "webhooks.secret" };
            invalid(at, format!("key `{key}`: {error}"))
        })?;
        let options = WebhookOptions::new(name, url.get_ref(), cidr, source);
        webhooks.push(options.map_err(|error| invalid(url.span().start, format!("key `webhooks.url`: {error}")))?);
    }
    Ok(webhooks)
}
