//! What the end-to-end tests, the fault tests and the demo share: upstream simulators and synthetic records.
//! Never part of a shipped host: nothing outside this package and `xtask` may depend on it.

pub mod fixtures;
pub mod upstreams;
