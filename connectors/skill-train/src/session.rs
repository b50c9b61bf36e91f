//! The log-in (1.1): one token and one platform code for all calls of a link, kept by the SDK's cache until 115 minutes
//! of its two hours are over. The password never enters this component. No failure here has an effect at the upstream.

use std::cell::Cell;

use duijie_sdk::{
    Class, Failure, Link, Outcome,
    http::{Request, Response},
    json,
    reply::Envelope,
    secret::{Part as Text, Secret},
    template::inside_json,
    time,
    token::{Fetched, TokenCache},
    typed,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{PASSWORD, config::Config, envelope, model::Nothing, operation::Operation};

/// A token is renewed this long before its end, or at half its life if that is shorter.
const EARLY_MS: u64 = 300_000;

/// What the log-in gives.
#[derive(Serialize, Deserialize)]
pub struct Session {
    /// The token.
    pub token: String,
    /// The platform's code at the upstream (`studyPlatformCode`), which nearly every request repeats.
    pub code: String,
    /// The platform's name at the upstream.
    pub name: String,
}

/// What `token.check` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// The platform's code at the upstream.
    pub study_platform_code: String,
    /// The platform's name at the upstream; empty when it has none.
    pub study_platform_name: String,
    /// When the token ends, by `token.ttl_s`; RFC 3339 in China time.
    pub expires_at: String,
}

impl Session {
    /// What the cache holds, which is what [`fetch`] has put there.
    ///
    /// # Errors
    /// `internal` when it is something else.
    pub fn of(kept: &str) -> Result<Self, Failure> {
        typed::parse(kept.as_bytes()).map_err(|_| Failure::internal("the kept session is none of ours"))
    }
}

/// Logs in anew, whatever token is kept, and keeps the new one: account, password and address are right.
///
/// # Errors
/// What the log-in gives.
pub fn check(link: &Link<Config>, _: Nothing) -> Result<Checked, Failure> {
    let config = link.config();
    if !config.logs_in() {
        return Err(Failure::config("this link never logs in: role and part2.token_source say so"));
    }
    let (cache, is_new) = (cache(config)?, Cell::new(false));
    let fetch = || fetch(link).inspect(|_| is_new.set(true));
    let mut kept = cache.get(fetch)?;
    if !is_new.get() {
        kept = cache.renew(&kept, fetch)?;
    }
    let session = Session::of(&kept)?;
    let ends_ms = time::now_ms() + u64::from(config.token.ttl_s) * 1000;
    Ok(Checked {
        study_platform_code: session.code,
        study_platform_name: session.name,
        expires_at: time::format(ends_ms, envelope::RFC3339),
    })
}

/// The session that is kept, or a new one.
///
/// # Errors
/// What the log-in gives.
pub fn current(link: &Link<Config>) -> Result<Session, Failure> {
    Session::of(&cache(link.config())?.get(|| fetch(link))?)
}

/// The cache of this link's sessions; one of another address or account is not found in it.
///
/// # Errors
/// The host's, when it cannot hash.
pub fn cache(config: &Config) -> Result<TokenCache, Failure> {
    let account = config.account.as_deref().unwrap_or_default();
    let cache = TokenCache::new("session", &[&config.base_url, envelope::path(config, Operation::Login), account])?;
    Ok(cache.early_ms(EARLY_MS))
}

/// Logs in.
///
/// # Errors
/// `auth-failed` when the upstream refuses the account, `config` without an account or without a log-in at the path,
/// otherwise why there was no usable answer.
pub fn fetch(link: &Link<Config>) -> Result<Fetched, Failure> {
    let answered = request(link).and_then(|request| Ok(request.send()?));
    answered.and_then(|response| read(link.config(), &response)).map_err(|failure| failure.outcome(Outcome::NotSent))
}

fn request(link: &Link<Config>) -> Result<Request, Failure> {
    let config = link.config();
    let account = config.account.clone().ok_or_else(|| Failure::config("account is not set, so nobody can log in"))?;
    let head = envelope::head(link, None)?.concat();
    let opened = format!(r#"{{"studyPlatformAcount":"{}","passWord":""#, inside_json(account));
    let body = [Text::text(head + &opened), Secret::json(PASSWORD).into(), Text::text(r#""}}"#)];
    Ok(envelope::post(config, Operation::Login).body(body))
}

fn read(config: &Config, response: &Response) -> Result<Fetched, Failure> {
    const REPLY: Envelope<'_> =
        Envelope { code: &["/returnCode"], message: &["/returnMsg"], success: &["0"], classes: &[] };
    if let Some(failure) = envelope::not_found(Operation::Login, response) {
        return Err(failure);
    }
    let reply: serde_json::Value = REPLY.open(response).map_err(|failure| match failure.class {
        Class::UpstreamRejected if response.status >= 500 => Failure { class: Class::Unavailable, ..failure },
        Class::UpstreamRejected => Failure { class: Class::AuthFailed, ..failure },
        _ => failure,
    })?;
    let text = |pointers: &[&str]| {
        let found = json::first(&reply, pointers).and_then(json::text);
        found.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let token =
        text(&["/returnData/acceptToken", "/returnData/accessToken", "/returnData/userToken", "/returnData/token"]);
    let (Some(token), Some(code)) = (token, text(&["/returnData/studyPlatformCode"])) else {
        return Err(Failure::protocol("the log-in's answer holds no acceptToken or no studyPlatformCode"));
    };
    let session = Session { token, code, name: text(&["/returnData/studyPlatformName"]).unwrap_or_default() };
    let token = serde_json::to_string(&session)
        .map_err(|error| Failure::internal(format!("a session is not JSON: {error}")))?;
    Ok(Fetched { token, ttl_ms: u64::from(config.token.ttl_s) * 1000 })
}
