//! The profile as a college sees it, over HTTP. Faults are tested in `upstreams/tests.rs`.

mod college;
mod fields;
mod pushing;
mod tokens;

pub(in super::super) use college::College;
