//! What a link may say: the manifest, the guard of the simulator profile, and what `check` finds.

use duijie_sdk::{Class, Outcome, Problem, testing::changed};
use serde_json::{Value, json};
use zj_gxsz::ZjGxsz;

use super::{bare, config, refused, talk};

fn problems(config: Value) -> Vec<String> {
    bare(config).check::<ZjGxsz>().into_iter().map(|Problem { pointer, .. }| pointer).collect()
}

fn with(changes: Value) -> Value {
    changed(config(), &changes)
}

#[test]
fn the_manifest_satisfies_its_schema_and_says_what_the_contract_needs() {
    let manifest = bare(config()).describe::<ZjGxsz>();
    let schema = serde_json::from_str(include_str!("../../../../wit/manifest.schema.json")).unwrap();
    jsonschema::draft202012::validate(&schema, &manifest).unwrap();
    assert_eq!(manifest["secrets"][0]["uses"], json!(["send", "sm4"]));
    for operation in manifest["operations"].as_array().unwrap() {
        for schema in ["input", "output"] {
            assert!(jsonschema::draft202012::new(&operation[schema]).is_ok(), "{}", operation["name"]);
        }
        assert_ne!(operation["summary"]["zh"], "");
        assert_eq!(operation["repeat"], "safe");
        let key = if operation["name"] == "record.check" { Value::Null } else { json!("/recordId") };
        assert_eq!(operation["key"], key);
    }
}

#[test]
fn inputs_and_outputs_fit_their_schemas() {
    let host = bare(config());
    let manifest = host.describe::<ZjGxsz>();
    let fits = |operation: &Value, schema: &str, value: &Value| {
        jsonschema::draft202012::new(&operation[schema]).unwrap().is_valid(value)
    };
    let operations = manifest["operations"].as_array().unwrap();
    let (push, check) = (&operations[0], &operations[3]);
    let mut open = talk();
    open["xsxm"] = json!("甲");
    assert!(fits(push, "input", &open));
    assert!(!fits(push, "input", &json!([])));
    let input = json!({ "endpoint": "one", "record": talk() });
    assert!(fits(check, "input", &input));
    assert!(!fits(check, "input", &json!({ "endpoint": "two", "record": {} })));
    assert!(fits(check, "output", &host.call::<ZjGxsz>("record.check", input).unwrap()));
    host.on("POST", super::TOKEN).reply(200, json!({ "access_token": "t" }));
    host.on("POST", super::ONE).reply(200, json!({ "code": 0 }));
    assert!(fits(push, "output", &super::push(&host).unwrap()));
}

#[test]
fn the_documented_defaults_are_in_the_schema_and_the_example_is_fit() {
    let schema = &bare(config()).describe::<ZjGxsz>()["config"];
    assert_eq!(schema["properties"]["base_url"]["default"], "https://api.zj-gxsz.cn");
    assert_eq!(schema["required"], json!(["client_id", "token"]));
    let validator = jsonschema::draft202012::new(schema).unwrap();
    assert!(validator.is_valid(&config()));
    assert!(!validator.is_valid(&with(json!({ "clientid": "x" }))));
    assert!(!validator.is_valid(&with(json!({ "rate": { "max_inflight": 0 } }))));
    let example: toml::Table = include_str!("../../link.example.toml").parse().unwrap();
    let example = serde_json::to_value(&example["config"]).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&example).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(bare(example).check::<ZjGxsz>(), []);
}

#[test]
fn the_simulator_profile_talks_to_simulators_only() {
    for allowed in ["http://127.0.0.1:1", "http://localhost/x", "https://[::1]:8443", "http://127.8.8.8"] {
        assert_eq!(problems(with(json!({ "base_url": allowed }))), Vec::<String>::new(), "{allowed}");
    }
    for refused in [
        "https://api.zj-gxsz.cn",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://user@127.0.0.1",
        "http://127.0.0.1@example.org",
        "ftp://127.0.0.1",
        "127.0.0.1",
        "http://",
        "http://example.org#@127.0.0.1",
        "http://10.0.0.1",
        "http://example.org\\@127.0.0.1",
    ] {
        assert_eq!(problems(with(json!({ "base_url": refused }))), ["/base_url"], "{refused}");
    }
    let sim = |host: &str| with(json!({ "base_url": "http://sim.test:8080", "sim": { "hosts": [host] } }));
    assert_eq!(problems(sim("sim.test")), Vec::<String>::new());
    assert_eq!(problems(sim("sim.test:8080")), Vec::<String>::new());
    assert_eq!(problems(sim("sim.test:8081")), ["/base_url"]);
}

#[test]
fn the_guard_holds_in_a_call_too() {
    let host = bare(with(json!({ "base_url": "https://api.zj-gxsz.cn" })));
    let failure = refused(&host);
    assert_eq!((failure.class, failure.outcome), (Class::Config, Outcome::NotSent));
    assert!(host.requests().is_empty());
}

#[test]
fn a_mapped_profile_needs_the_mapping_of_the_list_in_use() {
    let config = with(json!({
        "base_url": "https://api.zj-gxsz.cn", "profile": "mapped",
        "mapping": { "multi": { "fields": [{ "to": "id", "from": "recordId" }] } },
    }));
    assert_eq!(problems(config.clone()), Vec::<String>::new());
    let failure = refused(&bare(config));
    assert_eq!(failure.class, Class::Config);
    assert!(failure.message.contains("mapping.one"), "{}", failure.message);
    assert_eq!(problems(with(json!({ "profile": "mapped" }))), ["/mapping"]);
}

#[test]
fn check_reports_everything_at_once() {
    let broken = with(json!({
        "base_url": "https://api.zj-gxsz.cn",
        "token": { "path": "oauth/token" },
        "path": { "multi": "" },
        "envelope": { "template": "{}", "headers": { "a/b": "${x}" } },
        "mapping": { "one": { "fields": [{ "to": "x" }, { "to": "x" }] } },
    }));
    assert_eq!(
        problems(broken),
        [
            "/base_url",
            "/token/path",
            "/path/multi",
            "/envelope/template",
            "/envelope/headers/a~1b",
            "/mapping/one/fields/1",
            "/mapping/one/fields",
        ]
    );
}

#[test]
fn another_member_may_be_the_key() {
    let host = bare(with(json!({
        "record": { "key_field": "xh" }, "mapping": { "one": { "fields": [{ "to": "id", "from": "xh" }, { "to": "content" }] } },
    })));
    host.on("POST", super::TOKEN).reply(200, json!({ "access_token": "t" }));
    host.on("POST", super::ONE).reply(200, json!({ "code": 0 }));
    let output = host.call::<ZjGxsz>("record.push-one", json!({ "xh": 42, "content": "谈" })).unwrap();
    assert_eq!(output["recordId"], "42");
}
