//! `call`: methods whose wire form the document has lost. The common parameters are added, the answer is parsed, and
//! nothing else is known of it. A password passes only where the link lets passwords pass.

use duijie_sdk::{Failure, mapping};

use crate::{
    config::{self, Config, Gateway},
    model::{CallInput, CallOutput, Servlet},
    reply, session, wire,
    wire::Call,
};

/// What is added to every request, and what no caller may set.
const COMMON: [&str; 5] = ["method", "servicecode", "time", "sign", "datatype"];
/// Parameters at the most.
const PARAMETERS_MAX: usize = 32;
/// Bytes of a parameter's value at the most.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// Calls a method and gives its answer.
///
/// # Errors
/// `invalid-input` for what cannot be sent; `config` for a title whose name the operator has not set, or a gateway path
/// that is missing; then as the SSO refuses.
pub(crate) fn call(config: &Config, input: &CallInput) -> Result<CallOutput, Failure> {
    check(input)?;
    let method = method(config, input)?;
    if carries_password(config, input, method) {
        session::may_carry_password(config)?;
    }
    let path = match (&input.path, config.gateway) {
        (Some(path), _) => path.as_str(),
        (None, Gateway::None) => wire::path(config, input.servlet == Servlet::Users),
        (None, Gateway::Irs) => {
            let fields = [("/path", "is required with the gateway \"irs\"")];
            return Err(Failure::invalid_input("the gateway needs the path of the method").detail_fields(fields));
        }
    };
    let parameters = input.params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let call = Call { method, path, parameters, timeout_ms: config.http.timeout_ms };
    let (result, message, reply) = reply::any(config, &call.send(config)?)?;
    Ok(CallOutput { result, message, reply })
}

fn check(input: &CallInput) -> Result<(), Failure> {
    let mut wrong: Vec<(String, &str)> = Vec::new();
    let at = |name: &str| format!("/params/{}", mapping::escape(name));
    match (&input.title, &input.method) {
        (Some(_), None) => {}
        (None, Some(method)) if config::is_method(method) => {}
        (None, Some(_)) => wrong.push(("/method".to_owned(), "must be letters and digits, beginning with a letter")),
        (Some(_), Some(_)) => wrong.push(("/method".to_owned(), "stands beside title; only one of them may")),
        (None, None) => wrong.push(("/method".to_owned(), "or title is required")),
    }
    if input.params.len() > PARAMETERS_MAX {
        wrong.push(("/params".to_owned(), "has more than 32 members"));
    }
    for (name, value) in input.params.iter().take(PARAMETERS_MAX) {
        if COMMON.contains(&name.as_str()) {
            wrong.push((at(name), "is added to every request and cannot be set"));
        } else if !config::is_parameter(name) {
            wrong.push((at(name), "must have a name of lower-case letters, digits and \"_\""));
        } else if value.len() > VALUE_BYTES_MAX {
            wrong.push((at(name), "is larger than 64 KiB"));
        }
    }
    if input.path.as_ref().is_some_and(|path| !config::is_path(path)) {
        wrong.push(("/path".to_owned(), "must begin with \"/\" and have neither query nor fragment"));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let count = wrong.len();
    Err(Failure::invalid_input(format!("the call cannot be sent: {count} violation(s), see detail"))
        .detail_fields(wrong))
}

fn method<'a>(config: &'a Config, input: &'a CallInput) -> Result<&'a str, Failure> {
    let Some(title) = input.title else { return Ok(input.method.as_deref().unwrap_or_default()) };
    let (key, name) = title.of(&config.method);
    name.ok_or_else(|| {
        Failure::config(format!("method.{key} is not set: the document does not print the name, ask the administrator"))
    })
}

fn carries_password(config: &Config, input: &CallInput, method: &str) -> bool {
    let names = &config.method;
    let known = [Some(&names.user_authenticate), names.standard_authenticate.as_ref(), names.password_change.as_ref()];
    known.into_iter().flatten().any(|known| known == method)
        || input.title.is_some_and(|title| title.carries_password())
        || input.params.keys().any(|name| name.contains("pass") || name.contains("pwd"))
}
