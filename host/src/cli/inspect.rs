//! `duijie inspect`: what a connector file says of itself, after the same steps that `serve` takes it through.

use std::path::PathBuf;

use clap::Args;

use super::{Done, Ended, Global, block_on, print, print_json, read_file};
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
            }))
        } else {
            print(&text(&prepared))
        }
    })
}

fn text(prepared: &Prepared) -> String {
    let manifest = &prepared.manifest;
    let mut lines = vec![
        format!("{} {}  {} / {}", manifest.name, manifest.version, manifest.summary.en, manifest.summary.zh),
        format!("revision  {}", prepared.revision),
        format!("size      {} KiB", prepared.size.div_ceil(1024)),
        format!("sdk       {}", manifest.sdk),
        format!(
            "origins   {}",
            if manifest.origins.is_empty() { "none suggested".into() } else { manifest.origins.join(", ") }
        ),
    ];
    lines.push("\nsecrets".to_owned());
    for slot in &manifest.secrets {
        let uses: Vec<_> = slot.uses.iter().map(|one| one.name()).collect();
        lines.push(format!(
            "  {}{}  [{}]  {}",
            slot.name,
            if slot.optional { "?" } else { "" },
            uses.join(", "),
            slot.summary.en
        ));
    }
    lines.push("\noperations".to_owned());
    for operation in &manifest.operations {
        let effect = match operation.effect {
            Effect::Read => "read",
            Effect::Write => "write",
        };
        let repeat = match operation.repeat {
            Repeat::Safe => "repeat safe",
            Repeat::Unsafe => "repeat unsafe",
        };
        let line = operation.line.as_ref().map(|line| format!("line {line}"));
        let more = [(operation.every_version, "every version sent"), (operation.direct_only, "never queued")];
        let more = more.into_iter().filter(|(is, _)| *is).map(|(_, word)| word.to_owned());
        let words: Vec<String> = [effect, repeat].map(str::to_owned).into_iter().chain(line).chain(more).collect();
        lines.push(format!("  {}  [{}]  {}", operation.name, words.join(", "), operation.summary.en));
    }
    if !manifest.hooks.is_empty() {
        lines.push("\nhooks".to_owned());
        for hook in &manifest.hooks {
            lines.push(format!("  {} {}  {}", hook.method, hook.name, hook.summary.en));
        }
    }
    lines.push("\nimports".to_owned());
    for import in &prepared.imports {
        lines.push(format!("  {import}"));
    }
    lines.push("\nSchemas: --format json".to_owned());
    lines.join("\n")
}
