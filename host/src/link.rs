//! Links: from the operator's TOML to the table that calls are served from. The path of a file is `layers → spec → bind →
//! table`; the path of a call is `dispatch`, that of an inbound request `receive`. The table is immutable and replaced whole, so that a call sees one state.

pub(crate) mod bind;
pub(crate) mod dispatch;
pub(crate) mod expiry;
pub(crate) mod hook;
mod layers;
pub(crate) mod receive;
pub(crate) mod spec;
pub(crate) mod table;

pub(crate) use self::layers::DEFAULTS;
pub(crate) use self::{
    dispatch::{Answer, Call, CallError, Dispatcher, Failed},
    spec::{INFLIGHT_DEFAULT, LinkSpec, PushSpec, ScheduleSpec},
    table::{Canary, Entry, Link, Serving, Table},
};
