//! The command line as a person or a script uses it: what it prints, and with which code it ends.

use duijie_tests::{
    fixtures,
    harness::{Setup, build},
    upstreams::ZjGxsz,
};
use serde_json::json;

use crate::support::{College, LINK, hostile_link, setup};

#[tokio::test(flavor = "multi_thread")]
async fn check_of_good_files_ends_with_0_and_sends_nothing() {
    let sim = ZjGxsz::builder().start().await.unwrap();
    let setup = setup().link("zj/nbufe", &College::at(&sim.url()).toml());
    let run = setup.run(&["check"]).expect_code(0);
    assert!(run.stdout.contains("zj.nbufe") && run.stdout.contains("zj-gxsz 0.1.0"), "{}", run.stdout);
    let status = setup.run(&["check", "--format", "json"]).expect_code(0).json();
    assert_eq!(status["links"][0]["state"], "serving", "{status}");
    assert_eq!(sim.counters().connections_accepted, 0);
    assert_eq!(std::fs::read_dir(setup.root().join("state")).unwrap().count(), 2, "state is as it was");
}

#[test]
fn check_of_bad_files_ends_with_1_and_names_each_with_file_line_and_key() {
    let college = College::at("http://127.0.0.1:9").toml();
    let setup = setup()
        .link("zj/good", &college)
        .link("zj/key", &(college.clone() + "[limits]\nconcurency = 1\n"))
        .link("zj/config", &college.replace("/api/oauth2/token", "api/oauth2/token"));
    std::fs::write(setup.connectors().join("broken.wasm"), "not wasm").unwrap();
    let run = setup.run(&["check"]).expect_code(1);
    let line = |word: &str| {
        run.stdout.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word} in {}", run.stdout))
    };
    assert!(line("zj.good").starts_with("ok"), "{}", run.stdout);
    assert!(line("zj.key").contains("zj/key.toml:") && line("zj.key").contains("limits.concurency"), "{}", run.stdout);
    assert!(
        line("zj.config").contains("zj/config.toml:") && line("zj.config").contains("token.path"),
        "{}",
        run.stdout
    );
    assert!(line("broken.wasm").contains("not WebAssembly"), "{}", run.stdout);
}

#[test]
fn a_bad_duijie_toml_ends_with_2_and_names_line_and_key() {
    let setup = Setup::new().settings("[limits]\ncals = 1\n");
    for verb in [&["check"][..], &["serve"], &["link", "explain", "a.b"]] {
        let run = setup.run(verb).expect_code(2);
        assert!(run.stderr.contains("duijie.toml:") && run.stderr.contains("cals"), "{}", run.stderr);
    }
    let run = setup.run(&["check", "--config", "nowhere.toml"]).expect_code(2);
    assert!(run.stderr.contains("nowhere.toml") && run.stderr.contains("--config"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn call_takes_json_a_file_or_stdin() {
    let sim = ZjGxsz::builder().start().await.unwrap();
    let setup = setup().link("zj/nbufe", &College::at(&sim.url()).toml());
    let call = |input: &str, stdin: &str| {
        let run = setup.run_with_stdin(&["call", LINK, "record.push-one", input], stdin.as_bytes());
        run.expect_code(0).json()
    };
    let records =
        [fixtures::talk_one(1), fixtures::talk_one(2), fixtures::talk_one(3)].map(|record| record.to_string());
    std::fs::write(setup.root().join("record.json"), &records[1]).unwrap();
    assert_eq!(call(&records[0], "")["recordId"], "ONE-000001");
    assert_eq!(call("@record.json", "")["recordId"], "ONE-000002");
    assert_eq!(call("-", &records[2])["recordId"], "ONE-000003");
    assert_eq!(sim.counters().records_accepted, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_ends_with_1_and_says_class_outcome_and_what_is_wrong() {
    let sim = ZjGxsz::builder().start().await.unwrap();
    let setup = setup().link("zj/nbufe", &College::at(&sim.url()).toml());
    let run = setup.run(&["call", LINK, "record.push-one", "{\"content\": 1}"]).expect_code(1);
    assert!(
        run.stderr.contains("/content") && run.stderr.contains("invalid-input") && run.stderr.contains("not-sent"),
        "{}",
        run.stderr
    );
    let run = setup.run(&["call", LINK, "record.push-two"]).expect_code(1);
    assert!(run.stderr.contains("record.push-one"), "{}", run.stderr);
    let run = setup.run(&["call", "zj.nobody", "record.check"]).expect_code(1);
    assert!(run.stderr.contains("zj.nobody"), "{}", run.stderr);
    let failed = setup.run(&["call", LINK, "record.push-one", "{}", "--format", "json"]).expect_code(1).json();
    assert_eq!(
        (failed["class"].as_str(), failed["outcome"].as_str()),
        (Some("invalid-input"), Some("not-sent")),
        "{failed}"
    );
    assert_eq!(sim.counters().connections_accepted, 0);
    setup.run(&["call", LINK, "record.push-one", "@nowhere.json"]).expect_code(2);
}

#[test]
fn inspect_shows_what_a_connector_is() {
    let setup = Setup::new();
    let file = build::connector("zj-gxsz");
    let run = setup.run(&["inspect", file.to_str().unwrap()]).expect_code(0);
    for word in ["zj-gxsz 0.1.0", "record.push-one", "client_secret", "duijie:http/client@0.1.0", "revision", "KiB"] {
        assert!(run.stdout.contains(word), "{word} in {}", run.stdout);
    }
    let shown = setup.run(&["inspect", file.to_str().unwrap(), "--format", "json"]).expect_code(0).json();
    assert_eq!(shown["manifest"]["name"], "zj-gxsz");
    assert!(shown["manifest"]["operations"][0]["input"].is_object());
    assert_eq!(shown["revision"].as_str().unwrap().len(), 64);
    assert_eq!(shown["size"].as_u64().unwrap(), std::fs::metadata(&file).unwrap().len());
}

#[test]
fn inspect_says_how_a_queue_may_treat_each_operation() {
    let file = build::connector("skill-train");
    let shown = Setup::new().run(&["inspect", file.to_str().unwrap()]).expect_code(0).stdout;
    for (operation, words) in [
        ("study.start", "[write, repeat unsafe, line study]"),
        ("record.submit", "[write, repeat safe, line study, every version sent]"),
        ("face.compare", "[write, repeat unsafe, never queued]"),
        ("face.config", "[read, repeat safe]"),
    ] {
        assert!(shown.contains(&format!("  {operation}  {words}  ")), "{operation} {words} in {shown}");
    }
}

#[test]
fn inspect_of_what_is_no_connector_ends_with_1_and_says_what_it_is() {
    let setup = Setup::new();
    for (name, bytes, word) in
        [("text.wasm", &b"(component)"[..], "text"), ("elf.wasm", b"\x7fELF\x02", "ELF"), ("empty.wasm", b"", "empty")]
    {
        std::fs::write(setup.root().join(name), bytes).unwrap();
        let run = setup.run(&["inspect", name]).expect_code(1);
        assert!(run.stderr.contains(name) && run.stderr.contains(word), "{}", run.stderr);
    }
    setup.run(&["inspect", "nowhere.wasm"]).expect_code(2);
}

#[test]
fn link_explain_says_where_every_value_comes_from() {
    let setup = Setup::new().link("zj/hz/school", "[limits]\ndeadline_ms = 3000\n");
    std::fs::write(setup.links().join("_defaults.toml"), "connector = \"hostile\"\n[limits]\nconcurrency = 7\n")
        .unwrap();
    std::fs::write(
        setup.links().join("zj/_defaults.toml"),
        "[limits]\ndeadline_ms = 9000\n[secrets.token]\nenv = \"ZJ_TOKEN\"\n",
    )
    .unwrap();
    let setup = setup.env("ZJ_TOKEN", "not-to-be-shown");
    let run = setup.run(&["link", "explain", "zj.hz.school"]).expect_code(0);
    let line = |word: &str| {
        run.stdout.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word} in {}", run.stdout))
    };
    assert!(line("deadline_ms = 3000").contains("zj/hz/school.toml:2"), "{}", run.stdout);
    assert!(line("concurrency = 7").contains("_defaults.toml:3"), "{}", run.stdout);
    assert!(line("ZJ_TOKEN").contains("zj/_defaults.toml:4"), "{}", run.stdout);
    assert!(!run.stdout.contains("not-to-be-shown"));
    let values = setup.run(&["link", "explain", "zj.hz.school", "--format", "json"]).expect_code(0).json();
    assert_eq!(values["link"], "zj.hz.school");
    let run = setup.run(&["link", "explain", "zj.nobody"]).expect_code(1);
    assert!(run.stderr.contains("zj/nobody.toml"), "{}", run.stderr);
}

#[test]
fn keys_new_prints_a_key_once_and_what_goes_into_the_file() {
    let setup = Setup::new();
    let made = setup
        .run(&["keys", "new", "--platform", "museum", "--links", "zj.*,sh.*", "--format", "json"])
        .expect_code(0)
        .json();
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("dj_") && key.len() == 55, "{made}");
    let toml = made["toml"].as_str().unwrap();
    assert!(
        !toml.contains(key) && toml.contains("zj.*") && toml.contains(made["key_sha256"].as_str().unwrap()),
        "{toml}"
    );
    let text = setup.run(&["keys", "new", "--admin"]).expect_code(0).stdout;
    assert!(text.contains("[admin]") && text.contains("dj_"), "{text}");
    setup.run(&["keys", "new"]).expect_code(2);
    setup.run(&["keys", "new", "--platform", "No Such Name"]).expect_code(2);
}

#[test]
fn help_names_every_verb_and_usage_errors_end_with_2() {
    let setup = Setup::new();
    let help = setup.run(&["--help"]).expect_code(0).stdout;
    for verb in ["serve", "check", "call", "inspect", "link", "keys", "new", "Exit codes"] {
        assert!(help.contains(verb), "{verb} in {help}");
    }
    assert!(!help.contains("compile-component"), "what is not for people is not shown");
    assert!(setup.run(&["--version"]).expect_code(0).stdout.contains("0.1.0"));
    setup.run(&[]).expect_code(2);
    setup.run(&["deploi"]).expect_code(2);
    setup.run(&["call"]).expect_code(2);
}

#[test]
fn new_refuses_bad_names_and_what_is_there_already() {
    let setup = Setup::new();
    for name in ["Upper", "1st", "../up", "a_b", ""] {
        setup.run(&["new", name]).expect_code(2);
    }
    std::fs::create_dir(setup.root().join("taken")).unwrap();
    let run = setup.run(&["new", "taken"]).expect_code(2);
    assert!(run.stderr.contains("taken"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connector_builds_passes_its_own_test_offline_and_serves() {
    let setup = Setup::new();
    setup.run(&["new", "my-connector"]).expect_code(0);
    let dir = setup.root().join("my-connector");
    let cargo = |arguments: &[&str]| {
        let mut command = build::cargo_command();
        // Its own target directory, kept between runs: it is another workspace.
        let target = build::target().join("duijie-tests-new");
        command.args(arguments).current_dir(&dir).env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", &target);
        let done = command.output().unwrap();
        assert!(done.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        target
    };
    cargo(&["test", "--offline"]);
    let target = cargo(&["build", "--offline", "--target", "wasm32-wasip2", "--profile", "connector"]);
    let file = target.join("wasm32-wasip2/connector/my_connector.wasm");
    let shown = setup.run(&["inspect", file.to_str().unwrap(), "--format", "json"]).expect_code(0).json();
    assert_eq!(shown["manifest"]["name"], "my-connector");
    assert!(!shown["manifest"]["operations"].as_array().unwrap().is_empty(), "{shown}");
}

#[test]
fn check_of_nothing_says_what_to_do() {
    let setup = Setup::new();
    let run = setup.run(&["check"]).expect_code(0);
    assert!(run.stdout.contains(".wasm") && run.stdout.contains(".toml"), "{}", run.stdout);
}

#[test]
fn check_warns_of_a_link_without_its_connector() {
    let setup = Setup::new().link("a/one", &hostile_link(&[], ""));
    let run = setup.run(&["check"]).expect_code(1);
    assert!(run.stdout.contains("no connector hostile is loaded"), "{}", run.stdout);
    assert_eq!(setup.run(&["check", "--format", "json"]).json()["links"][0]["state"], json!("refused"));
}
