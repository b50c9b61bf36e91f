//! A platform's side of one link: requests in order, each sent again under its idempotency key until it is answered, and
//! from then on the host's word that its records are its own.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::json;

use super::{
    super::academy::viewing,
    plan::{Link, POSTS_OF_SLICE, Post},
    verdict::Fate,
};
use crate::queue::{Job, Platform, Taken};

/// Slices that are sent in one round at the most, after rounds in which the host died too soon.
const SLICES_MAX: usize = 3;

/// Which job a record is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Job(String),
    Row(String, u64),
}

/// A link's requests and what was accepted of them.
pub(super) struct Lane {
    link: Link,
    posts: Vec<Post>,
    /// The first that was not answered yet.
    next: usize,
    names: BTreeMap<Name, u64>,
    /// Requests that were sent again.
    again: u64,
    tried: Option<usize>,
}

impl Lane {
    pub(super) fn new(link: Link, records: u64, slice: u64) -> Self {
        Self { link, posts: link.posts(records, slice), next: 0, names: BTreeMap::new(), again: 0, tried: None }
    }

    /// Records that were accepted.
    pub(super) fn accepted(&self) -> u64 {
        self.names.len() as u64
    }

    /// Requests that were sent more than once.
    pub(super) fn again(&self) -> u64 {
        self.again
    }

    /// Is everything accepted?
    pub(super) fn is_done(&self) -> bool {
        self.next >= self.posts.len()
    }

    /// Sends what is due: its share of so many records, as far as the host answers.
    pub(super) async fn send(&mut self, platforms: &[Platform], due: u64) -> Result<()> {
        let (due, most) = (self.link.share(due), self.next + SLICES_MAX * POSTS_OF_SLICE);
        let is_due = |post: &Post| post.records.start < due;
        while self.next < most && self.posts.get(self.next).is_some_and(is_due) {
            if !self.send_next(platforms).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends the next request; false: there was no answer.
    async fn send_next(&mut self, platforms: &[Platform]) -> Result<bool> {
        let Some(post) = self.posts.get(self.next).cloned() else { return Ok(true) };
        // Whoever sent it the first time sends it again.
        let Some(platform) = platforms.iter().cycle().nth(self.next / POSTS_OF_SLICE) else { bail!("no platforms") };
        self.again += u64::from(self.tried.replace(self.next) == Some(self.next));
        let key = format!("{}-{}", self.link.name(), post.records.start);
        let path = format!("/v1/links/{}/operations/{}", self.link.name(), self.link.operation());
        if post.batch {
            let rows: String = post.records.clone().map(|record| format!("{}\n", self.link.record(record))).collect();
            let Some(Taken { id, rows, accepted }) = platform.push_batch(&path, &key, &rows).await? else {
                return Ok(false);
            };
            if (rows, accepted) != (post.records.end - post.records.start, rows) {
                bail!("of the {:?} of a batch {rows} rows were read and {accepted} accepted", post.records);
            }
            // Rows are counted from 1.
            let named = post.records.zip(1..).map(|(record, row)| (Name::Row(id.clone(), row), record));
            self.names.extend(named);
        } else {
            let record = post.records.start;
            let Some(job) = platform.push(&path, &key, &self.link.record(record)).await? else { return Ok(false) };
            self.names.insert(Name::Job(job), record);
        }
        self.next += 1;
        Ok(true)
    }

    /// The fate of every record, and how many jobs there are that are none of ours.
    pub(super) fn fates(&self, jobs: &[Job]) -> (Vec<Option<Fate>>, u64) {
        let of_job = |job: &Job| match &job.place {
            Some((batch, row)) => self.names.get(&Name::Row(batch.clone(), *row)).copied(),
            None => self.names.get(&Name::Job(job.id.clone())).copied(),
        };
        let by_id: BTreeMap<&str, u64> = jobs.iter().filter_map(|job| Some((job.id.as_str(), of_job(job)?))).collect();
        let count = self.posts.last().map_or(0, |post| post.records.end);
        let mut fates = vec![None; usize::try_from(count).unwrap_or(0)];
        let mut strays = 0;
        for job in jobs {
            let place = by_id.get(job.id.as_str()).and_then(|record| usize::try_from(*record).ok());
            match place.and_then(|place| fates.get_mut(place)) {
                Some(fate @ None) => {
                    let superseded_by = job.superseded_by.as_deref().and_then(|by| by_id.get(by)).copied();
                    *fate = Some(Fate { state: job.state.clone(), doubt: job.doubt, superseded_by });
                }
                _ => strays += 1,
            }
        }
        (fates, strays)
    }
}

impl Link {
    /// Its operation.
    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::Safe => "record.push-one",
            Self::Unsafe => "study.start",
        }
    }

    /// A record as its platform sends it.
    fn record(self, record: u64) -> String {
        match self {
            Self::Safe => talk(self.key(record), record),
            Self::Unsafe => viewing(self.key(record), record).to_string(),
        }
    }
}

/// The overwrite key of a talk.
pub(super) fn talk_id(key: u64) -> String {
    format!("soak-{key:08}")
}

/// What tells a version from the others.
pub(super) fn talk_content(record: u64) -> String {
    format!("version {record:08}")
}

fn talk(key: u64, record: u64) -> String {
    json!({
        "recordId": talk_id(key), "schoolCode": "33001", "teacherNo": "10086", "teacherName": "t",
        "students": [{ "studentNo": "2021001", "studentName": "s" }], "talkTime": "2026-03-01 14:30:00",
        "content": talk_content(record),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_found_by_row_and_by_name_and_others_are_strays() {
        let mut lane = Lane::new(Link::Unsafe, 10, 10);
        lane.names = [(Name::Row("b".into(), 1), 0), (Name::Job("j".into()), 1)].into();
        let job = |id: &str, place: Option<(&str, u64)>| Job {
            id: id.into(),
            state: "done".into(),
            place: place.map(|(batch, row)| (batch.into(), row)),
            ..Job::default()
        };
        let superseded = Job { superseded_by: Some("j".into()), ..job("i", Some(("b", 1))) };
        let (fates, strays) = lane.fates(&[superseded, job("j", None), job("k", None), job("l", Some(("b", 1)))]);
        assert_eq!(fates[0].as_ref().unwrap().superseded_by, Some(1));
        assert_eq!((fates.len(), fates.iter().flatten().count(), strays), (4, 2, 2));
    }
}
