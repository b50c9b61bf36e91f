//! Calling the upstream: its two services, their envelopes, and a token that is renewed once when it is refused. The
//! token travels in the query, as the upstream demands; no message made here holds a URL.

use duijie_sdk::{
    Class, Failure, Outcome,
    fields::Fields,
    http::{Request, Response},
    reply::Envelope,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{config::Config, token};

/// How both services say what became of a request: `retCode` and `retDesc`, or `result` and `desc`.
pub const ENVELOPE: Envelope<'_> = Envelope {
    code: &["/retCode", "/result"],
    message: &["/retDesc", "/desc"],
    success: &["000000"],
    classes: &[
        ("200001", Class::InvalidInput),
        ("200002", Class::InvalidInput),
        ("300006", Class::SessionInvalid),
        (UNVERIFIED, Class::IdentityUnverified),
        ("301999", Class::SessionInvalid),
    ],
};

/// The code for a person who has not been verified; it comes with `data.certUrl`.
pub const UNVERIFIED: &str = "300027";

/// Posts to the gateway with a token; the reply, when it says success.
///
/// # Errors
/// Every row of the error table in this connector's README.
pub fn post(config: &Config, path: &str, body: &impl Serialize) -> Result<Value, Failure> {
    with_token(config, &|access| Request::post(config.gateway_url(path)).query("accessToken", access).json(body))
}

/// Posts to the aamif service, with a token if the config says so; the reply, when it says success.
///
/// # Errors
/// As [`post`].
pub fn post_aamif(config: &Config, path: &str, body: &impl Serialize) -> Result<Value, Failure> {
    let request = Request::post(config.aamif_url(path));
    if config.aamif.send_access_token {
        return with_token(config, &|access| request.clone().query("accessToken", access).json(body));
    }
    let response = prepared(config, request).json(body)?.send()?;
    open(config, &response, None)
}

/// Sends what `request` makes of a token; the reply, when it says success.
///
/// # Errors
/// As [`post`].
pub fn with_token(config: &Config, request: &dyn Fn(&str) -> Result<Request, Failure>) -> Result<Value, Failure> {
    let answered = token::cache(config)?.send(
        || token::fetch(config),
        |access, _| Ok(prepared(config, request(access)?)),
        |response| is_token_refused(config, response),
    )?;
    answered.read(|response| open(config, response, Some(answered.attempt)))
}

/// Is it the user's session or ticket that is refused, rather than the upstream in trouble?
pub fn refuses_user(failure: &Failure) -> bool {
    matches!(
        failure.class,
        Class::SessionInvalid | Class::IdentityUnverified | Class::InvalidInput | Class::UpstreamRejected
    )
}

/// A request with what all have.
pub fn prepared(config: &Config, request: Request) -> Request {
    request.header("accept", "application/json").timeout_ms(config.http.timeout_ms)
}

/// The JSON of an answer, as leniently as the config says.
///
/// # Errors
/// "Not now" statuses, and what is no JSON.
pub fn parse(config: &Config, response: &Response) -> Result<Value, Failure> {
    match response.not_now() {
        Some(failure) => Err(failure),
        None if config.json.lenient => response.json_lenient(),
        None => response.json(),
    }
}

fn is_token_refused(config: &Config, response: &Response) -> bool {
    response.status == 401 || parse(config, response).is_ok_and(|reply| says_token_expired(config, &reply))
}

/// The codes listed say so; of codes that have no meaning of their own, the text may.
fn says_token_expired(config: &Config, reply: &Value) -> bool {
    let Some(code) = ENVELOPE.code(reply) else { return false };
    if config.errors.token_expired_codes.contains(&code) {
        return true;
    }
    let has_meaning =
        ENVELOPE.success.contains(&code.as_str()) || ENVELOPE.classes.iter().any(|(known, _)| *known == code);
    let pattern = config.errors.token_expired_pattern.as_ref();
    !has_meaning && pattern.is_some_and(|pattern| pattern.is_in(&ENVELOPE.message(reply)))
}

/// Has the token expired that was shown in this attempt, if one was? Of one that this call has fetched, and so was not
/// renewed, words alone do not say so.
fn has_expired(config: &Config, attempt: Option<u32>, reply: &Value) -> bool {
    match attempt {
        None => false,
        Some(1) => ENVELOPE.code(reply).is_some_and(|code| config.errors.token_expired_codes.contains(&code)),
        Some(_) => says_token_expired(config, reply),
    }
}

fn open(config: &Config, response: &Response, attempt: Option<u32>) -> Result<Value, Failure> {
    if response.status == 401 {
        let failure = if attempt.is_some() {
            Failure::auth_expired("the upstream refuses a token that it has just issued (HTTP 401)")
        } else {
            Failure::auth_failed("the aamif service wants more (HTTP 401): aamif.send_access_token may have to be true")
        };
        return Err(failure.outcome(Outcome::Rejected).upstream_code("401"));
    }
    let reply = parse(config, response)?;
    match ENVELOPE.judge(response.status, &reply) {
        Ok(()) => Ok(reply),
        Err(failure) if failure.class == Class::Protocol => Err(failure),
        Err(failure) if has_expired(config, attempt, &reply) => Err(Failure { class: Class::AuthExpired, ..failure }),
        Err(failure) if failure.class == Class::IdentityUnverified => Err(match cert_url(&reply) {
            Some(url) => failure.detail(&json!({ "certUrl": url })),
            None => failure,
        }),
        Err(failure) => Err(failure),
    }
}

/// Where a person gets verified, as an unverified one's reply says.
fn cert_url(reply: &Value) -> Option<String> {
    Fields::of(reply).object("data").text(&["certUrl"])
}
