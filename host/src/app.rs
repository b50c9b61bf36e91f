//! The composition root: builds every part from the configuration, wires them, spawns them, and orders the shutdown.
//! Holds no logic of its own; the only module besides the command line that may use `anyhow`.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use tokio::net::TcpListener;

use crate::{
    capability::http::client::ClientPool,
    config::Config,
    link::{Dispatcher, bind::Binder, table::Lasting},
    reload::{self, Reconciler, ReloadOptions, SharedStatus, Stager, Status},
    runtime::{Cache, Compiler, EngineOptions, PreparedRef, Runtime},
};
