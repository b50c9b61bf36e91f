//! That look-ups stay small however much there is.

use rusqlite::StatementStatus;

use super::*;
use crate::store::{
    Digest, Filter, NewJob, State,
    sqlite::{file, jobs, tests::Files},
    tests::{Maker as _, T0, accept, job, lease as take, t},
};

/// How SQLite would run it.
fn plan(db: &Connection, sql: &str) -> String {
    let mut query = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let nulls = vec![rusqlite::types::Null; query.parameter_count()];
    let steps = query.query_map(rusqlite::params_from_iter(nulls), |row| row.get::<_, String>("detail")).unwrap();
    steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

#[test]
fn look_ups_of_a_lease_are_ranges_of_small_indices() {
    let files = Files::new();
    drop(files.open());
    let db = files.raw();
    let next = plan(&db, &next_job());
    assert!(next.contains("SEARCH job USING INDEX job_due (link=? AND next_at<?)"), "{next}");
    let link = plan(&db, NEXT_LINK);
    assert!(link.contains("SEARCH job USING COVERING INDEX job_due (link>?)"), "{link}");
    let due = plan(&db, NEXT_DUE);
    assert!(due.contains("SEARCH job USING COVERING INDEX job_due (link=? AND next_at>?)"), "{due}");
    for plan in [next, link, due] {
        assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN"), "{plan}");
    }
}

#[test]
fn a_list_walks_over_nothing_but_what_it_shows() {
    let files = Files::new();
    drop(files.open());
    let db = files.raw();
    let (link, platform) = (Some("zj.a".parse().unwrap()), Some("campus".parse().unwrap()));
    let of = |link, platform, batch| Filter { link, platform, batch, ..Filter::default() };
    for (filter, expected) in [
        (of(None, None, None), "job_state (state=? AND seq>?)"),
        (of(link.clone(), None, None), "job_link (link=? AND state=? AND seq>?)"),
        (of(None, platform.clone(), None), "job_platform (platform=? AND state=? AND seq>?)"),
        (of(link.clone(), platform.clone(), None), "job_owner (link=? AND platform=? AND state=? AND seq>?)"),
        (of(link, platform, Some(uuid::Uuid::nil())), "job_batch (batch=? AND state=? AND seq>?)"),
    ] {
        let plan = plan(&db, &jobs::list_sql(&filter));
        assert_eq!(plan, format!("SEARCH job USING INDEX {expected}"));
    }
    let oldest = plan(&db, jobs::OLDEST);
    assert!(oldest.contains("SEARCH job USING INDEX job_link (link=? AND state=?)"), "{oldest}");
}

#[tokio::test]
async fn a_million_parked_jobs_cost_a_lease_and_a_start_nothing() {
    let files = Files::new();
    drop(files.open());
    // Its writer has ended: what follows wants the file for itself and does not wait.
    drop(file::lock(&files.path()).unwrap());
    let db = files.raw();
    let mut found =
        db.prepare("SELECT name, sql FROM sqlite_schema WHERE tbl_name = 'job' AND sql LIKE 'CREATE INDEX%'");
    let indices: Vec<(String, String)> = {
        let query = found.as_mut().unwrap();
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(indices.len(), 10);
    // Indices are made in one go afterwards: a test should not take a minute.
    let dropped: String = indices.iter().map(|(name, _)| format!("DROP INDEX {name};")).collect();
    let made: String = indices.iter().map(|(_, sql)| format!("{sql};")).collect();
    db.execute_batch(&format!(
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN; DROP TRIGGER job_inserted; {dropped}
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
            INSERT INTO job (id, link, connector, operation, platform, key, safe, newer, body, state, next_at, accepted,
                    updated, finished, callback, request_id)
                SELECT CAST(printf('%016d', i) AS BLOB), 'zj.l' || (i / 20001), 'zj-gxsz', 'record.push-one', 'campus',
                    CAST(printf('%032d', i) AS BLOB), 1, 'supersede', zeroblob(32), 'parked', 0, 0, 0, 0, 0, '' FROM n;
            INSERT INTO tally SELECT link, state, count(*) FROM job GROUP BY link, state; {made} COMMIT;"
    ))
    .unwrap();
    let store = files.open();
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.iter().map(|(_, _, jobs)| jobs).sum::<u64>(), 1_000_000);
    assert_eq!(store.next_due(T0, [].into()).await.unwrap(), Due::default());
    assert_eq!(take(&*store, T0, 100).await.len(), 0);
    accept(&*store, &job("zj.l7")).await;
    assert_eq!(take(&*store, T0, 100).await.len(), 1);
    let filter = Filter { link: Some("zj.l7".parse().unwrap()), state: Some(State::Parked), ..Filter::default() };
    assert_eq!(store.list(filter, 0, 500).await.unwrap().jobs.len(), 500);
    assert_eq!(store.list(Filter::default(), 999_990, 500).await.unwrap().jobs.len(), 11);
}

/// The steps of SQLite's machine for the look-ups of a lease, among so many that wait: of many links, some behind others of
/// their key, due now or later.
async fn steps(many: usize, due: At) -> i32 {
    let files = Files::new();
    let store = files.open();
    let one = |n: usize| NewJob {
        key: n.is_multiple_of(3).then_some(Digest([1; 32])),
        due,
        ..job(&format!("zj.l{}", n % 10))
    };
    for _ in 0..many.div_ceil(1000) {
        store.accept(T0, (0..many.min(1000)).map(one).collect()).await.unwrap();
    }
    let db = files.raw();
    let mut links = db.prepare(NEXT_LINK).unwrap();
    let mut jobs = db.prepare(&next_job()).unwrap();
    links.query_row(["zj.l3"], |_| Ok(())).unwrap();
    let found = jobs.query_row(params!["zj.l4", T0], |_| Ok(())).optional().unwrap();
    assert_eq!(found.is_some(), due <= T0);
    links.get_status(StatementStatus::VmStep) + jobs.get_status(StatementStatus::VmStep)
}

#[tokio::test]
async fn twenty_thousand_that_wait_cost_a_lease_no_more_than_a_few() {
    for due in [T0, t(1000)] {
        let (few, many) = (steps(100, due).await, steps(20_000, due).await);
        assert!(few > 0 && many <= few, "{few} steps among 100, {many} among 20000");
    }
}
