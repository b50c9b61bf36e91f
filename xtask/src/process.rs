//! Programs that run beside this one: started with their log in a file, announced by one line of JSON on stdout, and
//! gone when this process is, however it ends: killed when dropped, and by the kernel should this process be killed.

use std::{
    env,
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    time::timeout,
};

/// How long a program may take to announce itself: a cold host compiles its connectors first.
const ANNOUNCE_MAX: Duration = Duration::from_secs(60);
/// How long a program may take to end when asked.
const STOP_MAX: Duration = Duration::from_secs(10);
/// A signal has come.
static SIGNALLED: AtomicBool = AtomicBool::new(false);
/// What of a log is shown when a program fails.
const TAIL_BYTES: usize = 4000;

/// A program to be started.
pub(crate) struct Launch<'a> {
    /// What it is called in messages and its log.
    pub(crate) name: &'static str,
    /// The program.
    pub(crate) program: &'a Path,
    /// Its arguments.
    pub(crate) args: Vec<OsString>,
    /// Its environment, besides ours.
    pub(crate) env: Vec<(&'static str, String)>,
    /// The processor it is to stay on.
    pub(crate) cpu: Option<usize>,
    /// The folder of its log.
    pub(crate) logs: &'a Path,
}

/// A program that runs.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    pid: u32,
    log: PathBuf,
}

impl Launch<'_> {
    /// Starts it and waits for its announcement: the first line of JSON on its stdout.
    pub(crate) async fn start(self) -> Result<(Process, Value)> {
        let mut process = self.spawn()?;
        let value = process.announced().await?;
        Ok((process, value))
    }

    /// Only starts it. For one whose end matters also when it never announces itself.
    pub(crate) fn spawn(self) -> Result<Process> {
        let log = self.logs.join(format!("{}.log", self.name));
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("making {}", log.display()))?;
        let mut line: Vec<OsString> = Vec::new();
        if on_path("setpriv") {
            line.extend(["setpriv", "--pdeathsig", "KILL", "--"].map(OsString::from));
        }
        if let Some(cpu) = self.cpu {
            line.extend(["taskset", "--cpu-list"].map(OsString::from));
            line.push(cpu.to_string().into());
        }
        line.push(self.program.into());
        line.extend(self.args);
        let mut words = line.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).envs(self.env).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("running {}", self.program.display()))?;
        let pid = child.id().ok_or_else(|| anyhow!("{} ended at once", self.name))?;
        Ok(Process { name: self.name, child, pid, log })
    }
}

impl Process {
    /// Waits for its announcement.
    pub(crate) async fn announced(&mut self) -> Result<Value> {
        let stdout = self.child.stdout.take().ok_or_else(|| anyhow!("{} has no stdout", self.name))?;
        let mut lines = BufReader::new(stdout).lines();
        let announced = timeout(ANNOUNCE_MAX, async {
            while let Some(line) = lines.next_line().await? {
                if let Ok(value) = serde_json::from_str::<Value>(&line) {
                    return anyhow::Ok(Some(value));
                }
            }
            Ok(None)
        });
        let value = match announced.await {
            Ok(Ok(Some(value))) => value,
            Ok(Ok(None)) => bail!("{} ended without saying where it listens\n{}", self.name, self.log_tail()),
            Ok(Err(error)) => return Err(error.context(format!("reading what {} says", self.name))),
            Err(_) => bail!(
                "{} did not say within {} s where it listens\n{}",
                self.name,
                ANNOUNCE_MAX.as_secs(),
                self.log_tail()
            ),
        };
        // Whatever else it prints must not fill the pipe and stop it.
        tokio::spawn(async move {
            let mut rest = lines.into_inner();
            let mut waste = vec![0; 4096];
            while matches!(rest.read(&mut waste).await, Ok(1..)) {}
        });
        Ok(value)
    }

    /// Its process id: wrappers replace themselves by it.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Where it logs.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Asks it to end and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.terminate()?;
        self.ended(STOP_MAX).await.map(drop)
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) -> Result<()> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return Ok(()) };
        kill_process(pid, Signal::TERM).with_context(|| format!("stopping {}", self.name))
    }

    /// Waits until it has ended, and says how.
    pub(crate) async fn ended(&mut self, within: Duration) -> Result<ExitStatus> {
        match timeout(within, self.child.wait()).await {
            Ok(ended) => ended.with_context(|| format!("waiting for {}", self.name)),
            Err(_) => bail!("{} did not end within {} s\n{}", self.name, within.as_secs(), self.log_tail()),
        }
    }

    /// Kills it, as a power cut would.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.kill_now().await
    }

    /// The same, for whoever wants to know more of it.
    pub(crate) async fn kill_now(&mut self) -> Result<()> {
        self.child.kill().await.with_context(|| format!("killing {}", self.name))
    }

    /// Does it still run?
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.get(text.floor_char_boundary(text.len().saturating_sub(TAIL_BYTES))..).unwrap_or_default().to_owned()
    }
}

/// Runs until it is done or a signal comes, so that whatever it started is dropped either way. All on one thread: the
/// kernel ends a child with the thread that started it.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            // Work that waits for a signal itself ends well by it.
            biased;
            done = work => done,
            name = signalled() => bail!("ended by {}", name?),
        }
    })
}

/// Heeds signals from now on, for work on threads of its own, which asks now and then whether one has come. Without this the
/// first runtime here would have taken them from the kernel, and nobody would hear them between two.
pub(crate) fn heed_signals() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let wait = move || {
        if let Ok(name) = runtime.block_on(signalled()) {
            eprintln!("xtask: {name}: ending");
            SIGNALLED.store(true, Ordering::Relaxed);
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).context("heeding signals")?;
    Ok(())
}

/// An error if a signal has come since.
pub(crate) fn not_signalled() -> Result<()> {
    if SIGNALLED.load(Ordering::Relaxed) {
        bail!("ended by a signal");
    }
    Ok(())
}

/// Waits for ctrl-c or a polite kill; says which.
pub(crate) async fn signalled() -> Result<&'static str> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => "ctrl-c",
        _ = terminate.recv() => "SIGTERM",
        _ = hangup.recv() => "SIGHUP",
    })
}

/// Is there a program of this name?
pub(crate) fn on_path(name: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(name).is_file()))
}
