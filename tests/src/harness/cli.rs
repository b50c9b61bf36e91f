//! One run of the host's command line, to its end.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{Setup, build};

/// How a verb ended, and what it said.
#[derive(Debug)]
pub struct Run {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
}

impl Run {
    /// Runs a verb in this setup's directory, with what `duijie.toml` lies there.
    pub fn of(setup: &Setup, arguments: &[&str], stdin: Option<&[u8]>) -> Self {
        let mut command = Command::new(build::host());
        command
            .args(arguments)
            .env_clear()
            .envs(&setup.env)
            .current_dir(setup.root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the host's binary runs");
        let mut input = child.stdin.take().expect("stdin is a pipe");
        // A verb that does not read has closed its end; that is its right.
        let _ = input.write_all(stdin.unwrap_or_default());
        drop(input);
        let done = child.wait_with_output().expect("the host's binary ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the command line prints UTF-8");
        Self { code: done.status.code(), stdout: text(done.stdout), stderr: text(done.stderr) }
    }

    /// This run, if it ended with this code.
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// What it printed, as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.stdout))
    }
}
