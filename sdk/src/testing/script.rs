//! Scripted upstreams: which reply a request gets, and what was sent.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde_json::Value;

use crate::http::{HttpError, HttpErrorKind, Response};

/// A request as it would be on the wire, with the secrets in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Names as written by the connector, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The time the connector gave it.
    pub timeout_ms: Option<u32>,
}

impl Sent {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text; what is not UTF-8 becomes U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What a request gets.
#[derive(Clone)]
pub(crate) enum Reply {
    Answer(Response),
    Error(HttpError),
    By(Arc<dyn Fn(&Sent) -> Response + Send + Sync>),
}

impl Reply {
    /// What a request gets; called without a lock, because what answers may call the host itself.
    pub(crate) fn to(self, request: &Sent) -> Result<Response, HttpError> {
        match self {
            Self::Answer(response) => Ok(response),
            Self::Error(error) => Err(error),
            Self::By(answer) => Ok(answer(request)),
        }
    }
}

/// The replies by method and URL, and the requests so far.
#[derive(Default)]
pub(crate) struct Script {
    routes: BTreeMap<(String, String), VecDeque<Reply>>,
    pub(crate) sent: Vec<Sent>,
}

impl Script {
    pub(crate) fn add(&mut self, method: &str, url: &str, reply: Reply) {
        self.routes.entry((method.to_owned(), url.to_owned())).or_default().push_back(reply);
    }

    /// Notes a request; its reply.
    pub(crate) fn reply(&mut self, request: Sent) -> Reply {
        let url = request.url.split('?').next().unwrap_or_default().to_owned();
        let key = (request.method.clone(), url);
        self.sent.push(request);
        let Some(replies) = self.routes.get_mut(&key) else {
            let rule = format!("no reply is scripted for {} {}", key.0, key.1);
            return Reply::Error(HttpError { kind: HttpErrorKind::Denied(rule), sent: false });
        };
        // The last reply stays.
        let reply = if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() };
        let empty = HttpError { kind: HttpErrorKind::Other("an empty script".to_owned()), sent: false };
        reply.unwrap_or(Reply::Error(empty))
    }
}
