//! The live OpenAPI 3.1 document: what is fixed comes from the handlers, what connectors bring is merged in for the
//! platform that asks. One path per operation name, not per link: with thousands of links the document stays as small as
//! the number of connectors, and `x-duijie-connectors` says which links answer to it. Never shows what the key may not see.

mod embed;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::{
    api::{
        batches::{BatchView, ForgottenView, Receipt, results::RowList},
        catalogue::{LinkDetail, LinkList, LinkState, LinkSummary, OperationDetail, SummaryBody},
        jobs::{AttemptView, JobDetail, JobList},
    },
    auth::Platform,
    problem::{MEDIA_TYPE, ProblemBody, ViolationBody},
};
use crate::{
    id::Revision,
    link::{Entry, Table},
    push::{
        batch::{RowError, RowView},
        view::JobView,
    },
    runtime::manifest::{Manifest, OperationSpec},
};

/// Link ids listed with one connector; `GET /v1/links` lists all.
const LINKS_LISTED_MAX: usize = 100;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "duijie",
        description = "Operations of government and education upstreams, docked by duijie. \
            This document holds what your key may call, as of this moment."
    ),
    paths(
        super::api::catalogue::list,
        super::api::catalogue::show,
        super::api::document,
        super::api::jobs::list,
        super::api::jobs::show,
        super::api::jobs::retry,
        super::api::jobs::cancel,
        super::api::batches::receive,
        super::api::batches::show,
        super::api::batches::forget,
        super::api::batches::results::results,
        super::api::batches::follow::events
    ),
    components(schemas(
        AttemptView<'_>,
        BatchView,
        ForgottenView,
        JobDetail<'_>,
        JobList<'_>,
        JobView<'_>,
        Receipt,
        RowError,
        RowList,
        RowView,
        LinkDetail,
        LinkList,
        LinkState,
        LinkSummary,
        OperationDetail,
        ProblemBody,
        SummaryBody,
        ViolationBody
    ))
)]
struct Fixed;

/// The part that is the same for everybody.
static FIXED: LazyLock<Value> = LazyLock::new(|| {
    let mut document = serde_json::to_value(Fixed::openapi()).unwrap_or_default();
    merge(
        &mut document,
        json!({
            "security": [{ "key": [] }],
            "components": {
                "securitySchemes": {
                    "key": { "type": "http", "scheme": "bearer", "description": "Your platform's API key (dj_…)." }
                },
                "parameters": {
                    "link": {
                        "name": "link", "in": "path", "required": true,
                        "description": "The id of a link whose connector has this operation; see x-duijie-connectors, or GET /v1/links for all.",
                        "schema": { "type": "string", "maxLength": 128 }
                    },
                    "prefer": {
                        "name": "Prefer", "in": "header", "required": false,
                        "description": "respond-async: accept the record durably and answer 202. wait=n: the same, and wait up to n seconds (at most 60) for its end (RFC 7240). Without it, and without an Idempotency-Key, nothing is kept.",
                        "schema": { "type": "string" }, "example": "respond-async"
                    },
                    "idempotency-key": {
                        "name": "Idempotency-Key", "in": "header", "required": false,
                        "description": "Accepts the record durably; the same key and body again is the same record: until 7 days after it may have waited longest (max_age_days of its link), and as long as it waits, is parked or unknown.",
                        "schema": { "type": "string", "minLength": 1, "maxLength": 255 }
                    }
                },
                "responses": {
                    "Accepted": {
                        "description": "The record is kept and will be delivered; its job says how it stands.",
                        "headers": {
                            "Location": { "description": "The job.", "schema": { "type": "string" } },
                            "Preference-Applied": { "description": "What was granted of Prefer.", "schema": { "type": "string" } }
                        },
                        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Job" } } }
                    },
                    "Problem": {
                        "description": "What went wrong, who must act, and what is known about the effect.",
                        "headers": {
                            "Retry-After": { "description": "Seconds to wait before repeating.", "schema": { "type": "integer" } },
                            "X-Request-Id": { "description": "Finds the request in the host's log.", "schema": { "type": "string" } }
                        },
                        "content": { MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } }
                    }
                }
            }
        }),
    );
    let paths =
        document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flat_map(|paths| paths.values_mut());
    for operation in paths.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()) {
        merge(operation, json!({ "responses": problems() }));
    }
    document
});

fn problems() -> Value {
    json!({ "4XX": { "$ref": "#/components/responses/Problem" }, "5XX": { "$ref": "#/components/responses/Problem" } })
}

/// A connector's revision with the links that serve with it.
struct Served<'t> {
    manifest: &'t Manifest,
    links: Vec<&'t str>,
}

/// The document for this platform at this moment.
pub(super) fn document(table: &Table, platform: &Platform) -> Value {
    let mut served: BTreeMap<Revision, Served<'_>> = BTreeMap::new();
    for (id, entry) in table.iter() {
        if let Entry::Serving(serving) = entry
            && platform.sees_link(id)
        {
            let connector = &serving.stable.connector;
            served
                .entry(connector.revision)
                .or_insert_with(|| Served { manifest: &connector.manifest, links: Vec::new() })
                .links
                .push(&**id);
        }
    }
    build(&served, |operation| platform.sees_operation(operation))
}

/// One connector's way of doing an operation that others may do, too.
struct Variant<'t> {
    /// Begins the names of its schemas.
    name: String,
    served: &'t Served<'t>,
    spec: &'t OperationSpec,
}

fn build(served: &BTreeMap<Revision, Served<'_>>, sees_operation: impl Fn(&str) -> bool) -> Value {
    let mut operations: BTreeMap<&str, Vec<Variant<'_>>> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for (revision, served) in served {
        let name = component_name(served.manifest, *revision, &mut names);
        for spec in served.manifest.operations.iter().filter(|spec| sees_operation(&spec.name)) {
            let variant = Variant { name: format!("{name}.{}", spec.name), served, spec };
            operations.entry(&spec.name).or_default().push(variant);
        }
    }
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for (operation, variants) in &operations {
        for variant in variants {
            for (which, schema) in [("input", &variant.spec.input), ("output", &variant.spec.output)] {
                let name = format!("{}.{which}", variant.name);
                let embedded = embed::embed(schema, &format!("#/components/schemas/{name}"));
                schemas.insert(name, embedded);
            }
        }
        paths
            .insert(format!("/v1/links/{{link}}/operations/{operation}"), json!({ "post": post(operation, variants) }));
    }
    let mut document = FIXED.clone();
    merge(&mut document, json!({ "paths": paths, "components": { "schemas": schemas } }));
    document
}

/// Unique among the revisions served, and made of the characters a component's name may have.
fn component_name(manifest: &Manifest, revision: Revision, taken: &mut BTreeSet<String>) -> String {
    let mut name = format!("{}-{}", manifest.name, manifest.version).replace('+', "_");
    if !taken.insert(name.clone()) {
        name = format!("{name}-{}", revision.short());
        taken.insert(name.clone());
    }
    name
}

fn post(operation: &str, variants: &[Variant<'_>]) -> Value {
    let summary = variants.first().map_or("", |variant| &variant.spec.summary.en);
    let tags: BTreeSet<&str> = variants.iter().map(|variant| variant.served.manifest.name.as_ref()).collect();
    let description: BTreeSet<String> = variants
        .iter()
        .map(|variant| {
            format!("{}: {} {}", variant.served.manifest.name, variant.spec.summary.zh, variant.spec.summary.en)
        })
        .collect();
    let queued = !variants.iter().all(|variant| variant.spec.direct_only);
    let parameters: &[&str] = if queued { &["link", "prefer", "idempotency-key"] } else { &["link"] };
    let parameters: Vec<Value> =
        parameters.iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })).collect();
    let mut post = json!({
        "operationId": format!("call_{}", operation.replace('.', "_")),
        "tags": tags,
        "summary": summary,
        "description": description.into_iter().collect::<Vec<_>>().join("\n\n"),
        "parameters": parameters,
        "requestBody": { "required": true, "content": { "application/json": { "schema": schema(variants, "input") } } },
        "responses": {
            "200": {
                "description": "The connector's output, as it gave it.",
                "content": { "application/json": { "schema": schema(variants, "output") } }
            },
            "4XX": { "$ref": "#/components/responses/Problem" },
            "5XX": { "$ref": "#/components/responses/Problem" }
        },
        "x-duijie-connectors": variants.iter().map(connector).collect::<Vec<_>>()
    });
    if queued {
        let accepted = json!({ "$ref": "#/components/responses/Accepted" });
        merge(&mut post, json!({ "responses": { "202": accepted } }));
    }
    post
}

/// The one schema, or any of several where connectors differ: which one counts depends on the link.
fn schema(variants: &[Variant<'_>], which: &str) -> Value {
    let mut refs: Vec<Value> = variants
        .iter()
        .map(|variant| json!({ "$ref": format!("#/components/schemas/{}.{which}", variant.name) }))
        .collect();
    match (refs.pop(), refs.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            refs.extend(last);
            json!({ "anyOf": refs })
        }
    }
}

fn connector(variant: &Variant<'_>) -> Value {
    let Variant { name, served, spec } = variant;
    let links: Vec<&str> = served.links.iter().copied().take(LINKS_LISTED_MAX).collect();
    json!({
        "connector": served.manifest.name, "version": served.manifest.version, "summary": served.manifest.summary,
        "links": links, "links_total": served.links.len(),
        "effect": spec.effect, "repeat": spec.repeat, "key": spec.key, "line": spec.line, "every_version": spec.every_version, "direct_only": spec.direct_only,
        "personal": spec.personal, "deadline_ms": spec.deadline_ms,
        "input": format!("#/components/schemas/{name}.input"), "output": format!("#/components/schemas/{name}.output")
    })
}

/// Puts one JSON object into another, member by member.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                match into.get_mut(&name) {
                    Some(present) => merge(present, value),
                    None => {
                        into.insert(name, value);
                    }
                }
            }
        }
        (into, from) => *into = from,
    }
}

#[cfg(test)]
mod tests;
