//! Is a profile fit for use? For `check` of a link, so that a slip is found before the first request. Pure.

use duijie_sdk::{
    mapping::{self, Mapping, Violation, escape},
    template::render,
};
use serde_json::Value;

use super::{Authorize, Call, Profile, SignKind};
use crate::{model::Category, sign};

/// What is wrong with a profile, with pointers into it.
pub fn problems(profile: &Profile) -> Vec<Violation> {
    let mut found = Vec::new();
    signature(profile, &mut found);
    reply(profile, &mut found);
    for known in &CALLS {
        if let Some(described) = (known.of)(profile) {
            call(known, described, &mut found);
            places(known, described, &mut found);
        }
    }
    if let Some(push) = &profile.push
        && push.at("results").is_some()
        && push.at("ext_id").is_none()
    {
        add(&mut found, "/push/at/ext_id", "is needed to tell results apart");
    }
    match (&profile.authorize, &profile.exchange) {
        (Some(authorize), exchange) => {
            log_in(authorize, &mut found);
            if exchange.is_none() {
                add(&mut found, "/exchange", "is needed with authorize");
            }
        }
        (None, Some(_)) => add(&mut found, "/authorize", "is needed with exchange"),
        (None, None) => {}
    }
    found
}

/// What a call of the profile may say.
struct Known {
    name: &'static str,
    of: fn(&Profile) -> Option<&Call>,
    variables: &'static [&'static str],
    /// Places that it must name.
    must: &'static [&'static str],
    /// Places that it may name besides.
    may: &'static [&'static str],
}

const CALLS: [Known; 6] = [
    Known {
        name: "push",
        of: |profile| profile.push.as_ref(),
        variables: &["type", "items"],
        must: &[],
        may: &["results", "ext_id", "id", "state", "code", "message"],
    },
    Known {
        name: "status",
        of: |profile| profile.status.as_ref(),
        variables: &["extId"],
        must: &["state"],
        may: &["id", "review_note"],
    },
    Known { name: "delete", of: |profile| profile.delete.as_ref(), variables: &["extId"], must: &[], may: &[] },
    Known {
        name: "fetch",
        of: |profile| profile.fetch.as_ref(),
        variables: &["page", "size"],
        must: &["items", "total", "id", "title"],
        may: &["type", "url", "license_until"],
    },
    Known { name: "stats", of: |profile| profile.stats.as_ref(), variables: &["record"], must: &[], may: &[] },
    Known {
        name: "exchange",
        of: |profile| profile.exchange.as_ref(),
        variables: &["code"],
        must: &["open_id"],
        may: &["nickname", "phone"],
    },
];

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
        for (name, template) in templates.iter() {
            check(format!("/{table}/{}", escape(name)), template, is_signed);
        }
    }
    let is_shown = profile.headers.iter().chain(profile.query.iter()).any(|(_, value)| value.contains("${signature}"));
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
        if reply.classes.get(code).is_some() {
            add(found, &format!("/reply/classes/{}", escape(code)), "is a code of success");
        }
    }
    pointers("/reply", reply.code.iter().chain(&reply.message), found);
}

fn pointers<'a>(at: &str, pointers: impl IntoIterator<Item = &'a String>, found: &mut Vec<Violation>) {
    // An empty pointer is the whole answer, which no single value is.
    if pointers.into_iter().any(|pointer| !pointer.starts_with('/')) {
        add(found, at, "has a JSON Pointer that does not begin with \"/\"");
    }
}

fn call(known: &Known, call: &Call, found: &mut Vec<Violation>) {
    let (name, variables) = (known.name, known.variables);
    if !call.path.starts_with('/') {
        add(found, &format!("/{name}/path"), "must begin with \"/\"; it is appended to base_url");
    }
    let sample = |name: &str| variables.contains(&name).then(|| "0".to_owned());
    if let Err(message) = render(&call.path, variables, sample, |value| value) {
        found.push((format!("/{name}/path"), message));
    }
    let body = call.body.as_ref().map(|body| render(body, variables, sample, |value| value));
    match body {
        Some(Err(message)) => found.push((format!("/{name}/body"), message)),
        Some(Ok(body)) if serde_json::from_slice::<Value>(body.as_bytes()).is_err() => {
            add(found, &format!("/{name}/body"), "is not JSON");
        }
        _ => {}
    }
    let takes_record = matches!(name, "push" | "stats");
    match &call.record {
        None if takes_record => add(found, &format!("/{name}/record"), "is needed: it says what is sent"),
        Some(_) if !takes_record => add(found, &format!("/{name}/record"), "is not used by this call"),
        record => record.iter().for_each(|record| fields(&format!("/{name}/record"), record, found)),
    }
    for (category, record) in call.records.iter() {
        if name != "push" || Category::of(category).is_none() {
            add(found, &format!("/{name}/records/{}", escape(category)), "is not used: it is no category of a push");
        }
        fields(&format!("/{name}/records/{}", escape(category)), record, found);
    }
}

fn fields(at: &str, fields: &Mapping, found: &mut Vec<Violation>) {
    found.extend(mapping::problems(fields).into_iter().map(|(pointer, message)| (format!("{at}{pointer}"), message)));
}

fn places(known: &Known, call: &Call, found: &mut Vec<Violation>) {
    let Known { name, must, may, .. } = known;
    for missing in must.iter().filter(|place| call.at(place).is_none()) {
        add(found, &format!("/{name}/at/{missing}"), "is needed: where the answer holds it");
    }
    for (place, pointer) in call.at.iter() {
        let at = format!("/{name}/at/{}", escape(place));
        if !must.contains(&place) && !may.contains(&place) {
            add(found, &at, "is nothing that this call knows");
        }
        pointers(&at, [pointer], found);
    }
}

fn log_in(authorize: &Authorize, found: &mut Vec<Violation>) {
    const NAMES: [&str; 4] = ["ak", "redirect_uri", "state", "redirect_uri_with_state"];
    let sample = |name: &str| NAMES.contains(&name).then(String::new);
    if let Err(message) = render(&authorize.link, &NAMES, sample, |value| value) {
        found.push(("/authorize/link".to_owned(), message));
    }
    if !authorize.link.starts_with('/') {
        add(found, "/authorize/link", "must begin with \"/\"; it is appended to login.base_url");
    }
    if !authorize.link.contains("${state}") && !authorize.link.contains("${redirect_uri_with_state}") {
        add(found, "/authorize/link", "carries no state: a log-in could be forged");
    }
}
