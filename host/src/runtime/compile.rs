//! Compiling in a child process under rlimits: what a hostile component can make a compiler do (time, memory, stack) it
//! does to a process that may die. The host loads only what its own child made, through the cache.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    sync::Semaphore,
    task::spawn_blocking,
};
use wasmtime::component::Component;

use super::{
    cache::Cache,
    engine::{Runtime, compiling_engine},
};
use crate::id::Revision;

/// The hidden verb that runs [`child`].
pub(crate) const CHILD_VERB: &str = "compile-component";

/// CPU seconds of one compilation, over its threads.
const CPU_SECONDS: u64 = 60;
/// Address space of one compilation.
const ADDRESS_SPACE_BYTES: u64 = 4 << 30;
/// Wall time of one compilation.
const WALL: Duration = Duration::from_secs(120);
/// Compiled code accepted from the child.
const CODE_MAX: u64 = 512 << 20;
/// Error text accepted from the child.
const ERROR_MAX: u64 = 4 << 10;

/// Why a component could not be compiled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    /// The child could not be run at all.
    #[error("the compiling child process could not be run: {0}")]
    Spawn(#[from] io::Error),
    /// The compiler refused the component.
    #[error("it does not compile: {0}")]
    Refused(String),
    /// The child was killed by one of its limits.
    #[error(
        "compiling it went over the limits of {CPU_SECONDS} s of CPU, {} GiB of memory or {} s ({how}); the component is too complex",
        ADDRESS_SPACE_BYTES >> 30, WALL.as_secs()
    )]
    Limit {
        /// How the child ended.
        how: String,
    },
    /// The child's code does not load here.
    #[error("its compiled code does not load: {0}")]
    Load(String),
}

/// Compiles components, a few at a time, and remembers the result on disk.
pub(crate) struct Compiler {
    program: PathBuf,
    cache: Arc<Cache>,
    turns: Semaphore,
}

impl Compiler {
    /// Compiles by running `program` (this executable) with [`CHILD_VERB`]; one compilation at a time, so that serving
    /// keeps its processors.
    pub(crate) fn new(program: PathBuf, cache: Cache) -> Self {
        Self { program, cache: Arc::new(cache), turns: Semaphore::new(1) }
    }

    /// The compiled component, from the cache or from a child.
    pub(super) async fn component(
        &self,
        runtime: &Runtime,
        revision: Revision,
        bytes: &[u8],
    ) -> Result<Component, CompileError> {
        let (cache, engine) = (self.cache.clone(), runtime.engine().clone());
        if let Ok(Some(component)) = spawn_blocking(move || cache.load(&engine, revision)).await {
            return Ok(component);
        }
        let _turn = self.turns.acquire().await.map_err(io::Error::other)?;
        let code = self.run_child(bytes).await?;
        let (cache, engine) = (self.cache.clone(), runtime.engine().clone());
        let admitted = spawn_blocking(move || cache.admit(&engine, revision, &code)).await.map_err(io::Error::other)?;
        admitted.map_err(|e| CompileError::Load(e.root_cause().to_string()))
    }

    async fn run_child(&self, bytes: &[u8]) -> Result<Vec<u8>, CompileError> {
        let mut child = Command::new(&self.program)
            .arg(CHILD_VERB)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("the child has no pipes").into());
        };
        let talk = async {
            let write = async move {
                // A child that dies early closes its end; its exit status tells more than the broken pipe.
                let _ = stdin.write_all(bytes).await;
            };
            let (mut code, mut text) = (Vec::new(), String::new());
            let (mut stdout, mut stderr) = (stdout.take(CODE_MAX), stderr.take(ERROR_MAX));
            let ((), out, err) = tokio::join!(write, stdout.read_to_end(&mut code), stderr.read_to_string(&mut text));
            out?;
            err?;
            io::Result::Ok((code, text, child.wait().await?))
        };
        let (code, text, status) =
            tokio::time::timeout(WALL, talk).await.map_err(|_| CompileError::Limit { how: "out of time".into() })??;
        match status.code() {
            Some(0) => Ok(code),
            Some(1) => Err(CompileError::Refused(text.trim_end().to_owned())),
            // An allocation that fails under the address-space limit aborts: a signal, as is the CPU limit.
            _ => Err(CompileError::Limit { how: status.to_string() }),
        }
    }
}

/// The child: a component on stdin, compiled code on stdout, or one line on stderr and exit code 1.
///
/// # Errors
/// When the component does not compile, or its bytes cannot be read or written.
pub(crate) fn child() -> Result<(), String> {
    limit_self().map_err(|e| format!("setting limits: {e}"))?;
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(|e| format!("reading: {e}"))?;
    let code = compile(&bytes)?;
    io::stdout().lock().write_all(&code).map_err(|e| format!("writing: {e}"))
}

/// Compiles in this very process; only the child does that with bytes it does not trust.
///
/// # Errors
/// Says why the component does not compile.
pub(crate) fn compile(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let engine = compiling_engine().map_err(|e| format!("{e:#}"))?;
    engine.precompile_component(bytes).map_err(|e| format!("{e:#}"))
}

fn limit_self() -> io::Result<()> {
    for (resource, limit) in
        [(Resource::Cpu, CPU_SECONDS), (Resource::As, ADDRESS_SPACE_BYTES), (Resource::Core, 0), (Resource::Fsize, 0)]
    {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}
