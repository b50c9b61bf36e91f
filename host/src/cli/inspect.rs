//! `duijie inspect`: what a connector file says of itself, after the same steps that `serve` takes it through.

use std::path::PathBuf;

use clap::Args;

use super::{Done, Ended, Global, block_on, print_json, read_file};
use crate::{
    app,
    runtime::{
        Prepared,
        manifest::{Effect, Repeat},
    },
};

#[derive(Args)]
pub(super) struct InspectArgs {
    /// The connector
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
}

pub(super) fn run(global: &Global, args: &InspectArgs) -> Done {
    let bytes = read_file(&args.file)?;
    block_on(async {
        let prepared = app::prepare(&bytes)
            .await
            .map_err(|error| Ended::Because(format!("{}: {error:#}", args.file.display())))?;
        if global.json() {
            print_json(&serde_json::json!({
                "revision": prepared.revision, "size": prepared.size, "imports": prepared.imports, "manifest": prepared.manifest,
            }));
        } else {
            print(&prepared);
        }
        Ok(())
    })
}

fn print(prepared: &Prepared) {
    let manifest = &prepared.manifest;
    println!("{} {}  {} / {}", manifest.name, manifest.version, manifest.summary.en, manifest.summary.zh);
    println!("revision  {}", prepared.revision);
    println!("size      {} KiB", prepared.size.div_ceil(1024));
    println!("sdk       {}", manifest.sdk);
    println!(
        "origins   {}",
        if manifest.origins.is_empty() { "none suggested".into() } else { manifest.origins.join(", ") }
    );
    println!("\nsecrets");
    for slot in &manifest.secrets {
        let uses: Vec<_> = slot.uses.iter().map(|one| one.name()).collect();
        println!("  {}{}  [{}]  {}", slot.name, if slot.optional { "?" } else { "" }, uses.join(", "), slot.summary.en);
    }
    println!("\noperations");
    for operation in &manifest.operations {
        let effect = match operation.effect {
            Effect::Read => "read",
            Effect::Write => "write",
        };
        let repeat = match operation.repeat {
            Repeat::Safe => "repeat safe",
            Repeat::Unsafe => "repeat unsafe",
        };
        println!("  {}  [{effect}, {repeat}]  {}", operation.name, operation.summary.en);
    }
    if !manifest.hooks.is_empty() {
        println!("\nhooks");
        for hook in &manifest.hooks {
            println!("  {} {}  {}", hook.method, hook.name, hook.summary.en);
        }
    }
    println!("\nimports");
    for import in &prepared.imports {
        println!("  {import}");
    }
    println!("\nSchemas: --format json");
}
