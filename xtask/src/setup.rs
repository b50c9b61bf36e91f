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
    program("openssl", "version", "the tests need")
}

/// Sees to it that the program is there which the soaks of the store record and disturb system calls with.
pub(crate) fn strace() -> Result<()> {
    program("strace", "-V", "the soaks of the store and their tests need")
}

/// A program that is in a Debian package of its name.
fn program(name: &str, harmless: &str, who: &str) -> Result<()> {
    let found = Command::new(name).arg(harmless).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        bail!("{who} the {name} program; install it (Debian: `sudo apt-get install {name}`) and run this again");
    }
    eprintln!("xtask: the {name} program is missing; running `apt-get install {name}`");
    run(Command::new("apt-get").arg("update"))?;
    run(Command::new("apt-get").args(["install", "--yes", "--no-install-recommends", name]))
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
