//! A restore puts the backup in place and loses neither; what cannot be restored changes nothing.

use super::*;
use crate::store::{
    sqlite::tests::Files,
    tests::{Maker, T0, accept, job},
    *,
};

const KEPT: &str = ".before";

async fn entry(store: &dyn Store, act: &str) {
    let entry = AuditEntry {
        at: T0,
        actor: "a".into(),
        act: act.into(),
        subject: "s".into(),
        outcome: "o".into(),
        request_id: "r".into(),
    };
    store.audit(entry).await.unwrap();
}

/// A store with one job, a backup of it, and then another job; each with an entry in the log.
async fn backed_up(files: &Files) -> PathBuf {
    let store = files.open();
    accept(&*store, &job("zj.a")).await;
    entry(&*store, "first").await;
    let backup = files.path().with_file_name("backup.db");
    store.backup(backup.clone()).await.unwrap();
    accept(&*store, &job("zj.b")).await;
    entry(&*store, "second").await;
    backup
}

async fn links(store: &dyn Store) -> Vec<String> {
    store.counts().await.unwrap().into_iter().map(|(link, ..)| link.to_string()).collect()
}

#[tokio::test]
async fn a_backup_takes_the_place_and_what_was_there_is_kept_whole() {
    let files = Files::new();
    let backup = backed_up(&files).await;
    let restoring = Restoring::begin(&backup, &files.path()).unwrap();
    assert!(restoring.anchored());
    {
        let copy = Sqlite::open(Options { path: restoring.copy(), ..files.options() }).unwrap();
        accept(&copy, &job("zj.c")).await;
        entry(&copy, "restored").await;
    }
    let kept = restoring.finish(KEPT).unwrap().unwrap();
    assert_eq!(kept, beside(&files.path(), KEPT));
    for (path, held) in [(files.path(), ["zj.a", "zj.c"]), (kept, ["zj.a", "zj.b"])] {
        let store = Sqlite::open(Options { path, ..files.options() }).unwrap();
        assert_eq!(links(&store).await, held);
        let report = store.audit_verify().await.unwrap();
        assert_eq!((report.entries, report.fault), (2, None), "each has the anchor that belongs to it");
        assert!(store.check().await.unwrap().is_empty());
    }
    assert!(backup.exists(), "the backup is still there");
    let left = fs::read_dir(files.path().parent().unwrap()).unwrap();
    assert!(!left.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(".restore-")));
}

#[tokio::test]
async fn what_an_earlier_restore_kept_can_be_restored_again() {
    let files = Files::new();
    let backup = backed_up(&files).await;
    let kept = Restoring::begin(&backup, &files.path()).unwrap();
    drop(Sqlite::open(Options { path: kept.copy(), ..files.options() }).unwrap());
    let kept = kept.finish(KEPT).unwrap().unwrap();
    let back = Restoring::begin(&kept, &files.path()).unwrap();
    drop(Sqlite::open(Options { path: back.copy(), ..files.options() }).unwrap());
    back.finish(".again").unwrap();
    assert_eq!(links(&*files.open()).await, ["zj.a", "zj.b"]);
}

#[tokio::test]
async fn a_store_that_is_open_is_neither_replaced_nor_taken_for_a_backup() {
    let (files, other) = (Files::new(), Files::new());
    let backup = backed_up(&files).await;
    let store = files.open();
    let refused = Restoring::begin(&backup, &files.path()).err().unwrap();
    assert!(matches!(refused, RestoreError::InUse(_)), "{refused}");
    let refused = Restoring::begin(&files.path(), &other.path()).err().unwrap();
    assert!(matches!(refused, RestoreError::Live(_)), "{refused}");
    drop(store);
    let refused = Restoring::begin(&files.path(), &files.path()).err().unwrap();
    assert!(matches!(refused, RestoreError::Itself(_)), "{refused}");
}

#[tokio::test]
async fn what_is_no_store_of_ours_is_refused() {
    let (files, folder) = (Files::new(), tempfile::tempdir().unwrap());
    drop(files.open());
    let before = fs::read(files.path()).unwrap();
    let path = folder.path().join("given");
    let foreign = folder.path().join("foreign");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    for bytes in [&b""[..], b"SQLite format 3\0", b"{}", &fs::read(foreign).unwrap()] {
        fs::write(&path, bytes).unwrap();
        let refused = Restoring::begin(&path, &files.path()).err().unwrap();
        assert!(matches!(refused, RestoreError::Foreign(_)), "{refused}");
    }
    assert!(matches!(Restoring::begin(&folder.path().join("none"), &files.path()), Err(RestoreError::Io { .. })));
    assert_eq!(fs::read(files.path()).unwrap(), before);
}

#[tokio::test]
async fn the_journal_of_a_broken_or_missing_store_is_not_taken_for_the_new_ones() {
    for missing in [false, true] {
        let files = Files::new();
        let backup = backed_up(&files).await;
        let wal = beside(&files.path(), "-wal");
        fs::write(&wal, "a journal").unwrap();
        if missing {
            fs::remove_file(files.path()).unwrap();
        } else {
            fs::write(files.path(), "a broken store").unwrap();
        }
        let restoring = Restoring::begin(&backup, &files.path()).unwrap();
        drop(Sqlite::open(Options { path: restoring.copy(), ..files.options() }).unwrap());
        assert_eq!(restoring.finish(KEPT).unwrap().is_none(), missing);
        let kept = beside(&files.path(), KEPT);
        assert_eq!(fs::read(beside(&kept, "-wal")).unwrap(), b"a journal");
        if !missing {
            assert_eq!(fs::read(kept).unwrap(), b"a broken store");
        }
        assert!(!wal.exists());
        assert_eq!(links(&*files.open()).await, ["zj.a"]);
    }
}

#[tokio::test]
async fn what_a_killed_restore_has_left_is_cleared_away_by_the_next_one_and_by_a_start() {
    let files = Files::new();
    let backup = backed_up(&files).await;
    let left = || {
        let restoring = Restoring::begin(&backup, &files.path()).unwrap();
        let copy = restoring.copy();
        // Killed: nobody clears up.
        let _left = restoring.dir.keep();
        copy
    };
    let (first, second) = (left(), left());
    assert!(!first.exists() && second.exists(), "the next restore");
    drop(files.open());
    assert!(!second.exists() && files.path().exists() && backup.exists(), "a start");
}
