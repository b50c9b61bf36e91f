//! Reading the SSO's answers: JSON or XML by what the content is, because the content type is `text/xml` for both; bare
//! or in a SOAP envelope; UTF-8 or an old encoding. Then what their `result` means. No message made here quotes a body.

mod content;

use duijie_sdk::{Class, Failure, Outcome, charset, http::Response, json, reply::Envelope, soap};
use serde_json::Value;

use crate::config::Config;
use content::{Content, content, inside};

pub(crate) use content::{json_of, value_of};

/// Which member says what became of a request. `6402` is the one code that is known.
const ENVELOPE: Envelope<'_> =
    Envelope { code: &["/result"], message: &["/errmsg"], success: &["0"], classes: &[("6402", Class::AuthFailed)] };

/// What a `result` other than 0 means, which depends on the method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// By its code; a code that is not known is a refusal of the business.
    ByCode,
    /// The ticket is no good.
    Ticket,
    /// The person's token is no good.
    Token,
}

/// The members of an answer that says success.
///
/// # Errors
/// The class that the refusal has; `auth-failed` for HTTP 401 and 403 and `config` for 404 and 405 without an answer of
/// the SSO's own; "not now" statuses; `protocol` for what is not understood.
pub(crate) fn success(config: &Config, response: &Response, refusal: Refusal) -> Result<Value, Failure> {
    let reply = read(config, response)?;
    if ENVELOPE.code(&reply).is_none() {
        return Err(by_status(response).unwrap_or_else(|| Failure::protocol("the SSO's answer has no result")));
    }
    judged(response, &reply, refusal)?;
    Ok(reply)
}

/// The code and the words of an answer, and the answer, for methods of which nothing else is known: without a `result`
/// it counts as success, as the document's own samples have none.
///
/// # Errors
/// As [`success`].
pub(crate) fn any(config: &Config, response: &Response) -> Result<(Option<String>, String, Value), Failure> {
    let reply = read(config, response)?;
    let code = ENVELOPE.code(&reply);
    match (&code, by_status(response)) {
        (None, Some(failure)) => return Err(failure),
        (None, None) if !response.is_success() => {
            return Err(Failure::protocol(format!("the SSO's answer has no result (HTTP {})", response.status)));
        }
        (None, None) => {}
        (Some(_), _) => judged(response, &reply, Refusal::ByCode)?,
    }
    Ok((code, ENVELOPE.message(&reply), reply))
}

/// A member as text; `None` when it is absent or empty.
pub(crate) fn text(reply: &Value, name: &str) -> Option<String> {
    reply.get(name).and_then(json::text).filter(|text| !text.is_empty())
}

fn judged(response: &Response, reply: &Value, refusal: Refusal) -> Result<(), Failure> {
    ENVELOPE.judge(response.status, reply).map_err(|failure| match (failure.class, refusal) {
        // Status and code that contradict each other say nothing of the ticket.
        (Class::Protocol, _) | (_, Refusal::ByCode) => failure,
        (_, Refusal::Ticket) => Failure { class: Class::SessionInvalid, ..failure },
        (_, Refusal::Token) => Failure { class: Class::AuthExpired, ..failure },
    })
}

fn read(config: &Config, response: &Response) -> Result<Value, Failure> {
    if let Some(failure) = response.not_now() {
        return Err(failure);
    }
    let not_understood = |why: String| {
        let (status, bytes) = (response.status, response.body.len());
        let message = format!("the SSO's answer is not understood (HTTP {status}, {bytes} bytes): {why}");
        by_status(response).unwrap_or_else(|| Failure::protocol(message))
    };
    let text = charset::decode(&response.body, config.charset.fallback);
    let text = text.map_err(|error| not_understood(error.to_string()))?;
    match content(&text, config.lenient).map_err(not_understood)? {
        Content::Value(reply) if reply.is_object() => Ok(reply),
        Content::Value(_) => Err(not_understood("no object".to_owned())),
        Content::Envelope(root) => {
            let value = soap::value(&root, &config.soap.out)?;
            Ok(inside(value, config.lenient).map_err(not_understood)?)
        }
    }
}

/// What a status says where the SSO itself says nothing.
fn by_status(response: &Response) -> Option<Failure> {
    let status = response.status;
    let failure = match status {
        301 | 302 | 303 | 307 | 308 => Failure::protocol("the SSO answers with a redirect, and the host follows none"),
        401 | 403 => Failure::auth_failed("the SSO or its gateway refuses the link's credentials"),
        404 | 405 => Failure::config("there is no such interface at the SSO's address"),
        _ => return None,
    };
    let outcome = if status < 400 { Outcome::Unknown } else { Outcome::Rejected };
    Some(failure.outcome(outcome).upstream_code(status.to_string()))
}
