//! What a link may say: the manifest, the defaults, and what `check` finds.

use duijie_sdk::Problem;
use eduyun::{Eduyun, config::Config};
use serde_json::{Value, json};

use super::{bare, config, with};

fn problems(config: Value) -> Vec<String> {
    bare(config).check::<Eduyun>().into_iter().map(|Problem { pointer, .. }| pointer).collect()
}

#[test]
fn the_manifest_satisfies_its_schema_and_says_what_the_contract_needs() {
    let manifest = bare(config()).describe::<Eduyun>();
    let schema = serde_json::from_str(include_str!("../../../../wit/manifest.schema.json")).unwrap();
    jsonschema::draft202012::validate(&schema, &manifest).unwrap();
    assert_eq!(manifest["secrets"][0]["uses"], json!(["hmac", "digest"]));
    for operation in manifest["operations"].as_array().unwrap() {
        for schema in ["input", "output"] {
            assert!(jsonschema::draft202012::new(&operation[schema]).is_ok(), "{}", operation["name"]);
        }
        assert_ne!(operation["summary"]["zh"], "");
        assert_eq!(operation["deadline_ms"], 5000);
    }
    let hooks: Vec<_> = manifest["hooks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hook| (&hook["name"], &hook["method"], &hook["caller"]))
        .collect();
    let hook = |name: &str, method: &str, caller: &str| (json!(name), json!(method), json!(caller));
    let expected = [
        hook("local-session", "POST", "upstream"),
        hook("oauth-landing", "GET", "browser"),
        hook("ticket-landing", "GET", "browser"),
    ];
    assert_eq!(hooks, expected.iter().map(|(name, method, caller)| (name, method, caller)).collect::<Vec<_>>());
}

#[test]
fn the_manifest_made_beforehand_is_what_is_registered() {
    bare(config()).hold_manifest::<Eduyun>(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"));
}

#[test]
fn what_uses_something_up_is_never_repeated_by_the_host() {
    let manifest = bare(config()).describe::<Eduyun>();
    let named = |repeat: &str| -> Vec<String> {
        let operations =
            manifest["operations"].as_array().unwrap().iter().filter(|operation| operation["repeat"] == repeat);
        operations.map(|operation| operation["name"].as_str().unwrap().to_owned()).collect()
    };
    let safe = ["token.check", "app.list", "link.app", "session.validate", "cert.info", "org.list", "user.info"];
    assert_eq!(named("safe"), safe);
    assert_eq!(named("unsafe").len(), 11);
}

#[test]
fn every_field_of_every_schema_is_described() {
    let manifest = bare(config()).describe::<Eduyun>();
    let mut bare = Vec::new();
    for operation in manifest["operations"].as_array().unwrap() {
        for schema in ["input", "output"] {
            undescribed(&operation[schema], &format!("{} {schema}", operation["name"]), &mut bare);
        }
    }
    undescribed(&manifest["config"], "config", &mut bare);
    assert!(bare.is_empty(), "{bare:?}");
}

fn undescribed(schema: &Value, at: &str, bare: &mut Vec<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if property["description"].is_null() && property["$ref"].is_null() {
            bare.push(format!("{at}/{name}"));
        }
        undescribed(property, &format!("{at}/{name}"), bare);
    }
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        undescribed(definition, &format!("{at}/{name}"), bare);
    }
}

#[test]
fn every_personal_pointer_points_to_something() {
    let manifest = bare(config()).describe::<Eduyun>();
    for operation in manifest["operations"].as_array().unwrap() {
        for pointer in operation["personal"].as_array().into_iter().flatten().map(|pointer| pointer.as_str().unwrap()) {
            let tokens: Vec<_> = pointer.split('/').skip(1).collect();
            let is_in = |schema: &Value| holds(schema, schema, &tokens);
            assert!(is_in(&operation["input"]) || is_in(&operation["output"]), "{} {pointer}", operation["name"]);
        }
    }
}

/// Does a schema have a place for this pointer?
fn holds(root: &Value, schema: &Value, tokens: &[&str]) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        return holds(root, root.pointer(&reference[1..]).unwrap(), tokens);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        return choices.iter().any(|choice| holds(root, choice, tokens));
    }
    match tokens {
        [] => !schema.is_null(),
        ["*", rest @ ..] => holds(root, &schema["items"], rest),
        [name, rest @ ..] => holds(root, &schema["properties"][name], rest),
    }
}

#[test]
fn the_example_link_is_a_config_without_problems() {
    let text = include_str!("../../link.example.toml");
    let link: Value = serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap()).unwrap();
    assert_eq!(link["connector"], "eduyun");
    assert_eq!(problems(link["config"].clone()), Vec::<String>::new());
    for hook in link["hooks"].as_object().unwrap().keys() {
        assert!(["local-session", "oauth-landing", "ticket-landing"].contains(&hook.as_str()), "{hook}");
    }
}

#[test]
fn the_shortest_config_has_the_documents_defaults() {
    assert_eq!(problems(config()), Vec::<String>::new());
    let config: Config = serde_json::from_value(config()).unwrap();
    assert_eq!(config.token.path, "/apigateway/getAccessToken");
    assert_eq!((config.token.default_ttl_s, config.token.refresh_skew_s), (3600, 60));
    assert_eq!((config.hook.ttl_s, config.http.timeout_ms), (120, 5000));
    assert!(config.json.lenient && !config.aamif.send_access_token && config.errors.token_expired_codes.is_empty());
    assert!(config.errors.token_expired_pattern.unwrap().is_in("TOKEN"));
    assert_eq!(config.aamif.platformcode, None);
}

#[test]
fn unknown_keys_and_what_belongs_to_the_hosts_tables_are_refused() {
    for wrong in [
        json!({ "app_key": "x" }),
        json!({ "hook": { "path_secret": "x" } }),
        json!({ "hook": { "allow_ips": [] } }),
        json!({ "sign": { "hash": "sm3" } }),
        json!({ "errors": { "token_expired_pattern": "(" } }),
    ] {
        assert_eq!(problems(with(wrong.clone())), [""], "{wrong}");
    }
}

#[test]
fn check_reports_everything_at_once() {
    let broken = with(json!({
        "base_url": "api.example",
        "aamif": { "base_url": "ftp://x" },
        "token": { "path": "apigateway" },
        "oauth": { "redirect_uri": "/hooks/x" },
        "login": { "return_urls": ["https://campus.example/login", "campus"], "ticket_return_url": "https://campus.example/#/x" },
        "errors": { "token_expired_codes": ["1", "000000"] },
    }));
    assert_eq!(
        problems(broken),
        [
            "/base_url",
            "/aamif/base_url",
            "/token/path",
            "/oauth/redirect_uri",
            "/login/ticket_return_url",
            "/login/return_urls/1",
            "/errors/token_expired_codes/1",
        ]
    );
    let nowhere = with(json!({ "oauth": { "redirect_uri": "https://duijie.example/hooks/a/b/oauth-landing?x=1" } }));
    assert_eq!(problems(nowhere), ["/login/return_urls"]);
}
