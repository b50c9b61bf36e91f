//! A job as its platform sees it, in answers and by the same names in webhooks. Never what was sent or what came back: who
//! may see a payload or a result is decided elsewhere.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    failure::{Class, Outcome},
    id::LinkId,
    store::{At, Job, Stage, State},
};

/// A job as it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Job, description = "A durable call as it stands. Times are RFC 3339 in UTC, with milliseconds.")]
pub(crate) struct JobView<'j> {
    /// The job's name.
    #[schema(example = "0199a7f0-7c52-7a1e-9f7e-3d6c1f0a2b4c")]
    pub(crate) id: String,
    /// The link it goes through.
    #[schema(example = "zj.nbufe")]
    pub(crate) link: &'j str,
    /// The link's connector when it was accepted.
    #[schema(example = "zj-gxsz")]
    pub(crate) connector: &'j str,
    /// The operation.
    #[schema(example = "record.push-one")]
    pub(crate) operation: &'j str,
    /// queued, sending, done, failed, parked, unknown, superseded or cancelled.
    #[schema(example = "done")]
    pub(crate) state: &'j str,
    /// What is known about the effect at the upstream, as of the last attempt: not-sent, rejected, unknown or done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "done")]
    pub(crate) outcome: Option<Outcome>,
    /// May any attempt have been applied without anybody knowing? Whatever later attempts say.
    pub(crate) may_have_been_applied: bool,
    /// Who must act; absent if nobody must.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "unavailable")]
    pub(crate) class: Option<Class>,
    /// The upstream's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_code: Option<&'j str>,
    /// How the last attempt ended, or why the job is where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<&'j str>,
    /// Attempts begun so far.
    pub(crate) attempts: u32,
    /// Not before this moment is it sent; only while it is queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due: Option<String>,
    /// When it was accepted.
    #[schema(example = "2026-11-28T08:00:00.000Z")]
    pub(crate) accepted: String,
    /// When it last changed.
    pub(crate) updated: String,
    /// When it came to an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finished: Option<String>,
    /// The job that took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) superseded_by: Option<String>,
    /// The batch it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<String>,
    /// Its row there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) row: Option<u32>,
    /// The request it came with.
    pub(crate) request_id: &'j str,
}

impl<'j> From<&'j Job> for JobView<'j> {
    fn from(job: &'j Job) -> Self {
        let last = job.last.as_ref();
        let (due, superseded_by) = match job.stage {
            Stage::Queued { due, .. } => (Some(due.to_string()), None),
            Stage::Superseded { by } => (None, Some(by.to_string())),
            _ => (None, None),
        };
        Self {
            id: job.id.to_string(),
            link: &job.link,
            connector: &job.connector,
            operation: &job.operation,
            state: job.stage.state().as_str(),
            outcome: last.map(|report| report.outcome),
            may_have_been_applied: job.doubt,
            class: last.and_then(|report| report.class),
            upstream_code: last.and_then(|report| report.upstream_code.as_deref()),
            message: last.and_then(|report| report.message.as_deref()),
            attempts: job.attempts,
            due,
            accepted: job.accepted.to_string(),
            updated: job.updated.to_string(),
            finished: job.finished.map(|at| at.to_string()),
            superseded_by,
            batch: job.place.map(|place| place.batch.to_string()),
            row: job.place.map(|place| place.row),
            request_id: &job.request_id,
        }
    }
}

/// How many jobs of each link are in each state, and for how long the first of those waits that wait, for operators' metrics.
#[derive(Default)]
pub(crate) struct Gauges {
    counted: BTreeSet<(LinkId, State)>,
    waiting: BTreeSet<LinkId>,
}

impl Gauges {
    /// Shows when the first was accepted that waits, as an age. Where none waits any more, nothing is old.
    pub(crate) fn show_oldest(&mut self, oldest: Vec<(LinkId, At)>, now: At) {
        let gauge = |link: &LinkId| metrics::gauge!("duijie_job_oldest_queued_seconds", "link" => link.to_string());
        let mut gone = std::mem::take(&mut self.waiting);
        for (link, accepted) in oldest {
            gauge(&link).set(now.0.saturating_sub(accepted.0).max(0) as f64 / 1e3);
            gone.remove(&link);
            self.waiting.insert(link);
        }
        gone.iter().for_each(|link| gauge(link).set(0.0));
    }

    /// Shows these. Of what there is none any more, none is shown, rather than what there was.
    pub(crate) fn show(&mut self, counts: Vec<(LinkId, State, u64)>) {
        let gauge = |link: &LinkId, state: State| metrics::gauge!("duijie_jobs", "link" => link.to_string(), "state" => state.as_str());
        let mut gone = std::mem::take(&mut self.counted);
        for (link, state, count) in counts {
            gauge(&link, state).set(count as f64);
            let which = (link, state);
            gone.remove(&which);
            self.counted.insert(which);
        }
        gone.iter().for_each(|(link, state)| gauge(link, *state).set(0.0));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::store::{At, Digest, JobId, Place, Repeat, Report};

    fn job(stage: Stage) -> Job {
        Job {
            id: JobId(Uuid::from_u128(1)),
            seq: 7,
            link: "zj.a".parse().unwrap(),
            connector: "zj-gxsz".parse().unwrap(),
            operation: "record.push-one".into(),
            platform: "campus".parse().unwrap(),
            key: Some(Digest([1; 32])),
            repeat: Repeat::Safe,
            body: Digest([2; 32]),
            stage,
            attempts: 3,
            tries: 1,
            doubt: true,
            parks_at: None,
            last: None,
            accepted: At(0),
            updated: At(1),
            finished: None,
            place: None,
            callback: true,
            request_id: "r-1".into(),
        }
    }

    #[test]
    fn a_job_that_waits_says_until_when_and_nothing_that_is_not_so() {
        let job = job(Stage::Queued { due: At(1_800_000_000_000), behind: false });
        let wanted = json!({
            "id": "00000000-0000-0000-0000-000000000001", "link": "zj.a", "connector": "zj-gxsz",
            "operation": "record.push-one", "state": "queued", "may_have_been_applied": true, "attempts": 3,
            "due": "2027-01-15T08:00:00.000Z", "accepted": "1970-01-01T00:00:00.000Z",
            "updated": "1970-01-01T00:00:00.001Z", "request_id": "r-1",
        });
        assert_eq!(serde_json::to_value(JobView::from(&job)).unwrap(), wanted);
    }

    #[test]
    fn a_job_that_ended_says_how_and_where_it_belongs() {
        let by = JobId(Uuid::from_u128(2));
        let report = Report {
            class: Some(Class::UpstreamRejected),
            outcome: Outcome::Rejected,
            upstream_code: Some("17".into()),
            message: Some("no".into()),
        };
        let job = Job {
            last: Some(report),
            finished: Some(At(2)),
            place: Some(Place { batch: Uuid::from_u128(3), row: 4 }),
            ..job(Stage::Superseded { by })
        };
        let view = serde_json::to_value(JobView::from(&job)).unwrap();
        let has = |name: &str, value: serde_json::Value| assert_eq!(view[name], value, "{name}");
        has("state", json!("superseded"));
        has("superseded_by", json!("00000000-0000-0000-0000-000000000002"));
        has("class", json!("upstream-rejected"));
        has("outcome", json!("rejected"));
        has("upstream_code", json!("17"));
        has("message", json!("no"));
        has("finished", json!("1970-01-01T00:00:00.002Z"));
        has("batch", json!("00000000-0000-0000-0000-000000000003"));
        has("row", json!(4));
        assert!(view.get("due").is_none());
    }
}
