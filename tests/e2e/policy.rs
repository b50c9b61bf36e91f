//! What a connector may do is what it asks for and the operator allows: everything else is refused with a message that
//! names it, and nothing is sent.

use duijie_tests::{
    harness::Host,
    upstreams::{Rule, Simulator, ZjGxsz},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{TOKEN, hostile_host, hostile_link, parse, requests, still_serves};

async fn simulator() -> Simulator<ZjGxsz> {
    ZjGxsz::builder().start().await.unwrap()
}

/// The refusal of a request; nothing of it was sent.
async fn refusal(host: &Host, shape: &Value) -> String {
    let output = host.call("h.one", "http.send", shape).await.expect(200);
    assert_eq!(output["error"]["sent"], false, "{shape}: {output}");
    output["error"]["kind"].as_str().unwrap().to_owned()
}

fn get(url: &str) -> Value {
    json!({ "url": [{ "text": url }] })
}

fn secret(slot: &str) -> Value {
    json!({ "secret": { "slot": slot } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_the_link_does_not_allow_is_refused_by_name() {
    let (allowed, other) = (simulator().await, simulator().await);
    let host = hostile_host(&[&allowed.url()], "").await;
    let said = refusal(&host, &get(&format!("{}/x", other.url()))).await;
    assert!(said.contains("Denied") && said.contains(&other.url()) && said.contains("[allow]"), "{said}");
    let said = refusal(&host, &get("https://api.example.org/x")).await;
    assert!(said.contains("https://api.example.org"), "{said}");
    assert_eq!(requests(&other.counters()) + requests(&allowed.counters()), 0);
    assert_eq!(other.counters().connections_accepted, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_scheme_port_or_spelling_of_an_allowed_host_is_another_origin() {
    let sim = simulator().await;
    let host = hostile_host(&[&sim.url()], "").await;
    let port = sim.address().port();
    let others = [
        format!("https://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{}/", port ^ 1),
        format!("http://localhost:{port}/"),
        format!("http://127.0.0.2:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("ftp://127.0.0.1:{port}/"),
        "file:///etc/passwd".to_owned(),
        format!("http://user@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}@evil.example/"),
        format!("http://127.0.0.1:{port}\\@evil.example/"),
    ];
    for url in others {
        refusal(&host, &get(&url)).await;
    }
    assert_eq!(sim.counters().connections_accepted, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_services_are_refused_even_if_the_link_lists_them() {
    let listed = ["http://169.254.169.254", "http://100.100.100.200", "http://[fd00:ec2::254]"];
    let host = hostile_host(&listed, "").await;
    for url in listed.into_iter().chain(["http://2852039166", "http://0xA9FEA9FE", "http://[::ffff:169.254.169.254]"]) {
        let said = refusal(&host, &get(&format!("{url}/latest/meta-data/"))).await;
        assert!(said.contains("Denied"), "{url}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_resolves_to_loopback_is_refused_unless_its_network_is_listed() {
    let sim = simulator().await;
    let origin = format!("http://localhost:{}", sim.address().port());
    let host = hostile_host(&[&origin], "").await;
    let said = refusal(&host, &get(&format!("{origin}/x"))).await;
    assert!(said.contains("Denied") && said.contains("cidr") && said.contains("loopback"), "{said}");
    assert_eq!(sim.counters().connections_accepted, 0);

    let rule = format!(
        "connector = \"hostile\"\n[[allow.http]]\norigin = \"{origin}\"\ncidr = [\"127.0.0.0/8\", \"::1/128\"]\n"
    );
    host.write_link("h/three", &rule);
    host.until("the third link to serve", |all| all.link_state("h.three") == "serving").await;
    let output = host.call("h.three", "http.send", &get(&format!("{origin}/x"))).await.expect(200);
    assert_eq!(output["response"]["status"], 404, "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_a_value_and_its_target_is_judged_anew() {
    let (sim, elsewhere) = (simulator().await, simulator().await);
    let host = hostile_host(&[&sim.url()], "").await;
    for target in [elsewhere.url(), "http://169.254.169.254".to_owned(), "file:///etc/passwd".to_owned(), sim.url()] {
        let location = format!("{target}/landing");
        sim.faults().add(Rule::new(parse(&format!("redirect={location}"))).once());
        let output = host.call("h.one", "http.send", &get(&format!("{}/x", sim.url()))).await.expect(200);
        assert_eq!(output["response"]["status"], 302, "{output}");
        assert!(output["response"]["headers"].to_string().contains(&location), "{output}");
        assert!(sim.journal().iter().all(|entry| entry.path == "/x"), "it was not followed");
    }
    assert_eq!(elsewhere.counters().connections_accepted, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_the_host_owns_and_control_characters_are_refused() {
    let sim = simulator().await;
    let host = hostile_host(&[&sim.url()], "").await;
    let url = format!("{}/x", sim.url());
    let owned = [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Expect",
        "Upgrade",
        "TE",
        "Trailer",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Connection",
        "HTTP2-Settings",
        "content_length",
        "transfer_encoding",
    ];
    for name in owned {
        let shape = json!({ "url": [{ "text": url }], "headers": [[name, [{ "text": "1" }]]] });
        let said = refusal(&host, &shape).await;
        assert!(
            said.contains("InvalidRequest") && said.to_lowercase().contains(&name.to_lowercase()),
            "{name}: {said}"
        );
    }
    for (name, value) in [
        ("x-a", "1\r\nx-injected: 1"),
        ("x-a", "1\nx-injected: 1"),
        ("x-a", "\u{0}"),
        ("x a", "1"),
        ("x-a\r\nx-injected", "1"),
        ("", "1"),
    ] {
        let shape = json!({ "url": [{ "text": url }], "headers": [[name, [{ "text": value }]]] });
        refusal(&host, &shape).await;
    }
    for bad in ["/x\r\nx-injected: 1", "/x HTTP/1.1\r\n\r\nGET /y"] {
        refusal(&host, &get(&format!("{}{bad}", sim.url()))).await;
    }
    for method in ["CONNECT", "TRACE", "get", "GET /x HTTP/1.1\r\nx: ", ""] {
        refusal(&host, &json!({ "method": method, "url": [{ "text": url }] })).await;
    }
    let many: Vec<Value> = (0..65).map(|n| json!([format!("x-{n}"), [{ "text": "1" }]])).collect();
    refusal(&host, &json!({ "url": [{ "text": url }], "headers": many })).await;
    assert_eq!(requests(&sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_may_not_say_where_it_is_sent() {
    let sim = simulator().await;
    let host = hostile_host(&[&sim.url()], "").await;
    let port = sim.address().port();
    let shapes = [
        json!({ "url": [secret("token")] }),
        json!({ "url": [{ "text": "http://" }, secret("token"), { "text": "/x" }] }),
        json!({ "url": [{ "text": "http://" }, secret("token"), { "text": format!("@127.0.0.1:{port}/x") }] }),
        json!({ "url": [{ "text": format!("http://127.0.0.1:{port}") }, secret("token"), { "text": "/x" }] }),
        json!({ "url": [{ "text": format!("http://127.0.0.1:{port}") }, { "hex": "2f" }, secret("token")] }),
        json!({ "url": [{ "text": format!("http://127.0.0.1:{port}\\") }, secret("token"), { "text": "/" }] }),
    ];
    for shape in shapes {
        refusal(&host, &shape).await;
    }
    assert_eq!(requests(&sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_sent_only_to_the_origins_it_is_bound_to() {
    let (bound, allowed) = (simulator().await, simulator().await);
    let tables = format!("[secrets.token]\nenv = \"TEST_TOKEN\"\nuses = [\"send\"]\nsend_to = [\"{}\"]", bound.url());
    let setup = duijie_tests::harness::Setup::new().guest("hostile").env("TEST_TOKEN", TOKEN);
    let host = setup.link("h/one", &hostile_link(&[&bound.url(), &allowed.url()], &tables)).start().await;
    host.until("the link to serve", |all| all.link_state("h.one") == "serving").await;
    let carrying =
        |url: &str| json!({ "url": [{ "text": format!("{url}/x") }], "headers": [["x-key", [secret("token")]]] });
    let said = refusal(&host, &carrying(&allowed.url())).await;
    assert!(said.contains("Denied") && said.contains("token") && said.contains(&allowed.url()), "{said}");
    assert_eq!(requests(&allowed.counters()), 0);
    let output = host.call("h.one", "http.send", &carrying(&bound.url())).await.expect(200);
    assert_eq!(output["response"]["status"], 404, "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undeclared_slot_is_refused_by_name_everywhere() {
    let sim = simulator().await;
    let host = hostile_host(&[&sim.url()], "").await;
    let calls = [
        ("crypto.hash", json!({ "algorithm": "sm3", "message": [secret("undeclared_key")] })),
        ("crypto.hash", json!({ "algorithm": "sm3", "slot": "undeclared_key", "message": [] })),
        ("crypto.verify", json!({ "algorithm": "sm3", "slot": "undeclared_key", "message": [] })),
        ("crypto.encrypt", json!({ "mode": "ecb", "slot": "undeclared_key", "data": "" })),
        ("crypto.decrypt", json!({ "mode": "ecb", "slot": "undeclared_key", "data": "" })),
    ];
    for (operation, input) in calls {
        let output = host.call("h.one", operation, &input).await.expect(200);
        let said = output["refused"].as_str().unwrap_or_else(|| panic!("{operation}: {output}"));
        assert!(said.contains("Denied") && said.contains("undeclared_key"), "{operation}: {said}");
    }
    let shape = json!({ "url": [{ "text": sim.url() }, { "text": "/" }], "body": [secret("undeclared_key")] });
    let said = refusal(&host, &shape).await;
    assert!(said.contains("undeclared_key"), "{said}");
    assert_eq!(requests(&sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_is_refused_for_every_use_but_its_own() {
    let sim = simulator().await;
    let host = hostile_host(&[&sim.url()], "").await;
    let wrong = [
        ("digest", "crypto.hash", json!({ "algorithm": "md5", "message": [secret("send_only")] })),
        ("hmac", "crypto.hash", json!({ "algorithm": "md5", "slot": "send_only", "message": [] })),
        ("sm4", "crypto.encrypt", json!({ "mode": "ecb", "slot": "send_only", "data": "" })),
        // The connector asks for this use; the operator's `uses` takes it away.
        ("sm4", "crypto.encrypt", json!({ "mode": "ecb", "slot": "token", "data": "" })),
    ];
    for (needed, operation, input) in wrong {
        let output = host.call("h.one", operation, &input).await.expect(200);
        let said = output["refused"].as_str().unwrap_or_else(|| panic!("{operation}: {output}"));
        assert!(said.contains("Denied") && said.contains(&format!("not for {needed}")), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undeclared_operation_is_refused_by_name() {
    let host = hostile_host(&[], "").await;
    let problem =
        host.call("h.one", "undeclared.operation", &json!({})).await.problem(404, "invalid-input", "not-sent");
    assert!(problem["detail"].as_str().unwrap().contains("undeclared.operation"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_the_connector_does_not_declare_is_refused_with_file_line_and_key() {
    let host = hostile_host(&[], "").await;
    host.write_link("h/three", "connector = \"hostile\"\n\n[secrets.extra]\nenv = \"TEST_TOKEN\"\n");
    let rollouts = host.until("the link to be refused", |all| all.link_refused("h.three")).await;
    let reason = rollouts.link_reason("h.three");
    assert!(
        reason.contains("h/three.toml:3") && reason.contains("secrets.extra") && reason.contains("send_only"),
        "{reason}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_a_call_may_make_are_refused_one_by_one_and_together() {
    for together in [false, true] {
        let sim = simulator().await;
        let host = hostile_host(&[&sim.url()], "").await;
        let input = json!({ "url": format!("{}/x", sim.url()), "count": 40, "together": together });
        let output = host.call("h.one", "http.many", &input).await.expect(200);
        assert_eq!((output["answered"].as_u64(), output["refused"].as_u64()), (Some(32), Some(8)), "{output}");
        assert!(output["error"].as_str().unwrap().contains("Budget"), "{output}");
        assert_eq!(requests(&sim.counters()), 32);
        assert!(sim.counters().in_flight_max <= 6, "at most six at a time");
        still_serves(&host).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_in_the_environment_is_ignored() {
    let (sim, proxy) = (simulator().await, TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let mut setup =
        duijie_tests::harness::Setup::new().guest("hostile").link("h/one", &hostile_link(&[&sim.url()], ""));
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        setup = setup.env(name, &url);
    }
    let host = setup.start().await;
    let output = host.call("h.one", "http.send", &get(&format!("{}/x", sim.url()))).await.expect(200);
    assert_eq!(output["response"]["status"], 404, "{output}");
    assert_eq!(requests(&sim.counters()), 1);
}
