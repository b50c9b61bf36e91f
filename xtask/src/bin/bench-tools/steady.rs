//! A closed loop that goes on until stdin closes, and that is told meanwhile what happens to the server: phases to count
//! apart, and swaps of a connector's revision. Every answer must be 200 and of one revision; on one connection answers
//! never go back to an older generation, and a request that begins after a swap was acknowledged meets the new one.
//!
//! A line on stdin is a command, and each is answered by a line of JSON: `phase NAME` (says what the phase before it was
//! like), `swap N` (generation N is about to be dropped), `swapped N` (it was said to serve).

mod check;
mod tally;

use std::{
    io::BufRead as _,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use self::{
    check::{Generations, Revisions},
    tally::Tally,
};
use crate::load::whole;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// After a failure, so that a server that is gone does not become a busy loop.
const BREATH: Duration = Duration::from_millis(20);

#[derive(Args)]
pub(crate) struct SteadyArgs {
    /// Where to
    #[arg(long)]
    url: String,
    /// The API key
    #[arg(long, env = "DUIJIE_BENCH_KEY", hide_env_values = true, default_value = "")]
    key: String,
    /// The file with the bodies, one a line, sent in turn
    #[arg(long)]
    bodies: PathBuf,
    /// Connections
    #[arg(long)]
    connections: u32,
    /// Milliseconds between an answer and the next request of a connection
    #[arg(long, default_value_t = 0)]
    pause_ms: u64,
    /// What an answer of a revision says; generation N is the N-th of these, from 0, again and again
    #[arg(long = "revision")]
    revisions: Vec<String>,
    /// How often an answer says it
    #[arg(long, default_value_t = 1)]
    times: usize,
    /// Several revisions may serve at a time: only that one answer is of one revision is looked at
    #[arg(long)]
    unordered: bool,
}

/// What the connections share.
struct Shared {
    authority: String,
    requests: Vec<Vec<u8>>,
    pause: Duration,
    revisions: Revisions,
    generations: Generations,
    tally: Tally,
}

/// Sends until stdin closes.
pub(crate) async fn run(args: SteadyArgs) -> Result<()> {
    let (authority, requests) = requests(&args)?;
    let shared = Arc::new(Shared {
        authority,
        requests,
        pause: Duration::from_millis(args.pause_ms),
        revisions: Revisions::new(args.revisions, args.times),
        generations: Generations::new(!args.unordered),
        tally: Tally::default(),
    });
    let (stop, stopped) = watch::channel(false);
    let connections: Vec<_> = (0..args.connections)
        .map(|number| tokio::spawn(connection(shared.clone(), number as usize, stopped.clone())))
        .collect();
    let mut commands = commands();
    while let Some(command) = commands.recv().await {
        println!("{}", answer(&shared, &command)?);
    }
    // Nobody is there to hear that nobody listens.
    let _ = stop.send(true);
    for connection in connections {
        connection.await?;
    }
    println!("{}", shared.tally.totals());
    Ok(())
}

fn answer(shared: &Shared, command: &str) -> Result<Value> {
    let (verb, word) = command.split_once(' ').unwrap_or((command, ""));
    let number = || word.parse::<u64>().with_context(|| format!("{command}: no number"));
    Ok(match verb {
        "phase" => shared.tally.phase(word),
        "swap" => {
            shared.generations.begin(number()?);
            json!({})
        }
        "swapped" => {
            shared.generations.acknowledge(number()?);
            json!({})
        }
        _ => bail!("unknown command {verb}"),
    })
}

/// Lines of stdin, read on a thread of their own; ends when stdin does.
fn commands() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn requests(args: &SteadyArgs) -> Result<(String, Vec<Vec<u8>>)> {
    let rest = args.url.strip_prefix("http://").ok_or_else(|| anyhow!("not an http URL"))?;
    let (authority, path) = rest.split_once('/').ok_or_else(|| anyhow!("the URL has no path"))?;
    let bodies = std::fs::read_to_string(&args.bodies).with_context(|| args.bodies.display().to_string())?;
    let request = |body: &str| {
        format!(
            "POST /{path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            args.key,
            body.len()
        )
        .into_bytes()
    };
    let requests: Vec<_> = bodies.lines().map(request).collect();
    if requests.is_empty() {
        bail!("{} is empty", args.bodies.display());
    }
    Ok((authority.to_owned(), requests))
}

/// One connection, opened again after a failure: what was lost is counted, not hidden.
async fn connection(shared: Arc<Shared>, number: usize, stopped: watch::Receiver<bool>) {
    let (mut stream, mut newest) = (None, 0);
    // Connections begin at different bodies, or all would send the same at the same time.
    let mut turns = shared.requests.iter().cycle().skip(number * 7 % shared.requests.len());
    while !*stopped.borrow() {
        let Some(request) = turns.next() else { return };
        let (sent, acknowledged) = (Instant::now(), shared.generations.acknowledged());
        let exchanged = timeout(ANSWER_MAX, exchange(&shared.authority, stream.take(), request)).await;
        let took = sent.elapsed();
        match exchanged.unwrap_or_else(|_| Err(anyhow!("no answer within {} s", ANSWER_MAX.as_secs()))) {
            Ok((kept, answer)) => {
                stream = Some(kept);
                let met = shared.revisions.of(&answer);
                match met.and_then(|met| shared.generations.met(&shared.revisions, met, newest.max(acknowledged))) {
                    Ok(generation) => newest = generation,
                    Err(reason) => shared.tally.mixed(&reason, &answer),
                }
                shared.tally.answered(took);
            }
            Err(error) => {
                shared.tally.failed(&error);
                sleep(BREATH).await;
            }
        }
        if !shared.pause.is_zero() {
            sleep(shared.pause).await;
        }
    }
}

async fn exchange(authority: &str, kept: Option<TcpStream>, request: &[u8]) -> Result<(TcpStream, Vec<u8>)> {
    let mut stream = match kept {
        Some(stream) => stream,
        None => TcpStream::connect(authority).await.context("connecting")?,
    };
    stream.set_nodelay(true)?;
    stream.write_all(request).await?;
    let mut buffer = Vec::with_capacity(1 << 10);
    while !whole(&buffer)? {
        if stream.read_buf(&mut buffer).await? == 0 {
            bail!("the server closed a connection");
        }
    }
    Ok((stream, buffer))
}
