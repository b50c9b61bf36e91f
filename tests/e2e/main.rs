//! End-to-end tests: the real host as a process, real components, simulated upstreams over real sockets. One binary;
//! one module a theme; a test's name says the fault.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where it goes wrong"
)]

mod backup;
mod bad_input;
mod catalogue;
mod cli;
mod cli_push;
mod components;
mod crypto;
mod culturedc;
mod deploy;
mod drain;
mod durable;
mod eduyun;
mod errors;
mod hooks;
mod hostile;
mod platform;
mod policy;
mod privacy;
mod push;
mod reload;
mod rollout;
mod secrets;
mod signatures;
mod skill_train;
mod storage;
mod support;
mod token;
mod watching;
mod zjzwfw_sso;
