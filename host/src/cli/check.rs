//! `duijie check`: loads everything as `serve` would, into a throw-away state directory, and says what would be refused.
//! Sends nothing and writes nothing of the host's.

use super::{Done, Ended, Global, block_on, print, print_json};
use crate::{
    app,
    reload::{State, Status},
};

pub(super) fn run(global: &Global) -> Done {
    let config = global.read_config()?;
    global.check_keys(&config)?;
    let status = block_on(async { app::load_once(&config).await.map(|loaded| loaded.status).map_err(Ended::from) })?;
    if global.json() {
        print_json(&*status)?;
    } else {
        print(&text(&status))?;
    }
    let refused = status.connectors.iter().any(|c| c.state != State::Serving)
        || status.links.iter().any(|l| l.state != State::Serving);
    if refused || !status.problems.is_empty() { Err(Ended::Failed) } else { Ok(()) }
}

fn text(status: &Status) -> String {
    let mut lines = Vec::new();
    for connector in &status.connectors {
        lines.push(match &connector.reason {
            None if connector.state == State::Settling => format!("writing  {}: look again later", connector.file),
            None => format!(
                "ok       {}  {} {}",
                connector.file,
                connector.name.as_deref().unwrap_or("?"),
                connector.version.as_deref().unwrap_or("?")
            ),
            Some(reason) => format!("refused  {}: {reason}", connector.file),
        });
    }
    for link in &status.links {
        lines.push(match &link.reason {
            None if link.state == State::Settling => format!("writing  {}: look again later", link.link),
            None => format!("ok       {}  {}", link.link, link.connector.as_deref().unwrap_or("?")),
            Some(reason) => format!("refused  {}: {reason}", link.link),
        });
    }
    lines.extend(status.problems.iter().map(|problem| format!("problem  {problem}")));
    if status.connectors.is_empty() && status.links.is_empty() {
        lines.push("nothing there: put connectors (*.wasm) and links (*.toml) into the directories of [paths]".into());
    }
    lines.join("\n")
}
