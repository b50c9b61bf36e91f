//! `duijie rollback` sends every link of a connector back to what it served with before; `duijie release` lets a revision
//! that was rolled back try again.

use clap::Args;
use http::Method;

use super::{Done, Ended, Global, block_on, print, print_json, remote::RemoteArgs, status::word};
use crate::id::{ConnectorName, Pin};

#[derive(Args)]
pub(super) struct RollbackArgs {
    /// The connector's name, for instance zj-gxsz
    connector: String,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Args)]
pub(super) struct ReleaseArgs {
    /// The revision, by its first 12 hex digits or more; `duijie status` shows what is in quarantine
    revision: String,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn roll_back(global: &Global, args: &RollbackArgs) -> Done {
    let connector: ConnectorName = args.connector.parse().map_err(|error| Ended::Usage(format!("{error}")))?;
    let path = format!("/v1/connectors/{connector}/rollback");
    wish(global, &args.remote, &path, |revision| {
        format!(
            "{connector}: revision {revision} no longer serves and is in quarantine; `duijie status` says what does"
        )
    })
}

pub(super) fn release(global: &Global, args: &ReleaseArgs) -> Done {
    let pin: Pin = args.revision.parse().map_err(|error| Ended::Usage(format!("{error}")))?;
    let path = format!("/v1/quarantine/{pin}/release");
    wish(global, &args.remote, &path, |revision| format!("revision {revision} is out of quarantine"))
}

fn wish(global: &Global, remote: &RemoteArgs, path: &str, said: impl FnOnce(&str) -> String) -> Done {
    let remote = remote.remote(global)?;
    let answer = block_on(remote.ask(Method::POST, path))?;
    if global.json() { print_json(&answer) } else { print(&said(word(&answer, "revision"))) }
}
