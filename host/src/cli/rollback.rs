//! `duijie rollback` sends every link of a connector back to what it served with before; `duijie release` lets a revision
//! that was rolled back try again.

use clap::Args;
use http::Method;

use super::{
    Done, Ended, Global, block_on, print, print_json,
    remote::RemoteArgs,
    status::{number, word},
};
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
    let (revision, links) = wish(global, &args.remote, &path)?;
    if links > 0 {
        // Pinned to it, or with nothing to go back to.
        let text = format!("{connector}: revision {revision} is in quarantine, but still serves {links} links");
        return Err(Ended::Because(format!("{text}; `duijie status` says why")));
    }
    said(global, &format!("{connector}: revision {revision} serves no link any more and is in quarantine"))
}

pub(super) fn release(global: &Global, args: &ReleaseArgs) -> Done {
    let pin: Pin = args.revision.parse().map_err(|error| Ended::Usage(format!("{error}")))?;
    let path = format!("/v1/quarantine/{pin}/release");
    let (revision, links) = wish(global, &args.remote, &path)?;
    said(global, &format!("revision {revision} is out of quarantine and serves {links} links"))
}

/// Asks; the revision that it was about, and the links that it serves now.
fn wish(global: &Global, remote: &RemoteArgs, path: &str) -> Result<(String, u64), Ended> {
    let remote = remote.remote(global)?;
    let answer = block_on(remote.ask(Method::POST, path))?;
    if global.json() {
        print_json(&answer)?;
    }
    Ok((word(&answer, "revision").to_owned(), number(&answer, "links")))
}

fn said(global: &Global, text: &str) -> Done {
    if global.json() { Ok(()) } else { print(text) }
}
