//! What a revision of this connector is like as a whole: how it describes itself and checks links. A test makes another
//! revision by writing another mode over the bytes behind the marker in the built component.

use std::sync::LazyLock;

use duijie_sdk::{
    Failure, Link, Operations, Problem,
    bindings::duijie::{http::client as http, link::config, secret::parts::Part},
};
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

pub(crate) fn register(ops: &mut Operations<Hostile>) {
    ops.add("mode", answer_mode).summary("Says which revision this is.", "返回模式。").read().repeat_safe();
}

fn answer_mode(_: &Link<Config>, _: Value) -> Result<Value, Failure> {
    Ok(json!(*MODE))
}

/// What this mode makes of the manifest.
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only the component's export asks"))]
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
        mode => match mode.strip_prefix("version=") {
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
