//! `duijie audit verify`: is the audit log what was written? Asks the running host, or reads the store itself while none
//! runs. Ends with 1 when the log is not good.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::{
    Done, Ended, Global, block_on, print, print_json,
    remote::{RemoteArgs, WHOLE_STORE_MAX},
    status::{number, word},
};
use crate::offline;

#[derive(Subcommand)]
pub(super) enum AuditVerb {
    /// Read all of it and say whether an entry was changed, dropped, moved or cut off
    Verify(VerifyArgs),
}

#[derive(Args)]
pub(super) struct VerifyArgs {
    /// Read the store in paths.state; no host may be running
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn run(global: &Global, verb: &AuditVerb) -> Done {
    let AuditVerb::Verify(args) = verb;
    let report = if args.offline {
        let config = global.read_config()?;
        let report = block_on(async { offline::verify_audit(&config.state).await.map_err(Ended::from) })?;
        let fault = report.fault.map(|fault| fault.to_string());
        json!({ "entries": report.entries, "checkpoints": report.checkpoints, "good": fault.is_none(), "fault": fault })
    } else {
        let remote = args.remote.remote(global)?;
        block_on(remote.tell(Method::POST, "/v1/audit/verify", None, WHOLE_STORE_MAX))?
    };
    if global.json() {
        print_json(&report)?;
    } else {
        print(&text(&report))?;
    }
    if is_good(&report) { Ok(()) } else { Err(Ended::Failed) }
}

fn is_good(report: &Value) -> bool {
    report.get("good").and_then(Value::as_bool).unwrap_or_default()
}

fn text(report: &Value) -> String {
    let (entries, checkpoints) = (number(report, "entries"), number(report, "checkpoints"));
    if is_good(report) {
        return format!("the audit log is good: {entries} entries, {checkpoints} checkpoints");
    }
    let fault = word(report, "fault");
    format!(
        "the audit log is not good: {fault}; the {entries} entries before that are. Keep a copy of the state directory"
    )
}
