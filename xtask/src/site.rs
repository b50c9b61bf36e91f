//! A host's home in a temporary directory: configuration, an API key, connectors, links. Everything a person would make
//! by hand after reading the README, and nothing more. It is removed when dropped.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    http,
    process::{Launch, Process},
};

/// How long a host may take from listening to ready.
const READY_MAX: Duration = Duration::from_secs(120);

/// The secret of the simulator's demo client: the example key of GB/T 32907-2016 in base64, so nobody's.
pub(crate) const CLIENT_SECRET: &str = "ASNFZ4mrze/+3LqYdlQyEA==";

/// The password of the demo account of the simulated `skill-train`: nobody's.
const ACADEMY_PASSWORD: &str = "demo-password-0000";

/// The directory and the key of one host.
pub(crate) struct Site {
    dir: TempDir,
    duijie: PathBuf,
    /// The API key, as a platform would send it.
    pub(crate) key: String,
    /// The key for the admin listener.
    pub(crate) admin_key: String,
}

/// A host that serves.
pub(crate) struct Host {
    /// The program.
    pub(crate) process: Process,
    /// Where platforms call.
    pub(crate) api: String,
    /// Where operators look.
    pub(crate) admin: String,
    /// From starting the program to its first "ready".
    pub(crate) ready_after: Duration,
}

impl Site {
    /// Makes directories, a key and a `duijie.toml` with this added to it.
    pub(crate) fn new(duijie: &Path, more_config: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("duijie-").tempdir().context("making a temporary directory")?;
        for folder in ["connectors.d", "links.d"] {
            fs::create_dir(dir.path().join(folder))?;
        }
        let (platform, admin) = (made_key(duijie, &["--platform", "demo"])?, made_key(duijie, &["--admin"])?);
        // Tables of an array come last, or what follows would be theirs.
        let config = format!(
            "[listen]\napi = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\n{more_config}\n{}\n{}",
            admin.toml, platform.toml
        );
        let site = Self { key: platform.key, admin_key: admin.key, duijie: duijie.to_owned(), dir };
        site.write("duijie.toml", &config)?;
        site.write("secrets/client_secret", CLIENT_SECRET)?;
        Ok(site)
    }

    /// Another platform that may use everything; its key.
    pub(crate) fn platform(&self, name: &str) -> Result<String> {
        let made = made_key(&self.duijie, &["--platform", name])?;
        self.configure(&made.toml)?;
        Ok(made.key)
    }

    /// Adds tables to `duijie.toml`.
    pub(crate) fn configure(&self, tables: &str) -> Result<()> {
        let file = self.path("duijie.toml");
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        self.write("duijie.toml", &format!("{text}\n{tables}"))
    }

    /// The host's program.
    pub(crate) fn program(&self) -> &Path {
        &self.duijie
    }

    /// Where this is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, by a temporary name and a rename, as an operator should.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(self.dir.path());
        fs::create_dir_all(folder)?;
        let file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        fs::write(file.path(), text)?;
        file.persist(&path).with_context(|| format!("writing {}", path.display()))?;
        Ok(())
    }

    /// Writes the file of a link to a simulated `skill-train`, with these tables at its end.
    pub(crate) fn add_academy(&self, name: &str, upstream: &str, tables: &str) -> Result<()> {
        self.write("secrets/password", ACADEMY_PASSWORD)?;
        let link = format!(
            r#"connector = "skill-train"

[config]
role = "learning"
base_url = "{upstream}"
account = "demo-academy"
allow_plaintext = true

[secrets.password]
file = "../secrets/password"

[allow]
http = ["{upstream}"]

{tables}
"#
        );
        self.write(&format!("links.d/{name}.toml"), &link)
    }

    /// Copies a connector in.
    pub(crate) fn add_connector(&self, wasm: &Path) -> Result<()> {
        let name = wasm.file_name().ok_or_else(|| anyhow!("{} has no name", wasm.display()))?;
        fs::copy(wasm, self.path("connectors.d").join(name)).with_context(|| format!("copying {}", wasm.display()))?;
        Ok(())
    }

    /// Moves a file into the connectors directory under this name; when that was.
    pub(crate) fn move_connector(&self, from: &Path, name: &str) -> Result<Instant> {
        let at = Instant::now();
        fs::rename(from, self.path("connectors.d").join(name)).with_context(|| format!("dropping {name}"))?;
        Ok(at)
    }

    /// Drops these bytes into the connectors directory, by a rename; when that was.
    pub(crate) fn drop_connector(&self, name: &str, bytes: &[u8]) -> Result<Instant> {
        let aside = self.path(&format!(".new-{name}"));
        fs::write(&aside, bytes).with_context(|| format!("writing {}", aside.display()))?;
        self.move_connector(&aside, name)
    }

    /// Removes everything from the connectors directory.
    pub(crate) fn clear_connectors(&self) -> Result<()> {
        for entry in fs::read_dir(self.path("connectors.d"))? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    /// Starts the host and waits until it is ready.
    pub(crate) async fn start(&self, cpu: Option<usize>) -> Result<Host> {
        self.start_with(cpu, Vec::new()).await
    }

    /// The same with more in its environment.
    pub(crate) async fn start_with(&self, cpu: Option<usize>, env: Vec<(&'static str, String)>) -> Result<Host> {
        let started = Instant::now();
        let args = ["serve".into(), "--config".into(), self.path("duijie.toml").into_os_string()];
        let launch = Launch { name: "host", program: &self.duijie, args: args.into(), env, cpu, logs: self.dir.path() };
        let (process, said) = launch.start().await?;
        let listens = |name: &str| {
            let url = said.pointer(&format!("/listening/{name}")).and_then(Value::as_str);
            url.map(str::to_owned).ok_or_else(|| anyhow!("the host did not say where its {name} listener is: {said}"))
        };
        let (api, admin) = (listens("api")?, listens("admin")?);
        while http::get(&format!("{admin}/readyz")).await?.status != 200 {
            if started.elapsed() > READY_MAX {
                bail!("the host was not ready within {} s; its log: {}", READY_MAX.as_secs(), process.log().display());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(Host { process, api, admin, ready_after: started.elapsed() })
    }
}

/// A key, and what the host is told of it.
struct MadeKey {
    key: String,
    toml: String,
}

fn made_key(duijie: &Path, whose: &[&str]) -> Result<MadeKey> {
    let output = Command::new(duijie).args(["--format", "json", "keys", "new"]).args(whose).output();
    let output = output.with_context(|| format!("running {}", duijie.display()))?;
    if !output.status.success() {
        bail!("duijie keys new failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let made: Value = serde_json::from_slice(&output.stdout).context("reading what duijie keys new printed")?;
    let text = |name: &str| {
        let text = made.get(name).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| anyhow!("duijie keys new printed no {name}"))
    };
    Ok(MadeKey { key: text("key")?, toml: text("toml")? })
}

/// What every link to one simulated `zj-gxsz` shares, for a `_defaults.toml`; its `[config]` still needs a `client_id`.
pub(crate) fn simulated(upstream: &str) -> String {
    format!(
        r#"connector = "zj-gxsz"

[secrets.client_secret]
file = "../secrets/client_secret"
encoding = "base64"

[allow]
http = ["{upstream}"]

[config]
profile = "sim"
base_url = "{upstream}"
token.path = "/api/oauth2/token"
"#
    )
}
