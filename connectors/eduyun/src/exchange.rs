//! A session with the upstream for a person who is logged in here: the upstream gets a local session of 128 random bits
//! and, while that very call is open, asks our hook whose it is. Who that is, is kept in the link's store for this time
//! only: it is read once, gone when the call ends, and never in a log.

use duijie_sdk::{
    Failure, HookRequest, HookResponse, Link, fields::Fields, forward, identity, input::Violations, log, once, typed,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    config::{Config, IdMask, IdentitySource},
    gateway,
    model::{Exchange, Exchanged, Identity},
};

/// What local sessions are kept as.
const PURPOSE: &str = "local-session";
/// Far more characters than a local session has.
const SESSION_CHARS_MAX: usize = 128;

/// Whose a local session is.
#[derive(Serialize, Deserialize)]
enum Whose {
    /// This person's.
    Person(User),
    /// Somebody's whom the platform knows by this reference.
    Subject(String),
}

/// A person as the upstream is told, in the document's order.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    name: String,
    id_card_no: String,
    user_identity: Identity,
}

/// `session.exchange`.
///
/// # Errors
/// `invalid-input` with everything that is wrong; `identity-unverified` for a person who is not verified; the gateway's.
pub fn exchange(link: &Link<Config>, input: Exchange) -> Result<Exchanged, Failure> {
    let config = link.config();
    let whose = whose(config, input)?;
    let local_session = once::put(PURPOSE, &whose, u64::from(config.hook.ttl_s) * 1000)?;
    let answered = gateway::post(config, "/userSession/sessionInterchange", &json!({ "localSession": local_session }));
    // However the call ends: after it nobody has a reason to ask. If this fails, time forgets.
    if let Err(failure) = once::forget(PURPOSE, &local_session) {
        log::warn("a local session could not be forgotten", &[("error", &failure.message)]);
    }
    let reply = answered?;
    let data = Fields::of(&reply).object("data");
    Ok(Exchanged { usession_id: data.required("usessionId")?, ticket: data.required("ticket")? })
}

fn whose(config: &Config, input: Exchange) -> Result<Whose, Failure> {
    const OTHER: &str = "has no use with this hook.identity_source";
    let mut wrong = Violations::default();
    let whose = match config.hook.identity_source {
        IdentitySource::Kv => {
            let name = input.name.filter(|name| !name.trim().is_empty());
            let id_card_no = input.id_card_no.as_deref().and_then(identity::id_number);
            wrong.unless(name.is_some(), "/name", "is required");
            let message = "is required: an identity number of 18 characters; check each of them";
            wrong.unless(id_card_no.is_some(), "/idCardNo", message);
            wrong.unless(input.user_identity.is_some(), "/userIdentity", "is required");
            wrong.unless(input.subject.is_none(), "/subject", OTHER);
            let user = name.zip(id_card_no).zip(input.user_identity);
            user.map(|((name, id_card_no), user_identity)| Whose::Person(User { name, id_card_no, user_identity }))
        }
        IdentitySource::Platform => {
            let subject = input.subject.filter(|subject| !subject.is_empty());
            wrong.unless(input.name.is_none(), "/name", OTHER);
            wrong.unless(input.id_card_no.is_none(), "/idCardNo", OTHER);
            wrong.unless(input.user_identity.is_none(), "/userIdentity", OTHER);
            wrong.unless(subject.is_some(), "/subject", "is required");
            subject.map(Whose::Subject)
        }
    };
    whose.filter(|_| wrong.is_empty()).ok_or_else(|| wrong.failure())
}

/// The hook `local-session`: whose is it? Whatever is wrong has the same answer, so that a stranger learns nothing.
///
/// # Errors
/// The store's.
pub fn look_up(link: &Link<Config>, request: HookRequest) -> Result<HookResponse, Failure> {
    let body = request.json::<Value>().unwrap_or_default();
    let session = Fields::of(&body).text(&["localSession"]).filter(|session| session.len() <= SESSION_CHARS_MAX);
    let whose = match &session {
        Some(session) => once::take::<Whose>(PURPOSE, session)?,
        None => None,
    };
    let user = match whose {
        Some(Whose::Person(user)) => Some(user),
        Some(Whose::Subject(subject)) => ask_platform(&subject),
        None => None,
    };
    HookResponse::json(200, &Answer::of(link.config(), user))
}

/// Asks the platform who a subject is; an operator reads why there is no good answer.
fn ask_platform(subject: &str) -> Option<User> {
    let user = match forward::ask::<Value>("local-session", None, &json!({ "subject": subject })) {
        Ok(answer) => typed::from_value::<User>(answer).ok(),
        Err(error) => {
            let failure = Failure::from(error);
            log::warn("the platform does not say whose a local session is", &[("error", &failure.message)]);
            return None;
        }
    };
    let user = user.filter(|user| !user.name.trim().is_empty());
    let user = user.and_then(|user| Some(User { id_card_no: identity::id_number(&user.id_card_no)?, ..user }));
    if user.is_none() {
        log::warn(
            "the platform's answer to local-session lacks name, idCardNo or userIdentity, or they do not fit",
            &[],
        );
    }
    user
}

/// The answer in the upstream's own shape and order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    ret_code: &'static str,
    ret_desc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_info: Option<User>,
}

impl Answer {
    fn of(config: &Config, user: Option<User>) -> Self {
        let Some(user) = user else {
            return Self { ret_code: "100001", ret_desc: "localSession invalid", user_info: None };
        };
        let id_card_no = match config.hook.id_mask {
            IdMask::None => user.id_card_no,
            IdMask::Middle => masked(&user.id_card_no),
        };
        Self { ret_code: "000000", ret_desc: "success", user_info: Some(User { id_card_no, ..user }) }
    }
}

/// All but the first six and the last two characters as stars.
fn masked(number: &str) -> String {
    let last = number.len().saturating_sub(2);
    number.char_indices().map(|(at, c)| if (6..last).contains(&at) { '*' } else { c }).collect()
}
