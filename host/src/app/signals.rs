//! What the process is told from outside: to end, or to read again what may change while it serves.

use std::path::Path;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{config::Config, reload::Trigger, server::auth::PlatformKeys, webhook::Webhooks};

/// What the process is told from outside.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGTERM or SIGINT; meanwhile SIGHUP reads the platforms' keys again and looks at the directories.
    pub(super) async fn until_told(mut self, trigger: &Trigger, again: &Again<'_>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {
                    again.read();
                    trigger.now();
                }
            }
        }
    }
}

/// What is read again on SIGHUP.
pub(super) struct Again<'a> {
    pub(super) keys: &'a PlatformKeys,
    pub(super) webhooks: &'a Webhooks,
    pub(super) file: &'a Path,
}

impl Again<'_> {
    fn read(&self) {
        let file = self.file.display();
        let replaced = Config::read(self.file).map_err(anyhow::Error::from).and_then(|config| {
            self.keys.replace(&config.platforms)?;
            self.webhooks.replace(&config.webhooks).context("the keys are read again, the webhooks are not")
        });
        match replaced {
            Ok(()) => tracing::info!(%file, "platforms' keys and webhooks read again"),
            Err(error) => tracing::error!(%file, error = format!("{error:#}"), "kept as it was"),
        }
    }
}
