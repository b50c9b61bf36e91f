//! Outgoing HTTP for guests: every request is checked against the link's policy, assembled with its secrets, sent by the
//! link's own client, and the answer masked before the guest sees it. Never follows a redirect, never retries.

pub(crate) mod client;
pub(crate) mod policy;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use self::{
    client::{Fault, Incoming, Outgoing, SendError},
    policy::{Origin, request},
};
use super::{
    Context, Phase, Sent,
    grant::Grant,
    parts::{Assembled, PartsError, assemble},
};
use crate::bindings::duijie::{
    http::client::{self as wit, Error, ErrorKind, Request, Response},
    secret::parts::Part,
};

/// Requests of one call under way at the same time.
const PARALLEL_MAX: usize = 6;

impl wit::Host for Context {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Error>> {
        self.enter("http.client", Phase::Serve)?;
        let prepared = self.prepare(&request);
        drop(request);
        Ok(match prepared {
            Ok(prepared) => {
                let result = prepared.exchange().await;
                self.finish(result)
            }
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
    grant: Arc<Grant>,
    outgoing: Outgoing,
    origin: Origin,
    sent: Sent,
}

impl Prepared {
    async fn exchange(self) -> Result<Response, Error> {
        let Some(reach) = &self.grant.reach else { return Err(no_link()) };
        // Marked before, because a call that runs into its deadline is dropped in the middle of this.
        let mark = self.sent.mark(self.origin);
        match reach.outlet.send(self.outgoing).await {
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
    fn prepare(&mut self, asked: &Request) -> Result<Prepared, ErrorKind> {
        self.http_requests_left = self
            .http_requests_left
            .checked_sub(1)
            .ok_or_else(|| ErrorKind::Budget("the call has used up its requests ([limits] http_requests)".into()))?;
        let method = request::check_method(&asked.method).map_err(|e| ErrorKind::InvalidRequest(e.to_string()))?;
        let grant = self.grant.clone();
        let origin = origin(&asked.url)?;
        let lookup = |slot: &str| grant.secret_for(slot, &origin);
        let mut composed = Vec::new();
        let mut build = |parts: &[Part], max: usize, what: &str| {
            assemble(parts, max, &lookup, &mut |bytes| composed.push(bytes.to_vec())).map_err(|error| match error {
                PartsError::Denied(text) => ErrorKind::Denied(text),
                PartsError::TooLong(max) => ErrorKind::InvalidRequest(format!("{what} has more than {max} bytes")),
            })
        };

        let url = text(build(&asked.url, request::URL_MAX, "the URL")?, "the URL")?;
        let url = request::check_url(&url).map_err(|e| ErrorKind::InvalidRequest(e.to_string()))?;
        if asked.headers.len() > request::HEADERS_MAX {
            return Err(ErrorKind::InvalidRequest(format!("more than {} headers", request::HEADERS_MAX)));
        }
        let mut headers = Vec::with_capacity(asked.headers.len());
        for header in &asked.headers {
            let value = build(&header.value, request::HEADER_BYTES_MAX, "a header")?;
            headers.push(
                request::check_header(&header.name, &value).map_err(|e| ErrorKind::InvalidRequest(e.to_string()))?,
            );
        }
        let body = build(&asked.body, self.body_bytes, "the body")?;
        for bytes in composed {
            if !self.masks.add(&bytes) {
                return Err(ErrorKind::Budget("too many composed credentials in one call".into()));
            }
        }
        let time =
            asked.timeout_ms.map_or(Duration::MAX, |ms| Duration::from_millis(ms.into())).min(self.left_for_requests());
        Ok(Prepared {
            grant,
            outgoing: Outgoing {
                method,
                url,
                headers,
                // As assembled, and wiped when it is gone: a body may be megabytes, and it may hold a secret.
                body: Bytes::from_owner(body),
                deadline: Instant::now() + time,
                response_max: self.body_bytes,
            },
            origin,
            sent: self.sent.clone(),
        })
    }

    /// What the guest sees of an answer: never a byte of a secret that the peer echoes.
    fn finish(&self, result: Result<Response, Error>) -> Result<Response, Error> {
        let mut response = result?;
        self.masks.mask(&mut response.body);
        for text in response.headers.iter_mut().flat_map(|(name, value)| [name, value]) {
            *text = self.masks.mask_text(std::mem::take(text));
        }
        Ok(response)
    }
}

/// Where the request goes, read from the text before the first secret: a secret must not be able to say where it is sent.
fn origin(url: &[Part]) -> Result<Origin, ErrorKind> {
    let invalid = |text: &str| ErrorKind::InvalidRequest(text.into());
    let mut prefix = String::new();
    for part in url {
        match part {
            Part::Text(text) if prefix.len() <= request::URL_MAX => prefix.push_str(text),
            _ => break,
        }
    }
    let only_text = url.iter().all(|part| matches!(part, Part::Text(_)));
    let end = request::authority_end(&prefix)
        .ok_or_else(|| invalid("the URL must begin with http(s):// and a host, as text"))?;
    if !only_text && end >= prefix.len() {
        return Err(invalid("the URL's host must be plain text, ended by \"/\" or \"?\", before any secret"));
    }
    let url = request::check_url(&prefix).map_err(|e| ErrorKind::InvalidRequest(e.to_string()))?;
    Origin::of(&url).map_err(|e| ErrorKind::InvalidRequest(e.to_string()))
}

fn text(bytes: Assembled, what: &str) -> Result<String, ErrorKind> {
    String::from_utf8(bytes.to_vec()).map_err(|_| ErrorKind::InvalidRequest(format!("{what} is not UTF-8")))
}

fn response(incoming: Incoming) -> Response {
    Response { status: incoming.status, headers: incoming.headers, body: incoming.body }
}

fn no_link() -> Error {
    Error { kind: ErrorKind::Denied("there is no link".into()), sent: false }
}

fn convert(error: SendError) -> Error {
    let text = error.kind.to_string();
    let kind = match error.kind {
        Fault::Denied(_) => ErrorKind::Denied(text),
        Fault::Invalid(_) => ErrorKind::InvalidRequest(text),
        Fault::Dns(_) => ErrorKind::Dns(text),
        Fault::Connect(_) => ErrorKind::Connect(text),
        Fault::Tls(_) => ErrorKind::Tls(text),
        Fault::Timeout => ErrorKind::Timeout,
        Fault::Reset(_) => ErrorKind::Reset(text),
        Fault::TooLarge(max) => ErrorKind::TooLarge(max as u64),
        Fault::Protocol(_) => ErrorKind::Protocol(text),
        Fault::Other(_) => ErrorKind::Other(text),
    };
    Error { kind, sent: error.sent }
}
