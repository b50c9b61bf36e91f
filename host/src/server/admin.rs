//! The admin listener: probes and metrics for machines, open; rollouts, reload, rollback and release for operators, with
//! the admin key.
//! Nothing of this exists on the platforms' listener, and no platform's key opens anything here.

mod queue;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{self, FromRequestParts, State, rejection::PathRejection},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use serde_json::Value;

use super::{auth::AdminKey, front::RequestError, problem::Problem, source};
use crate::{
    audit::Auditor,
    id::{ConnectorName, Pin, Revision},
    push::Push,
    shutdown::Drain,
};

/// What the host lets an operator see and do.
pub(crate) trait Control: Send + Sync {
    /// Was a table of links published since the start?
    fn published(&self) -> bool;
    /// Desired and active state of every connector file and link, with reasons.
    fn rollouts(&self) -> Value;
    /// Asks for a reconcile soon; does not wait for it.
    fn reload(&self);
    /// Sends every link of a connector back to what it served with before; the revision that is gone.
    fn roll_back(&self, connector: ConnectorName) -> BoxFuture<'_, Result<Granted, Declined>>;
    /// Lets a revision out of quarantine.
    fn release(&self, pin: Pin) -> BoxFuture<'_, Result<Granted, Declined>>;
}

/// What became of an operator's wish, once it is so.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Granted {
    /// The revision that it was about.
    pub(crate) revision: Revision,
    /// Links that it serves now.
    pub(crate) links: usize,
}

/// Why an operator's wish was not granted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Declined {
    /// There is no such thing.
    #[error("{0}")]
    Unknown(String),
    /// As things stand, it cannot be done.
    #[error("{0}")]
    Impossible(String),
}

/// What runs here.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Versions {
    /// This program.
    pub(crate) duijie: &'static str,
    /// The runtime that guests run on.
    pub(crate) wasmtime: &'static str,
    /// The contract with connectors.
    pub(crate) contract: &'static str,
}

/// What the admin listener serves from.
pub(crate) struct Admin {
    /// The host.
    pub(crate) control: Arc<dyn Control>,
    /// What was accepted.
    pub(crate) push: Arc<Push>,
    /// Writes down what operators do.
    pub(crate) auditor: Auditor,
    /// Renders the metrics.
    pub(crate) metrics: PrometheusHandle,
    /// Lets operators in.
    pub(crate) key: AdminKey,
    /// Says when the host is going down.
    pub(crate) drain: Drain,
    /// What runs here.
    pub(crate) versions: Versions,
}

/// The routes.
pub(crate) fn router(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/version", get(version))
        .route("/v1/queue", get(queue::show))
        .route("/v1/jobs", get(queue::jobs))
        .route("/v1/jobs/retry", post(queue::retry_all))
        .route("/v1/jobs/{id}", get(queue::job))
        .route("/v1/jobs/{id}/retry", post(queue::retry))
        .route("/v1/jobs/{id}/cancel", post(queue::cancel))
        .route("/v1/links/{link}/hold", post(queue::hold))
        .route("/v1/links/{link}/resume", post(queue::resume))
        .route("/v1/backup", post(queue::backup))
        .route("/v1/audit", get(queue::audit))
        .route("/v1/audit/verify", post(queue::verify_audit))
        .route("/v1/webhooks/{platform}/retry", post(queue::retry_webhooks))
        .route("/v1/rollouts", get(rollouts))
        .route("/v1/reload", post(reload))
        .route("/v1/connectors/{connector}/rollback", post(roll_back))
        .route("/v1/quarantine/{revision}/release", post(release))
        .with_state(admin)
}

/// Somebody with the admin key; a handler that takes this is not reached by anybody else.
struct Operator;

impl FromRequestParts<Arc<Admin>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<Admin>) -> Result<Self, Problem> {
        admin.key.authenticate(&parts.headers, source::of(parts, &[]))?;
        Ok(Self)
    }
}

/// The process is alive: it answers.
async fn health() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<&'static str>,
}

/// Upstreams are not asked: one that is down must not take this host out of service.
async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    let mut reasons = Vec::new();
    if !admin.control.published() {
        reasons.push("the links have not been read yet");
    }
    if admin.push.store().is_broken().is_some() {
        reasons.push("the store has failed; the host must be started again");
    }
    if admin.drain.begun() {
        reasons.push("the host is going down");
    }
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready: reasons.is_empty(), reasons })).into_response()
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], admin.metrics.render()).into_response()
}

async fn version(State(admin): State<Arc<Admin>>) -> Json<Versions> {
    Json(admin.versions)
}

async fn rollouts(_: Operator, State(admin): State<Arc<Admin>>) -> Json<Value> {
    Json(admin.control.rollouts())
}

async fn reload(_: Operator, State(admin): State<Arc<Admin>>) -> StatusCode {
    tracing::info!("an operator asked for a reload");
    admin.control.reload();
    StatusCode::ACCEPTED
}

async fn roll_back(
    _: Operator,
    State(admin): State<Arc<Admin>>,
    path: Result<extract::Path<String>, PathRejection>,
) -> Result<Json<Granted>, Problem> {
    let extract::Path(text) = path.map_err(|_| RequestError::NoRoute)?;
    let connector: ConnectorName = text.parse().map_err(|_| RequestError::NoRoute)?;
    Ok(Json(admin.control.roll_back(connector).await?))
}

async fn release(
    _: Operator,
    State(admin): State<Arc<Admin>>,
    path: Result<extract::Path<String>, PathRejection>,
) -> Result<Json<Granted>, Problem> {
    let extract::Path(text) = path.map_err(|_| RequestError::NoRoute)?;
    let pin: Pin = text.parse().map_err(|_| RequestError::NoRoute)?;
    Ok(Json(admin.control.release(pin).await?))
}

#[cfg(test)]
mod tests;
