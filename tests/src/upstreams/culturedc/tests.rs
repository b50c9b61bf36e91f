//! The profile as an institution and a browser see it, over HTTP. Faults are tested in `upstreams/tests.rs`.

mod citizens;
mod institution;
mod keys;
mod quirks;
mod resources;
