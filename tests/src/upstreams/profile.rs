//! What one upstream brings to the frame, and the request and reply it sees. Never touches a socket.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use super::ledger::Ledger;

/// How exact a simulator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Refuse whatever a careful connector must not send; answer as documented.
    Strict,
    /// Take all that can be understood; answer with the oddities of real systems.
    Quirky,
}

/// One upstream's behaviour. State lives inside, behind its own lock.
pub trait Profile: Send + Sync + 'static {
    /// The connector id, as `zj-gxsz`.
    const NAME: &'static str;

    /// Plain text for `GET /_sim/`: endpoints, mode, and what the profile adds to the admin surface.
    fn summary(&self) -> String;

    /// The operation behind a path, if there is one.
    fn operation(&self, path: &str) -> Option<&'static str>;

    /// The path as the journal shows it: a business key in it must not be there.
    fn shown<'a>(&self, path: &'a str) -> &'a str {
        path
    }

    /// Answers one request. Counts what it does in the ledger. May await: some upstreams call back meanwhile.
    fn answer(&self, received: &Received, ledger: &Ledger) -> impl Future<Output = Reply> + Send;

    /// The upstream's own form of a business refusal.
    fn refuse(&self, code: &str, message: &str) -> Reply;

    /// The same as an answer to this request, for upstreams whose forms differ from operation to operation.
    fn refuse_to(&self, _received: &Received, code: &str, message: &str) -> Reply {
        self.refuse(code, message)
    }

    /// Revokes all tokens; says how many there were.
    fn revoke_tokens(&self) -> usize;

    /// A read of the profile's own admin surface: `path` is what follows `/_sim/`.
    fn inspect(&self, path: &str, query: &str) -> Option<Reply>;

    /// A write to the profile's own admin surface: changes its state, or makes the upstream call the platform (see
    /// [`call`](super::call)). `path` is what follows `/_sim/`.
    fn act(&self, _method: &Method, _path: &str, _body: &Bytes) -> impl Future<Output = Option<Reply>> + Send {
        async { None }
    }

    /// Forgets everything received.
    fn reset(&self);
}

/// A complete request as the profile sees it.
#[derive(Debug)]
pub struct Received {
    /// The operation that [`Profile::operation`] named.
    pub operation: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path without query.
    pub path: String,
    /// Query without the question mark; empty when there is none.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body, at most 16 MiB.
    pub body: Bytes,
    /// The simulator's time in milliseconds since 1970: the machine's clock plus a `clock-skew` fault.
    pub now_ms: i64,
}

impl Received {
    /// A header's value, if there is exactly one and it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }

    /// The media type of the body in lower case, without parameters; empty when there is none.
    pub fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// A reply before faults reshape it.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status, 200 to 599.
    pub status: u16,
    /// Header names and values besides Content-Type and Content-Length.
    pub headers: Vec<(&'static str, String)>,
    /// Value of Content-Type.
    pub content_type: &'static str,
    /// The whole body.
    pub body: Bytes,
    /// The upstream's own result code, for the journal.
    pub code: Option<String>,
    /// Hash of the business key, for the journal.
    pub key_hash: Option<String>,
}

impl Reply {
    /// A body of this type with status 200.
    pub fn new(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status: 200, headers: Vec::new(), content_type, body: body.into(), code: None, key_hash: None }
    }

    /// Compact JSON.
    pub fn json(value: &Value) -> Self {
        Self::new("application/json;charset=UTF-8", value.to_string())
    }

    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new("text/plain; charset=utf-8", text.into())
    }

    /// With another status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With one more header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With the upstream's result code noted for the journal.
    pub fn code(mut self, code: impl ToString) -> Self {
        self.code = Some(code.to_string());
        self
    }
}
