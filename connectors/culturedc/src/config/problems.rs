//! What is wrong with a config beyond what its schema says. Pure; everything is reported, not the first only.

use std::fmt::Arguments;

use duijie_sdk::{
    Problem,
    mapping::{self, Unknown, escape},
    url::Authority,
};

use super::{Config, ProfileName, encoded_length, is_web_address};
use crate::{
    model::Category,
    profile::{SignKind, problems as profile},
};

/// What `sim-v1` takes in a request.
const SIM_ITEMS_MAX: usize = 50;

const UNKNOWN_CATEGORY: &str =
    "is none of the categories news, live, activity, venue, room, course, book, market, ebook, audio, video";

/// Every problem of a config.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |pointer: Arguments<'_>, message: &str| {
        problems.push(Problem::new(pointer.to_string(), message));
    };
    interface(config, &mut report);
    resources(config, &mut report);
    links(config, &mut report);
    login(config, &mut report);
    problems
}

/// Pointer and message; pointers are written out in one place, because there are many.
type Report<'a> = &'a mut dyn FnMut(Arguments<'_>, &str);

fn interface(config: &Config, report: Report<'_>) {
    if let Err(message) = host_is_allowed(config) {
        report(format_args!("/base_url"), &message);
    }
    match (config.profile, &config.wire) {
        (ProfileName::SimV1, Some(_)) => {
            report(format_args!("/wire"), "is in use only with profile = \"custom\"");
        }
        (ProfileName::Custom, None) => {
            report(format_args!("/wire"), "is needed by profile = \"custom\"");
        }
        (ProfileName::Custom, Some(wire)) => {
            for (pointer, message) in profile::problems(wire) {
                report(format_args!("/wire{pointer}"), &message);
            }
        }
        (ProfileName::SimV1, None) => {}
    }
    let is_signed = config.wire.as_ref().is_none_or(|wire| wire.sign.kind != SignKind::None);
    match (&config.base_url, &config.access_key) {
        (Some(_), None) if is_signed => {
            report(format_args!("/access_key"), "is needed: requests to base_url are signed");
        }
        (None, Some(_)) => report(format_args!("/base_url"), "is needed: an access_key alone reaches nothing"),
        _ => {}
    }
    if config.profile == ProfileName::SimV1 && config.batch.size > SIM_ITEMS_MAX {
        report(format_args!("/batch/size"), &format!("is over {SIM_ITEMS_MAX}, which is what sim-v1 takes"));
    }
}

fn resources(config: &Config, report: Report<'_>) {
    if config.categories.is_empty() {
        report(format_args!("/categories"), "names no category");
    }
    for (name, word) in config.categories.iter() {
        let mut at_name = |message: &str| report(format_args!("/categories/{}", escape(name)), message);
        let category = Category::of(name);
        if category.is_none() {
            at_name(UNKNOWN_CATEGORY);
        } else if word.is_empty() {
            at_name("is empty; it is the upstream's word");
        } else if config.category_of(word) != category {
            at_name("is the word of another category too");
        }
    }
    for (name, columns) in config.template.iter() {
        let at = format!("/template/{}", escape(name));
        if Category::of(name).is_none() {
            report(format_args!("{at}"), UNKNOWN_CATEGORY);
        }
        for (pointer, message) in mapping::problems(columns) {
            report(format_args!("{at}{pointer}"), &message);
        }
        if columns.unknown == Unknown::Pass {
            let message = "must be \"refuse\" or \"drop\": a sheet has no column for what no field names";
            report(format_args!("{at}/unknown"), message);
        }
    }
}

fn links(config: &Config, report: Report<'_>) {
    if config.links.targets.is_empty() {
        report(format_args!("/links/targets"), "is empty: no link would ever be found");
    }
    for (index, target) in config.links.targets.iter().enumerate() {
        if !is_web_address(target) {
            report(format_args!("/links/targets/{index}"), "must be an http or https address");
        }
    }
    for (index, page) in config.links.pages.iter().enumerate() {
        let at = format!("/links/pages/{index}");
        if page.name.chars().count() > config.limits.name {
            report(
                format_args!("{at}/name"),
                &format!("has more than limits.name ({}) characters", config.limits.name),
            );
        }
        if !is_web_address(&page.url) {
            report(format_args!("{at}/url"), "must be an http or https address");
        }
        if encoded_length(&page.url) > config.limits.url {
            report(format_args!("{at}/url"), &format!("has more than limits.url ({}) bytes", config.limits.url));
        }
        if config.links.pages.iter().take(index).any(|earlier| earlier.url == page.url) {
            report(format_args!("{at}/url"), "is that of another page too");
        }
        for (target_index, target) in page.targets.iter().enumerate() {
            if !is_web_address(target) {
                report(format_args!("{at}/targets/{target_index}"), "must be an http or https address");
            }
        }
    }
}

fn login(config: &Config, report: Report<'_>) {
    let login = &config.login;
    if let Some(redirect_uri) = &login.redirect_uri {
        if let Err(message) = Authority::of(redirect_uri) {
            report(format_args!("/login/redirect_uri"), &message);
        }
        if login.return_urls.is_empty() {
            report(format_args!("/login/return_urls"), "names no page of the platform on which to end");
        }
    }
    if let Some(Err(message)) = login.base_url.as_deref().map(Authority::of) {
        report(format_args!("/login/base_url"), &message);
    }
    for (index, page) in login.return_urls.iter().enumerate() {
        if let Err(message) = Authority::of(page) {
            report(format_args!("/login/return_urls/{index}"), &message);
        }
    }
}

/// May this profile talk to this host? The built-in wire form is our invention: nothing in it may reach the national
/// cloud.
pub(super) fn host_is_allowed(config: &Config) -> Result<(), String> {
    let Some(base_url) = &config.base_url else {
        return Ok(());
    };
    let authority = Authority::of(base_url)?;
    if config.profile == ProfileName::Custom || authority.is_simulator(&config.sim.hosts) {
        return Ok(());
    }
    let host = authority.host;
    Err(format!(
        "has a host that is no simulator ({host}), and the profile \"sim-v1\" is known to simulators only: put the \
         upstream's wire form into [config.wire] and set profile = \"custom\", or name the simulator in sim.hosts"
    ))
}
