//! Everything that runs: a simulator for each upstream, a platform that can be asked, and one host between them, set up
//! as an operator would. Knows nothing of what is shown.

use std::{
    cell::RefCell,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;

use super::{
    flow::Flow,
    links,
    records::PERSONAL,
    terminal::{Terminal, Tone},
};
use crate::{
    http,
    process::{Launch, Process},
    site::{Host, Site, simulated},
};

/// What the simulator of zj-gxsz knows its demo client by.
const CLIENT_ID: &str = "demo-college";
/// How long a link that is added to a running host may take.
const SERVING_MAX: Duration = Duration::from_secs(30);

/// Everything that runs.
pub(super) struct Stage {
    pub(super) host: Host,
    pub(super) site: Site,
    pub(super) platform: Program,
    /// In the order of [`Flow::ALL`].
    simulators: Vec<(Flow, Program)>,
    /// What no log may hold, besides the constants: sessions, tickets, codes as they came up.
    private: RefCell<Vec<String>>,
}

/// A program that listens.
pub(super) struct Program {
    pub(super) url: String,
    process: Process,
}

impl Program {
    async fn start(program: &Path, site: &Site, name: &'static str, more: &[String]) -> Result<Self> {
        let args: [OsString; 3] = [name.into(), "--listen".into(), "127.0.0.1:0".into()];
        let args = args.into_iter().chain(more.iter().map(Into::into)).collect();
        let logs = site.path("");
        let (process, said) = Launch { name, program, args, env: Vec::new(), cpu: None, logs: &logs }.start().await?;
        let url = said.get("url").and_then(Value::as_str);
        let url = url.ok_or_else(|| anyhow!("{name} did not say where it is: {said}"))?.to_owned();
        Ok(Self { url, process })
    }

    /// What it has written on stderr.
    pub(super) fn log(&self) -> Result<String> {
        fs::read_to_string(self.process.log()).with_context(|| format!("reading {}", self.process.log().display()))
    }
}

impl Stage {
    /// Starts simulators and platform, then the host with four links; adds the fifth while it runs.
    pub(super) async fn set(duijie: &Path, upstreams: &Path, connectors: &[PathBuf]) -> Result<Self> {
        let site = Site::new(duijie, "")?;
        for (name, content) in links::SECRETS {
            site.write(&format!("secrets/{name}"), content)?;
        }
        for wasm in connectors {
            site.add_connector(wasm)?;
        }
        let platform = Program::start(upstreams, &site, "platform", &[]).await?;
        let mut simulators = Vec::new();
        for flow in Flow::ALL {
            let more = match flow {
                Flow::Culturedc => vec![format!("--issued-at-ms={}", links::issued().as_millisecond())],
                _ => Vec::new(),
            };
            let simulator = Program::start(upstreams, &site, flow.connector(), &more).await?;
            let url = &simulator.url;
            match flow {
                Flow::ZjGxsz => {
                    site.write("links.d/zj/_defaults.toml", &simulated(url))?;
                    site.write("links.d/zj/nbufe.toml", &format!("[config]\nclient_id = \"{CLIENT_ID}\"\n"))?;
                }
                Flow::Eduyun => site.write("links.d/hz/edu.toml", &links::eduyun(url, &platform.url))?,
                Flow::SkillTrain => {
                    site.write("links.d/train/academy.toml", &links::skill_train(url, &platform.url))?
                }
                Flow::Culturedc => site.write("links.d/culture/hall.toml", &links::culturedc(url))?,
                Flow::ZjzwfwSso => {}
            }
            simulators.push((flow, simulator));
        }
        let host = site.start(None).await?;
        let stage = Self { host, site, platform, simulators, private: RefCell::default() };
        let sso = stage.simulator(Flow::ZjzwfwSso)?;
        let link = links::zjzwfw_sso(sso, &stage.platform.url, &stage.host.api);
        stage.site.write("links.d/gov/sso.toml", &link)?;
        stage.all_serve().await?;
        Ok(stage)
    }

    /// Says what runs where.
    pub(super) fn introduce(&self, out: &Terminal) {
        for (flow, simulator) in &self.simulators {
            let text = format!("{}  {}, strict; link {}", simulator.url, flow.connector(), flow.link());
            out.line("upstream", Tone::Plain, &text);
        }
        out.line("host", Tone::Plain, &format!("{}  for operators: {}", self.host.api, self.host.admin));
        out.line("platform", Tone::Plain, &format!("{}  answers what connectors ask it", self.platform.url));
        let text = format!(
            "{:.2} s after its start, the connectors compiled anew; link {} was added while it ran",
            self.host.ready_after.as_secs_f64(),
            Flow::ZjzwfwSso.link()
        );
        out.line("ready", Tone::Plain, &text);
    }

    /// Where the upstream of a flow is.
    pub(super) fn simulator(&self, flow: Flow) -> Result<&str> {
        let found = self.simulators.iter().find(|(of, _)| *of == flow);
        found.map(|(_, it)| it.url.as_str()).ok_or_else(|| anyhow!("{} does not run", flow.connector()))
    }

    /// Asks the host as the platform does.
    pub(super) async fn ask(&self, method: &str, path: &str, body: &[u8]) -> Result<http::Answer> {
        let key = format!("Bearer {}", self.site.key);
        let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
        http::send(method, &format!("{}{path}", self.host.api), &headers, body).await
    }

    /// From now on no log may hold this.
    pub(super) fn keep_private(&self, value: &str) {
        self.private.borrow_mut().push(value.to_owned());
    }

    /// Has the log of the host no word of any record, person, session, ticket or secret in it?
    pub(super) fn log_is_silent(&self, out: &Terminal) -> Result<bool> {
        let log = fs::read_to_string(self.host.process.log()).context("reading the host's log")?;
        let private = self.private.borrow();
        let secrets = links::SECRETS.iter().map(|(_, secret)| *secret);
        let all = PERSONAL.into_iter().chain(secrets).chain(private.iter().map(String::as_str));
        let found = all.filter(|value| log.contains(value)).count();
        println!();
        let lines = log.lines().count();
        if found == 0 {
            let text = format!("{lines} lines of the host's log: no name, number, session, ticket or secret in them");
            out.line("log", Tone::Good, &text);
        } else {
            out.line("log", Tone::Bad, &format!("the host's log holds {found} values that it must not"));
        }
        Ok(found == 0)
    }

    /// Waits until every link serves.
    async fn all_serve(&self) -> Result<()> {
        let until = Instant::now() + SERVING_MAX;
        for flow in Flow::ALL {
            let path = format!("/v1/links/{}", flow.link());
            loop {
                let answer = self.ask("GET", &path, b"").await?;
                if answer.status == 200 {
                    break;
                }
                if Instant::now() > until {
                    let log = fs::read_to_string(self.host.process.log()).unwrap_or_default();
                    bail!("{} is not in service: {}\n{log}", flow.link(), String::from_utf8_lossy(&answer.body));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }
}
