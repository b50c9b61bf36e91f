//! The OAuth2 token (client_credentials, RFC 6749 §4.4), kept by the SDK's cache. Nothing in a token's reply is ever
//! written into a message save its code and, on a refusal, its text. No failure here has an effect at the upstream, so
//! every outcome is `not-sent`; a push that has left before says otherwise itself.

use duijie_sdk::{
    Failure, Outcome,
    http::{Request, Response},
    secret::{Atom, Part, Secret},
    token::{Fetched, TokenCache},
};
use serde_json::Value;

use crate::{
    CLIENT_SECRET,
    config::{ClientAuth, Config},
};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// The cache of this link's token; a token issued for another address or client is not found in it.
///
/// # Errors
/// The host's, when it cannot hash.
pub fn cache(config: &Config) -> Result<TokenCache, Failure> {
    TokenCache::new("access", &[&config.base_url, &config.token.path, &config.client_id])
}

/// Asks the upstream for a token.
///
/// # Errors
/// `auth-failed` when it refuses, `config` when there is no such endpoint, `rate-limited` at 429, `unavailable` at 5xx,
/// otherwise why there was no usable answer.
pub fn fetch(config: &Config) -> Result<Fetched, Failure> {
    let answered = request(config).send().map_err(Failure::from);
    answered.and_then(|response| read(config, &response)).map_err(|failure| failure.outcome(Outcome::NotSent))
}

fn request(config: &Config) -> Request {
    let id = Atom::text(config.client_id.as_str());
    let secret = Secret::raw(CLIENT_SECRET);
    let request = Request::post(config.url(&config.token.path))
        .header("accept", "application/json")
        .timeout_ms(config.http.timeout_ms);
    match config.token.client_auth {
        ClientAuth::Body => request.form([(GRANT.0, GRANT.1.into()), ("client_id", id), ("client_secret", secret)]),
        ClientAuth::Basic => {
            let credentials = Part::base64([id, Atom::text(":"), secret]);
            request.header("authorization", [Part::text("Basic "), credentials]).form([(GRANT.0, GRANT.1.into())])
        }
        ClientAuth::Query => request.query(GRANT.0, GRANT.1).query("client_id", id).query("client_secret", secret),
    }
}

fn read(config: &Config, response: &Response) -> Result<Fetched, Failure> {
    if let Some(failure) = response.not_now() {
        return Err(failure);
    }
    match response.status {
        404 | 405 => {
            let message = format!("there is no token endpoint at token.path (HTTP {})", response.status);
            return Err(Failure::config(message));
        }
        400..=499 => return Err(refused(response)),
        // Whatever else it says: a server in trouble has not judged the credentials.
        status @ 500.. => {
            let failure = Failure::unavailable(format!("the token endpoint is not available (HTTP {status})"));
            return Err(Failure { retry_after_ms: response.retry_after_ms(), ..failure });
        }
        _ => {}
    }
    let reply: Value = response.json()?;
    // Either bare, or wrapped as {"code":0,"msg":…,"data":{…}}.
    let found = reply.get("access_token").map_or_else(|| reply.get("data"), |_| Some(&reply));
    let token = found.and_then(|at| at.get("access_token")).and_then(Value::as_str).filter(|token| !token.is_empty());
    match (token, code(&reply)) {
        (_, Some(code)) if code != "0" => Err(refused(response)),
        (Some(token), _) if response.is_success() => {
            let seconds =
                found.and_then(|at| seconds(at.get("expires_in")?)).unwrap_or(u64::from(config.token.default_ttl_s));
            Ok(Fetched { token: token.to_owned(), ttl_ms: seconds.saturating_mul(1000) })
        }
        _ if reply.get("error").is_some() => Err(refused(response)),
        _ => Err(Failure::protocol(format!(
            "the token endpoint's answer holds no access_token (HTTP {})",
            response.status
        ))),
    }
}

/// A refusal, with the upstream's code and text if it gave any (RFC 6749 §5.2, or its own envelope).
fn refused(response: &Response) -> Failure {
    let reply = response.json::<Value>().unwrap_or_default();
    let text = |name: &str| reply.get(name).and_then(Value::as_str);
    let reason = text("error_description").or_else(|| text("msg")).unwrap_or("it says no more");
    let status = response.status;
    let failure = Failure::auth_failed(format!(
        "the token endpoint refuses client_id and client_secret (HTTP {status}): {reason:.256}"
    ));
    match code(&reply).or_else(|| text("error").map(str::to_owned)) {
        Some(code) => failure.upstream_code(code),
        None => failure.upstream_code(status.to_string()),
    }
}

/// An answer's `code`, which comes as a number or as text.
pub fn code(reply: &Value) -> Option<String> {
    match reply.get("code")? {
        Value::String(code) => Some(code.clone()),
        Value::Number(code) => Some(code.to_string()),
        _ => None,
    }
}

fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}
