//! Tells platforms that their jobs came to an end: one signed CloudEvent a job and end, to the one address that the operator
//! wrote for the platform, as often as it takes. The events lie in the store, written in the transaction that ended the
//! job; a process that dies between delivering one and noting it delivers it again, under the same id.
//!
//! Never sends what was pushed or what came back, only how it went; never logs where it sends to but for the origin, nor
//! anything of an answer but its status.

mod backoff;
mod data;
mod delivery;
mod target;
mod worker;

pub(crate) use self::{
    target::{WebhookOptions, Webhooks},
    worker::run,
};

#[cfg(test)]
mod tests;
