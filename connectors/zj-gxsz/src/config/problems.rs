//! What is wrong with a config beyond what its schema says. Pure; everything is reported, not the first only.

use std::net::IpAddr;

use duijie_sdk::Problem;

use super::{Config, Profile};
use crate::{envelope, map, model::Endpoint};

/// Every problem of a config.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |pointer: &str, message: String| problems.push(Problem::new(pointer, message));

    if let Err(message) = authority(&config.base_url) {
        report("/base_url", message);
    } else if let Err(message) = host_is_allowed(config) {
        report("/base_url", message);
    }
    let paths = [
        ("/token/path", &config.token.path),
        ("/path/one", &config.path.one),
        ("/path/multi", &config.path.multi),
        ("/path/patriarch", &config.path.patriarch),
    ];
    for (pointer, path) in paths {
        if !path.starts_with('/') {
            report(pointer, "must begin with \"/\"; it is appended to base_url".to_owned());
        }
    }
    if let Err(message) = envelope::check_template(&config.envelope.template) {
        report("/envelope/template", message);
    }
    for (name, value) in &config.envelope.headers {
        if let Err(message) = envelope::check_header(value) {
            report(&format!("/envelope/headers/{}", map::escape(name)), message);
        }
    }
    let endpoints = [Endpoint::One, Endpoint::Multi, Endpoint::Patriarch];
    if config.profile == Profile::Mapped && endpoints.iter().all(|&endpoint| config.own_mapping(endpoint).is_none()) {
        report("/mapping", "the profile \"mapped\" needs the mapping of at least one list".to_owned());
    }
    for endpoint in endpoints {
        if let Some(mapping) = config.own_mapping(endpoint) {
            let at = format!("/mapping/{}", endpoint.name());
            for (pointer, message) in map::check_mapping(mapping, &config.record.key_field) {
                report(&format!("{at}{pointer}"), message);
            }
        }
    }
    problems
}

/// May this profile talk to this host? The built-in field names are our invention: a record in them must never reach the
/// province.
pub(super) fn host_is_allowed(config: &Config) -> Result<(), String> {
    if config.profile == Profile::Mapped {
        return Ok(());
    }
    let (authority, host) = authority(&config.base_url)?;
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_this_machine = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    if is_this_machine || config.sim.hosts.iter().any(|known| known == authority || known == host) {
        return Ok(());
    }
    Err(format!(
        "the profile \"sim\" sends field names that only a simulator knows, and {host} is none: install the province's \
         mapping and set profile = \"mapped\", or name the simulator in sim.hosts"
    ))
}

/// Host with port, and host alone.
fn authority(base_url: &str) -> Result<(&str, &str), String> {
    let rest = base_url.strip_prefix("https://").or_else(|| base_url.strip_prefix("http://"));
    let rest = rest.ok_or("must begin with https:// (or http://)")?;
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.is_empty() || rest.contains(['@', '?', '#', '\\', ' ']) {
        return Err("must be scheme, host and, if need be, port and path; nothing else".to_owned());
    }
    // A colon after the last bracket begins the port; those of an IPv6 address are inside brackets.
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    Ok((authority, host))
}
