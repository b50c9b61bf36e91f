//! A load that goes on beside whatever is done to the host: `bench-tools steady`, told by its stdin what happens.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// How long it may take to answer a command, or to end.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// A load to be.
pub(crate) struct Load<'a> {
    /// The bench program.
    pub(crate) tools: &'a Path,
    /// The API key; goes by the environment.
    pub(crate) key: &'a str,
    /// Where to.
    pub(crate) url: String,
    /// The file with the bodies.
    pub(crate) bodies: PathBuf,
    /// Connections.
    pub(crate) connections: u32,
    /// Between an answer and the next request of a connection.
    pub(crate) pause: Duration,
    /// What an answer of each revision says, and how often.
    pub(crate) revisions: &'a [&'a str],
    /// See above.
    pub(crate) times: usize,
    /// Generations follow each other, and none comes back.
    pub(crate) ordered: bool,
}

/// A load that goes on.
pub(crate) struct Steady {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What a phase was like, or the phases of one name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Phase {
    /// Requests.
    pub(crate) calls: u64,
    /// Those not answered with 200.
    pub(crate) failed: u64,
    /// In microseconds.
    pub(crate) p50_us: f64,
    /// In microseconds.
    pub(crate) p99_us: f64,
    /// In microseconds.
    pub(crate) max_us: f64,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    /// Requests.
    pub(crate) calls: u64,
    /// Those not answered with 200.
    pub(crate) failed: u64,
    /// Answers that no single revision can have given when they were given.
    pub(crate) mixed: u64,
}

/// Everything, at the end.
pub(crate) struct Totals {
    /// All phases together.
    pub(crate) count: Count,
    phases: Value,
}

impl Load<'_> {
    /// Starts it.
    pub(crate) fn start(self) -> Result<Steady> {
        let mut command = Command::new(self.tools);
        command.arg("steady").args(["--url", &self.url]).arg("--bodies").arg(&self.bodies);
        command.args(["--connections", &self.connections.to_string(), "--times", &self.times.to_string()]);
        command.args(["--pause-ms", &self.pause.as_millis().to_string()]);
        command.args(self.revisions.iter().flat_map(|revision| ["--revision", revision]));
        if !self.ordered {
            command.arg("--unordered");
        }
        command.env("DUIJIE_BENCH_KEY", self.key).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("running the load generator")?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the load generator has no pipes");
        };
        Ok(Steady { child, stdin, lines: BufReader::new(stdout).lines() })
    }
}

impl Steady {
    /// Another phase begins; what the one before was like.
    pub(crate) async fn phase(&mut self, name: &str) -> Result<Phase> {
        Ok(Phase::read(&self.say(&format!("phase {name}")).await?))
    }

    /// This generation is about to be dropped.
    pub(crate) async fn swap(&mut self, generation: u64) -> Result<()> {
        self.say(&format!("swap {generation}")).await.map(drop)
    }

    /// This generation was said to serve: no request from now on may meet an older one.
    pub(crate) async fn swapped(&mut self, generation: u64) -> Result<()> {
        self.say(&format!("swapped {generation}")).await.map(drop)
    }

    /// Ends it.
    pub(crate) async fn end(self) -> Result<Totals> {
        let Self { mut child, stdin, mut lines } = self;
        drop(stdin);
        let said = hear(&mut lines).await?;
        let status = timeout(ANSWER_MAX, child.wait()).await.context("the load generator does not end")??;
        if !status.success() {
            bail!("the load generator failed: {status}");
        }
        Ok(Totals { count: Count::read(&said), phases: said.get("phases").cloned().unwrap_or_default() })
    }

    async fn say(&mut self, command: &str) -> Result<Value> {
        self.stdin.write_all(format!("{command}\n").as_bytes()).await.context("telling the load generator")?;
        hear(&mut self.lines).await
    }
}

impl Totals {
    /// The phases of this name, as if they were one.
    pub(crate) fn phase(&self, name: &str) -> Phase {
        self.phases.get(name).map(Phase::read).unwrap_or_default()
    }
}

impl Phase {
    fn read(said: &Value) -> Self {
        let number = |name: &str| said.get(name).and_then(Value::as_f64).unwrap_or_default();
        let (calls, failed) = (number("calls") as u64, number("failed") as u64);
        Self { calls, failed, p50_us: number("p50_us"), p99_us: number("p99_us"), max_us: number("max_us") }
    }
}

impl Count {
    fn read(said: &Value) -> Self {
        let number = |name: &str| said.get(name).and_then(Value::as_u64).unwrap_or_default();
        Self { calls: number("calls"), failed: number("failed"), mixed: number("mixed") }
    }
}

async fn hear(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<Value> {
    let line = timeout(ANSWER_MAX, lines.next_line()).await.context("the load generator says nothing")??;
    let line = line.ok_or_else(|| anyhow!("the load generator ended; what it said is above"))?;
    serde_json::from_str(&line).with_context(|| format!("reading what the load generator said: {line}"))
}
