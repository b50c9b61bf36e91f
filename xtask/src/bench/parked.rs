//! `bench parked`: a million records that wait on a link that is held, and how soon the host is ready again with them, and how
//! large. They are pushed as platforms push, so that they lie in the same tables and indices as any; they are queued and
//! free to be leased, which is more than a parked record is: those are in no index that a lease looks at.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::json;

use super::{
    machine::rss_kib,
    tools::{self, Options},
};
use crate::{
    components::{self, Kind},
    figures::{largest, median},
    process,
    queue::{Platform, Queue},
    rollouts::Operator,
    site::{Site, simulated},
};

/// The link, and the operation.
const LINK: &str = "held";
const PATH: &str = "/v1/links/held/operations/record.push-one";
/// Records of a batch: as many as it may have.
const BATCH: u64 = 10_000;
/// Starts after a stop and after a kill.
const STARTS: usize = 5;
/// How long a host is left alone before its memory is looked at.
const SETTLE: Duration = Duration::from_secs(2);
/// Within which the host must be ready, and how large it may be.
const READY_MAX: Duration = Duration::from_secs(1);
const RSS_MAX_MIB: f64 = 100.0;

/// What starts are like.
struct Starts {
    stopped_ms: Vec<f64>,
    killed_ms: Vec<f64>,
    rss_mib: Vec<f64>,
}

/// Measures and reports; a goal that is missed is an error.
pub(super) fn run(options: Options, count: u64) -> Result<()> {
    // The build of `soak crash`, which nothing makes slower that is not told to.
    let options = Options { failpoints: true, ..options };
    let connectors = components::build(Kind::Connectors, None)?;
    let (duijie, connector) = (tools::host(options)?, tools::named(&connectors, "zj-gxsz")?);
    process::block_on(async {
        let site = Site::new(&duijie, "[log]\nlevel = \"warn\"\n")?;
        site.add_connector(&connector)?;
        // Nothing is sent; port 9 is the one for throwing away.
        let link = format!("{}client_id = \"demo-college\"\n", simulated("http://127.0.0.1:9"));
        site.write(&format!("links.d/{LINK}.toml"), &link)?;
        println!("bench parked: {count} records, queued on a link that is held");
        // Compiled, so that no start is slow for that.
        site.start(None).await?.process.stop().await?;
        let empty = starts(&site, 0).await?;
        let fill_s = fill(&site, count).await?;
        let store_mib = store_mib(&site)?;
        println!(
            "  filled            in {fill_s:.0} s, {:.0} a second; {store_mib:.0} MiB on disk",
            count as f64 / fill_s
        );
        let full = starts(&site, count).await?;
        report(count, fill_s, store_mib, &empty, &full)
    })
}

async fn fill(site: &Site, count: u64) -> Result<f64> {
    let host = site.start(None).await?;
    Operator::of(site, &host).ask("POST", &format!("/v1/links/{LINK}/hold")).await?;
    let platform = Platform::new(&host.api, &site.key);
    let (begun, mut begin) = (Instant::now(), 0);
    while begin < count {
        let end = (begin + BATCH).min(count);
        let rows: String = (begin..end).map(row).collect();
        match platform.push_batch(PATH, &format!("fill-{begin}"), &rows).await? {
            Some(taken) if taken.accepted == end - begin => {}
            other => bail!("a batch of {} rows was taken as {other:?}", end - begin),
        }
        begin = end;
        if (begin / BATCH).is_multiple_of(20) {
            println!("  {begin:>9} records, {:.0} s", begun.elapsed().as_secs_f64());
        }
    }
    let took_s = begun.elapsed().as_secs_f64();
    host.process.stop().await?;
    Ok(took_s)
}

fn row(record: u64) -> String {
    let record = json!({
        "recordId": format!("parked-{record:08}"), "schoolCode": "33001", "teacherNo": "10086", "teacherName": "t",
        "students": [{ "studentNo": "2021001", "studentName": "s" }], "talkTime": "2026-03-01 14:30:00",
        "content": "a talk of which little is said",
    });
    format!("{record}\n")
}

/// Starts, some of them after a kill; each must still know all records.
async fn starts(site: &Site, count: u64) -> Result<Starts> {
    let mut seen = Starts { stopped_ms: Vec::new(), killed_ms: Vec::new(), rss_mib: Vec::new() };
    for turn in 0..2 * STARTS {
        let killed = turn % 2 == 1;
        let host = site.start(None).await?;
        let ready_ms = host.ready_after.as_secs_f64() * 1e3;
        if killed { &mut seen.killed_ms } else { &mut seen.stopped_ms }.push(ready_ms);
        let queued = Queue::look(&Operator::of(site, &host)).await?.count(LINK, "queued");
        if queued != count {
            bail!("{queued} records are queued after a start, not {count}");
        }
        tokio::time::sleep(SETTLE).await;
        seen.rss_mib.push(rss_kib(host.process.pid())? as f64 / 1024.0);
        if killed { host.process.stop().await? } else { host.process.kill().await? }
    }
    Ok(seen)
}

fn store_mib(site: &Site) -> Result<f64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(site.path("state"))? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes as f64 / f64::from(1 << 20))
}

fn report(count: u64, fill_s: f64, store_mib: f64, empty: &Starts, full: &Starts) -> Result<()> {
    println!("\n{:>9} {:>20} {:>20} {:>12}", "records", "ready after stop ms", "ready after kill ms", "RSS MiB");
    let cell = |values: &[f64]| format!("{:.0} (max {:.0})", median(values.to_vec()), largest(values));
    for (records, seen) in [(0, empty), (count, full)] {
        println!(
            "{records:>9} {:>20} {:>20} {:>12.1}",
            cell(&seen.stopped_ms),
            cell(&seen.killed_ms),
            largest(&seen.rss_mib)
        );
    }
    let (ready_ms, rss_mib) = (largest(&[largest(&full.stopped_ms), largest(&full.killed_ms)]), largest(&full.rss_mib));
    println!(
        "bench parked: records={count} state=queued-held ready_ms_median={:.0} ready_ms_max={ready_ms:.0} ready_after_kill_ms_median={:.0} empty_ready_ms_median={:.0} rss_mib={rss_mib:.1} empty_rss_mib={:.1} fill_s={fill_s:.0} fill_rps={:.0} store_mib={store_mib:.0}",
        median(full.stopped_ms.clone()),
        median(full.killed_ms.clone()),
        median(empty.stopped_ms.clone()),
        largest(&empty.rss_mib),
        count as f64 / fill_s
    );
    if ready_ms > READY_MAX.as_secs_f64() * 1e3 || rss_mib > RSS_MAX_MIB {
        bail!("a goal was missed: ready within {} s, at most {RSS_MAX_MIB} MiB", READY_MAX.as_secs());
    }
    Ok(())
}
