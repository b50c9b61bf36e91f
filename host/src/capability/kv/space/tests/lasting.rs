//! What lasts: over restarts, clocks that are set, callers that go away, disks that fail; and that nobody can read it there.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Mutex as StdMutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
        mpsc,
    },
};

use futures_util::future::join_all;
use tokio::time::timeout;

use super::*;
use crate::store::Value;

/// The bytes of all files.
fn bytes(disk: &Disk) -> Vec<u8> {
    let files = fs::read_dir(disk.0.path()).unwrap().map(|file| file.unwrap().path());
    files.flat_map(|file: PathBuf| fs::read(file).unwrap()).collect()
}

#[tokio::test]
async fn values_survive_a_restart_and_show_nothing_on_the_disk() {
    let disk = Disk::new();
    let bytes = {
        let space = of(&disk.kv());
        space.set("student 330102", "张三".as_bytes(), None).await.unwrap();
        space.set("empty", b"", None).await.unwrap();
        space.set("replaced", b"secret-one", None).await.unwrap();
        space.set("replaced", b"secret-two", None).await.unwrap();
        space.increment("count", 41, None).await.unwrap();
        for gone in ["deleted", "taken"] {
            space.set(gone, b"x", None).await.unwrap();
        }
        space.delete("deleted").await.unwrap();
        space.take("taken").await.unwrap();
        assert!(space.add("nonce", b"", None).await.unwrap());
        bytes(&disk)
    };
    for plain in ["student", "330102", "张三", "replaced", "secret-", "count", "nonce"] {
        assert!(!bytes.windows(plain.len()).any(|found| found == plain.as_bytes()), "{plain} is readable");
    }
    let kv = disk.kv();
    let space = of(&kv);
    assert_eq!(space.get("student 330102").await, Ok(Some("张三".into())));
    assert_eq!(space.get("empty").await, Ok(Some(Vec::new())));
    assert_eq!(space.get("replaced").await, Ok(Some(b"secret-two".to_vec())));
    assert_eq!(space.increment("count", 1, None).await, Ok(42));
    assert_eq!(space.get("deleted").await, Ok(None));
    assert_eq!(space.take("taken").await, Ok(None));
    assert_eq!(space.add("nonce", b"", None).await, Ok(false), "a replay is still a replay");
    assert_eq!(kv.space(&link("zj.other"), Quota::default()).get("nonce").await, Ok(None));
}

#[tokio::test]
async fn what_a_restart_finds_counts_against_the_quota() {
    let disk = Disk::new();
    of(&disk.kv()).set("a", &[0; 19], None).await.unwrap();
    let space = disk.kv().space(&link("zj.nbufe"), Quota { keys: 2, bytes: 30 });
    assert_eq!(space.set("b", &[0; 10], None).await, Err(KvError::QuotaBytes(30)));
    space.set("b", &[0; 9], None).await.unwrap();
    assert_eq!(space.set("c", b"", None).await, Err(KvError::QuotaKeys(2)));
}

#[tokio::test]
async fn the_largest_value_under_the_longest_key_lasts() {
    let disk = Disk::new();
    let (key, value) = ("k".repeat(KEY_MAX), vec![7; VALUE_MAX]);
    of(&disk.kv()).set(&key, &value, None).await.unwrap();
    assert_eq!(of(&disk.kv()).get(&key).await, Ok(Some(value)));
}

#[tokio::test(start_paused = true)]
async fn times_go_on_while_the_host_is_down() {
    let disk = Disk::new();
    of(&disk.kv()).set("token", b"t", Some(ms(100))).await.unwrap();
    assert!(of(&disk.kv_at(|| T0.plus(ms(99)))).get("token").await.unwrap().is_some());
    let kv = disk.kv_at(|| T0.plus(ms(100)));
    assert_eq!(of(&kv).get("token").await, Ok(None));
    assert!(of(&kv).add("token", b"u", None).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_back_brings_nothing_back() {
    let disk = Disk::new();
    let wall = Arc::new(AtomicI64::new(T0.0));
    {
        let read = wall.clone();
        let kv = disk.kv_at(move || At(read.load(Ordering::Relaxed)));
        let space = of(&kv);
        space.set("by steps", b"", Some(ms(100))).await.unwrap();
        space.set("by leaps", b"", Some(ms(5_000))).await.unwrap();
        wall.store(T0.0 - 3_600_000, Ordering::Relaxed);
        advance(ms(99)).await;
        assert!(space.get("by steps").await.unwrap().is_some(), "time goes on as it did");
        advance(ms(1)).await;
        assert_eq!(space.get("by steps").await, Ok(None));
        wall.store(T0.0 + 5_000, Ordering::Relaxed);
        assert_eq!(space.get("by leaps").await, Ok(None), "a machine that slept");
        wall.store(T0.0, Ordering::Relaxed);
        assert_eq!(space.get("by leaps").await, Ok(None));
        kv.sweep(10).await;
    }
    let space = of(&disk.kv());
    assert_eq!((space.get("by steps").await, space.get("by leaps").await), (Ok(None), Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn a_value_from_the_future_lives_no_longer_than_it_was_given() {
    let disk = Disk::new();
    of(&disk.kv_at(|| T0.plus(Duration::from_secs(86_400 * 365)))).set("k", b"", Some(ms(100))).await.unwrap();
    {
        let space = of(&disk.kv());
        advance(ms(50)).await;
        assert!(space.get("k").await.unwrap().is_some());
        advance(ms(100)).await;
        assert_eq!(space.get("k").await, Ok(None));
    }
    let later = of(&disk.kv_at(|| T0.plus(ms(200))));
    assert_eq!(later.get("k").await, Ok(None), "not once more after each restart");
}

#[tokio::test]
async fn a_value_that_was_moved_under_another_key_or_link_is_not_served() {
    let disk = Disk::new();
    {
        let kv = disk.kv();
        for key in ["mine", "yours"] {
            of(&kv).set(key, key.as_bytes(), None).await.unwrap();
        }
        kv.space(&link("zj.other"), Quota::default()).set("mine", b"other", None).await.unwrap();
        let (store, sealer) = (&kv.kept.store, &kv.kept.sealer);
        let place = |id: &str, key: &str| [b"g".as_slice(), &sealer.value_key(&link(id), key).0].concat();
        let moved = store.value(T0, link("zj.nbufe"), place("zj.nbufe", "mine")).await.unwrap().unwrap();
        for (to, key) in [("zj.nbufe", place("zj.nbufe", "yours")), ("zj.other", place("zj.other", "mine"))] {
            let value = Value { key, value: moved.clone(), expires: None };
            store.value_set(T0, link(to), value).await.unwrap();
        }
    }
    let kv = disk.kv();
    assert_eq!(of(&kv).get("mine").await, Ok(Some(b"mine".to_vec())));
    assert_eq!(of(&kv).get("yours").await, Ok(None));
    assert_eq!(kv.space(&link("zj.other"), Quota::default()).get("mine").await, Ok(None));
}

/// A disk that holds up each commit, once told to, until it is let go.
fn slow(disk: &Disk) -> (Arc<Space>, Arc<AtomicBool>, mpsc::Sender<()>) {
    let (go, wait) = mpsc::channel();
    let (is_slow, wait) = (Arc::new(AtomicBool::new(false)), StdMutex::new(wait));
    let held = is_slow.clone();
    let on_commit = Arc::new(move |_: usize| {
        if held.load(Ordering::SeqCst) {
            wait.lock().unwrap().recv().unwrap();
        }
    });
    let options = Options { on_commit: Some(on_commit), ..disk.options() };
    (of(&disk.kv_with(options, || T0)), is_slow, go)
}

#[tokio::test]
async fn a_change_is_seen_by_nobody_before_it_is_durable() {
    let disk = Disk::new();
    let (space, is_slow, go) = slow(&disk);
    space.set("k", b"old", None).await.unwrap();
    is_slow.store(true, Ordering::SeqCst);
    let taker = space.clone();
    let taken = tokio::spawn(async move { taker.take("k").await });
    tokio::time::sleep(ms(50)).await;
    assert!(!taken.is_finished());
    assert_eq!(space.get("k").await, Ok(Some(b"old".to_vec())));
    go.send(()).unwrap();
    assert_eq!(taken.await.unwrap(), Ok(Some(b"old".to_vec())));
    assert_eq!(space.get("k").await, Ok(None));
}

#[tokio::test]
async fn a_change_whose_caller_went_away_is_made_all_the_same() {
    let disk = Disk::new();
    let (space, is_slow, go) = slow(&disk);
    space.get("k").await.unwrap();
    is_slow.store(true, Ordering::SeqCst);
    assert!(timeout(ms(50), space.set("k", b"v", None)).await.is_err());
    let adder = space.clone();
    let added = tokio::spawn(async move { adder.add("k", b"w", None).await });
    go.send(()).unwrap();
    assert_eq!(added.await.unwrap(), Ok(false), "what is on the disk is in memory too");
    assert_eq!(space.get("k").await, Ok(Some(b"v".to_vec())));
}

#[tokio::test]
async fn changes_that_wait_together_keep_within_the_quota() {
    let disk = Disk::new();
    let (space, is_slow, go) = slow(&disk);
    let quota = Quota { keys: 10, bytes: 1_000 };
    space.state.lock().quota = quota;
    space.get("k").await.unwrap();
    is_slow.store(true, Ordering::SeqCst);
    let setting = (0..100).map(|n| {
        let space = space.clone();
        tokio::spawn(async move { space.set(&format!("key {n}"), b"v", None).await })
    });
    let setting: Vec<_> = setting.collect();
    tokio::time::sleep(ms(50)).await;
    is_slow.store(false, Ordering::SeqCst);
    go.send(()).unwrap();
    let set = join_all(setting).await.into_iter().filter(|set| matches!(set, Ok(Ok(())))).count();
    assert_eq!(set, 10);
    assert_eq!(space.state.lock().entries.len(), 10);
    space.delete("key 0").await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_changes_and_says_so() {
    let disk = Disk::new();
    let kv = disk.kv_with(Options { pages_max: Some(100), ..disk.options() }, || T0);
    let space = of(&kv);
    space.set("k", b"old", None).await.unwrap();
    let mut stored = 0;
    let refused = loop {
        match space.set(&format!("fill {stored}"), &[0; 50_000], None).await {
            Ok(()) => stored += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, KvError::Unavailable("the host's store has failed"));
    assert_eq!(space.set("k", b"new", None).await, Err(refused.clone()));
    assert_eq!(space.take("k").await, Err(refused.clone()));
    assert_eq!(space.get("k").await, Ok(Some(b"old".to_vec())), "what is told is what is durable");
    assert_eq!(space.get(&format!("fill {stored}")).await, Ok(None));
    // A link that comes only now learns nothing of values that cannot be read.
    assert_eq!(kv.space(&link("zj.other"), Quota::default()).get("k").await, Err(refused));
}
