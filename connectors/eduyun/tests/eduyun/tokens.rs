//! Tokens: every form of reply, how long one is kept, and what a refused one leads to.

use duijie_sdk::{Class, Outcome, testing::TestHost};
use serde_json::{Value, json};

use super::{APP_LIST, TOKEN, bare, call, config, count, host, is, ok, refusal, token, url, with};

fn apps() -> Value {
    ok(json!({ "count": 0, "dataList": [] }))
}

/// The query of the call that follows this reply of the token endpoint.
fn shown(reply: Value) -> String {
    let host = bare(config());
    host.on("POST", &url(TOKEN)).reply(200, reply);
    host.on("POST", &url(APP_LIST)).reply(200, apps());
    call(&host, "app.list", json!({})).unwrap();
    host.requests().pop().unwrap().url.split_once('?').unwrap().1.to_owned()
}

#[test]
fn a_token_is_found_wherever_generations_of_gateways_put_it() {
    for reply in [
        json!({ "retCode": "000000", "data": { "accessToken": "tk" } }),
        json!({ "retCode": "000000", "tokenInfo": { "accessToken": "tk", "validTime": 1_700_003_600_000_u64 } }),
        json!({ "tokenInfo": { "token": "tk" } }),
        json!({ "retCode": "000000", "accessToken": "tk" }),
        json!({ "accessToken": "tk" }),
    ] {
        assert_eq!(shown(reply.clone()), "accessToken=tk", "{reply}");
    }
}

#[test]
fn a_token_is_encoded_in_the_query() {
    assert_eq!(shown(token("a+b/c=&d")), "accessToken=a%2Bb%2Fc%3D%26d");
}

/// Until when a token with this `validTime` is valid, and for how many milliseconds it is kept.
fn life(valid_time: Value) -> (Value, u64) {
    let host = bare(config());
    host.on("POST", &url(TOKEN)).reply(200, ok(json!({ "accessToken": "tk", "validTime": valid_time })));
    let until = call(&host, "token.check", json!({})).unwrap()["validUntil"].clone();
    let mut kept_ms = 0;
    while count(&host, TOKEN) == 1 && kept_ms < 20_000_000 {
        host.advance_ms(10_000);
        kept_ms += 10_000;
        call(&host, "token.check", json!({})).unwrap();
    }
    (until, kept_ms)
}

#[test]
fn valid_time_is_milliseconds_seconds_or_a_life_by_its_size_as_number_or_text() {
    // Two hours from now, less the minute by which it is renewed earlier.
    let two_hours = (json!("2023-11-15T08:13:20+08:00"), 7_140_000);
    for valid_time in [
        json!(1_700_007_200_000_u64),
        json!("1700007200000"),
        json!(1_700_007_200),
        json!("1700007200"),
        json!(7200),
        json!("7200"),
    ] {
        assert_eq!(life(valid_time.clone()), two_hours, "{valid_time}");
    }
}

#[test]
fn without_a_valid_time_the_default_life_is_assumed() {
    for valid_time in [json!(null), json!(""), json!(0), json!(-1), json!("soon")] {
        assert_eq!(life(valid_time.clone()), (json!("2023-11-15T07:13:20+08:00"), 3_540_000), "{valid_time}");
    }
    let host = bare(with(json!({ "token": { "default_ttl_s": 600 } })));
    host.on("POST", &url(TOKEN)).reply(200, ok(json!({ "accessToken": "tk" })));
    assert_eq!(call(&host, "token.check", json!({})).unwrap()["validUntil"], "2023-11-15T06:23:20+08:00");
}

#[test]
fn a_token_that_is_over_when_it_comes_is_used_once_and_not_kept() {
    let host = bare(config());
    host.on("POST", &url(TOKEN)).reply(200, ok(json!({ "accessToken": "tk", "validTime": "1699999999999" })));
    host.on("POST", &url(APP_LIST)).reply(200, apps());
    call(&host, "app.list", json!({})).unwrap();
    call(&host, "app.list", json!({})).unwrap();
    assert_eq!((count(&host, TOKEN), count(&host, APP_LIST)), (2, 2));
    assert_eq!(call(&host, "token.check", json!({})).unwrap(), json!({ "validUntil": null }));
}

#[test]
fn a_token_is_renewed_as_early_as_the_config_says() {
    let host = host(with(json!({ "token": { "refresh_skew_s": 600 } })));
    call(&host, "token.check", json!({})).unwrap();
    host.advance_ms(2_999_999);
    call(&host, "token.check", json!({})).unwrap();
    assert_eq!(count(&host, TOKEN), 1);
    host.advance_ms(1);
    call(&host, "token.check", json!({})).unwrap();
    assert_eq!(count(&host, TOKEN), 2);
}

#[test]
fn one_token_serves_many_calls_and_is_never_in_an_output_or_a_log() {
    let host = host(config());
    host.on("POST", &url(APP_LIST)).reply(200, apps());
    call(&host, "app.list", json!({})).unwrap();
    call(&host, "app.list", json!({})).unwrap();
    let checked = call(&host, "token.check", json!({})).unwrap();
    assert_eq!(count(&host, TOKEN), 1);
    assert_eq!(checked, json!({ "validUntil": "2023-11-15T07:13:20+08:00" }));
    assert!(host.logs().is_empty());
}

#[test]
fn the_path_of_the_token_is_the_configs() {
    let host = bare(with(json!({ "token": { "path": "/apigateway/getaccesstoken" } })));
    host.on("POST", &url("/apigateway/getaccesstoken")).reply(200, json!({ "tokenInfo": { "token": "old" } }));
    assert!(call(&host, "token.check", json!({})).is_ok());
}

/// A link that has a token, which its upstream refuses in this way.
fn refusing(config: Value, status: u16, reply: Value) -> TestHost {
    let host = with_token(config);
    host.on("POST", &url(APP_LIST)).reply(status, reply).reply(200, apps());
    host
}

/// A link that has a token from an earlier call.
fn with_token(config: Value) -> TestHost {
    let host = host(config);
    call(&host, "token.check", json!({})).unwrap();
    host
}

#[test]
fn a_token_that_the_call_has_just_fetched_is_not_renewed_when_it_is_refused() {
    let listed = with(json!({ "errors": { "token_expired_codes": ["400100"] } }));
    for (config, status, reply, class) in [
        (config(), 200, refusal("900001", "token expired"), Class::UpstreamRejected),
        (config(), 401, json!({}), Class::AuthExpired),
        (listed, 200, refusal("400100", "expired"), Class::AuthExpired),
    ] {
        let host = host(config);
        host.on("POST", &url(APP_LIST)).reply(status, reply.clone()).reply(200, apps());
        is(&call(&host, "app.list", json!({})).unwrap_err(), class, Outcome::Rejected);
        assert_eq!((count(&host, TOKEN), count(&host, APP_LIST)), (1, 1), "{reply}");
    }
}

#[test]
fn a_refused_token_is_renewed_and_the_call_sent_again_once() {
    let codes = with(json!({ "errors": { "token_expired_codes": ["400100"] } }));
    for (config, status, reply) in [
        (config(), 200, refusal("900001", "accessToken 无效")),
        (config(), 200, refusal("100001", "令牌已过期")),
        (config(), 401, json!({})),
        (codes, 200, refusal("400100", "expired")),
    ] {
        let host = refusing(config, status, reply.clone());
        assert!(call(&host, "app.list", json!({})).is_ok(), "{reply}");
        let queries: Vec<_> =
            host.requests().iter().filter_map(|sent| Some(sent.url.split_once('?')?.1.to_owned())).collect();
        assert_eq!(queries, ["accessToken=t1", "accessToken=t2"], "{reply}");
    }
}

#[test]
fn a_token_refused_twice_is_auth_expired() {
    let host = with_token(config());
    host.on("POST", &url(APP_LIST)).reply(200, refusal("900001", "token expired"));
    let failure = call(&host, "app.list", json!({})).unwrap_err();
    is(&failure, Class::AuthExpired, Outcome::Rejected);
    assert_eq!(failure.upstream_code.as_deref(), Some("900001"));
    assert_eq!((count(&host, TOKEN), count(&host, APP_LIST)), (2, 2));
}

#[test]
fn codes_with_a_meaning_of_their_own_are_no_token_trouble_whatever_their_text() {
    for code in ["200001", "200002", "300006", "300027"] {
        let host = refusing(config(), 200, refusal(code, "token"));
        assert!(call(&host, "app.list", json!({})).is_err());
        assert_eq!(count(&host, APP_LIST), 1, "{code}");
    }
}

#[test]
fn an_empty_pattern_lets_texts_say_nothing_and_another_says_what_it_says() {
    let with_pattern = |pattern: &str| with(json!({ "errors": { "token_expired_pattern": pattern } }));
    let host = refusing(with_pattern(""), 200, refusal("900001", "token expired"));
    is(&call(&host, "app.list", json!({})).unwrap_err(), Class::UpstreamRejected, Outcome::Rejected);
    let host = refusing(with_pattern("登录失效"), 200, refusal("900001", "登录失效,请重试"));
    assert!(call(&host, "app.list", json!({})).is_ok());
}
