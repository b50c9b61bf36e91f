//! Every kind of damage, done past the store.

use std::fs;

use super::*;
use crate::store::{
    AuditFault::{Changed, Checkpoint, Missing, Truncated},
    Store,
    sqlite::tests::Files,
    tests::{Maker as _, audit::entry},
};

/// 600 entries, then this, then what verification says.
async fn after(damage: impl FnOnce(&Files)) -> Option<AuditFault> {
    let files = Files::new();
    let store = files.open();
    futures_util::future::join_all((1..=600).map(|n| store.audit(entry(n)))).await;
    damage(&files);
    fault(&*store).await
}

async fn fault(store: &dyn Store) -> Option<AuditFault> {
    store.audit_verify().await.unwrap().fault
}

async fn after_sql(sql: &str) -> Option<AuditFault> {
    after(|files| files.raw().execute_batch(sql).unwrap()).await
}

/// Makes hashes good again from here on, as one would who knows how they are made but not the key.
fn rehash(files: &Files, from: u64) {
    let db = files.raw();
    let mut before = Digest([0; 32]);
    let rows: Vec<(u64, AuditEntry)> = db
        .prepare("SELECT * FROM audit ORDER BY n")
        .unwrap()
        .query_map([], |row| Ok((row.get::<_, i64>("n")?.unsigned_abs(), read(row)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (n, entry) in rows {
        before = chain(before, n, &entry);
        if n >= from {
            db.execute("UPDATE audit SET hash = ?2 WHERE n = ?1", params![signed(n), before]).unwrap();
            db.execute("UPDATE checkpoint SET hash = ?2 WHERE n = ?1", params![signed(n), before]).unwrap();
        }
    }
}

#[tokio::test]
async fn a_log_that_nobody_touched_is_good() {
    assert_eq!(after(|_| ()).await, None);
}

#[tokio::test]
async fn a_changed_entry_is_found() {
    for field in ["at = at + 1", "actor = 'city'", "act = 'x'", "subject = ''", "outcome = 'x'", "request_id = 'x'"] {
        assert_eq!(after_sql(&format!("UPDATE audit SET {field} WHERE n = 10")).await, Some(Changed(10)), "{field}");
    }
    // A byte that moves from one field to the next.
    assert_eq!(after_sql("UPDATE audit SET actor = 'campu', act = 'scall' WHERE n = 10").await, Some(Changed(10)));
}

#[tokio::test]
async fn a_changed_entry_is_found_though_all_later_hashes_were_made_good() {
    let forge = |files: &Files, n: u64| {
        files.raw().execute("UPDATE audit SET outcome = 'x' WHERE n = ?1", [signed(n)]).unwrap();
        rehash(files, n);
    };
    assert_eq!(after(|files| forge(files, 300)).await, Some(Checkpoint(512)));
    // After the last checkpoint it is the anchor that knows.
    assert_eq!(after(|files| forge(files, 590)).await, Some(Changed(600)));
}

#[tokio::test]
async fn a_dropped_entry_is_found() {
    assert_eq!(after_sql("DELETE FROM audit WHERE n = 10").await, Some(Missing(10)));
    assert_eq!(
        after_sql("DELETE FROM audit WHERE n = 10; UPDATE audit SET n = n - 1 WHERE n > 10").await,
        Some(Changed(10))
    );
}

#[tokio::test]
async fn a_changed_order_is_found() {
    let swap = "UPDATE audit SET n = 0 WHERE n = 10; UPDATE audit SET n = 10 WHERE n = 11; UPDATE audit SET n = 11 WHERE n = 0";
    assert_eq!(after_sql(swap).await, Some(Changed(10)));
}

#[tokio::test]
async fn a_missing_or_forged_checkpoint_is_found() {
    assert_eq!(after_sql("DELETE FROM checkpoint WHERE n = 256").await, Some(Checkpoint(256)));
    assert_eq!(after_sql("UPDATE checkpoint SET mac = zeroblob(32) WHERE n = 512").await, Some(Checkpoint(512)));
}

#[tokio::test]
async fn a_cut_is_found_also_if_the_checkpoints_went_with_it() {
    assert_eq!(after_sql("DELETE FROM audit WHERE n > 500").await, Some(Truncated { had: 600, has: 500 }));
    let all = "DELETE FROM audit WHERE n > 200; DELETE FROM checkpoint WHERE n > 200";
    assert_eq!(after_sql(all).await, Some(Truncated { had: 600, has: 200 }));
    assert_eq!(after_sql("DELETE FROM audit; DELETE FROM checkpoint").await, Some(Truncated { had: 600, has: 0 }));
}

#[tokio::test]
async fn a_missing_or_forged_anchor_is_found() {
    let anchor = |files: &Files| Anchor::path(&files.path());
    assert_eq!(after(|files| fs::write(anchor(files), "").unwrap()).await, Some(AuditFault::Anchor));
    let flip = |files: &Files| {
        let mut bytes = fs::read(anchor(files)).unwrap();
        bytes[7] ^= 1;
        fs::write(anchor(files), bytes).unwrap();
    };
    assert_eq!(after(flip).await, Some(AuditFault::Anchor));
}

#[tokio::test]
async fn an_anchor_that_lags_behind_after_a_power_cut_is_no_fault() {
    let files = Files::new();
    let store = files.open();
    store.audit(entry(1)).await.unwrap();
    let old = fs::read(Anchor::path(&files.path())).unwrap();
    for n in 2..=9 {
        store.audit(entry(n)).await.unwrap();
    }
    fs::write(Anchor::path(&files.path()), old).unwrap();
    assert_eq!(fault(&*store).await, None);
}

#[tokio::test]
async fn a_power_cut_that_keeps_the_first_entry_and_not_its_count_is_no_fault() {
    let files = Files::new();
    let store = files.open();
    let anchor = Anchor::path(&files.path());
    let before = fs::read(&anchor).unwrap();
    assert_eq!(before.len(), 72, "an empty log says that it is one");
    store.audit(entry(1)).await.unwrap();
    assert_ne!(fs::read(&anchor).unwrap(), before);
    fs::write(&anchor, before).unwrap();
    assert_eq!(fault(&*store).await, None);
    fs::write(&anchor, []).unwrap();
    assert_eq!(fault(&*store).await, Some(AuditFault::Anchor), "somebody emptied it");
}
