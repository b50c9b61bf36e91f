//! A closed loop: so many connections, each sending its next request when it has the answer to the last. Everything that
//! can be made beforehand is, because the generator shares its processor with the upstream.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
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
    /// The status that every answer must have
    #[arg(long, default_value_t = 200)]
    expect: u16,
    /// More headers, as `name: value`
    #[arg(long = "header")]
    headers: Vec<String>,
    /// The body's media type
    #[arg(long, default_value = "application/json")]
    media_type: String,
    /// Digits in the body in whose place each request has a number of its own, each time they occur
    #[arg(long)]
    numbered: Option<String>,
}

/// What is sent, again and again.
struct Shape {
    authority: String,
    request: Vec<u8>,
    expect: u16,
    /// Where the numbers stand, and how wide they are.
    places: Vec<usize>,
    width: usize,
    /// The next number.
    next: AtomicU64,
}

/// Sends until the time is over and prints what it saw.
pub(crate) async fn run(args: LoadArgs) -> Result<()> {
    let shape: &'static Shape = Box::leak(Box::new(Shape::of(&args)?));
    let started = Instant::now();
    let until = started + Duration::from_millis(args.millis);
    let mut connections = JoinSet::new();
    for _ in 0..args.concurrency {
        connections.spawn(shape.connection(until));
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

impl Shape {
    fn of(args: &LoadArgs) -> Result<Self> {
        let rest = args.url.strip_prefix("http://").ok_or_else(|| anyhow!("not an http URL"))?;
        let (authority, path) = rest.split_once('/').ok_or_else(|| anyhow!("the URL has no path"))?;
        let body = std::fs::read(&args.body).with_context(|| args.body.display().to_string())?;
        let more: String = args.headers.iter().map(|header| format!("{header}\r\n")).collect();
        let head = format!(
            "POST /{path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {}\r\ncontent-type: {}\r\ncontent-length: {}\r\n{more}\r\n",
            args.key,
            args.media_type,
            body.len()
        );
        let digits = args.numbered.as_deref().unwrap_or_default().as_bytes();
        let is_there = |at: &usize| !digits.is_empty() && body.get(*at..).is_some_and(|rest| rest.starts_with(digits));
        let places = (0..body.len()).filter(is_there).map(|at| head.len() + at).collect();
        let request = [head.as_bytes(), &body].concat();
        let (authority, width) = (authority.to_owned(), digits.len());
        Ok(Self { authority, request, expect: args.expect, places, width, next: AtomicU64::new(1) })
    }

    /// Writes numbers that no other request has.
    fn number(&self, request: &mut [u8]) {
        let first = self.next.fetch_add(self.places.len() as u64, Ordering::Relaxed);
        for (at, number) in self.places.iter().zip(first..) {
            let text = format!("{number:0width$}", width = self.width);
            if let Some(place) = request.get_mut(*at..at + self.width) {
                place.iter_mut().zip(text.bytes()).for_each(|(byte, digit)| *byte = digit);
            }
        }
    }

    /// One connection; how long each of its requests took, in nanoseconds.
    async fn connection(&self, until: Instant) -> Result<Vec<u64>> {
        let mut stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        let mut nanos = Vec::new();
        let (mut request, mut buffer) = (self.request.clone(), Vec::with_capacity(8 << 10));
        while Instant::now() < until {
            self.number(&mut request);
            let sent = Instant::now();
            stream.write_all(&request).await?;
            buffer.clear();
            while !whole_with(&buffer, self.expect)? {
                if stream.read_buf(&mut buffer).await? == 0 {
                    bail!("the server closed a connection");
                }
            }
            nanos.push(u64::try_from(sent.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        Ok(nanos)
    }
}

/// Of sorted values, the one that this share of them does not exceed; 0 if there are none.
pub(crate) fn percentile(sorted: &[u64], share: f64) -> u64 {
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

/// Is the answer there to its end? Anything but 200 with a length is an error.
pub(crate) fn whole(buffer: &[u8]) -> Result<bool> {
    whole_with(buffer, 200)
}

/// The same for another status.
fn whole_with(buffer: &[u8], status: u16) -> Result<bool> {
    let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
    let head = std::str::from_utf8(buffer.get(..end).unwrap_or_default())?;
    if !head.starts_with(&format!("HTTP/1.1 {status} ")) {
        bail!("an answer that is not {status}: {}", String::from_utf8_lossy(buffer));
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
        assert!(whole_with(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", 202).unwrap());
    }

    #[test]
    fn each_request_has_numbers_of_its_own() {
        let shape = Shape {
            authority: String::new(),
            request: b"a000 b000".to_vec(),
            expect: 200,
            places: vec![1, 6],
            width: 3,
            next: AtomicU64::new(9),
        };
        let mut request = shape.request.clone();
        shape.number(&mut request);
        assert_eq!(request, b"a009 b010");
        shape.number(&mut request);
        assert_eq!(request, b"a011 b012");
    }
}
