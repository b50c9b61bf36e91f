//! What is wrong with a config beyond what its schema says. Pure; everything is reported, not the first only.

use duijie_sdk::{Problem, mapping, url::Authority};

use super::{Config, DeviceKind, PushMode, Role, TokenSource};
use crate::class::accounts;

/// Every problem of a config.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |pointer: &str, message: &str| problems.push(Problem::new(pointer, message));

    match Authority::of(&config.base_url) {
        Err(message) => report("/base_url", &message),
        Ok(authority) if !authority.is_https && !config.allow_plaintext => report(
            "/base_url",
            "is http: the password and identity numbers would be readable on the way; use https, or set allow_plaintext = true",
        ),
        Ok(_) => {}
    }
    if config.account.is_none() && config.logs_in() {
        let needed = match config.role {
            Role::Business => "is missing: part2.token_source = \"login\" logs in with it",
            Role::Learning | Role::Both => "is missing: the learning role logs in with it",
        };
        report("/account", needed);
    }
    if config.device.kind == DeviceKind::Android && config.device.id.is_none() {
        report("/device/id", "is missing: for TYPE_ANDROID the upstream wants the MAC, without colons");
    }
    for (operation, path) in &config.path {
        if !path.starts_with('/') {
            let pointer = format!("/path/{}", mapping::escape(operation.name()));
            report(&pointer, "must begin with \"/\"; it is appended to base_url");
        }
    }
    for operation in config.numbers.as_string.keys().filter(|operation| !operation.has_numbers()) {
        let pointer = format!("/numbers/as_string/{}", mapping::escape(operation.name()));
        report(&pointer, "has no effect: this operation sends no numbers");
    }
    token_keys(config, &mut report);
    part2(config, &mut report);
    if config.push_class.mode == PushMode::Derive
        && let Err(message) = accounts::check_template(&config.push_class.account_template)
    {
        report("/push_class/account_template", &message);
    }
    problems
}

fn token_keys(config: &Config, report: &mut impl FnMut(&str, &str)) {
    let keys = &config.headers.token_keys;
    for (part, names) in [("part1", &keys.part1), ("part2", &keys.part2)] {
        let pointer = format!("/headers/token_keys/{part}");
        if names.is_empty() {
            report(&pointer, "names no member, so no token would be sent");
        }
        if names.iter().any(|name| matches!(name.as_str(), "deviceType" | "deviceId" | "timestamp")) {
            report(&pointer, "is the name of another member");
        }
        if names.iter().enumerate().any(|(at, name)| names.iter().skip(at + 1).any(|other| other == name)) {
            report(&pointer, "names a member twice");
        }
    }
}

fn part2(config: &Config, report: &mut impl FnMut(&str, &str)) {
    if config.part2.success_codes.is_empty() {
        report("/part2/success_codes", "is empty, so nothing would ever be a success");
    }
    if let Some(Err(message)) = config.part2.api_url.as_deref().map(Authority::of) {
        report("/part2/api_url", &message);
    }
    if config.role == Role::Learning && config.part2.token_source != TokenSource::Login {
        report("/part2/token_source", "has no effect: part 2 needs the role \"business\" or \"both\"");
    }
}
