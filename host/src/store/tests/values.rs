//! The values of links.

use super::*;
use crate::id::LinkId;

fn link() -> LinkId {
    "zj.a".parse().unwrap()
}

fn value(key: &str, value: &str, expires: Option<At>) -> Value {
    Value { key: key.into(), value: value.into(), expires }
}

async fn set(store: &dyn Store, now: At, given: Value) -> Result<(), StoreError> {
    store.value_set(now, link(), given).await
}

async fn get(store: &dyn Store, now: At, key: &str) -> Option<String> {
    let found = store.value(now, link(), key.into()).await.unwrap();
    found.map(|found| String::from_utf8(found).unwrap())
}

pub(super) async fn values_live_until_their_time(maker: &dyn Maker) {
    let store = maker.open();
    set(&*store, T0, value("a", "1", Some(t(10)))).await.unwrap();
    set(&*store, T0, value("b", "2", None)).await.unwrap();
    assert_eq!(get(&*store, t(9), "a").await.as_deref(), Some("1"));
    assert_eq!(get(&*store, t(10), "a").await, None);
    assert_eq!(store.values(t(9), link()).await.unwrap().len(), 2);
    assert_eq!(store.values(t(10), link()).await.unwrap(), [value("b", "2", None)]);
    // Setting replaces value and time.
    set(&*store, T0, value("a", "3", None)).await.unwrap();
    assert_eq!(get(&*store, t(99), "a").await.as_deref(), Some("3"));
    store.value_delete(link(), b"a".to_vec()).await.unwrap();
    store.value_delete(link(), b"a".to_vec()).await.unwrap();
    assert_eq!(get(&*store, t(9), "a").await, None);
}

pub(super) async fn one_of_many_adders_wins(maker: &dyn Maker) {
    let store = maker.open();
    let add = |n: u32| store.value_add(T0, link(), value("a", &n.to_string(), Some(t(5))));
    let added = futures_util::future::join_all((0..50).map(add)).await;
    assert_eq!(added.into_iter().filter(|one| *one == Ok(true)).count(), 1);
    // What is over its time is no obstacle.
    assert_eq!(store.value_add(t(4), link(), value("a", "3", None)).await, Ok(false));
    assert_eq!(store.value_add(t(5), link(), value("a", "3", None)).await, Ok(true));
}

pub(super) async fn a_key_and_a_value_have_their_bounds(maker: &dyn Maker) {
    let store = maker.open();
    let long = |key: usize, value: usize| Value { key: vec![b'k'; key], value: vec![0; value], expires: None };
    assert_eq!(set(&*store, T0, long(0, 0)).await, Err(ValuesError::KeyLength(0).into()));
    assert_eq!(set(&*store, T0, long(513, 0)).await, Err(ValuesError::KeyLength(513).into()));
    assert_eq!(set(&*store, T0, long(1, VALUE_MAX + 1)).await, Err(ValuesError::ValueLength(VALUE_MAX + 1).into()));
    assert_eq!(store.value(T0, link(), Vec::new()).await, Err(ValuesError::KeyLength(0).into()));
    set(&*store, T0, long(KEY_MAX, VALUE_MAX)).await.unwrap();
}

pub(super) async fn links_do_not_see_each_other(maker: &dyn Maker) {
    let store = maker.open();
    let other: LinkId = "zj.a.b".parse().unwrap();
    set(&*store, T0, value("a", "1", None)).await.unwrap();
    assert_eq!(store.value(T0, other.clone(), b"a".to_vec()).await, Ok(None));
    store.value_delete(other.clone(), b"a".to_vec()).await.unwrap();
    assert_eq!(store.values(T0, other.clone()).await, Ok(vec![]));
    assert_eq!(get(&*store, T0, "a").await.as_deref(), Some("1"));
}

pub(super) async fn links_are_found_by_how_a_key_of_theirs_begins(maker: &dyn Maker) {
    let store = maker.open();
    for (link, key) in [("zj.b", "hs/one"), ("zj.b", "hs/two"), ("zj.a", "hs/one"), ("zj.c", "hs"), ("zj.d", "ghs/one")]
    {
        store.value_set(T0, link.parse().unwrap(), value(key, "", None)).await.unwrap();
    }
    let found = store.values_links(b"hs/".to_vec()).await.unwrap();
    assert_eq!(found.iter().map(|link| &**link).collect::<Vec<_>>(), ["zj.a", "zj.b"]);
}

pub(super) async fn what_is_expired_is_swept_in_steps(maker: &dyn Maker) {
    let store = maker.open();
    for n in 0..50 {
        set(&*store, T0, value(&n.to_string(), "", Some(t(5)))).await.unwrap();
    }
    set(&*store, T0, value("stays", "", None)).await.unwrap();
    assert_eq!(store.values_sweep(t(4), 20).await, Ok(0));
    assert_eq!(store.values_sweep(t(5), 20).await, Ok(20));
    assert_eq!(store.values_sweep(t(5), 100).await, Ok(30));
    assert_eq!(store.values(T0, link()).await.unwrap().len(), 1);
}
