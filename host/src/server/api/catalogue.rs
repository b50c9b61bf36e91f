//! What there is, for the platform that asks: its links, and a link's operations with their schemas. Never says why a
//! link is refused, or anything of its configuration: that is the operator's.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
};
use serde::Serialize;

use super::{Caller, Shared, seen};
use crate::{
    id::LinkId,
    link::{
        Entry, Link, Serving,
        expiry::{Standing, standings},
    },
    runtime::manifest::{Coalesce, Effect, OperationSpec, Repeat, Summary},
    server::{auth::Platform, front::RequestError, problem::Problem},
};

/// Links on a page unless asked otherwise.
const LIMIT_DEFAULT: usize = 100;
/// Links on a page at the most.
const LIMIT_MAX: usize = 1000;

/// Does a link serve?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::server) enum LinkState {
    /// It serves.
    Serving,
    /// Its configuration was refused; the operator must act.
    Refused,
}

/// A link in a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::server) struct LinkSummary {
    /// The link's id, as used in paths.
    #[schema(example = "zj.nbufe")]
    id: String,
    /// Does it serve?
    state: LinkState,
    /// The connector's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    connector: Option<String>,
    /// The connector's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// What the connector is, in English and Chinese.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<SummaryBody>)]
    summary: Option<Summary>,
}

/// A page of links.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::server) struct LinkList {
    /// The links, by id.
    links: Vec<LinkSummary>,
    /// Give this as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A link with all that can be called on it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::server) struct LinkDetail {
    #[serde(flatten)]
    link: LinkSummary,
    /// The connector's revision; changes whenever the connector's code does.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// Since when its queue is held back, RFC 3339; absent if it is not. What is pushed then is accepted and waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_since: Option<String>,
    /// Its operations, as far as this key may call them.
    operations: Vec<OperationDetail>,
    /// Its credentials that end by themselves; absent when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    credentials: Vec<CredentialDetail>,
}

/// How a credential stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::server) enum CredentialState {
    /// Valid for longer than any warning.
    Valid,
    /// Valid, and within the days that its operator wants to be warned.
    Expiring,
    /// Over.
    Expired,
}

/// A credential that ends by itself.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::server) struct CredentialDetail {
    /// The secret slot.
    #[schema(example = "secret_key")]
    slot: String,
    /// How it stands.
    state: CredentialState,
    /// Since when it is valid, RFC 3339.
    #[schema(example = "2026-11-01T00:00:00+08:00")]
    issued_at: String,
    /// Until when, RFC 3339.
    expires_at: String,
    /// Seconds until then; 0 when it is over.
    expires_in_s: u64,
}

/// An operation of a link.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::server) struct OperationDetail {
    /// Its name, as used in paths.
    #[schema(example = "record.push-one")]
    name: String,
    /// What it does, in English and Chinese.
    #[schema(value_type = SummaryBody)]
    summary: Summary,
    /// Does it change anything at the upstream? read or write.
    #[schema(value_type = String, example = "write")]
    effect: Effect,
    /// May the same input be sent twice without harm? safe or unsafe.
    #[schema(value_type = String, example = "safe")]
    repeat: Repeat,
    /// JSON Pointer to what names the record: records of one key that are accepted durably are sent in order, one at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Operations of one line keep one order over all of them for each key.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    /// A later input of a key does not take the place of one that waits.
    every_version: bool,
    /// It is called, and never queued: its inputs are not kept on a disk.
    direct_only: bool,
    /// How queued inputs of one key merge.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    coalesce: Option<Coalesce>,
    /// Where personal data is, as JSON Pointers in which `*` stands for every element.
    personal: Vec<String>,
    /// A call is given up after this many milliseconds.
    deadline_ms: u64,
    /// Bytes of input taken.
    max_body: usize,
    /// JSON Schema (2020-12) of the input.
    input: serde_json::Value,
    /// JSON Schema (2020-12) of the output.
    output: serde_json::Value,
}

/// A text in both languages.
#[derive(utoipa::ToSchema)]
#[schema(as = Summary)]
#[expect(dead_code, reason = "the documented form of manifest::Summary, which knows nothing of OpenAPI")]
pub(in crate::server) struct SummaryBody {
    /// English.
    en: String,
    /// Chinese.
    zh: String,
}

#[utoipa::path(
    get, path = "/v1/links", tag = "catalogue", operation_id = "listLinks", summary = "The links that this key may use",
    params(
        ("after" = Option<String>, Query, description = "Begin after this link id; `next` of the page before"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "Links on a page; 100 unless given")
    ),
    responses((status = 200, description = "A page of links, by id", body = LinkList))
)]
pub(in crate::server) async fn list(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<LinkList>, Problem> {
    let page = Page::parse(query.as_deref().unwrap_or(""))?;
    let table = shared.api.dispatcher.table();
    let mut found = table
        .iter()
        .filter(|(id, _)| page.after.as_deref().is_none_or(|after| &***id > after))
        .filter(|(id, _)| platform.sees_link(id));
    let links: Vec<LinkSummary> = found.by_ref().take(page.limit).map(|(id, entry)| summary(id, entry)).collect();
    let next = if found.next().is_some() { links.last().map(|link| link.id.clone()) } else { None };
    Ok(Json(LinkList { links, next }))
}

#[utoipa::path(
    get, path = "/v1/links/{link}", tag = "catalogue", operation_id = "showLink",
    summary = "One link, with its operations and their schemas",
    params(("link" = String, Path, description = "The link's id", example = "zj.nbufe")),
    responses((status = 200, description = "The link", body = LinkDetail))
)]
pub(in crate::server) async fn show(
    State(shared): State<Arc<Shared>>,
    Caller(platform): Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<LinkDetail>, Problem> {
    let Path(id) = path.map_err(|_| RequestError::NoRoute)?;
    // A table's key is a valid id; so is what is found by it.
    let link: Option<LinkId> = id.parse().ok().filter(|_| platform.sees_link(&id));
    let held = match &link {
        Some(link) => shared.api.push.held_since(link).await?,
        None => None,
    };
    let table = shared.api.dispatcher.table();
    let entry = seen(&table, &platform, &id)?;
    let id = link.ok_or(RequestError::NoRoute)?;
    let (revision, operations, credentials) = match entry {
        Entry::Serving(Serving { stable: link, .. }) => {
            (Some(link.connector.revision.short()), operations(link, &platform), credentials(link))
        }
        Entry::Refused { .. } => (None, Vec::new(), Vec::new()),
    };
    Ok(Json(LinkDetail {
        link: summary(&id, entry),
        revision,
        held_since: held.map(|at| at.to_string()),
        operations,
        credentials,
    }))
}

fn credentials(link: &Link) -> Vec<CredentialDetail> {
    let detail = |credential: Standing| CredentialDetail {
        slot: credential.slot,
        state: match credential.warning {
            None => CredentialState::Valid,
            Some(0) => CredentialState::Expired,
            Some(_) => CredentialState::Expiring,
        },
        issued_at: credential.issued_at,
        expires_at: credential.expires_at,
        expires_in_s: credential.expires_in_s,
    };
    standings(link).map(detail).collect()
}

fn summary(id: &LinkId, entry: &Entry) -> LinkSummary {
    match entry {
        Entry::Serving(Serving { stable: link, .. }) => {
            let manifest = &link.connector.manifest;
            LinkSummary {
                id: id.to_string(),
                state: LinkState::Serving,
                connector: Some(manifest.name.to_string()),
                version: Some(manifest.version.to_string()),
                summary: Some(manifest.summary.clone()),
            }
        }
        Entry::Refused { connector, .. } => LinkSummary {
            id: id.to_string(),
            state: LinkState::Refused,
            connector: connector.as_ref().map(ToString::to_string),
            version: None,
            summary: None,
        },
    }
}

fn operations(link: &Link, platform: &Platform) -> Vec<OperationDetail> {
    let seen = link.connector.manifest.operations.iter().filter(|operation| platform.sees_operation(&operation.name));
    seen.map(|spec| operation(link, spec)).collect()
}

fn operation(link: &Link, spec: &OperationSpec) -> OperationDetail {
    let deadline_ms = u64::try_from(link.limits.deadline.as_millis()).unwrap_or(u64::MAX);
    OperationDetail {
        name: spec.name.clone(),
        summary: spec.summary.clone(),
        effect: spec.effect,
        repeat: spec.repeat,
        key: spec.key.clone(),
        line: spec.line.clone(),
        every_version: spec.every_version,
        direct_only: spec.direct_only,
        coalesce: spec.coalesce.clone(),
        personal: spec.personal.clone(),
        deadline_ms: spec.deadline_ms.map_or(deadline_ms, |asked| asked.min(deadline_ms)),
        max_body: link.input_max(spec.max_body),
        input: spec.input.clone(),
        output: spec.output.clone(),
    }
}

/// Which part of a list.
struct Page {
    after: Option<String>,
    limit: usize,
}

impl Page {
    fn parse(query: &str) -> Result<Self, RequestError> {
        let mut page = Self { after: None, limit: LIMIT_DEFAULT };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "after" => page.after = Some(value.into_owned()),
                "limit" => {
                    page.limit =
                        value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or(
                            RequestError::Query { name: "limit", rule: "a number from 1 to 1000 is expected" },
                        )?;
                }
                // Others are ignored, as everywhere on the web.
                _ => {}
            }
        }
        Ok(page)
    }
}
