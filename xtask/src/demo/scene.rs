//! One flow as it is shown: a line for everything that somebody asked of somebody else. What is shown is asked of the
//! programs themselves: the simulator's journal says what it heard, the platform's log what it was asked. A flow ends as
//! told, or with an error that says where it did not.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use super::{
    flow::Flow,
    stage::Stage,
    terminal::{Terminal, Tone},
};
use crate::http::{self, Answer};

/// Who asks whom.
pub(super) const CALL: &str = "platform → host";
/// The host asks the upstream.
pub(super) const OUT: &str = "host → upstream";
/// The upstream asks the host.
pub(super) const HOOK: &str = "upstream → host";
/// A connector asks the platform.
const EVENT: &str = "host → platform";
/// The host's answer to the platform.
const ANSWER: &str = "platform ← host";
/// Characters of what is shown of a body.
const SHOWN_CHARS: usize = 150;

/// One flow under way.
pub(super) struct Scene<'s> {
    pub(super) stage: &'s Stage,
    pub(super) out: &'s Terminal,
    /// Where the upstream is.
    pub(super) upstream: &'s str,
    link: &'static str,
    /// The last entry of the upstream's journal that was shown.
    heard: Cell<u64>,
    /// Lines of the platform's log that were looked at.
    asked: Cell<usize>,
}

impl<'s> Scene<'s> {
    /// Before anything has happened in it.
    pub(super) fn new(stage: &'s Stage, out: &'s Terminal, flow: Flow) -> Result<Self> {
        let (upstream, link) = (stage.simulator(flow)?, flow.link());
        Ok(Self { stage, out, upstream, link, heard: Cell::default(), asked: Cell::default() })
    }

    /// A call that succeeds: its output.
    pub(super) async fn done(&self, operation: &str, input: &Value) -> Result<Value> {
        let answer = self.call(operation, &input.to_string()).await?;
        ensure!(answer.status == 200, "{operation} was answered with {}", answer.status);
        Ok(answer.json())
    }

    /// A call that is refused with this class.
    pub(super) async fn refused(&self, operation: &str, input: &Value, class: &str) -> Result<()> {
        let answer = self.call(operation, &input.to_string()).await?;
        let problem = answer.json();
        let given = problem.get("class").and_then(Value::as_str).unwrap_or_default();
        ensure!(answer.status != 200 && given == class, "{operation} should be refused as {class}, not {given:?}");
        Ok(())
    }

    /// A call, with everything that it led to.
    pub(super) async fn call(&self, operation: &str, body: &str) -> Result<Answer> {
        let (answer, took) = self.send(operation, body).await?;
        self.heard(OUT).await?;
        self.asked()?;
        self.answered(&answer, took);
        Ok(answer)
    }

    /// Sends a call and shows only that.
    pub(super) async fn send(&self, operation: &str, body: &str) -> Result<(Answer, Duration)> {
        self.line(CALL, &format!("{operation}  {}", cut(body)));
        let path = format!("/v1/links/{}/operations/{operation}", self.link);
        let started = Instant::now();
        let answer = self.stage.ask("POST", &path, body.as_bytes()).await?;
        Ok((answer, started.elapsed()))
    }

    /// Shows how a call was answered.
    pub(super) fn answered(&self, answer: &Answer, took: Duration) {
        let (took, value) = (took.as_secs_f64() * 1e3, answer.json());
        if answer.status == 200 {
            return self.line(ANSWER, &format!("200 in {took:.1} ms  {}", cut(&String::from_utf8_lossy(&answer.body))));
        }
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let (status, class) = (answer.status, text("class"));
        self.line(ANSWER, &format!("{status} in {took:.1} ms  {class}, {}: {}", text("outcome"), text("detail")));
        for error in value.get("errors").and_then(Value::as_array).into_iter().flatten() {
            let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
            self.out.more(&format!("{:<26} {}", part("pointer"), part("message")));
        }
    }

    /// Shows what the upstream heard since the last time; says how much that was.
    pub(super) async fn heard(&self, label: &str) -> Result<usize> {
        let journal = self.look("journal").await?;
        let mut count = 0;
        for entry in journal.as_array().into_iter().flatten() {
            let sequence = entry.get("sequence").and_then(Value::as_u64).unwrap_or(0);
            if sequence <= self.heard.get() {
                continue;
            }
            self.heard.set(sequence);
            count += 1;
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            let status = entry.get("status").and_then(Value::as_u64).unwrap_or(0);
            let code = text("code");
            let code = if code.is_empty() { String::new() } else { format!(", code {code}") };
            self.line(label, &format!("{} {}  {status}{code}", text("method"), text("path")));
        }
        Ok(count)
    }

    /// Shows what the platform was asked since the last time; says how much that was.
    pub(super) fn asked(&self) -> Result<usize> {
        let (log, source) = (self.stage.platform.log()?, format!("/v1/links/{}", self.link));
        let mut count = 0;
        for line in log.lines().skip(self.asked.get()) {
            self.asked.set(self.asked.get() + 1);
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
            if text("by") != source {
                continue;
            }
            count += 1;
            let status = event.get("answered").and_then(Value::as_u64).unwrap_or(0);
            self.line(EVENT, &format!("event {}, signed  {status}", text("asked")));
        }
        Ok(count)
    }

    /// Reads from the simulator's admin surface.
    pub(super) async fn look(&self, path: &str) -> Result<Value> {
        let answer = http::get(&format!("{}/_sim/{path}", self.upstream)).await?;
        ensure!(answer.status == 200, "the simulator has no /_sim/{path}");
        Ok(answer.json())
    }

    /// Has the simulator do something.
    pub(super) async fn tell(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/_sim/{path}", self.upstream);
        let answer = http::send("POST", &url, &[], body.to_string().as_bytes()).await?;
        if answer.status != 200 {
            bail!("the simulator cannot {path}: {}", String::from_utf8_lossy(&answer.body));
        }
        Ok(answer.json())
    }

    /// The address of a hook of this link.
    pub(super) fn hook_url(&self, path_secret: &str, hook: &str) -> String {
        format!("{}/hooks/{}/{path_secret}/{hook}", self.stage.host.api, self.link)
    }

    /// One line.
    pub(super) fn line(&self, label: &str, text: &str) {
        self.out.line(label, Tone::Plain, text);
    }

    /// What was shown to be as it should.
    pub(super) fn good(&self, label: &str, text: &str) {
        self.out.line(label, Tone::Good, text);
    }
}

/// A text member that must be there.
pub(super) fn text(value: &Value, pointer: &str) -> Result<String> {
    match value.pointer(pointer).and_then(Value::as_str) {
        Some(text) => Ok(text.to_owned()),
        None => bail!("the answer has no text at {pointer}"),
    }
}

/// As much of a body as fits a line.
fn cut(body: &str) -> String {
    let line = body.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}… ({} bytes)", line.get(..at).unwrap_or_default(), body.len()),
        None => line,
    }
}
