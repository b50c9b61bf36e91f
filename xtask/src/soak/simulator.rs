//! A simulated upstream beside a soak, as a program of its own.

use std::path::Path;

use anyhow::{Result, anyhow};
use serde_json::Value;

use crate::{
    process::{Launch, Process},
    site::Site,
};

/// Starts it; where it is.
pub(super) async fn start(site: &Site, program: &Path, upstream: &str) -> Result<(Process, String)> {
    let args = [upstream.into(), "--listen".into(), "127.0.0.1:0".into()];
    let logs = site.path("");
    let launch = Launch { name: "simulator", program, args: args.into(), env: Vec::new(), cpu: None, logs: &logs };
    let (process, said) = launch.start().await?;
    let url =
        said.get("url").and_then(Value::as_str).ok_or_else(|| anyhow!("the simulator did not say where it is"))?;
    Ok((process, url.to_owned()))
}
