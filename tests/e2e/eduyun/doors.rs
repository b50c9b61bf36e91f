//! Who may come in (quirk Q6: the upstream shows nothing when it calls): the path's secret, the source, the method, the
//! size and the rate decide. Whoever is turned away learns nothing, and a look-up that is turned away ends its exchange.

use duijie_tests::{harness::Answer, upstreams::Eduyun};
use http::Method;
use serde_json::json;

use super::{BROWSER_PATH, Docked, LOOK_UP_PATH, docked, docked_from, hook_path, setup, teacher, visit};

/// What is the same for all who are turned away.
fn shape(answer: &Answer) -> (u16, String, String) {
    (answer.status, answer.header("content-type").to_owned(), answer.text())
}

async fn knock(docked: &Docked, method: Method, path_secret: &str, hook: &str, body: &str) -> (u16, String, String) {
    shape(&docked.host.api(method, &hook_path(path_secret, hook)).json(body.to_owned()).send().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn q6_whoever_is_turned_away_from_any_hook_gets_one_answer() {
    let docked = docked().await;
    let body = json!({ "localSession": "0".repeat(32) }).to_string();
    let stranger = knock(&docked, Method::POST, "0123456789abcdefghijklmnopqrstuv", "local-session", &body).await;
    assert_eq!((stranger.0, stranger.2.as_str()), (404, "not found\n"));
    let large = format!("{{\"localSession\":\"{}\"}}", "x".repeat(4 << 10));
    for (cause, method, path_secret, hook, body) in [
        ("the browsers' secret", Method::POST, BROWSER_PATH, "local-session", body.as_str()),
        ("the upstream's secret", Method::GET, LOOK_UP_PATH, "oauth-landing", ""),
        ("another method", Method::GET, LOOK_UP_PATH, "local-session", ""),
        ("another method", Method::POST, BROWSER_PATH, "oauth-landing", ""),
        ("another method", Method::POST, BROWSER_PATH, "ticket-landing", ""),
        ("another hook", Method::POST, LOOK_UP_PATH, "localSession", &body),
        ("a body too large", Method::POST, LOOK_UP_PATH, "local-session", &large),
    ] {
        assert_eq!(knock(&docked, method, path_secret, hook, body).await, stranger, "{cause}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn q6_a_look_up_from_another_network_is_turned_away_and_so_is_everybody_where_none_is_named() {
    for allow in ["allow = [\"192.0.2.0/24\"]\n", ""] {
        let docked = docked_from(setup(), Eduyun::builder(), |region| {
            region.toml().replace("allow = [\"127.0.0.1/32\"]\n", allow)
        })
        .await;
        docked.refused("session.exchange", &teacher(), ("upstream-rejected", "100001")).await;
        assert_eq!(docked.sim.profile().exchanges()[0].hook_status, Some(404));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn q6_look_ups_over_the_rate_are_turned_away() {
    let docked = docked_from(setup(), Eduyun::builder(), |region| {
        region.toml().replace("[hooks.local-session]\n", "[hooks.local-session]\nrate_per_min = 1\n")
    })
    .await;
    docked.session().await;
    docked.refused("session.exchange", &teacher(), ("upstream-rejected", "100001")).await;
    let statuses: Vec<_> = docked.sim.profile().exchanges().iter().map(|exchange| exchange.hook_status).collect();
    assert_eq!(statuses, [Some(200), Some(404)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_has_no_address_of_ours_refuses_the_exchange() {
    let docked = docked().await;
    docked.sim.profile().set_hook_url("http://127.0.0.1:9/nowhere");
    docked.refused("session.exchange", &teacher(), ("upstream-rejected", "100001")).await;
    assert_eq!(docked.sim.profile().exchanges()[0].hook_status, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_brings_nothing_gets_a_page_that_is_not_kept_and_sends_no_address_on() {
    let docked = docked().await;
    for hook in ["oauth-landing", "ticket-landing"] {
        let page = visit(&docked.hook_url(BROWSER_PATH, hook)).await;
        assert_eq!(page.status, 400);
        assert_eq!(super::header(&page.headers, "referrer-policy"), "no-referrer");
        assert_eq!(super::header(&page.headers, "cache-control"), "no-store");
        assert!(super::header(&page.headers, "content-type").starts_with("text/html"));
    }
}
