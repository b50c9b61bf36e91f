//! What is wrong with a config beyond what its schema says. Pure; everything is reported, not the first only.

use duijie_sdk::{Problem, mapping, time, url::Authority, xml};

use super::{Config, Datatype, Gateway, Transport, Verb};
use crate::login;

/// 2024-03-01 14:30:45 China time: any moment will do to try a pattern.
const SAMPLE_MS: u64 = 1_709_274_645_000;

/// Every problem of a config.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    addresses(config, &mut found);
    access(config, &mut found);
    names(config, &mut found);
    mapping_of_users(config, &mut found);
    found
}

fn addresses(config: &Config, found: &mut Vec<Problem>) {
    let mut address = |pointer: &str, address: &str| {
        if let Err(message) = Authority::of(address) {
            found.push(Problem::new(pointer, message));
        }
    };
    address("/base", &config.base);
    address("/irs/base", &config.irs.base);
    if let Some(landing_url) = &config.login.landing_url {
        address("/login/landing_url", landing_url);
    }
    for (index, return_url) in config.login.return_urls.iter().enumerate() {
        address(&format!("/login/return_urls/{index}"), return_url);
    }
    let (path, irs) = (&config.path, &config.irs.path);
    let paths = [
        ("/path/auth", &path.auth),
        ("/path/users", &path.users),
        ("/irs/path/ticket_validate", &irs.ticket_validate),
        ("/irs/path/user_info", &irs.user_info),
        ("/irs/path/user_authenticate", &irs.user_authenticate),
        ("/irs/path/ticket_generate", &irs.ticket_generate),
        ("/irs/path/user_sync", &irs.user_sync),
        ("/irs/path/user_by_id", &irs.user_by_id),
    ];
    for (pointer, path) in paths {
        if path.as_ref().is_some_and(|path| !is_path(path)) {
            found.push(Problem::new(pointer, "must begin with \"/\" and have neither query nor fragment"));
        }
    }
    let templates = [
        ("/login/url_template", Some(&config.login.url_template), true),
        ("/logout/url_template", config.logout.url_template.as_ref(), false),
    ];
    for (pointer, template, needs_goto) in templates {
        if let Some(Err(message)) = template.map(|template| login::check_template(template, needs_goto)) {
            found.push(Problem::new(pointer, message));
        }
    }
}

/// How requests get through: combinations that cannot work, or must not.
fn access(config: &Config, found: &mut Vec<Problem>) {
    let mut report = |pointer: &str, message: &str| found.push(Problem::new(pointer, message));
    let is_empty = |text: &Option<String>| text.as_ref().is_none_or(String::is_empty);
    if config.transport == Transport::Soap && is_empty(&config.soap.namespace) {
        report("/soap/namespace", "the transport \"soap\" needs the WSDL's target namespace");
    }
    if !xml::is_name(&config.soap.out) {
        report("/soap/out", "must be the name of an XML element");
    }
    if config.gateway == Gateway::Irs {
        if is_empty(&config.irs.access_key) {
            report("/irs/access_key", "the gateway \"irs\" needs the access key as issued");
        }
        if config.transport == Transport::Soap {
            report("/transport", "the gateway \"irs\" is only known with the transport \"http\"");
        }
        let is_bare = |it: Authority<'_>| config.irs.base.trim_end_matches('/').ends_with(it.authority);
        if !Authority::of(&config.irs.base).is_ok_and(is_bare) {
            report("/irs/base", "must have no path: the whole path is signed, and stands in irs.path");
        }
    }
    if config.id_validation.enabled {
        if config.http.verb == Verb::Get && config.transport == Transport::Http {
            report("/id_validation/enabled", "a password must not stand in an address: set http.verb = \"POST\"");
        }
        if !config.is_confidential() {
            report("/id_validation/enabled", "passwords go over https only");
        }
    }
}

fn names(config: &Config, found: &mut Vec<Problem>) {
    let mut report = |pointer: &str, message: &str| found.push(Problem::new(pointer, message));
    let names = &config.method;
    let required = [
        ("ticket_validate", &names.ticket_validate),
        ("user_info", &names.user_info),
        ("user_authenticate", &names.user_authenticate),
        ("ticket_generate", &names.ticket_generate),
        ("user_sync", &names.user_sync),
        ("user_by_id", &names.user_by_id),
        ("hook_user_sync", &names.hook_user_sync),
        ("hook_user_delete", &names.hook_user_delete),
    ];
    let optional = [
        ("token_by_code", &names.token_by_code),
        ("token_refresh", &names.token_refresh),
        ("ticket_by_proxy_token", &names.ticket_by_proxy_token),
        ("ticket_by_token", &names.ticket_by_token),
        ("standard_authenticate", &names.standard_authenticate),
        ("user_by_token", &names.user_by_token),
        ("systems", &names.systems),
        ("password_change", &names.password_change),
        ("profile_change", &names.profile_change),
        ("roles", &names.roles),
    ];
    let optional = optional.into_iter().filter_map(|(key, name)| Some((key, name.as_ref()?)));
    for (key, name) in required.into_iter().chain(optional) {
        if !is_method(name) {
            report(&format!("/method/{key}"), "must be letters and digits, beginning with a letter");
        }
    }
    if names.hook_user_sync == names.hook_user_delete {
        report("/method/hook_user_delete", "must differ from method.hook_user_sync");
    }
    if !is_parameter(&config.param.ticket) {
        report("/param/ticket", "must be lower-case letters, digits and \"_\"");
    }
    let format = &config.time.format;
    let tells_seconds = time::parse(&time::format(SAMPLE_MS, format), format) == Some(SAMPLE_MS);
    if !tells_seconds {
        report("/time/format", "must have yyyy, MM, dd, HH, mm and ss");
    }
    if !config.hook.content_type.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        report("/hook/content_type", "must be visible ASCII");
    }
}

fn mapping_of_users(config: &Config, found: &mut Vec<Problem>) {
    let Some(mapping) = &config.mapping.user_sync else { return };
    for (pointer, message) in mapping::problems(mapping) {
        found.push(Problem::new(format!("/mapping/user_sync{pointer}"), message));
    }
    for (index, field) in mapping.fields.iter().enumerate() {
        if config.datatype == Datatype::Xml && !xml::is_name(&field.to) {
            let pointer = format!("/mapping/user_sync/fields/{index}/to");
            found.push(Problem::new(pointer, "must be the name of an XML element, because datatype is \"xml\""));
        }
    }
}

/// Is this a path and nothing more?
pub(crate) fn is_path(path: &str) -> bool {
    let has_dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
    path.starts_with('/')
        && !path.starts_with("//")
        && !has_dots
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte))
}

/// Is this a method's name?
pub(crate) fn is_method(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Is this a parameter's name? They are all lower-case.
pub(crate) fn is_parameter(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
