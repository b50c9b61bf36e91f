//! The mutual links (layer ①, 端口互访): found however they are written, missed when only something like them is there,
//! and every change told once.

use duijie_tests::upstreams::Culturedc;
use serde_json::{Value, json};

use super::{Docked, dock, docked, docked_with};

/// A link that looks at these pages of the simulator.
async fn looking_at(names: &[&str]) -> Docked {
    let sim = Culturedc::builder().start().await.unwrap();
    let pages: Vec<Value> = names.iter().map(|name| page(name, &format!("{}/pages/{name}", sim.url()))).collect();
    dock(sim, &json!({ "config": { "links": { "pages": pages } } })).await
}

fn page(name: &str, url: &str) -> Value {
    json!({ "name": name, "url": url })
}

async fn look(docked: &Docked) -> Value {
    docked.get("link.check", &json!({})).await
}

fn states(found: &Value) -> Vec<&str> {
    found["pages"].as_array().unwrap().iter().map(|page| page["state"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn links_with_http_https_h5_and_no_scheme_are_found_and_what_only_looks_like_one_is_missed() {
    let names = ["http", "https", "h5", "both", "relative", "missing", "comment", "text", "look-alike", "nowhere"];
    let docked = looking_at(&names).await;
    let found = look(&docked).await;
    let mut expected = vec!["present"; 5];
    expected.extend(["missing"; 4]);
    expected.push("unreachable");
    assert_eq!(states(&found), expected);
    assert_eq!((&found["allPresent"], &found["changed"]), (&json!(false), &json!(false)));
    let pages = &found["pages"];
    assert_eq!(pages[0]["links"], json!(["http://www.culturedc.cn"]));
    assert_eq!(pages[3]["links"], json!(["http://www.culturedc.cn", "https://app.culturedc.cn"]));
    assert_eq!((&pages[5]["links"], &pages[5]["httpStatus"]), (&json!([]), &json!(200)));
    assert_eq!((&pages[9]["httpStatus"], &pages[9]["class"]), (&json!(404), &json!("unavailable")));
    assert_eq!(docked.requests("link.check"), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_goes_and_comes_is_told_once_each_time() {
    let docked = looking_at(&["home", "http"]).await;
    let set = |links: &[&str]| docked.sim.profile().set_page("home", links).unwrap();
    set(&["https://www.culturedc.cn/new1/"]);
    assert_eq!(look(&docked).await["changed"], false, "there is nothing to compare the first look with");
    assert_eq!(look(&docked).await["changed"], false);

    set(&["https://www.example.com/"]);
    let found = look(&docked).await;
    let home = &found["pages"][0];
    assert_eq!((&found["changed"], &found["allPresent"]), (&json!(true), &json!(false)));
    assert_eq!(
        (&home["state"], &home["previous"], &home["changed"]),
        (&json!("missing"), &json!("present"), &json!(true))
    );
    assert_eq!(found["pages"][1]["changed"], false);
    let since = home["since"].clone();

    let found = look(&docked).await;
    assert_eq!((&found["changed"], &found["pages"][0]["since"]), (&json!(false), &since), "told once");

    set(&["http://www.culturedc.cn", "https://app.culturedc.cn"]);
    let found = look(&docked).await;
    assert_eq!((&found["changed"], &found["allPresent"]), (&json!(true), &json!(true)));
    set(&["http://www.culturedc.cn"]);
    assert_eq!(look(&docked).await["pages"][0]["changed"], true, "another link is a change too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_not_due_is_not_fetched_again() {
    let docked = looking_at(&["http"]).await;
    let due = json!({ "onlyDue": true });
    let first = docked.get("link.check", &due).await;
    let again = docked.get("link.check", &due).await;
    assert_eq!((states(&again), docked.requests("link.check")), (vec!["present"], 1));
    assert_eq!(again["pages"][0]["dueAt"], first["pages"][0]["dueAt"]);
    look(&docked).await;
    assert_eq!(docked.requests("link.check"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_national_cloud_must_link_back_to_targets_of_its_own() {
    let sim = Culturedc::builder().start().await.unwrap();
    sim.profile().set_page("national", &["https://whg.campus.example/index.html"]).unwrap();
    let mut national = page("国家云友情链接", &format!("{}/pages/national", sim.url()));
    national["targets"] = json!(["http://whg.campus.example"]);
    let docked = dock(sim, &json!({ "config": { "links": { "pages": [national] } } })).await;
    assert_eq!(states(&look(&docked).await), ["present"]);
    docked.sim.profile().set_page("national", &["http://www.culturedc.cn"]).unwrap();
    assert_eq!(states(&look(&docked).await), ["missing"], "the link's own targets do not count there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_or_may_not_be_fetched_is_unreachable_and_no_error() {
    let elsewhere = Culturedc::builder().start().await.unwrap();
    let docked = looking_at(&["http"]).await;
    for (fault, class) in [
        ("status=503", "unavailable"),
        ("redirect=https://www.culturedc.cn/", "unavailable"),
        ("reset-before", "unavailable"),
        ("garbage", "protocol"),
        ("huge-body=8000000", "protocol"),
    ] {
        docked.sim.faults().clear();
        docked.fault("link.check", fault);
        let found = look(&docked).await;
        let page = &found["pages"][0];
        assert_eq!((&page["state"], &page["class"]), (&json!("unreachable"), &json!(class)), "{fault}: {page}");
    }
    docked.sim.faults().clear();
    assert_eq!(look(&docked).await["pages"][0]["previous"], "unreachable");
    let pages = json!([page("别处", &format!("{}/pages/http", elsewhere.url()))]);
    let denied = docked_with(Culturedc::builder(), &json!({ "config": { "links": { "pages": pages } } })).await;
    let found = look(&denied).await;
    assert_eq!((states(&found), &found["pages"][0]["class"]), (vec!["unreachable"], &json!("denied")));
    assert_eq!(elsewhere.counters().requests_of("link.check"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_without_pages_says_so() {
    let docked = docked().await;
    let problem = docked.call("link.check", &json!({})).await.problem(500, "config", "not-sent");
    assert!(problem["detail"].as_str().unwrap().contains("links.pages"), "{problem}");
}
