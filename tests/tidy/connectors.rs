//! The connectors side by side: none repeats another's logic, nor its tests; every operation and hook of each has its row
//! in docs/upstreams.md with an end-to-end test, and every test named there exists.

use std::collections::BTreeMap;

use crate::{none, read, sources};

/// A run of so many like lines is a copy.
const RUN: usize = 6;

/// Lines that say what there is, not what is done: two connectors may well have fields of one name.
fn is_declaration(line: &str) -> bool {
    let starts =
        ["#[", "use ", "pub use ", "pub mod ", "mod ", "pub struct ", "struct ", "pub enum ", "enum ", "pub type "];
    let is_field = line.ends_with(',') && line.contains(": ") && line.starts_with("pub ");
    starts.iter().any(|start| line.starts_with(start)) || is_field || line.len() < 4
}

#[test]
fn no_connector_repeats_the_logic_of_another() {
    let mut runs: BTreeMap<Vec<&str>, Vec<(&str, String)>> = BTreeMap::new();
    let sources = sources(&["connectors"], "rs");
    for source in sources.iter().filter(|source| source.path.contains("/src/") || source.path.contains("/tests/")) {
        let connector = source.path.split('/').nth(1).unwrap();
        let lines = source.text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        let lines: Vec<_> =
            lines.filter(|(_, line)| !line.is_empty() && !line.starts_with("//") && !is_declaration(line)).collect();
        for run in lines.windows(RUN) {
            let text = run.iter().map(|(_, line)| *line).collect();
            runs.entry(text).or_default().push((connector, format!("{}:{}", source.path, run[0].0)));
        }
    }
    let copied = runs.values().filter(|places| places.iter().any(|(connector, _)| *connector != places[0].0));
    let copied: Vec<String> =
        copied.map(|places| places.iter().map(|(_, place)| place.as_str()).collect::<Vec<_>>().join(" = ")).collect();
    none("what two connectors do stands in the SDK", &copied);
}

/// The names that a connector registers.
fn registered(connector: &str) -> Vec<String> {
    let mut names = Vec::new();
    for source in sources(&[&format!("connectors/{connector}/src")], "rs") {
        for (at, _) in source.text.match_indices(".add(") {
            let rest = source.text[at + ".add(".len()..].trim_start();
            let name = rest.strip_prefix('"').and_then(|rest| rest.split('"').next());
            // Other things are added too, under pointers.
            names.extend(name.filter(|name| !name.starts_with('/')).map(str::to_owned));
        }
    }
    assert!(!names.is_empty(), "{connector} registers nothing");
    names
}

#[test]
fn every_test_that_the_table_names_is_in_its_file() {
    let table = read("docs/upstreams.md");
    let (mut file, mut missing, mut named) = ("", Vec::new(), 0);
    // What stands between backticks; a test's name belongs to the file before it.
    for word in table.split('`').skip(1).step_by(2) {
        let is_name = word.len() > 19 && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if word.ends_with(".rs") {
            file = word;
        } else if is_name {
            named += 1;
            if file.is_empty() || !read(file).contains(&format!("fn {word}(")) {
                missing.push(format!("{file}: {word}"));
            }
        }
    }
    assert!(named > 200, "only {named} tests were found in the table");
    none("docs/upstreams.md names tests that are there", &missing);
}

#[test]
fn every_operation_and_hook_has_its_row_and_its_test() {
    let table = read("docs/upstreams.md");
    let tests: Vec<_> = sources(&["tests/e2e"], "rs");
    let mut missing = Vec::new();
    for connector in ["culturedc", "eduyun", "skill-train", "zj-gxsz", "zjzwfw-sso"] {
        let section = table.split(&format!("\n## `{connector}`")).nth(1).unwrap_or_default();
        let section = section.split("\n## ").next().unwrap_or_default();
        for name in registered(connector) {
            let row = section.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{name}`")));
            let Some(row) = row else {
                missing.push(format!("{connector} {name}: no row"));
                continue;
            };
            // The test's name stands in the row as `file.rs`: `name`.
            let words = row.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            let named = words.filter(|word| word.len() > 12 && word.contains('_'));
            let exists = named.clone().any(|word| tests.iter().any(|test| test.text.contains(&format!("fn {word}("))));
            if !exists {
                missing.push(format!("{connector} {name}: no end-to-end test of that name ({})", row.trim()));
            }
        }
    }
    none("docs/upstreams.md has every operation with its test", &missing);
}
