//! The access token, kept by the SDK's cache. Nothing of a token's reply is ever written into a message save its code
//! and, on a refusal, its text. No failure here has an effect at the upstream, so every outcome is `not-sent`.

use duijie_sdk::{
    Class, Failure, Link, Outcome,
    fields::Fields,
    http::{Request, Response},
    time,
    token::{Fetched, TokenCache},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    config::Config,
    gateway,
    model::{Nothing, TokenState},
    sign,
};

/// `token.check`: is there a valid token, or is one issued? It is never shown.
///
/// # Errors
/// As [`fetch`]; the store's.
pub fn check(link: &Link<Config>, _: Nothing) -> Result<TokenState, Failure> {
    let cache = cache(link.config())?;
    cache.get(|| fetch(link.config()))?;
    let until = cache.valid_until_ms()?;
    Ok(TokenState { valid_until: until.map(|at_ms| time::format(at_ms, "yyyy-MM-ddTHH:mm:ss+08:00")) })
}

/// The cache of this link's token; a token issued for another address or platform is not found in it.
///
/// # Errors
/// The host's, when it cannot hash.
pub fn cache(config: &Config) -> Result<TokenCache, Failure> {
    let issued_for = [&config.base_url, &config.token.path, &config.app_id, &config.sys_code];
    let early_ms = u64::from(config.token.refresh_skew_s) * 1000;
    Ok(TokenCache::new("access", &issued_for.map(String::as_str))?.early_ms(early_ms).trust_fetched())
}

/// Asks the upstream for a token.
///
/// # Errors
/// `auth-failed` when it refuses, `config` when there is no such endpoint, `rate-limited` at 429, `unavailable` at 502 to
/// 504, otherwise why there was no usable answer.
pub fn fetch(config: &Config) -> Result<Fetched, Failure> {
    let answered = request(config).and_then(|request| Ok(request.send()?));
    answered.and_then(|response| read(config, &response)).map_err(|failure| failure.outcome(Outcome::NotSent))
}

/// The body in the document's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenRequest<'a> {
    app_id: &'a str,
    time_stamp: &'a str,
    key_info: &'a str,
    sys_code: &'a str,
}

fn request(config: &Config) -> Result<Request, Failure> {
    let time_stamp = sign::time_stamp(config, time::now_ms());
    let body = TokenRequest {
        app_id: &config.app_id,
        time_stamp: &time_stamp,
        key_info: &sign::key_info(config, &time_stamp)?,
        sys_code: &config.sys_code,
    };
    gateway::prepared(config, Request::post(config.gateway_url(&config.token.path))).json(&body)
}

fn read(config: &Config, response: &Response) -> Result<Fetched, Failure> {
    match response.status {
        404 | 405 => {
            let status = response.status;
            return Err(Failure::config(format!("there is no token endpoint at token.path (HTTP {status})")));
        }
        401 | 403 => {
            return Err(Failure::auth_failed(format!("the upstream gives no token (HTTP {})", response.status)));
        }
        _ => {}
    }
    let reply = gateway::parse(config, response)?;
    // Some regional gateways give no code with a token.
    match (found(&reply), gateway::ENVELOPE.code(&reply)) {
        (Some(fetched), None) if response.is_success() => Ok(fetched.within(config)),
        (found, _) => {
            gateway::ENVELOPE.judge(response.status, &reply).map_err(refused)?;
            found
                .map(|found| found.within(config))
                .ok_or_else(|| Failure::protocol("the token endpoint gives no token"))
        }
    }
}

/// Whatever the code: it is the platform's credentials that are refused, or how they are shown.
fn refused(failure: Failure) -> Failure {
    match failure.class {
        Class::Protocol => failure,
        _ => Failure { class: Class::AuthFailed, ..failure },
    }
}

/// A token in a reply, and what the object it is in says of its life.
struct Found {
    token: String,
    valid_time: Option<i64>,
}

/// Where generations of gateways put the token.
fn found(reply: &Value) -> Option<Found> {
    let reply = Fields::of(reply);
    let places: [(Fields<'_>, &[&str]); 3] = [
        (reply.object("data"), &["accessToken"]),
        (reply.object("tokenInfo"), &["accessToken", "token"]),
        (reply, &["accessToken"]),
    ];
    places
        .into_iter()
        .find_map(|(at, names)| Some(Found { token: at.text(names)?, valid_time: at.integer(&["validTime"]) }))
}

impl Found {
    fn within(self, config: &Config) -> Fetched {
        Fetched { token: self.token, ttl_ms: ttl_ms(self.valid_time, config.token.default_ttl_s) }
    }
}

/// The life that a `validTime` means: epoch milliseconds, epoch seconds, or seconds to live, by its size.
fn ttl_ms(valid_time: Option<i64>, default_s: u32) -> u64 {
    let now_ms = time::now_ms();
    match valid_time.and_then(|time| u64::try_from(time).ok()).unwrap_or(0) {
        0 => u64::from(default_s) * 1000,
        ms @ 1_000_000_000_001.. => ms.saturating_sub(now_ms),
        s @ 1_000_000_001.. => s.saturating_mul(1000).saturating_sub(now_ms),
        s => s.saturating_mul(1000),
    }
}
