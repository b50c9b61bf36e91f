//! The smallest connector: a component made from text, so that calls can be tested over real sockets and a real guest
//! without a toolchain. `echo` and `other.echo` answer their input, `reject` fails as an upstream would, `trap.now` traps.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    sync::Arc,
};

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::{
    capability::grant::Grant,
    hostkey::HostKey,
    link::{Dispatcher, Entry, Link, PushSpec, Serving, Table},
    runtime::{Cache, CallLimits, Compiler, EngineOptions, Prepared, PreparedRef, Runtime, compile},
};

/// Bytes of input that the links of [`dispatcher`] take.
pub(crate) const INPUT_MAX: usize = 64 << 10;

fn manifest() -> Value {
    let operation = |name: &str| {
        json!({
            "name": name, "summary": { "en": "Tests", "zh": "测试" }, "effect": "write", "repeat": "safe", "key": "/n",
            "personal": ["/name"], "deadline_ms": 5000, "output": true,
            "input": { "type": "object", "properties": { "n": { "$ref": "#/$defs/N" } }, "$defs": { "N": { "type": "integer" } } }
        })
    };
    json!({
        "manifest": 1, "name": "mirror", "version": "0.1.0", "summary": { "en": "Mirror", "zh": "镜" }, "sdk": "none",
        "config": {}, "secrets": [], "hooks": [], "origins": [],
        "operations": [operation("echo"), operation("other.echo"), operation("reject"), operation("trap.now")]
    })
}

/// Which operation is meant is seen from the length of its name; memory is handed out and never taken back.
fn core_module() -> String {
    let manifest = manifest().to_string();
    let bytes: String = manifest.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    format!(
        r#"(module
          (memory (export "memory") 64)
          (global $next (mut i32) (i32.const 131072))
          (data (i32.const 0) "no\34\30\39\30\31")
          (data (i32.const 16384) "{bytes}")
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
            (local.set $at (global.get $next))
            (global.set $next (i32.and (i32.add (i32.add (local.get $at) (local.get 3)) (i32.const 15)) (i32.const -16)))
            (local.get $at))
          (func (export "duijie:connector/handler@0.1.0#describe") (result i32)
            (i32.store (i32.const 64) (i32.const 16384)) (i32.store (i32.const 68) (i32.const {len})) (i32.const 64))
          (func (export "duijie:connector/handler@0.1.0#check") (result i32)
            (i32.store (i32.const 64) (i32.const 0)) (i32.store (i32.const 68) (i32.const 0)) (i32.const 64))
          (func (export "duijie:connector/handler@0.1.0#call") (param $op i32) (param $op_len i32) (param $in i32) (param $in_len i32) (result i32)
            (if (i32.eq (local.get $op_len) (i32.const 8)) (then unreachable))
            (if (i32.eq (local.get $op_len) (i32.const 6)) (then
              ;; err, upstream-rejected, rejected, "no", some "40901", none, none
              (i32.store8 (i32.const 64) (i32.const 1)) (i32.store8 (i32.const 72) (i32.const 6)) (i32.store8 (i32.const 73) (i32.const 1))
              (i32.store (i32.const 76) (i32.const 0)) (i32.store (i32.const 80) (i32.const 2))
              (i32.store8 (i32.const 84) (i32.const 1)) (i32.store (i32.const 88) (i32.const 2)) (i32.store (i32.const 92) (i32.const 5))
              (return (i32.const 64))))
            (i32.store (i32.const 72) (local.get $in)) (i32.store (i32.const 76) (local.get $in_len)) (i32.const 64))
          (func (export "duijie:connector/handler@0.1.0#receive")
            (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable))"#,
        len = manifest.len(),
    )
}

fn component() -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit")).unwrap();
    let world = resolve.select_world(&[package], Some("connector")).unwrap();
    let mut module = wat::parse_str(core_module()).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// Set for this test when it is run as the compiler's child process, since a test binary has no verbs.
const CHILD: &str = "DUIJIE_COMPILING_CHILD";

#[test]
fn the_guest_made_from_text_compiles() {
    if std::env::var_os(CHILD).is_some() {
        compile::child().unwrap();
        std::process::exit(0);
    }
    assert!(!compile::compile(&component()).unwrap().is_empty());
}

async fn prepare() -> PreparedRef {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("child");
    // The first lines on stdout are the test harness's own: an empty one and "running 1 test".
    let script = format!(
        "#!/bin/sh\n{CHILD}=1 '{}' --exact {}::the_guest_made_from_text_compiles --nocapture --quiet | tail -c +17\n",
        std::env::current_exe().unwrap().display(),
        module_path!().split_once("::").unwrap().1,
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let runtime = Runtime::new(&EngineOptions { calls_max: 8, ..EngineOptions::default() }).unwrap();
    let host_key = HostKey::open(&directory.path().join("host.key"), &directory.path().join("none")).unwrap();
    let compiler = Compiler::new(program, Cache::open(&directory.path().join("state"), &host_key).unwrap());
    Arc::new(Prepared::load(&runtime, &compiler, &component()).await.unwrap())
}

/// These links serve with the guest; `refused` are there and refused.
pub(crate) async fn dispatcher(serving: &[&str], refused: &[&str]) -> Arc<Dispatcher> {
    let connector = prepare().await;
    let mut entries = BTreeMap::new();
    for id in serving {
        let link = Link {
            id: id.parse().unwrap(),
            connector: connector.clone(),
            limits: CallLimits { body_bytes: INPUT_MAX, ..CallLimits::default() },
            grant: Arc::new(Grant::none()),
            permits: Arc::new(Semaphore::new(4)),
            hooks: BTreeMap::new(),
            origins: Vec::new(),
            push: PushSpec::default(),
            resend: BTreeSet::new(),
            schedules: BTreeMap::new(),
            sheets: BTreeMap::new(),
        };
        entries.insert(id.parse().unwrap(), Entry::Serving(Serving { stable: Arc::new(link), canary: None }));
    }
    for id in refused {
        entries.insert(id.parse().unwrap(), Entry::Refused { connector: Some("mirror".parse().unwrap()) });
    }
    let dispatcher = Arc::new(Dispatcher::new(8, 8));
    dispatcher.publish(Table::new(entries));
    dispatcher
}
