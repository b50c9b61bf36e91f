//! `duijie link`: what a link's files say. `explain` prints the effective config and which file each value came from;
//! secrets appear as the names of their slots and sources, never as values.

use clap::Subcommand;

use super::{Done, Ended, Global, print, print_json};
use crate::{link::LinkSpec, reload::link_files};

#[derive(Subcommand)]
pub(super) enum LinkVerb {
    /// Print a link's effective configuration and where each value comes from
    Explain {
        /// The link's id, for instance zj.nbufe
        link: String,
    },
}

pub(super) fn run(global: &Global, verb: &LinkVerb) -> Done {
    let LinkVerb::Explain { link } = verb;
    let config = global.read_config()?;
    let root = &config.reload.links;
    let files = link_files(root).map_err(|error| Ended::Usage(format!("{}: {error}", root.display())))?;
    let file = files.files.iter().find(|file| crate::link::spec::link_id(root, file).is_ok_and(|id| *id == **link));
    let file = file.ok_or_else(|| {
        let path = root.join(link.replace('.', "/")).with_extension("toml");
        Ended::Because(format!("there is no link {link}; its file would be {}", path.display()))
    })?;
    let spec = LinkSpec::read(root, file).map_err(|error| Ended::Because(error.to_string()))?;
    let values = spec.explain();
    if global.json() {
        let values: Vec<_> = values
            .iter()
            .map(|(key, value, place)| serde_json::json!({ "key": key, "value": value, "from": place.map(ToString::to_string) }))
            .collect();
        return print_json(&serde_json::json!({ "link": spec.id, "values": values }));
    }
    let mut lines = vec![format!("# {}", spec.id)];
    let width = values.iter().map(|(key, value, _)| key.len() + value.to_string().len() + 3).max().unwrap_or(0).min(90);
    for (key, value, place) in values {
        let pair = format!("{key} = {value}");
        let place = place.map_or_else(|| "?".to_owned(), ToString::to_string);
        lines.push(format!("{pair:<width$}  # {place}"));
    }
    let limits = &spec.limits;
    lines.push(format!(
        "# limits in force: deadline {} ms, cpu {} ms, memory {} MiB, body {} KiB, {} requests a call, {} calls at a time",
        limits.deadline.as_millis(),
        limits.cpu.as_millis(),
        limits.memory_bytes >> 20,
        limits.body_bytes >> 10,
        limits.http_requests,
        spec.concurrency
    ));
    print(&lines.join("\n"))
}
