//! What a revision of this connector is like as a whole: how it describes itself, checks links and serves. A test makes
//! another revision by writing another mode over the bytes behind the marker in the built component. Modes are separated by
//! commas; some have a value: `version=0.2.0,fails=5` is of that version, and `mode.twice` fails in 5 of 100 calls.

use std::sync::LazyLock;

use duijie_sdk::{
    Failure, Link, Operations, Problem,
    bindings::duijie::{http::client as http, link::config, secret::parts::Part},
    kv,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Config, Hostile};

/// Marker and modes, padded with blanks.
const MARKED: usize = 64;
static MARK: [u8; MARKED] = *b"hostile-mode:decent                                             ";

static MODE: LazyLock<&'static str> = LazyLock::new(|| {
    // Without this the compiler would know the mode.
    let mark = std::hint::black_box(&MARK);
    let text = std::str::from_utf8(mark).unwrap_or_default();
    text.split_once(':').map_or("", |(_, mode)| mode.trim_end())
});

/// Which of many calls this is.
#[derive(Deserialize, JsonSchema)]
struct Turn {
    n: u64,
}

/// Which revision a call met: at its beginning, after a call of the host, and as it describes itself.
#[derive(Serialize, JsonSchema)]
struct Met {
    first: String,
    then: String,
    described: String,
}

pub(crate) fn register(ops: &mut Operations<Hostile>) {
    ops.add("mode", answer_mode).summary("Says which revision this is.", "返回模式。").read().repeat_safe();
    ops.add("mode.twice", twice)
        .summary("Says which revision this is, before and after a call of the host.", "调用宿主前后各返回一次模式。")
        .read()
        .repeat_safe();
}

/// Does this revision have this mode?
fn is(name: &str) -> bool {
    MODE.split(',').any(|mode| mode == name)
}

/// The value of a mode.
fn setting(name: &str) -> Option<&'static str> {
    MODE.split(',').find_map(|mode| mode.strip_prefix(name)?.strip_prefix('='))
}

fn twice(_: &Link<Config>, turn: Turn) -> Result<Met, Failure> {
    let fails = setting("fails").and_then(|fails| fails.parse::<u64>().ok()).unwrap_or(0);
    if turn.n % 100 < fails {
        return Err(Failure::internal("this revision fails now and then"));
    }
    let first = (*MODE).to_owned();
    kv::get("mode")?;
    Ok(Met { first, then: (*MODE).to_owned(), described: describe(SUMMARY.to_owned()) })
}

fn answer_mode(_: &Link<Config>, _: Value) -> Result<Value, Failure> {
    if is("traps") {
        // On wasm an abort is a trap.
        std::process::abort()
    }
    Ok(json!(*MODE))
}

/// What the manifest says of the connector; the manifest of `swap-…` says the mode with it.
const SUMMARY: &str = "Misbehaves on request.";

/// What this revision makes of the manifest.
pub(crate) fn describe(manifest: String) -> String {
    MODE.split(',').fold(manifest, describe_as)
}

fn describe_as(manifest: String, mode: &str) -> String {
    match mode.split_once('=').unwrap_or((mode, "")) {
        ("describe-loop", _) => loop {
            std::hint::black_box(0);
        },
        ("describe-http", _) => {
            let _ = send();
            manifest
        }
        ("describe-config", _) => config::get() + &manifest,
        ("describe-huge", _) => manifest + &" ".repeat(2 << 20),
        ("describe-not-json", _) => "{".to_owned(),
        ("describe-bad-name", _) => manifest.replacen("\"hostile\"", "\"../../etc\"", 1),
        ("describe-twice", _) => manifest.replacen("\"name\":\"mode\"", "\"name\":\"echo\"", 1),
        ("describe-bad-schema", _) => {
            manifest.replacen("\"input\":{", "\"input\":{\"$ref\":\"http://127.0.0.1:9/schema\",", 1)
        }
        ("version", version) => manifest.replacen(env!("CARGO_PKG_VERSION"), version, 1),
        ("without", operation) => {
            manifest.replacen(&format!("\"name\":\"{operation}\""), &format!("\"name\":\"{operation}-2\""), 1)
        }
        ("more-secrets", _) => {
            let slot = json!({ "name": "more", "summary": { "en": "More.", "zh": "更多。" }, "uses": ["send"], "optional": true });
            manifest.replacen("\"secrets\":[", &format!("\"secrets\":[{slot},"), 1)
        }
        _ if mode.starts_with("swap-") => manifest.replacen(SUMMARY, &format!("{SUMMARY} As {}.", *MODE), 1),
        _ => manifest,
    }
}

/// What this revision says of a link.
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only the component's export asks"))]
pub(crate) fn check() -> Vec<Problem> {
    match *MODE {
        "check-http" => {
            let _ = send();
            Vec::new()
        }
        "check-loop" => loop {
            std::hint::black_box(0);
        },
        "check-floods" => (0..10_000).map(|n| Problem::new("/note", format!("problem {n}"))).collect(),
        "check-refuses" => vec![Problem::new("/note", "this revision wants another note")],
        // Only where the link says so: a revision that some links can take and others not.
        _ if is("check-note") && config::get().contains("unfit") => {
            vec![Problem::new("/note", "this revision does not take an unfit note")]
        }
        _ => Vec::new(),
    }
}

fn send() -> Result<http::Response, http::Error> {
    http::send(&http::Request {
        method: "GET".to_owned(),
        url: vec![Part::Text("http://127.0.0.1:9/".to_owned())],
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: None,
    })
}
