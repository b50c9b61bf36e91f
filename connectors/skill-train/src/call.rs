//! One operation at the upstream, top to bottom: role → log-in → envelope → send → a new log-in and once more if the
//! token is refused → the path as printed if the repaired one is not found → read. Never sends what is not the link's
//! role, and never sends twice what may have been applied.

use duijie_sdk::{
    Failure, Link, Outcome,
    http::{Request, Response},
    kv, log,
    reply::Envelope,
    secret::Parts,
    token::Authorized,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    PART2_TOKEN,
    config::{Config, TokenSource},
    envelope,
    model::{Accepted, set},
    operation::{Operation, Part},
    session::{self, Session},
};

/// How long it is remembered that a path exists as printed only.
const PRINTED_TTL_MS: u64 = 30 * 86_400_000;

/// A success.
pub struct Answer {
    /// `returnData`; null when there is none.
    pub data: Value,
    message: String,
    attempt: u32,
}

impl From<Answer> for Accepted {
    fn from(answer: Answer) -> Self {
        Self { accepted: true, upstream_message: answer.message, attempt: answer.attempt }
    }
}

/// Calls an operation of part 1 with an object: the platform's code is added to it.
///
/// # Errors
/// Every row of the error table in this connector's README.
pub fn learning(link: &Link<Config>, operation: Operation, data: &impl Serialize) -> Result<Answer, Failure> {
    let data =
        serde_json::to_value(data).map_err(|error| Failure::internal(format!("an input is not JSON: {error}")))?;
    learning_with(link, operation, &|code| {
        let mut data = data.clone();
        set(&mut data, "studyPlatformCode", code);
        data
    })
}

/// Calls an operation of part 1 with what is made of the platform's code.
///
/// # Errors
/// As [`learning`].
pub fn learning_with(
    link: &Link<Config>,
    operation: Operation,
    data: &dyn Fn(&str) -> Value,
) -> Result<Answer, Failure> {
    let mut request = envelope::post(link.config(), operation);
    authorized(link, operation, &mut request, &|request, head, code| {
        request.set_body(format!("{head}{}}}", data(code)));
    })
}

/// Calls an operation of part 1 with a body too large to build twice: its first part is the head, put in place by
/// `place` before each sending.
///
/// # Errors
/// As [`learning`].
pub fn authorized(
    link: &Link<Config>,
    operation: Operation,
    request: &mut Request,
    place: &dyn Fn(&mut Request, String, &str),
) -> Result<Answer, Failure> {
    let config = link.config();
    operation.part().allowed_by(config)?;
    let cache = session::cache(config)?;
    let send = |request: &mut Request| {
        cache.send_kept(
            request,
            || session::fetch(link),
            |request, kept| {
                let session = Session::of(kept)?;
                let head = envelope::head(link, Some(operation.part()))?;
                place(request, envelope::with_token(&head, &session.token), &session.code);
                Ok(())
            },
            |response| is_expired(config, operation, response),
        )
    };
    let Some(printed) = printed_path(config, operation) else {
        let answered = send(request)?;
        return answered.read(|response| read(config, operation, response, answered.attempt));
    };
    let answered = either_path(config, request, operation.path(), printed, send)?;
    answered.read(|response| read(config, operation, response, answered.attempt))
}

/// Calls an operation of part 2.
///
/// # Errors
/// As [`learning`].
pub fn business(link: &Link<Config>, operation: Operation, data: &Value) -> Result<Answer, Failure> {
    let config = link.config();
    operation.part().allowed_by(config)?;
    let mut request = envelope::post(config, operation);
    let head = || envelope::head(link, Some(Part::Business));
    let body = match config.part2.token_source {
        TokenSource::Login => {
            return authorized(link, operation, &mut request, &|request, head, _| {
                request.set_body(format!("{head}{data}}}"));
            });
        }
        TokenSource::Static => {
            let mut body = envelope::with_secret(head()?, PART2_TOKEN);
            body.push(format!("{data}}}"));
            body
        }
        TokenSource::None => Parts::from(format!("{}{data}}}", envelope::with_token(&head()?, ""))),
    };
    let response = request.body(body).send()?;
    read(config, operation, &response, 1)
}

/// The document's other path of an operation, if the link does not say which is right.
fn printed_path(config: &Config, operation: Operation) -> Option<&'static str> {
    operation.path_as_printed().filter(|_| !config.path.contains_key(&operation))
}

/// Sends to the path that was right the last time, and to the other one if there is none: a 404 that is not the
/// upstream's own answer has applied nothing.
fn either_path(
    config: &Config,
    request: &mut Request,
    repaired: &str,
    printed: &str,
    send: impl Fn(&mut Request) -> Result<Authorized, Failure>,
) -> Result<Authorized, Failure> {
    let key = format!("path{printed}");
    let is_printed = kv::get(&key)?.is_some_and(|base| base == config.base_url.as_bytes());
    let (first, second) = if is_printed { (printed, repaired) } else { (repaired, printed) };
    request.set_url(config.url(first));
    let answered = send(request)?;
    if !is_no_path(&answered.response) {
        return Ok(answered);
    }
    request.set_url(config.url(second));
    let again = send(request).map_err(|failure| match failure.outcome {
        Outcome::NotSent => failure.outcome(Outcome::Rejected),
        _ => failure,
    })?;
    if !is_no_path(&again.response) {
        let noted = if is_printed { kv::delete(&key) } else { kv::set(&key, &config.base_url, Some(PRINTED_TTL_MS)) };
        // Without it the next call finds out again, which costs a request.
        if let Err(error) = noted {
            log::warn("which path is right cannot be kept", &[("error", &error.to_string())]);
        }
    }
    Ok(again)
}

fn is_no_path(response: &Response) -> bool {
    response.status == 404 && envelope::code_of(response).is_none()
}

fn envelope_of<'a>(success: &'a [&'a str]) -> Envelope<'a> {
    Envelope { code: &["/returnCode"], message: &["/returnMsg"], success, classes: &[] }
}

/// The codes of success.
fn success(config: &Config, operation: Operation) -> Vec<&str> {
    match operation.part() {
        Part::Learning => vec!["0"],
        Part::Business => config.part2.success_codes.iter().map(String::as_str).collect(),
    }
}

/// Does an answer mean "log in again"? There are no codes for it, only texts.
fn is_expired(config: &Config, operation: Operation, response: &Response) -> bool {
    if response.status == 401 {
        return true;
    }
    let Ok(reply) = response.json_lenient::<Value>() else { return false };
    let success = success(config, operation);
    let reader = envelope_of(&success);
    let is_answer = |code: &str| success.contains(&code) || is_negative(config, operation, code);
    reader.code(&reply).is_some_and(|code| !is_answer(&code)) && config.means_expired(&reader.message(&reply))
}

/// Is a code a negative answer, which is a result and not a refusal?
fn is_negative(config: &Config, operation: Operation, code: &str) -> bool {
    operation == Operation::Authenticate && config.errors.not_verified_codes.iter().any(|known| known == code)
}

fn read(config: &Config, operation: Operation, response: &Response, attempt: u32) -> Result<Answer, Failure> {
    if let Some(failure) = envelope::not_found(operation, response) {
        return Err(failure);
    }
    if is_expired(config, operation, response) {
        let outcome = if response.status >= 500 { Outcome::Unknown } else { Outcome::Rejected };
        let code = envelope::code_of(response).unwrap_or_else(|| response.status.to_string());
        let message = "the upstream refuses the token, and a new log-in does not help (errors.token_expired_pattern)";
        return Err(Failure::auth_expired(message).outcome(outcome).upstream_code(code));
    }
    let success = success(config, operation);
    let reader = envelope_of(&success);
    let mut reply = reader.open(response)?;
    let message = reader.message(&reply);
    let data = reply.get_mut("returnData").map(Value::take).unwrap_or_default();
    Ok(Answer { data, message, attempt })
}
