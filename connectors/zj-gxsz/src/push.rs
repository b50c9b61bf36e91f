//! One push, top to bottom: map → encrypt → token → send → read. The ciphertext is made at the moment of sending, because
//! the secret that signs in is also the key: both change at once.

use duijie_sdk::{
    Class, Failure, Outcome,
    crypto::{self, CryptoError, Mode, Padding},
    encode,
    http::{Request, Response},
    kv::{self, KvError},
    log,
    mapping::{self, Violation, Wire},
    time,
};
use serde_json::{Value, json};

use crate::{
    CLIENT_SECRET,
    config::{CipherText, Config},
    envelope::{self, Values},
    memory,
    model::{Accepted, Checked, Endpoint, Record},
    token,
};

/// Pushes one record.
///
/// # Errors
/// Every row of the error table in this connector's README.
pub fn push(config: &Config, endpoint: Endpoint, record: &Record) -> Result<Accepted, Failure> {
    let sealed = seal(config, endpoint, record)?;
    let answered = token::cache(config)?.send(
        || token::fetch(config),
        |access, attempt| {
            let request = request_of(config, endpoint, &sealed.data, access)?;
            if attempt == 1 {
                keep_interval(config)?;
            }
            Ok(request)
        },
        |response| is_token_refused(config, response),
    )?;
    let submitted_at = time::format(time::now_ms(), "yyyy-MM-ddTHH:mm:ss+08:00");
    let (upstream_code, message) = answered.read(|response| read(config, response, record))?;
    Ok(Accepted {
        overwrote: memory::remember(endpoint, &sealed.key),
        record_id: sealed.key,
        endpoint,
        accepted: true,
        upstream_code,
        upstream_message: message,
        submitted_at,
        attempt: answered.attempt,
    })
}

/// Does all of a push that needs no upstream.
///
/// # Errors
/// As [`push`], as far as it goes.
pub fn check(config: &Config, endpoint: Endpoint, record: &Record) -> Result<Checked, Failure> {
    let sealed = seal(config, endpoint, record)?;
    Ok(Checked {
        endpoint,
        record: sealed.wire,
        plaintext_bytes: sealed.plaintext_bytes,
        ciphertext_bytes: sealed.ciphertext_bytes,
    })
}

/// A record ready to be sent.
struct Sealed {
    key: String,
    wire: Wire,
    plaintext_bytes: usize,
    ciphertext_bytes: usize,
    data: String,
}

fn seal(config: &Config, endpoint: Endpoint, record: &Record) -> Result<Sealed, Failure> {
    let key = match record.get(&config.record.key_field) {
        Some(Value::String(key)) if !key.is_empty() => Ok(key.clone()),
        Some(Value::Number(key)) => Ok(key.to_string()),
        _ => Err((
            format!("/{}", mapping::escape(&config.record.key_field)),
            "is required: it is the record's key".to_owned(),
        )),
    };
    let mapped = config.with_mapping(endpoint, |mapping| Ok(mapping::map(mapping, record)))?;
    let (key, wire) = match (key, mapped) {
        (Ok(key), Ok(wire)) => (key, wire),
        (key, mapped) => return Err(invalid(key.err(), mapped.err().unwrap_or_default())),
    };
    // Serialised once: these very bytes are encrypted.
    let plaintext =
        serde_json::to_vec(&wire).map_err(|error| Failure::internal(format!("a record is not JSON: {error}")))?;
    let ciphertext = crypto::sm4_encrypt(&Mode::LegacyEcb(Padding::Pkcs7), CLIENT_SECRET, &plaintext);
    let ciphertext = ciphertext.map_err(|error| not_encrypted(config, error))?;
    let data = match config.sm4.output {
        CipherText::Base64 => encode::base64(&ciphertext),
        CipherText::Hex => encode::hex(&ciphertext),
    };
    Ok(Sealed { key, wire, plaintext_bytes: plaintext.len(), ciphertext_bytes: ciphertext.len(), data })
}

fn invalid(key: Option<Violation>, mut violations: Vec<Violation>) -> Failure {
    // The mapping has usually found the missing key too.
    if let Some((pointer, message)) = key
        && !violations.iter().any(|(known, _)| *known == pointer)
    {
        violations.insert(0, (pointer, message));
    }
    let count = violations.len();
    Failure::invalid_input(format!("the record does not fit the list: {count} violation(s), see detail"))
        .detail_fields(violations)
}

fn not_encrypted(config: &Config, error: CryptoError) -> Failure {
    let failure = match error {
        CryptoError::Key(_) => Failure::config(format!(
            "client_secret is not a key of 16 bytes; sm4.key_encoding is {0}, so [secrets.{CLIENT_SECRET}] must have encoding = \"{0}\"",
            config.sm4.key_encoding.name()
        )),
        other => other.into(),
    };
    failure.outcome(Outcome::NotSent)
}

/// A server that fails while it answers may have applied the record before.
fn effect_of_refusal(response: &Response) -> Outcome {
    if response.status >= 500 { Outcome::Unknown } else { Outcome::Rejected }
}

/// Takes this interval's one place, or says when the next is free.
fn keep_interval(config: &Config) -> Result<(), Failure> {
    let interval_ms = u64::from(config.rate.min_interval_ms);
    if interval_ms == 0 {
        return Ok(());
    }
    match kv::add("rate/interval", "", Some(interval_ms)) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let message = format!("another record was sent less than {interval_ms} ms ago (rate.min_interval_ms)");
            Err(Failure::rate_limited(message).retry_after_ms(interval_ms))
        }
        // A full store is no reason to keep records back: it would stay full.
        Err(error @ KvError::Quota(_)) => {
            log::warn("rate.min_interval_ms cannot be kept", &[("error", &error.to_string())]);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn request_of(config: &Config, endpoint: Endpoint, data: &str, access: &str) -> Result<Request, Failure> {
    let values = Values::now(data, &config.client_id, access)?;
    let body = envelope::body(&config.envelope.template, &values)?;
    let mut request = Request::post(config.url(config.path(endpoint)))
        .header("content-type", "application/json; charset=utf-8")
        .header("accept", "application/json")
        .header(&config.token.header, format!("{}{access}", config.token.prefix))
        .timeout_ms(config.http.timeout_ms);
    for (name, template) in &config.envelope.headers {
        request = request.header(name, envelope::header(template, &values)?);
    }
    Ok(request.body(body))
}

fn is_token_refused(config: &Config, response: &Response) -> bool {
    let codes = &config.errors.token_expired_codes;
    let is_listed = || code_of(response).is_some_and(|code| codes.contains(&code));
    matches!(response.status, 401 | 403) || (!codes.is_empty() && is_listed())
}

fn code_of(response: &Response) -> Option<String> {
    token::code(&response.json::<Value>().ok()?)
}

/// Code and message of an acceptance.
fn read(config: &Config, response: &Response, record: &Record) -> Result<(String, String), Failure> {
    if is_token_refused(config, response) {
        let status = response.status;
        let message = format!("the upstream refuses a token that it has just issued (HTTP {status})");
        let code = code_of(response).unwrap_or_else(|| status.to_string());
        return Err(Failure::auth_failed(message).outcome(effect_of_refusal(response)).upstream_code(code));
    }
    if let Some(failure) = response.not_now() {
        return Err(failure);
    }
    let reply: Value = response.json()?;
    let no_code = || Failure::protocol(format!("the upstream's answer has no code (HTTP {})", response.status));
    let code = token::code(&reply).ok_or_else(no_code)?;
    let message = reply.get("msg").and_then(Value::as_str).unwrap_or_default();
    let message = redacted(message, config, record);
    if code != "0" {
        let failure =
            Failure::upstream_rejected(format!("the upstream refuses the record (code {code:.64}): {message}"));
        return Err(failure
            .outcome(effect_of_refusal(response))
            .upstream_code(code)
            .detail(&json!({ "upstream_message": message })));
    }
    if response.is_success() {
        Ok((code, message))
    } else {
        Err(Failure::new(Class::Protocol, format!("the upstream says success with HTTP {}", response.status)))
    }
}

/// An upstream's message without the record's own words, which it may quote.
fn redacted(message: &str, config: &Config, record: &Record) -> String {
    let mut words = Vec::new();
    for (name, value) in record.as_object().into_iter().flatten() {
        if *name != config.record.key_field {
            collect_words(value, &mut words);
        }
    }
    // Longer ones first: a part masked early would keep the whole from being found.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let message: String = message.chars().take(512).collect();
    words.iter().fold(message, |message, word| message.replace(word.as_str(), "***"))
}

fn collect_words(value: &Value, words: &mut Vec<String>) {
    match value {
        // One character says nothing of a person, and masking it would leave nothing to read.
        Value::String(text) if text.chars().nth(1).is_some() => words.push(text.clone()),
        Value::Number(number) if number.to_string().len() > 4 => words.push(number.to_string()),
        Value::Array(elements) => elements.iter().for_each(|element| collect_words(element, words)),
        Value::Object(members) => members.values().for_each(|member| collect_words(member, words)),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}
