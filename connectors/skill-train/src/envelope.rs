//! What is around every request: `{"headers":{…},"data":…}`, where the "headers" are a JSON object in the body. Writes
//! strict JSON; a token or secret is placed, never logged.

use duijie_sdk::{
    Failure, Link,
    crypto::{self, Algorithm},
    encode,
    http::{Request, Response},
    json,
    secret::{Parts, Secret},
    template::inside_json,
    time,
};
use serde_json::Value;

use crate::{
    config::Config,
    operation::{Operation, Part},
};

/// Times in outputs, in China time.
pub const RFC3339: &str = "yyyy-MM-ddTHH:mm:ss+08:00";

/// A POST of JSON to an operation's path, without a body as yet.
pub fn post(config: &Config, operation: Operation) -> Request {
    Request::post(config.url(path(config, operation)))
        .header("content-type", "application/json; charset=utf-8")
        .header("accept", "application/json")
}

/// The path of an operation: the link's, or the document's.
pub fn path(config: &Config, operation: Operation) -> &str {
    config.path.get(&operation).map_or(operation.path(), String::as_str)
}

/// The body up to the value of `data`, in pieces between which the token stands; what follows must end with `}`. The
/// log-in, which is of no part, has no place for a token.
///
/// # Errors
/// The host's, when it cannot hash.
pub fn head(link: &Link<Config>, part: Option<Part>) -> Result<Vec<String>, Failure> {
    let config = link.config();
    let device = match &config.device.id {
        Some(id) => id.clone(),
        None => device_id(&link.id())?,
    };
    let mut piece = format!(
        r#"{{"headers":{{"deviceType":"{}","timestamp":"{}","deviceId":"{}""#,
        config.device.kind.name(),
        time::now_ms() / 1000,
        inside_json(device),
    );
    let mut pieces = Vec::new();
    for name in part.map_or(&[][..], |part| config.token_keys(part)) {
        piece.push_str(&format!(r#","{}":""#, inside_json(name.clone())));
        pieces.push(std::mem::replace(&mut piece, "\"".to_owned()));
    }
    piece.push_str(r#"},"data":"#);
    pieces.push(piece);
    Ok(pieces)
}

/// A head with a token in place.
pub fn with_token(head: &[String], token: &str) -> String {
    head.join(&inside_json(token.to_owned()))
}

/// A head with the secret of this slot in place.
pub fn with_secret(head: Vec<String>, slot: &str) -> Parts {
    let mut body = Parts::default();
    for (at, piece) in head.into_iter().enumerate() {
        if at > 0 {
            body.push(Secret::json(slot));
        }
        body.push(piece);
    }
    body
}

/// A UUID that is always the same for a link and says nothing of it (RFC 9562, version 8).
fn device_id(link: &str) -> Result<String, Failure> {
    let digest = crypto::hash(Algorithm::Sha256, format!("skill-train device {link}"))?;
    let mut bytes: [u8; 16] =
        digest.first_chunk().copied().ok_or_else(|| Failure::internal("a digest is too short"))?;
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = *version & 0x0f | 0x80;
    *variant = *variant & 0x3f | 0x80;
    let hex = encode::hex(bytes);
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or_default().to_owned());
    Ok(groups.join("-"))
}

/// An answer that there is no such path, and that is not the upstream's own: the operator must look.
pub fn not_found(operation: Operation, response: &Response) -> Option<Failure> {
    let is_missing = matches!(response.status, 404 | 405) && code_of(response).is_none();
    is_missing.then(|| {
        let (name, status) = (operation.name(), response.status);
        Failure::config(format!("the upstream has no {name} at this path (HTTP {status}); see path.\"{name}\""))
    })
}

/// The upstream's own code in an answer.
pub fn code_of(response: &Response) -> Option<String> {
    json::first(&response.json_lenient::<Value>().ok()?, &["/returnCode"]).and_then(json::text)
}
