//! The workspace as cargo sees it, and cargo called from inside cargo: with an environment in which everything is built
//! as it would be from a shell, so that nothing is built twice.

use std::{
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;

/// Set by `cargo run` for this program. Build scripts ask for some of them (ring's does), and would run again.
const OF_CARGO_RUN: [&str; 5] =
    ["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PRIMARY_PACKAGE"];
/// Meant for the host's code; a component built with them is another component, or none (coverage has no wasm runtime).
const OF_NATIVE_BUILDS: [&str; 4] =
    ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "LLVM_PROFILE_FILE"];

/// A package of this workspace.
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// How cargo names it in messages.
    pub(crate) id: String,
    /// Its folder.
    pub(crate) dir: PathBuf,
    /// The names of its features.
    pub(crate) features: Vec<String>,
}

/// What `cargo metadata` says.
pub(crate) struct Metadata {
    /// Where cargo builds to.
    pub(crate) target: PathBuf,
    /// Every package of the workspace.
    pub(crate) packages: Vec<Package>,
}

/// Something that cargo built.
pub(crate) struct Artifact {
    /// The id of its package.
    pub(crate) package: String,
    /// The name of its target: binary or library.
    pub(crate) target: String,
    /// Every file of it.
    pub(crate) files: Vec<PathBuf>,
    /// The program, if it is one.
    pub(crate) executable: Option<PathBuf>,
}

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Cargo, in the workspace's folder.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || OF_CARGO_RUN.contains(&&*name) {
            command.env_remove(&*name);
        }
    }
    command
}

/// Reads `cargo metadata`.
pub(crate) fn metadata() -> Result<Metadata> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version=1"])
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed");
    }
    let value: Value = serde_json::from_slice(&output.stdout).context("reading what cargo metadata printed")?;
    let text = |value: &Value, key: &str| {
        value.get(key).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| anyhow!("cargo metadata has no {key}"))
    };
    let packages = value.get("packages").and_then(Value::as_array).into_iter().flatten().map(|package| {
        let manifest = PathBuf::from(text(package, "manifest_path")?);
        Ok(Package {
            name: text(package, "name")?,
            version: text(package, "version")?,
            id: text(package, "id")?,
            dir: manifest.parent().unwrap_or(root()).to_owned(),
            features: package
                .get("features")
                .and_then(Value::as_object)
                .map(|features| features.keys().cloned().collect())
                .unwrap_or_default(),
        })
    });
    Ok(Metadata { target: text(&value, "target_directory")?.into(), packages: packages.collect::<Result<_>>()? })
}

/// Builds for this machine.
pub(crate) fn build(args: &[&str]) -> Result<Vec<Artifact>> {
    run_build(cargo(), args)
}

/// Builds for the wasm target.
pub(crate) fn build_wasm(args: &[&str]) -> Result<Vec<Artifact>> {
    let mut command = cargo();
    for name in OF_NATIVE_BUILDS {
        command.env_remove(name);
    }
    run_build(command, args)
}

/// The program of this name among what was built.
pub(crate) fn program(artifacts: &[Artifact], name: &str) -> Result<PathBuf> {
    let found = artifacts.iter().find(|artifact| artifact.target == name && artifact.executable.is_some());
    found.and_then(|artifact| artifact.executable.clone()).ok_or_else(|| anyhow!("cargo built no program {name}"))
}

fn run_build(mut command: Command, args: &[&str]) -> Result<Vec<Artifact>> {
    let mut child = command
        .arg("build")
        .args(args)
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .spawn()
        .context("running cargo build")?;
    let stdout = child.stdout.take().ok_or_else(|| anyhow!("cargo has no stdout"))?;
    let mut artifacts = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let message: Value = serde_json::from_str(&line?).context("reading what cargo build printed")?;
        if message.get("reason").and_then(Value::as_str) == Some("compiler-artifact") {
            artifacts.push(artifact(&message));
        }
    }
    if !child.wait()?.success() {
        bail!("`cargo build {}` failed", args.join(" "));
    }
    Ok(artifacts)
}

fn artifact(message: &Value) -> Artifact {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let files = message.get("filenames").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    Artifact {
        package: text("/package_id"),
        target: text("/target/name"),
        files: files.map(PathBuf::from).collect(),
        executable: message.get("executable").and_then(Value::as_str).map(PathBuf::from),
    }
}
