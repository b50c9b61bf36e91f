//! A closed loop: so many connections, each sending its next request when it has the answer to the last. Everything that
//! can be made beforehand is, because the generator shares its processor with the upstream.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

#[derive(Args)]
pub(crate) struct LoadArgs {
    /// Where to
    #[arg(long)]
    url: String,
    /// The API key
    #[arg(long, env = "DUIJIE_BENCH_KEY", hide_env_values = true, default_value = "")]
    key: String,
    /// The file with the body
    #[arg(long)]
    body: PathBuf,
    /// Connections
    #[arg(long)]
    concurrency: u32,
    /// How long
    #[arg(long)]
    millis: u64,
}

/// Sends until the time is over and prints what it saw.
pub(crate) async fn run(args: LoadArgs) -> Result<()> {
    let (authority, request) = request(&args)?;
    let request: &'static [u8] = Vec::leak(request);
    let authority: &'static str = String::leak(authority);
    let started = Instant::now();
    let until = started + Duration::from_millis(args.millis);
    let mut connections = JoinSet::new();
    for _ in 0..args.concurrency {
        connections.spawn(connection(authority, request, until));
    }
    let mut nanos: Vec<u64> = Vec::new();
    while let Some(done) = connections.join_next().await {
        nanos.extend(done??);
    }
    let seconds = started.elapsed().as_secs_f64();
    nanos.sort_unstable();
    let at = |share: f64| percentile(&nanos, share) as f64 / 1e3;
    println!(
        "{}",
        serde_json::json!({
            "requests": nanos.len(), "rps": nanos.len() as f64 / seconds, "p50_us": at(0.5), "p99_us": at(0.99),
        })
    );
    Ok(())
}

fn request(args: &LoadArgs) -> Result<(String, Vec<u8>)> {
    let rest = args.url.strip_prefix("http://").ok_or_else(|| anyhow!("not an http URL"))?;
    let (authority, path) = rest.split_once('/').ok_or_else(|| anyhow!("the URL has no path"))?;
    let body = std::fs::read(&args.body).with_context(|| args.body.display().to_string())?;
    let head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        args.key,
        body.len()
    );
    Ok((authority.to_owned(), [head.as_bytes(), &body].concat()))
}

/// Of sorted values, the one that this share of them does not exceed; 0 if there are none.
pub(crate) fn percentile(sorted: &[u64], share: f64) -> u64 {
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

/// One connection; how long each of its requests took, in nanoseconds.
async fn connection(authority: &str, request: &[u8], until: Instant) -> Result<Vec<u64>> {
    let mut stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let mut nanos = Vec::new();
    let mut buffer = Vec::with_capacity(8 << 10);
    while Instant::now() < until {
        let sent = Instant::now();
        stream.write_all(request).await?;
        buffer.clear();
        while !whole(&buffer)? {
            if stream.read_buf(&mut buffer).await? == 0 {
                bail!("the server closed a connection");
            }
        }
        nanos.push(u64::try_from(sent.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(nanos)
}

/// Is the answer there to its end? Anything but 200 with a length is an error.
pub(crate) fn whole(buffer: &[u8]) -> Result<bool> {
    let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
    let head = std::str::from_utf8(buffer.get(..end).unwrap_or_default())?;
    if !head.starts_with("HTTP/1.1 200 ") {
        bail!("an answer that is not 200: {}", String::from_utf8_lossy(buffer));
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.ok_or_else(|| anyhow!("an answer without content-length"))?;
    Ok(buffer.len() >= end + 4 + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_at_its_last_byte_and_must_be_200() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert!(!whole(&answer[..answer.len() - 1]).unwrap());
        assert!(whole(answer).unwrap());
        assert!(whole(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
