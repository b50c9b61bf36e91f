//! What `soak power` and `soak io` put under strace: the host itself with a site of its own, whose links have records that
//! arrive, records that wait for an upstream that is not there, and records that are held back. All runs share its
//! configuration, its key and its compiled connectors; the state directory is each run's own. Talks to no network.

mod client;
mod script;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use self::client::Client;
use super::power::{Ack, Strace, Struck, Workload, answered};
use crate::{
    bench::tools::{self, Options},
    components::{self, Kind},
    hostile, http,
    process::{self, Launch, Process},
    site::Site,
};

/// The database, as `host/src/store/sqlite.rs` calls it.
const DATABASE: &str = "duijie.db";
/// Links: of the hostile connector, of one whose upstream is not there, and one that is held back.
const SOAK: &str = "soak";
const LEARNING: &str = "learning";
const HELD: &str = "held";
/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";
/// Starts that are recorded. The second ends with a kill, so that the third finds a log.
const ROUNDS: u64 = 3;
/// Records of a run that will be struck, and of one that shows which calls there are: fewer, so that each of its calls comes
/// also where threads meet in another order.
const STRUCK: (u64, u64) = (90, 30);
/// How long a traced host may take to be ready, and to end.
const READY_MAX: Duration = Duration::from_secs(120);
const END_MAX: Duration = Duration::from_secs(60);

/// The host at work.
pub(super) struct Pushes {
    site: Site,
    audit_key: [u8; 32],
    runs: AtomicU64,
}

impl Pushes {
    /// Builds it and lets it compile its connectors.
    pub(super) fn build(options: Options) -> Result<Self> {
        let guests = components::build(Kind::Guests, None)?;
        let connectors = components::build(Kind::Connectors, None)?;
        let site = Site::new(&tools::host(options)?, "[log]\nlevel = \"warn\"\n")?;
        for name in [hostile::NAME, "skill-train"] {
            let prefix = format!("{name}-");
            let is_it =
                |file: &&PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix));
            let file = guests.iter().chain(&connectors).find(is_it);
            site.add_connector(file.ok_or_else(|| anyhow!("there is no connector {name}"))?)?;
        }
        for link in [SOAK, HELD] {
            site.write(&format!("links.d/{link}.toml"), &format!("connector = \"{}\"\n", hostile::NAME))?;
        }
        site.write("secrets/password", "demo-password-0000")?;
        site.write(&format!("links.d/{LEARNING}.toml"), &learning())?;
        // The example of Standard Webhooks: nobody's.
        site.write("secrets/webhook", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")?;
        let config = fs::read_to_string(site.path("duijie.toml")).context("reading duijie.toml")?;
        site.write("duijie.toml", &(config + &webhooks(&site)))?;
        process::block_on(async { site.start(None).await?.process.stop().await })?;
        let key = fs::read(site.path("state/host.key")).context("reading host.key")?;
        Ok(Self { audit_key: derived(&key, b"duijie audit\x01")?, site, runs: AtomicU64::new(0) })
    }

    /// Starts it on this state directory.
    fn spawn(&self, strace: &Strace, dir: &Path) -> Result<Process> {
        self.prepare(dir)?;
        let run = self.site.path(&format!("runs/{}", self.runs.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&run)?;
        let config = run.join("duijie.toml");
        let paths = format!(
            "[paths]\nconnectors = \"{}\"\nlinks = \"{}\"\nstate = \"{}\"\n\n",
            self.site.path("connectors.d").display(),
            self.site.path("links.d").display(),
            dir.display()
        );
        fs::write(&config, paths + &fs::read_to_string(self.site.path("duijie.toml"))?)?;
        let (program, words) = strace.words.split_first().ok_or_else(|| anyhow!("no strace"))?;
        let mut args = words.to_vec();
        args.extend([self.site.program().into(), "serve".into(), "--config".into(), config.into_os_string()]);
        Launch { name: "host", program: Path::new(program), args, env: Vec::new(), cpu: None, logs: &run }.spawn()
    }

    /// What makes any directory this host's own.
    fn prepare(&self, dir: &Path) -> Result<()> {
        let key = dir.join("host.key");
        if !key.exists() {
            fs::copy(self.site.path("state/host.key"), &key).context("copying host.key")?;
        }
        for shared in ["cache", "revisions"] {
            if !dir.join(shared).exists() {
                symlink(self.site.path("state").join(shared), dir.join(shared)).context("linking what is compiled")?;
            }
        }
        Ok(())
    }

    /// Waits until it serves.
    async fn ready(&self, process: &mut Process) -> Result<Client> {
        let said = process.announced().await?;
        let listens = |name: &str| {
            let url = said.pointer(&format!("/listening/{name}")).and_then(Value::as_str);
            url.map(str::to_owned).ok_or_else(|| anyhow!("the host did not say where its {name} listener is: {said}"))
        };
        let client = Client::new(listens("api")?, listens("admin")?, &self.site);
        let since = Instant::now();
        while http::get(&format!("{}/readyz", client.admin)).await?.status != 200 {
            if since.elapsed() > READY_MAX {
                bail!("the host is not ready; its log: {}", process.log().display());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(client)
    }
}

/// Asks it to end, and waits until it and its trace have; not as if all were well is an error.
async fn end_well(mut process: Process, strace: &Strace) -> Result<()> {
    process.terminate()?;
    let status = process.ended(END_MAX).await?;
    strace.settled(process.pid())?;
    if !status.success() {
        bail!("the host ended with {status}; its log: {}", process.log().display());
    }
    Ok(())
}

impl Workload for Pushes {
    fn database(&self) -> &str {
        DATABASE
    }

    fn record(&self, strace: &Strace, dir: &Path) -> Result<Vec<Ack>> {
        process::block_on(async {
            let mut acked = Vec::new();
            for round in 0..ROUNDS {
                let mut process = self.spawn(strace, dir)?;
                let client = self.ready(&mut process).await?;
                let backup = self.site.path(&format!("backup-{round}.db"));
                acked.extend(script::round(&client, round, &backup).await?);
                if round == 1 {
                    let pid = process.pid();
                    process.kill().await?;
                    strace.settled(pid)?;
                } else {
                    end_well(process, strace).await?;
                }
            }
            Ok(acked)
        })
    }

    fn recover(&self, strace: &Strace, dir: &Path) -> Result<()> {
        process::block_on(async {
            let mut process = self.spawn(strace, dir)?;
            let client = self.ready(&mut process).await?;
            client.push(SOAK, "echo", r#"{"n":0}"#, None).await?.ok_or_else(|| anyhow!("nothing is taken"))?;
            end_well(process, strace).await
        })
    }

    fn struck(&self, strace: &Strace, dir: &Path) -> Result<Struck> {
        process::block_on(async {
            let mut process = self.spawn(strace, dir)?;
            let mut struck = Struck { acked: Vec::new(), stopped: false };
            // One that does not even start has stopped, if it says so by how it ends.
            if let Ok(client) = self.ready(&mut process).await {
                let records = if strace.injects { STRUCK.0 } else { STRUCK.1 };
                struck.stopped = !script::until_refused(&client, records, &mut struck.acked).await?;
            }
            if process.runs() {
                process.terminate()?;
            }
            let status = process.ended(END_MAX).await?;
            strace.settled(process.pid())?;
            struck.stopped |= !status.success();
            Ok(struck)
        })
    }

    fn acks(&self, sent: &[u8]) -> Vec<Ack> {
        answered(sent).into_iter().collect()
    }

    fn anchor(&self, bytes: &[u8]) -> Option<u64> {
        anchored(&self.audit_key, bytes)
    }
}

/// As `host/src/hostkey.rs` derives it.
fn derived(key: &[u8], label: &[u8]) -> Result<[u8; 32]> {
    let mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| anyhow!("the key has no usable length"))?;
    Ok(mac.chain_update(label).finalize().into_bytes().into())
}

/// How many entries an anchor vouches for, if it was made under this key: count, hash and MAC, as in
/// `host/src/store/sqlite/audit/anchor.rs`.
fn anchored(key: &[u8; 32], bytes: &[u8]) -> Option<u64> {
    let (said, mac) = bytes.get(..72)?.split_at_checked(40)?;
    let ours = derived(key, &[b"duijie checkpoint 1", said].concat()).ok()?;
    (ours == *mac).then_some(u64::from_be_bytes(*said.first_chunk()?))
}

fn learning() -> String {
    format!(
        r#"connector = "skill-train"

[config]
role = "learning"
base_url = "{NOBODY}"
account = "demo-academy"
allow_plaintext = true

[secrets.password]
file = "../secrets/password"

[allow]
http = ["{NOBODY}"]
"#
    )
}

fn webhooks(site: &Site) -> String {
    format!(
        "\n[[webhooks]]\nplatform = \"demo\"\nurl = \"{NOBODY}/events\"\nsecret = {{ file = \"{}\" }}\ncidr = [\"127.0.0.0/8\"]\n",
        site.path("secrets/webhook").display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_key_is_the_one_that_the_host_derives() {
        // The vector of host/src/hostkey.rs.
        let key = derived(&[7; 32], b"duijie audit\x01").unwrap();
        assert_eq!(hex::encode(key), "ecbfa162fc2f5a2130c886371320e8fe6eb3fe48f63611f4e9f91bcfd0df07f7");
    }

    #[test]
    fn an_anchor_says_its_number_and_garbage_says_none() {
        let key = [3; 32];
        let said = [&300_u64.to_be_bytes()[..], &[9; 32]].concat();
        let mac = derived(&key, &[b"duijie checkpoint 1", &said[..]].concat()).unwrap();
        let anchor = [&said[..], &mac].concat();
        assert_eq!((anchored(&key, &anchor), anchored(&[4; 32], &anchor)), (Some(300), None));
        assert_eq!((anchored(&key, &[0; 72]), anchored(&key, &anchor[..71]), anchored(&key, &[])), (None, None, None));
    }
}
