//! The programs that a measurement needs, as built for it, and how the load generator is asked.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;
use tokio::process::Command;

use crate::{
    components::{self, Kind},
    workspace,
};

/// Release builds.
pub(crate) struct Tools {
    /// The host.
    pub(crate) duijie: PathBuf,
    /// Baseline, upstream, load and spinner in one program.
    pub(crate) bench: PathBuf,
    /// The connector.
    pub(crate) connector: PathBuf,
}

/// How they are built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Quickly, for working on the measurement; what is measured then means nothing.
    pub(crate) debug: bool,
    /// With the host's points to crash at.
    pub(crate) failpoints: bool,
}

impl Tools {
    /// Builds them, with the connector of this name.
    pub(crate) fn build(connector: &str, options: Options) -> Result<Self> {
        Self::build_with(Kind::Connectors, connector, options)
    }

    /// The same, with a connector of this kind.
    pub(crate) fn build_with(kind: Kind, connector: &str, options: Options) -> Result<Self> {
        if !options.debug {
            eprintln!("xtask: building for release; from nothing this takes some minutes");
        }
        let connectors = components::build(kind, None)?;
        let duijie = host(options)?;
        let bench = ["--package", "xtask", "--features", "bench", "--bin", "bench-tools"];
        let bench = workspace::build(&[options.profile(), &bench].concat())?;
        Ok(Self {
            duijie,
            bench: workspace::program(&bench, "bench-tools")?,
            connector: named(&connectors, connector)?,
        })
    }
}

impl Options {
    fn profile(self) -> &'static [&'static str] {
        if self.debug { &[] } else { &["--release"] }
    }
}

/// Builds the host.
pub(crate) fn host(options: Options) -> Result<PathBuf> {
    let features: &[&str] = if options.failpoints { &["--features", "failpoints"] } else { &[] };
    let built = workspace::build(&[options.profile(), &["--package", "duijie", "--bins"], features].concat())?;
    workspace::program(&built, "duijie")
}

/// Builds the simulated upstreams.
pub(crate) fn upstreams(options: Options) -> Result<PathBuf> {
    let package = ["--package", "duijie-tests", "--bin", "duijie-upstreams"];
    workspace::program(&workspace::build(&[options.profile(), &package].concat())?, "duijie-upstreams")
}

/// The component of this name among those that were built.
pub(crate) fn named(components: &[PathBuf], name: &str) -> Result<PathBuf> {
    let prefix = format!("{name}-");
    let of_name = |file: &&PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix));
    components.iter().find(of_name).cloned().ok_or_else(|| anyhow!("there is no connector {name}"))
}

/// Runs one verb of the bench program to its end, on this processor if one is named; what it printed. The API key goes by
/// the environment: arguments are for everybody to see.
pub(crate) async fn run(program: &Path, cpu: Option<usize>, args: &[String], key: &str) -> Result<Value> {
    let mut command = match cpu {
        Some(cpu) => {
            let mut taskset = Command::new("taskset");
            taskset.args(["--cpu-list", &cpu.to_string()]).arg(program);
            taskset
        }
        None => Command::new(program),
    };
    command.args(args).env("DUIJIE_BENCH_KEY", key).stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = command.output().await.context("running the load generator")?;
    if !output.status.success() {
        bail!("the load generator failed: {}", output.status);
    }
    serde_json::from_slice(&output.stdout).context("reading what the load generator printed")
}

/// A number of what it printed.
pub(crate) fn number(said: &Value, name: &str) -> Result<f64> {
    said.get(name).and_then(Value::as_f64).ok_or_else(|| anyhow!("the load generator printed no {name}"))
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
        self.run_with(&[]).await
    }

    /// The same with these arguments more.
    pub(super) async fn run_with(self, more: &[&str]) -> Result<Load> {
        let args = [
            ("--url", self.url.to_owned()),
            ("--concurrency", self.concurrency.to_string()),
            ("--millis", self.millis.to_string()),
            ("--body", self.body.display().to_string()),
        ];
        let args = args.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
        let more = more.iter().map(|word| (*word).to_owned());
        let args: Vec<String> = std::iter::once("load".to_owned()).chain(args).chain(more).collect();
        let said = run(self.tools, self.cpu, &args, self.key).await?;
        Ok(Load {
            requests: number(&said, "requests")?,
            rps: number(&said, "rps")?,
            p50_us: number(&said, "p50_us")?,
            p99_us: number(&said, "p99_us")?,
        })
    }
}
