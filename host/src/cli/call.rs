//! `duijie call`: one operation of one link, now, in this process, against the real upstream. For an operator who wants
//! to know whether a docking works, and for an integrator at a simulator.

use std::{io::Read, path::Path, sync::Arc};

use clap::Args;

use super::{Done, Ended, Global, block_on, print_json, read_file};
use crate::{
    app,
    link::{Call, CallError},
    runtime::COMPONENT_MAX,
};

#[derive(Args)]
pub(super) struct CallArgs {
    /// The link's id, for instance zj.nbufe
    link: String,
    /// The operation, for instance record.check
    operation: String,
    /// The input: JSON, @FILE, or - for stdin
    #[arg(default_value = "{}", value_name = "JSON|@FILE|-")]
    input: String,
}

pub(super) fn run(global: &Global, args: &CallArgs) -> Done {
    let config = global.read_config()?;
    let input = input(&args.input)?;
    block_on(async {
        let loaded = app::load_once(&config).await?;
        let call =
            Call { link: &args.link, operation: &args.operation, input: input.into(), request_id: Arc::from("cli") };
        match loaded.dispatcher.call(call).await {
            Ok(answer) => print_json(&answer.output),
            Err(error) => {
                let refusal = loaded.status.links.iter().find(|link| *link.link == *args.link);
                Err(explain(&error, refusal.and_then(|link| link.reason.as_deref()), global.json()))
            }
        }
    })
}

fn input(given: &str) -> Result<Vec<u8>, Ended> {
    if given == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(COMPONENT_MAX as u64).read_to_end(&mut bytes);
        read.map_err(|error| Ended::Usage(format!("reading stdin: {error}")))?;
        return Ok(bytes);
    }
    match given.strip_prefix('@') {
        Some(path) => read_file(Path::new(path)),
        None => Ok(given.as_bytes().to_vec()),
    }
}

fn explain(error: &CallError, refusal: Option<&str>, json: bool) -> Ended {
    let violations = match error {
        CallError::Invalid { violations, .. } => violations.as_slice(),
        _ => &[],
    };
    let detail = match error {
        CallError::Failed(failed) => failed.failure.detail.as_deref(),
        _ => None,
    };
    if json {
        let written = print_json(&serde_json::json!({
            "class": error.class(), "outcome": error.outcome(), "message": error.to_string(),
            "errors": violations, "detail": detail, "refusal": refusal,
        }));
        return written.err().unwrap_or(Ended::Failed);
    }
    let mut text = format!("{error} (class {}, outcome {})", error.class().as_str(), error.outcome().as_str());
    for violation in violations {
        text.push_str(&format!("\n  {}: {}", violation.pointer, violation.message));
    }
    if let Some(detail) = detail {
        text.push_str(&format!("\n  {detail}"));
    }
    if let Some(refusal) = refusal {
        text.push_str(&format!("\n  {refusal}"));
    }
    Ended::Because(text)
}
