//! What an operator sees of the reconciler: for every file and link, what is wanted, what serves, at which step they
//! differ, why, and since when.

use jiff::Timestamp;
use serde::Serialize;

use super::rollout::TrialStatus;
use crate::id::{ConnectorName, LinkId, Revision};

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// What lies in the directory serves.
    Serving,
    /// What lies in the directory is on trial: it serves elsewhere, or some calls; the old one serves the rest.
    Canary,
    /// What lies in the directory was refused; what served before serves on.
    Stale,
    /// What lies in the directory was refused, and nothing served before.
    Refused,
    /// It is new and still being written or looked at.
    Settling,
    /// The file is gone; its last good revision serves on.
    Gone,
}

impl State {
    /// Of something that serves or not, and whose newest form was refused or not.
    pub(super) fn of(serves: bool, refused: bool) -> Self {
        match (serves, refused) {
            (true, false) => Self::Serving,
            (true, true) => Self::Stale,
            (false, true) => Self::Refused,
            (false, false) => Self::Settling,
        }
    }
}

/// Where on its way into service something stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    /// The file could not be read.
    Read,
    /// Nobody who may has signed it.
    Signature,
    /// It is not a whole component.
    Parse,
    /// It imports or exports what does not fit this host.
    Imports,
    /// It could not be compiled.
    Compile,
    /// It could not say what it is.
    Describe,
    /// The link's own files are wrong, or ask for what is not there.
    Settings,
    /// It would break what the link's platforms may rely on, or asks for more than before.
    Contract,
    /// The link's settings do not fit the connector, or the connector finds fault with them.
    Check,
    /// It is on trial.
    Canary,
    /// It failed in service.
    Quarantine,
}

/// Why something is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Where it stopped.
    pub(crate) step: Step,
    /// Why, and what to do.
    pub(crate) reason: String,
}

/// One connector file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ConnectorStatus {
    /// The file's name in the connectors directory.
    pub(crate) file: String,
    /// How it stands.
    pub(crate) state: State,
    /// The connector's name, once it could be read.
    pub(crate) name: Option<String>,
    /// Its version.
    pub(crate) version: Option<String>,
    /// The hash of its last good content.
    pub(crate) revision: Option<Revision>,
    /// At which step the file was refused.
    pub(crate) step: Option<Step>,
    /// Why the file was refused, and what to do.
    pub(crate) reason: Option<String>,
    /// Since when it stands so.
    pub(crate) since: Timestamp,
}

/// One link.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LinkStatus {
    /// Its id.
    pub(crate) link: LinkId,
    /// How it stands.
    pub(crate) state: State,
    /// The connector and version it serves with, for instance `zj-gxsz 0.1.0`.
    pub(crate) connector: Option<String>,
    /// The revision that its file and the directory ask for.
    pub(crate) desired: Option<Revision>,
    /// The revision that serves.
    pub(crate) active: Option<Revision>,
    /// At which step the two part.
    pub(crate) step: Option<Step>,
    /// Why, with file, line and key where there are any.
    pub(crate) reason: Option<String>,
    /// Since when it stands so.
    pub(crate) since: Timestamp,
}

/// A revision that is not served again by itself.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct QuarantineStatus {
    /// The revision.
    pub(crate) revision: Revision,
    /// Of this connector.
    pub(crate) connector: ConnectorName,
    /// Its version.
    pub(crate) version: String,
    /// Why.
    pub(crate) reason: String,
    /// Since when.
    pub(crate) since: Timestamp,
}

/// Everything, at one moment.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Status {
    /// Has the directory been looked at yet?
    pub(crate) ready: bool,
    /// Every connector file, by name.
    pub(crate) connectors: Vec<ConnectorStatus>,
    /// Every revision on trial, by connector.
    pub(crate) rollouts: Vec<TrialStatus>,
    /// Every revision in quarantine.
    pub(crate) quarantined: Vec<QuarantineStatus>,
    /// Every link, by id.
    pub(crate) links: Vec<LinkStatus>,
    /// What is wrong with the directories themselves.
    pub(crate) problems: Vec<String>,
}

impl Status {
    /// How many links stand how.
    pub(super) fn by_state(&self) -> [(&'static str, usize); 5] {
        let count = |state| self.links.iter().filter(|link| link.state == state).count();
        [
            ("serving", count(State::Serving)),
            ("canary", count(State::Canary)),
            ("stale", count(State::Stale)),
            ("refused", count(State::Refused)),
            ("settling", count(State::Settling)),
        ]
    }
}
