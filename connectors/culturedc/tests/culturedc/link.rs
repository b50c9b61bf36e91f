//! What a link may say: the manifest, the defaults, the guard of the simulator profile, and what `check` finds.

use culturedc::CultureDc;
use duijie_sdk::{Class, Outcome, Problem};
use serde_json::{Value, json};

use super::{config, host, is, refused, row, with};

fn problems(config: Value) -> Vec<String> {
    host(config).check::<CultureDc>().into_iter().map(|Problem { pointer, .. }| pointer).collect()
}

fn none() -> Vec<String> {
    Vec::new()
}

fn manifest() -> Value {
    host(config()).describe::<CultureDc>()
}

#[test]
fn the_manifest_satisfies_its_schema_and_says_what_the_contract_needs() {
    let manifest = manifest();
    let schema = serde_json::from_str(include_str!("../../../../wit/manifest.schema.json")).unwrap();
    jsonschema::draft202012::validate(&schema, &manifest).unwrap();
    assert_eq!(manifest["secrets"][0]["uses"], json!(["hmac", "digest"]));
    let said = |operation: &Value| {
        let text = |member: &str| operation[member].as_str().unwrap_or("-").to_owned();
        format!("{} {} {} {}", text("name"), text("effect"), text("repeat"), text("key"))
    };
    let operations = manifest["operations"].as_array().unwrap();
    assert_eq!(
        operations.iter().map(said).collect::<Vec<_>>(),
        [
            "link.check read safe -",
            "resource.push write safe /extId",
            "resource.push-batch write safe -",
            "resource.sheet read safe -",
            "resource.status read safe -",
            "resource.delete write safe /extId",
            "resource.fetch read safe -",
            "stats.report write safe /date",
            "login.link read safe -",
            "login.redeem read unsafe -",
            "aksk.status read safe -",
            "aksk.renewed write safe -",
        ]
    );
    for operation in operations {
        for schema in ["input", "output"] {
            assert!(jsonschema::draft202012::new(&operation[schema]).is_ok(), "{}", operation["name"]);
        }
        assert_eq!(operation["input"]["additionalProperties"], false, "{}", operation["name"]);
        assert!(operation["summary"]["zh"] != "" && operation["summary"]["en"] != "");
    }
    assert_eq!(
        (&manifest["hooks"][0]["name"], &manifest["hooks"][0]["caller"]),
        (&json!("login-landing"), &json!("browser"))
    );
}

#[test]
fn the_manifest_made_beforehand_is_what_is_registered() {
    host(config()).hold_manifest::<CultureDc>(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"));
}

#[test]
fn the_documented_defaults_are_in_the_schema() {
    let schema = manifest()["config"].clone();
    let default = |pointer: &str| schema.pointer(&format!("/{pointer}/default")).unwrap().clone();
    assert_eq!(default("properties/profile"), "sim-v1");
    assert_eq!(default("properties/categories").as_object().unwrap().len(), 11);
    assert_eq!(default("$defs/Aksk/properties/on_expired"), "hold");
    assert_eq!(default("$defs/Batch/properties/size"), 50);
    assert_eq!(default("$defs/Rate/properties/per_min"), 60);
    assert_eq!(
        (default("$defs/Limits/properties/name"), default("$defs/Limits/properties/url")),
        (json!(50), json!(255))
    );
    assert_eq!(default("$defs/Stats/properties/fields"), json!(["pv", "uv", "ip"]));
    let targets = json!(["http://www.culturedc.cn", "https://app.culturedc.cn"]);
    assert_eq!(
        (default("$defs/Links/properties/targets"), default("$defs/Links/properties/period")),
        (targets, json!(24))
    );
}

#[test]
fn the_example_is_fit() {
    let schema = manifest()["config"].clone();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    assert!(validator.is_valid(&config()));
    for misspelt in
        [json!({ "acces_key": "x" }), json!({ "aksk": { "valid_days": 30 } }), json!({ "rate": { "per_min": -1 } })]
    {
        assert!(!validator.is_valid(&with(misspelt)));
    }
    let example: toml::Table = include_str!("../../link.example.toml").parse().unwrap();
    let example = serde_json::to_value(&example["config"]).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&example).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(host(example).check::<CultureDc>(), []);
}

#[test]
fn the_schedules_of_the_example_call_operations_that_take_their_input() {
    let (manifest, example) = (manifest(), include_str!("../../link.example.toml").parse::<toml::Table>().unwrap());
    let mut scheduled = Vec::new();
    for (name, schedule) in example["schedules"].as_table().unwrap() {
        let operations = manifest["operations"].as_array().unwrap();
        let operation = operations.iter().find(|it| it["name"] == schedule["operation"].as_str().unwrap()).unwrap();
        let input = serde_json::to_value(&schedule["input"]).unwrap();
        assert!(jsonschema::draft202012::is_valid(&operation["input"], &input), "{name}");
        scheduled.push(operation["name"].as_str().unwrap());
    }
    assert_eq!(scheduled, ["link.check", "stats.report"]);
}

#[test]
fn the_simulator_profile_talks_to_simulators_only() {
    for allowed in ["http://127.0.0.1:1", "http://localhost/x", "https://[::1]:8443"] {
        assert_eq!(problems(with(json!({ "base_url": allowed }))), none(), "{allowed}");
    }
    for refused in
        ["https://www.culturedc.cn", "http://localhost.example.org", "http://127.0.0.1@example.org", "127.0.0.1"]
    {
        assert_eq!(problems(with(json!({ "base_url": refused }))), ["/base_url"], "{refused}");
    }
    let sim = |host: &str| with(json!({ "base_url": "http://sim.test:8080", "sim": { "hosts": [host] } }));
    assert_eq!(problems(sim("sim.test:8080")), none());
    assert_eq!(problems(sim("sim.test:8081")), ["/base_url"]);
}

#[test]
fn the_guard_holds_in_a_call_too() {
    let host = host(with(json!({ "base_url": "https://system.culturedc.cn" })));
    is(&refused(&host, "resource.push", row("a")), Class::Config, Outcome::NotSent);
    assert!(host.requests().is_empty());
}

#[test]
fn a_link_without_rights_at_the_interface_is_fit() {
    assert_eq!(problems(json!({})), none());
    assert_eq!(problems(json!({ "access_key": "AK" })), ["/base_url"]);
    assert_eq!(problems(json!({ "base_url": "http://127.0.0.1" })), ["/access_key"]);
}

#[test]
fn check_reports_everything_at_once() {
    let broken = json!({
        "base_url": "https://www.culturedc.cn", "access_key": "AK", "batch": { "size": 51 }, "limits": { "name": 2, "url": 20 },
        "categories": { "news": "a", "video": "a", "book": "", "film": "b" },
        "template": { "news": { "unknown": "pass", "fields": [{ "to": "x" }, { "to": "x" }] } },
        "links": {
            "targets": ["www.culturedc.cn"],
            "pages": [
                { "name": "首页页", "url": "ftp://a", "targets": ["x"] },
                { "name": "页", "url": "http://a.example/long-path" },
                { "name": "页", "url": "ftp://a" },
            ],
        },
        "login": { "redirect_uri": "http://a/?x", "base_url": "y" },
    });
    assert_eq!(
        problems(broken),
        [
            "/base_url",
            "/batch/size",
            "/categories/book",
            "/categories/film",
            "/categories/video",
            "/template/news/fields/1",
            "/template/news/unknown",
            "/links/targets/0",
            "/links/pages/0/name",
            "/links/pages/0/url",
            "/links/pages/0/targets/0",
            "/links/pages/1/url",
            "/links/pages/2/url",
            "/links/pages/2/url",
            "/login/redirect_uri",
            "/login/return_urls",
            "/login/base_url",
        ]
        .map(str::to_owned)
    );
    assert_eq!(
        problems(with(json!({ "categories": {}, "links": { "targets": [] } }))),
        ["/categories", "/links/targets"]
    );
    assert_eq!(problems(with(json!({ "login": { "return_urls": ["campus.example"] } }))), ["/login/return_urls/0"]);
}
