//! What an operator sees of the reconciler: for every file and link, what is wanted, what serves, and why they differ.

use jiff::Timestamp;
use serde::Serialize;

use crate::id::{LinkId, Revision};

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// What lies in the directory serves.
    Serving,
    /// What lies in the directory was refused; what served before serves on.
    Stale,
    /// What lies in the directory was refused, and nothing served before.
    Refused,
    /// It is new and still being written, as far as can be told.
    Settling,
    /// The file is gone; its last good revision serves on until the host is restarted.
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
    /// The hash of what serves.
    pub(crate) revision: Option<Revision>,
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
    /// The hash of that connector.
    pub(crate) revision: Option<Revision>,
    /// Why its files were refused, with file, line and key.
    pub(crate) reason: Option<String>,
    /// Since when it stands so.
    pub(crate) since: Timestamp,
}

/// Everything, at one moment.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Status {
    /// Has the directory been looked at yet?
    pub(crate) ready: bool,
    /// Every connector file, by name.
    pub(crate) connectors: Vec<ConnectorStatus>,
    /// Every link, by id.
    pub(crate) links: Vec<LinkStatus>,
    /// What is wrong with the directories themselves.
    pub(crate) problems: Vec<String>,
}
