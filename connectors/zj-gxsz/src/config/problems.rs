//! What is wrong with a config beyond what its schema says. Pure; everything is reported, not the first only.

use duijie_sdk::{Problem, mapping, url::Authority};

use super::{Config, Profile};
use crate::{envelope, model::Endpoint};

/// Every problem of a config.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |pointer: &str, message: String| problems.push(Problem::new(pointer, message));

    if let Err(message) = host_is_allowed(config) {
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
            report(&format!("/envelope/headers/{}", mapping::escape(name)), message);
        }
    }
    let endpoints = [Endpoint::One, Endpoint::Multi, Endpoint::Patriarch];
    if config.profile == Profile::Mapped && endpoints.iter().all(|&endpoint| config.own_mapping(endpoint).is_none()) {
        report("/mapping", "the profile \"mapped\" needs the mapping of at least one list".to_owned());
    }
    for endpoint in endpoints {
        if let Some(mapping) = config.own_mapping(endpoint) {
            let at = format!("/mapping/{}", endpoint.name());
            for (pointer, message) in mapping::problems(mapping) {
                report(&format!("{at}{pointer}"), message);
            }
            let key = &config.record.key_field;
            if !mapping.fields.is_empty() && !mapping.sends(key) {
                let message = format!(
                    "no field sends record.key_field ({key}), so the upstream could not tell what to overwrite"
                );
                report(&format!("{at}/fields"), message);
            }
        }
    }
    problems
}

/// May this profile talk to this host? The built-in field names are our invention: a record in them must never reach the
/// province.
pub(super) fn host_is_allowed(config: &Config) -> Result<(), String> {
    let authority = Authority::of(&config.base_url)?;
    if config.profile == Profile::Mapped || authority.is_simulator(&config.sim.hosts) {
        return Ok(());
    }
    let host = authority.host;
    Err(format!(
        "the profile \"sim\" sends field names that only a simulator knows, and {host} is none: install the province's \
         mapping and set profile = \"mapped\", or name the simulator in sim.hosts"
    ))
}
