//! A connector through the test host: what is described, called and received, and the manifest against its schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::{
    About, Class, Hooks, Link, Operations, Outcome, Slot, Use,
    crypto::{self, Algorithm, CryptoError, GcmParams, Mode, Padding},
    encode,
    http::Request,
    kv, log, random,
    secret::{Atom, Part, Secret as SecretRef},
    time,
};

struct Sample;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    base_url: String,
}

#[derive(Deserialize, JsonSchema)]
struct Input {
    id: u32,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    doubled: u32,
}

impl Connector for Sample {
    const NAME: &'static str = "sample";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = Config;

    fn about() -> About {
        About::new("A sample.", "示例。")
            .secret(Slot::new("key", "A key.", "密钥。", [Use::Send, Use::Sm4, Use::Hmac]))
            .secret(Slot::new("other", "Another.", "另一个。", [Use::Digest]).optional())
            .origin("https://up.example.org")
    }

    fn operations(ops: &mut Operations<Self>) {
        ops.add("number.double", double)
            .summary("Doubles.", "加倍。")
            .read()
            .repeat_safe()
            .key("/id")
            .personal(["/names/*"])
            .coalesce(["/id"], ["/at"])
            .deadline_ms(5_000)
            .max_body(1 << 20);
        ops.add("upstream.post", post).summary("Posts.", "发送。").write();
        ops.add("open", |_: &Link<Config>, input: Value| Ok(input))
            .summary("Anything.", "任意。")
            .input_schema(|| json!({ "type": "object", "required": ["a"] }))
            .output_schema(|| json!(true));
    }

    fn hooks(hooks: &mut Hooks<Self>) {
        hooks
            .add("landing", "GET", |_, request| {
                Ok(HookResponse::text(200, &request.query_value("name").unwrap_or_default()))
            })
            .summary("Lands.", "落地。")
            .from_browser();
    }

    fn check(link: &Link<Config>) -> Vec<Problem> {
        if link.config().base_url.is_empty() {
            vec![Problem::new("/base_url", "must not be empty")]
        } else {
            Vec::new()
        }
    }
}

crate::export!(Sample);

fn double(_link: &Link<Config>, input: Input) -> Result<Output, Failure> {
    Ok(Output { doubled: input.id * 2 })
}

fn post(link: &Link<Config>, _input: Value) -> Result<Value, Failure> {
    let basic = [Part::text("Basic "), Part::base64([Atom::text("id:"), SecretRef::raw("key")])];
    Request::post(format!("{}/v1", link.config().base_url)).header("authorization", basic).send()?.json()
}

fn host() -> TestHost {
    let host = TestHost::new();
    host.config(json!({ "base_url": "https://up.example.org" }));
    host.secret("key", "ASNFZ4mrze/+3LqYdlQyEA==", KeyEncoding::Base64);
    host
}

#[test]
fn the_manifest_satisfies_its_schema() {
    let manifest = host().describe::<Sample>();
    let schema = serde_json::from_str(include_str!("../../../wit/manifest.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&manifest).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(manifest["operations"][0]["coalesce"], json!({ "sum": ["/id"], "last": ["/at"] }));
    assert_eq!(manifest["operations"][0]["input"]["required"], json!(["id"]));
    assert_eq!(manifest["operations"][1]["effect"], "write");
    assert_eq!(manifest["operations"][1]["repeat"], "unsafe");
    assert_eq!(manifest["operations"][2]["input"], json!({ "type": "object", "required": ["a"] }));
    assert_eq!(manifest["hooks"][0]["caller"], "browser");
    assert_eq!(manifest["secrets"][0]["uses"], json!(["send", "sm4", "hmac"]));
    assert_eq!(manifest["sdk"], concat!("duijie-sdk ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_call_goes_from_json_to_json() {
    assert_eq!(host().call::<Sample>("number.double", json!({ "id": 21 })), Ok(json!({ "doubled": 42 })));
}

#[test]
fn input_that_does_not_fit_is_refused_without_being_quoted() {
    let failure = host().call::<Sample>("number.double", json!({ "id": "999999199001010016" })).unwrap_err();
    assert_eq!((failure.class, failure.outcome), (Class::InvalidInput, Outcome::NotSent));
    assert!(!failure.message.contains("9999"), "{}", failure.message);
}

#[test]
fn an_unknown_operation_is_the_callers_mistake() {
    assert_eq!(host().call::<Sample>("number.halve", json!({})).unwrap_err().class, Class::InvalidInput);
}

#[test]
fn a_config_that_does_not_fit_is_a_problem_and_a_config_failure() {
    let host = host();
    host.config(json!({ "base_url": "https://up.example.org", "bas_url": 1 }));
    assert_eq!(host.call::<Sample>("open", json!({})).unwrap_err().class, Class::Config);
    assert!(host.check::<Sample>()[0].message.contains("bas_url"));
    host.config(json!({ "base_url": "" }));
    assert_eq!(host.check::<Sample>(), [Problem::new("/base_url", "must not be empty")]);
}

#[test]
fn a_hook_answers() {
    let request = HookRequest {
        hook: "landing".to_owned(),
        method: "GET".to_owned(),
        path: String::new(),
        query: "name=%E5%BC%A0".to_owned(),
        headers: vec![("accept".to_owned(), "text/html".to_owned())],
        body: Vec::new(),
        remote: "192.0.2.1".to_owned(),
    };
    assert_eq!(request.header("accept"), Some("text/html"));
    assert_eq!(host().receive::<Sample>(request.clone()).unwrap(), HookResponse::text(200, "张"));
    let unknown = HookRequest { hook: "other".to_owned(), ..request };
    assert_eq!(host().receive::<Sample>(unknown).unwrap_err().class, Class::InvalidInput);
}

#[test]
fn a_secret_is_on_the_wire_and_nowhere_else() {
    let host = host();
    host.on("POST", "https://up.example.org/v1").reply(200, json!({ "code": 0 }));
    assert_eq!(host.call::<Sample>("upstream.post", json!({})), Ok(json!({ "code": 0 })));
    let expected = format!("Basic {}", encode::base64("id:ASNFZ4mrze/+3LqYdlQyEA=="));
    assert_eq!(host.requests()[0].header("Authorization"), Some(expected.as_str()));
}

#[test]
fn a_slot_serves_its_declared_uses_only() {
    let host = host();
    host.describe::<Sample>();
    host.call::<Sample>("number.double", json!({ "id": 1 })).unwrap();
    let denied = crypto::hash(Algorithm::Sha256, SecretRef::raw("key"));
    assert!(matches!(denied, Err(CryptoError::Denied(_))), "{denied:?}");
    assert!(crypto::hmac(Algorithm::Sm3, "key", "x").is_ok());
    assert!(matches!(crypto::hmac(Algorithm::Sm3, "other", "x"), Err(CryptoError::Denied(_))));
}

#[test]
fn digests_and_macs_match_published_vectors() {
    let host = host();
    host.secret("key", "key", KeyEncoding::Utf8);
    host.call::<Sample>("number.double", json!({ "id": 1 })).unwrap();
    let hash = |algorithm| encode::hex(crypto::hash(algorithm, "abc").unwrap());
    assert_eq!(hash(Algorithm::Md5), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(hash(Algorithm::Sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(hash(Algorithm::Sha256), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(hash(Algorithm::Sm3), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    assert!(hash(Algorithm::Sha512).starts_with("ddaf35a193617abacc417349ae204131"));
    let fox = "The quick brown fox jumps over the lazy dog";
    let mac = crypto::hmac(Algorithm::Sha1, "key", fox).unwrap();
    assert_eq!(encode::hex(&mac), "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9");
    assert_eq!(crypto::verify_hmac(Algorithm::Sha1, "key", fox, &mac), Ok(true));
    assert_eq!(crypto::verify_hash(Algorithm::Md5, "abc", &[0; 16]), Ok(false));
}

#[test]
fn sm4_goes_there_and_back_in_every_mode() {
    let host = host();
    host.call::<Sample>("number.double", json!({ "id": 1 })).unwrap();
    let modes = [
        Mode::LegacyEcb(Padding::Pkcs7),
        Mode::Cbc((vec![7; 16], Padding::Pkcs7)),
        Mode::Ctr(vec![9; 16]),
        Mode::Gcm(GcmParams { nonce: vec![1; 12], aad: b"aad".to_vec() }),
    ];
    for mode in modes {
        let encrypted = crypto::sm4_encrypt(&mode, "key", "谈心谈话".as_bytes()).unwrap();
        assert_eq!(crypto::sm4_decrypt(&mode, "key", &encrypted), Ok("谈心谈话".as_bytes().to_vec()), "{mode:?}");
    }
    let block = encode::from_hex("0123456789abcdeffedcba9876543210").unwrap();
    let encrypted = crypto::sm4_encrypt(&Mode::LegacyEcb(Padding::None), "key", &block).unwrap();
    assert_eq!(encode::hex(&encrypted), "681edf34d206965e86b3e94f536e4246");
    assert!(matches!(
        crypto::sm4_encrypt(&Mode::LegacyEcb(Padding::None), "key", b"short"),
        Err(CryptoError::Invalid(_))
    ));
    assert_eq!(crypto::sm4_decrypt(&Mode::LegacyEcb(Padding::Pkcs7), "key", &block), Err(CryptoError::Verification));
    host.secret("key", "too short", KeyEncoding::Utf8);
    assert!(matches!(crypto::sm4_encrypt(&Mode::LegacyEcb(Padding::Pkcs7), "key", b"x"), Err(CryptoError::Key(_))));
}

#[test]
fn the_store_keeps_values_for_their_time() {
    let host = host();
    assert_eq!(kv::add("a", "1", Some(100)), Ok(true));
    assert_eq!(kv::add("a", "2", Some(100)), Ok(false));
    host.advance_ms(99);
    assert_eq!(kv::get("a"), Ok(Some(b"1".to_vec())));
    host.advance_ms(1);
    assert_eq!(kv::get("a"), Ok(None));
    assert_eq!(kv::increment("n", 2, None), Ok(2));
    assert_eq!(kv::increment("n", -5, None), Ok(-3));
    assert_eq!(kv::take("n"), Ok(Some(b"-3".to_vec())));
    assert_eq!(kv::take("n"), Ok(None));
    kv::set("text", "x", None).unwrap();
    assert_eq!(kv::increment("text", 1, None), Err(kv::KvError::NotANumber));
    kv::delete("text").unwrap();
    assert_eq!(host.kv_keys(), Vec::<String>::new());
}

#[test]
fn a_lock_frees_itself_when_dropped_and_when_its_time_is_over() {
    let host = host();
    drop(kv::lock("l", 1_000).unwrap());
    let held = kv::lock("l", 1_000).unwrap();
    host.advance_ms(1_000);
    let next = kv::lock("l", 1_000).unwrap();
    drop(held);
    drop(next);
}

#[test]
fn what_a_connector_logs_is_seen() {
    let host = host();
    log::warn("something", &[("n", "1")]);
    assert_eq!(host.logs()[0].fields, [("n".to_owned(), "1".to_owned())]);
}

#[test]
fn random_and_time_are_the_hosts() {
    let host = host();
    host.set_now_ms(5);
    assert_eq!(time::now_ms(), 5);
    let (first, second) = (random::nonce().unwrap(), random::nonce().unwrap());
    assert_eq!(first.len(), 32);
    assert_ne!(first, second);
}

#[test]
#[should_panic(expected = "http may not be used here")]
fn describing_may_use_nothing() {
    struct Greedy;
    impl Connector for Greedy {
        const NAME: &'static str = "greedy";
        const VERSION: &'static str = "0.1.0";
        type Config = Value;
        fn about() -> About {
            About::new("", "")
        }
        fn operations(_ops: &mut Operations<Self>) {
            let _ = Request::get("https://up.example.org").send();
        }
    }
    let host = TestHost::new();
    host.describe::<Greedy>();
}
