//! Parsing and compiling in a child process under rlimits: what a hostile component can make a parser or a compiler do
//! (time, memory, stack) it does to a process that may die. The host loads only what its own child made, through the cache.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, setpriority_process, setrlimit};
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
    error::{LoadError, LoadStep},
    validate::{self, Plausible},
};
use crate::{failpoint, id::Revision};

/// The hidden verb that runs [`child`].
pub(crate) const CHILD_VERB: &str = "compile-component";

/// How much the child gives way to whoever serves (`nice`, 0 to 19).
const NICE: i32 = 5;
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
    /// The child was killed by one of its limits.
    #[error(
        "parsing and compiling it went over the limits of {CPU_SECONDS} s of CPU, {} GiB of memory or {} s ({how}); the component is too complex",
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

/// Code that this host's own child compiled, after it had parsed the component whole and knew all its imports.
pub(super) struct Compiled(Component);

impl Compiled {
    /// The component.
    pub(super) fn component(&self) -> &Component {
        &self.0
    }
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
        plausible: Plausible<'_>,
    ) -> Result<Compiled, LoadError> {
        if let Some(known) = self.known(runtime, revision).await {
            return Ok(known);
        }
        let _turn = self.turns.acquire().await.map_err(io::Error::other).map_err(CompileError::Spawn)?;
        // Whoever had the turn before may have compiled this very component.
        if let Some(known) = self.known(runtime, revision).await {
            return Ok(known);
        }
        let code = self.run_child(plausible.bytes()).await?;
        failpoint::pass("stage.compiled");
        let (cache, engine) = (self.cache.clone(), runtime.engine().clone());
        let admitted = spawn_blocking(move || cache.admit(&engine, revision, &code)).await;
        let admitted = admitted.map_err(io::Error::other).map_err(CompileError::Spawn)?;
        Ok(Compiled(admitted.map_err(|e| CompileError::Load(e.root_cause().to_string()))?))
    }

    async fn known(&self, runtime: &Runtime, revision: Revision) -> Option<Compiled> {
        let (cache, engine) = (self.cache.clone(), runtime.engine().clone());
        spawn_blocking(move || cache.load(&engine, revision)).await.ok().flatten().map(Compiled)
    }

    async fn run_child(&self, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
        let (code, text, status) = self.talk(bytes).await?;
        match status.code() {
            Some(0) => Ok(code),
            Some(1) => Err(said(text.trim_end())),
            // An allocation that fails under the address-space limit aborts: a signal, as is the CPU limit.
            _ => Err(CompileError::Limit { how: status.to_string() }.into()),
        }
    }

    /// Gives the child the component; what it wrote on stdout and stderr, and how it ended.
    async fn talk(&self, bytes: &[u8]) -> Result<(Vec<u8>, String, ExitStatus), CompileError> {
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
        Ok(tokio::time::timeout(WALL, talk).await.map_err(|_| CompileError::Limit { how: "out of time".into() })??)
    }
}

/// What the child said: its name of a step, a colon, the reason; after what its command line puts before it.
fn said(text: &str) -> LoadError {
    let words = text.split_once(PREFIX).map_or(text, |(_, words)| words);
    let named = words.split_once(": ").and_then(|(name, rest)| {
        let (_, step) = LoadStep::NAMED.into_iter().find(|(known, _)| *known == name)?;
        Some((step, rest))
    });
    let (step, text) = named.unwrap_or((LoadStep::Compile, words));
    LoadError::Child { step, text: text.to_owned() }
}

/// Stands before the step that the child names.
const PREFIX: &str = "refused at ";

/// The child: a component on stdin, compiled code on stdout, or one line on stderr and exit code 1.
///
/// # Errors
/// When the component is malformed, imports what is not there, or does not compile, or its bytes cannot be read or written.
pub(crate) fn child() -> Result<(), String> {
    limit_self().map_err(|e| format!("setting limits: {e}"))?;
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(|e| format!("reading: {e}"))?;
    let refused = |step: LoadStep, text: String| {
        let name = LoadStep::NAMED.into_iter().find(|(_, known)| *known == step).map_or("compile", |(name, _)| name);
        format!("{PREFIX}{name}: {text}")
    };
    validate::whole(&bytes).map_err(|error| refused(error.step(), error.to_string()))?;
    let code = compile(&bytes).map_err(|text| refused(LoadStep::Compile, format!("it does not compile: {text}")))?;
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
    // Not being allowed to give way costs time, nothing else.
    let _ = setpriority_process(None, NICE);
    for (resource, limit) in
        [(Resource::Cpu, CPU_SECONDS), (Resource::As, ADDRESS_SPACE_BYTES), (Resource::Core, 0), (Resource::Fsize, 0)]
    {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}
