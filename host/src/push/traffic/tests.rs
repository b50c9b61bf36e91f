//! What may be sent now, with a clock that tests move: bounds, rates, pauses, probes, ramps.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use tokio::sync::OnceCell;

use super::*;
use crate::{
    link::{Link, PushSpec, Serving},
    server::tests::guest,
};

const SECOND: Duration = Duration::from_secs(1);

fn id(text: &str) -> LinkId {
    text.parse().unwrap()
}

fn origin(name: &str) -> Origin {
    format!("https://{name}.example").parse().unwrap()
}

/// A table of links, each with its queue's behaviour and the origins that it may send to.
async fn table(links: &[(&str, PushSpec, &[&str])]) -> Arc<Table> {
    static LIKE: OnceCell<Arc<Link>> = OnceCell::const_new();
    let like = LIKE.get_or_init(async || guest::dispatcher(&["t.like"], &[]).await.serving("t.like").unwrap()).await;
    let link = |(name, push, origins): &(&str, PushSpec, &[&str])| {
        let link = Link {
            id: id(name),
            connector: like.connector.clone(),
            limits: like.limits.clone(),
            grant: like.grant.clone(),
            permits: like.permits.clone(),
            hooks: BTreeMap::new(),
            origins: origins.iter().map(|name| origin(name)).collect(),
            push: *push,
            resend: BTreeSet::new(),
            schedules: BTreeMap::new(),
            sheets: BTreeMap::new(),
        };
        (id(name), Entry::Serving(Serving { stable: Arc::new(link), canary: None }))
    };
    Arc::new(Table::new(links.iter().map(link).collect()))
}

/// Two links to one upstream, one to another, one to both.
async fn province() -> Arc<Table> {
    let usual = PushSpec::default();
    table(&[
        ("p.a", usual, &["up"]),
        ("p.b", usual, &["up"]),
        ("p.other", usual, &["else"]),
        ("p.both", usual, &["up", "else"]),
    ])
    .await
}

fn excluded(plan: &Plan) -> Vec<String> {
    let mut excluded: Vec<String> = plan.excluded.iter().map(ToString::to_string).collect();
    excluded.sort();
    excluded
}

/// So many attempts of a link, one after the other, that all end so.
fn attempts(traffic: &mut Traffic, link: &str, asked: &str, how: How, count: u32, now: Instant) {
    for _ in 0..count {
        let begun = traffic.begin(&id(link), now);
        traffic.ended(begun, Some(&origin(asked)), how, None, now);
    }
}

#[tokio::test]
async fn links_that_are_well_and_as_usual_are_in_no_plan() {
    let (mut traffic, now) = (Traffic::default(), Instant::now());
    let table = province().await;
    attempts(&mut traffic, "p.a", "up", How::Answered, 100, now);
    let plan = traffic.plan(&table, now);
    assert!(plan.excluded.is_empty() && plan.inflight_of.is_empty() && plan.probes.is_empty());
    assert_eq!((plan.next, traffic.running.len()), (None, 0));
}

#[tokio::test]
async fn a_link_has_the_bound_that_its_file_says() {
    let table = table(&[("t.wide", PushSpec { max_inflight: 7, ..PushSpec::default() }, &[])]).await;
    let plan = Traffic::default().plan(&table, Instant::now());
    assert_eq!(plan.inflight_of, HashMap::from([(id("t.wide"), 7)]));
}

#[tokio::test]
async fn a_rate_gives_half_a_seconds_worth_and_then_says_when_there_is_more() {
    let per_min =
        |per_min| PushSpec { max_inflight: 10, rate_per_min: NonZeroU32::new(per_min), ..PushSpec::default() };
    let slow = table(&[("t.slow", per_min(240), &[])]).await;
    let (mut traffic, now, link) = (Traffic::default(), Instant::now(), id("t.slow"));
    assert_eq!(traffic.plan(&slow, now).inflight_of[&link], 2);
    assert_eq!(traffic.plan(&slow, now).inflight_of[&link], 2, "what was drawn is there until it is used");
    traffic.begin(&link, now);
    traffic.begin(&link, now);
    let plan = traffic.plan(&slow, now);
    assert_eq!((excluded(&plan), plan.inflight_of[&link]), (vec!["t.slow".to_owned()], 2), "two run, no other may");
    assert!(plan.next.is_some_and(|next| next > now && next <= now + SECOND / 4));
    // The operator allows more: at once.
    let quick = table(&[("t.slow", per_min(1200), &[])]).await;
    let plan = traffic.plan(&quick, now);
    assert_eq!((excluded(&plan).len(), plan.inflight_of[&link]), (0, 10));
}

#[tokio::test]
async fn a_link_that_was_too_quick_pauses_as_long_as_it_was_asked_to() {
    let (mut traffic, now, table) = (Traffic::default(), Instant::now(), province().await);
    for wait in [Some(SECOND * 30), Some(SECOND), None] {
        let begun = traffic.begin(&id("p.a"), now);
        traffic.ended(begun, Some(&origin("up")), How::TooOften, wait, now);
    }
    let plan = traffic.plan(&table, now);
    assert_eq!((excluded(&plan), plan.next), (vec!["p.a".to_owned()], Some(now + SECOND * 30)), "the longest counts");
    assert_eq!(excluded(&traffic.plan(&table, now + SECOND * 29)), ["p.a"]);
    assert!(excluded(&traffic.plan(&table, now + SECOND * 30)).is_empty());
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_spared_by_all_links_that_may_go_there() {
    let (mut traffic, now, table) = (Traffic::default(), Instant::now(), province().await);
    traffic.plan(&table, now);
    attempts(&mut traffic, "p.a", "up", How::Silent, 5, now);
    let plan = traffic.plan(&table, now);
    assert_eq!(excluded(&plan), ["p.a", "p.b", "p.both"]);
    assert!(plan.probes.is_empty() && plan.next.is_some_and(|next| next <= now + SECOND));

    // One finds out, of any of these links.
    let later = now + SECOND;
    let plan = traffic.plan(&table, later);
    assert_eq!((excluded(&plan).len(), plan.probes.len()), (3, 1));
    assert_eq!(plan.probes[0].1, ["p.a", "p.b", "p.both"].map(id).into());
    assert!(plan.idle().is_empty(), "what comes due there may find out");
    let begun = traffic.begin(&id("p.b"), later);
    let plan = traffic.plan(&table, later);
    assert_eq!((excluded(&plan).len(), plan.probes.len()), (3, 0), "the others wait for it");
    assert_eq!(plan.idle(), plan.excluded);

    // It answers: at first no more than may be under way at once.
    traffic.ended(begun, Some(&origin("up")), How::Answered, None, later);
    let plan = traffic.plan(&table, later);
    assert!(excluded(&plan).is_empty());
    assert_eq!(plan.inflight_of[&id("p.a")], INFLIGHT_DEFAULT);
    let begun: Vec<_> = (0..INFLIGHT_DEFAULT).map(|_| traffic.begin(&id("p.a"), later)).collect();
    let plan = traffic.plan(&table, later);
    assert_eq!((excluded(&plan), plan.next), (vec!["p.a".into(), "p.b".into(), "p.both".into()], Some(later + SECOND)));
    for begun in begun {
        traffic.ended(begun, Some(&origin("up")), How::Answered, None, later);
    }
    let plan = traffic.plan(&table, later + SECOND);
    assert!(plan.excluded.is_empty() && plan.inflight_of.is_empty(), "well again");
}

#[tokio::test]
async fn a_probe_that_does_not_get_to_ask_leaves_it_to_the_next_one() {
    let (mut traffic, now, table) = (Traffic::default(), Instant::now(), province().await);
    traffic.plan(&table, now);
    attempts(&mut traffic, "p.a", "up", How::Silent, 5, now);
    let later = now + SECOND;
    let begun = traffic.begin(&id("p.both"), later);
    traffic.ended(begun, Some(&origin("else")), How::Answered, None, later);
    let plan = traffic.plan(&table, later);
    assert_eq!((excluded(&plan).len(), plan.probes.len()), (3, 1), "it asked somebody else");
    let begun = traffic.begin(&id("p.a"), later);
    traffic.ended(begun, None, How::NotAsked, None, later);
    assert_eq!(traffic.plan(&table, later).probes.len(), 1, "it asked nobody");
}

#[tokio::test]
async fn a_probe_whose_link_sends_elsewhere_meanwhile_leaves_it_to_the_next_one_all_the_same() {
    let (mut traffic, now, table_) = (Traffic::default(), Instant::now(), province().await);
    traffic.plan(&table_, now);
    attempts(&mut traffic, "p.a", "up", How::Silent, 5, now);
    let later = now + SECOND;
    let begun = traffic.begin(&id("p.a"), later);
    // The operator has moved the link.
    let moved = table(&[("p.a", PushSpec::default(), &["new"]), ("p.b", PushSpec::default(), &["up"])]).await;
    assert!(traffic.plan(&moved, later).probes.is_empty(), "it is still at it");
    traffic.ended(begun, None, How::NotAsked, None, later);
    assert_eq!(traffic.plan(&moved, later).probes.len(), 1, "the next one may find out");
}

#[tokio::test]
async fn whoever_began_before_an_outage_does_not_end_the_search_of_another() {
    let (mut traffic, now, table) = (Traffic::default(), Instant::now(), province().await);
    traffic.plan(&table, now);
    let early = traffic.begin(&id("p.both"), now);
    attempts(&mut traffic, "p.a", "up", How::Silent, 5, now);
    let later = now + SECOND;
    let probe = traffic.begin(&id("p.b"), later);
    traffic.ended(early, Some(&origin("else")), How::Answered, None, later);
    assert!(traffic.plan(&table, later).probes.is_empty(), "one at a time");
    traffic.ended(probe, None, How::NotAsked, None, later);
    assert_eq!(traffic.plan(&table, later).probes.len(), 1);
}

#[tokio::test]
async fn a_link_that_needs_its_operator_holds_up_no_other_and_is_tried_when_links_change() {
    let (mut traffic, now, table) = (Traffic::default(), Instant::now(), province().await);
    traffic.plan(&table, now);
    attempts(&mut traffic, "p.a", "up", How::NeedsRepair, 3, now);
    let plan = traffic.plan(&table, now);
    assert_eq!((excluded(&plan), plan.probes.len()), (vec!["p.a".to_owned()], 0));
    // The operator has written a file.
    let plan = traffic.plan(&province().await, now);
    assert_eq!(plan.probes, [(Who::Link(id("p.a")), HashSet::from([id("p.a")]))]);
}

#[tokio::test]
async fn a_link_whose_credential_was_renewed_is_tried_at_once_and_no_other() {
    let (mut traffic, now, table) = (Traffic::default(), Instant::now(), province().await);
    traffic.plan(&table, now);
    attempts(&mut traffic, "p.a", "up", How::NeedsRepair, 3, now);
    attempts(&mut traffic, "p.other", "else", How::NeedsRepair, 3, now);
    traffic.mended(|link| *link == id("p.a"), now);
    let plan = traffic.plan(&table, now);
    assert_eq!(plan.probes, [(Who::Link(id("p.a")), HashSet::from([id("p.a")]))]);
    assert_eq!(excluded(&plan), ["p.a", "p.other"]);
}

#[tokio::test]
async fn no_probe_goes_to_an_upstream_that_is_spared_for_another_reason() {
    let (now, table) = (Instant::now(), province().await);
    // Which of the two is looked at first is chance.
    for _ in 0..32 {
        let mut traffic = Traffic::default();
        traffic.plan(&table, now);
        attempts(&mut traffic, "p.a", "up", How::NeedsRepair, 3, now);
        let later = now + SECOND;
        attempts(&mut traffic, "p.b", "up", How::Silent, 5, later);
        let plan = traffic.plan(&table, later);
        assert!(plan.probes.iter().all(|(_, links)| links.is_empty()), "{:?}", plan.probes);
    }
}

#[test]
fn of_a_links_retries_few_come_soon_and_another_links_are_its_own() {
    let mut traffic = Traffic::default();
    let now = Instant::now();
    let soon = (0..100).filter(|_| traffic.backoff(&id("p.a"), None, 1, None, now) <= SECOND).count();
    assert_eq!(soon, 10);
    assert!(traffic.backoff(&id("p.b"), None, 1, None, now) <= SECOND);
}

#[tokio::test]
async fn records_of_an_outage_are_due_when_it_is_over_however_long_it_was() {
    let (mut traffic, now, table) = (Traffic::default(), Instant::now(), province().await);
    traffic.plan(&table, now);
    attempts(&mut traffic, "p.a", "up", How::Silent, 5, now);
    let up = origin("up");
    for tries in 1..=50 {
        assert!(traffic.backoff(&id("p.a"), Some(&up), tries, None, now) <= SECOND, "{tries}");
    }
    let asked = Duration::from_secs(90);
    assert!(traffic.backoff(&id("p.a"), Some(&up), 1, Some(asked), now) >= asked, "unless it wants to be left alone");
    let soon = (0..100).filter(|_| traffic.backoff(&id("p.a"), None, 1, None, now) <= SECOND).count();
    assert_eq!(soon, 10, "the link's own retries were not spent");
}
