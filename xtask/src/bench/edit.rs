//! Editing one link among many: how soon the new value serves, and whether any other link was looked at again. What is
//! edited is the largest body that the link takes, because that shows in an answer without an upstream.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, bail};
use tokio::time::sleep;

use crate::{
    http,
    rollouts::Operator,
    site::{Host, Site},
};

/// A call with a body of 2 KiB, which no operation takes and 1 KiB does not let in.
const BODY_BYTES: usize = 2 << 10;
/// How long an edit may take to serve.
const SERVES_MAX: Duration = Duration::from_secs(30);
/// Between two edits, so that the look at a file that has settled is over.
const REST: Duration = Duration::from_millis(500);

/// What was seen.
pub(super) struct Edits {
    /// From the rename to the first answer by the new value.
    pub(super) millis: Vec<f64>,
    /// Other links that stand as they do since another time than before.
    pub(super) touched: usize,
}

/// Edits this link so many times.
pub(super) async fn measure(
    site: &Site,
    host: &Host,
    link: &str,
    file: &str,
    content: &str,
    edits: u32,
) -> Result<Edits> {
    let operator = Operator::of(site, host);
    let before = others(&operator, link).await?;
    let mut millis = Vec::new();
    for edit in 0..edits {
        let (kib, status) = if edit.is_multiple_of(2) { (1, 413) } else { (64, 422) };
        let text = format!("{content}\n[limits]\nmax_body_kib = {kib}\n");
        let begun = std::time::Instant::now();
        site.write(file, &text)?;
        loop {
            let found = call(site, host, link).await?;
            if found == status {
                break;
            }
            if begun.elapsed() > SERVES_MAX {
                bail!("an edit of {file} does not serve after {} s: {found}, not {status}", SERVES_MAX.as_secs());
            }
            sleep(Duration::from_millis(1)).await;
        }
        millis.push(begun.elapsed().as_secs_f64() * 1e3);
        sleep(REST).await;
    }
    let after = others(&operator, link).await?;
    let same = before.iter().filter(|(link, since)| after.get(*link) == Some(since)).count();
    Ok(Edits { millis, touched: before.len().max(after.len()) - same })
}

/// Since when every other link stands as it does.
async fn others(operator: &Operator, edited: &str) -> Result<BTreeMap<String, String>> {
    let rollouts = operator.rollouts().await?;
    let all = rollouts.since().into_iter().filter(|(link, _)| *link != edited);
    Ok(all.map(|(link, since)| (link.to_owned(), since.to_owned())).collect())
}

/// The status of a call with a body that no operation takes.
async fn call(site: &Site, host: &Host, link: &str) -> Result<u16> {
    let key = format!("Bearer {}", site.key);
    let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
    let url = format!("{}/v1/links/{link}/operations/record.push-one", host.api);
    let body = format!("{{\"not\":\"{}\"}}", "x".repeat(BODY_BYTES));
    Ok(http::send("POST", &url, &headers, body.as_bytes()).await?.status)
}
