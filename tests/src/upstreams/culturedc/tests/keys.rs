//! Signatures, timestamps, nonces, and the life of a key.

use serde_json::{Value, json};

use super::super::super::exchange::now_ms;
use super::super::super::testing::{call, post};
use super::super::{Culturedc, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, SignEncoding, SignKind, Signed, codes};
use super::institution::{How, Institution, RESOURCES, item};

const DAY_MS: i64 = 86_400_000;

#[test]
fn the_signature_is_that_of_the_profiles_vector() {
    let signed = Signed {
        access_key: "AKDEMO0000000001",
        secret_key: "SKDEMO000000000000000000000000001",
        method: "POST",
        target: "/openapi/v1/resources",
        timestamp: "1700000000000",
        nonce: "n0nce0001",
        body: br#"{"type":"activity","items":[]}"#,
    };
    let hmac = signed.signature(SignKind::Hmac, SignEncoding::HexLower);
    assert_eq!(hmac, "f390bb8b50d9dd6f578e5467665da34b69fcc02497416d1104cfea5fde29661e");
    // md5 -s AKDEMO00000000011700000000000n0nce0001SKDEMO000000000000000000000000001
    let md5 = signed.signature(SignKind::Md5Concat, SignEncoding::HexLower);
    assert_eq!(md5, "fa2a70ba176f6b732101f37083de3cba");
}

#[tokio::test]
async fn a_request_that_is_not_signed_as_it_must_be_is_refused_with_the_reason() {
    let institution = Institution::strict().await;
    let at = |offset_ms: i64| (now_ms() + offset_ms).to_string();
    let careful = || institution.carefully();
    assert_eq!(institution.code_as(&careful()).await, 0);
    for (how, expected) in [
        (How { access_key: "AKDEMO0000000002", ..careful() }, codes::UNKNOWN_KEY),
        (How { access_key: "", ..careful() }, codes::UNKNOWN_KEY),
        (How { secret_key: "SKDEMO000000000000000000000000002", ..careful() }, codes::SIGNATURE),
        (How { encoding: SignEncoding::HexUpper, ..careful() }, codes::SIGNATURE),
        (How { encoding: SignEncoding::Base64, ..careful() }, codes::SIGNATURE),
        (How { kind: SignKind::Md5Concat, ..careful() }, codes::SIGNATURE),
        (How { kind: SignKind::None, ..careful() }, codes::SIGNATURE),
        (How { timestamp: at(-301_000), ..careful() }, codes::REPLAY),
        (How { timestamp: at(360_000), ..careful() }, codes::REPLAY),
        (How { timestamp: at(-240_000), ..careful() }, 0),
        (How { timestamp: (now_ms() / 1000).to_string(), ..careful() }, codes::REPLAY),
        (How { timestamp: String::new(), ..careful() }, codes::REPLAY),
        (How { nonce: "short77".to_owned(), ..careful() }, codes::REPLAY),
        (How { nonce: String::new(), ..careful() }, codes::REPLAY),
    ] {
        assert_eq!(institution.code_as(&how).await, expected, "{} {}", how.access_key, how.timestamp);
    }
    let counters = institution.simulator.counters();
    assert_eq!((counters.crypto_failures, counters.credential_rejections), (5, 8));
}

#[tokio::test]
async fn a_signature_covers_the_method_the_query_and_the_body() {
    let institution = Institution::strict().await;
    let forge = async |signed: (&str, &str, &str), sent: (&str, &str, &str)| {
        let How { access_key, secret_key, timestamp, nonce, .. } = &institution.carefully();
        let (method, target, body) = signed;
        let signed = Signed { access_key, secret_key, method, target, timestamp, nonce, body: body.as_bytes() };
        let signature = signed.signature(SignKind::Hmac, SignEncoding::HexLower);
        let headers = [
            ("x-access-key", *access_key),
            ("x-timestamp", timestamp),
            ("x-nonce", nonce),
            ("x-signature", &signature),
        ];
        let answer = post(institution.address(), sent.0, sent.1, &headers, sent.2.to_owned()).await;
        answer.expect("an answer").json()["code"].clone()
    };
    let path = "/openapi/v1/licensed?page=1";
    assert_eq!(forge(("GET", path, ""), ("GET", path, "")).await, 0);
    assert_eq!(forge(("GET", path, ""), ("GET", "/openapi/v1/licensed?page=2", "")).await, codes::SIGNATURE);
    assert_eq!(forge(("GET", path, ""), ("GET", "/openapi/v1/licensed", "")).await, codes::SIGNATURE);
    assert_eq!(forge(("GET", path, ""), ("POST", path, "")).await, codes::SIGNATURE);
    assert_eq!(forge(("GET", path, ""), ("GET", path, "x")).await, codes::SIGNATURE);
}

#[tokio::test]
async fn a_nonce_is_good_once_in_ten_minutes_and_only_a_signed_request_spends_it() {
    let institution = Institution::strict().await;
    let how = How { nonce: "the-same-nonce".to_owned(), ..institution.carefully() };
    let forged = How { secret_key: "wrong", ..how.clone() };
    assert_eq!(institution.code_as(&forged).await, codes::SIGNATURE);
    assert_eq!(institution.code_as(&how).await, 0);
    assert_eq!(institution.code_as(&how).await, codes::REPLAY);
    let later = How {
        timestamp: (now_ms() + 601_000).to_string(),
        more: vec![("x-sim-fault", "clock-skew=601".to_owned())],
        ..how.clone()
    };
    assert_eq!(institution.code_as(&later).await, 0);
}

#[tokio::test]
async fn a_key_ends_after_thirty_days_and_is_good_again_when_renewed() {
    let institution = Institution::strict().await;
    let profile = institution.profile();
    let state = profile.keys()[0].clone();
    assert_eq!(state.expires_ms - state.issued_ms, 30 * DAY_MS);
    assert!(profile.set_issued_at(DEMO_ACCESS_KEY, now_ms() - 30 * DAY_MS + 60_000));
    assert_eq!(institution.code("POST", RESOURCES, &json!({"type": "news", "items": [item("a")]})).await, 0);
    assert!(profile.expire_key(DEMO_ACCESS_KEY));
    let expired = institution.send("GET", "/openapi/v1/licensed", "").await.json();
    assert_eq!(expired, json!({"code": 40110, "message": "AK 已过期，请延长有效期", "data": {}}));
    assert!(profile.renew_key(DEMO_ACCESS_KEY));
    assert_eq!(institution.code_as(&institution.carefully()).await, 0);
    assert!(!profile.renew_key("AKDEMO0000000002"));
}

#[tokio::test]
async fn an_institution_that_is_not_certified_is_refused() {
    let institution = Institution::of(Culturedc::builder().not_certified()).await;
    assert_eq!(institution.code_as(&institution.carefully()).await, codes::NOT_CERTIFIED);
    institution.profile().set_certified(DEMO_ACCESS_KEY, true);
    assert_eq!(institution.code_as(&institution.carefully()).await, 0);
}

#[tokio::test]
async fn a_minute_holds_so_many_requests_of_a_key() {
    let institution = Institution::of(Culturedc::builder().rate_per_min(2)).await;
    // The same minute, whenever this runs.
    let minute_ms = now_ms() / 60_000 * 60_000 + 60_000;
    let skew = format!("clock-skew={}", (minute_ms - now_ms()) / 1000 + 5);
    let how = || How {
        timestamp: minute_ms.to_string(),
        more: vec![("x-sim-fault", skew.clone())],
        ..institution.carefully()
    };
    assert_eq!(institution.code_as(&how()).await, 0);
    assert_eq!(institution.code_as(&How { secret_key: "wrong", ..how() }).await, codes::SIGNATURE);
    assert_eq!(institution.code_as(&how()).await, 0);
    assert_eq!(institution.code_as(&how()).await, codes::TOO_FAST);
    institution.profile().set_rate_per_min(None);
    assert_eq!(institution.code_as(&how()).await, 0);
}

#[tokio::test]
async fn keys_are_read_and_changed_over_the_admin_surface() {
    let institution = Institution::strict().await;
    let change = async |body: Value| {
        let answer = post(institution.address(), "POST", "/_sim/keys", &[], body.to_string()).await;
        answer.expect("an answer").status
    };
    for (action, expected) in
        [("expire", codes::KEY_EXPIRED), ("renew", 0), ("decertify", codes::NOT_CERTIFIED), ("certify", 0)]
    {
        assert_eq!(change(json!({"accessKey": DEMO_ACCESS_KEY, "action": action})).await, 200);
        assert_eq!(institution.code_as(&institution.carefully()).await, expected, "{action}");
    }
    assert_eq!(change(json!({"accessKey": DEMO_ACCESS_KEY, "issuedAtMs": 1_700_000_000_000_i64})).await, 200);
    let listed = call(institution.address(), "GET", "/_sim/keys").await.json();
    assert_eq!(listed[0]["expiresMs"], 1_700_000_000_000_i64 + 30 * DAY_MS);
    assert!(!listed.to_string().contains(DEMO_SECRET_KEY));
    assert_eq!(change(json!({"accessKey": "AKDEMO0000000002", "action": "renew"})).await, 404);
    assert_eq!(change(json!({"accessKey": DEMO_ACCESS_KEY})).await, 400);
    let rate = post(institution.address(), "POST", "/_sim/rate", &[], r#"{"perMinute":0}"#).await.expect("an answer");
    assert_eq!(rate.status, 200);
    change(json!({"accessKey": DEMO_ACCESS_KEY, "action": "renew"})).await;
    assert_eq!(institution.code_as(&institution.carefully()).await, codes::TOO_FAST);
}

#[tokio::test]
async fn other_profiles_sign_otherwise() {
    let md5 = Institution::of(Culturedc::builder().sign_kind(SignKind::Md5Concat)).await;
    assert_eq!(md5.code_as(&How { kind: SignKind::Md5Concat, ..md5.carefully() }).await, 0);
    assert_eq!(md5.code_as(&md5.carefully()).await, codes::SIGNATURE);

    let upper = [SignEncoding::HexUpper, SignEncoding::Base64];
    let upper = Institution::of(Culturedc::builder().sign_encodings(upper)).await;
    assert_eq!(upper.code_as(&How { encoding: SignEncoding::HexUpper, ..upper.carefully() }).await, 0);
    assert_eq!(upper.code_as(&How { encoding: SignEncoding::Base64, ..upper.carefully() }).await, 0);
    assert_eq!(upper.code_as(&upper.carefully()).await, codes::SIGNATURE);

    let unsigned = Institution::of(Culturedc::builder().sign_kind(SignKind::None)).await;
    let headers = [("x-access-key", DEMO_ACCESS_KEY)];
    let answer = post(unsigned.address(), "GET", "/openapi/v1/licensed", &headers, "").await.expect("an answer");
    assert_eq!(answer.json()["code"], 0);
    let answer = call(unsigned.address(), "GET", "/openapi/v1/licensed").await;
    assert_eq!(answer.json()["code"], codes::UNKNOWN_KEY);
}

#[tokio::test]
async fn settings_that_cannot_work_do_not_start() {
    let twice = Culturedc::builder().key("a", "b").key("a", "c").start().await.map(drop);
    assert_eq!(twice.expect_err("refused").to_string(), "an access key is named twice");
    assert!(Culturedc::builder().sign_encodings([]).start().await.is_err());
}
