//! The states of a job, and what belongs to each (design.md §9).

use super::{At, JobId};

/// May an operation be run again when nobody knows whether it took effect?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The upstream takes a repetition for what it is.
    Safe,
    /// A repetition may be a second record.
    Unsafe,
}

/// A job's state, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum State {
    /// Waits: for its turn, its time or its link.
    Queued,
    /// An attempt is under way.
    Sending,
    /// Applied at the upstream.
    Done,
    /// Refused; repeating does not help.
    Failed,
    /// Given up for now, for a person to look at; [`Job::doubt`] says whether it may have been applied.
    Parked,
    /// Applied or not: nobody knows, and repeating may do harm.
    Unknown,
    /// A newer version took its place.
    Superseded,
    /// Taken back by its platform.
    Cancelled,
}

impl State {
    /// Every state.
    pub(crate) const ALL: [Self; 8] = [
        Self::Queued,
        Self::Sending,
        Self::Done,
        Self::Failed,
        Self::Parked,
        Self::Unknown,
        Self::Superseded,
        Self::Cancelled,
    ];

    /// The name in the API, metrics and tables.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Parked => "parked",
            Self::Unknown => "unknown",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A state with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not before this moment; `behind` an earlier job of the same key.
    Queued {
        /// Not before.
        due: At,
        /// An earlier job of this key is not over.
        behind: bool,
    },
    /// Attempt `n` is under way, and is given up at `until`.
    Sending {
        /// The attempt's number.
        n: u32,
        /// The lease's end.
        until: At,
    },
    /// See [`State::Done`].
    Done,
    /// See [`State::Failed`].
    Failed,
    /// See [`State::Parked`].
    Parked,
    /// See [`State::Unknown`].
    Unknown,
    /// See [`State::Superseded`].
    Superseded {
        /// The job that took its place.
        by: JobId,
    },
    /// See [`State::Cancelled`].
    Cancelled,
}

impl Stage {
    /// Its name.
    pub(crate) fn state(self) -> State {
        match self {
            Self::Queued { .. } => State::Queued,
            Self::Sending { .. } => State::Sending,
            Self::Done => State::Done,
            Self::Failed => State::Failed,
            Self::Parked => State::Parked,
            Self::Unknown => State::Unknown,
            Self::Superseded { .. } => State::Superseded,
            Self::Cancelled => State::Cancelled,
        }
    }
}
