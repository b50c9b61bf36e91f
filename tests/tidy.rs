//! The house rules that can be read off the files: who may import whom, how long a file may be, what is documented,
//! what is unsafe. A rule worth writing is worth a test.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where it goes wrong"
)]

#[path = "tidy/connectors.rs"]
mod connectors;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/imports.rs"]
mod imports;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A source file: its path from the workspace's root, and its text.
struct Source {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file with this extension below these directories, by path; there must be one.
fn sources(dirs: &[&str], extension: &str) -> Vec<Source> {
    let sources = sources_or_none(dirs, extension);
    assert!(!sources.is_empty(), "{dirs:?} hold no .{extension}");
    sources
}

/// The same where there may be none.
fn sources_or_none(dirs: &[&str], extension: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut open: Vec<PathBuf> = dirs.iter().map(|dir| root().join(dir)).collect();
    while let Some(path) = open.pop() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() && path.extension().is_some_and(|found| found == extension) {
            let short = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            sources.push(Source { path: short, text: fs::read_to_string(&path).unwrap() });
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// A line without its comment; good enough for looking for words, since no rule here is about text in strings.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Everything that breaks a rule, at once.
fn none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}
