//! Which runs are owed, with a clock that tests move: after starts, edits and refusals, on a real store.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr as _,
};

use croner::Cron;
use serde_json::json;

use super::*;
use crate::{
    link::{Dispatcher, Link, Serving, Table},
    server::tests::{
        guest,
        queue::{Queue, queue},
    },
    store::Filter,
};

const LINK: &str = "t.a";

/// In China time.
fn at(text: &str) -> Timestamp {
    format!("{text}+08:00").parse().unwrap()
}

/// The link, with one schedule, in the place of what it was; `None`: it is refused.
fn publish(dispatcher: &Dispatcher, like: &Link, cron: Option<&str>) {
    let entry = match cron {
        None => Entry::Refused { connector: None },
        Some(cron) => {
            let cron = Cron::from_str(cron).unwrap();
            let run = ScheduleSpec { operation: "echo".into(), cron, input: json!({ "n": 7 }) };
            let link = Link {
                id: like.id.clone(),
                connector: like.connector.clone(),
                limits: like.limits.clone(),
                grant: like.grant.clone(),
                permits: like.permits.clone(),
                hooks: BTreeMap::new(),
                origins: Vec::new(),
                push: like.push,
                resend: BTreeSet::new(),
                schedules: [("stats".to_owned(), run)].into(),
                sheets: BTreeMap::new(),
            };
            Entry::Serving(Serving { stable: Arc::new(link), canary: None })
        }
    };
    dispatcher.publish(Table::new([(like.id.clone(), entry)].into()));
}

/// A host whose link keeps what is queued, and what makes its links.
struct Host {
    queue: Queue,
    dispatcher: Arc<Dispatcher>,
    like: Arc<Link>,
}

impl Host {
    async fn new(cron: &str) -> Self {
        let dispatcher = guest::dispatcher(&[LINK], &[]).await;
        let like = dispatcher.serving(LINK).unwrap();
        publish(&dispatcher, &like, Some(cron));
        let queue = queue(dispatcher.clone());
        queue.push.hold(&LINK.parse().unwrap(), "a test").await.unwrap();
        Self { queue, dispatcher, like }
    }

    /// As after a start.
    fn start(&self) -> Runs {
        Runs::new(self.queue.push.clone(), OWNER.parse().unwrap())
    }

    /// The moments of the runs that were queued.
    async fn runs(&self) -> Vec<Timestamp> {
        let filter = Filter { platform: Some(OWNER.parse().unwrap()), ..Filter::default() };
        let jobs = self.queue.push.store().list(filter, 0, 500).await.unwrap().jobs;
        let moment =
            |name: &str| Timestamp::from_millisecond(name.rsplit('/').next().unwrap().parse().unwrap()).unwrap();
        jobs.iter().map(|job| moment(&job.request_id)).collect()
    }
}

#[tokio::test]
async fn ten_runs_that_were_missed_are_made_up_for_by_one_job_however_often_the_host_starts() {
    let host = Host::new("0 * * * *").await;
    host.start().look(at("2026-11-28T00:30:00")).await;
    assert!(host.runs().await.is_empty());
    for minute in 30..35 {
        host.start().look(at(&format!("2026-11-28T10:{minute}:00"))).await;
    }
    assert_eq!(host.runs().await, [at("2026-11-28T01:00:00")]);
    let mut runs = host.start();
    runs.look(at("2026-11-28T10:59:59")).await;
    runs.look(at("2026-11-28T11:00:00")).await;
    runs.look(at("2026-11-28T11:00:01")).await;
    assert_eq!(host.runs().await, [at("2026-11-28T01:00:00"), at("2026-11-28T11:00:00")], "and then as usual");
}

#[tokio::test]
async fn a_first_run_that_was_missed_is_made_up_for() {
    let host = Host::new("30 2 * * *").await;
    host.start().look(at("2026-11-28T20:00:00")).await;
    host.start().look(at("2026-11-29T03:00:00")).await;
    assert_eq!(host.runs().await, [at("2026-11-29T02:30:00")]);
}

#[tokio::test]
async fn a_host_that_dies_before_it_has_noted_a_run_does_not_run_it_twice() {
    let host = Host::new("0 * * * *").await;
    host.start().look(at("2026-11-28T00:30:00")).await;
    let (link, store) = (LINK.parse::<LinkId>().unwrap(), host.queue.push.store().clone());
    let noted = store.value(now(), link.clone(), key("stats")).await.unwrap().unwrap();
    host.start().look(at("2026-11-28T02:30:00")).await;
    assert_eq!(host.runs().await.len(), 1);
    // As if the note had not come to the disk, and the operator had written another moment meanwhile.
    for cron in ["0 * * * *", "15 * * * *"] {
        let value = Value { key: key("stats"), value: noted.clone(), expires: None };
        store.value_set(now(), link.clone(), value).await.unwrap();
        publish(&host.dispatcher, &host.like, Some(cron));
        host.start().look(at("2026-11-28T02:40:00")).await;
        assert_eq!(host.runs().await.len(), 1, "{cron}");
    }
}

#[tokio::test]
async fn an_edit_or_a_refusal_makes_no_run_that_was_not_missed() {
    let host = Host::new("0 * * * *").await;
    host.start().look(at("2026-11-28T00:30:00")).await;
    let mut runs = host.start();
    runs.look(at("2026-11-28T10:30:00")).await;
    assert_eq!(host.runs().await.len(), 1);
    publish(&host.dispatcher, &host.like, None);
    runs.look(at("2026-11-28T10:31:00")).await;
    publish(&host.dispatcher, &host.like, Some("0 * * * *"));
    runs.look(at("2026-11-28T10:32:00")).await;
    // A moment of today that was over when it was written.
    publish(&host.dispatcher, &host.like, Some("0 9 * * *"));
    runs.look(at("2026-11-28T10:33:00")).await;
    host.start().look(at("2026-11-28T10:34:00")).await;
    assert_eq!(host.runs().await.len(), 1);
    runs.look(at("2026-11-29T09:00:00")).await;
    assert_eq!(host.runs().await.last(), Some(&at("2026-11-29T09:00:00")));
}

#[tokio::test]
async fn a_run_that_came_due_while_its_link_was_refused_is_made_up_for_when_it_serves_again() {
    let host = Host::new("0 * * * *").await;
    let mut runs = host.start();
    runs.look(at("2026-11-28T00:30:00")).await;
    publish(&host.dispatcher, &host.like, None);
    runs.look(at("2026-11-28T01:00:00")).await;
    publish(&host.dispatcher, &host.like, Some("0 * * * *"));
    runs.look(at("2026-11-28T01:10:00")).await;
    assert_eq!(host.runs().await, [at("2026-11-28T01:00:00")]);
}

#[tokio::test]
async fn a_clock_that_was_a_year_ahead_once_does_not_stop_a_schedule() {
    let host = Host::new("0 * * * *").await;
    let mut runs = host.start();
    runs.look(at("2027-11-28T00:30:00")).await;
    // Set back while the host runs, and once more over a start.
    runs.look(at("2026-11-28T00:30:00")).await;
    runs.look(at("2026-11-28T01:00:00")).await;
    assert_eq!(host.runs().await, [at("2026-11-28T01:00:00")]);
    runs.look(at("2027-11-28T00:30:00")).await;
    let before = host.runs().await.len();
    let mut runs = host.start();
    runs.look(at("2026-11-28T01:30:00")).await;
    runs.look(at("2026-11-28T02:00:00")).await;
    assert_eq!(host.runs().await[before..], [at("2026-11-28T02:00:00")]);
}
