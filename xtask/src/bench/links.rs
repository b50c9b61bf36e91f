//! `bench links`: many links on one connector. How long from starting the host to its being ready, with nothing compiled
//! yet and again with the compile cache; what one more idle link costs in resident memory; and how soon an edit of one
//! link serves.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{
    edit::{self, Edits},
    machine::rss_kib,
    tools::{Options, Tools},
};
use crate::{
    figures::{largest, median},
    http, process,
    site::{Site, simulated},
};

/// Links of one folder: folders are regions.
const FOLDER: u32 = 100;
/// How long a host is left alone before its memory is looked at.
const SETTLE: Duration = Duration::from_secs(2);

/// Measures and reports.
pub(super) fn run(options: Options, count: u32, edits: u32) -> Result<()> {
    let tools = Tools::build("zj-gxsz", options)?;
    process::block_on(async {
        let one = measure(&tools, 1, edits).await?;
        let many = measure(&tools, count, edits).await?;
        let per_link = many.rss_kib.saturating_sub(one.rss_kib) as f64 / f64::from(count);
        println!("\n{:>7} {:>15} {:>15} {:>12}", "links", "cold start ms", "warm start ms", "RSS KiB");
        for (links, seen) in [(1, &one), (count, &many)] {
            println!("{links:>7} {:>15.0} {:>15.0} {:>12}", ms(seen.cold), ms(seen.warm), seen.rss_kib);
        }
        let Edits { millis, touched } = &many.edits;
        println!(
            "{edits} edits of one link: {}",
            millis.iter().map(|ms| format!("{ms:.0}")).collect::<Vec<_>>().join(" ")
        );
        println!(
            "bench-links: links={count} cold_start_ms={:.0} warm_start_ms={:.0} rss_kib_per_link={per_link:.1} edit_ms_median={:.0} edit_ms_max={:.0} others_touched={touched}",
            ms(many.cold),
            ms(many.warm),
            median(millis.clone()),
            largest(millis)
        );
        if *touched > 0 {
            bail!("an edit touched links that were not edited");
        }
        Ok(())
    })
}

struct Seen {
    cold: Duration,
    warm: Duration,
    rss_kib: u64,
    edits: Edits,
}

async fn measure(tools: &Tools, count: u32, edits: u32) -> Result<Seen> {
    let site = Site::new(&tools.duijie, "[log]\nlevel = \"warn\"\n")?;
    site.add_connector(&tools.connector)?;
    write_links(&site, count)?;
    let cold = site.start(None).await?;
    all_serve(&site, &cold.api, count).await?;
    let cold_after = cold.ready_after;
    cold.process.stop().await?;
    let warm = site.start(None).await?;
    all_serve(&site, &warm.api, count).await?;
    tokio::time::sleep(SETTLE).await;
    let rss_kib = rss_kib(warm.process.pid())?;
    let edited = count / 2;
    let edits = edit::measure(&site, &warm, &link(edited), &file(edited), &content(edited), edits).await?;
    let seen = Seen { cold: cold_after, warm: warm.ready_after, rss_kib, edits };
    warm.process.stop().await?;
    Ok(seen)
}

fn write_links(site: &Site, count: u32) -> Result<()> {
    // Nothing is sent in this bench; port 9 is the one for throwing away.
    site.write("links.d/_defaults.toml", &simulated("http://127.0.0.1:9"))?;
    for n in 0..count {
        site.write(&file(n), &content(n))?;
    }
    Ok(())
}

/// A host that is ready but refused half of the links would look fast.
async fn all_serve(site: &Site, api: &str, count: u32) -> Result<()> {
    let (first, last) = (link(0), link(count.saturating_sub(1)));
    for link in [first, last] {
        let key = format!("Bearer {}", site.key);
        let answer = http::send("GET", &format!("{api}/v1/links/{link}"), &[("authorization", &key)], b"").await?;
        if answer.status != 200 {
            bail!("link {link} does not serve: {}", String::from_utf8_lossy(&answer.body));
        }
    }
    Ok(())
}

fn file(n: u32) -> String {
    format!("links.d/r{:03}/school-{n}.toml", n / FOLDER)
}

fn content(n: u32) -> String {
    format!("[config]\nclient_id = \"school-{n}\"\n")
}

fn link(n: u32) -> String {
    format!("r{:03}.school-{n}", n / FOLDER)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
