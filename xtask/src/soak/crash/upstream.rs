//! The simulated `zj-gxsz`: its link, what can be done to it, and which version of which record it got in which order. It
//! keeps digests of all versions and the last one itself; since versions differ in two members alone, the last one of any
//! record says what every other looks like.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    lane::{talk_content, talk_id},
    plan::Link,
};
use crate::{
    http,
    site::{Site, simulated},
};

/// The fault: the record is stored, and there is no answer.
const SILENCE: &str = "hang-after";

/// Writes the file of a link to it, with these tables at its end.
pub(super) fn link(site: &Site, name: &str, url: &str, tables: &str) -> Result<()> {
    let file = format!("links.d/{name}.toml");
    site.write(&file, &format!("{}client_id = \"demo-college\"\n\n{tables}", simulated(url)))
}

/// Has it leave the next so many records without an answer.
pub(super) async fn silence(url: &str, times: usize) -> Result<()> {
    let rule = json!([{ "fault": SILENCE, "operation": Link::Safe.operation(), "times": times }]).to_string();
    let answer = http::send("POST", &format!("{url}/_sim/faults"), &[], rule.as_bytes()).await?;
    if answer.status != 200 {
        bail!("the simulator takes no fault: {}", String::from_utf8_lossy(&answer.body));
    }
    Ok(())
}

/// Has it answer again.
pub(super) async fn answer_again(url: &str) -> Result<()> {
    http::send("DELETE", &format!("{url}/_sim/faults"), &[], b"").await.map(drop)
}

/// How many records it has left without an answer.
pub(super) async fn unanswered(url: &str) -> Result<u64> {
    let counters = http::get(&format!("{url}/_sim/counters")).await?.json();
    Ok(counters.pointer(&format!("/faults/{SILENCE}")).and_then(Value::as_u64).unwrap_or(0))
}

/// The records of each key, in the order in which it stored them.
pub(super) async fn applied(url: &str, records: u64) -> Result<BTreeMap<u64, Vec<u64>>> {
    let versions = http::get(&format!("{url}/_sim/versions")).await?.json();
    let of_client = versions.get("demo-college").and_then(Value::as_object);
    let Some(of_client) = of_client.filter(|records| !records.is_empty()) else { return Ok(BTreeMap::new()) };
    let known = digests(url, of_client.keys().next().map_or("", String::as_str), records).await?;
    let mut applied: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (id, digests) in of_client {
        for digest in digests.as_array().into_iter().flatten().filter_map(Value::as_str) {
            let record =
                known.get(digest).ok_or_else(|| anyhow!("the simulator has a version of {id} that nobody sent"))?;
            applied.entry(Link::Safe.key(*record)).or_default().push(*record);
        }
    }
    Ok(applied)
}

/// What every record's digest is, made from one of them.
async fn digests(url: &str, id: &str, records: u64) -> Result<HashMap<String, u64>> {
    let stored = http::get(&format!("{url}/_sim/records/{id}")).await?;
    let text = String::from_utf8(stored.body).context("a stored record is no text")?;
    let fields: Value = serde_json::from_str(&text).context("a stored record is no JSON")?;
    let content = fields.get("content").and_then(Value::as_str).context("a stored record has no content")?;
    let digest = |record: u64| {
        let other = text.replace(id, &talk_id(Link::Safe.key(record))).replace(content, &talk_content(record));
        Sha256::digest(other).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    Ok((0..records).map(|record| (digest(record), record)).collect())
}
