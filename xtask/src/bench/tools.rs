//! The programs that a measurement needs, as built for it, and how the load generator is asked.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;
use tokio::process::Command;

use crate::{components, workspace};

/// Release builds.
pub(super) struct Tools {
    /// The host.
    pub(super) duijie: PathBuf,
    /// Baseline, upstream, load and spinner in one program.
    pub(super) bench: PathBuf,
    /// The connector.
    pub(super) connector: PathBuf,
}

impl Tools {
    /// Builds them.
    pub(super) fn build() -> Result<Self> {
        eprintln!("xtask: building for release; from nothing this takes some minutes");
        let connectors = components::build(components::Kind::Connectors, None)?;
        let host = workspace::build(&["--release", "--package", "duijie", "--bins"])?;
        let bench =
            workspace::build(&["--release", "--package", "xtask", "--features", "bench", "--bin", "bench-tools"])?;
        let of_name =
            |file: &&PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("zj-gxsz-"));
        let connector = connectors.iter().find(of_name).cloned();
        Ok(Self {
            duijie: workspace::program(&host, "duijie")?,
            bench: workspace::program(&bench, "bench-tools")?,
            connector: connector.ok_or_else(|| anyhow!("there is no connector zj-gxsz"))?,
        })
    }
}

/// What one run of the load generator saw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) requests: f64,
    pub(super) rps: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
}

/// A run of the load generator to be.
pub(super) struct LoadRun<'a> {
    pub(super) tools: &'a Path,
    pub(super) cpu: Option<usize>,
    pub(super) url: &'a str,
    pub(super) key: &'a str,
    pub(super) body: &'a Path,
    pub(super) concurrency: u32,
    pub(super) millis: u64,
}

impl LoadRun<'_> {
    /// Runs it. An answer that is not 200 ends the measurement: a refused request is a fast one.
    pub(super) async fn run(self) -> Result<Load> {
        let mut command = match self.cpu {
            Some(cpu) => {
                let mut taskset = Command::new("taskset");
                taskset.args(["--cpu-list", &cpu.to_string()]).arg(self.tools);
                taskset
            }
            None => Command::new(self.tools),
        };
        command.args(["load", "--url", self.url, "--concurrency", &self.concurrency.to_string()]);
        command.args(["--millis", &self.millis.to_string(), "--body"]).arg(self.body);
        // By the environment: arguments are for everybody to see.
        command.env("DUIJIE_BENCH_KEY", self.key).stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
        let output = command.output().await.context("running the load generator")?;
        if !output.status.success() {
            bail!("the load generator failed against {}", self.url);
        }
        let said: Value = serde_json::from_slice(&output.stdout).context("reading what the load generator printed")?;
        let number = |name: &str| {
            said.get(name).and_then(Value::as_f64).ok_or_else(|| anyhow!("the load generator printed no {name}"))
        };
        Ok(Load {
            requests: number("requests")?,
            rps: number("rps")?,
            p50_us: number("p50_us")?,
            p99_us: number("p99_us")?,
        })
    }
}
