//! Why a guest could not be loaded, and how a run that trapped becomes a failure. A trap is always somebody's bug,
//! never policy: policy answers through the contract.

use std::time::Duration;

use super::{compile::CompileError, manifest::ManifestError};
use crate::{
    capability::Forbidden,
    failure::{Class, Failure, Outcome},
};

/// A file that will not be served, and why. The text is for the operator who dropped it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The bytes are not a component.
    #[error("{0}")]
    NotAComponent(String),
    /// The bytes are not a whole component.
    #[error(
        "it is no valid component: {0}. Was it copied whole? Copy it beside the directory and rename it into place"
    )]
    Malformed(String),
    /// It could not be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The compiling child refused it before it compiled it, in its own words.
    #[error("{text}")]
    Child {
        /// At which step.
        step: LoadStep,
        /// Why.
        text: String,
    },
    /// It imports something that is not there.
    #[error("it imports {import:?}, {reason}")]
    Import {
        /// The import's name.
        import: String,
        /// Why it is not there, and what is.
        reason: String,
    },
    /// It does not export the handler.
    #[error(
        "it does not export {wanted:?}; it exports {found}. Was it built with the duijie SDK (export!) for wasm32-wasip2?"
    )]
    Export {
        /// What was looked for.
        wanted: &'static str,
        /// What there is.
        found: String,
    },
    /// Imports and exports have the right names and the wrong shapes.
    #[error("it does not fit the contract: {0}")]
    Link(String),
    /// It trapped or ran out of something while describing itself.
    #[error("describing itself failed: {0}")]
    Describe(String),
    /// What it says of itself is not valid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Where a load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoadStep {
    /// Its bytes are looked at, first and whole.
    Parse,
    /// Its imports and exports are looked at.
    Imports,
    /// It is compiled.
    Compile,
    /// It is instantiated and says what it is.
    Describe,
}

impl LoadStep {
    /// What the compiling child writes before its reason.
    pub(super) const NAMED: [(&'static str, Self); 3] =
        [("parse", Self::Parse), ("imports", Self::Imports), ("compile", Self::Compile)];
}

impl LoadError {
    /// Was it not the component's fault, so that it may be loaded next time?
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Compile(CompileError::Spawn(_)))
    }

    /// At which step it was refused.
    pub(crate) fn step(&self) -> LoadStep {
        match self {
            Self::NotAComponent(_) | Self::Malformed(_) => LoadStep::Parse,
            Self::Compile(_) => LoadStep::Compile,
            Self::Child { step, .. } => *step,
            Self::Import { .. } | Self::Export { .. } | Self::Link(_) => LoadStep::Imports,
            Self::Describe(_) | Self::Manifest(_) => LoadStep::Describe,
        }
    }
}

/// Raised inside a store when the guest's CPU budget is used up.
#[derive(Debug, thiserror::Error)]
#[error("the connector used up its CPU budget of {} ms", .0.as_millis())]
pub(crate) struct CpuExhausted(pub(crate) Duration);

/// Raised when a guest calls something of WASI that this host does not have.
#[derive(Debug, thiserror::Error)]
#[error("the connector called {0}, which this host does not have")]
pub(super) struct NotThere(pub(super) String);

/// What a run that did not return says of itself. The wasm backtrace stays out: it holds names from a guest.
pub(super) fn trap_text(error: &wasmtime::Error, out_of_memory: bool) -> String {
    if let Some(spent) = error.downcast_ref::<CpuExhausted>() {
        return spent.to_string();
    }
    if let Some(forbidden) = error.downcast_ref::<Forbidden>() {
        return forbidden.to_string();
    }
    if let Some(missing) = error.downcast_ref::<NotThere>() {
        return missing.to_string();
    }
    if out_of_memory {
        return "the connector ran out of the memory its link allows".into();
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => format!("the connector trapped: {trap}"),
        // Canonical-ABI violations, fuel of a host call, exit(): the outermost text names the cause without guest data.
        None => format!("the connector broke the contract: {}", error.root_cause()),
    }
}

/// A trap as the platform sees it.
pub(super) fn trapped(error: &wasmtime::Error, out_of_memory: bool, may_have_sent: bool) -> Failure {
    Failure::new(Class::Internal, effect(may_have_sent), trap_text(error, out_of_memory))
}

/// A connector that answered what it may not: whatever it says of the effect cannot be believed.
pub(super) fn broken(text: String, may_have_sent: bool) -> Failure {
    Failure::new(Class::Internal, effect(may_have_sent), text)
}

/// The deadline as the platform sees it.
pub(super) fn timed_out(deadline: Duration, may_have_sent: bool) -> Failure {
    let message = format!("no answer within the deadline of {} ms", deadline.as_millis());
    Failure::new(Class::Timeout, effect(may_have_sent), message)
}

/// What the host alone can know: whether any request left.
fn effect(may_have_sent: bool) -> Outcome {
    if may_have_sent { Outcome::Unknown } else { Outcome::NotSent }
}
