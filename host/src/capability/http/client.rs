//! The HTTP client: one request to one judged address, one whole answer under a cap and a deadline.
//!
//! The only file that names the HTTP library. It never follows a redirect, reads a proxy from the environment, keeps a
//! cookie, decompresses, repeats a request, or connects to an address that the policy has not judged: names are resolved
//! here, filtered, and only what is left is dialled; literals are judged with the URL. HTTP/1.1 only, because only there
//! is it certain when a request has begun to leave (`client/body.rs`).
//!
//! Connections are shared by all links whose rule and trusted authorities are the same, and by no others: thousands of
//! schools talk to one upstream over one pool. Bounded by [`CONNECT_MAX`], [`IDLE_MAX`], [`IDLE_PER_ORIGIN_MAX`] and the
//! deadline and cap of every request; how many requests run at once is the caller's to bound.

mod body;
mod fault;
mod lookup;
mod tls;

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use parking_lot::Mutex;
use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    redirect, retry,
};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::policy::{AllowRule, Denied, Egress, request};
use body::{Departure, Outbound};
pub(crate) use fault::{Fault, SendError};
pub(crate) use lookup::{Lookup, SystemLookup};
pub(crate) use tls::{Ca, TlsError};

/// Longest that making a connection may take, TLS included; the deadline may cut it shorter.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(3);

/// How long an unused connection is kept: less than common servers keep theirs, so that a request rarely meets one that
/// is being closed.
const IDLE_MAX: Duration = Duration::from_secs(15);

/// Unused connections kept per origin: a link's default concurrency, so that steady load does not reconnect.
const IDLE_PER_ORIGIN_MAX: usize = 32;

/// Some gateways refuse requests without one; a guest may set its own.
const USER_AGENT: &str = concat!("duijie/", env!("CARGO_PKG_VERSION"));

/// All connections of the process.
pub(crate) struct ClientPool {
    lookup: Arc<dyn Lookup>,
    trust: tls::Trust,
    clients: Mutex<HashMap<Key, Weak<Client>>>,
}

/// What connections must have in common to be shared.
type Key = (AllowRule, Option<Ca>);

impl ClientPool {
    /// Resolves names as the system does.
    pub(crate) fn new() -> Self {
        Self::with_lookup(Arc::new(SystemLookup::default()))
    }

    /// Resolves names otherwise, for tests.
    pub(crate) fn with_lookup(lookup: Arc<dyn Lookup>) -> Self {
        Self { lookup, trust: tls::Trust::default(), clients: Mutex::default() }
    }

    /// What a link sends through. Made when a link is loaded: reads the system's certificates the first time.
    /// The authorities in `ca` are trusted besides the system's.
    pub(crate) fn outlet(&self, egress: &Egress, ca: Option<&Ca>) -> Result<Outlet, TlsError> {
        let clients = egress.rules().iter().map(|rule| self.client(rule, ca)).collect::<Result<_, _>>()?;
        Ok(Outlet { egress: egress.clone(), clients })
    }

    fn client(&self, rule: &AllowRule, ca: Option<&Ca>) -> Result<Arc<Client>, TlsError> {
        let key = (rule.clone(), ca.cloned());
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(&key).and_then(Weak::upgrade) {
            return Ok(client);
        }
        let client = Arc::new(Client::new(rule.clone(), ca, &self.trust, self.lookup.clone())?);
        // Links come and go with reloads: what no link holds any more is forgotten here.
        clients.retain(|_, client| client.strong_count() > 0);
        clients.insert(key, Arc::downgrade(&client));
        Ok(client)
    }
}

/// What one link sends through: its policy, and a client for each of its rules.
pub(crate) struct Outlet {
    egress: Egress,
    clients: Vec<Arc<Client>>,
}

/// A request whose parts [`request`] has checked.
pub(crate) struct Outgoing {
    /// The method.
    pub(crate) method: Method,
    /// Where to; judged by [`Outlet::send`].
    pub(crate) url: Url,
    /// In this order; the framing headers are set here.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Empty: none.
    pub(crate) body: Bytes,
    /// Until when the whole answer must be there.
    pub(crate) deadline: Instant,
    /// Most bytes of the answer's body.
    pub(crate) response_max: usize,
}

/// A whole answer, whatever its status.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Incoming {
    /// As received.
    pub(crate) status: u16,
    /// Names in lower case, each where it first stood; values that are not UTF-8 are left out. At most 100, and some
    /// 400 KiB, as the HTTP library bounds them.
    pub(crate) headers: Vec<(String, String)>,
    /// As received, not decompressed.
    pub(crate) body: Vec<u8>,
}

impl Outlet {
    /// Sends one request and reads the whole answer. Dropping the future closes the connection.
    pub(crate) async fn send(&self, outgoing: Outgoing) -> Result<Incoming, SendError> {
        // The library would connect and send before it looks at the clock.
        if outgoing.deadline <= Instant::now() {
            return Err(SendError::before(Fault::Timeout));
        }
        request::check_size(outgoing.headers.iter().map(|(name, value)| (name, value)))
            .map_err(|invalid| SendError::before(Fault::Invalid(invalid)))?;
        let rule = self.egress.admit_url(&outgoing.url).map_err(|denied| SendError::before(Fault::Denied(denied)))?;
        match self.clients.iter().find(|client| client.rule == *rule) {
            Some(client) => client.send(outgoing).await,
            // A client is made for every rule; should that change, nothing goes out.
            None => Err(SendError::before(Fault::Denied(Denied::Origin(rule.origin().clone())))),
        }
    }
}

/// The connections of one rule.
struct Client {
    rule: AllowRule,
    http: reqwest::Client,
}

impl Client {
    fn new(rule: AllowRule, ca: Option<&Ca>, trust: &tls::Trust, lookup: Arc<dyn Lookup>) -> Result<Self, TlsError> {
        let tls = if rule.origin().secure() { trust.config(ca)? } else { tls::untrusting()? };
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(Guard { rule: rule.clone(), lookup }))
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_MAX)
            .tcp_nodelay(true)
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_PER_ORIGIN_MAX)
            .build()
            .map_err(|error| TlsError::Client(error.to_string()))?;
        Ok(Self { rule, http })
    }

    async fn send(&self, outgoing: Outgoing) -> Result<Incoming, SendError> {
        let Outgoing { method, url, headers, body, deadline, response_max } = outgoing;
        let mut all = HeaderMap::with_capacity(headers.len().saturating_add(1));
        for (name, value) in headers {
            all.append(name, value);
        }
        let departure = Departure::of(&body);
        let mut request = self.http.request(method.clone(), url);
        if !body.is_empty() {
            request = request.body(reqwest::Body::wrap(Outbound::new(body, departure.clone())));
        } else if [Method::POST, Method::PUT, Method::PATCH].contains(&method) {
            // RFC 9110 §8.6; servers answer 411 without it, and the library leaves it out when there is no body.
            all.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let exchange = async {
            let response = request.headers(all).send().await.map_err(|error| (fault(&error), error.is_connect()))?;
            receive(response, response_max).await.map_err(|fault| (fault, false))
        };
        match timeout_at(deadline, exchange).await {
            Ok(Ok(incoming)) => Ok(incoming),
            Ok(Err((fault, connecting))) => Err(SendError { kind: fault, sent: departure.settle(connecting) }),
            Err(_) => Err(SendError { kind: Fault::Timeout, sent: departure.settle(false) }),
        }
    }
}

async fn receive(mut response: reqwest::Response, max: usize) -> Result<Incoming, Fault> {
    let status = response.status();
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Fault::Protocol("the peer switches protocols unasked".into()));
    }
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), std::str::from_utf8(value.as_bytes()).ok()?.to_owned()))
    };
    let headers = response.headers().iter().filter_map(text).collect();
    // A lie about the length is found out below; the truth saves reading what cannot be kept.
    let length = response.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    if length > max {
        return Err(Fault::TooLarge(max));
    }
    let mut body = Vec::with_capacity(length.min(FIRST_CHUNK));
    while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
        if body.len().saturating_add(chunk.len()) > max {
            return Err(Fault::TooLarge(max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Incoming { status: status.as_u16(), headers, body })
}

/// Room made for a body before any of it is there.
const FIRST_CHUNK: usize = 64 << 10;

fn fault(error: &reqwest::Error) -> Fault {
    fault::classify(error, error.is_connect())
}

/// Resolves, and lets through only addresses that the rule admits. The library dials these and nothing else.
struct Guard {
    rule: AllowRule,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (rule, looking) = (self.rule.clone(), self.lookup.lookup(name.as_str()));
        Box::pin(async move {
            let found = looking.await.map_err(|error| fault::Unresolved::Failed(error.to_string()))?;
            let (mut admitted, mut denied) = (Vec::new(), None);
            for mut addr in found.into_iter().take(lookup::ADDRESSES_MAX) {
                // Zero: the library puts the URL's port in.
                addr.set_port(0);
                match rule.admit_addr(addr.ip()) {
                    Ok(()) => admitted.push(addr),
                    Err(why) => denied = denied.or(Some(why)),
                }
            }
            match (admitted.is_empty(), denied) {
                (false, _) => Ok(Box::new(admitted.into_iter()) as Addrs),
                (true, Some(why)) => Err(fault::Unresolved::Denied(why).into()),
                (true, None) => Err(fault::Unresolved::Failed("the name has no address".into()).into()),
            }
        })
    }
}

#[cfg(test)]
mod tests;
