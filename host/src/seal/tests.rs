//! What is sealed opens where it belongs, under its key, as it was, and nowhere else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;

use futures_util::future::join_all;

use super::*;
use crate::store::{Options, Sqlite};

fn link(id: &str) -> LinkId {
    id.parse().unwrap()
}

fn host_key(state: &Path) -> HostKey {
    HostKey::open(&state.join("host.key"), &state.join("none")).unwrap()
}

fn store(state: &Path) -> Arc<dyn Store> {
    Arc::new(Sqlite::open(Options::new(state.join("duijie.db"), [7; 32])).unwrap())
}

/// The key of link `zj.a` on what lies in this directory.
async fn key(state: &Path) -> Arc<DataKey> {
    Sealer::new(store(state), &host_key(state)).key(&link("zj.a")).await.unwrap()
}

fn is_foreign(opened: &Result<Zeroizing<Vec<u8>>, SealError>) -> bool {
    matches!(opened, Err(SealError::Foreign))
}

#[test]
fn a_seal_opens_at_its_place_and_nowhere_else() {
    let (key, other) = (DataKey::new(&[1; 32]), DataKey::new(&[2; 32]));
    let (a, b) = (link("zj.a"), link("zj.ab"));
    let what = What { kind: Kind::Payload, link: &a, id: b"b1" };
    let sealed = key.seal(what, "张三".as_bytes()).unwrap();
    assert_eq!(&**key.open(what, &sealed).unwrap(), "张三".as_bytes());
    assert!(is_foreign(&other.open(what, &sealed)));
    for elsewhere in [
        What { kind: Kind::Result, ..what },
        What { kind: Kind::Row, ..what },
        What { id: b"b2", ..what },
        What { id: b"", ..what },
        What { link: &b, ..what },
        What { link: &b, id: b"1", ..what },
    ] {
        assert!(is_foreign(&key.open(elsewhere, &sealed)), "{elsewhere:?}");
    }
}

#[test]
fn a_seal_of_which_anything_was_changed_does_not_open() {
    let (key, a) = (DataKey::new(&[1; 32]), link("zj.a"));
    let what = What { kind: Kind::Value, link: &a, id: b"1" };
    let sealed = key.seal(what, b"once").unwrap().0;
    for at in 0..sealed.len() {
        let mut bad = sealed.to_vec();
        bad[at] ^= 1;
        assert!(key.open(what, &Sealed(bad.into())).is_err(), "bit flipped at {at}");
        assert!(key.open(what, &Sealed(sealed.slice(..at))).is_err(), "cut at {at}");
    }
    let longer = [&sealed[..], &[0]].concat();
    assert!(is_foreign(&key.open(what, &Sealed(longer.into()))));
}

#[test]
fn the_same_sealed_twice_looks_different_and_shows_nothing() {
    let (key, a) = (DataKey::new(&[1; 32]), link("zj.a"));
    let what = What { kind: Kind::Value, link: &a, id: b"1" };
    let plain = b"3301".repeat(8);
    let (one, two) = (key.seal(what, &plain).unwrap().0, key.seal(what, &plain).unwrap().0);
    assert_ne!(one, two);
    for seal in [one, two] {
        assert_eq!(seal.len(), plain.len() + 41);
        assert!(!seal.windows(4).any(|four| four == b"3301"));
    }
}

/// What stands in stores today must open for ever.
#[test]
fn what_another_implementation_sealed_opens() {
    let (key, a) = (DataKey::new(&[1; 32]), link("zj.a"));
    let what = What { kind: Kind::Payload, link: &a, id: b"id" };
    // By libsodium: crypto_aead_xchacha20poly1305_ietf_encrypt("谈", "\x01\x02zj.a\0id", nonce 0..24, key).
    let sealed =
        hex::decode("01000102030405060708090a0b0c0d0e0f1011121314151617906053cd3e65d99bd2f24520e7e9cdfc204e6d")
            .unwrap();
    assert_eq!(&**key.open(what, &Sealed(sealed.into())).unwrap(), "谈".as_bytes());
}

#[tokio::test]
async fn a_link_has_one_key_whoever_asks_first_and_after_every_restart() {
    let state = tempfile::tempdir().unwrap();
    let a = link("zj.a");
    let what = What { kind: Kind::Value, link: &a, id: b"1" };
    let sealed = {
        let store = store(state.path());
        // Each with a memory of its own, as if all came at once.
        let sealers: Vec<_> = (0..20).map(|_| Sealer::new(store.clone(), &host_key(state.path()))).collect();
        let keys = join_all(sealers.iter().map(|sealer| sealer.key(&a))).await;
        let sealed = keys[0].as_ref().unwrap().seal(what, b"x").unwrap();
        for key in keys {
            assert_eq!(&**key.unwrap().open(what, &sealed).unwrap(), b"x");
        }
        let other = sealers[0].key(&link("zj.b")).await.unwrap();
        assert!(is_foreign(&other.open(what, &sealed)), "another link has another key");
        sealed
    };
    assert_eq!(&**key(state.path()).await.open(what, &sealed).unwrap(), b"x");
}

#[tokio::test]
async fn with_another_host_key_nothing_is_made_anew() {
    let state = tempfile::tempdir().unwrap();
    key(state.path()).await;
    std::fs::remove_file(state.path().join("host.key")).unwrap();
    let sealer = Sealer::new(store(state.path()), &host_key(state.path()));
    let refused = sealer.key(&link("zj.a")).await.err().unwrap();
    assert!(refused.to_string().contains("put back the host.key"), "{refused}");
}

#[tokio::test]
async fn digests_stand_for_names_and_tell_nothing() {
    let (state, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sealer = Sealer::new(store(state.path()), &host_key(state.path()));
    let a = link("zj.a");
    let digest = sealer.record(&a, "push", "s-1");
    assert_eq!(digest, sealer.record(&a, "push", "s-1"));
    let again = Sealer::new(sealer.store.clone(), &host_key(state.path()));
    assert_eq!(digest, again.record(&a, "push", "s-1"));
    let stranger = Sealer::new(sealer.store.clone(), &host_key(other.path()));
    assert_ne!(digest, stranger.record(&a, "push", "s-1"));
    for name in [
        sealer.record(&link("zj.b"), "push", "s-1"),
        sealer.record(&a, "pushs", "-1"),
        sealer.record(&a, "push", "s-2"),
        sealer.value_key(&a, "s-1"),
    ] {
        assert_ne!(digest, name);
    }
}
