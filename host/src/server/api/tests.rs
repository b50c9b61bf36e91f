//! Calls through the whole of the server, to a guest made from text.

mod batches;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{
    config::PlatformConfig,
    server::{
        auth::generate,
        tests::{
            guest::{INPUT_MAX, dispatcher},
            harness::{Host, LONG, Reply},
            queue::{Queue, queue},
        },
    },
};

const JSON: &str = "content-type: application/json";

/// A host with links `zj.a`, `zj.b`, `sh.c` and the refused `zj.off`, and the Authorization lines of two platforms: one that
/// sees all, one that sees `zj.*` and of it the operations `echo` and `reject`.
struct Fixture {
    host: Host,
    all: String,
    some: String,
    queue: Queue,
}

impl Fixture {
    async fn start() -> Self {
        Self::with(Duration::from_secs(30), INPUTS_MAX).await
    }

    async fn with(body_timeout: Duration, inputs_max: usize) -> Self {
        let (all, some) = (generate().unwrap(), generate().unwrap());
        let platform = |name: &str, (id, sha256): (&str, &str), links: &[&str], operations: &[&str]| PlatformConfig {
            name: name.parse().unwrap(),
            key_id: id.to_owned(),
            key_sha256: sha256.to_owned(),
            links: links.iter().map(ToString::to_string).collect(),
            operations: operations.iter().map(ToString::to_string).collect(),
        };
        let platforms = [
            platform("city", (&all.id, &all.sha256), &["*"], &["*"]),
            platform("campus", (&some.id, &some.sha256), &["zj.*"], &["echo", "reject"]),
        ];
        let dispatcher = dispatcher(&["zj.a", "zj.b", "sh.c"], &["zj.off"]).await;
        let queue = queue(dispatcher.clone());
        let api = Api {
            dispatcher,
            push: queue.push.clone(),
            auditor: queue.auditor.clone(),
            keys: Arc::new(PlatformKeys::from_config(&platforms).unwrap()),
            body_timeout,
            trusted_proxies: Vec::new(),
        };
        let bearer = |key: &str| format!("authorization: Bearer {key}");
        Self {
            host: Host::of(routes(Arc::new(api), inputs_max, Duration::from_millis(50))).await,
            all: bearer(&all.secret),
            some: bearer(&some.secret),
            queue,
        }
    }

    async fn call(&self, key: &str, link: &str, operation: &str, body: &str) -> Reply {
        self.host.ask(&format!("POST /v1/links/{link}/operations/{operation}"), &[key, JSON], body).await
    }

    async fn get(&self, key: &str, path: &str) -> Reply {
        self.host.ask(&format!("GET {path}"), &[key], "").await
    }
}

fn kind(reply: &Reply) -> (u16, String) {
    let problem = reply.problem();
    (reply.status, problem["type"].as_str().unwrap().trim_start_matches("urn:duijie:problem:").to_owned())
}

#[tokio::test]
async fn an_output_comes_back_byte_for_byte() {
    let fixture = Fixture::start().await;
    let input = "{ \"n\" : 1, \"text\": \"谈心\\u0000\", \"f\": 1.0e0, \"n2\": 1.10 }";
    for (key, link, operation) in
        [(&fixture.all, "zj.a", "echo"), (&fixture.some, "zj.b", "echo"), (&fixture.all, "sh.c", "other.echo")]
    {
        let reply = fixture.call(key, link, operation, input).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, input));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert!(reply.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn calls_that_fail_say_what_and_why() {
    let fixture = Fixture::start().await;
    let reply = fixture.call(&fixture.all, "zj.a", "reject", "{}").await;
    assert_eq!(kind(&reply), (409, "upstream-rejected".into()));
    let problem = reply.problem();
    assert_eq!((&problem["upstream_code"], &problem["outcome"]), (&json!("40901"), &json!("rejected")));
    assert_eq!(problem["instance"], "/v1/links/zj.a/operations/reject");

    assert_eq!(kind(&fixture.call(&fixture.all, "zj.a", "trap.now", "{}").await), (500, "internal".into()));
    assert_eq!(kind(&fixture.call(&fixture.all, "zj.off", "echo", "{}").await), (500, "config".into()));

    let reply = fixture.call(&fixture.all, "zj.a", "echo", "{\"n\": \"geheim\"}").await;
    assert_eq!(kind(&reply), (422, "invalid-input".into()));
    assert_eq!(reply.problem()["errors"][0]["pointer"], "/n");
    assert!(!reply.body.contains("geheim"), "{}", reply.body);

    for broken in ["{", "{\"n\": NaN}", "", "\u{feff}{}"] {
        assert_eq!(
            kind(&fixture.call(&fixture.all, "zj.a", "echo", broken).await),
            (400, "malformed-json".into()),
            "{broken:?}"
        );
    }
    let deep = "[".repeat(100_000 / 2);
    assert_eq!(kind(&fixture.call(&fixture.all, "zj.a", "echo", &deep).await), (400, "malformed-json".into()));
}

#[tokio::test]
async fn without_a_key_nothing_is_told_and_nothing_is_read() {
    let fixture = Fixture::start().await;
    let other = format!("authorization: Bearer {}", *generate().unwrap().secret);
    for path in [
        "GET /v1/links",
        "GET /v1/links/zj.a",
        "GET /v1/links/none",
        "GET /openapi.json",
        "POST /v1/links/zj.a/operations/echo",
        "POST /v1/links/none/operations/none",
    ] {
        let reply = fixture.host.ask(path, &[], "").await;
        assert_eq!(kind(&reply), (401, "unauthenticated".into()), "{path}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"duijie\""));
        assert_eq!(fixture.host.ask(path, &[&other], "").await.status, 401, "{path}");
    }
    let key = fixture.all.rsplit(' ').next().unwrap();
    assert_eq!(fixture.host.ask(&format!("GET /v1/links?key={key}&access_token={key}"), &[], "").await.status, 401);

    // The body never comes; the answer does.
    let mut stream = fixture.host.connect().await;
    let head = "POST /v1/links/zj.a/operations/echo HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 1000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(Reply::read_last(&mut stream).await.status, 401, "and no 100 Continue before it");
}

#[tokio::test]
async fn what_a_key_may_not_see_is_as_if_it_were_not_there() {
    let fixture = Fixture::start().await;
    let same_id = "x-request-id: same";
    // The same words for a link that is there and for one that is not, but for its name.
    for path in ["GET /v1/links/{}", "POST /v1/links/{}/operations/echo", "POST /v1/links/{}/operations/none"] {
        let ask = |link: &str| path.replace("{}", link);
        for headers in [vec![JSON], vec!["content-type: text/plain"], vec![]] {
            let headers: Vec<&str> = headers.into_iter().chain([fixture.some.as_str(), same_id]).collect();
            let hidden = fixture.host.ask(&ask("sh.c"), &headers, "").await;
            let absent = fixture.host.ask(&ask("sh.d"), &headers, "").await;
            assert_eq!(kind(&hidden), (404, "unknown-link".into()));
            assert_eq!(
                (hidden.status, hidden.body.replace("sh.c", "sh.d")),
                (absent.status, absent.body.clone()),
                "{path}"
            );
            assert_eq!(hidden.names(), absent.names(), "{path}");
        }
    }
    // Likewise operations, and the ones that are named are those in scope.
    let hidden = fixture.call(&fixture.some, "zj.a", "trap.now", "{}").await;
    let absent = fixture.call(&fixture.some, "zj.a", "trap.not", "{}").await;
    assert_eq!(kind(&hidden), (404, "unknown-operation".into()));
    let (mut hidden, mut absent) = (hidden.problem(), absent.problem());
    assert!(hidden["detail"].as_str().unwrap().ends_with("it has echo, reject"), "{hidden}");
    for problem in [&mut hidden, &mut absent] {
        problem["request_id"] = Value::Null;
        problem["instance"] = Value::Null;
    }
    assert_eq!(hidden.to_string().replace("trap.now", "trap.not"), absent.to_string());
}

#[tokio::test]
async fn only_json_is_taken_and_only_up_to_the_bound() {
    let fixture = Fixture::start().await;
    let path = "POST /v1/links/zj.a/operations/echo";
    for good in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.x+json",
        "application/problem+json ;a=b",
    ] {
        let reply = fixture.host.ask(path, &[&fixture.all, &format!("content-type: {good}")], "{}").await;
        assert_eq!(reply.status, 200, "{good}");
    }
    for bad in [
        vec![],
        vec!["content-type: text/plain"],
        vec!["content-type: application/jsonx"],
        vec!["content-type: json"],
        vec!["content-type: application/x-www-form-urlencoded"],
        vec![JSON, "content-encoding: gzip"],
    ] {
        let headers: Vec<&str> = bad.iter().copied().chain([fixture.all.as_str()]).collect();
        assert_eq!(kind(&fixture.host.ask(path, &headers, "{}").await), (415, "media-type".into()), "{bad:?}");
    }
    let of = |bytes: usize| format!("{{\"t\":\"{}\"}}", "x".repeat(bytes - 8));
    assert_eq!(fixture.call(&fixture.all, "zj.a", "echo", &of(INPUT_MAX)).await.status, 200);
    let reply = fixture.call(&fixture.all, "zj.a", "echo", &of(INPUT_MAX + 1)).await;
    assert_eq!(kind(&reply), (413, "too-large".into()));
    assert!(reply.problem()["detail"].as_str().unwrap().contains(&INPUT_MAX.to_string()));
}

#[tokio::test]
async fn a_body_that_drips_is_given_up() {
    let fixture = Fixture::with(Duration::from_millis(200), INPUTS_MAX).await;
    let (mut read, mut write) = fixture.host.connect().await.into_split();
    let head = format!(
        "POST /v1/links/zj.a/operations/echo HTTP/1.1\r\nhost: t\r\n{}\r\n{JSON}\r\ncontent-length: 1000\r\n\r\n",
        fixture.all
    );
    write.write_all(head.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        while write.write_all(b"{").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(LONG, read.read_to_end(&mut bytes)).await.expect("no end");
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("slow-body"), "{text}");
    tokio::time::timeout(LONG, dripping).await.expect("no end").unwrap();
}

#[tokio::test]
async fn the_catalogue_holds_what_the_key_may_use() {
    let fixture = Fixture::start().await;
    let ids = |reply: &Reply| -> Vec<String> {
        reply.json()["links"].as_array().unwrap().iter().map(|link| link["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&fixture.get(&fixture.all, "/v1/links").await), ["sh.c", "zj.a", "zj.b", "zj.off"]);
    let reply = fixture.get(&fixture.some, "/v1/links").await;
    assert_eq!(ids(&reply), ["zj.a", "zj.b", "zj.off"]);
    assert_eq!(
        reply.json()["links"][0],
        json!({ "id": "zj.a", "state": "serving", "connector": "mirror", "version": "0.1.0", "summary": { "en": "Mirror", "zh": "镜" } })
    );
    assert_eq!(reply.json()["links"][2], json!({ "id": "zj.off", "state": "refused", "connector": "mirror" }));
    assert!(reply.json()["next"].is_null());

    let first = fixture.get(&fixture.all, "/v1/links?limit=2").await;
    assert_eq!((ids(&first), &first.json()["next"]), (vec!["sh.c".to_owned(), "zj.a".to_owned()], &json!("zj.a")));
    let second = fixture.get(&fixture.all, "/v1/links?limit=2&after=zj.a").await;
    assert_eq!((ids(&second), &second.json()["next"]), (vec!["zj.b".to_owned(), "zj.off".to_owned()], &Value::Null));
    for bad in ["0", "1001", "-1", "x", ""] {
        assert_eq!(
            kind(&fixture.get(&fixture.all, &format!("/v1/links?limit={bad}")).await),
            (400, "query".into()),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_link_shows_its_operations_with_their_schemas() {
    let fixture = Fixture::start().await;
    let link = fixture.get(&fixture.some, "/v1/links/zj.a").await.json();
    assert_eq!((&link["id"], &link["state"]), (&json!("zj.a"), &json!("serving")));
    assert_eq!(link["revision"].as_str().unwrap().len(), 12);
    let names: Vec<&str> =
        link["operations"].as_array().unwrap().iter().map(|op| op["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["echo", "reject"]);
    let echo = &link["operations"][0];
    assert_eq!((&echo["effect"], &echo["repeat"], &echo["key"]), (&json!("write"), &json!("safe"), &json!("/n")));
    assert_eq!((&echo["deadline_ms"], &echo["max_body"]), (&json!(5000), &json!(INPUT_MAX)));
    assert_eq!((&echo["personal"], &echo["input"]["type"]), (&json!(["/name"]), &json!("object")));

    let off = fixture.get(&fixture.some, "/v1/links/zj.off").await.json();
    assert_eq!(off, json!({ "id": "zj.off", "state": "refused", "connector": "mirror", "operations": [] }));
}

#[tokio::test]
async fn the_openapi_document_is_the_keys_own() {
    let fixture = Fixture::start().await;
    let mine = fixture.get(&fixture.some, "/openapi.json").await;
    assert!(mine.json()["paths"]["/v1/links/{link}/operations/echo"]["post"].is_object());
    assert!(!mine.body.contains("trap.now") && !mine.body.contains("sh.c"), "{}", mine.body);
    let all = fixture.get(&fixture.all, "/openapi.json").await;
    assert!(all.body.contains("trap.now") && all.body.contains("sh.c"));
}

#[tokio::test]
async fn segments_that_are_no_names_are_unknown() {
    let fixture = Fixture::start().await;
    for link in ["%ff", "zj%2fa", "ZJ.A", "..", "zj.a%00", &"x".repeat(4000)] {
        let reply = fixture.call(&fixture.all, link, "echo", "{}").await;
        assert_eq!(reply.status, 404, "{link}");
        assert!(reply.body.len() < 2000, "{link}");
        reply.problem();
    }
}

#[tokio::test]
async fn a_preference_that_is_not_known_is_ignored() {
    let fixture = Fixture::start().await;
    let headers = [fixture.all.as_str(), JSON, "prefer: return=minimal"];
    let reply = fixture.host.ask("POST /v1/links/zj.a/operations/echo", &headers, "{}").await;
    assert_eq!((reply.status, reply.header("preference-applied")), (200, None));
}

#[tokio::test]
async fn a_host_that_holds_all_the_input_it_may_is_busy() {
    let fixture = Fixture::with(Duration::from_secs(30), 8 << 10).await;
    assert_eq!(fixture.call(&fixture.all, "zj.a", "echo", "{}").await.status, 200);
    let reply = fixture.call(&fixture.all, "zj.a", "echo", &format!("{{\"t\":\"{}\"}}", "x".repeat(3000))).await;
    assert_eq!((kind(&reply), reply.header("retry-after")), ((503, "busy".into()), Some("1")));
    // What was held is given back.
    assert_eq!(fixture.call(&fixture.all, "zj.a", "echo", "{}").await.status, 200);
}

#[tokio::test]
async fn a_platform_that_sends_and_never_ends_leaves_the_others_alone() {
    let fixture = Fixture::with(Duration::from_secs(30), 4 * COPIES * INPUT_MAX).await;
    // Without a length, so that it may be as long as it gets.
    let head = format!(
        "POST /v1/links/zj.a/operations/echo HTTP/1.1\r\nhost: t\r\n{}\r\n{JSON}\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{{\r\n",
        fixture.some
    );
    let mut open = fixture.host.connect().await;
    open.write_all(head.as_bytes()).await.unwrap();
    let busy = async {
        while fixture.call(&fixture.some, "zj.a", "echo", "{}").await.status != 503 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, busy).await.expect("its own share is used up");
    assert_eq!(kind(&fixture.call(&fixture.some, "zj.a", "echo", "{}").await), (503, "busy".into()));
    assert_eq!(fixture.call(&fixture.all, "zj.a", "echo", "{}").await.status, 200);
    drop(open);
    let free = async {
        while fixture.call(&fixture.some, "zj.a", "echo", "{}").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, free).await.expect("what was held is given back");
}
