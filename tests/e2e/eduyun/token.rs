//! The access token (E1): one for a hundred calls, a new one when the upstream forgets; every way in which gateways of
//! this family want `keyInfo` written and give a token back, each against an upstream that takes or gives no other.

use duijie_tests::{
    harness::Host,
    upstreams::{
        Eduyun, Simulator,
        eduyun::{Builder, DEMO_APP_ID, DEMO_SYS_CODE, Encoding, Hash, KeyInfo, TokenReply, Unit, ValidTime},
    },
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Docked, docked, docked_from, docked_with, setup};

/// A hundred calls at once; all are answered.
async fn hundred(docked: &Docked) {
    let page = json!({ "page": 1, "size": 1 });
    for answer in join_all((0..100).map(|_| docked.call("app.list", &page))).await {
        answer.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_parallel_calls_without_a_token_get_one() {
    let docked = docked().await;
    hundred(&docked).await;
    assert_eq!((docked.seen("token.get"), docked.seen("app.list")), (1, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_parallel_calls_with_a_token_that_the_upstream_has_forgotten_get_one_more() {
    let docked = docked().await;
    hundred(&docked).await;
    // Nobody tells us.
    assert_eq!(docked.sim.revoke_tokens(), 1);
    hundred(&docked).await;
    assert_eq!(docked.seen("token.get"), 2, "one at first, one for the hundred");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_and_the_request_sent_once_more() {
    let docked = docked().await;
    docked.done("token.check", &json!({})).await;
    for fault in ["revoke-token", "clock-skew=3601"] {
        let before = (docked.seen("token.get"), docked.seen("app.list"));
        docked.fault_once("app.list", fault);
        docked.done("app.list", &json!({})).await;
        assert_eq!((docked.seen("token.get"), docked.seen("app.list")), (before.0 + 1, before.1 + 2), "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_means_an_expired_token_is_what_the_link_says() {
    let sim = || Eduyun::builder().token_error_code("300401");
    let silent = "errors.token_expired_pattern = \"\"";
    let listed = "errors.token_expired_codes = [\"300401\"]";
    let docked_saying =
        async |lines: [&str; 2]| docked_with(sim(), |region| region.config(lines[0]).config(lines[1])).await;
    let docked = docked_saying([silent, listed]).await;
    docked.done("token.check", &json!({})).await;
    docked.fault_once("app.list", "revoke-token");
    docked.done("app.list", &json!({})).await;
    assert_eq!(docked.seen("token.get"), 2);
    let docked = docked_saying([silent, ""]).await;
    docked.done("token.check", &json!({})).await;
    docked.fault_once("app.list", "revoke-token");
    docked.refused("app.list", &json!({}), ("upstream-rejected", "300401")).await;
    assert_eq!(docked.seen("token.get"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_call_has_just_fetched_is_not_renewed_when_it_is_refused() {
    for (fault, class) in [("code=100001,token失效", "upstream-rejected"), ("status=401", "auth-expired")] {
        let docked = docked().await;
        docked.fault("app.list", fault);
        let problem = docked.call("app.list", &json!({})).await.json();
        assert_eq!((&problem["class"], &problem["outcome"]), (&json!(class), &json!("rejected")), "{fault}");
        assert_eq!((docked.seen("token.get"), docked.seen("app.list")), (1, 1), "{fault}");
    }
}

/// What is registered does not fit: the operator's to mend, and no call leaves.
async fn assert_no_token(docked: &Docked) {
    let problem = docked.call("app.list", &json!({})).await.problem(502, "auth-failed", "not-sent");
    assert_eq!((&problem["upstream_code"], &problem["retryable"]), (&json!("100001"), &json!(false)));
    assert_eq!((docked.sim.counters().credential_rejections, docked.seen("app.list")), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_or_a_clock_that_is_off_get_no_token_and_nothing_is_sent() {
    let wrong_key = setup().env("EDUYUN_APP_KEY", "anotherAppKey00000000000000000001");
    assert_no_token(&docked_from(wrong_key, Eduyun::builder(), |region| region.toml()).await).await;
    for (right, wrong) in [(DEMO_APP_ID, "anotherAppId00000000000000000001"), (DEMO_SYS_CODE, "990000")] {
        let toml = |region: super::Region| region.toml().replace(&format!("\"{right}\""), &format!("\"{wrong}\""));
        assert_no_token(&docked_from(setup(), Eduyun::builder(), toml).await).await;
    }
    let docked = docked().await;
    docked.fault("token.get", "clock-skew=601");
    assert_no_token(&docked).await;
}

/// Many upstreams, each on a link of its own of one host.
struct Many {
    host: Host,
    sims: Vec<Simulator<Eduyun>>,
}

impl Many {
    async fn of(kinds: impl IntoIterator<Item = (Builder, String)>) -> Self {
        let (mut setup, mut sims) = (setup(), Vec::new());
        for (n, (sim, config)) in kinds.into_iter().enumerate() {
            let sim = sim.start().await.unwrap();
            let url = sim.url();
            let toml = format!(
                "connector = \"eduyun\"\n\
                [config]\nbase_url = \"{url}\"\napp_id = \"{DEMO_APP_ID}\"\nsys_code = \"{DEMO_SYS_CODE}\"\n{config}\n\
                [secrets.app_key]\nenv = \"EDUYUN_APP_KEY\"\nencoding = \"utf8\"\n[allow]\nhttp = [\"{url}\"]\n"
            );
            setup = setup.link(&format!("k/n{n}"), &toml);
            sims.push(sim);
        }
        let host = setup.start().await;
        host.until("every link to serve", |all| all.all_serving()).await;
        Self { host, sims }
    }

    /// The answer of upstream `n`.
    async fn call(&self, n: usize, operation: &str, input: &Value) -> duijie_tests::harness::Answer {
        self.host.call(&format!("k.n{n}"), operation, input).await
    }
}

const HASHES: [(Hash, &str); 3] = [(Hash::Sha1, "sha1"), (Hash::Md5, "md5"), (Hash::Sha256, "sha256")];
const ENCODINGS: [(Encoding, &str); 4] = [
    (Encoding::HexUpper, "hex-upper"),
    (Encoding::HexLower, "hex-lower"),
    (Encoding::Base64, "base64"),
    (Encoding::Base64OfHex, "base64-of-hex-lower"),
];
const UNITS: [(Unit, &str); 2] = [(Unit::Milliseconds, "ms"), (Unit::Seconds, "s")];

#[tokio::test(flavor = "multi_thread")]
async fn key_info_is_written_in_every_variant_for_an_upstream_that_takes_no_other() {
    let mut variants = Vec::new();
    for (hash, hash_name) in HASHES {
        for (encoding, encoding_name) in ENCODINGS {
            for (unit, unit_name) in UNITS {
                let config = format!(
                    "sign.hash = \"{hash_name}\"\nsign.encoding = \"{encoding_name}\"\nsign.timestamp_unit = \"{unit_name}\""
                );
                variants.push((KeyInfo { hash, encoding, unit }, config));
            }
        }
    }
    assert_eq!(variants.len(), KeyInfo::all().len());
    let only = |variant: &KeyInfo| Eduyun::builder().key_infos([*variant]);
    let told = variants.iter().map(|(variant, config)| (only(variant), config.clone()));
    let untold = variants.iter().map(|(variant, _)| (only(variant), String::new()));
    let many = Many::of(told.chain(untold)).await;
    for (n, (variant, _)) in variants.iter().enumerate() {
        many.call(n, "app.list", &json!({})).await.expect(200);
        assert_eq!(many.sims[n].counters().credential_rejections, 0, "{variant:?}");
        // The same upstream refuses what a link that says nothing writes, unless it is just that.
        let unsaid = many.call(variants.len() + n, "app.list", &json!({})).await;
        if *variant == KeyInfo::default() {
            unsaid.expect(200);
        } else {
            unsaid.problem(502, "auth-failed", "not-sent");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_found_in_every_reply_that_gateways_give_and_its_life_in_every_form() {
    let forms = [TokenReply::Data, TokenReply::TokenInfo, TokenReply::TokenInfoToken, TokenReply::TopLevel];
    let times = [ValidTime::Milliseconds, ValidTime::Seconds, ValidTime::Relative, ValidTime::Absent];
    let replies: Vec<_> = forms.into_iter().flat_map(|form| times.map(|time| (form, time))).collect();
    // A life of two hours, but the default of one where the reply says none.
    let sim = |(form, time): (TokenReply, ValidTime)| {
        Eduyun::builder().token_reply(form).valid_time(time).token_ttl(std::time::Duration::from_secs(7200))
    };
    let many = Many::of(replies.iter().map(|reply| (sim(*reply), String::new()))).await;
    for (n, reply) in replies.iter().enumerate() {
        many.call(n, "app.list", &json!({})).await.expect(200);
        let checked = many.call(n, "token.check", &json!({})).await.expect(200);
        let until: jiff::Timestamp = super::text(&checked["validUntil"]).parse().unwrap();
        let left = until.duration_since(jiff::Timestamp::now()).as_secs();
        let life = if reply.1 == ValidTime::Absent { 3600 } else { 7200 };
        assert!((life - 600..=life).contains(&left), "{reply:?}: {left}");
        assert_eq!(many.sims[n].counters().tokens_issued, 1, "{reply:?}: it is kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_of_the_older_generation_has_its_own_path() {
    let sim = Eduyun::builder().quirky().token_reply(TokenReply::TokenInfoToken);
    let docked = docked_with(sim, |region| region.config("token.path = \"/apigateway/getaccesstoken\"")).await;
    docked.done("app.list", &json!({})).await;
    assert_eq!(docked.sim.journal()[0].path, "/apigateway/getaccesstoken");
    let elsewhere = docked_with(Eduyun::builder(), |region| region.config("token.path = \"/nowhere\"")).await;
    elsewhere.call("app.list", &json!({})).await.problem(500, "config", "not-sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_regions_of_one_connector_have_tokens_of_their_own() {
    let many = Many::of([(Eduyun::builder(), String::new()), (Eduyun::builder(), String::new())]).await;
    for n in 0..2 {
        many.call(n, "app.list", &json!({})).await.expect(200);
        assert_eq!(many.sims[n].counters().tokens_issued, 1);
    }
}
