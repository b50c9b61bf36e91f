//! Is a profile fit for use? For `check` of a link, so that a slip is found before the first request. Pure.

use duijie_sdk::{
    mapping::{self, Mapping, Violation, escape},
    template::render,
};
use serde_json::Value;

use super::{Call, LoginWire, Profile, SignKind};
use crate::sign;

/// What is wrong with a profile, with pointers into it.
pub fn problems(profile: &Profile) -> Vec<Violation> {
    let mut found = Vec::new();
    signature(profile, &mut found);
    reply(profile, &mut found);
    if let Some(push) = &profile.push {
        call("/push/call", &push.call, &["type", "items"], &mut found);
        fields("/push/item", &push.item, &mut found);
        for (category, item) in &push.items {
            fields(&format!("/push/items/{}", category.name()), item, &mut found);
        }
        if push.results.is_some() && push.result.ext_id.is_empty() {
            add(&mut found, "/push/result/ext_id", "is needed to tell results apart");
        }
        let result = &push.result;
        let places = [&push.results, &result.id, &result.state].into_iter().flatten();
        pointers("/push", places.chain([&result.ext_id]).chain(&result.code).chain(&result.message), &mut found);
    }
    if let Some(status) = &profile.status {
        call("/status/call", &status.call, &["extId"], &mut found);
        let places = [&status.id, &status.review_note].into_iter().flatten();
        pointers("/status", places.chain([&status.state]), &mut found);
    }
    if let Some(delete) = &profile.delete {
        call("/delete", delete, &["extId"], &mut found);
    }
    if let Some(fetch) = &profile.fetch {
        call("/fetch/call", &fetch.call, &["page", "size"], &mut found);
        let places = [&fetch.kind, &fetch.url, &fetch.license_until].into_iter().flatten();
        pointers("/fetch", places.chain([&fetch.items, &fetch.total, &fetch.id, &fetch.title]), &mut found);
    }
    if let Some(stats) = &profile.stats {
        call("/stats/call", &stats.call, &["record"], &mut found);
        fields("/stats/record", &stats.record, &mut found);
    }
    if let Some(login) = &profile.login {
        log_in(login, &mut found);
    }
    found
}

fn add(found: &mut Vec<Violation>, pointer: &str, message: &str) {
    found.push((pointer.to_owned(), message.to_owned()));
}

fn signature(profile: &Profile, found: &mut Vec<Violation>) {
    let sign = &profile.sign;
    let is_signed = sign.kind != SignKind::None;
    if is_signed && sign.template.is_empty() {
        add(found, "/sign/template", "is empty: nothing would be signed");
    }
    if sign.kind == SignKind::Md5Concat && !sign.template.contains("${sk}") {
        add(found, "/sign/template", "has no ${sk}: anybody could sign");
    }
    let mut check = |pointer: String, template: &str, has_signature: bool| {
        let value = |name: &str| {
            let known = sign::NAMES.contains(&name) && (name != "signature" || has_signature);
            known.then(String::new)
        };
        if let Err(message) = render(template, &sign::NAMES, value, |value| value) {
            found.push((pointer, message));
        }
    };
    check("/sign/template".to_owned(), &sign.template.replace("${sk}", ""), false);
    for (table, templates) in [("headers", &profile.headers), ("query", &profile.query)] {
        for (name, template) in templates {
            check(format!("/{table}/{}", escape(name)), template, is_signed);
        }
    }
    let is_shown = profile.headers.values().chain(profile.query.values()).any(|value| value.contains("${signature}"));
    if is_signed && !is_shown {
        add(found, "/headers", "show no ${signature}, and neither does the query");
    }
}

fn reply(profile: &Profile, found: &mut Vec<Violation>) {
    let reply = &profile.reply;
    if reply.code.is_empty() {
        add(found, "/reply/code", "is empty: no answer could be understood");
    }
    if reply.success.is_empty() {
        add(found, "/reply/success", "is empty: no answer would be a success");
    }
    for code in &reply.success {
        if reply.classes.contains_key(code) {
            add(found, &format!("/reply/classes/{}", escape(code)), "is a code of success");
        }
    }
    pointers("/reply", reply.code.iter().chain(&reply.message), found);
}

fn fields(at: &str, fields: &Mapping, found: &mut Vec<Violation>) {
    found.extend(mapping::problems(fields).into_iter().map(|(pointer, message)| (format!("{at}{pointer}"), message)));
}

fn pointers<'a>(at: &str, pointers: impl IntoIterator<Item = &'a String>, found: &mut Vec<Violation>) {
    // An empty pointer is the whole answer, which no single value is.
    if pointers.into_iter().any(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
        add(found, at, "has a JSON Pointer that does not begin with \"/\"");
    }
}

fn call(at: &str, call: &Call, names: &[&str], found: &mut Vec<Violation>) {
    if !call.path.starts_with('/') {
        add(found, &format!("{at}/path"), "must begin with \"/\"; it is appended to base_url");
    }
    let sample = |name: &str| names.contains(&name).then(|| "0".to_owned());
    if let Err(message) = render(&call.path, names, sample, |value| value) {
        found.push((format!("{at}/path"), message));
    }
    let body = call.body.as_ref().map(|body| render(body, names, sample, |value| value));
    match body {
        Some(Err(message)) => found.push((format!("{at}/body"), message)),
        Some(Ok(body)) if serde_json::from_slice::<Value>(body.as_bytes()).is_err() => {
            add(found, &format!("{at}/body"), "is not JSON");
        }
        _ => {}
    }
}

fn log_in(login: &LoginWire, found: &mut Vec<Violation>) {
    const NAMES: [&str; 4] = ["ak", "redirect_uri", "state", "redirect_uri_with_state"];
    let sample = |name: &str| NAMES.contains(&name).then(String::new);
    if let Err(message) = render(&login.link, &NAMES, sample, |value| value) {
        found.push(("/login/link".to_owned(), message));
    }
    if !login.link.starts_with('/') {
        add(found, "/login/link", "must begin with \"/\"; it is appended to login.base_url");
    }
    if !login.link.contains("${state}") && !login.link.contains("${redirect_uri_with_state}") {
        add(found, "/login/link", "carries no state: a log-in could be forged");
    }
    call("/login/exchange", &login.exchange, &["code"], found);
    let places = [&login.nickname, &login.phone].into_iter().flatten();
    pointers("/login", places.chain([&login.open_id]), found);
}
