//! Simulated upstreams: real HTTP servers on loopback that verify what the upstream would verify, answer in its
//! shapes, and fail on request. They reach out only to
//! the hook URLs they are given ([`call`]), and never write a record's content anywhere but the answer to
//! whoever asks for that record.
//!
//! The frame is shared: [`Simulator`] runs a [`Profile`] (what one upstream knows) behind an accept loop of its own,
//! so that a connection can be reset, cut short or left hanging at an exact point. A new upstream is a new `Profile`.
//!
//! ```text
//! connection ─▶ server ─▶ exchange ─▶ faults (before) ─▶ profile ─▶ faults (after) ─▶ ledger ─▶ body on the wire
//!                            └─ /_sim/… ─▶ admin
//! ```

mod admin;
mod asked;
mod body;
mod caller;
mod exchange;
mod faults;
mod hook;
mod ledger;
mod outgoing;
mod profile;
mod random;
mod server;
mod simulator;
mod tokens;
mod wire;

#[cfg(test)]
mod platform;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub mod culturedc;
pub mod eduyun;
pub mod skill_train;
pub mod zj_gxsz;
pub mod zjzwfw_sso;

pub use caller::{CallError, Called, call};
pub use culturedc::Culturedc;
pub use eduyun::Eduyun;
pub use faults::{Fault, FaultError, Faults, Rule};
pub use hook::HookError;
pub use ledger::{Counters, Entry, Ledger, StillWaiting};
pub use profile::{Mode, Profile, Received, Reply};
pub use random::Random;
pub use simulator::{Simulator, StartError};
pub use skill_train::SkillTrain;
pub use tokens::{TokenError, Tokens};
pub use zj_gxsz::ZjGxsz;
pub use zjzwfw_sso::ZjzwfwSso;
