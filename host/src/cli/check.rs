//! `duijie check`: loads everything as `serve` would, into a throw-away state directory, and says what would be refused.
//! Sends nothing and writes nothing of the host's.

use super::{Done, Ended, Global, block_on, print_json};
use crate::{
    app,
    reload::{State, Status},
};

pub(super) fn run(global: &Global) -> Done {
    let config = global.read_config()?;
    app::platform_keys(&config).map_err(|error| Ended::Usage(format!("{}: {error:#}", global.config.display())))?;
    let status = block_on(async { app::load_once(&config).await.map(|loaded| loaded.status).map_err(Ended::from) })?;
    if global.json() {
        print_json(&*status);
    } else {
        print(&status);
    }
    let refused = status.connectors.iter().any(|c| c.state != State::Serving)
        || status.links.iter().any(|l| l.state != State::Serving);
    if refused || !status.problems.is_empty() { Err(Ended::Failed) } else { Ok(()) }
}

fn print(status: &Status) {
    for connector in &status.connectors {
        match &connector.reason {
            None if connector.state == State::Settling => println!("writing  {}: look again later", connector.file),
            None => println!(
                "ok       {}  {} {}",
                connector.file,
                connector.name.as_deref().unwrap_or("?"),
                connector.version.as_deref().unwrap_or("?")
            ),
            Some(reason) => println!("refused  {}: {reason}", connector.file),
        }
    }
    for link in &status.links {
        match &link.reason {
            None if link.state == State::Settling => println!("writing  {}: look again later", link.link),
            None => println!("ok       {}  {}", link.link, link.connector.as_deref().unwrap_or("?")),
            Some(reason) => println!("refused  {}: {reason}", link.link),
        }
    }
    for problem in &status.problems {
        println!("problem  {problem}");
    }
    if status.connectors.is_empty() && status.links.is_empty() {
        println!("nothing there: put connectors (*.wasm) and links (*.toml) into the directories of [paths]");
    }
}
