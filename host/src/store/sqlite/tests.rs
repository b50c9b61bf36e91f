//! What holds for this store alone: its files, its commits, its end.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::FutureExt as _;
use tempfile::TempDir;

use super::*;
use crate::store::{
    tests::{Maker, T0, accept, ask, job, keyed, t},
    *,
};

/// A folder with a store.
pub(in crate::store) struct Files(TempDir);

impl Files {
    /// An empty one.
    pub(in crate::store) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// How its store is opened.
    pub(in crate::store) fn options(&self) -> Options {
        Options::new(self.path(), [7; 32])
    }

    /// Its database.
    pub(in crate::store) fn path(&self) -> PathBuf {
        self.0.path().join("store.db")
    }

    /// Its database, past the store.
    pub(in crate::store) fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

impl Maker for Files {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(self.options()).unwrap())
    }

    fn cut(&self) -> Box<dyn Maker> {
        // Without the index of the journal, which is memory; a new process makes it from the journal.
        let to = Self::new();
        for suffix in ["", "-wal", ".audit"] {
            fs::copy(file::beside(&self.path(), suffix), file::beside(&to.path(), suffix)).unwrap();
        }
        Box::new(to)
    }

    fn other(&self) -> (PathBuf, Box<dyn Maker>) {
        let to = Self::new();
        (to.path(), Box::new(to))
    }
}

/// Changes a database past its store, as damage would: for tests of what stands above.
pub(crate) fn past_store(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// The first column of each row, as text, past the store.
pub(crate) fn seen_past_store(path: &Path, sql: &str) -> Vec<String> {
    let db = Connection::open(path).unwrap();
    let mut query = db.prepare(sql).unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn no_file_is_readable_by_others() {
    let files = Files::new();
    fs::write(files.path(), "").unwrap();
    fs::set_permissions(files.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let store = files.open();
    accept(&*store, &job("zj.a")).await;
    let copy = files.0.path().join("copy.db");
    store.backup(copy.clone()).await.unwrap();
    for suffix in ["", "-wal", "-shm", ".lock", ".audit"] {
        assert_eq!(mode(&file::beside(&files.path(), suffix)), 0o600, "{suffix}");
    }
    assert_eq!((mode(&copy), mode(&file::beside(&copy, ".audit"))), (0o600, 0o600));
    assert!(!file::beside(&copy, ".part").exists());
}

#[tokio::test]
async fn a_backup_does_not_take_the_companion_of_another_one() {
    let files = Files::new();
    let store = files.open();
    let copy = files.0.path().join("copy.db");
    store.backup(copy.clone()).await.unwrap();
    fs::remove_file(&copy).unwrap();
    let anchor = fs::read(file::beside(&copy, ".audit")).unwrap();
    let Err(StoreError::Backup(why)) = store.backup(copy.clone()).await else { panic!("it was overwritten") };
    assert!(why.contains(".audit"), "{why}");
    assert!(!copy.exists() && fs::read(file::beside(&copy, ".audit")).unwrap() == anchor);
}

#[tokio::test]
async fn one_process_has_the_store_and_the_next_waits_for_it() {
    let files = Files::new();
    let store = files.open();
    let options = files.options();
    let second = tokio::task::spawn_blocking(move || Sqlite::open(options).map(|_| ()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(store);
    assert_eq!(second.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn what_is_queued_when_the_store_is_dropped_is_still_committed() {
    let files = Files::new();
    let store = files.open();
    let jobs: Vec<_> = (0..100).map(|_| job("zj.a")).collect();
    for job in &jobs {
        // Handed over, and nobody waits for the answer.
        assert!(store.accept(T0, vec![job.clone()]).now_or_never().is_none());
    }
    drop(store);
    let store = files.open();
    assert_eq!(store.list(Filter::default(), 0, 500).await.unwrap().jobs.len(), 100);
}

#[tokio::test]
async fn a_group_is_one_commit_and_everyone_has_an_own_answer() {
    let files = Files::new();
    let (commits, changes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut options = files.options();
    options.on_commit = Some({
        let (commits, changes) = (commits.clone(), changes.clone());
        Arc::new(move |group| {
            commits.fetch_add(1, Ordering::SeqCst);
            changes.fetch_add(group, Ordering::SeqCst);
            // A slow disk: the others queue meanwhile.
            std::thread::sleep(Duration::from_millis(3));
        })
    });
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(options).unwrap());
    let taken = job("zj.a");
    accept(&*store, &taken).await;
    // Every third one contradicts what is there.
    let jobs: Vec<_> = (0..300).map(|n| if n % 3 == 0 { taken.clone() } else { job("zj.a") }).collect();
    let accepting = jobs.iter().map(|job| store.accept(T0, vec![job.clone()]));
    let answers = futures_util::future::join_all(accepting).await;
    for (job, answer) in jobs.iter().zip(answers) {
        assert_eq!(answer.is_err(), job.id == taken.id, "{answer:?}");
        assert!(store.job(job.id).await.unwrap().is_some());
    }
    assert_eq!(store.list(Filter::default(), 0, 500).await.unwrap().jobs.len(), 201);
    assert_eq!(changes.load(Ordering::SeqCst), 301);
    assert!(commits.load(Ordering::SeqCst) < 50, "{commits:?}");
}

#[tokio::test]
async fn a_full_disk_breaks_the_store_and_what_was_accepted_stays() {
    let files = Files::new();
    let options = Options { pages_max: Some(150), ..files.options() };
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(options).unwrap());
    let (broken, mut good) = (store.broken(), Vec::new());
    let big = || NewJob { payload: Sealed(vec![7; 20_000].into()), ..job("zj.a") };
    let error = loop {
        let jobs: Vec<_> = (0..4).map(|_| big()).collect();
        let accepting = jobs.iter().map(|job| store.accept(T0, vec![job.clone()]));
        let answers = futures_util::future::join_all(accepting).await;
        good.extend(jobs.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()).map(|(job, _)| job.id));
        if let Some(error) = answers.into_iter().find_map(Result::err) {
            break error;
        }
        assert!(good.len() < 1000);
    };
    assert!(matches!(&error, StoreError::Broken(why) if why.contains("full")), "{error:?}");
    // From now on nothing: no change, however small, and no question; whoever waits for the end hears of it.
    assert_eq!(store.resume("zj.a".parse().unwrap(), None).await, Err(error.clone()));
    assert_eq!(store.counts().await, Err(error.clone()));
    assert_eq!(StoreError::Broken(broken.await), error);
    assert_eq!(store.is_broken().map(StoreError::Broken), Some(error));
    drop(store);
    let store = files.open();
    let found: Vec<_> = store.list(Filter::default(), 0, 500).await.unwrap().jobs.iter().map(|job| job.id).collect();
    assert!(!good.is_empty());
    assert_eq!(found, good, "what was answered is there, and nothing else");
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    accept(&*store, &big()).await;
}

#[tokio::test]
async fn a_damaged_file_breaks_the_store_when_it_is_read() {
    let files = Files::new();
    let store = files.open();
    store.accept(T0, (0..500).map(|_| job("zj.a")).collect()).await.unwrap();
    drop(store);
    drop(file::lock(&files.path()).unwrap());
    let length = usize::try_from(fs::metadata(files.path()).unwrap().len()).unwrap();
    let mut bytes = fs::read(files.path()).unwrap();
    bytes[length * 3 / 4..].fill(0xa5);
    fs::write(files.path(), bytes).unwrap();
    let store = files.open();
    let error = store.list(Filter::default(), 0, 500).await.unwrap_err();
    assert!(matches!(error, StoreError::Broken(_)), "{error:?}");
    assert_eq!(store.accept(T0, vec![job("zj.a")]).await, Err(error));
}

#[tokio::test]
async fn a_change_that_panics_breaks_the_store() {
    let files = Files::new();
    let store = Sqlite::open(files.options()).unwrap();
    let answer: Result<(), _> = store.write(|_| panic!("a bug")).await;
    assert!(matches!(answer, Err(StoreError::Broken(_))), "{answer:?}");
    assert!(store.value_delete("zj.a".parse().unwrap(), b"k".to_vec()).await.is_err());
    assert!(store.is_broken().is_some());
}

#[tokio::test]
async fn a_vfs_is_taken_by_its_name() {
    let files = Files::new();
    let named = |vfs: &str| Sqlite::open(Options { vfs: Some(vfs.into()), ..files.options() });
    assert!(matches!(named("none-of-this-name"), Err(StoreError::Broken(_))));
    let store = named("unix").unwrap();
    assert!(store.next_due(T0, [].into()).await.is_ok());
}

#[tokio::test]
async fn a_job_without_its_payload_is_parked_and_holds_up_nobody() {
    let files = Files::new();
    let store = files.open();
    let jobs = [(); 2].map(|()| job("zj.a"));
    store.accept(T0, jobs.to_vec()).await.unwrap();
    files.raw().execute("DELETE FROM payload WHERE job = 1", []).unwrap();
    let taken = store.lease(T0, ask(9)).await.unwrap();
    assert_eq!((taken.leased[0].job.id, taken.parked), (jobs[1].id, vec![jobs[0].id]));
    assert_eq!(store.job(jobs[0].id).await.unwrap().unwrap().stage, Stage::Parked);
}

/// What is left of a job that cannot be read: state, outcome, doubt.
fn left(files: &Files, seq: i64) -> (String, String, bool) {
    let sql = "SELECT state, outcome, doubt FROM job WHERE seq = ?1";
    files.raw().query_row(sql, [seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
}

#[tokio::test]
async fn a_job_that_cannot_be_read_is_parked_and_holds_up_nobody() {
    // A column that no index has: whatever the disk made of it, the row is found.
    for damage in [
        "connector = 'NOT A NAME'",
        "platform = ''",
        "request_id = CAST(x'ff' AS TEXT)",
        "class = 'no-class', outcome = 'unknown'",
    ] {
        let files = Files::new();
        let store = files.open();
        let mut jobs: Vec<_> = (0..4).map(|_| keyed("zj.a", 1, Newer::Keep)).collect();
        jobs[3] = job("zj.a");
        store.accept(T0, jobs.clone()).await.unwrap();
        files.raw().execute(&format!("UPDATE job SET {damage} WHERE seq = 1"), []).unwrap();
        let taken = store.lease(T0, ask(9)).await.unwrap();
        assert_eq!(taken.parked, [jobs[0].id], "{damage}");
        assert_eq!(taken.leased.iter().map(|one| one.job.id).collect::<Vec<_>>(), [jobs[1].id, jobs[3].id], "{damage}");
        assert_eq!(left(&files, 1).0, "parked");
        // Under way, and too old: it is told of as well, and the next of its line goes.
        files.raw().execute(&format!("UPDATE job SET {damage} WHERE seq = 2"), []).unwrap();
        files.raw().execute("UPDATE job SET parks_at = 1 WHERE seq = 3", []).unwrap();
        let expiry = Expiry { now: t(30), all: false, except: [jobs[3].id].into(), tries_max: 9, jobs_max: 9 };
        assert_eq!(store.expire(expiry).await.unwrap(), [Expired { id: jobs[1].id, state: State::Parked }], "{damage}");
        assert_eq!(left(&files, 2), ("parked".into(), "unknown".into(), true), "it may have been sent");
        files.raw().execute(&format!("UPDATE job SET {damage} WHERE seq = 3"), []).unwrap();
        assert_eq!(store.park_aged(t(30), 9).await.unwrap(), [jobs[2].id], "{damage}");
        // Lists show the others, on pages that go on. (Why a job is where it is was written over the damage.)
        if damage.starts_with("class") {
            assert_eq!(store.list(Filter::default(), 0, 9).await.unwrap().jobs.len(), 4);
            continue;
        }
        let page = store.list(Filter::default(), 0, 2).await.unwrap();
        assert_eq!((page.jobs.len(), page.next), (0, Some(2)));
        let page = store.list(Filter::default(), 2, 2).await.unwrap();
        assert_eq!((page.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), page.next), (vec![jobs[3].id], None));
        assert_eq!(store.counts().await.unwrap().len(), 2);
        assert_eq!(store.is_broken(), None);
    }
}

#[tokio::test]
async fn a_bit_that_makes_a_text_bytes_costs_one_record_and_not_the_queue() {
    for (column, damaged) in [
        ("connector", "CAST(connector AS BLOB)"),
        ("operation", "CAST(operation AS BLOB)"),
        ("platform", "CAST(platform AS BLOB)"),
        ("request_id", "CAST(request_id AS BLOB)"),
        ("link", "CAST(link AS BLOB)"),
        ("link", "CAST(x'7aff' AS TEXT)"),
        ("link", "CAST(x'01ff' AS TEXT)"),
    ] {
        let files = Files::new();
        let store = files.open();
        let jobs = [(); 2].map(|()| NewJob { parks_at: Some(t(20)), ..job("zj.a") });
        store.accept(T0, jobs.to_vec()).await.unwrap();
        // As the disk would do it, past the table's types.
        let table = |sql: &str| {
            let db = files.raw();
            let version: i64 = db.query_row("PRAGMA schema_version", [], |row| row.get(0)).unwrap();
            db.execute_batch("PRAGMA writable_schema=ON").unwrap();
            db.execute("UPDATE sqlite_schema SET sql = ?1 WHERE name = 'job'", [sql]).unwrap();
            db.execute_batch(&format!("PRAGMA schema_version={}", version + 1)).unwrap();
        };
        let sql = seen_past_store(&files.path(), "SELECT sql FROM sqlite_schema WHERE name = 'job'").remove(0);
        table(sql.trim_end_matches(" STRICT"));
        files.raw().execute(&format!("UPDATE job SET {column} = {damaged} WHERE seq = 1"), []).unwrap();
        table(&sql);
        let mut seen = Vec::new();
        for _ in 0..2 {
            let taken = store.lease(T0, ask(9)).await.unwrap();
            seen.extend(taken.leased.into_iter().map(|one| one.job.id));
        }
        assert_eq!(seen, [jobs[1].id], "{column} = {damaged}");
        store.next_due(T0, [].into()).await.unwrap();
        // At the latest when it is too old, it is set aside.
        store.park_aged(t(30), 9).await.unwrap();
        assert_eq!(seen_past_store(&files.path(), "SELECT state FROM job WHERE seq = 1"), ["parked"], "{damaged}");
        assert_eq!(store.is_broken(), None);
    }
}

#[tokio::test]
async fn a_record_whose_key_has_one_that_cannot_be_read_is_accepted_and_replaces_only_what_is_behind_that() {
    let files = Files::new();
    let store = files.open();
    let jobs: Vec<_> = (0..3).map(|_| keyed("zj.a", 1, Newer::Keep)).collect();
    store.accept(T0, jobs.clone()).await.unwrap();
    files.raw().execute("UPDATE job SET platform = '' WHERE seq = 2", []).unwrap();
    let newer = keyed("zj.a", 1, Newer::Supersede);
    assert_eq!(accept(&*store, &newer).await, Accepted::New { seq: 4, superseded: vec![jobs[2].id] });
    let state = "SELECT state FROM job ORDER BY seq";
    assert_eq!(seen_past_store(&files.path(), state), ["queued", "queued", "superseded", "queued"]);
}

#[tokio::test]
async fn nothing_is_leased_to_one_who_asks_for_nothing() {
    let files = Files::new();
    let store = files.open();
    accept(&*store, &job("zj.a")).await;
    assert_eq!(store.lease(T0, ask(0)).await.unwrap().leased.len(), 0);
}
