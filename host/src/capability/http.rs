//! Outgoing HTTP for guests: every request is checked against the link's policy, assembled with its secrets, sent by the
//! link's own client, and the answer masked before the guest sees it. Never follows a redirect, never retries.

pub(crate) mod client;
pub(crate) mod policy;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;
use url::Url;

use self::{
    client::{Client, Incoming, Outgoing, SendError, SendErrorKind},
    policy::Origin,
};
use super::{
    Context, Phase, Sent,
    parts::{Assembled, PartsError, assemble},
};
use crate::bindings::duijie::{
    http::client::{self as wit, Error, ErrorKind, Request, Response},
    secret::parts::Part,
};

/// Requests of one call under way at the same time.
const PARALLEL_MAX: usize = 6;
/// Headers of one request.
const HEADERS_MAX: usize = 64;
/// Bytes of one header value.
const HEADER_BYTES_MAX: usize = 16 << 10;
/// Bytes of a URL.
const URL_MAX: usize = 8 << 10;

impl wit::Host for Context {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Error>> {
        self.enter("http.client", Phase::Serve)?;
        let prepared = self.prepare(&request);
        drop(request);
        Ok(match prepared {
            Ok(prepared) => self.finish(prepared.exchange().await),
            Err(kind) => Err(Error { kind, sent: false }),
        })
    }

    async fn send_all(&mut self, requests: Vec<Request>) -> wasmtime::Result<Vec<Result<Response, Error>>> {
        self.enter("http.client", Phase::Serve)?;
        let prepared: Vec<_> = requests.iter().map(|request| self.prepare(request)).collect();
        drop(requests);
        let exchanges = prepared.into_iter().map(|prepared| async {
            match prepared {
                Ok(prepared) => prepared.exchange().await,
                Err(kind) => Err(Error { kind, sent: false }),
            }
        });
        let results: Vec<_> = stream::iter(exchanges).buffered(PARALLEL_MAX).collect().await;
        Ok(results.into_iter().map(|result| self.finish(result)).collect())
    }
}

/// A request that policy admits.
struct Prepared {
    client: Client,
    outgoing: Outgoing,
    sent: Sent,
}

impl Prepared {
    async fn exchange(self) -> Result<Response, Error> {
        // Marked before, because a call that runs into its deadline is dropped in the middle of this.
        let mark = self.sent.mark();
        match self.client.send(self.outgoing).await {
            Ok(incoming) => Ok(response(incoming)),
            Err(error) => {
                if !error.sent {
                    mark.undo();
                }
                Err(convert(error))
            }
        }
    }
}

impl Context {
    fn prepare(&mut self, request: &Request) -> Result<Prepared, ErrorKind> {
        let grant = self.grant.clone();
        let reach = grant.reach.as_ref().ok_or_else(|| ErrorKind::Denied("there is no link".into()))?;
        self.http_requests_left = self
            .http_requests_left
            .checked_sub(1)
            .ok_or_else(|| ErrorKind::Budget("the call has used up its requests ([limits] http_requests)".into()))?;
        let method = policy::check_method(&request.method).map_err(|e| ErrorKind::InvalidRequest(e.to_string()))?;
        let origin = origin(&request.url)?;
        let lookup = |slot: &str| grant.secret_for(slot, &origin);
        let mut composed = Vec::new();
        let mut build = |parts: &[Part], max: usize, what: &str| {
            assemble(parts, max, &lookup, &mut |bytes| composed.push(bytes.to_vec())).map_err(|error| match error {
                PartsError::Denied(text) => ErrorKind::Denied(text),
                PartsError::TooLong(max) => ErrorKind::InvalidRequest(format!("{what} has more than {max} bytes")),
            })
        };

        let url = text(build(&request.url, URL_MAX, "the URL")?, "the URL")?;
        let url = policy::check_url(&url).map_err(|e| ErrorKind::InvalidRequest(e.to_string()))?;
        reach.egress.admit_url(&url).map_err(|e| ErrorKind::Denied(e.to_string()))?;
        if request.headers.len() > HEADERS_MAX {
            return Err(ErrorKind::InvalidRequest(format!("more than {HEADERS_MAX} headers")));
        }
        let mut headers = http::HeaderMap::with_capacity(request.headers.len());
        for header in &request.headers {
            let value = build(&header.value, HEADER_BYTES_MAX, "a header")?;
            let (name, value) =
                policy::check_header(&header.name, &value).map_err(|e| ErrorKind::InvalidRequest(e.to_string()))?;
            headers.append(name, value);
        }
        let body = build(&request.body, self.body_bytes, "the body")?;
        for bytes in composed {
            if !self.masks.add(&bytes) {
                return Err(ErrorKind::Budget("too many composed credentials in one call".into()));
            }
        }
        let time = request.timeout_ms.map_or(Duration::MAX, |ms| Duration::from_millis(ms.into())).min(self.left());
        Ok(Prepared {
            client: reach.client.clone(),
            outgoing: Outgoing {
                method,
                url,
                headers,
                body: Bytes::copy_from_slice(&body),
                deadline: Instant::now() + time,
                max_response: self.body_bytes,
            },
            sent: self.sent.clone(),
        })
    }

    /// What the guest sees of an answer: never a byte of a secret that the peer echoes.
    fn finish(&self, result: Result<Response, Error>) -> Result<Response, Error> {
        let mut response = result?;
        self.masks.mask(&mut response.body);
        for (_, value) in &mut response.headers {
            *value = self.masks.mask_text(std::mem::take(value));
        }
        Ok(response)
    }
}

/// Where the request goes, read from the text before the first secret: a secret must not be able to say where it is sent.
fn origin(url: &[Part]) -> Result<Origin, ErrorKind> {
    let mut prefix = String::new();
    for part in url {
        match part {
            Part::Text(text) if prefix.len() <= URL_MAX => prefix.push_str(text),
            _ => break,
        }
    }
    let invalid = |text: &str| ErrorKind::InvalidRequest(text.into());
    let (_, rest) = prefix.split_once("://").ok_or_else(|| invalid("the URL must begin with scheme and host as text"))?;
    let only_text = url.iter().all(|part| matches!(part, Part::Text(_)));
    if !only_text && !rest.contains(['/', '?']) {
        return Err(invalid("the URL's host must be plain text, ended by \"/\" or \"?\", before anything else"));
    }
    let url = Url::parse(&prefix).map_err(|e| invalid(&format!("the URL cannot be parsed: {e}")))?;
    Origin::of(&url).ok_or_else(|| invalid("the URL must be http or https with a host"))
}

fn text(bytes: Assembled, what: &str) -> Result<String, ErrorKind> {
    String::from_utf8(bytes.to_vec()).map_err(|_| ErrorKind::InvalidRequest(format!("{what} is not UTF-8")))
}

fn response(incoming: Incoming) -> Response {
    let headers = incoming.headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    Response { status: incoming.status, headers: headers.collect(), body: incoming.body }
}

fn convert(error: SendError) -> Error {
    let text = error.kind.to_string();
    let kind = match error.kind {
        SendErrorKind::Denied(_) => ErrorKind::Denied(text),
        SendErrorKind::Dns(_) => ErrorKind::Dns(text),
        SendErrorKind::Connect(_) => ErrorKind::Connect(text),
        SendErrorKind::Tls(_) => ErrorKind::Tls(text),
        SendErrorKind::Timeout => ErrorKind::Timeout,
        SendErrorKind::Reset(_) => ErrorKind::Reset(text),
        SendErrorKind::TooLarge(max) => ErrorKind::TooLarge(max),
        SendErrorKind::Protocol(_) => ErrorKind::Protocol(text),
        SendErrorKind::Other(_) => ErrorKind::Other(text),
    };
    Error { kind, sent: error.sent }
}
