//! What the admin listener says: how every connector file and link stands, and the gauges of the metrics.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    http,
    site::{Host, Site},
};

/// How long something that is waited for may take.
const UNTIL_MAX: Duration = Duration::from_secs(120);
/// Between two looks.
pub(crate) const LOOK: Duration = Duration::from_millis(5);

/// Desired and active state, at one moment.
pub(crate) struct Rollouts(Value);

/// Where an operator looks, and with which key.
#[derive(Clone)]
pub(crate) struct Operator {
    admin: String,
    key: String,
}

impl Operator {
    /// Of this host.
    pub(crate) fn of(site: &Site, host: &Host) -> Self {
        Self { admin: host.admin.clone(), key: format!("Bearer {}", site.admin_key) }
    }

    /// Looks.
    pub(crate) async fn rollouts(&self) -> Result<Rollouts> {
        Ok(Rollouts(self.ask("GET", "/v1/rollouts").await?))
    }

    /// Asks the admin listener for something that it answers with 200 and JSON.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.admin);
        let answer = http::send(method, &url, &[("authorization", &self.key)], b"").await?;
        if answer.status != 200 {
            bail!("{method} {url}: {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(answer.json())
    }

    /// Looks until it is so; what it was like then.
    pub(crate) async fn until(&self, what: &str, so: impl Fn(&Rollouts) -> bool) -> Result<Rollouts> {
        let begun = Instant::now();
        loop {
            let rollouts = self.rollouts().await?;
            if so(&rollouts) {
                return Ok(rollouts);
            }
            if begun.elapsed() > UNTIL_MAX {
                bail!("{what}: not within {} s; rollouts: {}", UNTIL_MAX.as_secs(), rollouts.0);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The sum of a counter over all its labels; 0 if it has never counted.
    pub(crate) async fn counter(&self, name: &str) -> Result<f64> {
        let answer = http::get(&format!("{}/metrics", self.admin)).await?;
        let text = String::from_utf8(answer.body).context("the metrics are no text")?;
        Ok(counter(&text, name))
    }

    /// The gauge of this name with this label, if there is one.
    pub(crate) async fn gauge(&self, name: &str, label: &str, value: &str) -> Result<Option<f64>> {
        let answer = http::get(&format!("{}/metrics", self.admin)).await?;
        let text = String::from_utf8(answer.body).context("the metrics are no text")?;
        Ok(gauge(&text, name, label, value))
    }
}

impl Rollouts {
    fn entry(&self, list: &str, key: &str, name: &str) -> Option<&Value> {
        let all = self.0.get(list).and_then(Value::as_array)?;
        all.iter().find(|entry| entry.get(key).and_then(Value::as_str) == Some(name))
    }

    /// The revision that a link serves with.
    pub(crate) fn active(&self, link: &str) -> Option<&str> {
        let link = self.entry("links", "link", link)?;
        text(link, "active").or_else(|| text(link, "revision"))
    }

    /// Since when each link stands as it does.
    pub(crate) fn since(&self) -> Vec<(&str, &str)> {
        let all = self.0.get("links").and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|link| Some((text(link, "link")?, text(link, "since")?))).collect()
    }

    /// Is this file known, and is what lies there still there?
    pub(crate) fn has(&self, file: &str) -> bool {
        self.entry("connectors", "file", file).and_then(|file| text(file, "state")).is_some_and(|state| state != "gone")
    }

    /// Why this file was refused, if it was.
    pub(crate) fn refusal(&self, file: &str) -> Option<&str> {
        self.entry("connectors", "file", file).and_then(|file| text(file, "reason"))
    }

    /// The revision, name and version that this file was taken as.
    pub(crate) fn taken(&self, file: &str) -> Option<(&str, &str, &str)> {
        let file = self.entry("connectors", "file", file)?;
        Some((text(file, "revision")?, text(file, "name")?, text(file, "version")?))
    }

    /// Is this revision kept out, by whichever connector's list?
    pub(crate) fn quarantined(&self, revision: &str) -> bool {
        quarantined(&self.0, revision)
    }
}

fn text<'a>(entry: &'a Value, name: &str) -> Option<&'a str> {
    entry.get(name).and_then(Value::as_str)
}

fn quarantined(value: &Value, revision: &str) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| {
            let listed = value.as_array().into_iter().flatten().any(|entry| text(entry, "revision") == Some(revision));
            (name == "quarantined" && listed) || quarantined(value, revision)
        }),
        Value::Array(entries) => entries.iter().any(|entry| quarantined(entry, revision)),
        _ => false,
    }
}

fn gauge(metrics: &str, name: &str, label: &str, value: &str) -> Option<f64> {
    let wanted = format!("{label}=\"{value}\"");
    let mut lines = metrics.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.split_once("} "));
    lines.find_map(|(labels, number)| {
        labels.split(',').any(|pair| pair == wanted).then(|| number.trim().parse().ok())?
    })
}

fn counter(metrics: &str, name: &str) -> f64 {
    let of_name = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '))
    };
    let numbers = metrics.lines().filter(of_name).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    numbers.sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gauge_is_found_by_its_name_and_label() {
        let metrics =
            "# TYPE live gauge\nlive_ever{connector=\"a\"} 9\nlive{connector=\"b\"} 1\nlive{connector=\"a\"} 2\n";
        assert_eq!(gauge(metrics, "live", "connector", "a"), Some(2.0));
        assert_eq!(gauge(metrics, "live", "connector", "c"), None);
    }

    #[test]
    fn a_counter_is_the_sum_over_its_labels() {
        let metrics = "# TYPE a counter\na 4\na_b 100\na{x=\"1\"} 2\n";
        assert_eq!((counter(metrics, "a"), counter(metrics, "c")), (6.0, 0.0));
    }

    #[test]
    fn the_active_revision_is_what_serves_and_what_is_kept_out_is_found_wherever_it_is_listed() {
        let all = Rollouts(json!({
            "connectors": [{ "file": "a.wasm", "state": "serving", "quarantined": [{ "revision": "bad" }] }],
            "links": [{ "link": "one", "desired": "new", "active": "old" }, { "link": "two", "revision": "new" }],
        }));
        assert_eq!((all.active("one"), all.active("two"), all.active("three")), (Some("old"), Some("new"), None));
        assert!(all.quarantined("bad") && !all.quarantined("good"));
        assert!(all.has("a.wasm") && !all.has("b.wasm"));
    }
}
