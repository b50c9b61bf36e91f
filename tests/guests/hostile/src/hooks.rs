//! Hooks that answer what they saw, whatever they are told, or nothing; and operations that ask the platform and look at
//! credentials.

use duijie_sdk::{Failure, HookRequest, HookResponse, Hooks, Link, Operations, credential, forward};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Config, Hostile};

pub(crate) fn register(ops: &mut Operations<Hostile>) {
    ops.add("platform.ask", ask).summary("Asks the platform.", "询问平台。").write();
    ops.add("credential.get", validity).summary("When a credential is valid.", "凭证有效期。").read().repeat_safe();
    ops.add("credential.renewed", renewed).summary("Confirms a renewal.", "确认续期。").write().repeat_safe();
}

pub(crate) fn register_hooks(hooks: &mut Hooks<Hostile>) {
    hooks.add("seen", "ANY", seen).summary("Answers what it saw.", "返回所见。");
    hooks.add("answer", "POST", answer).summary("Answers as it is told.", "按要求应答。");
    hooks.add("page", "GET", page).summary("A page for a browser.", "浏览器页面。").from_browser();
    hooks.add("trap", "POST", trap).summary("Traps.", "陷阱。");
    hooks.add("loop", "POST", looping).summary("Never ends.", "死循环。");
    hooks.add("fail", "POST", fail).summary("Fails with the class it is told.", "按要求失败。");
    hooks.add("ask", "POST", ask_within).summary("Asks the platform and answers what it says.", "询问平台并应答。");
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Event {
    event: String,
    key: Option<String>,
    #[serde(default)]
    data: Value,
    /// Bytes of text as data instead.
    #[serde(default)]
    size: usize,
}

fn asked(event: &Event) -> Value {
    let data = if event.size > 0 { Value::from("x".repeat(event.size)) } else { event.data.clone() };
    match forward::ask::<Value>(&event.event, event.key.as_deref(), &data) {
        Ok(answer) => json!({ "answer": answer }),
        Err(error) => json!({ "error": format!("{error:?}") }),
    }
}

fn ask(_: &Link<Config>, event: Event) -> Result<Value, Failure> {
    Ok(asked(&event))
}

fn ask_within(_: &Link<Config>, request: HookRequest) -> Result<HookResponse, Failure> {
    HookResponse::json(200, &asked(&request.json()?))
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Slot {
    slot: String,
    #[serde(default)]
    issued_at_ms: u64,
}

fn validity(_: &Link<Config>, input: Slot) -> Result<Value, Failure> {
    Ok(json!(credential::validity(&input.slot).map(|known| [known.issued_at_ms, known.expires_at_ms])))
}

fn renewed(_: &Link<Config>, input: Slot) -> Result<Value, Failure> {
    Ok(match credential::renewed(&input.slot, input.issued_at_ms) {
        Ok(known) => json!({ "valid": [known.issued_at_ms, known.expires_at_ms] }),
        Err(error) => json!({ "error": format!("{error:?}") }),
    })
}

fn seen(link: &Link<Config>, request: HookRequest) -> Result<HookResponse, Failure> {
    HookResponse::json(
        200,
        &json!({
            "link": link.id(),
            "hook": request.hook,
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": request.headers,
            "body": String::from_utf8_lossy(&request.body),
            "bytes": request.body.len(),
            "remote": request.remote,
        }),
    )
}

#[derive(Deserialize)]
struct Told {
    status: u16,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    /// Bytes of body instead.
    #[serde(default)]
    size: usize,
}

fn answer(_: &Link<Config>, request: HookRequest) -> Result<HookResponse, Failure> {
    let Told { status, headers, body, size } = request.json()?;
    let body = if size > 0 { vec![b'x'; size] } else { body.into_bytes() };
    Ok(HookResponse { status, headers, body })
}

fn page(_: &Link<Config>, request: HookRequest) -> Result<HookResponse, Failure> {
    match request.query_value("to") {
        Some(to) => Ok(HookResponse::redirect(&to)),
        None if request.query.is_empty() => Ok(HookResponse::page(200, "<好>", "a & b")),
        None => Err(Failure::session_invalid("the cause is nobody's business")),
    }
}

fn trap(_: &Link<Config>, _: HookRequest) -> Result<HookResponse, Failure> {
    // On wasm an abort is a trap.
    std::process::abort()
}

fn looping(_: &Link<Config>, _: HookRequest) -> Result<HookResponse, Failure> {
    loop {
        std::hint::black_box(0);
    }
}

fn fail(_: &Link<Config>, request: HookRequest) -> Result<HookResponse, Failure> {
    match String::from_utf8_lossy(&request.body).as_ref() {
        "config" => Err(Failure::config("the cause is nobody's business")),
        "invalid-input" => Err(Failure::invalid_input("the cause is nobody's business")),
        "session-invalid" => Err(Failure::session_invalid("the cause is nobody's business")),
        "rate-limited" => Err(Failure::rate_limited("the cause is nobody's business").retry_after_ms(7_000)),
        _ => Err(Failure::upstream_rejected("the cause is nobody's business").upstream_code("4711")),
    }
}
