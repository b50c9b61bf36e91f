//! Connectors as files: builds the packages of a folder for the wasm target and puts each as `NAME-VERSION.wasm` into a
//! directory, by a temporary name and a rename, so that a host which watches the directory never sees half of one.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow};

use crate::{setup, workspace};

/// Bytes of a connector, built for release (decision 0012).
const CONNECTOR_BYTES_MAX: u64 = 600 << 10;

/// Which packages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// `connectors/*`.
    Connectors,
    /// `tests/guests/*`.
    Guests,
}

impl Kind {
    fn folder(self) -> PathBuf {
        workspace::root().join(match self {
            Self::Connectors => "connectors",
            Self::Guests => "tests/guests",
        })
    }

    fn out(self) -> &'static str {
        match self {
            Self::Connectors => "connectors",
            Self::Guests => "guests",
        }
    }
}

/// Builds them and says where they are.
pub(crate) fn run(kind: Kind, out: Option<PathBuf>) -> Result<()> {
    for file in build(kind, out)? {
        let kib = fs::metadata(&file)?.len() >> 10;
        println!("{} ({kib} KiB)", file.display());
    }
    Ok(())
}

/// Builds them; returns the files.
pub(crate) fn build(kind: Kind, out: Option<PathBuf>) -> Result<Vec<PathBuf>> {
    setup::wasm_target()?;
    let metadata = workspace::metadata()?;
    let folder = kind.folder();
    let wanted: Vec<_> = metadata.packages.iter().filter(|package| package.dir.parent() == Some(&folder)).collect();
    let mut args = vec!["--target", setup::WASM_TARGET, "--profile", "connector", "--lib"];
    for package in &wanted {
        args.extend(["--package", &package.name]);
    }
    let artifacts = workspace::build_wasm(&args)?;
    let out = out.unwrap_or_else(|| metadata.target.join(kind.out()));
    fs::create_dir_all(&out).with_context(|| format!("making {}", out.display()))?;
    let mut files = Vec::new();
    for package in wanted {
        let built =
            artifacts.iter().filter(|artifact| artifact.package == package.id).flat_map(|artifact| &artifact.files);
        let wasm = built.into_iter().find(|file| file.extension().is_some_and(|extension| extension == "wasm"));
        let wasm = wasm.ok_or_else(|| {
            anyhow!("{} built no .wasm; has its [lib] crate-type = [\"cdylib\", \"rlib\"]?", package.name)
        })?;
        if matches!(kind, Kind::Connectors) {
            fits(wasm, &package.name)?;
        }
        files.push(place(wasm, &out, &format!("{}-{}.wasm", package.name, package.version))?);
    }
    Ok(files)
}

/// Is it as small as a connector must be? A large one is slow to compile, to copy and to look through.
fn fits(wasm: &Path, package: &str) -> Result<()> {
    let bytes = fs::metadata(wasm).with_context(|| format!("reading {}", wasm.display()))?.len();
    if bytes > CONNECTOR_BYTES_MAX {
        return Err(anyhow!(
            "{package} has {} KiB; a connector has at most {} KiB; look at its newest dependencies first",
            bytes >> 10,
            CONNECTOR_BYTES_MAX >> 10
        ));
    }
    Ok(())
}

fn place(wasm: &Path, out: &Path, name: &str) -> Result<PathBuf> {
    let bytes = fs::read(wasm).with_context(|| format!("reading {}", wasm.display()))?;
    let path = out.join(name);
    // An untouched file is not a new one to whoever watches.
    if fs::read(&path).is_ok_and(|there| there == bytes) {
        return Ok(path);
    }
    // Readable by whoever the host runs as; a temporary file is not by itself.
    let readable = std::fs::Permissions::from_mode(0o644);
    let mut file = tempfile::Builder::new().prefix(".new-").permissions(readable).tempfile_in(out)?;
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    file.persist(&path).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}
