//! What is wrong with a config beyond what its schema says. Pure; everything is reported, not the first only.

use duijie_sdk::{Problem, url::Authority};

use super::Config;
use crate::gateway;

/// Every problem of a config.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |pointer: &str, message: &str| problems.push(Problem::new(pointer, message));

    let bases = [("/base_url", Some(&config.base_url)), ("/aamif/base_url", config.aamif.base_url.as_ref())];
    for (pointer, base) in bases {
        if let Some(Err(message)) = base.map(|base| Authority::of(base)) {
            report(pointer, &message);
        }
    }
    if !config.token.path.starts_with('/') {
        report("/token/path", "must begin with \"/\"; it is appended to base_url");
    }
    let pages = [
        ("/oauth/redirect_uri", config.oauth.redirect_uri.as_ref()),
        ("/login/ticket_return_url", config.login.ticket_return_url.as_ref()),
    ];
    for (pointer, page) in pages {
        if let Some(Err(message)) = page.map(|page| page_of(page)) {
            report(pointer, &message);
        }
    }
    for (at, page) in config.login.return_urls.iter().enumerate() {
        if let Err(message) = Authority::of(page) {
            report(&format!("/login/return_urls/{at}"), &message);
        }
    }
    if config.oauth.redirect_uri.is_some() && config.login.return_urls.is_empty() {
        report("/login/return_urls", "names no page, so no log-in of oauth.redirect_uri could end anywhere");
    }
    for (at, code) in config.errors.token_expired_codes.iter().enumerate() {
        if gateway::ENVELOPE.success.contains(&code.as_str()) {
            report(&format!("/errors/token_expired_codes/{at}"), "is the code of success");
        }
    }
    problems
}

/// A page may have a query; its fragment would swallow what is added.
fn page_of(page: &str) -> Result<(), String> {
    if page.contains('#') {
        return Err("must not have a fragment".to_owned());
    }
    Authority::of(page.split('?').next().unwrap_or_default()).map(drop)
}
