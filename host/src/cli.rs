//! The command line: one file a verb. Parses, sets up the process, prints, and ends with 0 (good), 1 (the thing asked for
//! failed or was refused) or 2 (asked wrongly). The only module that prints to stdout.

mod audit;
mod backup;
mod call;
mod check;
mod deploy;
mod inspect;
mod jobs;
mod keys;
mod link;
mod new;
mod out;
mod push;
mod queue;
mod remote;
mod rollback;
mod serve;
mod status;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::out::{print, print_json};
use crate::{
    config::{Config, ConfigError},
    runtime::compile,
    server::auth::{AdminKey, KeyError, PlatformKeys},
};

/// Docks a platform to government and education upstreams through hot-loaded wasm connectors.
#[derive(Parser)]
#[command(name = "duijie", version, propagate_version = true, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 good · 1 what was asked for failed or was refused · 2 asked wrongly\n\
    Start here: `duijie new my-connector`, then its README.md.")]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Args)]
struct Global {
    /// The host's configuration
    #[arg(long, global = true, env = "DUIJIE_CONFIG", default_value = "duijie.toml", value_name = "FILE")]
    config: PathBuf,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines: one JSON document on stdout
    Json,
}

#[derive(Subcommand)]
enum Verb {
    /// Serve: load connectors and links, take calls, reload when files change
    Serve,
    /// Check configuration, connectors and links without side effects
    Check,
    /// Run one operation of a link now, without a server
    Call(call::CallArgs),
    /// Show what a connector file is: manifest, schemas, imports, size, revision
    Inspect(inspect::InspectArgs),
    /// Show how a running host stands: what serves, what does not and why
    Status(status::StatusArgs),
    /// Bring a connector into the directory of a running host
    Deploy(deploy::DeployArgs),
    /// Send every link of a connector back to what it served with before
    Rollback(rollback::RollbackArgs),
    /// Let a revision that was rolled back try again
    Release(rollback::ReleaseArgs),
    /// Send a file of records to a running host, and follow them to their end
    Push(push::PushArgs),
    /// Look at what was accepted, send it again, take it back
    #[command(subcommand)]
    Jobs(jobs::JobsVerb),
    /// Show how much waits on each link, and why
    Queue(queue::QueueArgs),
    /// Let a link's jobs wait; what is accepted stays accepted
    Hold(queue::HoldArgs),
    /// Let a link's jobs go on
    Resume(queue::ResumeArgs),
    /// Let a running host write a copy of its store
    Backup(backup::BackupArgs),
    /// Put a backup in the place of the store, while no host runs
    Restore(backup::RestoreArgs),
    /// Look at who did what
    #[command(subcommand)]
    Audit(audit::AuditVerb),
    /// Look at links
    #[command(subcommand)]
    Link(link::LinkVerb),
    /// Make API keys
    #[command(subcommand)]
    Keys(keys::KeysVerb),
    /// Write a new connector crate that builds and passes its own test, offline
    New(new::NewArgs),
    /// Compile a component from stdin to stdout (the host runs this in a child process)
    #[command(name = compile::CHILD_VERB, hide = true)]
    CompileComponent,
}

/// How a verb ends that did not succeed.
enum Ended {
    /// What was asked for failed or was refused; all that is to be said was said.
    Failed,
    /// The same, with what is to be said.
    Because(String),
    /// Asked wrongly.
    Usage(String),
}

type Done = Result<(), Ended>;

impl From<ConfigError> for Ended {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<anyhow::Error> for Ended {
    fn from(error: anyhow::Error) -> Self {
        Self::Because(format!("{error:#}"))
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.verb {
        Verb::Serve => serve::run(&cli.global),
        Verb::Check => check::run(&cli.global),
        Verb::Call(args) => call::run(&cli.global, args),
        Verb::Inspect(args) => inspect::run(&cli.global, args),
        Verb::Status(args) => status::run(&cli.global, args),
        Verb::Deploy(args) => deploy::run(&cli.global, args),
        Verb::Rollback(args) => rollback::roll_back(&cli.global, args),
        Verb::Release(args) => rollback::release(&cli.global, args),
        Verb::Push(args) => push::run(&cli.global, args),
        Verb::Jobs(verb) => jobs::run(&cli.global, verb),
        Verb::Queue(args) => queue::show(&cli.global, args),
        Verb::Hold(args) => queue::hold(&cli.global, args),
        Verb::Resume(args) => queue::resume(&cli.global, args),
        Verb::Backup(args) => backup::backup(&cli.global, args),
        Verb::Restore(args) => backup::restore(&cli.global, args),
        Verb::Audit(verb) => audit::run(&cli.global, verb),
        Verb::Link(verb) => link::run(&cli.global, verb),
        Verb::Keys(verb) => keys::run(&cli.global, verb),
        Verb::New(args) => new::run(args),
        Verb::CompileComponent => compile::child().map_err(Ended::Because),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended::Failed) => ExitCode::from(1),
        Err(Ended::Because(text)) => {
            out::complain(&text);
            ExitCode::from(1)
        }
        Err(Ended::Usage(text)) => {
            out::complain(&text);
            ExitCode::from(2)
        }
    }
}

impl Global {
    fn read_config(&self) -> Result<Config, ConfigError> {
        Config::read(&self.config)
    }

    /// Keys and patterns are part of the file, and judged by whoever will use them.
    fn check_keys(&self, config: &Config) -> Done {
        let wrong = |error: &KeyError| Ended::Usage(format!("{}: {error}", self.config.display()));
        PlatformKeys::from_config(&config.platforms).map_err(|error| wrong(&error))?;
        AdminKey::from_config(config.admin_key_sha256.as_deref()).map_err(|error| wrong(&error))?;
        Ok(())
    }

    fn json(&self) -> bool {
        self.format == Format::Json
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, Ended> {
    std::fs::read(path).map_err(|error| Ended::Usage(format!("{}: {error}", path.display())))
}

/// A runtime for verbs that run and end.
fn block_on<T>(work: impl Future<Output = Result<T, Ended>>) -> Result<T, Ended> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Ended::Because(format!("starting: {error}")))?.block_on(work)
}
