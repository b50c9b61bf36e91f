//! duijie (对接): docks a platform to government and education upstreams. Each upstream's protocol lives in a connector, a
//! wasm component; this host supplies HTTP, crypto and KV, keeps the secrets, enforces limits and hot-loads connectors
//! from a directory.
//!
//! The way in, by file names:
//!
//! * the path of a call: `server/api` → `link/dispatch` → `runtime/invoke` → `capability/http` → upstream
//! * the path of a hot load: `reload/watch` → `reload/source` → `reload/stage` → `runtime/prepared` → `reload/swap` → `link/table`
//!
//! `ARCHITECTURE.md` beside this crate's `Cargo.toml` has the map and the invariants. The binary is the product; as a
//! library this crate offers only its command line.

pub mod cli;

mod app;
mod audit;
mod bindings;
mod capability;
mod config;
mod failpoint;
mod failure;
mod file;
mod hostkey;
mod id;
mod link;
mod offline;
mod pattern;
mod push;
mod redact;
mod reload;
mod runtime;
mod seal;
mod secret;
mod server;
mod sheet;
mod shutdown;
mod store;
mod telemetry;
mod webhook;
