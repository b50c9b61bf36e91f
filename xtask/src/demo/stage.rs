//! The simulator and the host, set up as an operator would, and one push through both. What is shown is asked of the
//! programs themselves: the simulator says what it decrypted, the host's log what it took.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;

use super::{
    records::{PERSONAL, Step},
    terminal::{Terminal, Tone},
};
use crate::{
    http,
    process::{Launch, Process},
    site::{Host, Site, simulated},
};

/// The link's id.
pub(super) const LINK: &str = "zj.nbufe";
/// What the simulator knows its demo client by.
const CLIENT_ID: &str = "demo-college";
/// How long the host's log may be behind.
const LOG_LAG_MAX: Duration = Duration::from_secs(2);

/// Everything that runs.
pub(super) struct Stage {
    pub(super) host: Host,
    pub(super) simulator: String,
    pub(super) site: Site,
    _simulator: Process,
}

/// How a push ended, as far as the upstream tells.
pub(super) enum Ended {
    /// The upstream has what was sent, as this version.
    Stored { version: u64 },
    /// The host refused, and the upstream heard nothing.
    RefusedUnsent,
    /// Anything else.
    Otherwise,
}

impl Stage {
    /// Starts the simulator, then the host with one link to it.
    pub(super) async fn set(duijie: &Path, simulator: &Path, connectors: &[PathBuf]) -> Result<Self> {
        let site = Site::new(duijie, "")?;
        let args = ["zj-gxsz".into(), "--listen".into(), "127.0.0.1:0".into()];
        let logs = site.path("");
        let launch = Launch { name: "simulator", program: simulator, args: args.into(), cpu: None, logs: &logs };
        let (process, said) = launch.start().await?;
        let url = said
            .get("url")
            .and_then(Value::as_str)
            .ok_or_else(|| anyhow!("the simulator did not say where it is: {said}"))?;
        for wasm in connectors {
            site.add_connector(wasm)?;
        }
        site.write("links.d/zj/_defaults.toml", &simulated(url))?;
        site.write("links.d/zj/nbufe.toml", &format!("[config]\nclient_id = \"{CLIENT_ID}\"\n"))?;
        let host = site.start(None).await?;
        Ok(Self { host, simulator: url.to_owned(), site, _simulator: process })
    }

    /// Says what runs where.
    pub(super) async fn introduce(&self, out: &Terminal) -> Result<()> {
        let link = self.ask("GET", &format!("/v1/links/{LINK}"), &[], b"").await?;
        if link.status != 200 {
            let log = fs::read_to_string(self.host.process.log()).unwrap_or_default();
            bail!("the link is not in service: {}\n{log}", String::from_utf8_lossy(&link.body));
        }
        out.line("simulator", Tone::Plain, &format!("{}  zj-gxsz, strict; it decrypts what it gets", self.simulator));
        out.line("host", Tone::Plain, &format!("{}  for operators: {}", self.host.api, self.host.admin));
        out.line("link", Tone::Plain, &format!("{LINK}  from links.d/zj/_defaults.toml and links.d/zj/nbufe.toml"));
        out.line(
            "ready",
            Tone::Plain,
            &format!("{:.2} s after its start, the connector compiled anew", self.host.ready_after.as_secs_f64()),
        );
        Ok(())
    }

    /// Pushes one record and shows everything about it.
    pub(super) async fn push(&self, out: &Terminal, number: usize, step: &Step) -> Result<Ended> {
        let body = (step.record)();
        let record: Value = serde_json::from_str(&body)?;
        let path = format!("/v1/links/{LINK}/operations/{}", step.operation);
        let request_id = format!("demo-{number}");
        let before = self.upstream_requests().await?;
        let started = Instant::now();
        let headers = [("content-type", "application/json"), ("x-request-id", &request_id)];
        let answer = self.ask("POST", &path, &headers, body.as_bytes()).await?;
        let took = started.elapsed();
        let sent = self.upstream_requests().await?.saturating_sub(before);

        out.heading(number, step.operation, step.about);
        out.line("request", Tone::Plain, &format!("POST {path}  {} bytes", body.len()));
        body.lines().for_each(|line| out.more(line));
        let ended = if answer.status == 200 {
            self.show_stored(out, &record).await?
        } else if answer.status == 422 && sent == 0 {
            out.line("upstream", Tone::Good, "heard nothing");
            Ended::RefusedUnsent
        } else {
            Ended::Otherwise
        };
        show_answer(out, &answer, matches!(ended, Ended::Otherwise));
        let inside = self.host_ms(&request_id).await;
        let inside = inside.map_or_else(String::new, |ms| format!(", {ms:.1} ms of it in the host and upstream"));
        let requests = if sent == 1 { "1 upstream request".to_owned() } else { format!("{sent} upstream requests") };
        out.line("timings", Tone::Plain, &format!("{:.1} ms{inside}; {requests}", took.as_secs_f64() * 1e3));
        Ok(ended)
    }

    async fn show_stored(&self, out: &Terminal, record: &Value) -> Result<Ended> {
        let id = record.get("recordId").and_then(Value::as_str).unwrap_or_default();
        let stored = http::get(&format!("{}/_sim/records/{id}", self.simulator)).await?;
        let version = stored.header("x-sim-version").and_then(|version| version.parse().ok()).unwrap_or(0);
        if stored.status != 200 || stored.json() != *record {
            out.line("upstream", Tone::Bad, "does not have what was sent:");
            out.more(&String::from_utf8_lossy(&stored.body));
            return Ok(Ended::Otherwise);
        }
        let text = format!("decrypted {} bytes, version {version}, every field as it was sent:", stored.body.len());
        out.line("upstream", Tone::Good, &text);
        out.more(&String::from_utf8_lossy(&stored.body));
        Ok(Ended::Stored { version })
    }

    /// Has the log of the host no word of any record in it?
    pub(super) fn log_is_silent(&self, out: &Terminal) -> Result<bool> {
        let log = fs::read_to_string(self.host.process.log()).context("reading the host's log")?;
        let found: Vec<_> = PERSONAL.iter().filter(|value| log.contains(**value)).collect();
        println!();
        if found.is_empty() {
            let text = format!(
                "{} lines of the host's log, and no name, number or word of a record in them",
                log.lines().count()
            );
            out.line("log", Tone::Good, &text);
        } else {
            out.line("log", Tone::Bad, &format!("the host's log holds {} values of the records", found.len()));
        }
        Ok(found.is_empty())
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<http::Answer> {
        let key = format!("Bearer {}", self.site.key);
        let mut all = vec![("authorization", key.as_str())];
        all.extend_from_slice(headers);
        http::send(method, &format!("{}{path}", self.host.api), &all, body).await
    }

    async fn upstream_requests(&self) -> Result<u64> {
        let counters = http::get(&format!("{}/_sim/counters", self.simulator)).await?.json();
        let requests = counters
            .get("requests")
            .and_then(Value::as_object)
            .ok_or_else(|| anyhow!("the simulator has no counters"))?;
        Ok(requests.values().filter_map(Value::as_u64).sum())
    }

    /// What the host's log says that the call took; none if it was refused before it became one.
    async fn host_ms(&self, request_id: &str) -> Option<f64> {
        let until = Instant::now() + LOG_LAG_MAX;
        while Instant::now() < until {
            let log = fs::read_to_string(self.host.process.log()).unwrap_or_default();
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut calls = lines.filter(|line| {
                let text = |name: &str| line.get(name).and_then(Value::as_str);
                text("message") == Some("call") && text("request_id") == Some(request_id)
            });
            if let Some(ms) = calls.find_map(|line| line.get("ms").and_then(Value::as_f64)) {
                return Some(ms);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }
}

fn show_answer(out: &Terminal, answer: &http::Answer, unexpected: bool) {
    let value = answer.json();
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if answer.status == 200 {
        let summary = format!("done  200  {}", String::from_utf8_lossy(&answer.body));
        out.line("outcome", if unexpected { Tone::Bad } else { Tone::Good }, &summary);
        return;
    }
    let summary = format!("{}  {}  class {}: {}", text("outcome"), answer.status, text("class"), text("detail"));
    out.line("outcome", if unexpected { Tone::Bad } else { Tone::Good }, &summary);
    for error in value.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        out.more(&format!("{:<26} {}", part("pointer"), part("message")));
    }
}
