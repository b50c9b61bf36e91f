//! What the tests run, built on demand by a nested `cargo build` into the same target directory: the host's binary, and
//! components. Once per test process; across processes a lock file keeps the builds apart.

use std::{
    collections::HashMap,
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::{LazyLock, Mutex, OnceLock},
};

/// Set by the build that runs the tests; a nested one would build everything anew under them, or break.
const INHERITED: [&str; 6] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "LLVM_PROFILE_FILE",
    "CARGO_BUILD_TARGET",
];

/// The host's binary, in the profile that the test itself was built in.
pub fn host() -> &'static Path {
    static HOST: OnceLock<PathBuf> = OnceLock::new();
    HOST.get_or_init(|| {
        let profile = match place().profile.as_str() {
            "debug" => "dev",
            other => other,
        };
        cargo(&["build", "--package", "duijie", "--profile", profile]);
        place().profile_dir.join("duijie")
    })
}

/// A connector's component, by its package's name.
pub fn connector(package: &str) -> PathBuf {
    static BUILT: LazyLock<Mutex<HashMap<String, PathBuf>>> = LazyLock::new(Mutex::default);
    let mut built = BUILT.lock().expect("no build has panicked");
    let path = built.entry(package.to_owned()).or_insert_with(|| {
        cargo(&["build", "--package", package, "--target", "wasm32-wasip2", "--profile", "connector"]);
        let file = format!("{}.wasm", package.replace('-', "_"));
        place().target.join("wasm32-wasip2/connector").join(file)
    });
    path.clone()
}

/// The workspace's root.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace").to_owned()
}

/// The target directory that this test was built into.
pub fn target() -> &'static Path {
    &place().target
}

/// A `cargo` that neither inherits the running build's settings nor disturbs it.
pub fn cargo_command() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for name in INHERITED {
        command.env_remove(name);
    }
    command.current_dir(workspace()).env("CARGO_TARGET_DIR", target());
    command
}

fn cargo(arguments: &[&str]) {
    let lock = File::create(target().join(".duijie-tests.lock")).expect("the target directory can be written");
    lock.lock().expect("the lock file can be locked");
    let done = cargo_command().arg("--quiet").args(arguments).output().expect("cargo runs");
    assert!(done.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Where this test runs from.
struct Place {
    target: PathBuf,
    profile_dir: PathBuf,
    profile: String,
}

fn place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        // target/PROFILE/deps/TEST-HASH
        let test = env::current_exe().expect("the test's own path is known");
        let deps = test.ancestors().find(|dir| dir.ends_with("deps")).expect("a test lies in deps/");
        let profile_dir = deps.parent().expect("deps/ lies in the profile's directory").to_owned();
        let target = profile_dir.parent().expect("the profile's directory lies in the target directory").to_owned();
        let profile = profile_dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Place { target, profile_dir, profile }
    })
}

/// A directory of compiled components and the key that they are MACed with, shared by all hosts of all tests: otherwise
/// every test would compile the same components again.
pub(super) fn warm_state() -> PathBuf {
    let warm = target().join("duijie-tests-state");
    let lock = File::create(target().join(".duijie-tests.lock")).expect("the target directory can be written");
    lock.lock().expect("the lock file can be locked");
    fs::create_dir_all(warm.join("cache")).expect("the shared cache can be made");
    warm
}
