//! `bench drop`: from the rename of a file into the connectors directory to the first answer of its revision, while a
//! light load is served: when it has to be compiled, and when it was compiled before.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::sleep;

use super::tools::{Options, Tools};
use crate::{
    components::Kind,
    figures::{median, percentile},
    hostile::{self, Revision},
    http, process,
    rollouts::Operator,
    site::{Host, Site, simulated},
    steady::Load,
};

/// Changes within this time are one to the host, and it waits as long before it looks.
const DEBOUNCE_MS: f64 = 50.0;
/// Between two drops, so that the look at a file that has settled is over.
const REST: Duration = Duration::from_millis(400);
/// How long a revision may take to serve.
const SERVES_MAX: Duration = Duration::from_secs(60);
/// The light load: connections, and what they wait between two requests.
const LOAD: (u32, Duration) = (4, Duration::from_millis(20));

/// A connector whose revisions are dropped.
struct Connector {
    name: &'static str,
    file: String,
    component: Vec<u8>,
    link: &'static str,
}

/// From drop to serving, in milliseconds.
struct Times {
    cold: Vec<f64>,
    cached: Vec<f64>,
}

/// Measures and reports.
pub(super) fn run(options: Options, rounds: u32) -> Result<()> {
    let guest = Tools::build_with(Kind::Guests, hostile::NAME, options)?;
    let tools = Tools::build("zj-gxsz", options)?;
    let connectors = [
        Connector {
            name: "zj-gxsz",
            file: "zj-gxsz.wasm".to_owned(),
            component: hostile::read(&tools.connector)?,
            link: "bench",
        },
        Connector {
            name: hostile::NAME,
            file: "hostile.wasm".to_owned(),
            component: hostile::read(&guest.connector)?,
            link: "guest",
        },
    ];
    process::block_on(async {
        let site = Site::new(&tools.duijie, "[log]\nlevel = \"warn\"\n")?;
        for connector in &connectors {
            site.drop_connector(&connector.file, &connector.component)?;
        }
        let nowhere = simulated("http://127.0.0.1:9");
        site.write("links.d/bench.toml", &format!("{nowhere}client_id = \"bench\"\n"))?;
        site.write("links.d/guest.toml", "connector = \"hostile\"\n")?;
        site.write("bodies", "{\"n\":50}\n")?;
        let host = site.start(None).await?;
        let load = Load {
            tools: &tools.bench,
            key: &site.key,
            url: call(&host),
            bodies: site.path("bodies"),
            connections: LOAD.0,
            pause: LOAD.1,
            revisions: &[],
            times: 1,
            ordered: false,
        };
        let mut steady = load.start()?;
        let mut all = Vec::new();
        for connector in &connectors {
            steady.phase(connector.name).await?;
            all.push(measure(&site, &host, connector, rounds).await?);
        }
        let count = steady.end().await?.count;
        println!(
            "\n{:<9} {:>5}  {:>16} {:>9}  {:>16} {:>9}",
            "", "KiB", "cached ms median", "p99", "cold ms median", "p99"
        );
        for (connector, times) in connectors.iter().zip(&all) {
            let (cached, cold) = (summary(&times.cached), summary(&times.cold));
            let kib = connector.component.len() >> 10;
            println!(
                "{:<9} {kib:>5}  {:>16.0} {:>9.0}  {:>16.0} {:>9.0}",
                connector.name, cached.0, cached.1, cold.0, cold.1
            );
        }
        println!("{} calls of the load meanwhile, {} of them failed", count.calls, count.failed);
        let [ours, guest] = all.as_slice() else { bail!("two connectors are measured") };
        println!("bench-drop: {} {} rounds={rounds}", figures("", ours), figures("guest_", guest));
        if count.failed > 0 {
            bail!("calls failed");
        }
        Ok(())
    })
}

/// Median and p99.
fn summary(times: &[f64]) -> (f64, f64) {
    (median(times.to_vec()), percentile(times, 0.99))
}

fn figures(prefix: &str, times: &Times) -> String {
    let (cached, cold) = (summary(&times.cached), summary(&times.cold));
    format!(
        "{prefix}cached_ms_median={:.0} {prefix}cached_ms_p99={:.0} {prefix}cold_ms_median={:.0} {prefix}cold_ms_p99={:.0} {prefix}cached_less_debounce_ms_median={:.0} {prefix}cold_less_debounce_ms_median={:.0}",
        cached.0,
        cached.1,
        cold.0,
        cold.1,
        cached.0 - DEBOUNCE_MS,
        cold.0 - DEBOUNCE_MS
    )
}

async fn measure(site: &Site, host: &Host, connector: &Connector, rounds: u32) -> Result<Times> {
    let operator = Operator::of(site, host);
    let mut times = Times { cold: Vec::new(), cached: Vec::new() };
    let revision = |salt: u32| -> Result<(Revision, Option<String>)> {
        // The guest says which revision it is; of the other the host says which one serves.
        if connector.name == hostile::NAME {
            let word = format!("swap-{salt}");
            return Ok((hostile::in_mode(&connector.component, &word)?, Some(word)));
        }
        Ok((hostile::salted(&connector.component, salt.into()), None))
    };
    for salt in 0..rounds {
        sleep(REST).await;
        let (revision, word) = revision(salt)?;
        times.cold.push(serves(site, host, &operator, connector, &revision, word.as_deref()).await?);
    }
    for round in 0..rounds {
        sleep(REST).await;
        // Those of the end are compiled and in the cache, but for the one that serves.
        let salt = rounds.saturating_sub(2 + round % 2);
        let (revision, word) = revision(salt)?;
        times.cached.push(serves(site, host, &operator, connector, &revision, word.as_deref()).await?);
    }
    Ok(times)
}

/// Drops it; milliseconds until it answers.
async fn serves(
    site: &Site,
    host: &Host,
    operator: &Operator,
    connector: &Connector,
    revision: &Revision,
    word: Option<&str>,
) -> Result<f64> {
    let dropped = site.drop_connector(&connector.file, &revision.bytes)?;
    loop {
        let there = match word {
            Some(word) => answer(site, host).await?.contains(&format!("\"{word}\"")),
            None => operator.rollouts().await?.active(connector.link) == Some(&revision.hash),
        };
        if there {
            return Ok(dropped.elapsed().as_secs_f64() * 1e3);
        }
        if dropped.elapsed() > SERVES_MAX {
            bail!(
                "the revision does not serve after {} s; log: {}",
                SERVES_MAX.as_secs(),
                host.process.log().display()
            );
        }
        sleep(Duration::from_millis(1)).await;
    }
}

async fn answer(site: &Site, host: &Host) -> Result<String> {
    let key = format!("Bearer {}", site.key);
    let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
    let answer = http::send("POST", &call(host), &headers, b"{\"n\":50}").await?;
    if answer.status != 200 {
        bail!("a call failed: {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    Ok(String::from_utf8_lossy(&answer.body).into_owned())
}

fn call(host: &Host) -> String {
    format!("{}/v1/links/guest/operations/{}", host.api, hostile::OPERATION)
}
