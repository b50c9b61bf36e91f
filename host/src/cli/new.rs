//! `duijie new`: writes a connector crate that builds and passes its own test without a network. The SDK and the lock
//! file of this build come out of this program, so that nothing has to be published or fetched first.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{Done, Ended, print};
use crate::id::ConnectorName;

/// The SDK's own files, as they were when this program was built.
const SDK: include_dir::Dir<'_> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/../sdk");
/// Where the SDK's inherited versions are written.
const WORKSPACE: &str = include_str!("../../../Cargo.toml");
/// Versions that this build was tested with; a superset of what a connector needs.
const LOCK: &str = include_str!("../../../Cargo.lock");
/// Where the SDK goes in the new crate.
const VENDORED: &str = "duijie-sdk";

#[derive(Args)]
pub(super) struct NewArgs {
    /// The connector's name: a-z, 0-9 and -, beginning with a letter
    name: ConnectorName,
    /// Where to write it [default: a folder of that name, here]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &NewArgs) -> Done {
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from(&*args.name));
    if dir.exists() {
        return Err(Ended::Usage(format!("{} is there already; nothing was written", dir.display())));
    }
    write_all(&args.name, &dir).map_err(|error| Ended::Because(format!("writing {}: {error:#}", dir.display())))?;
    print(&format!(
        "{dir} is a connector that works. Next:\n\n  \
         cd {dir}\n  cargo test --offline\n  cargo build --offline --target wasm32-wasip2 --profile connector\n\n\
         Then read its README.md.",
        dir = dir.display()
    ))
}

fn write_all(name: &str, dir: &Path) -> anyhow::Result<()> {
    let template =
        SDK.get_dir("template").ok_or_else(|| anyhow::anyhow!("this program was built without its template"))?;
    for file in files(template) {
        let path = file.path().strip_prefix("template")?.with_extension("");
        let text = file.contents_utf8().ok_or_else(|| anyhow::anyhow!("{} is not text", path.display()))?;
        // A dot file in the template would be one of the repository's own.
        let path = if path == Path::new("gitignore") { PathBuf::from(".gitignore") } else { path };
        write(&dir.join(path), &fill(text, name))?;
    }
    for file in files(&SDK) {
        let path = file.path();
        let wanted = path.starts_with("src") || path == Path::new("README.md");
        if wanted {
            write(&dir.join(VENDORED).join(path), file.contents_utf8().unwrap_or_default())?;
        }
    }
    write(&dir.join(VENDORED).join("Cargo.toml"), &standalone_manifest()?)?;
    write(&dir.join("Cargo.lock"), LOCK)?;
    Ok(())
}

fn files<'d>(dir: &'d include_dir::Dir<'d>) -> Vec<&'d include_dir::File<'d>> {
    let below = dir.dirs().flat_map(files);
    dir.files().chain(below).collect()
}

fn fill(text: &str, name: &str) -> String {
    let type_name: String = name
        .split('-')
        .filter_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        })
        .collect();
    text.replace("{{name}}", name)
        .replace("{{crate}}", &name.replace('-', "_"))
        .replace("{{type}}", &type_name)
        .replace("{{sdk}}", VENDORED)
}

/// The SDK's manifest with everything that it inherits from this workspace written out.
fn standalone_manifest() -> anyhow::Result<String> {
    let workspace: toml::Table = WORKSPACE.parse()?;
    let workspace = workspace.get("workspace").and_then(toml::Value::as_table);
    let own = SDK.get_file("Cargo.toml").and_then(|file| file.contents_utf8()).unwrap_or_default();
    let mut manifest: toml::Table = own.parse()?;
    manifest.remove("lints");
    manifest.remove("dev-dependencies");
    resolve(&mut manifest, workspace.unwrap_or(&toml::Table::new()));
    Ok(toml::to_string(&manifest)?)
}

/// Replaces every `x.workspace = true` by what the workspace says of `x`, keeping what stands beside it.
fn resolve(table: &mut toml::Table, workspace: &toml::Table) {
    for (key, value) in table.iter_mut() {
        let Some(inner) = value.as_table_mut() else { continue };
        if inner.remove("workspace").is_none() {
            resolve(inner, workspace);
            continue;
        }
        let inherited = ["dependencies", "package"].iter().find_map(|from| workspace.get(*from)?.get(key)).cloned();
        match inherited {
            Some(toml::Value::Table(mut known)) => {
                known.extend(std::mem::take(inner));
                *value = toml::Value::Table(known);
            }
            Some(plain) if inner.is_empty() => *value = plain,
            Some(version) => {
                inner.insert("version".into(), version);
            }
            None => {}
        }
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdks_manifest_stands_alone() {
        let text = standalone_manifest().unwrap();
        assert!(!text.contains("workspace"), "{text}");
        assert!(text.contains("edition = \"2024\""), "{text}");
    }
}
