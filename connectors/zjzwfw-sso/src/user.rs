//! People: what the SSO knows of one, and one of ours sent to the SSO. What nobody has documented comes back under the
//! SSO's own names, within a bound.

use duijie_sdk::{
    Failure, Outcome, identity, json, log,
    mapping::{self, Violation, Wire},
};
use serde_json::{Map, Value};

use crate::{
    args,
    config::{Config, Method},
    model::{Synced, UserInfo},
    reply::{self, Refusal},
    sim,
    wire::Call,
};

/// Members without a name of ours that are passed on.
const EXTRA_MEMBERS_MAX: usize = 64;
/// Bytes of their JSON.
const EXTRA_BYTES_MAX: usize = 16 * 1024;

/// The person of a token, asked within this time.
///
/// # Errors
/// `auth-expired` for whatever the SSO says against the token.
pub(crate) fn info(config: &Config, token: &str, timeout_ms: u32) -> Result<UserInfo, Failure> {
    let call = Call { timeout_ms, ..Call::of(config, Method::UserInfo, vec![("token", token)])? };
    reply::success(config, &call.send(config)?, Refusal::Token).map(user)
}

/// The person of an id.
///
/// # Errors
/// As the SSO refuses.
pub(crate) fn by_id(config: &Config, user_id: &str) -> Result<UserInfo, Failure> {
    let call = Call::of(config, Method::UserById, vec![("userid", user_id)])?;
    reply::success(config, &call.send(config)?, Refusal::ByCode).map(user)
}

/// Sends a person of ours: map → write as `args` → send.
///
/// # Errors
/// `invalid-input` with every violation, and nothing sent; `config` without a mapping for a real SSO.
pub(crate) fn sync_out(config: &Config, record: &Value) -> Result<Synced, Failure> {
    let wire = mapped(config, record).map_err(|failure| failure.outcome(Outcome::NotSent))?;
    let args = args::write(&wire, config.datatype)?;
    let call = Call::of(config, Method::UserSync, vec![("args", &args)])?;
    let reply = reply::success(config, &call.send(config)?, Refusal::ByCode)?;
    Ok(Synced {
        accepted: true,
        user_id: reply::text(&reply, "userid"),
        message: reply::text(&reply, "errmsg").unwrap_or_default(),
    })
}

fn mapped(config: &Config, record: &Value) -> Result<Wire, Failure> {
    let mapped = match &config.mapping.user_sync {
        Some(mapping) => mapping::map(mapping, record),
        None if config.is_simulated() => sim::person(record),
        None => {
            let message =
                "mapping.user_sync is not set, and the built-in one is our invention: it is sent to simulators only";
            return Err(Failure::config(message));
        }
    };
    let mut violations = Vec::new();
    well_formed(record, &mut violations);
    match mapped {
        Ok(wire) if violations.is_empty() => Ok(wire),
        mapped => {
            violations.extend(mapped.err().unwrap_or_default());
            let count = violations.len();
            let message = format!("the person does not fit the mapping: {count} violation(s), see detail");
            Err(Failure::invalid_input(message).detail_fields(violations))
        }
    }
}

/// A slip of the pen in a number is found before anything is sent.
fn well_formed(record: &Value, violations: &mut Vec<Violation>) {
    let text = |name: &str| record.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if text("idNumber").is_some_and(|number| identity::id_number(number).is_none()) {
        violations
            .push(("/idNumber".to_owned(), "is no identity number: 18 characters, the last one a check".to_owned()));
    }
    if text("mobile").is_some_and(|number| !identity::is_mobile(number)) {
        violations.push(("/mobile".to_owned(), "is no mobile number of 11 digits".to_owned()));
    }
}

fn user(reply: Value) -> UserInfo {
    let Value::Object(mut members) = reply else { return UserInfo::default() };
    let mut take = |name: &str| {
        let value = members.remove(name)?;
        json::text(&value).filter(|text| !text.is_empty())
    };
    // What became of the request is no member of a person.
    let _ = (take("result"), take("errmsg"));
    let known = UserInfo {
        user_id: take("userid"),
        login_name: take("loginname"),
        user_name: take("username"),
        id_type: take("idtype"),
        id_number: take("idnum"),
        mobile: take("mobile"),
        org_coding: take("orgcoding"),
        extra: Map::new(),
    };
    UserInfo { extra: bounded(members), ..known }
}

/// Members nobody has documented, as far as they fit.
pub(crate) fn bounded(members: Map<String, Value>) -> Map<String, Value> {
    let (count, mut bytes) = (members.len(), 0);
    let mut fits = |name: &String, value: &Value| {
        bytes += name.len() + serde_json::to_string(value).map_or(EXTRA_BYTES_MAX, |text| text.len());
        bytes <= EXTRA_BYTES_MAX
    };
    let kept = members.into_iter().take(EXTRA_MEMBERS_MAX).take_while(|(name, value)| fits(name, value));
    let kept: Map<_, _> = kept.collect();
    if kept.len() < count {
        log::warn("members of a person's data are left out", &[("members", &(count - kept.len()).to_string())]);
    }
    kept
}
