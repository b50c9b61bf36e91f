//! `duijie status`: how a running host stands: what is on trial or in quarantine, and every file and link that does not
//! serve what it should. Ends with 1 when there is any.

use clap::Args;
use serde_json::Value;

use super::{Done, Ended, Global, block_on, print, print_json, remote::RemoteArgs};

#[derive(Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// Also what serves as it should
    #[arg(long)]
    all: bool,
}

pub(super) fn run(global: &Global, args: &StatusArgs) -> Done {
    let remote = args.remote.remote(global)?;
    let rollouts = block_on(remote.rollouts())?;
    if global.json() {
        print_json(&rollouts)?;
    } else {
        print(&text(&rollouts, args.all))?;
    }
    if as_it_should(&rollouts) { Ok(()) } else { Err(Ended::Failed) }
}

fn as_it_should(rollouts: &Value) -> bool {
    let serving = |name| entries(rollouts, name).all(|entry| matches!(word(entry, "state"), "serving" | "canary"));
    serving("connectors") && serving("links") && entries(rollouts, "problems").next().is_none()
}

fn text(rollouts: &Value, all: bool) -> String {
    let mut lines = Vec::new();
    for trial in entries(rollouts, "rollouts") {
        lines.push(format!(
            "{:<10} {} {} ({}): {} calls, {} failed by its own fault; at most {} s more; since {}",
            word(trial, "phase"),
            word(trial, "connector"),
            word(trial, "version"),
            short(word(trial, "revision")),
            number(trial, "calls"),
            number(trial, "failed"),
            number(trial, "left_s"),
            word(trial, "since"),
        ));
    }
    for banned in entries(rollouts, "quarantined") {
        lines.push(format!(
            "quarantine {} {} ({}): {}; since {}",
            word(banned, "connector"),
            word(banned, "version"),
            short(word(banned, "revision")),
            word(banned, "reason"),
            word(banned, "since"),
        ));
    }
    let mut serving = 0_usize;
    for (name, called) in [("connectors", "file"), ("links", "link")] {
        for entry in entries(rollouts, name) {
            let state = word(entry, "state");
            serving = serving.saturating_add(usize::from(state == "serving"));
            if state != "serving" || all {
                lines.push(one(entry, word(entry, called)));
            }
        }
    }
    lines.extend(entries(rollouts, "problems").filter_map(Value::as_str).map(|text| format!("problem    {text}")));
    lines.push(format!("{serving} files and links serve what they should"));
    lines.join("\n")
}

/// One file or link: how it stands, what serves, and why it is not what is wanted.
fn one(entry: &Value, called: &str) -> String {
    let mut line = format!("{:<10} {called}", word(entry, "state"));
    let shown = match (word(entry, "connector"), word(entry, "name")) {
        ("", name) => format!("{name} {}", word(entry, "version")),
        (connector, _) => connector.to_owned(),
    };
    let active = short(if entry.get("link").is_some() { word(entry, "active") } else { word(entry, "revision") });
    if !active.is_empty() {
        line.push_str(&format!("  {} ({active})", shown.trim()));
    }
    let desired = short(word(entry, "desired"));
    if !desired.is_empty() && desired != active {
        line.push_str(&format!(", wants {desired}"));
    }
    if !word(entry, "reason").is_empty() {
        line.push_str(&format!("\n           {}: {}", word(entry, "step"), word(entry, "reason")));
    }
    format!("{line}\n           since {}", word(entry, "since"))
}

/// The members of a list of the rollouts.
pub(super) fn entries<'v>(rollouts: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    rollouts.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A member that is text; empty when there is none.
pub(super) fn word<'v>(entry: &'v Value, name: &str) -> &'v str {
    entry.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A member that is a whole number; 0 when there is none.
pub(super) fn number(entry: &Value, name: &str) -> u64 {
    entry.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn short(revision: &str) -> &str {
    revision.get(..12).unwrap_or(revision)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stale() -> Value {
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        json!({
            "connectors": [{ "file": "x.wasm", "state": "serving", "name": "x", "version": "0.2.0", "revision": two }],
            "links": [
                { "link": "a.b", "state": "stale", "connector": "x 0.1.0", "active": one, "desired": two, "step": "contract",
                  "reason": "version 0.2.0 changes what 0.1.0 promised", "since": "2026-01-01T00:00:00Z" },
                { "link": "a.c", "state": "serving", "connector": "x 0.2.0", "active": two, "desired": two }
            ],
            "rollouts": [], "quarantined": [], "problems": []
        })
    }

    #[test]
    fn what_serves_and_what_is_wanted_stand_beside_the_step_and_the_reason() {
        let text = text(&stale(), false);
        assert!(text.contains("stale      a.b  x 0.1.0 (111111111111), wants 222222222222"), "{text}");
        assert!(text.contains("contract: version 0.2.0") && !text.contains("a.c"), "{text}");
        assert!(text.contains("2 files and links serve"), "{text}");
    }

    #[test]
    fn only_a_host_whose_every_link_serves_is_as_it_should_be() {
        assert!(!as_it_should(&stale()));
        assert!(as_it_should(&json!({ "links": [{ "state": "serving" }], "connectors": [{ "state": "serving" }] })));
        assert!(!as_it_should(&json!({ "problems": ["x"] })));
    }
}
