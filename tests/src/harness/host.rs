//! A running host. Dropping it kills the process.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::FileExt as _,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Instant,
};

use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    process::{Child, Command},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Answer, Output, POLL, Request, Rollouts, Setup, WAIT_MAX, build, setup};

/// A host that serves.
#[derive(Debug)]
pub struct Host {
    setup: Setup,
    child: Child,
    readers: Vec<JoinHandle<std::io::Result<()>>>,
    /// What it wrote to stdout.
    pub stdout: Output,
    /// What it wrote to stderr: its log.
    pub log: Output,
    api: SocketAddr,
    admin: SocketAddr,
}

/// A host that has ended; its directory is still there.
#[derive(Debug)]
pub struct Stopped {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to stdout.
    pub stdout: Output,
    /// What it wrote to stderr: its log.
    pub log: Output,
    setup: Setup,
}

impl Host {
    pub(super) async fn start(setup: Setup) -> Self {
        let mut child = Command::new(build::host())
            .args(["serve", "--config", "duijie.toml"])
            .env_clear()
            .envs(&setup.env)
            .current_dir(setup.root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the host's binary runs");
        let (stdout, log) = (Output::default(), Output::default());
        let readers = vec![
            stdout.read(child.stdout.take().expect("stdout is a pipe")),
            log.read(child.stderr.take().expect("stderr is a pipe")),
        ];
        let (api, admin) = listening(&mut child, &stdout, &log).await;
        let host = Self { setup, child, readers, stdout, log, api, admin };
        host.until("the directories to be read", Rollouts::ready).await;
        host
    }

    /// Calls an operation as the platform `campus`.
    pub async fn call(&self, link: &str, operation: &str, input: &Value) -> Answer {
        self.call_request(link, operation, input.to_string()).send().await
    }

    /// The same with a body of any bytes, to be changed before it is sent.
    pub fn call_request(&self, link: &str, operation: &str, body: impl Into<bytes::Bytes>) -> Request {
        let path = format!("/v1/links/{link}/operations/{operation}");
        self.api(Method::POST, &path).key(self.setup.key("campus")).json(body)
    }

    /// A request to the platforms' listener, without a key.
    pub fn api(&self, method: Method, path: &str) -> Request {
        Request::new(self.api, method, path)
    }

    /// A GET from the platforms' listener as the platform `campus`.
    pub async fn get(&self, path: &str) -> Answer {
        self.api(Method::GET, path).key(self.setup.key("campus")).send().await
    }

    /// A request to the admin listener, with the admin key.
    pub fn admin(&self, method: Method, path: &str) -> Request {
        Request::new(self.admin, method, path).key(&self.setup.admin_key)
    }

    /// The address of the platforms' listener.
    pub fn api_address(&self) -> SocketAddr {
        self.api
    }

    /// The address of the admin listener.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The admin key.
    pub fn admin_key(&self) -> &str {
        &self.setup.admin_key
    }

    /// The key of a platform.
    pub fn key(&self, platform: &str) -> &str {
        self.setup.key(platform)
    }

    /// What it was started with.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Puts a component into the connectors directory as an operator should: copied beside it, then renamed.
    pub fn drop_connector(&self, name: &str, bytes: &[u8]) -> &Self {
        let new = self.setup.root().join("new-component");
        fs::write(&new, bytes).expect("the component can be written");
        fs::rename(new, self.setup.connectors().join(name)).expect("the component can be renamed");
        self
    }

    /// Copies a component file into the connectors directory, as [`Host::drop_connector`] does.
    pub fn drop_connector_file(&self, name: &str, component: &Path) -> &Self {
        self.drop_connector(name, &fs::read(component).expect("the component can be read"))
    }

    /// Writes a link's file in place: a path below `links.d` without its extension, and TOML.
    pub fn write_link(&self, path: &str, toml: &str) -> &Self {
        setup::write_link(&self.setup.links(), path, toml);
        self
    }

    /// What the host says of its connectors and links now.
    pub async fn rollouts(&self) -> Rollouts {
        Rollouts(self.admin(Method::GET, "/v1/rollouts").send().await.expect(200))
    }

    /// Waits until connectors and links stand as `condition` wants them; returns how they stand.
    pub async fn until(&self, what: &str, mut condition: impl FnMut(&Rollouts) -> bool) -> Rollouts {
        let end = Instant::now() + WAIT_MAX;
        loop {
            let rollouts = self.rollouts().await;
            if condition(&rollouts) {
                return rollouts;
            }
            assert!(Instant::now() < end, "waited in vain for {what}: {}", rollouts.text());
            sleep(POLL).await;
        }
    }

    /// Waits until the log satisfies `condition`; returns it.
    pub async fn until_logged(&self, what: &str, condition: impl FnMut(&str) -> bool) -> String {
        self.log.until(what, condition).await
    }

    /// The value of a metric, by its name with labels as it is exposed; 0 when there is none.
    pub async fn metric(&self, name: &str) -> f64 {
        let metrics = self.admin(Method::GET, "/metrics").send().await.text();
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_default()
    }

    /// Memory that the process holds, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let pid = self.child.id().expect("the host runs");
        let statm = fs::read_to_string(format!("/proc/{pid}/statm")).expect("the host runs");
        let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
        pages * 4096
    }

    /// The most memory that the process has held since [`Host::forget_peak`], in bytes.
    pub fn peak_resident_bytes(&self) -> u64 {
        let pid = self.child.id().expect("the host runs");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the host runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
        let kib = peak.trim_end_matches("kB").trim().parse::<u64>().expect("a number");
        kib << 10
    }

    /// What a core dump would have of it: every page of memory that it may write to, empty ones aside.
    pub fn memory(&self) -> Vec<u8> {
        const PAGE: usize = 4096;
        let pid = self.child.id().expect("the host runs");
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("the host runs");
        let memory = fs::File::open(format!("/proc/{pid}/mem")).expect("the host is ours");
        let mut written = Vec::new();
        for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw"))) {
            let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
            let address = |hex: &str| u64::from_str_radix(hex, 16).expect("an address");
            for at in (address(from)..address(to)).step_by(PAGE) {
                let mut page = [0; PAGE];
                // A mapping that is given back meanwhile, or that the kernel does not show, has nothing more.
                if memory.read_exact_at(&mut page, at).is_err() {
                    break;
                }
                if page != [0; PAGE] {
                    written.extend_from_slice(&page);
                }
            }
        }
        written
    }

    /// From now on the peak counts anew.
    pub fn forget_peak(&self) {
        let pid = self.child.id().expect("the host runs");
        // 5 in proc_pid_clear_refs(5): the peak is what is held now.
        fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("the host is ours");
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)).expect("the host runs");
        kill_process(pid, signal).expect("the host can be signalled");
    }

    /// Asks it to end, and waits until it has.
    pub async fn terminate(self) -> Stopped {
        self.signal(Signal::TERM);
        self.ended().await
    }

    /// Ends it at once.
    pub async fn kill(self) -> Stopped {
        self.signal(Signal::KILL);
        self.ended().await
    }

    /// Waits until it has ended, and all that it wrote is read.
    pub async fn ended(mut self) -> Stopped {
        let waited = timeout(WAIT_MAX, self.child.wait()).await;
        let status = waited
            .unwrap_or_else(|_| panic!("the host does not end:\n{}", self.log.text()))
            .expect("it can be waited for");
        for reader in self.readers {
            let _ = timeout(WAIT_MAX, reader).await;
        }
        Stopped { status, stdout: self.stdout, log: self.log, setup: self.setup }
    }
}

impl Stopped {
    /// What it was started with.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The same directory with other settings, not started yet.
    pub fn settings(self, settings: &str) -> Setup {
        self.setup.settings(settings)
    }

    /// Starts it again in the same directory.
    pub async fn start(self) -> Host {
        self.setup.start().await
    }

    /// The same with other settings.
    pub async fn start_with(self, settings: &str) -> Host {
        self.setup.settings(settings).start().await
    }

    /// Everything it ever wrote.
    pub fn written(&self) -> String {
        self.stdout.text() + &self.log.text()
    }
}

/// Waits for the line that says where it listens, or for its end.
async fn listening(child: &mut Child, stdout: &Output, log: &Output) -> (SocketAddr, SocketAddr) {
    let line = tokio::select! {
        text = stdout.until("the host to listen", |text| text.contains('\n')) => text,
        status = child.wait() => panic!("the host ended ({status:?}):\n{}\n{}", stdout.text(), log.text()),
    };
    let line: Value = serde_json::from_str(line.lines().next().unwrap_or_default())
        .unwrap_or_else(|error| panic!("the first line on stdout is not JSON ({error}): {line}"));
    let address = |name: &str| {
        let url = line.pointer(&format!("/listening/{name}")).and_then(Value::as_str).unwrap_or_default();
        url.strip_prefix("http://")
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| panic!("no address of {name} in {line}"))
    };
    (address("api"), address("admin"))
}
