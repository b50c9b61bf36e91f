//! The profile as a learning platform sees it, over HTTP. Faults are tested in `upstreams/tests.rs`.

mod academy;
mod checks;
mod envelopes;
mod hooks;
mod pushing;
mod quirks;
mod studying;
