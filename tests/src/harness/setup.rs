//! What a host is started with: a temporary directory with `duijie.toml`, `connectors.d`, `links.d` and `state`, keys
//! made by the host's own command line, and an environment that holds nothing but what a test puts there.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{Host, Run, build};

/// The platform that may call everything, unless a test says otherwise.
const CAMPUS: &str = "campus";

/// A host's directory and environment; outlives any number of starts.
#[derive(Debug)]
pub struct Setup {
    pub(super) dir: TempDir,
    pub(super) env: BTreeMap<String, String>,
    pub(super) keys: BTreeMap<String, String>,
    pub(super) admin_key: String,
    settings: String,
    listen: String,
    key_settings: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// Empty directories, an admin key, and one platform `campus` that may call everything.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        for name in ["connectors.d", "links.d", "state"] {
            fs::create_dir(dir.path().join(name)).expect("directories can be made");
        }
        share_compiled(&dir.path().join("state")).expect("the state directory can be prepared");
        let mut setup = Self {
            dir,
            env: BTreeMap::new(),
            keys: BTreeMap::new(),
            admin_key: String::new(),
            settings: "[log]\nlevel = \"debug\"\n".to_owned(),
            listen: String::new(),
            key_settings: String::new(),
        };
        let admin = setup.new_key(&["--admin"]);
        setup.admin_key = admin;
        setup.platform(CAMPUS, "*", "*")
    }

    /// Adds a connector of this workspace, by its package's name, as `PACKAGE.wasm`.
    pub fn connector(self, package: &str) -> Self {
        self.connector_file(&format!("{package}.wasm"), &build::connector(package))
    }

    /// Adds a test guest, by its package's name, as `PACKAGE.wasm`.
    pub fn guest(self, package: &str) -> Self {
        self.connector(package)
    }

    /// Adds a copy of a component under this name.
    pub fn connector_file(self, name: &str, component: &Path) -> Self {
        fs::copy(component, self.connectors().join(name)).expect("the component can be copied");
        self
    }

    /// Adds a link: a path below `links.d` without its extension, and TOML.
    pub fn link(self, path: &str, toml: &str) -> Self {
        write_link(&self.links(), path, toml);
        self
    }

    /// Sets an environment variable of the host.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds a platform that may use these links and operations (patterns, comma-separated).
    pub fn platform(mut self, name: &str, links: &str, operations: &str) -> Self {
        let key = self.new_key(&["--platform", name, "--links", links, "--operations", operations]);
        self.keys.insert(name.to_owned(), key);
        self
    }

    /// Replaces what `duijie.toml` says besides listeners and keys.
    pub fn settings(mut self, toml: &str) -> Self {
        toml.clone_into(&mut self.settings);
        self
    }

    /// Adds a line to `[listen]`.
    pub fn listen(mut self, line: &str) -> Self {
        let _ = writeln!(self.listen, "{line}");
        self
    }

    /// The directory of everything.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// Where connectors lie.
    pub fn connectors(&self) -> PathBuf {
        self.root().join("connectors.d")
    }

    /// Where links lie.
    pub fn links(&self) -> PathBuf {
        self.root().join("links.d")
    }

    /// The key of a platform.
    pub fn key(&self, platform: &str) -> &str {
        self.keys.get(platform).unwrap_or_else(|| panic!("no platform {platform}"))
    }

    /// Starts the host and waits until it serves.
    pub async fn start(self) -> Host {
        self.write_config();
        Host::start(self).await
    }

    /// Runs a verb of the command line on this directory; to its end.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.write_config();
        Run::of(self, arguments, None)
    }

    /// The same with something on stdin.
    pub fn run_with_stdin(&self, arguments: &[&str], stdin: &[u8]) -> Run {
        self.write_config();
        Run::of(self, arguments, Some(stdin))
    }

    fn write_config(&self) {
        let mut toml = String::from("[listen]\napi = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n");
        let _ = write!(toml, "{}\n{}\n{}", self.listen, self.settings, self.key_settings);
        fs::write(self.root().join("duijie.toml"), toml).expect("duijie.toml can be written");
    }

    fn new_key(&mut self, arguments: &[&str]) -> String {
        let arguments: Vec<&str> = ["keys", "new", "--format", "json"].iter().chain(arguments).copied().collect();
        let made = Run::of(self, &arguments, None).expect_code(0).json();
        let text = |name: &str| made.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let _ = writeln!(self.key_settings, "{}", text("toml"));
        text("key")
    }
}

/// Writes a link's file.
pub(super) fn write_link(links: &Path, path: &str, toml: &str) {
    let file = links.join(format!("{path}.toml"));
    fs::create_dir_all(file.parent().expect("a link lies in a directory")).expect("directories can be made");
    fs::write(file, toml).expect("the link can be written");
}

fn share_compiled(state: &Path) -> io::Result<()> {
    let warm = build::warm_state();
    let key = warm.join("host.key");
    if !key.exists() {
        let mut random = fs::File::open("/dev/urandom")?;
        let mut bytes = [0; 32];
        io::Read::read_exact(&mut random, &mut bytes)?;
        let new = tempfile::NamedTempFile::new_in(&warm)?;
        fs::write(new.path(), bytes)?;
        // Whoever is first wins; the others take that key.
        let _ = new.persist_noclobber(&key);
    }
    fs::copy(&key, state.join("host.key"))?;
    fs::set_permissions(state.join("host.key"), fs::Permissions::from_mode(0o600))?;
    symlink(warm.join("cache"), state.join("cache"))
}
