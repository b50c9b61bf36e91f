//! Where the traced program is plugged in: what it must do, and the words of strace's that it is started behind.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::trace::{Ack, CALLS, Scope, Told};

/// How long strace may go on writing after the program has ended.
const SETTLE_MAX: Duration = Duration::from_secs(30);
/// Bytes in which the last lines are: a line for each thread that ends.
const TAIL: u64 = 8192;

/// A program that keeps its promises in a directory.
pub(in crate::soak) trait Workload: Sync {
    /// The database's name in the directory.
    fn database(&self) -> &str;
    /// Works in this directory, started behind these words, until everything was seen that should be, and has ended.
    /// Everything that it was told; the trace must have it, too.
    fn record(&self, strace: &Strace, dir: &Path) -> Result<Vec<Ack>>;
    /// Starts on what lies in this directory, takes at least one more job, and ends properly.
    fn recover(&self, strace: &Strace, dir: &Path) -> Result<()>;
    /// Works until it is done or a call has failed, which one will; what it did about that.
    fn struck(&self, strace: &Strace, dir: &Path) -> Result<Struck>;
    /// What these bytes, sent or printed, acknowledge.
    fn acks(&self, sent: &[u8]) -> Vec<Ack>;
    /// How many audit entries these bytes of an anchor vouch for, if it is of the program's own making.
    fn anchor(&self, bytes: &[u8]) -> Option<u64>;
}

/// What a program did whose disk failed.
pub(in crate::soak) struct Struck {
    /// What it acknowledged.
    pub(in crate::soak) acked: Vec<Ack>,
    /// It was asked for more after the failure and refused; or it ended, and not as if all were well.
    pub(in crate::soak) stopped: bool,
}

/// The words that a program is started behind, and where its trace will be.
pub(in crate::soak) struct Strace {
    /// To be put before the program.
    pub(in crate::soak) words: Vec<OsString>,
    /// The trace.
    pub(in crate::soak) trace: PathBuf,
    /// A call will fail.
    pub(in crate::soak) injects: bool,
}

impl Strace {
    /// Records everything that matters.
    pub(in crate::soak) fn recording(trace: &Path) -> Self {
        Self::new(trace, CALLS, Vec::new())
    }

    /// Records these calls on these files alone, and lets one fail if so.
    pub(in crate::soak) fn of_files(trace: &Path, calls: &str, files: &[PathBuf], inject: Option<String>) -> Self {
        let mut more: Vec<OsString> = Vec::new();
        for file in files {
            more.extend(["-P".into(), file.into()]);
        }
        let injects = inject.is_some();
        if let Some(inject) = inject {
            more.extend(["-e".into(), format!("inject={inject}").into()]);
        }
        Self { injects, ..Self::new(trace, calls, more) }
    }

    fn new(trace: &Path, calls: &str, more: Vec<OsString>) -> Self {
        // What a trace before has left; that there was none is no error.
        let _ = fs::remove_file(trace);
        // -D: the program is our own child, and strace a grandchild, so that a signal to the child reaches the program,
        // and its end is its own. -A: a program that is started twice has one trace. -xx: nothing in a string can look like
        // syntax. -y: descriptors with their paths. --seccomp-bpf: other calls do not even stop.
        let first = ["strace", "-D", "-f", "-A", "--seccomp-bpf", "-y", "-xx", "-a", "1", "-s", "16777216"];
        let mut words: Vec<OsString> = first.into_iter().chain(["-e", "signal=kill"]).map(Into::into).collect();
        words.extend(["-e".into(), format!("trace={calls}").into()]);
        words.extend(more);
        words.extend(["-o".into(), trace.into(), "--".into()]);
        Self { words, trace: trace.to_owned(), injects: false }
    }

    /// Waits until the trace of the program with this process id is whole: strace writes its end after it has ended, also
    /// when it was killed.
    pub(in crate::soak) fn settled(&self, pid: u32) -> Result<()> {
        let since = Instant::now();
        loop {
            let tail = self.tail().with_context(|| format!("reading {}", self.trace.display()))?;
            let ends = |line: &str| {
                let mut words = line.split_whitespace();
                words.next() == Some(&pid.to_string()) && words.next() == Some("+++")
            };
            if tail.ends_with('\n') && tail.lines().any(ends) {
                return Ok(());
            }
            if since.elapsed() > SETTLE_MAX {
                bail!("the trace {} has no end", self.trace.display());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The end of the trace, which may be very long.
    fn tail(&self) -> std::io::Result<String> {
        let mut file = File::open(&self.trace)?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// What the trace reader has to know.
pub(in crate::soak) fn scope<'a>(
    workload: &'a dyn Workload,
    dir: &'a Path,
    acks: &'a dyn Fn(&[u8]) -> Vec<Ack>,
) -> Scope<'a> {
    Scope { dir, database: workload.database(), acks }
}

/// What an answer of the host's, as it goes over the wire, says of a job or a batch. Its answers are small enough to be sent
/// in one piece; whoever records compares with what was received, so that one in two pieces would be noticed.
pub(in crate::soak) fn answered(sent: &[u8]) -> Option<Ack> {
    let text = str::from_utf8(sent).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    if !["HTTP/1.1 200 ", "HTTP/1.1 202 "].iter().any(|status| head.starts_with(status)) {
        return None;
    }
    said(&serde_json::from_str(body).ok()?)
}

/// What the body of an answer says. A job's state is read from the store, where nothing is seen before it is durable.
pub(in crate::soak) fn said(body: &Value) -> Option<Ack> {
    let id = body.get("id")?.as_str()?.replace('-', "").to_lowercase();
    if let Some(accepted) = body.get("accepted").and_then(Value::as_u64) {
        return Some(Ack { id, told: Told::Batch(accepted) });
    }
    // Only jobs have attempts.
    body.get("attempts")?.as_u64()?;
    let over = !matches!(body.get("state")?.as_str()?, "queued" | "sending");
    Some(Ack { id, told: if over { Told::Ended } else { Told::Taken } })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0190ab00-0000-7000-8000-000000000001";

    fn answer(status: &str, body: &str) -> Option<Told> {
        let found = answered(format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\r\n{body}").as_bytes());
        assert!(found.iter().all(|ack| ack.id == "0190ab00000070008000000000000001"), "{found:?}");
        found.map(|ack| ack.told)
    }

    #[test]
    fn an_answer_says_that_a_job_is_taken_or_over_and_how_many_a_batch_has() {
        let job = |state: &str| {
            format!(r#"{{"id":"{ID}","state":"{state}","attempts":1,"accepted":"2026-11-28T08:00:00Z"}}"#)
        };
        assert_eq!(answer("202 Accepted", &job("queued")), Some(Told::Taken));
        assert_eq!(answer("200 OK", &job("sending")), Some(Told::Taken));
        assert_eq!(answer("200 OK", &job("cancelled")), Some(Told::Ended));
        let receipt = format!(r#"{{"id":"{ID}","rows":3,"accepted":2,"errors":[{{"row":3}}]}}"#);
        assert_eq!(answer("202 Accepted", &receipt), Some(Told::Batch(2)));
    }

    #[test]
    fn what_is_no_answer_about_a_job_says_nothing() {
        let job = format!(r#"{{"id":"{ID}","state":"queued","attempts":0}}"#);
        assert_eq!((answer("503 Service Unavailable", &job), answer("202 Accepted", &job[..20])), (None, None));
        let batch = format!(r#"{{"id":"{ID}","state":"running","rows":3}}"#);
        assert_eq!((answer("200 OK", &batch), answer("200 OK", "{\"jobs\":[]}")), (None, None));
        assert_eq!(answered(b"\xff\r\n\r\n"), None);
    }
}
