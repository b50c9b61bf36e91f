//! Answers that the SDK would not give: too long, not JSON, not UTF-8. Registered like any operation, answered before
//! the SDK is asked.

use duijie_sdk::{Class, Failure, Link, Operations, Outcome};
use serde_json::Value;

use crate::{Config, Hostile};

/// Every operation here, with what it is.
const ANSWERS: [(&str, &str, &str); 6] = [
    ("output.huge", "Answers with 100 MiB.", "返回 100 MiB。"),
    ("output.large", "Answers with 2 MiB of JSON.", "返回 2 MiB JSON。"),
    ("output.not-json", "Answers with what is not JSON.", "返回非 JSON。"),
    ("output.not-utf8", "Answers with what is not UTF-8.", "返回非 UTF-8。"),
    ("fail.long", "Fails with a message of 10 MB.", "返回 10 MB 错误信息。"),
    ("fail.claims", "Fails with claims that only the host may make.", "返回伪造的错误。"),
];

pub(crate) fn register(ops: &mut Operations<Hostile>) {
    for (name, en, zh) in ANSWERS {
        ops.add(name, unreached).summary(en, zh);
    }
}

fn unreached(_: &Link<Config>, _: Value) -> Result<Value, Failure> {
    Err(Failure::internal("answered by the SDK, not raw"))
}

/// The raw answer of this operation, if it has one.
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only the component's export asks"))]
pub(crate) fn answer(operation: &str, _input: &str) -> Option<Result<String, Failure>> {
    Some(match operation {
        "output.huge" => Ok(" ".repeat(100 << 20)),
        "output.large" => Ok(format!("\"{}\"", "x".repeat(2 << 20))),
        "output.not-json" => Ok("{\"unfinished\": ".to_owned()),
        "output.not-utf8" => Ok(not_utf8()),
        "fail.long" => Err(Failure { message: "long ".repeat(2_000_000), ..failure() }),
        "fail.claims" => Err(Failure {
            message: "line one\nline two\u{1b}[31m".to_owned(),
            upstream_code: Some("c".repeat(10_000)),
            retry_after_ms: Some(u64::MAX),
            detail: Some("not json at all".to_owned()),
            ..failure()
        }),
        _ => return None,
    })
}

fn failure() -> Failure {
    Failure {
        class: Class::Internal,
        outcome: Outcome::NotSent,
        message: String::new(),
        upstream_code: None,
        retry_after_ms: None,
        detail: None,
    }
}

#[allow(unsafe_code, reason = "a string that is no UTF-8 is the misdeed")]
fn not_utf8() -> String {
    // SAFETY: none; it is handed to the host, which must refuse it.
    unsafe { String::from_utf8_unchecked(vec![b'"', 0xff, 0xfe, b'"']) }
}
