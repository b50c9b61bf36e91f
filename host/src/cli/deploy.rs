//! `duijie deploy`: brings a connector into the directory of a running host as it should be done (copied beside, synced,
//! renamed; its signature first), and, if asked, waits until it serves. Ends with 0 only then, with the reason otherwise.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    Done, Ended, Global, block_on, print, print_json, read_file,
    remote::{Remote, RemoteArgs},
    status::{entries, word},
};
use crate::id::Revision;

/// Between two looks at the host.
const POLL: Duration = Duration::from_millis(50);

#[derive(Args)]
pub(super) struct DeployArgs {
    /// The connector; FILE.wasm.minisig beside it is brought along
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
    /// Wait until it serves, and say why when it does not
    #[arg(long)]
    wait: bool,
    /// Seconds to wait at the most; a revision on trial serves everywhere when its trial ends
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "wait", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn run(global: &Global, args: &DeployArgs) -> Done {
    let config = global.read_config()?;
    let bytes = read_file(&args.file)?;
    let name = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !name.ends_with(".wasm") || name.starts_with('.') {
        return Err(Ended::Usage(format!("{}: a connector's file is called NAME.wasm", args.file.display())));
    }
    // Before the file is there: whoever cannot ask afterwards should know first.
    let remote = if args.wait { Some(args.remote.remote(global)?) } else { None };
    let (revision, began) = (Revision::of(&bytes), Timestamp::now());
    let to = config.reload.connectors.join(&name);
    let copied = copy(&args.file, &bytes, &to);
    copied.map_err(|error| Ended::Because(format!("copying to {}: {error}", to.display())))?;
    let Some(remote) = remote else {
        return said(global, revision, &format!("{name} ({}) is in place", revision.short()));
    };
    let waiting = Waiting { name: &name, revision: revision.to_string(), began };
    let text = block_on(waiting.until_it_serves(&remote, Duration::from_secs(args.timeout)))?;
    said(global, revision, &text)
}

fn said(global: &Global, revision: Revision, text: &str) -> Done {
    if global.json() {
        return print_json(&serde_json::json!({ "revision": revision, "said": text }));
    }
    print(text)
}

/// Signature first: a connector that is there before its signature would be refused in between.
fn copy(from: &Path, bytes: &[u8], to: &Path) -> std::io::Result<()> {
    let beside = |path: &Path| PathBuf::from(format!("{}.minisig", path.display()));
    match fs::read(beside(from)) {
        Ok(signature) => place(&beside(to), &signature)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    place(to, bytes)
}

fn place(to: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = to.parent().unwrap_or(Path::new("."));
    // As `cp` would leave it: the host may run as another user.
    let readable = fs::Permissions::from_mode(0o644);
    let mut new = tempfile::Builder::new().prefix(".deploy-").permissions(readable).tempfile_in(dir)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    new.persist(to).map_err(|error| error.error)?;
    File::open(dir)?.sync_all()
}

struct Waiting<'w> {
    name: &'w str,
    revision: String,
    began: Timestamp,
}

/// What a look at the host says.
#[derive(Debug, PartialEq, Eq)]
enum Stands {
    Serves(String),
    NotYet(String),
    Refused(String),
}

impl Waiting<'_> {
    async fn until_it_serves(&self, remote: &Remote, max: Duration) -> Result<String, Ended> {
        let end = Instant::now() + max;
        loop {
            match self.stands(&remote.rollouts().await?) {
                Stands::Serves(text) => return Ok(text),
                Stands::Refused(reason) => return Err(Ended::Because(reason)),
                Stands::NotYet(why) if Instant::now() >= end => {
                    return Err(Ended::Because(format!("not within {} s: {why}", max.as_secs())));
                }
                Stands::NotYet(_) => sleep(POLL).await,
            }
        }
    }

    fn stands(&self, rollouts: &Value) -> Stands {
        let name = self.name;
        if let Some(banned) = entries(rollouts, "quarantined").find(|banned| word(banned, "revision") == self.revision)
        {
            return Stands::Refused(format!("{name} is in quarantine: {}", word(banned, "reason")));
        }
        let Some(file) = entries(rollouts, "connectors").find(|file| word(file, "file") == name) else {
            return Stands::NotYet("the host has not seen the file".into());
        };
        if word(file, "revision") != self.revision {
            let since: Option<Timestamp> = word(file, "since").parse().ok();
            // A refusal from before may be of what lay there before.
            return match word(file, "reason") {
                "" => Stands::NotYet("the host has not judged the file".into()),
                _ if since.is_none_or(|since| since < self.began) => {
                    Stands::NotYet("the host has not judged the file".into())
                }
                reason => Stands::Refused(format!("{name} was refused at step {}: {reason}", word(file, "step"))),
            };
        }
        self.on_links(rollouts, word(file, "name"), word(file, "version"))
    }

    fn on_links(&self, rollouts: &Value, connector: &str, version: &str) -> Stands {
        let (mut serving, mut waiting) = (0_usize, None);
        let of_connector = |link: &&Value| word(link, "connector").split(' ').next() == Some(connector);
        for link in entries(rollouts, "links") {
            let (id, reason) = (word(link, "link"), word(link, "reason"));
            let (active, desired) = (word(link, "active") == self.revision, word(link, "desired") == self.revision);
            match (active, desired, word(link, "step")) {
                (true, _, _) => serving = serving.saturating_add(1),
                (false, true, "canary") => waiting = Some(format!("link {id}: {reason}")),
                (false, true, "") => waiting = Some(format!("link {id} has not taken it yet")),
                (false, true, step) => {
                    return Stands::Refused(format!("link {id} refused it at step {step}: {reason}"));
                }
                (false, false, _) => {}
            }
        }
        match waiting {
            Some(why) => Stands::NotYet(why),
            None if serving > 0 => Stands::Serves(format!("{connector} {version} serves {serving} links")),
            None if entries(rollouts, "links").any(|link| of_connector(&link)) => Stands::Refused(format!(
                "{connector} {version} is loaded, but no link takes it: each wants a higher version, or is pinned"
            )),
            None => Stands::Serves(format!("{connector} {version} is loaded; no link asks for it yet")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const REVISION: &str = "22";

    fn stands(link: Value) -> Stands {
        let waiting = Waiting { name: "x.wasm", revision: REVISION.into(), began: Timestamp::UNIX_EPOCH };
        waiting.stands(&json!({
            "connectors": [{ "file": "x.wasm", "name": "x", "version": "0.2.0", "revision": REVISION, "state": "serving" }],
            "links": [link]
        }))
    }

    #[test]
    fn it_serves_when_a_link_serves_with_it_and_none_waits() {
        let link = |active: &str, step: &str| json!({ "link": "a", "connector": "x 0.1.0", "desired": REVISION, "active": active, "step": step, "reason": "why" });
        assert_eq!(stands(link(REVISION, "")), Stands::Serves("x 0.2.0 serves 1 links".into()));
        assert_eq!(stands(link("11", "canary")), Stands::NotYet("link a: why".into()));
        assert_eq!(stands(link("11", "contract")), Stands::Refused("link a refused it at step contract: why".into()));
        let other = json!({ "link": "a", "connector": "x 0.3.0", "desired": "33", "active": "33" });
        assert!(matches!(stands(other), Stands::Refused(text) if text.contains("no link takes it")));
        let nobody = json!({ "link": "a", "connector": "y 0.3.0", "desired": "33", "active": "33" });
        assert!(matches!(stands(nobody), Stands::Serves(text) if text.contains("no link asks")));
    }

    #[test]
    fn a_refusal_from_before_the_copy_is_not_taken_for_this_one() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let waiting = Waiting { name: "x.wasm", revision: REVISION.into(), began: at(100) };
        let said = |since: Timestamp| {
            let file = json!({ "file": "x.wasm", "revision": "11", "step": "parse", "reason": "torn", "since": since });
            waiting.stands(&json!({ "connectors": [file] }))
        };
        assert!(matches!(said(at(99)), Stands::NotYet(_)));
        assert_eq!(said(at(101)), Stands::Refused("x.wasm was refused at step parse: torn".into()));
    }
}
