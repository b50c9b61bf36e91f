//! One token for many calls.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use super::*;
use crate::testing::TestHost;

fn cache() -> TokenCache {
    TokenCache::new("access", &["https://up.example.org", "client"]).unwrap()
}

fn issued(token: &str, ttl_ms: u64) -> impl Fn() -> Result<Fetched, Failure> {
    let fetched = Fetched { token: token.to_owned(), ttl_ms };
    move || Ok(fetched.clone())
}

fn unwanted() -> Result<Fetched, Failure> {
    panic!("no token is wanted now")
}

#[test]
fn a_token_is_kept_until_a_minute_before_it_expires() {
    let host = TestHost::new();
    assert_eq!(cache().get(issued("t1", 3_600_000)).unwrap(), "t1");
    host.advance_ms(3_539_999);
    assert_eq!(cache().get(unwanted).unwrap(), "t1");
    host.advance_ms(1);
    assert_eq!(cache().get(issued("t2", 3_600_000)).unwrap(), "t2");
}

#[test]
fn a_token_of_short_life_is_kept_for_half_of_it() {
    let host = TestHost::new();
    assert_eq!(cache().get(issued("t1", 60_000)).unwrap(), "t1");
    host.advance_ms(29_999);
    assert_eq!(cache().get(unwanted).unwrap(), "t1");
}

#[test]
fn a_token_is_renewed_as_early_as_the_cache_is_told_and_says_until_when_it_is_valid() {
    let host = TestHost::new();
    let cache = cache().early_ms(600_000);
    assert_eq!(cache.valid_until_ms().unwrap(), None);
    assert_eq!(cache.get(issued("t 1", 3_600_000)).unwrap(), "t 1");
    assert_eq!(cache.valid_until_ms().unwrap(), Some(1_700_003_600_000));
    host.advance_ms(2_999_999);
    assert_eq!(cache.get(unwanted).unwrap(), "t 1");
    host.advance_ms(1);
    assert_eq!(cache.valid_until_ms().unwrap(), None);
    assert_eq!(cache.get(issued("t2", 3_600_000)).unwrap(), "t2");
}

#[test]
fn a_token_that_cannot_be_kept_is_still_given() {
    let host = TestHost::new();
    host.kv_keys_max(0);
    assert_eq!(cache().get(issued("t1", 3_600_000)).unwrap(), "t1");
    assert_eq!(cache().renew("t1", issued("t2", 3_600_000)).unwrap(), "t2");
    assert_eq!(host.logs().len(), 2);
}

#[test]
fn a_token_issued_for_other_values_is_not_used() {
    let _host = TestHost::new();
    assert_eq!(cache().get(issued("t1", 3_600_000)).unwrap(), "t1");
    let other = TokenCache::new("access", &["https://up.example.org", "another client"]).unwrap();
    assert_eq!(other.get(issued("t2", 3_600_000)).unwrap(), "t2");
}

#[test]
fn a_failed_fetch_concerns_nobody_who_asks_later() {
    let host = TestHost::new();
    let failure = cache().get(|| Err(Failure::auth_failed("refused"))).unwrap_err();
    assert_eq!(failure, Failure::auth_failed("refused"));
    host.advance_ms(1);
    assert_eq!(cache().get(issued("t1", 3_600_000)).unwrap(), "t1");
}

#[test]
fn a_hundred_calls_that_waited_for_a_failed_fetch_share_its_failure() {
    let host = TestHost::new();
    let fetches = AtomicU32::new(0);
    let waiting = std::sync::Barrier::new(100);
    let expected = Failure::auth_failed("refused").upstream_code("invalid_client").retry_after_ms(7);
    thread::scope(|scope| {
        for _ in 0..100 {
            let (host, fetches, waiting, expected) = (host.clone(), &fetches, &waiting, &expected);
            scope.spawn(move || {
                host.enter();
                waiting.wait();
                let result = cache().get(|| {
                    fetches.fetch_add(1, Ordering::SeqCst);
                    Err(expected.clone())
                });
                assert_eq!(result.unwrap_err(), *expected);
            });
        }
    });
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}

#[test]
fn a_hundred_calls_without_a_token_fetch_one() {
    let host = TestHost::new();
    let fetches = AtomicU32::new(0);
    in_parallel(&host, || cache().get(|| counted(&fetches)).unwrap());
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}

#[test]
fn a_hundred_refusals_of_one_token_fetch_one() {
    let host = TestHost::new();
    let fetches = AtomicU32::new(0);
    cache().get(issued("stale", 3_600_000)).unwrap();
    in_parallel(&host, || cache().renew("stale", || counted(&fetches)).unwrap());
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}

/// Sends by this cache to an upstream that refuses every token; how often it was asked, and for how many tokens.
fn refused(cache: &TokenCache) -> (u32, u32) {
    let fetches = AtomicU32::new(0);
    let answered = cache.send(
        || Ok(Fetched { token: format!("t{}", fetches.fetch_add(1, Ordering::SeqCst)), ttl_ms: 3_600_000 }),
        |_, _| Ok(Request::get("https://up.example.org/x")),
        |response| response.status == 401,
    );
    (answered.unwrap().attempt, fetches.into_inner())
}

#[test]
fn a_refused_token_that_this_call_has_fetched_is_renewed_unless_the_cache_trusts_it() {
    for (trusts, expected) in [(false, (2, 2)), (true, (1, 1))] {
        let host = TestHost::new();
        host.on("GET", "https://up.example.org/x").reply(401, serde_json::json!({}));
        let cache = if trusts { cache().trust_fetched() } else { cache() };
        assert_eq!(refused(&cache), expected);
        // Now it is kept, and may have expired.
        assert_eq!(refused(&cache), (2, 1));
    }
}

fn counted(fetches: &AtomicU32) -> Result<Fetched, Failure> {
    fetches.fetch_add(1, Ordering::SeqCst);
    thread::sleep(std::time::Duration::from_millis(20));
    Ok(Fetched { token: "fresh".to_owned(), ttl_ms: 3_600_000 })
}

fn in_parallel(host: &TestHost, call: impl Fn() -> String + Sync) {
    thread::scope(|scope| {
        for _ in 0..100 {
            let (host, call) = (host.clone(), &call);
            scope.spawn(move || {
                host.enter();
                assert_eq!(call(), "fresh");
            });
        }
    });
}
