//! Provisioning: the SSO sends people who are added, changed or deleted. A request is verified, remembered against
//! replay, read, and passed on to the platform, whose word is the answer. Whatever does not verify gets one answer.

mod answer;
mod memory;
mod person;

use duijie_sdk::{Failure, HookRequest, HookResponse, forward, forward::ForwardError, log};
use serde_json::Value;

use crate::{
    args,
    config::{Config, Datatype},
    sign,
};
use answer::Answer;
use memory::Turn;
use person::Person;

/// What the SSO wants done with a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Add, or change what is there.
    Sync,
    /// Delete.
    Delete,
}

impl Change {
    /// The event's name at the platform.
    fn event(self) -> &'static str {
        match self {
            Self::Sync => "user.sync",
            Self::Delete => "user.delete",
        }
    }
}

/// A request whose signature is right. Of its members only servicecode and time are signed.
struct Delivery {
    method: String,
    sign: String,
    args: String,
}

/// Answers one request of the SSO's.
///
/// # Errors
/// A secret that is not there, or an answer that cannot be written.
pub(crate) fn receive(config: &Config, request: &HookRequest) -> Result<HookResponse, Failure> {
    let parameters = Parameters(request.parameters());
    let datatype = match parameters.one("datatype") {
        Some("json") => Datatype::Json,
        Some("xml") => Datatype::Xml,
        _ => config.datatype,
    };
    let answer = match authentic(config, request, &parameters)? {
        Some(delivery) => act(config, &delivery),
        None => Answer::NotAccepted,
    };
    answer::response(config, datatype, &answer)
}

/// The delivery, if everything that can be verified is right.
fn authentic(config: &Config, request: &HookRequest, parameters: &Parameters) -> Result<Option<Delivery>, Failure> {
    let (Some(method), Some(servicecode)) = (parameters.one("method"), parameters.one("servicecode")) else {
        return Ok(None);
    };
    let (Some(time), Some(sign)) = (parameters.one("time"), parameters.one("sign")) else { return Ok(None) };
    let is_signed = sign::is_signed(config, time, sign)?;
    if !is_signed || servicecode != config.servicecode || !matches!(request.method.as_str(), "GET" | "POST") {
        return Ok(None);
    }
    let args = parameters.one("args").unwrap_or_default();
    Ok(Some(Delivery { method: method.to_owned(), sign: sign.to_ascii_lowercase(), args: args.to_owned() }))
}

fn act(config: &Config, delivery: &Delivery) -> Answer {
    let replay = match memory::first_seen(config, delivery) {
        Ok(Some(replay)) => replay,
        Ok(None) => return Answer::NotAccepted,
        Err(failure) => return later(&failure),
    };
    let change = match &delivery.method {
        method if *method == config.method.hook_user_sync => Change::Sync,
        method if *method == config.method.hook_user_delete => Change::Delete,
        _ => return Answer::Refused("不支持的方法".to_owned()),
    };
    // What is not UTF-8 arrives with this character in its place: better refused than stored.
    let args = Some(&delivery.args).filter(|args| !args.contains('\u{fffd}'));
    let Some(args) = args.and_then(|args| args::read(args, config.lenient)) else {
        return Answer::Refused("args 无法解析".to_owned());
    };
    let person = match Person::read(args, change) {
        Ok(person) => person,
        Err(reason) => return Answer::Refused(reason.to_owned()),
    };
    let answer = pass_on(delivery, change, &person).unwrap_or_else(|failure| later(&failure));
    if answer == Answer::Later {
        // Nothing came of it, so the very same request may come again.
        replay.forget();
    }
    answer
}

/// Asks the platform, unless this is what it was told last of this person.
fn pass_on(delivery: &Delivery, change: Change, person: &Person) -> Result<Answer, Failure> {
    let turn = Turn::of(&person.user_id, change, &delivery.args)?;
    let Some(key) = turn.key() else { return Ok(Answer::Done) };
    match forward::ask::<Value>(change.event(), Some(&key), person) {
        Ok(_) => {
            turn.done();
            Ok(Answer::Done)
        }
        Err(ForwardError::Refused(refusal)) => Ok(Answer::Refused(refused(refusal.message))),
        Err(error) => Ok(later(&error.into())),
    }
}

/// The platform's reason, for the SSO that sent the person; bounded.
fn refused(message: String) -> String {
    if message.trim().is_empty() { "平台拒绝".to_owned() } else { message.chars().take(200).collect() }
}

fn later(failure: &Failure) -> Answer {
    log::warn("a person cannot be passed on now", &[("class", &format!("{:?}", failure.class))]);
    Answer::Later
}

/// What a request says, by name. A name that stands twice says nothing: who verifies must read what who acts reads.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    }
}
