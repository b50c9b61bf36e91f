//! Resources (layer ②): one at a time, their review state, taking one back, and what the institution is licensed to use.
//! Whatever is wrong with a resource is said before anything is sent, and never with its values.

pub mod batch;

use duijie_sdk::{
    Failure,
    input::Violations,
    json,
    mapping::{self, Violation, Wire},
    paging::{Page, PageQuery},
    time::{self, DATE_TIME},
};
use serde_json::Value;

use crate::{
    config::{Config, encoded_length, is_web_address},
    model::{Deleted, Licensed, Pushed, Resource, ResourceId, State, Status, text_at},
    profile::Call,
    upstream::{Upstream, Variable, part},
};

/// Pushes one resource: creates it, or changes it as long as it is not published.
///
/// # Errors
/// Every row of the error table in this connector's README.
pub fn push(config: &Config, resource: &Resource) -> Result<Pushed, Failure> {
    let upstream = Upstream::of(config)?;
    let call = part(&upstream.profile.push, "push")?;
    let item = prepared(config, call, resource)?.map_err(refused)?;
    let word = Variable::Text(upstream.word_for(resource.category));
    let reply = upstream.ask(call, &[("type", word), ("items", Variable::Json(format!("[{item}]")))])?;
    pushed(&upstream, call, &reply, &resource.ext_id)
}

/// Where a resource stands.
///
/// # Errors
/// As [`push`].
pub fn status(config: &Config, id: ResourceId) -> Result<Status, Failure> {
    let upstream = Upstream::of(config)?;
    let call = part(&upstream.profile.status, "status")?;
    is_path_segment(&id.ext_id)?;
    let reply = upstream.ask(call, &[("extId", Variable::Text(&id.ext_id))])?;
    let Some(word) = text_at(&reply, call.at("state")) else {
        return Err(Failure::protocol("the upstream's answer has no state"));
    };
    let state = upstream.state(&word);
    Ok(Status {
        ext_id: id.ext_id,
        id: text_at(&reply, call.at("id")),
        state,
        upstream_state: Some(word),
        review_note: text_at(&reply, call.at("review_note")),
        is_final: state.is_final(),
    })
}

/// Takes a resource back that is not published.
///
/// # Errors
/// As [`push`].
pub fn delete(config: &Config, id: ResourceId) -> Result<Deleted, Failure> {
    let upstream = Upstream::of(config)?;
    let call = part(&upstream.profile.delete, "delete")?;
    is_path_segment(&id.ext_id)?;
    upstream.ask(call, &[("extId", Variable::Text(&id.ext_id))])?;
    Ok(Deleted { ext_id: id.ext_id, deleted: true })
}

/// One page of the resources that the institution is licensed to use.
///
/// # Errors
/// As [`push`].
pub fn fetch(config: &Config, query: PageQuery) -> Result<Page<Licensed>, Failure> {
    let upstream = Upstream::of(config)?;
    let call = part(&upstream.profile.fetch, "fetch")?;
    let (page, size) = (query.page.to_string(), query.size.to_string());
    let reply = upstream.ask(call, &[("page", Variable::Text(&page)), ("size", Variable::Text(&size))])?;
    let list = call.at("items").and_then(|at| reply.pointer(at)).and_then(Value::as_array);
    let total = call
        .at("total")
        .and_then(|at| reply.pointer(at))
        .and_then(json::integer)
        .and_then(|total| u64::try_from(total).ok());
    let (Some(list), Some(total)) = (list, total) else {
        return Err(Failure::protocol("the upstream's answer has no list or no total"));
    };
    let items = list.iter().map(|item| {
        let upstream_type = text_at(item, call.at("type"));
        Ok(Licensed {
            id: text_at(item, call.at("id")).ok_or_else(|| Failure::protocol("a licensed resource has no id"))?,
            category: upstream_type.as_deref().and_then(|word| config.category_of(word)),
            upstream_type,
            title: text_at(item, call.at("title")).unwrap_or_default(),
            url: text_at(item, call.at("url")),
            license_until: text_at(item, call.at("license_until")),
        })
    });
    Ok(Page::new(items.collect::<Result<_, Failure>>()?, total, query))
}

/// A resource as the JSON text that the upstream gets, or everything that is wrong with it, by pointers into it.
///
/// # Errors
/// `config` for a profile that does not say what a resource is.
fn prepared(config: &Config, push: &Call, resource: &Resource) -> Result<Result<String, Vec<Violation>>, Failure> {
    let mut wrong = violations(config, resource);
    let mapping = match push.records.get(resource.category.name()) {
        Some(mapping) => mapping,
        None => part(&push.record, "push.record")?,
    };
    Ok(match mapping::map(mapping, &record_of(resource)) {
        Ok(wire) if wrong.is_empty() => Ok(text_of(&wire)),
        Ok(_) => Err(wrong),
        Err(more) => {
            wrong.extend(more);
            Err(wrong)
        }
    })
}

/// A resource as a record for a mapping: without its category, which is said elsewhere.
pub fn record_of(resource: &Resource) -> Value {
    let mut record = serde_json::to_value(resource).unwrap_or_default();
    if let Some(members) = record.as_object_mut() {
        members.remove("category");
    }
    record
}

/// A record as JSON text. Objects with text keys are always JSON.
pub fn text_of(wire: &Wire) -> String {
    serde_json::to_string(wire).unwrap_or_default()
}

/// What is wrong with a resource whatever the upstream's fields are.
pub fn violations(config: &Config, resource: &Resource) -> Vec<Violation> {
    let mut wrong = Vec::new();
    let mut unless = |holds: bool, pointer: &str, message: String| {
        if !holds {
            wrong.push((pointer.to_owned(), message));
        }
    };
    unless(config.word_for(resource.category).is_some(), "/category", "is not among the link's categories".to_owned());
    unless(is_segment(&resource.ext_id), "/extId", SEGMENT.to_owned());
    let length = resource.title.chars().count();
    let limit = config.limits.name;
    unless(length <= limit, "/title", format!("has {length} characters, more than limits.name ({limit})"));
    for (pointer, address) in [("/cover", &resource.cover), ("/url", &resource.url)] {
        let address = address.as_deref().unwrap_or_default();
        let (length, limit) = (encoded_length(address), config.limits.url);
        unless(length <= limit, pointer, format!("has {length} bytes after encoding, more than limits.url ({limit})"));
        unless(address.is_empty() || is_web_address(address), pointer, "must be an http or https address".to_owned());
    }
    let code = resource.region_code.as_deref().unwrap_or_default();
    let is_code = matches!(code.len(), 0 | 6 | 9 | 12) && code.bytes().all(|byte| byte.is_ascii_digit());
    unless(is_code, "/regionCode", "must be 6, 9 or 12 digits".to_owned());
    let at = |time: &Option<String>| time.as_deref().and_then(|time| time::parse(time, DATE_TIME));
    let is_backwards = at(&resource.start_time).zip(at(&resource.end_time)).is_some_and(|(start, end)| end < start);
    unless(!is_backwards, "/endTime", "is before startTime".to_owned());
    wrong
}

const SEGMENT: &str = "must not be \".\" or \"..\" or hold control characters: it stands in a path";

/// May this id stand in a path? Everything else is percent-encoded there, but dots are resolved on the way.
fn is_segment(ext_id: &str) -> bool {
    !matches!(ext_id, "" | "." | "..") && !ext_id.chars().any(char::is_control)
}

fn is_path_segment(ext_id: &str) -> Result<(), Failure> {
    let mut wrong = Violations::default();
    wrong.unless(is_segment(ext_id), "/extId", SEGMENT);
    wrong.none()
}

/// `invalid-input` with everything that is wrong.
pub fn refused(violations: Vec<Violation>) -> Failure {
    let count = violations.len();
    Failure::invalid_input(format!("the input does not fit: {count} violation(s), see detail"))
        .detail_fields(violations)
}

/// What an answer to a push says of one resource. Results are told apart by their ids, not by their places.
fn pushed(upstream: &Upstream<'_>, push: &Call, reply: &Value, ext_id: &str) -> Result<Pushed, Failure> {
    let Some(results) = push.at("results") else {
        return Ok(Pushed { ext_id: ext_id.to_owned(), id: None, state: State::Submitted, upstream_state: None });
    };
    let results = reply.pointer(results).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some(result) = results.iter().find(|result| text_at(result, push.at("ext_id")).as_deref() == Some(ext_id))
    else {
        return Err(Failure::protocol("the upstream's answer has no result for this resource"));
    };
    if let Some(code) = push.at("code") {
        upstream.judge(result, code, push.at("message"))?;
    }
    let word = text_at(result, push.at("state"));
    Ok(Pushed {
        ext_id: ext_id.to_owned(),
        id: text_at(result, push.at("id")),
        state: word.as_deref().map_or(State::Submitted, |word| upstream.state(word)),
        upstream_state: word,
    })
}
