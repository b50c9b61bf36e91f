//! What the admin listener says of connectors and links: desired against active, and why they differ.

use serde_json::Value;

/// `GET /v1/rollouts` at one moment.
#[derive(Debug, Clone)]
pub struct Rollouts(pub Value);

impl Rollouts {
    /// Has the host looked at its directories yet?
    pub fn ready(&self) -> bool {
        self.0.get("ready") == Some(&Value::Bool(true))
    }

    /// Everything that is there serves, and there is something.
    pub fn all_serving(&self) -> bool {
        let entries = self.entries("connectors").chain(self.entries("links"));
        self.ready()
            && entries.clone().next().is_some()
            && entries.into_iter().all(|entry| text(entry, "state") == "serving")
    }

    /// How a link stands: `serving`, `stale`, `refused`; empty when there is no such link.
    pub fn link_state(&self, id: &str) -> &str {
        self.link(id).map_or("", |link| text(link, "state"))
    }

    /// Why a link's files were refused; empty when they were not.
    pub fn link_reason(&self, id: &str) -> &str {
        self.link(id).map_or("", |link| text(link, "reason"))
    }

    /// Was a link refused, with a reason, so that nothing serves?
    pub fn link_refused(&self, id: &str) -> bool {
        self.link_state(id) == "refused" && !self.link_reason(id).is_empty()
    }

    /// Was a connector file refused, with a reason, so that nothing serves?
    pub fn file_refused(&self, file: &str) -> bool {
        self.file_state(file) == "refused" && !self.file_reason(file).is_empty()
    }

    /// Everything that is said to be refused, with the reason.
    pub fn refusals(&self) -> Vec<(String, String)> {
        let entries = self.entries("connectors").chain(self.entries("links"));
        let refused = entries.filter(|entry| text(entry, "state") == "refused");
        refused
            .map(|entry| (text(entry, "file").to_owned() + text(entry, "link"), text(entry, "reason").to_owned()))
            .collect()
    }

    /// The revision that a link serves with; empty when it does not serve.
    pub fn link_revision(&self, id: &str) -> &str {
        self.link(id).map_or("", |link| text(link, "active"))
    }

    /// The revision that a link should serve with; empty when there is none.
    pub fn link_desired(&self, id: &str) -> &str {
        self.link(id).map_or("", |link| text(link, "desired"))
    }

    /// At which step what a link serves with and what it should part; empty when they do not.
    pub fn link_step(&self, id: &str) -> &str {
        self.link(id).map_or("", |link| text(link, "step"))
    }

    /// At which step a connector file was refused; empty when it was not.
    pub fn file_step(&self, file: &str) -> &str {
        self.file(file).map_or("", |entry| text(entry, "step"))
    }

    /// How far the trial of a revision is: `canary`, `watch`; empty when it is on none.
    pub fn phase(&self, revision: &str) -> &str {
        self.entries("rollouts")
            .find(|trial| text(trial, "revision") == revision)
            .map_or("", |trial| text(trial, "phase"))
    }

    /// Why a revision is in quarantine; empty when it is not.
    pub fn quarantine(&self, revision: &str) -> &str {
        let banned = self.entries("quarantined").find(|banned| text(banned, "revision") == revision);
        banned.map_or("", |banned| text(banned, "reason"))
    }

    /// How a connector file stands; empty when there is no such file.
    pub fn file_state(&self, file: &str) -> &str {
        self.file(file).map_or("", |entry| text(entry, "state"))
    }

    /// Why a connector file was refused; empty when it was not.
    pub fn file_reason(&self, file: &str) -> &str {
        self.file(file).map_or("", |entry| text(entry, "reason"))
    }

    /// The revision of a connector file; empty when none serves.
    pub fn file_revision(&self, file: &str) -> &str {
        self.file(file).map_or("", |entry| text(entry, "revision"))
    }

    /// The text of everything, for a look at all of it.
    pub fn text(&self) -> String {
        self.0.to_string()
    }

    fn link(&self, id: &str) -> Option<&Value> {
        self.entries("links").find(|link| text(link, "link") == id)
    }

    fn file(&self, file: &str) -> Option<&Value> {
        self.entries("connectors").find(|entry| text(entry, "file") == file)
    }

    fn entries(&self, name: &str) -> impl Iterator<Item = &Value> + Clone {
        self.0.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
