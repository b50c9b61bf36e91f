//! Finds the credentials in a request: bearer tokens, and client credentials in a form, a query or HTTP Basic.
//! Never decides whether they are right.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::profile::Received;
use super::{ClientAuth, Mode, Refusal, codes};

/// What a token request says.
#[derive(Debug)]
pub(super) struct TokenRequest {
    pub(super) grant_type: Option<String>,
    pub(super) client_id: String,
    /// The readings of the secret that count as what the client meant; at least one.
    pub(super) secrets: Vec<String>,
    pub(super) place: ClientAuth,
}

/// Reads a token request.
pub(super) fn token_request(received: &Received, mode: Mode) -> Result<TokenRequest, Refusal> {
    let body = std::str::from_utf8(&received.body).map_err(|_| request("请求体不是 UTF-8"))?;
    let form = Form::parse(body, mode)?;
    let query = Form::parse(&received.query, mode)?;
    let grant_type = form.grant_type.or(query.grant_type);
    let basic = received.header("authorization").and_then(|value| after_scheme(value, "basic"));

    let mut found = Vec::new();
    if let (Some(client_id), Some(secret)) = (form.client_id, form.client_secret) {
        found.push((client_id, readings(secret, mode), ClientAuth::Body));
    }
    if let (Some(client_id), Some(secret)) = (query.client_id, query.client_secret) {
        found.push((client_id, readings(secret, mode), ClientAuth::Query));
    }
    if let Some(credentials) = basic {
        let (client_id, secrets) = read_basic(credentials).ok_or_else(|| request("Basic 凭证格式错误"))?;
        found.push((client_id, secrets, ClientAuth::Basic));
    }
    if found.len() > 1 && mode == Mode::Strict {
        // RFC 6749 §2.3: a client must not use more than one method in a request.
        return Err(request("凭证出现在多个位置"));
    }
    let (client_id, secrets, place) =
        found.into_iter().next().ok_or_else(|| request("缺少 client_id 或 client_secret"))?;
    Ok(TokenRequest { grant_type, client_id, secrets, place })
}

/// The token of a `Bearer` header.
pub(super) fn bearer(header: &str) -> Option<&str> {
    after_scheme(header, "bearer").filter(|token| !token.is_empty())
}

/// A percent-encoded path segment.
pub(super) fn decode_path(segment: &str) -> Option<String> {
    // A form's `+` means a space, a path's means itself.
    let pair = format!("={}", segment.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs.next().map(|(_, value)| value.into_owned())
}

fn after_scheme<'a>(header: &'a str, scheme: &str) -> Option<&'a str> {
    let (found, rest) = header.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then_some(rest.trim())
}

#[derive(Default)]
struct Form {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

impl Form {
    fn parse(text: &str, mode: Mode) -> Result<Self, Refusal> {
        if mode == Mode::Strict {
            check_encoding(text)?;
        }
        let mut form = Self::default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let slot = match name.as_ref() {
                "grant_type" => &mut form.grant_type,
                "client_id" => &mut form.client_id,
                "client_secret" => &mut form.client_secret,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() && mode == Mode::Strict {
                return Err(request(format!("参数 {name} 重复")));
            }
        }
        Ok(form)
    }
}

/// Every character of a secret that an encoder would have escaped must be escaped. A `+` is what a form writes for a
/// space, which no base64 secret has: there it is a secret that was not encoded.
fn check_encoding(text: &str) -> Result<(), Refusal> {
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let raw = value.contains(['/', '=']) || (name == "client_secret" && value.contains('+'));
        if raw || !pair.is_ascii() {
            return Err(Refusal::new(codes::OAUTH_ENCODING, format!("参数 {name} 未做 URL 编码")));
        }
    }
    Ok(())
}

fn readings(secret: String, mode: Mode) -> Vec<String> {
    let mut readings = Vec::new();
    if mode == Mode::Quirky {
        readings.push(secret.replace(' ', "+"));
    }
    readings.push(secret);
    readings
}

/// RFC 6749 §2.3.1 form-encodes both halves before base64; half the world does not. Both are taken.
fn read_basic(credentials: &str) -> Option<(String, Vec<String>)> {
    let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (client_id, secret) = decoded.split_once(':')?;
    Some((decode_path(client_id)?, vec![secret.to_owned(), decode_path(secret)?]))
}

fn request(message: impl Into<String>) -> Refusal {
    Refusal::new(codes::OAUTH_REQUEST, message)
}
