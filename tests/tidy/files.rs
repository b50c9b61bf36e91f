//! Length, heads, and `unsafe`.

use std::collections::BTreeSet;

use crate::{code, none, read, sources, sources_or_none};

/// Where Rust is written by us.
const OURS: [&str; 5] = ["host", "sdk", "connectors", "tests", "xtask"];
/// The limit of a file; half of it and less is the habit.
const LINES_MAX: usize = 400;
/// What a generator wrote.
const GENERATED: &str = "sdk/src/bindings.rs";

#[test]
fn no_file_has_more_than_400_lines() {
    let long = sources(&OURS, "rs").into_iter().filter(|source| source.path != GENERATED);
    let broken: Vec<_> = long
        .map(|source| (source.text.lines().count(), source.path))
        .filter(|(lines, _)| *lines > LINES_MAX)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    none("at most 400 lines a file", &broken);
}

#[test]
fn every_file_begins_by_saying_what_it_is() {
    let heads = sources(&OURS, "rs").into_iter().filter(|source| source.path != GENERATED);
    let broken: Vec<_> = heads.filter(|source| !source.text.starts_with("//! ")).map(|source| source.path).collect();
    none("a file begins with //!", &broken);
}

#[test]
fn unsafe_is_written_only_where_it_must_be() {
    const ALLOWED: [&str; 5] = [
        // Loading compiled code that this host's own MAC vouches for.
        "host/src/runtime/cache.rs",
        // Generated.
        GENERATED,
        // The misdeeds of the hostile guest.
        "tests/guests/hostile/src/hunt.rs",
        "tests/guests/hostile/src/lib.rs",
        "tests/guests/hostile/src/raw.rs",
    ];
    let is_unsafe = |line: &str| {
        let line = code(line);
        ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"].iter().any(|word| line.contains(word))
            || line.contains("allow(unsafe_code")
    };
    let broken: Vec<_> = sources(&OURS, "rs")
        .into_iter()
        .filter(|source| !ALLOWED.contains(&source.path.as_str()) && source.path != "tests/tidy/files.rs")
        .filter(|source| source.text.lines().any(is_unsafe))
        .map(|source| source.path)
        .collect();
    none("unsafe only where it is listed with its reason", &broken);
}

#[test]
fn no_test_is_ignored() {
    let mark = ["#[", "ignore"].concat();
    let is_ignored = |line: &str| line.contains(&mark);
    let broken: Vec<_> = sources(&OURS, "rs")
        .into_iter()
        .filter(|source| source.text.lines().any(is_ignored))
        .map(|source| source.path)
        .collect();
    none("no ignored tests", &broken);
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let places = [["/ro", "ot/"], ["/ho", "me/"], ["/tmp", "/wt"], ["/wo", "rk/"]].map(|halves| halves.concat());
    let mut broken = Vec::new();
    for extension in ["rs", "toml", "md", "wit", "json", "yml"] {
        // Of all places that have such files; the lock file names the public registry and nothing else.
        let dirs: Vec<&str> = [&OURS[..], &["wit"]].concat();
        for source in sources_or_none(&dirs, extension) {
            let found = places.iter().find(|place| source.text.contains(place.as_str()));
            broken.extend(found.map(|place| format!("{}: {place}", source.path)));
        }
    }
    none("no paths of a machine", &broken);
}

#[test]
fn every_operation_of_the_hostile_guest_is_claimed_by_a_test() {
    let mut offered = BTreeSet::new();
    for source in sources(&["tests/guests/hostile/src"], "rs") {
        for line in source.text.lines().map(str::trim_start).filter(|line| !line.contains("=>")) {
            let name = line.strip_prefix("ops.add(\"").or_else(|| line.strip_prefix("(\""));
            // A name is letters, digits, dots and dashes; other pairs of text are no operations.
            let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '-'));
            offered.extend(name.and_then(|rest| rest.split('"').next()).filter(is_name).map(str::to_owned));
        }
    }
    assert!(offered.len() > 30, "{offered:?}");
    let tests: String = sources(&["tests/e2e"], "rs").into_iter().map(|source| source.text).collect();
    let unclaimed: Vec<_> = offered.into_iter().filter(|name| !tests.contains(&format!("\"{name}\""))).collect();
    none("every misdeed has its test", &unclaimed);
}

#[test]
fn every_mode_of_the_hostile_guest_is_claimed_by_a_test() {
    let modes = read("tests/guests/hostile/src/mode.rs");
    let arms = modes.lines().map(str::trim_start).filter(|line| line.contains("=>"));
    let modes: BTreeSet<_> = arms
        .filter_map(|line| line.trim_start_matches('(').strip_prefix('"')?.split('"').next().map(str::to_owned))
        .collect();
    let tests: String = sources(&["tests/e2e"], "rs").into_iter().map(|source| source.text).collect();
    assert!(modes.len() >= 10, "{modes:?}");
    // Alone, with a value, or after another mode.
    let is_claimed = |mode: &String| {
        let forms = [format!("\"{mode}\""), format!("{mode}="), format!(",{mode}")];
        forms.iter().any(|form| tests.contains(form))
    };
    let unclaimed: Vec<_> = modes.into_iter().filter(|mode| !is_claimed(mode)).collect();
    none("every mode has its test", &unclaimed);
}
