//! `cargo xtask test`: everything that the tests need, then all tests of the workspace.

use std::ffi::OsString;

use anyhow::Result;

use crate::{components, setup, workspace};

/// Runs all tests, or those that the arguments choose.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    setup::wasm_target()?;
    setup::openssl()?;
    setup::strace()?;
    let connectors = components::build(components::Kind::Connectors, None)?;
    let guests = components::build(components::Kind::Guests, None)?;
    eprintln!("xtask: built {} connectors and {} guests", connectors.len(), guests.len());
    // The end-to-end tests run the host and the simulators as programs; `cargo test` builds those of other packages only
    // as libraries.
    workspace::build(&["--package", "duijie", "--package", "duijie-tests", "--bins"])?;
    setup::run(workspace::cargo().args(["test", "--workspace", "--no-fail-fast"]).args(args))
}
