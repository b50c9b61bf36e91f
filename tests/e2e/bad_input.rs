//! What platforms send wrongly: problem+json with the right status, and nothing reaches the upstream.

use duijie_tests::{
    fixtures,
    harness::{Answer, Request},
};
use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Docked, LINK, docked, docked_with, requests};

const ONE: &str = "record.push-one";

/// Sends it, and proves that the upstream has seen nothing of it.
async fn refused(docked: &Docked, request: Request) -> Answer {
    let answer = request.send().await;
    assert_eq!(requests(&docked.sim.counters()), 0, "{}", answer.text());
    answer
}

fn good(docked: &Docked) -> Request {
    docked.host.call_request(LINK, ONE, fixtures::talk_one(1).to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_json_is_400_with_line_and_column() {
    let docked = docked().await;
    let deep = "[".repeat(100_000);
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"{\"recordId\": 1,}",
        b"not json",
        b"{\"a\": 1} trailing",
        b"{\"a\": NaN}",
        b"{\"a\": \"\xff\xfe\"}",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let answer = refused(&docked, docked.host.call_request(LINK, ONE, body.to_vec())).await;
        let problem = answer.problem(400, "invalid-input", "not-sent");
        assert_eq!(problem["type"], "urn:duijie:problem:malformed-json", "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("line"), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_out_of_range_is_refused_or_kept_but_never_crashes() {
    let docked = docked().await;
    let answer = refused(&docked, docked.host.call_request(LINK, ONE, "{\"recordId\": 1e400}")).await;
    assert!((400..500).contains(&answer.status), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_is_much_larger_in_memory_than_on_the_wire_is_refused_cheaply() {
    let docked = docked().await;
    let before = docked.host.resident_bytes();
    let bodies = [
        format!("[{}[]]", "[],".repeat(300_000)),
        format!("{{{}\"a\":1}}", "\"a\":1,".repeat(150_000)),
        format!("{{\"students\":[{}0]}}", "0,".repeat(400_000)),
    ];
    for body in bodies {
        let answer = refused(&docked, docked.host.call_request(LINK, ONE, body)).await;
        let problem = answer.problem(422, "invalid-input", "not-sent");
        let listed = problem["errors"].as_array().map_or(0, Vec::len);
        assert!(listed <= 100 && answer.body.len() < 64 << 10, "{listed} violations, {} bytes", answer.body.len());
    }
    let grown = docked.host.resident_bytes().saturating_sub(before);
    assert!(grown < 256 << 20, "{grown} bytes more are held");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_schema_violations_are_listed_with_their_pointers() {
    let docked = docked().await;
    let mut record = fixtures::talk_one(1);
    record["content"] = json!(7);
    record["teacherName"] = json!(["师"]);
    record["students"] = json!([{ "studentNo": "1", "studentName": {} }]);
    record["attention"] = json!(9);
    record["talkTime"] = json!(null);
    let request = docked.host.call_request(LINK, ONE, record.to_string());
    let problem = refused(&docked, request).await.problem(422, "invalid-input", "not-sent");
    let errors = problem["errors"].as_array().unwrap();
    let pointers: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    for pointer in ["/content", "/teacherName", "/students/0/studentName", "/attention", "/talkTime"] {
        assert!(pointers.contains(&pointer), "{pointer} in {pointers:?}");
    }
    assert!(errors.iter().all(|error| !error["message"].as_str().unwrap().is_empty()), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_violation_never_repeats_the_value() {
    let docked = docked().await;
    let mut record = fixtures::talk_one(1);
    record["content"] = json!({ "text": "谈心谈话样本正文-repeat" });
    let request = docked.host.call_request(LINK, ONE, record.to_string());
    let answer = refused(&docked, request).await;
    answer.problem(422, "invalid-input", "not-sent");
    assert!(!answer.text().contains("谈心谈话样本正文"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_object_is_422() {
    let docked = docked().await;
    for body in ["null", "[]", "\"x\"", "1", "true"] {
        let request = docked.host.call_request(LINK, ONE, body);
        let problem = refused(&docked, request).await.problem(422, "invalid-input", "not-sent");
        assert_eq!(problem["errors"][0]["pointer"], "", "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_link_is_404_and_says_so() {
    let docked = docked().await;
    for link in ["zj.nobody", "zj", "nbufe", "%2e%2e", "zj.nbufe%00", &"a".repeat(300)] {
        let request = docked.host.call_request(link, ONE, fixtures::talk_one(1).to_string());
        refused(&docked, request).await.problem(404, "invalid-input", "not-sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_operation_is_404_and_lists_what_there_is() {
    let docked = docked().await;
    for operation in ["record.push-two", "record", "RECORD.PUSH-ONE", "describe"] {
        let request = docked.host.call_request(LINK, operation, "{}");
        let problem = refused(&docked, request).await.problem(404, "invalid-input", "not-sent");
        assert_eq!(problem["type"], "urn:duijie:problem:unknown-operation");
        assert!(problem["detail"].as_str().unwrap().contains("record.push-one"), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_another_platform_is_answered_exactly_as_one_that_does_not_exist() {
    let sim = duijie_tests::upstreams::ZjGxsz::builder().start().await.unwrap();
    let toml = crate::support::College::at(&sim.url()).toml();
    let setup = crate::support::setup().link("zj/nbufe", &toml).platform("museum", "sh.*", "*");
    let host = setup.start().await;
    host.until("the link to serve", |all| all.link_state(LINK) == "serving").await;
    let ask = async |link: &str| {
        let request = host.call_request(link, ONE, fixtures::talk_one(1).to_string()).key(host.key("museum"));
        let answer = request.header("x-request-id", "same").send().await;
        (
            answer.status,
            answer.text().replace(link, "LINK"),
            answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>(),
        )
    };
    let (theirs, nobodys) = (ask(LINK).await, ask("zj.nowhere").await);
    assert_eq!(theirs, nobodys);
    assert_eq!(theirs.0, 404);
    let list = host.api(Method::GET, "/v1/links").key(host.key("museum")).send().await.expect(200);
    assert_eq!(list["links"], json!([]));
    let one = host.api(Method::GET, "/v1/links/zj.nbufe").key(host.key("museum")).send().await;
    one.problem(404, "invalid-input", "not-sent");
    assert_eq!(requests(&sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_a_key_does_not_open_is_404_and_not_listed() {
    let sim = duijie_tests::upstreams::ZjGxsz::builder().start().await.unwrap();
    let toml = crate::support::College::at(&sim.url()).toml();
    let host = crate::support::setup().link("zj/nbufe", &toml).platform("reader", "zj.*", "record.check").start().await;
    host.until("the link to serve", |all| all.link_state(LINK) == "serving").await;
    let record = fixtures::talk_one(1).to_string();
    let problem = host.call_request(LINK, ONE, record).key(host.key("reader")).send().await.problem(
        404,
        "invalid-input",
        "not-sent",
    );
    assert!(!problem.to_string().contains("push-multi"), "what the key may not see is not named: {problem}");
    let input = json!({ "endpoint": "one", "record": fixtures::talk_one(1) });
    let checked = host.call_request(LINK, "record.check", input.to_string()).key(host.key("reader")).send().await;
    checked.expect(200);
    assert_eq!(requests(&sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_and_wrong_keys_are_401_with_a_challenge() {
    let docked = docked().await;
    let key = docked.host.key("campus").to_owned();
    let mut altered = key.clone();
    let last = altered.pop().unwrap();
    altered.push(if last == 'A' { 'B' } else { 'A' });
    let wrong = [
        good(&docked).without("authorization"),
        good(&docked).key(""),
        good(&docked).key("dj_00000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        good(&docked).key(&altered),
        good(&docked).key(&key[..key.len() - 1]),
        good(&docked).header("authorization", &format!("Basic {key}")),
        docked.host.api(Method::POST, &format!("/v1/links/{LINK}/operations/{ONE}?key={key}")).json("{}"),
    ];
    for request in wrong {
        let answer = refused(&docked, request).await;
        answer.problem(401, "denied", "not-sent");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{:?}", answer.headers);
    }
    // None of that locks out a right key.
    good(&docked).send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_wrong_keys_is_429_and_a_right_key_still_works() {
    let docked = docked().await;
    let mut limited = false;
    for _ in 0..60 {
        let answer = refused(&docked, good(&docked).key("dj_00000000_wrong")).await;
        limited |= answer.status == 429 && !answer.header("retry-after").is_empty();
    }
    assert!(limited);
    good(&docked).send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_open_only_their_own_listener() {
    let docked = docked().await;
    let campus = docked.host.key("campus").to_owned();
    docked.host.admin(Method::GET, "/v1/rollouts").key(&campus).send().await.problem(401, "denied", "not-sent");
    docked
        .host
        .admin(Method::GET, "/v1/rollouts")
        .without("authorization")
        .send()
        .await
        .problem(401, "denied", "not-sent");
    for path in ["/metrics", "/healthz", "/readyz", "/version", "/v1/rollouts", "/v1/reload"] {
        let answer = docked.host.api(Method::GET, path).key(&campus).send().await;
        answer.problem(404, "invalid-input", "not-sent");
    }
    for path in ["/openapi.json", "/v1/links"] {
        docked.host.admin(Method::GET, path).send().await.problem(404, "invalid-input", "not-sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_413_whether_announced_or_not() {
    let docked = docked_with(duijie_tests::upstreams::ZjGxsz::builder(), |college| {
        college.tables("[limits]\nmax_body_kib = 64")
    })
    .await;
    let mut record = fixtures::talk_one(1);
    record["content"] = "谈".repeat(100_000).into();
    let request = docked.host.call_request(LINK, ONE, record.to_string());
    let problem = refused(&docked, request).await.problem(413, "invalid-input", "not-sent");
    assert!(problem["detail"].as_str().unwrap().contains("65536"), "{problem}");

    // The same in chunks, without a length: refused while it is still coming.
    let mut stream = tokio::net::TcpStream::connect(docked.host.api_address()).await.unwrap();
    let head = format!(
        "POST /v1/links/{LINK}/operations/{ONE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
        content-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        docked.host.key("campus")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    for _ in 0..8 {
        // The host may have answered and closed already.
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_content_type_or_encoding_is_415() {
    let docked = docked().await;
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"] {
        refused(&docked, good(&docked).header("content-type", media)).await.problem(415, "invalid-input", "not-sent");
    }
    refused(&docked, good(&docked).without("content-type")).await.problem(415, "invalid-input", "not-sent");
    refused(&docked, good(&docked).header("content-encoding", "gzip")).await.problem(415, "invalid-input", "not-sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_405_and_a_wrong_path_404() {
    let docked = docked().await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let path = format!("/v1/links/{LINK}/operations/{ONE}");
        let request = docked.host.api(method, &path).key(docked.host.key("campus"));
        let answer = refused(&docked, request).await;
        answer.problem(405, "invalid-input", "not-sent");
        assert!(answer.header("allow").contains("POST"), "{:?}", answer.headers);
    }
    let request = docked.host.api(Method::POST, "/v1/nothing").key(docked.host.key("campus"));
    refused(&docked, request).await.problem(404, "invalid-input", "not-sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_two_parsers_could_read_differently_is_refused() {
    let docked = docked().await;
    let key = docked.host.key("campus");
    let path = format!("/v1/links/{LINK}/operations/{ONE}");
    let smuggled = [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    ];
    for rest in smuggled {
        let mut stream = tokio::net::TcpStream::connect(docked.host.api_address()).await.unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n{rest}\
            GET /v1/links HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(text.starts_with("HTTP/1.1 400"), "{rest:?}: {text}");
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{rest:?}: the second request was seen: {text}");
    }
    assert_eq!(requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_request_id_is_replaced() {
    let docked = docked().await;
    for id in ["two words", &"x".repeat(500)] {
        let answer = good(&docked).header("x-request-id", id).body("{").send().await;
        let given: Value = answer.problem(400, "invalid-input", "not-sent");
        assert_ne!(given["request_id"], id);
        assert_eq!(answer.header("x-request-id"), given["request_id"].as_str().unwrap());
    }
}
