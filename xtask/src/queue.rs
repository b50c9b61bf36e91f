//! Durable pushes as a platform makes them, and the queue as an operator and a platform see it.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use serde_json::Value;

use crate::{http, rollouts::Operator};

/// Jobs on a page.
const PAGE: usize = 500;

/// A platform at one host.
#[derive(Clone)]
pub(crate) struct Platform {
    api: String,
    key: String,
}

/// A batch that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Its name.
    pub(crate) id: String,
    /// Rows read.
    pub(crate) rows: u64,
    /// Rows accepted.
    pub(crate) accepted: u64,
}

/// A job as its platform sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Job {
    /// Its name.
    pub(crate) id: String,
    /// How it stands.
    pub(crate) state: String,
    /// Attempts begun.
    pub(crate) attempts: u64,
    /// May an attempt have been applied without anybody knowing?
    pub(crate) doubt: bool,
    /// When it came to its end.
    pub(crate) finished: Option<String>,
    /// The job that took its place.
    pub(crate) superseded_by: Option<String>,
    /// The batch it came in, and its row there.
    pub(crate) place: Option<(String, u64)>,
}

/// How many jobs of a link are in which state, and how many events wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    links: BTreeMap<String, BTreeMap<String, u64>>,
    /// Events that are not delivered yet.
    pub(crate) events: u64,
}

impl Platform {
    /// With this key at this API.
    pub(crate) fn new(api: &str, key: &str) -> Self {
        Self { api: api.to_owned(), key: format!("Bearer {key}") }
    }

    /// Pushes one record durably; the job's name. Nothing: there was no answer.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn push(&self, path: &str, idempotency: &str, record: &str) -> Result<Option<String>> {
        let headers = [
            ("authorization", self.key.as_str()),
            ("content-type", "application/json"),
            ("prefer", "respond-async"),
            ("idempotency-key", idempotency),
        ];
        let Ok(answer) = http::send("POST", &format!("{}{path}", self.api), &headers, record.as_bytes()).await else {
            return Ok(None);
        };
        // One that is done by now is answered with its output, and one that failed with its failure: they have a job too.
        match answer.header("location").and_then(|location| location.strip_prefix("/v1/jobs/")) {
            Some(job) => Ok(Some(job.to_owned())),
            None => bail!("a record was refused: {}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
        }
    }

    /// Pushes many as one batch, one a line. Nothing: there was no answer.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn push_batch(&self, path: &str, idempotency: &str, records: &str) -> Result<Option<Taken>> {
        let headers = [
            ("authorization", self.key.as_str()),
            ("content-type", "application/x-ndjson"),
            ("idempotency-key", idempotency),
        ];
        let url = format!("{}{path}/batches", self.api);
        let Ok(answer) = http::send("POST", &url, &headers, records.as_bytes()).await else { return Ok(None) };
        let said = answer.json();
        let number = |name: &str| said.get(name).and_then(Value::as_u64);
        match (answer.status, text(&said, "id"), number("rows"), number("accepted")) {
            (202, Some(id), Some(rows), Some(accepted)) => Ok(Some(Taken { id, rows, accepted })),
            (status, ..) => bail!("a batch was refused: {status}: {said}"),
        }
    }

    /// All jobs of a link that are this platform's, in the order of acceptance.
    pub(crate) async fn jobs(&self, link: &str) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        let mut after = String::from("0");
        loop {
            let url = format!("{}/v1/jobs?link={link}&limit={PAGE}&after={after}", self.api);
            let answer = http::send("GET", &url, &[("authorization", &self.key)], b"").await?;
            let said = answer.json();
            let page = said.get("jobs").and_then(Value::as_array);
            let page = page.ok_or_else(|| anyhow!("GET {url}: {}: {said}", answer.status))?;
            for job in page {
                jobs.push(Job::read(job).ok_or_else(|| anyhow!("this is no job: {job}"))?);
            }
            match text(&said, "next") {
                Some(next) => after = next,
                None => return Ok(jobs),
            }
        }
    }
}

impl Job {
    fn read(job: &Value) -> Option<Self> {
        let row = job.get("row").and_then(Value::as_u64);
        Some(Self {
            id: text(job, "id")?,
            state: text(job, "state")?,
            attempts: job.get("attempts")?.as_u64()?,
            doubt: job.get("may_have_been_applied")?.as_bool()?,
            finished: text(job, "finished"),
            superseded_by: text(job, "superseded_by"),
            place: text(job, "batch").zip(row),
        })
    }
}

impl Queue {
    /// Looks.
    pub(crate) async fn look(operator: &Operator) -> Result<Self> {
        Ok(Self::read(&operator.ask("GET", "/v1/queue").await?))
    }

    fn read(said: &Value) -> Self {
        let mut queue = Self::default();
        for link in said.get("links").and_then(Value::as_array).into_iter().flatten() {
            let jobs = link.get("jobs").and_then(Value::as_object).into_iter().flatten();
            let jobs = jobs.map(|(state, count)| (state.clone(), count.as_u64().unwrap_or(0))).collect();
            queue.links.insert(text(link, "link").unwrap_or_default(), jobs);
        }
        queue.events = said.pointer("/webhooks/waiting").and_then(Value::as_u64).unwrap_or(0);
        queue
    }

    /// Jobs of this link in this state.
    pub(crate) fn count(&self, link: &str, state: &str) -> u64 {
        self.links.get(link).and_then(|jobs| jobs.get(state)).copied().unwrap_or(0)
    }

    /// Jobs of all links that will change by themselves.
    pub(crate) fn open(&self) -> u64 {
        self.links.keys().map(|link| self.count(link, "queued") + self.count(link, "sending")).sum()
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_queue_is_counted_by_link_and_state() {
        let queue = Queue::read(&json!({
            "links": [{ "link": "a", "jobs": { "queued": 2, "done": 5 } }, { "link": "b", "jobs": { "sending": 1 } }],
            "webhooks": { "waiting": 3, "parked": 0 },
        }));
        assert_eq!((queue.open(), queue.count("a", "done"), queue.count("c", "done"), queue.events), (3, 5, 0, 3));
    }

    #[test]
    fn a_job_is_read_as_the_api_writes_it() {
        let job = json!({
            "id": "1", "state": "superseded", "attempts": 2, "may_have_been_applied": false, "superseded_by": "2",
            "batch": "b", "row": 4,
        });
        let read = Job::read(&job).unwrap();
        assert_eq!((read.superseded_by.as_deref(), read.place), (Some("2"), Some(("b".to_owned(), 4))));
        assert!(Job::read(&json!({ "id": "1" })).is_none());
    }
}
