//! What waits for an operator after a restore; that a whole host does so is tested from outside.

use super::*;
use crate::store::{SCHEDULE, Upkeep as _, Value, Values as _};

#[tokio::test]
async fn a_link_whose_schedule_may_have_run_since_the_backup_is_held_after_a_restore() {
    let directory = tempfile::tempdir().unwrap();
    let (state, backup) = (directory.path().join("state"), directory.path().join("backup.db"));
    std::fs::create_dir(&state).unwrap();
    let open = || {
        let place = state.join(store::FILE);
        let host_key = HostKey::open(&state.join("host.key"), &place).unwrap();
        Sqlite::open(Options::new(place, *host_key.derive(AUDIT))).unwrap()
    };
    let before = open();
    for (link, key) in [("zj.a", format!("{SCHEDULE}stats")), ("zj.b", "hdata-key".to_owned())] {
        let value = Value { key: key.into_bytes(), value: b"1".to_vec(), expires: None };
        before.value_set(At(0), link.parse().unwrap(), value).await.unwrap();
    }
    before.backup(backup.clone()).await.unwrap();
    drop(before);
    let restored = restore(&state, &backup).await.unwrap();
    assert_eq!(restored.held, ["zj.a".parse().unwrap()]);
    let holds = open().holds().await.unwrap();
    assert!(holds[0].reason.contains("runs of its schedules"), "{holds:?}");
}
