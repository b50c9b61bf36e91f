//! Who may import whom in the host (design.md §3), and which crates only one place may name.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Source, code, none, sources};

/// Every top-level module with what it may use. Downwards only: what stands here for a module is the whole of it.
const MAY_USE: [(&str, &[&str]); 28] = [
    ("main", &[]),
    ("lib", &[]),
    (
        "cli",
        &[
            "app",
            "config",
            "file",
            "id",
            "link",
            "offline",
            "pattern",
            "reload",
            "runtime",
            "server",
            "sheet",
            "store",
            "telemetry",
        ],
    ),
    // Beside a running host: what is done to a store while there is none.
    ("offline", &["hostkey", "id", "seal", "store"]),
    (
        "app",
        &[
            "audit",
            "capability",
            "config",
            "failpoint",
            "hostkey",
            "id",
            "link",
            "push",
            "reload",
            "runtime",
            "seal",
            "server",
            "shutdown",
            "store",
            "telemetry",
            "webhook",
        ],
    ),
    (
        "server",
        &["audit", "config", "failure", "id", "link", "pattern", "push", "runtime", "sheet", "shutdown", "store"],
    ),
    // Turns the file into every module's own options, so it stands above those modules.
    ("config", &["id", "pattern", "reload", "runtime", "secret", "telemetry", "webhook"]),
    ("reload", &["failpoint", "file", "id", "link", "pattern", "runtime", "secret"]),
    // Beside the way of a call: from the store to the platform.
    ("webhook", &["capability", "failpoint", "failure", "id", "secret", "shutdown", "store"]),
    (
        "push",
        &[
            "capability",
            "failpoint",
            "failure",
            "id",
            "link",
            "runtime",
            "seal",
            "sheet",
            "shutdown",
            "store",
            "webhook",
        ],
    ),
    // Who did what, for whoever lets them.
    ("audit", &["store"]),
    ("sheet", &[]),
    ("link", &["capability", "failure", "file", "id", "runtime", "secret"]),
    ("runtime", &["bindings", "capability", "failpoint", "failure", "hostkey", "id", "redact", "secret"]),
    ("capability", &["bindings", "failure", "file", "id", "redact", "seal", "secret", "store"]),
    // A leaf for whoever needs something to last: it knows names and outcomes, and nothing of what is in a payload.
    ("store", &["failure", "id"]),
    // What the store must not be able to read passes it first.
    ("seal", &["hostkey", "id", "store"]),
    // One pair that looks both ways: the generated code is told which of our types stand for the contract's.
    ("bindings", &["capability"]),
    ("redact", &["secret"]),
    ("failpoint", &[]),
    ("failure", &[]),
    ("file", &[]),
    ("hostkey", &[]),
    ("id", &[]),
    ("pattern", &[]),
    ("secret", &["file"]),
    ("shutdown", &[]),
    ("telemetry", &[]),
];

/// Crates that only some files may name, and why a second place would be wrong.
const ONLY: [(&str, &[&str]); 9] = [
    // One egress: every byte that leaves passes its policy.
    ("reqwest", &["capability/http/client"]),
    // One place that knows HTTP statuses.
    ("axum", &["server"]),
    // The sandbox has one door.
    ("wasmtime", &["runtime", "bindings", "capability"]),
    ("wasmtime_wasi", &["runtime"]),
    ("wasmparser", &["runtime"]),
    // One database behind one trait.
    ("rusqlite", &["store/sqlite"]),
    // One way to encrypt what is kept.
    ("chacha20poly1305", &["seal"]),
    // Typed errors everywhere but at the rim.
    ("anyhow", &["main", "app", "cli"]),
    ("clap", &["cli"]),
];

fn module(source: &Source) -> &str {
    let inside = source.path.strip_prefix("host/src/").unwrap();
    inside.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Is this file, or the part of a file below a `#[cfg(test)]`, only a test?
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.ends_with("/differential.rs")
}

fn product_code(source: &Source) -> String {
    let until_tests = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    until_tests.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// The top-level modules that a file names after `crate::`, also inside braces.
fn used(text: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
            continue;
        }
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => used.extend(word(rest)),
            Some(group) => {
                // The words at depth one begin after `{` and after every `,` of that depth.
                let (mut depth, mut start) = (0, true);
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if c.is_whitespace() => {}
                        _ if start && depth == 0 => {
                            used.extend(word(&group[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    used
}

fn word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

#[test]
fn imports_in_the_host_go_one_way() {
    let rules: BTreeMap<&str, &[&str]> = MAY_USE.into();
    let mut broken = Vec::new();
    for source in sources(&["host/src"], "rs") {
        let from = module(&source);
        let Some(allowed) = rules.get(from) else {
            broken.push(format!("{}: the module {from} has no rule", source.path));
            continue;
        };
        if is_test(&source.path) {
            continue;
        }
        for to in used(&product_code(&source)) {
            // Macros and what the crate's root re-exports are in capital letters or not modules.
            if rules.contains_key(to.as_str()) && to != from && !allowed.contains(&to.as_str()) {
                broken.push(format!("{}: {from} must not use {to}", source.path));
            }
        }
    }
    none("imports go downwards", &broken);
}

#[test]
fn crates_with_one_home_are_named_only_there() {
    let mut broken = Vec::new();
    for source in sources(&["host/src"], "rs") {
        if is_test(&source.path) {
            continue;
        }
        let inside = source.path.strip_prefix("host/src/").unwrap().trim_end_matches(".rs");
        let text = product_code(&source);
        for (name, homes) in ONLY {
            let named = [format!("{name}::"), format!("use {name};"), format!("#[{name}")].iter().any(|form| {
                text.match_indices(form.as_str()).any(|(at, _)| {
                    !text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
                })
            });
            let at_home = homes.iter().any(|home| inside == *home || inside.starts_with(&format!("{home}/")));
            if named && !at_home {
                broken.push(format!("{}: names {name}", source.path));
            }
        }
    }
    none("some crates are named in one place", &broken);
}

#[test]
fn http_statuses_are_known_to_the_server_only() {
    let broken: Vec<_> = sources(&["host/src"], "rs")
        .into_iter()
        // What an upstream or another host answered is a status, too; it is passed on as a number.
        .filter(|source| !["host/src/capability/http/client.rs", "host/src/cli/remote.rs"].contains(&&*source.path))
        .filter(|source| module(source) != "server" && !is_test(&source.path))
        .filter(|source| product_code(source).contains("StatusCode"))
        .map(|source| source.path)
        .collect();
    none("only the server knows HTTP statuses", &broken);
}

#[test]
fn nothing_of_the_product_depends_on_the_tests() {
    let manifests = sources(&["host", "sdk", "connectors"], "toml");
    let broken: Vec<_> =
        manifests.into_iter().filter(|source| source.text.contains("duijie-tests")).map(|source| source.path).collect();
    none("nothing of the product depends on the tests", &broken);
}

#[test]
fn the_check_of_imports_sees_every_form() {
    let text = "use crate::{a::b, c, d::{e, f},\n    g};\nuse crate::h::i; fn x() { crate::j::k(); $crate::no::x(); mycrate::no::y }";
    let expected: BTreeSet<String> = ["a", "c", "d", "g", "h", "j"].map(str::to_owned).into();
    assert_eq!(used(text), expected);
}
