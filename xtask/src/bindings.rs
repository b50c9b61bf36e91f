//! The guest-side bindings: `wit/` → `sdk/src/bindings.rs`, in process and offline. Never runs another program.
//! The generator's version is pinned in the workspace manifest, because another version writes another text.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, anyhow};
use wit_bindgen_core::{Files, WorldGenerator as _, wit_parser::Resolve};
use wit_bindgen_rust::Opts;

use crate::workspace::root;

/// The world every connector is built for.
const WORLD: &str = "connector";

/// Writes the bindings, or only says whether they would change.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let (path, text) = (path(), generate()?);
    if fs::read_to_string(&path).is_ok_and(|kept| kept == text) {
        println!("{} is up to date", path.display());
        return Ok(());
    }
    anyhow::ensure!(!check, "{} is not what wit/ makes it: run `cargo xtask bindings`", path.display());
    fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// Where the generated text is kept.
pub(crate) fn path() -> PathBuf {
    root().join("sdk/src/bindings.rs")
}

/// The text that `sdk/src/bindings.rs` must have for the contract in `wit/` as it is now.
///
/// # Errors
/// The contract does not parse, or has no world `connector`.
pub(crate) fn generate() -> anyhow::Result<String> {
    let wit = root().join("wit");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(&wit).with_context(|| format!("{} does not parse", wit.display()))?;
    let world = resolve.select_world(&[package], Some(WORLD))?;

    let options = Opts {
        // With the generator's own pretty-printer, so that no formatter has to be installed.
        format: true,
        // Every type of the contract, used or not: the SDK wraps them all.
        generate_all: true,
        // The export macro is expanded in the connector's crate, which knows the bindings only through the SDK.
        pub_export_macro: true,
        export_macro_name: Some("export_handler".to_owned()),
        default_bindings_module: Some("duijie_sdk::bindings".to_owned()),
        additional_derive_attributes: vec!["PartialEq".to_owned(), "Eq".to_owned()],
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    let mut texts = files.iter();
    let (_, text) = texts.next().ok_or_else(|| anyhow!("the generator wrote nothing"))?;
    anyhow::ensure!(texts.next().is_none(), "the generator wrote more than one file");
    Ok(String::from_utf8(text.to_vec())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checked_in_bindings_match_the_contract() {
        let kept = std::fs::read_to_string(path()).expect("sdk/src/bindings.rs is readable");
        let generated = generate().expect("the contract generates");
        assert!(kept == generated, "sdk/src/bindings.rs is out of date: run `cargo xtask bindings`");
    }
}
