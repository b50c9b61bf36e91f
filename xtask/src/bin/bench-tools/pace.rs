//! An open loop: requests start when they are due, evenly spread, whether earlier ones were answered or not, as those of
//! many independent clients do. A latency counts from when its request was due, so that a server which stalls cannot hide
//! it. Connections are kept alive and used in turn. Never repeats a request: what was sent may have had an effect. Under way
//! is at the most what is due within the time that an answer may take.

use std::{
    collections::VecDeque,
    io::ErrorKind,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Result, anyhow, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use crate::load::{percentile, whole};

/// A request that was begun so long after it was due was late: the generator's fault, not the server's.
const LATE: Duration = Duration::from_millis(20);
/// Connections that are opened in any case, as a platform's pool would: one alone could keep up with a fast server.
const CONNECTIONS_MIN: u64 = 32;
/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Errors whose text is printed.
const SHOWN_MAX: u64 = 5;

/// How it went.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Requests begun.
    pub(crate) calls: u64,
    /// Those not answered with 200.
    pub(crate) errors: u64,
    /// Those begun late.
    pub(crate) late: u64,
    /// Connections opened.
    pub(crate) connections: u64,
    /// From due to answered, sorted; in nanoseconds.
    nanos: Vec<u64>,
}

impl Seen {
    /// In milliseconds.
    pub(crate) fn latency_ms(&self, share: f64) -> f64 {
        percentile(&self.nanos, share) as f64 / 1e6
    }
}

/// Connections that wait for their next request.
type Idle = Arc<Mutex<VecDeque<TcpStream>>>;

/// One request that is over.
struct Done {
    late: bool,
    opened: bool,
    nanos: Result<u64>,
}

/// Sends `count` requests at this rate a second; `request` makes the bytes of each from its number.
pub(crate) async fn run(
    authority: &str,
    per_second: f64,
    count: u64,
    request: impl Fn(u64) -> Vec<u8>,
) -> Result<Seen> {
    let authority: Arc<str> = authority.into();
    let (idle, started) = (Idle::default(), Instant::now());
    let (mut seen, mut open) = (Seen::default(), JoinSet::new());
    for number in 0..count {
        let due = started + Duration::from_secs_f64(number as f64 / per_second);
        let bytes = request(number);
        sleep_until(due).await;
        let kept = (number >= CONNECTIONS_MIN).then(|| alive(&idle)).flatten();
        open.spawn(exchange(authority.clone(), idle.clone(), kept, due, bytes));
        while let Some(done) = open.try_join_next() {
            seen.count(done?);
        }
    }
    while let Some(done) = open.join_next().await {
        seen.count(done?);
    }
    seen.nanos.sort_unstable();
    Ok(seen)
}

impl Seen {
    fn count(&mut self, done: Done) {
        self.calls += 1;
        self.late += u64::from(done.late);
        self.connections += u64::from(done.opened);
        match done.nanos {
            Ok(nanos) => self.nanos.push(nanos),
            Err(error) => {
                self.errors += 1;
                if self.errors <= SHOWN_MAX {
                    eprintln!("bench-tools: {error:#}");
                }
            }
        }
    }
}

async fn exchange(authority: Arc<str>, idle: Idle, kept: Option<TcpStream>, due: Instant, request: Vec<u8>) -> Done {
    let (late, opened) = (due.elapsed() > LATE, kept.is_none());
    let answered = timeout(ANSWER_MAX, async {
        let mut stream = match kept {
            Some(stream) => stream,
            None => TcpStream::connect(&*authority).await?,
        };
        stream.set_nodelay(true)?;
        stream.write_all(&request).await?;
        let mut buffer = Vec::with_capacity(2 << 10);
        while !whole(&buffer)? {
            if stream.read_buf(&mut buffer).await? == 0 {
                bail!("the server closed a connection");
            }
        }
        anyhow::Ok(stream)
    });
    let answered = answered.await.unwrap_or_else(|_| Err(anyhow!("no answer within {} s", ANSWER_MAX.as_secs())));
    let nanos = answered.map(|stream| {
        idle.lock().unwrap_or_else(PoisonError::into_inner).push_back(stream);
        u64::try_from(due.elapsed().as_nanos()).unwrap_or(u64::MAX)
    });
    Done { late, opened, nanos }
}

/// The connection that has waited longest and that the server has not closed meanwhile.
fn alive(idle: &Idle) -> Option<TcpStream> {
    let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some(stream) = idle.pop_front() {
        // Nothing to read is how a quiet connection looks; its end, or what nobody asked for, is not.
        if stream.try_read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            return Some(stream);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Answers so many requests on each connection, then closes it.
    async fn server(requests: usize, answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    for _ in 0..requests {
                        let mut byte = [0];
                        if stream.read_exact(&mut byte).await.is_err() || stream.write_all(answer).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn every_request_is_sent_once_and_connections_are_used_again() {
        let address = server(usize::MAX, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let seen = run(&address, 1000.0, 50, |_| vec![b'x']).await.unwrap();
        assert_eq!((seen.calls, seen.errors, seen.nanos.len()), (50, 0, 50));
        assert!((CONNECTIONS_MIN..50).contains(&seen.connections), "{}", seen.connections);
    }

    #[tokio::test]
    async fn an_answer_that_is_not_200_is_an_error_and_the_rest_goes_on() {
        let address = server(usize::MAX, b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await;
        let seen = run(&address, 1000.0, 5, |_| vec![b'x']).await.unwrap();
        assert_eq!((seen.calls, seen.errors), (5, 5));
    }
}
