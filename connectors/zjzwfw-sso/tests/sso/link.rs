//! What a link may say: the manifest, the defaults, the example, and what `check` finds.

use duijie_sdk::Problem;
use serde_json::json;
use zjzwfw_sso::ZjzwfwSso;

use super::*;

fn problems(changes: Value) -> Vec<String> {
    host(changes).check::<ZjzwfwSso>().into_iter().map(|Problem { pointer, .. }| pointer).collect()
}

fn errors(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::draft202012::new(schema).unwrap();
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_manifest_made_beforehand_is_what_is_registered() {
    host(json!({})).hold_manifest::<ZjzwfwSso>(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"));
}

#[test]
fn the_manifest_satisfies_its_schema_and_says_what_the_contract_needs() {
    let manifest = host(json!({})).describe::<ZjzwfwSso>();
    let schema = golden(include_str!("../../../../wit/manifest.schema.json"));
    assert_eq!(errors(&schema, &manifest), Vec::<String>::new());
    assert_eq!(manifest["secrets"][0]["uses"], json!(["digest"]));
    assert_eq!(
        (&manifest["secrets"][1]["uses"], &manifest["secrets"][1]["optional"]),
        (&json!(["hmac"]), &json!(true))
    );
    let said: Vec<_> = manifest["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| ["name", "effect", "repeat"].map(|member| it[member].as_str().unwrap().to_owned()).join(" "))
        .collect();
    assert_eq!(
        said,
        [
            "login.link read safe",
            "login.redeem read unsafe",
            "logout.link read safe",
            "ticket.validate write unsafe",
            "user.info read safe",
            "user.authenticate write unsafe",
            "ticket.generate write unsafe",
            "user.sync-out write safe",
            "user.by-id read safe",
            "call write unsafe",
        ]
    );
    assert_eq!(manifest["operations"][7]["key"], "/loginName");
    // A mapping may take any member of a person.
    assert_eq!(manifest["operations"][7]["personal"], json!(["/*"]));
    for operation in manifest["operations"].as_array().unwrap() {
        for schema in ["input", "output"] {
            assert!(jsonschema::draft202012::new(&operation[schema]).is_ok(), "{}", operation["name"]);
        }
        assert_ne!(operation["summary"]["zh"], "");
    }
    let hooks: Vec<_> = manifest["hooks"].as_array().unwrap().iter().map(|it| (&it["name"], &it["caller"])).collect();
    assert_eq!(hooks, [(&json!("login-landing"), &json!("browser")), (&json!("user-sync"), &json!("upstream"))]);
}

#[test]
fn outputs_fit_their_schemas_and_every_field_is_described() {
    let host = answering(json!({}), 200, INFO);
    let manifest = host.describe::<ZjzwfwSso>();
    let schema = |at: usize, which: &str| &manifest["operations"][at][which];
    assert_eq!(errors(schema(4, "output"), &info(&host).unwrap()), Vec::<String>::new());
    let host = answering(json!({}), 200, VALIDATED);
    assert_eq!(errors(schema(3, "output"), &validate(&host).unwrap()), Vec::<String>::new());
    let called = host.call::<ZjzwfwSso>("call", json!({ "method": "m" })).unwrap();
    assert_eq!(errors(schema(9, "output"), &called), Vec::<String>::new());
    assert!(!errors(schema(3, "input"), &json!({ "ticket": "" })).is_empty());
    assert!(!errors(schema(3, "input"), &json!({ "ticket": "t", "st": "t" })).is_empty());
    for operation in manifest["operations"].as_array().unwrap() {
        for which in ["input", "output"] {
            for (name, property) in operation[which]["properties"].as_object().unwrap() {
                let is_described = property["description"].is_string() || property["$ref"].is_string();
                assert!(is_described, "{} {which} {name}", operation["name"]);
            }
        }
    }
}

#[test]
fn the_documented_defaults_are_in_the_schema() {
    let schema = &host(json!({})).describe::<ZjzwfwSso>()["config"];
    assert_eq!(schema["properties"]["base"]["default"], "https://puser.zjzwfw.gov.cn/sso");
    assert_eq!(schema["required"], json!(["servicecode"]));
    let fits = |config: Value| errors(schema, &config).is_empty();
    assert!(fits(json!({ "servicecode": "x" })));
    assert!(!fits(json!({ "servicecode": "x", "servicepwd": "x" })));
    assert!(!fits(json!({ "servicecode": "x", "hook": { "path_secret": "x" } })));
    assert!(!fits(json!({ "servicecode": "x", "sign": { "kind": "none" } })));
    assert!(!fits(json!({ "servicecode": "x", "time": { "zone": "UTC" } })));
    for (table, defaults) in [
        (
            "method",
            json!({ "user_sync": "synchronizeUser", "hook_user_delete": "deleteUser", "token_by_code": "getAccessToken" }),
        ),
        ("http", json!({ "verb": "POST", "timeout_ms": 5000 })),
        ("hook", json!({ "window_s": 300, "content_type": "text/xml;charset=utf-8" })),
        ("time", json!({ "format": "yyyyMMddHHmmss", "zone": "Asia/Shanghai" })),
    ] {
        let mut config = json!({ "servicecode": "x" });
        config[table] = defaults;
        assert!(fits(config.clone()), "{:?}", errors(schema, &config));
    }
}

#[test]
fn the_example_is_fit() {
    let example: toml::Table = include_str!("../../link.example.toml").parse().unwrap();
    let schema = &host(json!({})).describe::<ZjzwfwSso>()["config"];
    let config = serde_json::to_value(&example["config"]).unwrap();
    assert_eq!(errors(schema, &config), Vec::<String>::new());
    let host = TestHost::new();
    host.config(config);
    assert_eq!(host.check::<ZjzwfwSso>(), []);
}

#[test]
fn check_reports_everything_at_once() {
    let broken = json!({
        "base": "puser.zjzwfw.gov.cn",
        "gateway": "irs", "transport": "soap",
        "irs": { "base": "https://ibcdsg.zj.gov.cn:8443/x", "path": { "user_info": "x" } },
        "soap": { "out": "a b" },
        "path": { "auth": "servlet", "users": "/a?b" },
        "login": { "url_template": "${base}", "landing_url": "x", "return_urls": ["https://a.example", "y"] },
        "logout": { "url_template": "${token}" },
        "method": { "user_info": "", "roles": "a-b", "hook_user_delete": "synchronizeUser" },
        "param": { "ticket": "ST" },
        "time": { "format": "yyyyMMdd" },
        "hook": { "content_type": "文本" },
        "mapping": { "user_sync": { "fields": [{ "to": "x" }, { "to": "x" }] } },
    });
    assert_eq!(
        problems(broken),
        [
            "/base",
            "/login/landing_url",
            "/login/return_urls/1",
            "/path/auth",
            "/path/users",
            "/irs/path/user_info",
            "/login/url_template",
            "/logout/url_template",
            "/soap/namespace",
            "/soap/out",
            "/irs/access_key",
            "/transport",
            "/irs/base",
            "/method/user_info",
            "/method/roles",
            "/method/hook_user_delete",
            "/param/ticket",
            "/time/format",
            "/hook/content_type",
            "/mapping/user_sync/fields/1",
        ]
    );
}

#[test]
fn passwords_are_checked_and_names_of_xml_where_xml_is_written() {
    let enabled = json!({ "enabled": true });
    let plain = json!({ "id_validation": enabled, "base": "http://sso.example", "http": { "verb": "GET" } });
    assert_eq!(problems(plain), ["/id_validation/enabled", "/id_validation/enabled"]);
    assert!(problems(json!({ "id_validation": enabled, "base": "https://sso.example" })).is_empty());
    let mapping = json!({ "user_sync": { "fields": [{ "to": "a b" }] } });
    assert_eq!(problems(json!({ "datatype": "xml", "mapping": mapping })), ["/mapping/user_sync/fields/0/to"]);
    assert!(problems(json!({ "mapping": mapping })).is_empty());
}

#[test]
fn fit_configs_have_no_problems() {
    for changes in [
        json!({}),
        json!({ "gateway": "irs", "irs": { "access_key": "demoak" } }),
        json!({ "transport": "soap", "soap": { "namespace": "http://x/" } }),
        json!({ "login": { "landing_url": "https://d.example/hooks/a/b/login-landing" } }),
    ] {
        assert_eq!(problems(changes), Vec::<String>::new());
    }
}
