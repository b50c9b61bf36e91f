//! What a link may say: the manifest, the defaults, and what `check` finds.

use duijie_sdk::Problem;
use serde_json::{Value, json};
use skill_train::SkillTrain;

use super::{bare, config, with};

fn problems(config: Value) -> Vec<String> {
    bare(config).check::<SkillTrain>().into_iter().map(|Problem { pointer, .. }| pointer).collect()
}

fn operations() -> Vec<Value> {
    bare(config()).describe::<SkillTrain>()["operations"].as_array().unwrap().clone()
}

#[test]
fn the_manifest_satisfies_its_schema() {
    let manifest = bare(config()).describe::<SkillTrain>();
    let schema = serde_json::from_str(include_str!("../../../../wit/manifest.schema.json")).unwrap();
    jsonschema::draft202012::validate(&schema, &manifest).unwrap();
    for operation in operations() {
        for schema in ["input", "output"] {
            assert!(jsonschema::draft202012::new(&operation[schema]).is_ok(), "{}", operation["name"]);
        }
        assert_ne!(operation["summary"]["zh"], "");
        assert!(operation["deadline_ms"].as_u64().is_some_and(|ms| ms <= 10_000));
        assert_eq!(operation["input"]["additionalProperties"], false, "{}", operation["name"]);
    }
    assert_eq!(manifest["hooks"].as_array().unwrap().len(), 2);
}

#[test]
fn the_manifest_made_beforehand_is_what_is_registered() {
    bare(config()).hold_manifest::<SkillTrain>(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"));
}

#[test]
fn what_may_be_repeated_is_what_the_upstream_overwrites_or_only_reads() {
    let is = |effect: &str, repeat: &str| {
        let named = |it: &&Value| it["effect"] == effect && it["repeat"] == repeat;
        operations().iter().filter(named).map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let unsafe_ones = ["study.start", "study.end", "progress.report", "face.compare", "popup.submit"];
    assert_eq!(is("write", "unsafe"), unsafe_ones);
    let overwritten = [
        "record.submit",
        "photo.update",
        "course.push",
        "course.store",
        "teacher.push",
        "course.info",
        "student.push",
        "class.push",
    ];
    assert_eq!(is("write", "safe"), overwritten);
    assert_eq!(
        is("read", "safe"),
        ["token.check", "student.authenticate", "face.config", "popup.get", "class.study-records"]
    );
}

#[test]
fn progress_is_kept_in_order_by_learner_and_its_increments_add_up() {
    let operations = operations();
    let progress = operations.iter().find(|it| it["name"] == "progress.report").unwrap();
    assert_eq!(progress["key"], "/studentUserCode");
    assert_eq!(progress["coalesce"], json!({ "sum": ["/progressTime"], "last": ["/playTime"] }));
}

#[test]
fn an_input_with_a_member_too_many_or_a_code_too_long_does_not_fit() {
    let operations = operations();
    let schema = &operations.iter().find(|it| it["name"] == "study.end").unwrap()["input"];
    let validator = jsonschema::draft202012::new(schema).unwrap();
    assert!(validator.is_valid(&super::viewing()));
    for (name, value) in [("more", json!(1)), ("resCode", json!("")), ("resCode", json!("x".repeat(65)))] {
        let mut viewing = super::viewing();
        viewing[name] = value;
        assert!(!validator.is_valid(&viewing), "{name}");
    }
}

#[test]
fn the_documented_defaults_are_in_the_schema() {
    let schema = &bare(config()).describe::<SkillTrain>()["config"];
    assert_eq!(schema["required"], json!(["base_url"]));
    let default = |group: &str, key: &str| schema["$defs"][group]["properties"][key]["default"].clone();
    assert_eq!(default("Token", "ttl_s"), 7200);
    assert_eq!(default("Part2", "success_codes"), json!(["0"]));
    assert_eq!(default("Face", "max_bytes"), 2_000_000);
    assert_eq!(default("Face", "max_px"), json!([1920, 1080]));
    assert_eq!(default("Validate", "card_no"), true);
    assert_eq!(default("PushClass", "password_rules"), "首次登录短信验证");
    assert_eq!(default("Errors", "token_expired_pattern"), "(?i)token|登录|失效|过期");
    assert_eq!(default("Hook", "check_token"), false);
}

#[test]
fn a_misspelt_key_is_refused_wherever_it_stands() {
    let validator = jsonschema::draft202012::new(&bare(config()).describe::<SkillTrain>()["config"]).unwrap();
    assert!(validator.is_valid(&config()));
    for wrong in [
        json!({ "acount": "x" }),
        json!({ "token": { "ttl": 1 } }),
        json!({ "token": { "ttl_s": 0 } }),
        json!({ "path": { "study.begin": "/x" } }),
        json!({ "numbers": { "as_string": { "study.begin": true } } }),
        json!({ "role": "school" }),
        json!({ "pull": { "source": "file" } }),
        json!({ "device": { "type": "PC" } }),
        json!({ "face": { "max_px": [1920] } }),
        json!({ "headers": { "token_keys": { "part1": "" } } }),
    ] {
        assert!(!validator.is_valid(&with(wrong.clone())), "{wrong}");
        if wrong["token"]["ttl_s"] != 0 && wrong["headers"].is_null() {
            assert_eq!(problems(with(wrong.clone())), [""], "{wrong}");
        }
    }
}

#[test]
fn the_example_is_fit() {
    let schema = bare(config()).describe::<SkillTrain>()["config"].clone();
    let example: toml::Table = include_str!("../../link.example.toml").parse().unwrap();
    let example = serde_json::to_value(&example["config"]).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&example).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(bare(example).check::<SkillTrain>(), []);
}

#[test]
fn plain_http_needs_the_operators_word() {
    assert_eq!(problems(with(json!({ "allow_plaintext": false }))), ["/base_url"]);
    assert_eq!(
        problems(with(json!({ "allow_plaintext": false, "base_url": "https://jg.example.com" }))),
        Vec::<String>::new()
    );
    assert_eq!(problems(with(json!({ "base_url": "jg.example.com" }))), ["/base_url"]);
}

#[test]
fn an_account_is_missing_only_where_somebody_logs_in() {
    let without = |changes: Value| {
        let mut config = with(changes);
        config.as_object_mut().unwrap().remove("account");
        problems(config)
    };
    assert_eq!(without(json!({ "role": "learning" })), ["/account"]);
    assert_eq!(without(json!({ "role": "business" })), ["/account"]);
    assert_eq!(without(json!({ "role": "business", "part2": { "token_source": "static" } })), Vec::<String>::new());
    assert_eq!(without(json!({ "role": "both", "part2": { "token_source": "none" } })), ["/account"]);
}

#[test]
fn check_reports_everything_at_once() {
    let broken = with(json!({
        "base_url": "ftp://x",
        "role": "learning",
        "device": { "type": "TYPE_ANDROID" },
        "path": { "study.start": "api" },
        "numbers": { "as_string": { "login": true } },
        "headers": { "token_keys": { "part1": [], "part2": ["timestamp", "a", "a"] } },
        "part2": { "success_codes": [], "api_url": "x", "token_source": "none" },
        "push_class": { "mode": "derive", "account_template": "${name}" },
    }));
    assert_eq!(
        problems(broken),
        [
            "/base_url",
            "/device/id",
            "/path/study.start",
            "/numbers/as_string/login",
            "/headers/token_keys/part1",
            "/headers/token_keys/part2",
            "/headers/token_keys/part2",
            "/part2/success_codes",
            "/part2/api_url",
            "/part2/token_source",
            "/push_class/account_template",
        ]
    );
}

#[test]
fn a_template_must_tell_learners_apart() {
    let template =
        |template: &str| problems(with(json!({ "push_class": { "mode": "derive", "account_template": template } })));
    assert_eq!(template("px-${studentUserCode}"), Vec::<String>::new());
    assert_eq!(template("${classCode}-${cardNo6}"), ["/push_class/account_template"]);
    assert_eq!(template("${"), ["/push_class/account_template"]);
}

#[test]
fn what_identifies_a_person_is_declared_personal() {
    let operations = operations();
    let personal = |name: &str| {
        let operation = operations.iter().find(|it| it["name"] == name).unwrap();
        operation["personal"].as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(personal("student.authenticate"), ["/cardNo", "/name"]);
    assert!(personal("face.compare").contains(&"/target".to_owned()));
    assert_eq!(personal("teacher.push"), ["/teaName", "/teaCard", "/mobile", "/remark"]);
    assert!(personal("student.push").contains(&"/students/*/stuCard".to_owned()));
    assert!(personal("class.push").contains(&"/students/*/cardNo".to_owned()));
}

#[test]
fn who_studies_and_how_long_is_declared_personal_wherever_it_stands() {
    let names = ["studentUserCode", "playTime", "progressTime", "videoStudyTime", "bizCode", "verificationCode"];
    for operation in operations() {
        let declared = operation["personal"].as_array().cloned().unwrap_or_default();
        for schema in ["input", "output"] {
            let members = operation[schema]["properties"].as_object();
            for name in members.into_iter().flat_map(|members| members.keys()).filter(|it| names.contains(&it.as_str()))
            {
                assert!(declared.contains(&json!(format!("/{name}"))), "{}: {name}", operation["name"]);
            }
        }
    }
}
