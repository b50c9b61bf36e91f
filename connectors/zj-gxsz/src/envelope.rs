//! What is put around the ciphertext: a template with variables. In the body every value is written as the inside of a
//! JSON string, so no value can break out of its quotes; numbers may also stand without quotes.

use duijie_sdk::{
    Failure, random,
    template::{self, inside_json},
    time,
};
use serde_json::Value;

/// The variables.
const NAMES: [&str; 6] = ["data", "client_id", "timestamp_ms", "timestamp_s", "nonce", "token"];

/// The values of the variables for one request.
pub struct Values<'a> {
    /// The ciphertext as text.
    pub data: &'a str,
    /// The client_id.
    pub client_id: &'a str,
    /// The access token.
    pub token: &'a str,
    /// The time of sending, in milliseconds since 1970.
    pub now_ms: u64,
    nonce: String,
}

impl<'a> Values<'a> {
    /// Values as of now, with a new nonce.
    ///
    /// # Errors
    /// `internal` when the host gives no random bytes.
    pub fn now(data: &'a str, client_id: &'a str, token: &'a str) -> Result<Self, Failure> {
        Ok(Self { data, client_id, token, now_ms: time::now_ms(), nonce: random::nonce()? })
    }

    fn get(&self, name: &str) -> Option<String> {
        Some(match name {
            "data" => self.data.to_owned(),
            "client_id" => self.client_id.to_owned(),
            "timestamp_ms" => self.now_ms.to_string(),
            "timestamp_s" => (self.now_ms / 1000).to_string(),
            "nonce" => self.nonce.clone(),
            "token" => self.token.to_owned(),
            _ => return None,
        })
    }
}

/// The body that a template makes.
///
/// # Errors
/// `config` when the template is not fit; `check` of the link would have said so.
pub fn body(template: &str, values: &Values<'_>) -> Result<String, Failure> {
    render(template, values, inside_json).map_err(|message| Failure::config(format!("envelope.template {message}")))
}

/// The header value that a template makes.
///
/// # Errors
/// As [`body`].
pub fn header(template: &str, values: &Values<'_>) -> Result<String, Failure> {
    render(template, values, |value| value).map_err(|message| Failure::config(format!("envelope.headers {message}")))
}

/// Is the template a JSON object with the ciphertext in it? Says what is wrong.
///
/// # Errors
/// What is wrong.
pub fn check_template(template: &str) -> Result<(), String> {
    let text = render(template, &sample(), inside_json)?;
    let value: Value = serde_json::from_slice(text.as_bytes()).map_err(|error| format!("is not JSON: {error}"))?;
    if !value.is_object() {
        return Err("is not a JSON object".to_owned());
    }
    if !template.contains("${data}") {
        return Err("has no ${data}, so no record would be sent".to_owned());
    }
    Ok(())
}

/// Does a header's template name known variables only? Says what is wrong.
///
/// # Errors
/// What is wrong.
pub fn check_header(template: &str) -> Result<(), String> {
    render(template, &sample(), |value| value).map(drop)
}

fn sample() -> Values<'static> {
    Values { data: "AA==", client_id: "id\"", token: "token", now_ms: 1, nonce: "0".repeat(32) }
}

fn render(template: &str, values: &Values<'_>, written: impl Fn(String) -> String) -> Result<String, String> {
    template::render(template, &NAMES, |name| values.get(name), written)
}

#[cfg(test)]
mod tests;
