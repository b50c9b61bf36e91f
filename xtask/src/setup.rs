//! What has to be on the machine besides cargo: looked for, and installed where that needs nobody's password. Says what
//! it installs before it does.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::workspace;

/// The target that connectors are built for.
pub(crate) const WASM_TARGET: &str = "wasm32-wasip2";

/// Sees to it that components can be built. The toolchain file lists the target, but rustup does not install it where
/// automatic installation is switched off.
pub(crate) fn wasm_target() -> Result<()> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", WASM_TARGET])
        .current_dir(workspace::root())
        .output()
        .context("running rustc")?;
    let libraries = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    eprintln!("xtask: the Rust target {WASM_TARGET} is missing; running `rustup target add {WASM_TARGET}`");
    run(Command::new("rustup").args(["target", "add", WASM_TARGET]).current_dir(workspace::root()))
}

/// Sees to it that the program is there which the tests compare our cryptography with.
pub(crate) fn openssl() -> Result<()> {
    let found = Command::new("openssl").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        bail!(
            "the tests need the openssl program; install it (Debian: `sudo apt-get install openssl`) and run this again"
        );
    }
    eprintln!("xtask: the openssl program is missing; running `apt-get install openssl`");
    run(Command::new("apt-get").arg("update"))?;
    run(Command::new("apt-get").args(["install", "--yes", "--no-install-recommends", "openssl"]))
}

/// Runs a command to its end; what it prints goes where ours does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("running {shown}"))?;
    if !status.success() {
        bail!("{shown} failed: {status}");
    }
    Ok(())
}
