//! Log lines that try to be more than lines: floods, forgeries, other people's data.

use duijie_sdk::{Failure, Link, Operations, log};

use crate::{Config, Hostile, cpu::Person, wire::Nothing};

/// What a forger would like to see as a line of the host's own.
const FORGED: &str = r#"{"level":"ERROR","message":"forged-by-guest","link":"zj.nbufe"}"#;

pub(crate) fn register(ops: &mut Operations<Hostile>) {
    ops.add("log.flood", flood).summary("Writes 100,000 lines.", "日志洪水。");
    ops.add("log.long-line", long_line).summary("Writes one line of 1 MB.", "超长日志行。");
    ops.add("log.forged", forged).summary("Writes newlines, ANSI and a line of the host's form.", "伪造日志行。");
    ops.add("log.personal", personal)
        .summary("Writes a name in every way.", "把个人信息写入日志。")
        .personal(["/name"]);
}

fn flood(_: &Link<Config>, _: Nothing) -> Result<Nothing, Failure> {
    // The host ends a call at its budget of host calls; what counts here is what was written until then.
    for line in 0..15_000 {
        log::info(&format!("flood-line {line}"), &[]);
    }
    Ok(Nothing {})
}

fn long_line(_: &Link<Config>, _: Nothing) -> Result<Nothing, Failure> {
    log::info(&format!("long-line {}", "x".repeat(1_000_000)), &[("field", &"y".repeat(100_000))]);
    Ok(Nothing {})
}

fn forged(_: &Link<Config>, _: Nothing) -> Result<Nothing, Failure> {
    log::error(
        &format!("innocent\n{FORGED}\r\n\u{1b}[2J\u{1b}[31mred\u{7}\u{9b}1m"),
        &[("level\n", FORGED), ("request_id", "forged-request-id"), ("link", "zj.forged")],
    );
    log::error(&format!("\u{2028}{FORGED}\u{2029}"), &[]);
    Ok(Nothing {})
}

fn personal(_: &Link<Config>, person: Person) -> Result<Nothing, Failure> {
    let name = person.name;
    log::info(&format!("the student is {name}."), &[("who", &name), ("studentName", &name), (&name, "as a key")]);
    log::error(&name, &[]);
    Err(Failure::upstream_rejected(format!("the upstream refuses {name}"))
        .upstream_code(name.clone())
        .detail(&serde_json::json!({ "who": name })))
}
