//! `duijie backup` lets a running host write a copy of its store; `duijie restore` puts one in the place of the store while
//! no host runs, and holds every link that has something to send or a schedule.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use clap::Args;
use http::Method;
use serde_json::json;

use super::{
    Done, Ended, Global, block_on, print, print_json,
    remote::{RemoteArgs, WHOLE_STORE_MAX},
    status::word,
};
use crate::offline::{self, OfflineError, Restored};

#[derive(Args)]
pub(super) struct BackupArgs {
    /// The file to write, on the host's machine and by the host; nothing may lie there
    file: PathBuf,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Args)]
pub(super) struct RestoreArgs {
    /// A file that `duijie backup` has written; FILE.audit beside it is brought along
    file: PathBuf,
}

pub(super) fn backup(global: &Global, args: &BackupArgs) -> Done {
    let file =
        std::path::absolute(&args.file).map_err(|error| Ended::Usage(format!("{}: {error}", args.file.display())))?;
    let Some(path) = file.to_str() else {
        return Err(Ended::Usage(format!("{}: the file's name must be UTF-8", file.display())));
    };
    let remote = args.remote.remote(global)?;
    let body = json!({ "file": path });
    let answer = block_on(remote.tell(Method::POST, "/v1/backup", Some(&body), WHOLE_STORE_MAX))?;
    if global.json() {
        return print_json(&answer);
    }
    let file = word(&answer, "file");
    print(&format!(
        "{file} and {file}.audit hold the store; keep both together, and state/host.key in another place: \
         without it nobody can read them"
    ))
}

pub(super) fn restore(global: &Global, args: &RestoreArgs) -> Done {
    let config = global.read_config()?;
    let restored = block_on(async { offline::restore(&config.state, &args.file).await.map_err(Ended::from) })?;
    if global.json() {
        return print_json(&json!({
            "file": args.file, "as_of": restored.of.to_string(), "kept": restored.kept,
            "jobs": restored.jobs.iter().map(|(state, count)| (state.as_str(), *count)).collect::<std::collections::BTreeMap<_, _>>(),
            "held": restored.held, "audit_fault": restored.audit,
        }));
    }
    print(&text(&args.file, &restored))
}

impl From<OfflineError> for Ended {
    fn from(error: OfflineError) -> Self {
        Self::Because(error.to_string())
    }
}

fn text(file: &Path, restored: &Restored) -> String {
    let mut text = format!("the store is that of {}, as of {:.0}\n", file.display(), restored.of);
    match &restored.kept {
        Some(kept) => {
            let _ = writeln!(text, "what was there before is {}; `duijie restore` takes it, too", kept.display());
        }
        None => text.push_str("there was none before\n"),
    }
    let jobs = restored.jobs.iter().map(|(state, count)| format!("{count} {}", state.as_str())).collect::<Vec<_>>();
    let _ = writeln!(text, "jobs: {}", if jobs.is_empty() { "none".to_owned() } else { jobs.join(", ") });
    for link in &restored.held {
        let _ = writeln!(
            text,
            "held: {link}. What waits there may have been sent since: look with `duijie jobs list --link {link}`, \
             then `duijie resume {link}`"
        );
    }
    if let Some(fault) = &restored.audit {
        let _ = writeln!(text, "its audit log was not good: {fault}; the entry of this restore says so");
    }
    text.push_str("start the host now");
    text
}
