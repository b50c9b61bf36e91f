//! The catalogue and the live OpenAPI document: what a platform learns about what it may call is true and complete.

use duijie_tests::fixtures;
use http::Method;
use serde_json::{Value, json};

use crate::support::{LINK, docked, hostile_in_mode, hostile_link};

const OPERATIONS: [&str; 4] = ["record.push-one", "record.push-multi", "record.push-patriarch", "record.check"];

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_openapi_3_1_and_holds_every_operation() {
    let docked = docked().await;
    let document = docked.host.get("/openapi.json").await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    for operation in OPERATIONS {
        let path = format!("/v1/links/{{link}}/operations/{operation}");
        let post = &document["paths"][&path]["post"];
        assert!(post["requestBody"].is_object(), "{path}");
        assert!(post["responses"]["200"].is_object(), "{path}");
        assert_eq!(post["x-duijie-connectors"][0]["links"], json!([LINK]));
    }
    every_reference_leads_somewhere(&document);
}

fn every_reference_leads_somewhere(document: &Value) {
    let mut open = vec![document];
    let mut references = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(target)) = members.get("$ref") {
                    references += 1;
                    let pointer =
                        target.strip_prefix('#').unwrap_or_else(|| panic!("a reference to elsewhere: {target}"));
                    assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
                }
                open.extend(members.values());
            }
            Value::Array(elements) => open.extend(elements),
            _ => {}
        }
    }
    assert!(references > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schemas_accept_what_is_sent_and_answered() {
    let docked = docked().await;
    let document = docked.host.get("/openapi.json").await.expect(200);
    let schema = |operation: &str, which: &str| {
        let path = format!("/v1/links/{{link}}/operations/{operation}");
        let at = document["paths"][&path]["post"]["x-duijie-connectors"][0][which].as_str().unwrap().to_owned();
        // Into the whole document, so that references inside find their targets.
        let mut whole = document.clone();
        whole.as_object_mut().unwrap().insert("$ref".to_owned(), at.into());
        jsonschema::validator_for(&whole).unwrap()
    };
    for (operation, record) in fixtures::mixed(9) {
        assert!(schema(operation, "input").is_valid(&record), "{operation}");
        let output = docked.push(operation, &record).await.expect(200);
        assert!(schema(operation, "output").is_valid(&output), "{operation}: {output}");
    }
    assert!(!schema("record.push-one", "input").is_valid(&json!({ "content": 1 })));
    let input = json!({ "endpoint": "one", "record": fixtures::talk_one(1) });
    assert!(schema("record.check", "input").is_valid(&input));
    let output = docked.host.call(LINK, "record.check", &input).await.expect(200);
    assert!(schema("record.check", "output").is_valid(&output), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_as_the_document_says() {
    let docked = docked().await;
    let document = docked.host.get("/openapi.json").await.expect(200);
    let mut whole = document.clone();
    whole.as_object_mut().unwrap().insert("$ref".to_owned(), "#/components/schemas/Problem".into());
    let schema = jsonschema::validator_for(&whole).unwrap();
    let problems = [
        docked.host.call(LINK, "record.push-one", &json!({ "content": 1 })).await,
        docked.host.call(LINK, "record.push-one", &json!({})).await,
        docked.host.call("zj.nobody", "record.push-one", &json!({})).await,
        docked.host.api(Method::GET, "/v1/links").send().await,
    ];
    for problem in problems {
        let body = problem.json();
        assert!(schema.is_valid(&body), "{body}");
        assert_eq!(body["status"], problem.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_live() {
    let docked = docked().await;
    assert!(!docked.host.get("/openapi.json").await.text().contains("secret.hunt"));
    docked.host.drop_connector("hostile.wasm", &hostile_in_mode("decent")).write_link("h/one", &hostile_link(&[], ""));
    docked.host.until("the new link to serve", |all| all.link_state("h.one") == "serving").await;
    let document = docked.host.get("/openapi.json").await.expect(200);
    assert!(document["paths"].get("/v1/links/{link}/operations/secret.hunt").is_some());
    every_reference_leads_somewhere(&document);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_lists_links_by_page_and_a_link_with_its_operations() {
    let docked = docked().await;
    docked.host.drop_connector("hostile.wasm", &hostile_in_mode("decent"));
    for n in 0..5 {
        docked.host.write_link(&format!("h/link-{n}"), &hostile_link(&[], ""));
    }
    docked.host.until("all links to serve", |all| all.all_serving() && all.link_state("h.link-4") == "serving").await;
    let mut seen = Vec::new();
    let mut path = "/v1/links?limit=2".to_owned();
    loop {
        let page = docked.host.get(&path).await.expect(200);
        let links = page["links"].as_array().unwrap();
        assert!(links.len() <= 2);
        seen.extend(links.iter().map(|link| link["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/links?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["h.link-0", "h.link-1", "h.link-2", "h.link-3", "h.link-4", "zj.nbufe"]);
    let link = docked.host.get("/v1/links/zj.nbufe").await.expect(200);
    assert_eq!((link["connector"].as_str(), link["state"].as_str()), (Some("zj-gxsz"), Some("serving")));
    let names: Vec<&str> =
        link["operations"].as_array().unwrap().iter().map(|op| op["name"].as_str().unwrap()).collect();
    for operation in OPERATIONS {
        assert!(names.contains(&operation), "{names:?}");
    }
    let push = &link["operations"][0];
    assert_eq!(
        (push["effect"].as_str(), push["repeat"].as_str(), push["key"].as_str()),
        (Some("write"), Some("safe"), Some("/recordId"))
    );
    assert!(push["input"].is_object() && push["summary"]["zh"].is_string(), "{push}");
    docked.host.get("/v1/links?limit=0").await.problem(400, "invalid-input", "not-sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_version_and_metrics_are_open_and_count() {
    let docked = docked().await;
    docked.push("record.push-one", &fixtures::talk_one(1)).await.expect(200);
    let open = |path: &'static str| docked.host.admin(Method::GET, path).without("authorization").send();
    assert_eq!(open("/healthz").await.status, 200);
    assert_eq!(open("/readyz").await.expect(200)["ready"], true);
    let version = open("/version").await.expect(200);
    assert!(version["duijie"].is_string() && version["wasmtime"].is_string(), "{version}");
    let metrics = open("/metrics").await.text();
    let counted =
        metrics.lines().find(|line| line.starts_with("duijie_calls_total{") && line.contains("record.push-one"));
    assert!(counted.is_some_and(|line| line.ends_with(" 1") && line.contains("zj-gxsz")), "{metrics}");
}
