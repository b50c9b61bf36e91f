//! Secrets never enter a guest: a hunter that may read its whole memory, its arguments, its environment and every
//! answer, from an upstream that echoes all it is sent, finds no eight bytes of the secret in any spelling.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use duijie_tests::{
    harness::{Host, Setup},
    upstreams::{Rule, Simulator, ZjGxsz},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::support::{SECRETS, TOKEN, hostile_host, hostile_link, parse};

/// How many eight-byte windows the hunter compares.
const WINDOW: usize = 8;

async fn echoing() -> Simulator<ZjGxsz> {
    let sim = ZjGxsz::builder().start().await.unwrap();
    sim.faults().add(Rule::new(parse("echo")));
    sim
}

/// Every spelling in which a secret may come back.
fn spellings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let json = Value::from(secret).to_string();
    vec![
        secret.to_owned(),
        hex::encode(bytes),
        hex::encode_upper(bytes),
        STANDARD.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        percent.to_lowercase(),
        percent,
        form,
        json.replace('/', "\\/"),
        json,
        secret.chars().rev().collect(),
    ]
}

/// All windows of these texts, scrambled as the hunter scrambles what it reads.
fn windows(texts: &[String]) -> Vec<String> {
    let scramble = |window: &[u8]| {
        let mut z = u64::from_be_bytes(window.try_into().unwrap()).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:016x}", z ^ (z >> 31))
    };
    let mut all: Vec<String> = texts.iter().flat_map(|text| text.as_bytes().windows(WINDOW).map(scramble)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Requests that carry the secret in query, header and body, in every encoding the contract has, alone and composed.
fn carriers(url: &str) -> Value {
    let encodings = ["raw", "hex", "hex-upper", "base64", "form", "json"];
    let secret = |encoding: &str| json!({ "secret": { "slot": "token", "encoding": encoding } });
    let mut all: Vec<Value> = encodings
        .map(|encoding| {
            // A raw secret does not fit a URL as it is.
            let in_query = if matches!(encoding, "raw" | "json") { "form" } else { encoding };
            json!({
                "url": [{ "text": format!("{url}/echo?q=") }, secret(in_query)],
                "header": [{ "text": "before " }, secret(encoding), { "text": " after" }],
                "body": [{ "text": "{\"k\":\"" }, secret(encoding), { "text": "\"}" }],
            })
        })
        .into();
    let basic = json!([{ "text": "Basic " }, { "base64": [{ "text": "client-id:" }, secret("raw")] }]);
    all.push(
        json!({ "url": [{ "text": format!("{url}/echo") }], "header": basic, "body": [secret("raw"), secret("raw")] }),
    );
    all.into()
}

async fn hunted(host: &Host, requests: &Value, texts: &[String], plant: &str) -> Value {
    let input = json!({ "windows": windows(texts), "requests": requests, "plant": plant });
    host.call("h.one", "secret.hunt", &input).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hunter_finds_no_eight_bytes_of_the_secret_in_memory_environment_or_echoes() {
    let sim = echoing().await;
    let host = hostile_host(&[&sim.url()], "[limits]\ncpu_ms = 30000\ndeadline_ms = 60000").await;
    let requests = carriers(&sim.url());
    let carried = requests.as_array().unwrap().len() as u64;
    let finds = hunted(&host, &requests, &spellings(TOKEN), "").await;
    assert_eq!(
        (finds["memory"].as_u64(), finds["environment"].as_u64(), finds["answers"].as_u64()),
        (Some(0), Some(0), Some(0)),
        "{finds}"
    );
    assert_eq!(finds["answered"], carried, "every request was echoed: {finds}");
    assert!(finds["memory_bytes"].as_u64().unwrap() > 1 << 20, "{finds}");
    assert_eq!(finds["variables"], 0, "{finds}");
    assert_eq!(sim.counters().requests_of("unknown"), carried);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_json_must_escape_is_masked_in_an_answer_that_is_json() {
    let sim = echoing().await;
    let secret = "a\"quote\\and 非ASCII/slash";
    let setup = Setup::new().guest("hostile").env("TEST_TOKEN", secret);
    let limits = "[limits]\ncpu_ms = 30000\ndeadline_ms = 60000";
    let host = setup.link("h/one", &hostile_link(&[&sim.url()], &format!("{limits}\n{SECRETS}"))).start().await;
    host.until("the link to serve", |all| all.link_state("h.one") == "serving").await;
    let piece = |encoding: &str| json!([{ "secret": { "slot": "token", "encoding": encoding } }]);
    for encoding in ["raw", "hex", "hex-upper", "base64", "form"] {
        // The echo puts what was sent into JSON. What was JSON before is then JSON in JSON: one encoding inside another,
        // which the masker does not look for (host/src/secret/spelling.rs).
        let carrier = json!([{
            "url": [{ "text": format!("{}/echo", sim.url()) }], "header": piece("hex"), "body": piece(encoding)
        }]);
        let finds = hunted(&host, &carrier, &spellings(secret), "").await;
        assert_eq!((finds["answered"].as_u64(), finds["answers"].as_u64()), (Some(1), Some(0)), "{encoding}: {finds}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hunter_does_find_what_is_there() {
    let sim = echoing().await;
    let host = hostile_host(&[&sim.url()], "[limits]\ncpu_ms = 30000\ndeadline_ms = 60000").await;
    let planted = "a-planted-text-to-be-found";
    let finds = hunted(&host, &json!([]), &[planted.to_owned()], planted).await;
    assert!(finds["memory"].as_u64().unwrap() > 0, "{finds}");
    let carrier = json!([{
        "url": [{ "text": format!("{}/echo", sim.url()) }], "header": [{ "text": planted }], "body": [{ "text": "x" }]
    }]);
    let finds = hunted(&host, &carrier, &[planted.to_owned()], "").await;
    assert!(finds["answers"].as_u64().unwrap() > 0, "{finds}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_instance_finds_nothing_of_the_call_before() {
    let sim = echoing().await;
    let host = hostile_host(&[&sim.url()], "[limits]\ncpu_ms = 30000\ndeadline_ms = 60000").await;
    // A memory slot is used again: nothing of the last call's input may be left in it.
    let left_behind = "left-behind-by-another-call-of-another-person".repeat(100);
    for _ in 0..20 {
        host.call("h.one", "echo", &json!(left_behind)).await.expect(200);
    }
    let finds = hunted(&host, &json!([]), &[left_behind], "").await;
    assert_eq!(finds["memory"], 0, "{finds}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_really_arrives_in_every_encoding() {
    // Without masking on our side: a plain socket that keeps what it gets.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let host = hostile_host(&[&url], "").await;
    for (encoding, expected) in [
        ("raw", TOKEN.to_owned()),
        ("hex", hex::encode(TOKEN)),
        ("hex-upper", hex::encode_upper(TOKEN)),
        ("base64", STANDARD.encode(TOKEN)),
        ("form", url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect()),
        ("json", Value::from(TOKEN).to_string().trim_matches('"').to_owned()),
    ] {
        let secret = json!({ "secret": { "slot": "token", "encoding": encoding } });
        let shape = json!({ "method": "POST", "url": [{ "text": url }], "body": [secret] });
        let receive = async {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !String::from_utf8_lossy(&request).ends_with(&expected) {
                let mut piece = [0; 4096];
                let read = stream.read(&mut piece).await.unwrap();
                assert!(read > 0, "{encoding}: {}", String::from_utf8_lossy(&request));
                request.extend_from_slice(&piece[..read]);
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
        };
        let (answer, ()) = tokio::join!(host.call("h.one", "http.send", &shape), receive);
        assert_eq!(answer.expect(200)["response"]["status"], 204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_secret_is_in_anything_the_host_writes() {
    let sim = echoing().await;
    let host = hostile_host(&[&sim.url()], "[limits]\ncpu_ms = 30000\ndeadline_ms = 60000").await;
    hunted(&host, &carriers(&sim.url()), &spellings(TOKEN), "").await;
    let told = [
        host.rollouts().await.text(),
        host.admin(http::Method::GET, "/metrics").send().await.text(),
        host.get("/openapi.json").await.text(),
        host.get("/v1/links/h.one").await.text(),
        host.setup().run(&["link", "explain", "h.one"]).stdout,
        host.setup().run(&["check", "--format", "json"]).stdout,
    ];
    let stopped = host.terminate().await;
    let all = told.concat() + &stopped.written();
    for spelling in spellings(TOKEN) {
        assert!(!all.contains(&spelling), "{spelling}");
    }
}
