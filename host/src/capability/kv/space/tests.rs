//! Each operation as the contract words it, the quotas, time (paused), and atomicity.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod lasting;

use tempfile::TempDir;
use tokio::{task::JoinSet, time::advance};

use super::{state::PURGE_STEP, *};
use crate::{
    hostkey::HostKey,
    store::{Options, Sqlite},
};

/// What a wall clock says that nobody touches.
const T0: At = At(1_800_000_000_000);

/// A state directory. What is dropped of the rest comes again from here, as after a restart.
pub(super) struct Disk(TempDir);

impl Disk {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn options(&self) -> Options {
        Options::new(self.0.path().join("duijie.db"), [7; 32])
    }

    fn sealer(&self, store: &Arc<dyn Store>) -> Arc<Sealer> {
        let state = self.0.path();
        let host_key = HostKey::open(&state.join("host.key"), &state.join("none")).unwrap();
        Arc::new(Sealer::new(store.clone(), &host_key))
    }

    fn kv_with(&self, options: Options, wall: impl Fn() -> At + Send + Sync + 'static) -> Kv {
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(options).unwrap());
        Kv::with_clock(store.clone(), self.sealer(&store), Clock::new(Box::new(wall)))
    }

    fn kv_at(&self, wall: impl Fn() -> At + Send + Sync + 'static) -> Kv {
        self.kv_with(self.options(), wall)
    }

    pub(super) fn kv(&self) -> Kv {
        self.kv_at(|| T0)
    }
}

pub(super) fn link(id: &str) -> LinkId {
    id.parse().unwrap()
}

fn of(kv: &Kv) -> Arc<Space> {
    kv.space(&link("zj.nbufe"), Quota::default())
}

fn space() -> (Disk, Arc<Space>) {
    let disk = Disk::new();
    let space = of(&disk.kv());
    (disk, space)
}

fn small(keys: usize, bytes: usize) -> (Disk, Arc<Space>) {
    let disk = Disk::new();
    let space = disk.kv().space(&link("zj.nbufe"), Quota { keys, bytes });
    (disk, space)
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test]
async fn values_are_kept_replaced_and_forgotten() {
    let (_disk, space) = space();
    assert_eq!(space.get("token").await, Ok(None));
    space.set("token", b"one", None).await.unwrap();
    space.set("token", b"two", None).await.unwrap();
    space.set("empty", b"", None).await.unwrap();
    assert_eq!(space.get("token").await, Ok(Some(b"two".to_vec())));
    assert_eq!(space.get("empty").await, Ok(Some(Vec::new())));
    space.delete("token").await.unwrap();
    space.delete("token").await.unwrap();
    assert_eq!(space.get("token").await, Ok(None));
    assert_eq!(space.state.lock().bytes, "empty".len());
}

#[tokio::test]
async fn links_do_not_see_each_other_and_outlive_their_users() {
    let disk = Disk::new();
    let kv = disk.kv();
    kv.space(&link("zj.one"), Quota::default()).set("k", b"1", None).await.unwrap();
    assert_eq!(kv.space(&link("zj.two"), Quota::default()).get("k").await, Ok(None));
    assert_eq!(kv.space(&link("zj.one"), Quota::default()).get("k").await, Ok(Some(b"1".to_vec())));
}

#[tokio::test(start_paused = true)]
async fn values_vanish_after_their_time() {
    let (_disk, space) = space();
    space.set("k", b"v", Some(ms(100))).await.unwrap();
    advance(ms(99)).await;
    assert!(space.get("k").await.unwrap().is_some());
    advance(ms(1)).await;
    assert_eq!(space.get("k").await, Ok(None));
    assert_eq!(space.take("k").await, Ok(None));
    // Setting replaces the time as well, by a longer one or by none.
    space.set("k", b"v", Some(ms(100))).await.unwrap();
    space.set("k", b"w", Some(ms(300))).await.unwrap();
    space.set("l", b"v", Some(ms(100))).await.unwrap();
    space.set("l", b"w", None).await.unwrap();
    advance(ms(200)).await;
    assert_eq!(space.get("k").await, Ok(Some(b"w".to_vec())));
    advance(ms(200)).await;
    assert_eq!(space.get("k").await, Ok(None));
    assert_eq!(space.get("l").await, Ok(Some(b"w".to_vec())));
}

#[tokio::test(start_paused = true)]
async fn extreme_times() {
    let (_disk, space) = space();
    space.set("now", b"v", Some(Duration::ZERO)).await.unwrap();
    assert_eq!(space.get("now").await, Ok(None));
    space.set("ever", b"v", Some(ms(u64::MAX))).await.unwrap();
    advance(Duration::from_secs(86_400 * 365)).await;
    assert!(space.get("ever").await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn add_stores_only_if_absent() {
    let (_disk, space) = space();
    assert_eq!(space.add("nonce", b"a", Some(ms(100))).await, Ok(true));
    assert_eq!(space.add("nonce", b"b", Some(ms(900))).await, Ok(false));
    assert_eq!(space.get("nonce").await, Ok(Some(b"a".to_vec())));
    advance(ms(100)).await;
    assert_eq!(space.add("nonce", b"c", None).await, Ok(true), "expired is absent");
    assert_eq!(space.get("nonce").await, Ok(Some(b"c".to_vec())));
}

#[tokio::test(start_paused = true)]
async fn counters() {
    let (_disk, space) = space();
    assert_eq!(space.increment("n", 5, Some(ms(100))).await, Ok(5));
    advance(ms(60)).await;
    assert_eq!(space.increment("n", -7, Some(ms(100))).await, Ok(-2));
    assert_eq!(space.get("n").await, Ok(Some(b"-2".to_vec())), "decimal text");
    advance(ms(60)).await;
    assert_eq!(space.increment("n", 1, None).await, Ok(1), "its time was set at its creation");
    space.set("text", b"41", None).await.unwrap();
    assert_eq!(space.increment("text", 1, None).await, Ok(42));
    for bad in [b"".as_slice(), b"x", b"1.5", b" 1", b"9223372036854775808", &[0xff]] {
        space.set("bad", bad, None).await.unwrap();
        assert_eq!(space.increment("bad", 1, None).await, Err(KvError::NotANumber));
        assert_eq!(space.get("bad").await.unwrap().unwrap(), bad, "left as it was");
    }
    assert_eq!(space.increment("max", i64::MAX, None).await, Ok(i64::MAX));
    assert_eq!(space.increment("max", 1, None).await, Err(KvError::NotANumber));
    assert_eq!(space.increment("min", i64::MIN, None).await, Ok(i64::MIN));
    assert_eq!(space.increment("min", -1, None).await, Err(KvError::NotANumber));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn takers_adders_and_counters_are_atomic() {
    let (_disk, space) = space();
    space.set("once", b"x", None).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let space = space.clone();
        tasks.spawn(async move {
            space.increment("count", 1, None).await.unwrap();
            (space.take("once").await.unwrap().is_some(), space.add("first", b"", None).await.unwrap())
        });
    }
    let all = tasks.join_all().await;
    assert_eq!(all.iter().filter(|(took, _)| *took).count(), 1);
    assert_eq!(all.iter().filter(|(_, added)| *added).count(), 1);
    assert_eq!(space.get("count").await, Ok(Some(b"200".to_vec())));
}

#[tokio::test]
async fn keys_and_values_have_their_sizes() {
    let (_disk, space) = space();
    let (long, value) = ("k".repeat(KEY_MAX + 1), vec![0; VALUE_MAX + 1]);
    space.set(&long[1..], &value[1..], None).await.unwrap();
    for key in ["", &long] {
        let want = KvError::KeyLength(key.len());
        assert_eq!(space.get(key).await, Err(want.clone()));
        assert_eq!(space.set(key, b"", None).await, Err(want.clone()));
        assert_eq!(space.delete(key).await, Err(want.clone()));
        assert_eq!(space.take(key).await, Err(want.clone()));
        assert_eq!(space.add(key, b"", None).await, Err(want.clone()));
        assert_eq!(space.increment(key, 1, None).await, Err(want.clone()));
        assert_eq!(space.acquire(key, ms(1)).await.err(), Some(want));
    }
    let want = Err(KvError::ValueLength(VALUE_MAX + 1));
    assert_eq!(space.set("k", &value, None).await, want);
    assert_eq!(space.add("k", &value, None).await.map(drop), want);
}

#[tokio::test(start_paused = true)]
async fn the_quota_of_keys() {
    let (_disk, space) = small(2, 1_000);
    space.set("a", b"", Some(ms(50))).await.unwrap();
    space.set("b", b"", None).await.unwrap();
    let full = Err(KvError::QuotaKeys(2));
    assert_eq!(space.set("c", b"", None).await, full);
    assert_eq!(space.add("c", b"", None).await.map(drop), full);
    assert_eq!(space.increment("c", 1, None).await.map(drop), full);
    space.set("b", b"again", None).await.unwrap();
    advance(ms(50)).await;
    space.set("c", b"", None).await.unwrap();
    assert_eq!(space.set("a", b"", None).await, full);
    space.delete("b").await.unwrap();
    space.set("a", b"", None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_quota_of_bytes() {
    let (_disk, space) = small(100, 30);
    space.set("a", &[0; 19], None).await.unwrap();
    let full = Err(KvError::QuotaBytes(30));
    assert_eq!(space.set("b", &[0; 10], None).await, full);
    space.set("b", &[0; 9], Some(ms(50))).await.unwrap();
    assert_eq!(space.set("a", &[0; 20], None).await, full);
    assert_eq!(space.get("a").await.unwrap().unwrap().len(), 19, "a refusal changes nothing");
    space.set("a", &[0; 18], None).await.unwrap();
    space.set("a", &[0; 19], None).await.unwrap();
    advance(ms(50)).await;
    space.set("a", &[0; 29], None).await.unwrap();
    assert_eq!(space.state.lock().bytes, 30);
}

#[tokio::test]
async fn a_lowered_quota_takes_nothing_away() {
    let disk = Disk::new();
    let kv = disk.kv();
    let space = kv.space(&link("l"), Quota { keys: 10, bytes: 100 });
    space.set("a", &[0; 50], None).await.unwrap();
    space.set("b", &[0; 10], None).await.unwrap();
    let same = kv.space(&link("l"), Quota { keys: 1, bytes: 20 });
    assert_eq!(same.get("a").await.unwrap().unwrap().len(), 50);
    assert_eq!(space.set("a", &[0; 51], None).await, Err(KvError::QuotaBytes(20)));
    assert_eq!(space.set("c", b"", None).await, Err(KvError::QuotaKeys(1)));
    space.set("a", &[0; 40], None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn sweeping_is_bounded_and_leaves_what_lives() {
    let disk = Disk::new();
    let kv = disk.kv();
    for id in ["one", "two", "three"] {
        let space = kv.space(&link(id), Quota::default());
        for n in 0..100 {
            space.set(&format!("k{n}"), &[0; 1_000], Some(ms(50))).await.unwrap();
        }
        space.set("stays", b"", Some(ms(5_000))).await.unwrap();
    }
    assert_eq!(kv.sweep(1_000).await, 0);
    advance(ms(50)).await;
    assert_eq!(kv.sweep(250).await, 250);
    assert_eq!(kv.sweep(250).await, 50);
    assert_eq!(kv.sweep(250).await, 0);
    for id in ["one", "two", "three"] {
        let space = kv.space(&link(id), Quota::default());
        assert_eq!(space.state.lock().bytes, "stays".len());
        assert!(space.get("stays").await.unwrap().is_some());
    }
    advance(ms(5_000)).await;
    assert_eq!(kv.sweep(10).await, 3);
    assert_eq!(kv.space(&link("one"), Quota::default()).state.lock().entries.capacity(), 0);
}

#[tokio::test(start_paused = true)]
async fn writing_clears_away_a_little_at_a_time() {
    let (_disk, space) = space();
    for n in 0..100 {
        space.set(&format!("k{n}"), b"", Some(ms(50))).await.unwrap();
    }
    advance(ms(50)).await;
    space.set("new", b"", None).await.unwrap();
    assert_eq!(space.state.lock().entries.len(), 100 - PURGE_STEP + 1);
}

#[test]
fn an_idle_link_costs_little() {
    assert!(size_of::<Space>() + 2 * size_of::<usize>() < 500, "{}", size_of::<Space>());
}
