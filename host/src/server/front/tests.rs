//! What stands around every request: ids, statuses, panics.

use axum::routing::{get, post};

use super::*;
use crate::server::tests::harness::Host;

fn routes() -> Router {
    Router::new()
        .route("/things/{id}", get(|| async { "thing" }))
        .route("/post", post(|id: RequestId| async move { id.0.to_string() }))
        .route(
            "/panic",
            get(|| async {
                if true {
                    panic!("private detail");
                }
            }),
        )
        .route(
            "/panic-later",
            get(|| async {
                tokio::task::yield_now().await;
                if true {
                    panic!("private detail");
                }
            }),
        )
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_any_other_is_made_anew() {
    let host = Host::of(routes()).await;
    let longest = "x".repeat(128);
    for sane in ["a", "0190-abc_def:1/2", longest.as_str()] {
        let reply = host.ask("POST /post", &[&format!("x-request-id: {sane}")], "").await;
        assert_eq!((reply.header("x-request-id"), reply.body.as_str()), (Some(sane), sane));
    }
    let too_long = "x".repeat(129);
    for odd in ["", "a b", "tab\tbed", "schlüssel", too_long.as_str()] {
        let reply = host.ask("POST /post", &[&format!("x-request-id: {odd}")], "").await;
        let id: uuid::Uuid = reply.header("x-request-id").unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 7, "{odd:?}");
        assert_eq!(reply.body, id.to_string());
    }
}

#[tokio::test]
async fn every_error_of_the_router_is_a_problem_with_the_request_id() {
    let host = Host::of(routes()).await;
    let reply = host.ask("GET /nowhere?secret=1", &["x-request-id: mine"], "").await;
    let problem = reply.problem();
    assert_eq!((reply.status, &problem["instance"]), (404, &"/nowhere".into()));
    assert_eq!(problem["request_id"], "mine");

    let reply = host.ask("DELETE /things/1", &[], "").await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET,HEAD")));
    assert!(reply.problem()["detail"].as_str().unwrap().contains("DELETE"));

    let reply = host.ask("OPTIONS /post", &[], "").await;
    assert_eq!((reply.status, reply.header("allow"), reply.body.as_str()), (204, Some("POST"), ""));

    let reply = host.ask("HEAD /things/1", &[], "").await;
    assert_eq!((reply.status, reply.header("content-length"), reply.body.as_str()), (200, Some("5"), ""));
    let reply = host.ask("HEAD /nowhere", &[], "").await;
    assert_eq!((reply.status, reply.body.as_str()), (404, ""));
}

#[tokio::test]
async fn a_panic_ends_one_request_and_tells_nothing() {
    let host = Host::of(routes()).await;
    for path in ["/panic", "/panic-later"] {
        let reply = host.ask(&format!("GET {path}"), &[], "").await;
        let problem = reply.problem();
        assert_eq!((reply.status, &problem["outcome"]), (500, &"unknown".into()));
        assert!(!reply.body.contains("private"), "{}", reply.body);
    }
    assert_eq!(host.ask("GET /things/1", &[], "").await.status, 200);
}

#[tokio::test]
async fn requests_are_counted_by_template_never_by_path() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let app = around(routes(), "test");
    let request =
        |path: &str, method: &str| Request::builder().uri(path).method(method).body(axum::body::Body::empty()).unwrap();
    // The recorder is this thread's; so is everything a future does that is polled here.
    let _guard = metrics::set_default_local_recorder(&recorder);
    for (path, method) in [("/things/a", "GET"), ("/things/b", "GET"), ("/nowhere/c", "GET"), ("/post", "BREW")] {
        let _ = tower::ServiceExt::oneshot(app.clone(), request(path, method)).await;
    }
    let text = handle.render();
    for line in [
        r#"duijie_http_requests_total{listener="test",method="GET",route="/things/{id}",status="200"} 2"#,
        r#"duijie_http_requests_total{listener="test",method="GET",route="none",status="404"} 1"#,
        r#"duijie_http_requests_total{listener="test",method="other",route="/post",status="405"} 1"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn traceparents_are_taken_when_well_formed_only() {
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert!(is_traceparent(&HeaderValue::from_static(good)));
    for bad in [
        "",
        "00",
        &good[..54],
        &format!("{good}-1"),
        &good.replace("b7ad6b7169203331", "0000000000000000"),
        &good.to_uppercase(),
        &good.replacen("00", "ff", 1),
    ] {
        assert!(!is_traceparent(&bad.parse().unwrap()), "{bad}");
    }
}
