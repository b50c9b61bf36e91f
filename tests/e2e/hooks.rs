//! Requests that come in: who gets in, what a guest sees, what may be answered, and that whoever is turned away learns
//! nothing. The hostile connector answers them.

use duijie_tests::harness::{Answer, Host, Request, Setup};
use http::Method;
use serde_json::{Value, json};

use crate::support::{hostile_link, still_serves};

/// The secret of the hooks that an upstream calls.
const SECRET: &str = "0123456789abcdefghijklmnopqrstuv";
/// That of the browser's.
const PAGE_SECRET: &str = "zyxwvutsrqponmlkjihgfedcba98_-76";
const LOOPBACK: &str = "allow = [\"127.0.0.1/32\"]";

fn hooks(more: &str) -> String {
    let hook = |name: &str| format!("[hooks.{name}]\npath_secret = {{ env = \"HOOK_SECRET\" }}\n{LOOPBACK}\n");
    let upstream: Vec<String> = ["seen", "answer", "trap", "loop", "fail", "ask"].map(hook).into();
    format!("{}{more}\n[hooks.page]\npath_secret = {{ env = \"PAGE_SECRET\" }}\n", upstream.concat())
}

fn setup(tables: &str) -> Setup {
    Setup::new()
        .guest("hostile")
        .env("HOOK_SECRET", SECRET)
        .env("PAGE_SECRET", PAGE_SECRET)
        .link("h/one", &hostile_link(&[], tables))
        .link("h/two", &hostile_link(&[], ""))
}

async fn start(setup: Setup) -> Host {
    let host = setup.start().await;
    host.until("both links to serve", |all| {
        all.link_state("h.one") == "serving" && all.link_state("h.two") == "serving"
    })
    .await;
    host
}

async fn host() -> Host {
    start(setup(&hooks(""))).await
}

fn hook(host: &Host, method: Method, below: &str) -> Request {
    host.api(method, &format!("/hooks/h.one/{below}"))
}

async fn post(host: &Host, name: &str, body: &Value) -> Answer {
    hook(host, Method::POST, &format!("{SECRET}/{name}")).body(body.to_string()).send().await
}

/// An answer without what differs by nature.
fn shape(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let differing = ["x-request-id", "date"];
    let headers = answer.headers.iter().filter(|(name, _)| !differing.contains(&name.as_str()));
    let headers =
        headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    (answer.status, headers.collect(), answer.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_sees_the_request_as_it_came() {
    let host = host().await;
    let request = hook(&host, Method::PUT, &format!("{SECRET}/seen/a%2Fb/c?x=%E8%B0%88&y"));
    let answer = request.header("X-Sign", "a=b").body("\u{feff}{\"a\":1}").send().await.expect(200);
    assert_eq!(answer["link"], "h.one");
    assert_eq!((&answer["method"], &answer["hook"]), (&json!("PUT"), &json!("seen")));
    assert_eq!((&answer["path"], &answer["query"]), (&json!("/a%2Fb/c"), &json!("x=%E8%B0%88&y")));
    assert_eq!(answer["body"], "\u{feff}{\"a\":1}");
    assert_eq!(answer["remote"], "127.0.0.1");
    assert_eq!(hook(&host, Method::GET, &format!("{SECRET}/seen/")).send().await.expect(200)["path"], "/");
    assert!(answer["headers"].as_array().unwrap().contains(&json!(["x-sign", "a=b"])), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_turned_away_gets_one_answer_whatever_the_cause() {
    let tables = hooks("").replacen(LOOPBACK, "allow = []", 1).replacen(
        "[hooks.answer]\n",
        "[hooks.answer]\nrate_per_min = 1\nmax_body_kib = 1\n",
        1,
    );
    let host = start(setup(&tables)).await;
    let told = json!({ "status": 200, "body": "in" });
    assert_eq!(post(&host, "answer", &told).await.text(), "in");
    let wrong = "0123456789abcdefghijklmnopqrstuw";
    let reference = shape(&hook(&host, Method::POST, &format!("{wrong}/seen")).send().await);
    assert_eq!((reference.0, reference.2.as_str()), (404, "not found\n"));
    let refused = [
        ("an unknown link", host.api(Method::POST, &format!("/hooks/h.nine/{SECRET}/seen"))),
        ("a link without hooks", host.api(Method::POST, &format!("/hooks/h.two/{SECRET}/seen"))),
        ("an unknown hook", hook(&host, Method::POST, &format!("{SECRET}/nothing"))),
        ("a source that is not allowed", hook(&host, Method::POST, &format!("{SECRET}/seen"))),
        ("the wrong method", hook(&host, Method::GET, &format!("{SECRET}/fail"))),
        ("another hook's secret", hook(&host, Method::POST, &format!("{PAGE_SECRET}/fail"))),
        ("over the rate", hook(&host, Method::POST, &format!("{SECRET}/answer")).body(told.to_string())),
        ("a link that is no name", host.api(Method::POST, &format!("/hooks/%00/{SECRET}/seen"))),
        ("no hook at all", host.api(Method::POST, &format!("/hooks/h.one/{SECRET}"))),
        ("nothing but the beginning", host.api(Method::POST, "/hooks/h.one")),
        ("a path that is no UTF-8", host.api(Method::POST, &format!("/hooks/%ff/{SECRET}/seen"))),
    ];
    for (cause, request) in refused {
        assert_eq!(shape(&request.send().await), reference, "{cause}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_hooks_bound_is_turned_away_like_a_stranger() {
    let tables = hooks("").replacen("[hooks.seen]\n", "[hooks.seen]\nmax_body_kib = 2\n", 1);
    let host = start(setup(&tables)).await;
    let send = |bytes: usize| hook(&host, Method::POST, &format!("{SECRET}/seen")).body("x".repeat(bytes)).send();
    assert_eq!(send(2048).await.expect(200)["bytes"], 2048);
    let reference = shape(&hook(&host, Method::POST, "nonsense/seen").send().await);
    assert_eq!(shape(&send(2049).await), reference);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_says_where_a_request_comes_from_and_a_client_does_not() {
    let tables = hooks("").replacen(LOOPBACK, "allow = [\"192.0.2.0/24\"]", 1);
    let seen = |host: &Host, from: &str| {
        hook(host, Method::POST, &format!("{SECRET}/seen")).header("x-forwarded-for", from).send()
    };
    let host = start(setup(&tables)).await;
    assert_eq!(seen(&host, "192.0.2.7").await.status, 404);
    let host = start(setup(&tables).listen("trusted_proxies = [\"127.0.0.0/8\"]")).await;
    assert_eq!(seen(&host, "192.0.2.7").await.expect(200)["remote"], "192.0.2.7");
    assert_eq!(seen(&host, "192.0.2.7, 198.51.100.1").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_every_kind_are_one_answer_and_their_cause_is_in_the_log_alone() {
    let host = host().await;
    let mut shapes = Vec::new();
    for cause in ["config", "invalid-input", "session-invalid", "rate-limited", "other"] {
        shapes.push(shape(&hook(&host, Method::POST, &format!("{SECRET}/fail")).body(cause).send().await));
    }
    shapes.push(shape(&post(&host, "trap", &json!({})).await));
    shapes.push(shape(&post(&host, "loop", &json!({})).await));
    assert_eq!((shapes[0].0, shapes[0].2.as_str()), (503, "temporarily unavailable\n"));
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{shapes:#?}");
    let log = host.until_logged("every cause", |log| log.contains("\"hook\":\"loop\"")).await;
    // What may quote a person is told as class and code; what is about the link, in words.
    assert_eq!(log.matches("the cause is nobody's business").count(), 1, "{log}");
    assert!(log.contains("\"class\":\"config\"") && log.contains("\"upstream_code\":\"4711\""), "{log}");
    still_serves(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_answers_what_http_allows_and_nothing_that_frames_or_sets_cookies() {
    let host = host().await;
    let told = json!({ "status": 201, "headers": [["X-One", "1"], ["x-one", "2"], ["content-type", "text/xml"]], "body": "<a/>" });
    let answer = post(&host, "answer", &told).await;
    assert_eq!((answer.status, answer.text().as_str()), (201, "<a/>"));
    assert_eq!(answer.headers.get_all("x-one").iter().count(), 2);
    assert_eq!((answer.header("content-type"), answer.header("x-content-type-options")), ("text/xml", "nosniff"));
    assert_eq!(answer.header("cache-control"), "no-store");
    for bad in [
        json!({ "status": 99 }),
        json!({ "status": 101 }),
        json!({ "status": 600 }),
        json!({ "status": 200, "headers": [["Set-Cookie", "a=b"]] }),
        json!({ "status": 200, "headers": [["content-length", "9"]] }),
        json!({ "status": 200, "headers": [["transfer-encoding", "chunked"]] }),
        json!({ "status": 200, "headers": [["x", "a\r\nset-cookie: b=c"]] }),
        json!({ "status": 200, "headers": [["x y", "1"]] }),
        json!({ "status": 200, "headers": vec![["x", "1"]; 65] }),
        json!({ "status": 200, "size": (1 << 20) + 1 }),
    ] {
        assert_eq!(post(&host, "answer", &bad).await.status, 503, "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_comes_from_anywhere_and_is_redirected_or_shown_a_page() {
    let host = host().await;
    let get = |query: &str| hook(&host, Method::GET, &format!("{PAGE_SECRET}/page{query}")).send();
    let answer = get("?to=https%3A%2F%2Fcampus.example%2F%3Fcode%3D1").await;
    assert_eq!((answer.status, answer.header("location")), (302, "https://campus.example/?code=1"));
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let answer = get("").await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("&lt;好&gt;") && answer.text().contains("a &amp; b"), "{}", answer.text());
    let answer = get("?wrong=1").await;
    assert_eq!((answer.status, answer.header("content-type")), (503, "text/html; charset=utf-8"));
    assert!(!answer.text().contains("nobody's business"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_is_served_while_every_call_of_its_link_is_open() {
    // One call at a time in the whole link and the whole host, and it waits for a hook of its own link.
    let setup = setup(&hooks("")).settings("[limits]\ncalls = 1\nhooks = 1\n[log]\nlevel = \"debug\"\n");
    let host = start(setup).await;
    let origin = format!("http://{}", host.api_address());
    let tables = format!("{}\n[limits]\nconcurrency = 1\n", hooks(""));
    host.write_link("h/one", &hostile_link(&[&origin], &tables));
    host.until_logged("the new link", |log| log.matches("\"link live\"").count() >= 3).await;
    let url = format!("{origin}/hooks/h.one/{SECRET}/seen");
    let input = json!({ "method": "POST", "url": [{ "text": url }], "body": [{ "text": "nested" }] });
    let answer = host.call("h.one", "http.send", &input).await.expect(200);
    assert_eq!(answer["response"]["status"], 200, "{answer}");
    assert!(answer["response"]["body"].as_str().unwrap().contains("nested"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_part_of_a_path_is_in_no_log_line_and_no_metric() {
    let setup = setup(&hooks("")).settings("[log]\nlevel = \"trace\"\n");
    let host = start(setup).await;
    post(&host, "answer", &json!({ "status": 200 })).await;
    hook(&host, Method::POST, &format!("{SECRET}/nothing")).send().await;
    hook(&host, Method::GET, &format!("{PAGE_SECRET}/page?code=verysecretcode")).send().await;
    let metrics = host.admin(Method::GET, "/metrics").send().await.text();
    assert!(
        metrics.contains("duijie_hooks_total{") && metrics.contains("duijie_hook_refusals_total{reason=\"hook\"}"),
        "{metrics}"
    );
    let written = metrics + &host.terminate().await.written();
    for secret in [SECRET, PAGE_SECRET, "verysecretcode"] {
        assert!(!written.contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_hook_is_named_with_file_line_and_key() {
    let refused = async |table: &str| {
        let host = setup(table).start().await;
        let all = host.until("the link to be judged", |all| all.link_state("h.one") == "refused").await;
        all.text()
    };
    let text = refused("[hooks.nothing]\npath_secret = { env = \"HOOK_SECRET\" }\n").await;
    assert!(
        text.contains("h/one.toml:2: key `hooks.nothing`: connector hostile has no such hook; it has seen"),
        "{text}"
    );
    let text = refused("[hooks.seen]\npath_secret = { env = \"SHORT\" }\n").await;
    assert!(text.contains("h/one.toml:3: key `hooks.seen.path_secret`"), "{text}");
    let text = refused("[hooks.seen]\npath_secret = \"0123456789abcdefghijklmnopqrstuv\"\n").await;
    assert!(text.contains("key `hooks.seen.path_secret`") && !text.contains("0123456789abcdef"), "{text}");
    let text = refused("[hooks.seen]\npath_secret = { env = \"HOOK_SECRET\" }\nrate_per_minute = 5\n").await;
    assert!(text.contains("key `hooks.seen.rate_per_minute`: unknown field"), "{text}");
    let both = "[hooks.seen]\npath_secret = { env = \"HOOK_SECRET\" }\n[hooks.page]\npath_secret = { env = \"HOOK_SECRET\" }\n";
    let text = refused(both).await;
    assert!(text.contains("is the secret of page too") || text.contains("is the secret of seen too"), "{text}");
}
