//! What a revision of this connector is like as a whole: how it describes itself and checks links. A test makes another
//! revision by writing another mode over the bytes behind the marker in the built component. A mode is a name, or settings
//! with commas between: `version=0.2.0,fails=5` is of that version, and `mode.twice` fails in 5 of 100 calls.

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

/// Marker and mode; the mode is padded with blanks.
const MARKED: usize = 48;
static MARK: [u8; MARKED] = *b"hostile-mode:decent                             ";

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

/// A setting of the mode.
fn setting(name: &str) -> Option<&'static str> {
    MODE.split(',').find_map(|setting| setting.strip_prefix(name)?.strip_prefix('='))
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
    Ok(json!(*MODE))
}

/// What the manifest says of the connector; the manifest of `swap-…` says the mode with it.
const SUMMARY: &str = "Misbehaves on request.";

/// What this mode makes of the manifest.
pub(crate) fn describe(manifest: String) -> String {
    match *MODE {
        "describe-loop" => loop {
            std::hint::black_box(0);
        },
        "describe-http" => {
            let _ = send();
            manifest
        }
        "describe-config" => config::get() + &manifest,
        "describe-huge" => manifest + &" ".repeat(2 << 20),
        "describe-not-json" => "{".to_owned(),
        "describe-bad-name" => manifest.replacen("\"hostile\"", "\"../../etc\"", 1),
        "describe-twice" => manifest.replacen("\"name\":\"mode\"", "\"name\":\"echo\"", 1),
        "describe-bad-schema" => {
            manifest.replacen("\"input\":{", "\"input\":{\"$ref\":\"http://127.0.0.1:9/schema\",", 1)
        }
        mode if mode.starts_with("swap-") => manifest.replacen(SUMMARY, &format!("{SUMMARY} As {mode}."), 1),
        _ => match setting("version") {
            Some(version) => manifest.replacen(env!("CARGO_PKG_VERSION"), version, 1),
            None => manifest,
        },
    }
}

/// What this mode says of a link.
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
