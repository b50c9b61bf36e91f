//! The session exchange: while the platform's request is still open, the 体系 asks the platform who the user of
//! `localSession` is, and opens a session for a person it has verified. Whatever goes wrong at the hook gives one code:
//! the platform is never told more. Bounds: 1000 exchanges are remembered.

use std::collections::VecDeque;

use http::Method;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::caller::{Called, call};
use super::super::hook::HookError;
use super::super::ledger::key_hash;
use super::super::profile::{Mode, Received, Reply};
use super::operation::Operation;
use super::people::{Person, SessionForm};
use super::request::Body;
use super::{Eduyun, Refusal, codes, later};

const EXCHANGES_MAX: usize = 1000;

/// One exchange as the 体系 saw it; holds nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// HTTP status of the hook's answer; none when there was no answer.
    pub hook_status: Option<u16>,
    /// Result code of the exchange.
    pub code: String,
    /// Result text of the exchange, or why the hook's answer did not do.
    pub reason: String,
    /// Who got the session.
    pub user_id: Option<String>,
}

/// The exchanges, oldest first.
pub(super) type Exchanges = VecDeque<Exchange>;

/// Whom the platform says the user is.
struct Claim {
    name: String,
    id_card_no: String,
    identity: String,
}

impl Eduyun {
    pub(super) async fn exchange(&self, body: &Body, received: &Received) -> Result<Reply, Refusal> {
        body.only(&["localSession"])?;
        let local_session = body.text("localSession")?;
        tokio::time::sleep(self.settings.exchange_delay).await;
        let answered = self.check_session(&local_session).await;
        let hook_status = answered.as_ref().ok().map(|called| called.status);
        let found = match &answered {
            Ok(called) => read_answer(called, self.settings.mode).and_then(|claim| self.find(&claim)),
            Err(error) => Err(hook_failed(match error {
                HookError::NotSet => "未登记校验地址",
                _ => "校验地址无应答",
            })),
        };
        let (code, reason, user_id) = match &found {
            Ok(person) => (codes::OK.to_owned(), "success".to_owned(), Some(person.user_id.clone())),
            Err(refusal) => (refusal.code.clone(), refusal.message.clone(), None),
        };
        self.remember(Exchange { hook_status, code, reason, user_id });
        let person = found.map_err(|refusal| match refusal.code.as_str() {
            codes::UNVERIFIED => refusal,
            _ => Refusal::new(codes::FAILED, "localSession校验失败"),
        })?;
        let session_id = self.open(&person, SessionForm::Digits, received.now_ms);
        let ticket = self.tickets.issue(&session_id, received.now_ms, later(received.now_ms, self.settings.ticket_ttl));
        let name = self.style().either("usessionId", "usessionid");
        let reply = self.style().data(Operation::Exchange, json!({name: session_id, "ticket": ticket}));
        Ok(Reply { key_hash: Some(key_hash(&person.user_id)), ..reply })
    }

    /// Asks the platform's hook who the user of this `localSession` is; the raw answer.
    ///
    /// # Errors
    /// [`HookError`]: no URL is set, or no complete answer came in time.
    pub async fn check_session(&self, local_session: &str) -> Result<Called, HookError> {
        let url = self.hook.url()?;
        let body = json!({"localSession": local_session}).to_string();
        let headers = [("content-type", "application/json; charset=utf-8"), ("accept", "application/json")];
        Ok(call(Method::POST, &url, &headers, body, self.settings.hook_deadline).await?)
    }

    fn find(&self, claim: &Claim) -> Result<Person, Refusal> {
        self.people.verified(&claim.id_card_no, &claim.name, &claim.identity)
    }

    fn remember(&self, exchange: Exchange) {
        let mut exchanges = self.exchanges.lock();
        if exchanges.len() >= EXCHANGES_MAX {
            exchanges.pop_front();
        }
        exchanges.push_back(exchange);
    }
}

/// Reads the hook's answer, which must be exactly as documented in both modes: it is what we answer, not what they send.
fn read_answer(called: &Called, mode: Mode) -> Result<Claim, Refusal> {
    if called.status != 200 {
        return Err(hook_failed("HTTP 状态不是 200"));
    }
    let content_type = called.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if mode == Mode::Strict && !content_type.to_ascii_lowercase().starts_with("application/json") {
        return Err(hook_failed("应答 Content-Type 应为 application/json"));
    }
    let answer: Map<String, Value> =
        serde_json::from_slice(&called.body).map_err(|_| hook_failed("应答不是 JSON 对象"))?;
    let text = |of: &Map<String, Value>, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    if text(&answer, "retCode").as_deref() != Some(codes::OK) {
        return Err(hook_failed("应答 retCode 不是 000000"));
    }
    if mode == Mode::Strict && text(&answer, "retDesc").is_none() {
        return Err(hook_failed("应答缺少 retDesc"));
    }
    let user = answer.get("userInfo").and_then(Value::as_object).ok_or_else(|| hook_failed("应答缺少 userInfo"))?;
    let member = |name: &str| {
        text(user, name).filter(|text| !text.is_empty()).ok_or_else(|| hook_failed(&format!("userInfo.{name} 错误")))
    };
    let (name, id_card_no, identity) = (member("name")?, member("idCardNo")?, member("userIdentity")?);
    if !matches!(identity.as_str(), "0" | "1" | "2" | "3" | "4" | "5") {
        return Err(hook_failed("userInfo.userIdentity 错误"));
    }
    Ok(Claim { name, id_card_no, identity })
}

fn hook_failed(reason: &str) -> Refusal {
    Refusal::new(codes::FAILED, reason)
}
