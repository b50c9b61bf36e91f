//! What the soaks of hot loading share: a site with one link of the hostile connector, and the load on it.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::{
    bench::tools::{Options, Tools},
    components::Kind,
    hostile, http,
    site::{Host, Site},
    steady::{Load, Steady},
};

/// The link.
pub(super) const LINK: &str = "soak";
/// The good connector's file.
pub(super) const FILE: &str = "hostile.wasm";
/// Bodies are sent in turn; a revision may fail for some of them.
const BODIES: u32 = 100;

/// The programs, and the connector that revisions are made of.
pub(super) struct Ground {
    /// As built.
    pub(super) tools: Tools,
    /// The connector.
    pub(super) component: Vec<u8>,
}

impl Ground {
    /// Builds.
    pub(super) fn build(options: Options) -> Result<Self> {
        let tools = Tools::build_with(Kind::Guests, hostile::NAME, options)?;
        let component = hostile::read(&tools.connector)?;
        Ok(Self { tools, component })
    }

    /// A site with the link, and with this in its `duijie.toml`.
    pub(super) fn site(&self, config: &str) -> Result<Site> {
        let site = Site::new(&self.tools.duijie, &format!("[log]\nlevel = \"warn\"\n\n{config}"))?;
        let link = format!("connector = \"{}\"\n\n[limits]\nconcurrency = 256\n", hostile::NAME);
        site.write(&format!("links.d/{LINK}.toml"), &link)?;
        let bodies: String = (0..BODIES).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        site.write("bodies", &bodies)?;
        Ok(site)
    }

    /// A load on the link. Answers must be of one of these revisions, and in order, if there is one.
    pub(super) fn load(&self, site: &Site, host: &Host, demand: Demand, revisions: &[&str]) -> Result<Steady> {
        let load = Load {
            tools: &self.tools.bench,
            key: &site.key,
            url: url(host),
            bodies: site.path("bodies"),
            connections: demand.connections,
            pause: demand.pause,
            revisions,
            times: hostile::TIMES,
            ordered: demand.ordered,
        };
        load.start()
    }
}

/// How much load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand {
    /// Connections.
    pub(super) connections: u32,
    /// Between an answer and the next request of a connection.
    pub(super) pause: Duration,
    /// Generations follow each other, and none comes back.
    pub(super) ordered: bool,
}

/// What the link answers just now: the body of a 200.
pub(super) async fn ask(site: &Site, host: &Host) -> Result<String> {
    let key = format!("Bearer {}", site.key);
    let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
    let answer = http::send("POST", &url(host), &headers, b"{\"n\":50}").await?;
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    if answer.status != 200 {
        bail!("the link does not serve: {}: {body}", answer.status);
    }
    Ok(body)
}

fn url(host: &Host) -> String {
    format!("{}/v1/links/{LINK}/operations/{}", host.api, hostile::OPERATION)
}
