//! Asking the platform behind a link: one signed event to the one address that the operator wrote, one JSON answer. A
//! guest chooses neither address nor headers.

use std::{sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use url::Url;

use super::{
    Context, Phase,
    cloudevent::{EventError, Signed, Signer, Told},
    http::client::{Incoming, Outgoing, Outlet},
};
use crate::{
    bindings::duijie::platform::forward::{self as wit, Error, Refusal},
    failure::cut,
    id::{ConnectorName, LinkId},
};

/// Longest name of an event (wit/deps/duijie-platform.wit).
const EVENT_MAX: usize = 64;
/// Longest key of an event.
const KEY_MAX: usize = 512;
/// Bytes of a refusal's message.
const MESSAGE_MAX: usize = 1 << 10;

/// The platform of a link, and how to reach and convince it.
pub(crate) struct Platform {
    connector: ConnectorName,
    url: Url,
    outlet: Outlet,
    signer: Signer,
    timeout: Duration,
}

impl Platform {
    /// A platform at this address; `secret` is `whsec_` and base64, or at least 24 characters that are the key themselves.
    ///
    /// # Errors
    /// What is wrong with the secret, without any of it.
    pub(crate) fn new(
        connector: ConnectorName,
        url: Url,
        outlet: Outlet,
        secret: &[u8],
        timeout: Duration,
    ) -> Result<Self, EventError> {
        Ok(Self { connector, url, outlet, signer: Signer::new(secret)?, timeout })
    }

    fn event(&self, link: &LinkId, event: &str, key: Option<&str>, data: &RawValue) -> Result<Outgoing, EventError> {
        let now = Timestamp::now();
        let id = match key {
            Some(key) => keyed_id(link, event, key),
            None => uuid::Uuid::now_v7().to_string(),
        };
        let told = Told {
            id: &id,
            source: &format!("/v1/links/{link}"),
            kind: &format!("duijie.{}.{event}", self.connector),
            time: &now.to_string(),
            data,
        };
        let Signed { headers, body } = self.signer.sign(told, now)?;
        let (method, url) = (Method::POST, self.url.clone());
        Ok(Outgoing { method, url, headers, body, deadline: Instant::now(), response_max: 0 })
    }
}

/// The same key is the same event: a platform that has seen the id need not act again.
fn keyed_id(link: &LinkId, event: &str, key: &str) -> String {
    let mut digest = Sha256::new();
    for part in [&**link, event, key] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize().get(..16).unwrap_or_default())
}

impl wit::Host for Context {
    async fn ask(
        &mut self,
        event: String,
        key: Option<String>,
        data: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        self.enter("platform.forward", Phase::Serve)?;
        let answered = match self.outgoing(&event, key.as_deref(), data) {
            Ok((platform, outgoing)) => {
                platform.outlet.send(outgoing).await.map_err(|error| Error::Unavailable(error.kind.to_string()))
            }
            Err(why) => Err(Error::Denied(why)),
        };
        let (class, answer) = match answered.and_then(|incoming| self.read(incoming)) {
            Ok(answer) => ("ok", Ok(answer)),
            Err(error) => (class(&error), Err(error)),
        };
        metrics::counter!("duijie_platform_events_total", "class" => class).increment(1);
        Ok(answer)
    }
}

impl Context {
    fn outgoing(&mut self, event: &str, key: Option<&str>, data: String) -> Result<(Arc<Platform>, Outgoing), String> {
        let grant = self.grant.clone();
        let (Some(platform), Some(link)) = (&grant.platform, &grant.link) else {
            return Err("the link has no [platform]".into());
        };
        if !is_event(event) {
            return Err("an event's name is lower-case words of a-z 0-9 - joined by dots, at most 64 characters".into());
        }
        if key.is_some_and(|key| key.len() > KEY_MAX) {
            return Err(format!("an event's key has at most {KEY_MAX} bytes"));
        }
        if data.len() > self.body_bytes {
            return Err(format!("the event's data has {} bytes; the link allows {}", data.len(), self.body_bytes));
        }
        let requests = self.http_requests_left.checked_sub(1);
        self.http_requests_left =
            requests.ok_or("the call has used up its requests ([limits] http_requests)".to_owned())?;
        let data = RawValue::from_string(data).map_err(|_| "the event's data is not JSON".to_owned())?;
        let mut outgoing = platform.event(link, event, key, &data).map_err(|error| error.to_string())?;
        if let Ok(request_id) = HeaderValue::from_str(&self.request_id) {
            outgoing.headers.push((HeaderName::from_static("x-request-id"), request_id));
        }
        outgoing.deadline = Instant::now() + platform.timeout.min(self.left_for_requests());
        outgoing.response_max = self.body_bytes;
        Ok((platform.clone(), outgoing))
    }

    fn read(&self, incoming: Incoming) -> Result<String, Error> {
        match incoming.status {
            200..300 if incoming.body.trim_ascii().is_empty() => Ok("null".to_owned()),
            200..300 => {
                let text = String::from_utf8(incoming.body).map_err(|_| Error::Protocol(not_json()))?;
                serde_json::from_str::<&RawValue>(&text).map_err(|_| Error::Protocol(not_json()))?;
                Ok(text)
            }
            status @ 300..500 => Err(Error::Refused(Refusal { status, message: reason(&incoming.body) })),
            status => Err(Error::Unavailable(format!("the platform answers HTTP {status}"))),
        }
    }
}

fn not_json() -> String {
    "the platform's answer is not JSON".into()
}

fn class(error: &Error) -> &'static str {
    match error {
        Error::Denied(_) => "denied",
        Error::Unavailable(_) => "unavailable",
        Error::Refused(_) => "refused",
        Error::Protocol(_) => "protocol",
    }
}

/// `detail` or `title` of a problem; nothing of any other body.
fn reason(body: &[u8]) -> String {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| problem.get(name).and_then(serde_json::Value::as_str);
    let mut reason = text("detail").or_else(|| text("title")).unwrap_or_default().to_owned();
    cut(&mut reason, MESSAGE_MAX);
    reason
}

fn is_event(name: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    name.len() <= EVENT_MAX && name.split('.').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_one_key_has_one_id_and_no_other_shares_it() {
        let link: LinkId = "zj.one".parse().unwrap();
        let other: LinkId = "zj.two".parse().unwrap();
        assert_eq!(keyed_id(&link, "class.push", "c1"), keyed_id(&link, "class.push", "c1"));
        let ids = [
            keyed_id(&link, "class.push", "c1"),
            keyed_id(&link, "class.push", "c2"),
            keyed_id(&link, "class.pushc", "1"),
            keyed_id(&other, "class.push", "c1"),
        ];
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
    }

    #[test]
    fn names_of_events_follow_their_rule() {
        for good in ["user.sync", "class-push", "a1.b2"] {
            assert!(is_event(good), "{good}");
        }
        for bad in ["", "User", "a..b", ".a", "a b", "1a", &"a".repeat(65)] {
            assert!(!is_event(bad), "{bad}");
        }
    }

    #[test]
    fn a_refusal_tells_the_problems_detail_and_nothing_else() {
        assert_eq!(reason(br#"{"title":"t","detail":"class is full"}"#), "class is full");
        assert_eq!(reason(b"<html>secret</html>"), "");
    }
}
