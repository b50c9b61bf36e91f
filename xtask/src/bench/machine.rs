//! What the kernel says: a process's CPU time and memory, whether somebody niced was running, how many processors there
//! are. And one spinner a processor, which keeps virtual processors from going idle: waking one costs more than some of
//! what is measured.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context as _, Result, anyhow};

use crate::process::on_path;

/// CPU time of all threads of a process so far, in nanoseconds. A thread that ended is no longer counted; the servers
/// measured here keep theirs.
pub(crate) fn cpu_ns(pid: u32) -> Result<u64> {
    let tasks = format!("/proc/{pid}/task");
    let mut sum = 0_u64;
    for task in fs::read_dir(&tasks).with_context(|| tasks.clone())? {
        let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        sum += text.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(sum)
}

/// Resident memory of a process, in KiB.
pub(crate) fn rss_kib(pid: u32) -> Result<u64> {
    status_kib(pid, "VmRSS")
}

/// The most that it has ever been.
pub(super) fn peak_kib(pid: u32) -> Result<u64> {
    status_kib(pid, "VmHWM")
}

fn status_kib(pid: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let line = line.ok_or_else(|| anyhow!("the kernel does not say {name}"))?;
    let number = line.trim().trim_end_matches(" kB").parse();
    number.with_context(|| format!("{name}:{line}"))
}

/// Files, sockets and the like that a process has open.
pub(crate) fn fds(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// Ticks that niced processes had, on all processors together. A run during which this moved was disturbed.
pub(super) fn niced_ticks() -> Result<u64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let column = stat.lines().next().and_then(|line| line.split_whitespace().nth(2));
    column.and_then(|ticks| ticks.parse().ok()).ok_or_else(|| anyhow!("/proc/stat has no nice column"))
}

/// Where the two sides of a measurement run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// The processor of the server that is measured.
    pub(super) server: Option<usize>,
    /// The processor of the load and the upstream.
    pub(super) rest: Option<usize>,
}

impl Layout {
    /// Two processors of their own, where there are two and they can be asked for.
    pub(super) fn of_this_machine() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        if processors >= 2 && on_path("taskset") {
            Self { server: Some(0), rest: Some(1) }
        } else {
            Self { server: None, rest: None }
        }
    }

    /// For the head of a report.
    pub(super) fn describe(self, spinners: &Spinners) -> String {
        let pinned = match (self.server, self.rest) {
            (Some(server), Some(rest)) => format!("server on processor {server}, load and upstream on {rest}"),
            _ => "not pinned (needs two processors and taskset)".to_owned(),
        };
        let spinning = if spinners.0.is_empty() { "no spinners (needs chrt)" } else { "a SCHED_IDLE spinner on each" };
        format!("{pinned}; {spinning}")
    }
}

/// Processes that do nothing, at the lowest priority there is.
pub(super) struct Spinners(Vec<Child>);

impl Spinners {
    /// One for each processor of the layout, where the kernel lets us.
    pub(super) fn start(layout: Layout, tools: &Path) -> Result<Self> {
        let mut spinners = Self(Vec::new());
        if !on_path("chrt") {
            return Ok(spinners);
        }
        for cpu in [layout.server, layout.rest].into_iter().flatten() {
            let mut command = Command::new("chrt");
            command.args(["--idle", "0", "taskset", "--cpu-list", &cpu.to_string()]).arg(tools).arg("spin");
            // Its stdin is our pipe: it ends when that closes, whatever becomes of us.
            spinners.0.push(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().context("starting a spinner")?);
        }
        Ok(spinners)
    }
}

impl Drop for Spinners {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Already gone is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
