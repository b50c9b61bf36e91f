//! Tickets and tokens of people: a ticket becomes a session, a password becomes one, a token becomes a ticket for
//! another resource. None of them is kept here.

use duijie_sdk::{Class, Failure, Outcome};
use serde_json::Value;

use crate::{
    config::{Config, Method, Transport, Verb},
    model::{Authenticate, Generate, Generated, Session},
    reply::{self, Refusal},
    wire::Call,
};

/// Validates a ticket within this time. The ticket is used up, whatever comes of it.
///
/// # Errors
/// `session-invalid` for whatever the SSO says against it.
pub(crate) fn validate(config: &Config, ticket: &str, timeout_ms: u32) -> Result<Session, Failure> {
    let parameters = vec![(config.param.ticket.as_str(), ticket)];
    let call = Call { timeout_ms, ..Call::of(config, Method::TicketValidate, parameters)? };
    session(config, &reply::success(config, &call.send(config)?, Refusal::Ticket)?)
}

/// Recognises a person by password.
///
/// # Errors
/// `denied` unless the link allows passwords, and to https only; `auth-failed` for a wrong one (6402).
pub(crate) fn authenticate(config: &Config, input: &Authenticate) -> Result<Session, Failure> {
    may_carry_password(config)?;
    let parameters = vec![
        ("loginname", input.login_name.as_str()),
        ("orgcoding", &input.org_coding),
        // 1 = as it is.
        ("encryptiontype", "1"),
        ("password", &input.password),
    ];
    let call = Call::of(config, Method::UserAuthenticate, parameters)?;
    session(config, &reply::success(config, &call.send(config)?, Refusal::ByCode)?)
}

/// Makes a ticket for another resource.
///
/// # Errors
/// As the SSO refuses; `protocol` when its answer has no ticket.
pub(crate) fn generate(config: &Config, input: &Generate) -> Result<Generated, Failure> {
    let parameters = vec![("proxyapp", input.proxy_app.as_str()), ("token", &input.token)];
    let call = Call::of(config, Method::TicketGenerate, parameters)?;
    let reply = reply::success(config, &call.send(config)?, Refusal::ByCode)?;
    let ticket = reply::text(&reply, "st").or_else(|| reply::text(&reply, "ticket"));
    let ticket = ticket.ok_or_else(|| Failure::protocol("the SSO's answer has neither st nor ticket"))?;
    Ok(Generated { ticket })
}

/// May a password pass?
///
/// # Errors
/// `denied`: the link does not allow it; `config`: the way is not confidential.
pub(crate) fn may_carry_password(config: &Config) -> Result<(), Failure> {
    if !config.id_validation.enabled {
        let message = "the link lets no password pass this host (id_validation.enabled)";
        return Err(Failure::new(Class::Denied, message).outcome(Outcome::NotSent));
    }
    if !config.is_confidential() {
        return Err(Failure::config("passwords go over https only, and the SSO's address is not"));
    }
    if config.transport == Transport::Http && config.http.verb == Verb::Get {
        return Err(Failure::config("a password must not stand in an address: set http.verb = \"POST\""));
    }
    Ok(())
}

fn session(config: &Config, reply: &Value) -> Result<Session, Failure> {
    let token = reply::text(reply, "token").ok_or_else(|| Failure::protocol("the SSO's answer has no token"))?;
    Ok(Session {
        token,
        token_ttl_s: config.token.default_ttl_s,
        user_id: reply::text(reply, "userid"),
        login_name: reply::text(reply, "loginname"),
        user_name: reply::text(reply, "username"),
        org_coding: reply::text(reply, "orgcoding"),
    })
}
