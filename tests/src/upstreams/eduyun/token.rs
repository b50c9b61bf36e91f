//! `getAccessToken`, and the access token of the other operations. Never tells which part of the credentials is wrong.

use serde_json::{Map, Value, json};

use super::super::ledger::Ledger;
use super::super::profile::{Received, Reply};
use super::super::tokens::TokenError;
use super::builder::{TokenReply, ValidTime};
use super::operation::Operation;
use super::request::{self, Body};
use super::{Eduyun, Refusal, codes};

/// How far a client's clock may be off, in milliseconds.
const WINDOW_MS: u64 = 600_000;

impl Eduyun {
    pub(super) fn issue_token(&self, received: &Received, ledger: &Ledger) -> Result<Reply, Refusal> {
        let app_id = self.authenticate(received).inspect_err(|refusal| {
            ledger.count(|counters| {
                counters.credential_rejections += 1;
                counters.crypto_failures += u64::from(refusal.code == codes::FAILED);
            });
        })?;
        let token = self.tokens.issue(&app_id, self.settings.token_ttl, received.now_ms);
        ledger.count(|counters| counters.tokens_issued += 1);
        Ok(self.token_reply(&app_id, &token, received.now_ms))
    }

    fn authenticate(&self, received: &Received) -> Result<String, Refusal> {
        let body = Body::read(received, self.settings.mode)?;
        body.only(&["appId", "timeStamp", "keyInfo", "sysCode"])?;
        let (app_id, time_stamp) = (body.text("appId")?, body.text("timeStamp")?);
        let (key_info, sys_code) = (body.text("keyInfo")?, body.text("sysCode")?);
        let refused = || Refusal::new(codes::FAILED, "keyInfo校验失败");
        let client = self.settings.clients.get(&app_id).ok_or_else(refused)?;
        let signed = self.settings.key_infos.iter().any(|variant| {
            let near = |time_ms| received.now_ms.abs_diff(time_ms) <= WINDOW_MS;
            variant.time_ms(&time_stamp).is_some_and(near)
                && variant.of(&app_id, &client.app_key, &time_stamp) == key_info
        });
        if signed && client.sys_code == sys_code { Ok(app_id) } else { Err(refused()) }
    }

    fn token_reply(&self, app_id: &str, token: &str, now_ms: i64) -> Reply {
        let token_name = match self.settings.token_reply {
            TokenReply::TokenInfoToken => "token",
            _ => "accessToken",
        };
        let mut info = Map::new();
        info.insert(token_name.to_owned(), token.into());
        let ttl_s = i64::try_from(self.settings.token_ttl.as_secs()).unwrap_or(i64::MAX);
        let ends_ms = now_ms.saturating_add(ttl_s.saturating_mul(1000));
        let valid_time = match self.settings.valid_time {
            ValidTime::Milliseconds => Some(ends_ms),
            ValidTime::Seconds => Some(ends_ms / 1000),
            ValidTime::Relative => Some(ttl_s),
            ValidTime::Absent => None,
        };
        if let Some(number) = valid_time {
            let value = self.style().either(Value::from(number.to_string()), Value::from(number));
            info.insert("validTime".to_owned(), value);
        }
        for (name, value) in [("appId", app_id), ("appName", "demo"), ("platformCode", ""), ("account", "")] {
            info.insert(name.to_owned(), value.into());
        }
        let members = match self.settings.token_reply {
            TokenReply::Data => json!({"data": info}),
            TokenReply::TokenInfo | TokenReply::TokenInfoToken => json!({"tokenInfo": info}),
            TokenReply::TopLevel => Value::Object(info),
        };
        self.style().flat(Operation::Token, members)
    }

    /// The access token of a request, which must be in force; the client it was issued to.
    pub(super) fn client(&self, received: &Received, ledger: &Ledger) -> Result<String, Refusal> {
        self.check_token(received).inspect_err(|_| ledger.count(|counters| counters.token_rejections += 1))
    }

    fn check_token(&self, received: &Received) -> Result<String, Refusal> {
        let token =
            request::access_token(received, self.settings.mode)?.ok_or_else(|| Refusal::empty("accessToken"))?;
        self.tokens.check(&token, received.now_ms).map_err(|error| {
            let text = match error {
                TokenError::Unknown => "accessToken无效",
                TokenError::Expired => "accessToken已过期",
            };
            Refusal::new(&self.settings.token_error_code, text)
        })
    }
}
