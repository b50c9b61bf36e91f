//! A reply on its way out: reshaped by the fault that follows processing, and given a body and headers. Never decides
//! whether there is an answer.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, header};

use super::body::Body;
use super::faults::Fault;
use super::profile::Reply;
use super::wire::{Cut, Line};

/// Puts a reply on the wire, reshaped by what happens after processing.
pub(super) fn send(mut reply: Reply, after: Option<Fault>, line: &Arc<Line>) -> Response<Body> {
    if let Some(fault) = &after {
        reply.body = reshape(&reply.body, fault);
    }
    let bytes = reply.body;
    let length = bytes.len();
    let body = match after {
        Some(Fault::Truncate { sent }) => {
            Body::cut(bytes.slice(..sent.unwrap_or(length / 2).min(length)), line.clone(), Cut::Close)
        }
        Some(Fault::ResetMid) => Body::cut(bytes.slice(..length / 2), line.clone(), Cut::Reset),
        Some(Fault::SlowBody { bytes_per_s }) => Body::slow(bytes, bytes_per_s),
        Some(Fault::SlowReply { bytes_per_s }) => {
            line.slow_down(bytes_per_s);
            Body::Whole(bytes)
        }
        Some(Fault::Garbage) => {
            line.garble();
            Body::Whole(bytes)
        }
        _ => Body::Whole(bytes),
    };
    // One more than the whole when all of it is "truncated": the promise must not be kept.
    let promised = match (&body, &after) {
        (Body::Cut { part, .. }, _) if part.len() == length => length + 1,
        _ => length,
    };
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(promised));
    for (name, value) in reply.headers {
        // A value that no header may hold is left out: the fault notation cannot carry line breaks.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if let Some(Fault::HugeHeader { bytes }) = after
        && let Ok(value) = HeaderValue::from_bytes(&vec![b'x'; bytes])
    {
        headers.insert("x-huge", value);
    }
    response
}

fn reshape(body: &Bytes, fault: &Fault) -> Bytes {
    let mut bytes = body.to_vec();
    match fault {
        Fault::MissingComma => {
            if let Some(at) = bytes.iter().position(|byte| *byte == b',') {
                bytes.remove(at);
            }
        }
        Fault::TrailingComma => {
            if let Some(at) = bytes.iter().rposition(|byte| *byte == b'}') {
                bytes.insert(at, b',');
            }
        }
        Fault::Bom => bytes.splice(..0, *b"\xef\xbb\xbf").for_each(drop),
        _ => return body.clone(),
    }
    bytes.into()
}
