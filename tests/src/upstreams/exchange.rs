//! One request from arrival to the head of its answer: counting, faults, the profile, the journal. Never writes to the
//! journal what came in a body, a header or a query.
//! Bounds: request bodies of 16 MiB.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::admin;
use super::body::Body;
use super::faults::{Fault, FaultError, Faults, Plan};
use super::ledger::{Entry, Ledger};
use super::outgoing::send;
use super::profile::{Profile, Received, Reply};
use super::wire::{Cut, Line};

const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
const PATH_CHARS_MAX: usize = 256;
const HTML: &str = "<!DOCTYPE html>\n<html><head><title>系统维护</title></head>\
    <body><h1>系统维护中，请稍后再试</h1></body></html>\n";

/// What all connections of one simulator share.
#[derive(Debug)]
pub(super) struct Shared<P> {
    pub(super) profile: P,
    pub(super) ledger: Ledger,
    pub(super) faults: Faults,
}

impl<P: Profile> Shared<P> {
    pub(super) fn reset(&self) {
        self.profile.reset();
        self.faults.reset();
        self.ledger.reset();
    }
}

/// What becomes of a request.
enum Fate {
    /// An answer; its status is known.
    Answer(Box<Reply>),
    /// So many bytes that say nothing.
    Flood(u64),
    /// The connection is reset.
    Reset,
    /// Nothing, for ever.
    Silence,
}

/// Answers one request. When the connection is to be cut instead, this never returns.
pub(super) async fn answer<P: Profile>(
    shared: Arc<Shared<P>>,
    request: Request<Incoming>,
    line: Arc<Line>,
    stop: watch::Receiver<bool>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let body = match read(body).await {
        Ok(body) => body,
        Err(Unreadable::TooLarge) => {
            return send(Reply::text("body over 16 MiB\n").status(413), None, &line);
        }
        Err(Unreadable::Broken) => return cut(&line, Cut::Close).await,
    };
    if let Some(below) = path.strip_prefix("/_sim/") {
        let reply = admin::answer(&shared, &head.method, below, head.uri.query().unwrap_or_default(), &body).await;
        return send(reply, None, &line);
    }
    let operation = shared.profile.operation(&path).unwrap_or("unknown");
    let asked = match asked(&head.headers) {
        Ok(asked) => asked,
        Err(error) => return send(Reply::text(format!("{error}\n")).status(400), None, &line),
    };
    let _open = Open::new(&shared.ledger, operation);
    let sequence = shared.ledger.arrive();
    let plan = shared.faults.plan(operation, &path, asked);
    shared.ledger.count(|counters| {
        for fault in &plan.applied {
            *counters.faults.entry(fault.kind().to_owned()).or_default() += 1;
        }
    });
    let arrived_ms = now_ms();
    let skew_ms = plan.clock_skew_s.unwrap_or(0).saturating_mul(1000);
    let received = Received {
        operation,
        method: head.method,
        query: head.uri.query().unwrap_or_default().to_owned(),
        path,
        headers: head.headers,
        body,
        now_ms: arrived_ms.saturating_add(skew_ms),
    };
    if let Some(latency_ms) = plan.latency_ms {
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
    }
    let fate = decide(&shared, &received, &plan).await;
    let (status, code, key_hash) = match &fate {
        Fate::Answer(reply) => (Some(reply.status), reply.code.clone(), reply.key_hash.clone()),
        Fate::Flood(_) => (Some(200), None, None),
        Fate::Reset | Fate::Silence => (None, None, None),
    };
    shared.ledger.write(Entry {
        sequence,
        time: rfc3339(arrived_ms),
        operation: operation.to_owned(),
        method: received.method.to_string(),
        path: shared.profile.shown(&received.path).chars().take(PATH_CHARS_MAX).collect(),
        // An answer that is withheld after processing was still given: the journal shows what the upstream believes.
        status,
        code,
        key_hash,
        fault: plan.describe(),
    });
    let withheld = match (&fate, &plan.after) {
        (Fate::Reset, _) | (_, Some(Fault::ResetAfter)) => return cut(&line, Cut::Reset).await,
        (Fate::Silence, _) | (_, Some(Fault::HangAfter)) => true,
        _ => false,
    };
    if withheld {
        return hang(&line, stop).await;
    }
    let mut response = match fate {
        Fate::Answer(reply) => send(*reply, plan.after, &line),
        Fate::Flood(bytes) => Response::new(Body::huge(bytes)),
        Fate::Reset | Fate::Silence => return cut(&line, Cut::Close).await,
    };
    if skew_ms != 0
        && let Some(date) = http_date(received.now_ms)
    {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

async fn decide<P: Profile>(shared: &Shared<P>, received: &Received, plan: &Plan) -> Fate {
    if plan.revoke_token {
        shared.profile.revoke_tokens();
    }
    let reply = match &plan.instead {
        None if received.operation == "unknown" => Reply::json(&json!({"error": "not found"})).status(404),
        None => shared.profile.answer(received, &shared.ledger).await,
        Some(Fault::Status { status, retry_after }) => {
            let reply = Reply::json(&json!({"error": "simulated", "status": status})).status(*status);
            match retry_after {
                Some(after) => reply.header("retry-after", after),
                None => reply,
            }
        }
        Some(Fault::Code { code, message }) => shared.profile.refuse_to(received, code, message),
        Some(Fault::Redirect { location }) => Reply::text("").status(302).header("location", location),
        Some(Fault::Html) => Reply::new("text/html;charset=UTF-8", HTML),
        Some(Fault::Echo) => echo(received),
        Some(Fault::HugeBody { bytes }) => return Fate::Flood(*bytes),
        Some(Fault::Hang) => return Fate::Silence,
        Some(_) => return Fate::Reset,
    };
    Fate::Answer(Box::new(reply))
}

/// Everything the caller sent, as it arrived.
fn echo(received: &Received) -> Reply {
    let mut headers = Map::new();
    for name in received.headers.keys() {
        let values = received.headers.get_all(name).iter();
        let values: Vec<Value> = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into()).collect();
        headers.insert(name.to_string(), values.into());
    }
    Reply::json(&json!({
        "method": received.method.as_str(),
        "path": received.path,
        "query": received.query,
        "headers": headers,
        "body": String::from_utf8_lossy(&received.body),
    }))
}

/// The faults that the request itself asks for.
fn asked(headers: &HeaderMap) -> Result<Vec<Fault>, FaultError> {
    let mut faults = Vec::new();
    for value in headers.get_all("x-sim-fault") {
        let text = String::from_utf8_lossy(value.as_bytes());
        faults.push(text.parse()?);
    }
    Ok(faults)
}

enum Unreadable {
    TooLarge,
    Broken,
}

async fn read(body: Incoming) -> Result<Bytes, Unreadable> {
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unreadable::TooLarge),
        Err(_) => Err(Unreadable::Broken),
    }
}

async fn cut(line: &Line, how: Cut) -> Response<Body> {
    line.cut(how);
    std::future::pending().await
}

/// Waits until the caller gives up or the simulator stops; the connection ends either way.
async fn hang(line: &Line, mut stop: watch::Receiver<bool>) -> Response<Body> {
    let _ = stop.wait_for(|stopped| *stopped).await;
    cut(line, Cut::Close).await
}

/// A request counted as open until dropped: also when the caller goes away.
struct Open<'a>(&'a Ledger);

impl<'a> Open<'a> {
    fn new(ledger: &'a Ledger, operation: &str) -> Self {
        ledger.count(|counters| {
            *counters.requests.entry(operation.to_owned()).or_default() += 1;
            counters.in_flight += 1;
            counters.in_flight_max = counters.in_flight_max.max(counters.in_flight);
        });
        Self(ledger)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.count(|counters| counters.in_flight = counters.in_flight.saturating_sub(1));
    }
}

/// The machine's clock in milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|time| format!("{time:.3}")).unwrap_or_default()
}

fn http_date(ms: i64) -> Option<HeaderValue> {
    let time = jiff::Timestamp::from_millisecond(ms).ok()?;
    let text = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok()?;
    HeaderValue::from_str(&text).ok()
}
