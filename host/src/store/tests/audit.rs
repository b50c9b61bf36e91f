//! The audit log. How it finds damage is up to each store's own tests.

use super::*;

/// The n-th entry.
pub(in crate::store) fn entry(n: u64) -> AuditEntry {
    AuditEntry {
        at: t(n),
        actor: "campus".into(),
        act: "call".into(),
        subject: format!("zj.a record.push-one {n}"),
        outcome: "done".into(),
        request_id: format!("r-{n}"),
    }
}

pub(super) async fn entries_are_chained_counted_and_found_good(maker: &dyn Maker) {
    let store = maker.open();
    let none = AuditReport { entries: 0, checkpoints: 0, fault: None };
    assert_eq!(store.audit_verify().await, Ok(none));
    let appended = futures_util::future::join_all((1..=600).map(|n| store.audit(entry(n)))).await;
    let mut numbers: Vec<_> = appended.into_iter().map(Result::unwrap).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=600).collect::<Vec<_>>());
    let expected = AuditReport { entries: 600, checkpoints: 2, fault: None };
    assert_eq!(store.audit_verify().await, Ok(expected));
    drop(store);
    let store = maker.open();
    assert_eq!(store.audit(entry(601)).await, Ok(601));
    assert_eq!(store.audit_verify().await, Ok(AuditReport { entries: 601, ..expected }));
    let after = maker.cut();
    assert_eq!(after.open().audit_verify().await, Ok(AuditReport { entries: 601, ..expected }));
}

pub(super) async fn entries_are_read_in_pages(maker: &dyn Maker) {
    let store = maker.open();
    for n in 1..=5 {
        store.audit(entry(n)).await.unwrap();
    }
    let long = AuditEntry { subject: "谈".repeat(1000), ..entry(6) };
    store.audit(long).await.unwrap();
    assert_eq!(store.audit_entries(1, 2).await.unwrap(), [(2, entry(2)), (3, entry(3))]);
    assert_eq!(store.audit_entries(5, 9).await.unwrap()[0].1.subject.len(), 510);
    assert_eq!(store.audit_verify().await.unwrap().fault, None);
}
