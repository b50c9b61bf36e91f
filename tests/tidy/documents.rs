//! The contract, the decisions and the READMEs.

use std::path::Path;

use wit_parser::{Docs, Handle, Resolve, TypeDefKind, TypeId};

use crate::{none, read, root, sources};

#[test]
fn every_item_of_the_contract_is_documented() {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).expect("wit/ parses");
    let mut bare = Vec::new();
    let mut check = |what: String, docs: &Docs| {
        if docs.contents.as_deref().is_none_or(|text| text.trim().is_empty()) {
            bare.push(what);
        }
    };
    for (_, interface) in &resolve.interfaces {
        let name = interface.name.clone().unwrap_or_default();
        check(format!("interface {name}"), &interface.docs);
        for (function, item) in &interface.functions {
            // What a resource drops by is made by the tools.
            check(format!("{name}.{function}"), &item.docs);
        }
        for (type_name, id) in &interface.types {
            check_type(&resolve, &format!("{name}.{type_name}"), *id, &mut check);
        }
    }
    for (_, world) in &resolve.worlds {
        check(format!("world {}", world.name), &world.docs);
    }
    assert_eq!(resolve.packages[package].name.namespace, "duijie");
    none("every item of the contract has a comment", &bare);
}

fn check_type(resolve: &Resolve, at: &str, id: TypeId, check: &mut impl FnMut(String, &Docs)) {
    let item = &resolve.types[id];
    match &item.kind {
        // A `use` of another interface's type, which is documented there.
        TypeDefKind::Type(_) if item.docs.contents.is_none() => {}
        TypeDefKind::Handle(Handle::Own(_) | Handle::Borrow(_)) => {}
        TypeDefKind::Record(record) => {
            check(at.to_owned(), &item.docs);
            record.fields.iter().for_each(|field| check(format!("{at}.{}", field.name), &field.docs));
        }
        TypeDefKind::Enum(cases) => {
            check(at.to_owned(), &item.docs);
            cases.cases.iter().for_each(|case| check(format!("{at}.{}", case.name), &case.docs));
        }
        TypeDefKind::Variant(variant) => {
            check(at.to_owned(), &item.docs);
            variant.cases.iter().for_each(|case| check(format!("{at}.{}", case.name), &case.docs));
        }
        TypeDefKind::Flags(flags) => {
            check(at.to_owned(), &item.docs);
            flags.flags.iter().for_each(|flag| check(format!("{at}.{}", flag.name), &flag.docs));
        }
        _ => check(at.to_owned(), &item.docs),
    }
}

#[test]
fn every_wit_file_begins_with_its_package() {
    let broken: Vec<_> = sources(&["wit"], "wit")
        .into_iter()
        .filter(|source| !source.text.trim_start().starts_with("package duijie:"))
        .map(|source| source.path)
        .collect();
    none("one package a file", &broken);
}

#[test]
fn decisions_are_numbered_without_gaps_and_say_what_they_must() {
    let decisions = sources(&["host/decisions"], "md");
    let mut broken = Vec::new();
    for (n, source) in (1..).zip(&decisions) {
        let name = Path::new(&source.path).file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with(&format!("{n:04}-")) {
            broken.push(format!("{}: {n:04} is missing", source.path));
        }
        if !source.text.starts_with("# ") {
            broken.push(format!("{}: has no title", source.path));
        }
        // One page.
        if source.text.lines().count() > 80 {
            broken.push(format!("{}: is more than a page", source.path));
        }
    }
    none("decisions are NNNN-title.md, from 0001, one page each", &broken);
}

#[test]
fn both_readmes_have_the_same_shape() {
    let (english, chinese) = (read("README.md"), read("README.zh-CN.md"));
    assert_eq!(shape(&english), shape(&chinese), "levels of headings in README.md and README.zh-CN.md");
    let blocks = |text: &str| text.lines().filter(|line| line.starts_with("```")).count();
    assert_eq!(blocks(&english), blocks(&chinese), "blocks of code in both");
}

/// The levels of a document's headings, in order.
fn shape(text: &str) -> Vec<usize> {
    let mut in_code = false;
    let mut levels = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        }
        let level = line.chars().take_while(|c| *c == '#').count();
        if !in_code && level > 0 && line.chars().nth(level) == Some(' ') {
            levels.push(level);
        }
    }
    levels
}

#[test]
fn the_top_level_holds_nothing_else() {
    const FILES: [&str; 10] = [
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "README.zh-CN.md",
        "rust-toolchain.toml",
        "rustfmt.toml",
        "deny.toml",
        "clippy.toml",
    ];
    const FOLDERS: [&str; 8] = ["connectors", "docs", "host", "sdk", "target", "tests", "wit", "xtask"];
    let mut broken = Vec::new();
    for entry in std::fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let known =
            if entry.path().is_dir() { FOLDERS.contains(&name.as_str()) } else { FILES.contains(&name.as_str()) };
        if !known && !name.starts_with('.') {
            broken.push(name);
        }
    }
    none("the top level is what design.md says", &broken);
}
