//! `cargo xtask simulate`: a simulated upstream by itself, in the foreground. It stops on ctrl-c, being in our process
//! group.

use std::{ffi::OsString, os::unix::process::CommandExt as _, process::Command};

use anyhow::{Result, anyhow};

use crate::workspace;

/// Becomes the simulator.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let built = workspace::build(&["--package", "duijie-tests", "--bin", "duijie-upstreams"])?;
    let program = workspace::program(&built, "duijie-upstreams")?;
    // In our place, so that whoever stops this process stops the simulator.
    let failed = Command::new(&program).args(args).exec();
    Err(anyhow!("running {}: {failed}", program.display()))
}
