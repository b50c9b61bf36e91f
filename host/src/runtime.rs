//! Guests: how a connector's bytes become something that can serve, and how one call runs. Knows nothing of links' files,
//! of HTTP, or of who asks. The path of a load is `validate → compile (cache) → prepared`; of a call, `invoke`.

mod cache;
pub(crate) mod compile;
mod engine;
mod error;
mod invoke;
mod limits;
pub(crate) mod manifest;
mod prepared;
mod state;
mod tally;
mod validate;
mod wasi;

pub(crate) use self::{
    cache::Cache,
    compile::Compiler,
    engine::{EngineOptions, Runtime},
    invoke::{HookAnswer, HookRequest, call, receive},
    prepared::PreparedRef,
};
pub(crate) use self::{
    error::{LoadError, LoadStep},
    limits::CallLimits,
    prepared::{Operation, Prepared, Violation},
    tally::Count,
    validate::COMPONENT_MAX,
};
