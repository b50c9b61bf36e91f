//! The forms of a reply: as documented in strict mode, with the oddities of real systems in quirky mode.
//! Never decides what to answer.

use serde_json::{Value, json};

use super::super::profile::Reply;
use super::{Mode, Refusal, codes};

/// How replies are written.
pub(super) struct Style {
    pub(super) mode: Mode,
    pub(super) wrapped_tokens: bool,
}

impl Style {
    /// `{"code":0,"msg":"成功"}`.
    pub(super) fn accept(&self) -> Reply {
        self.envelope(0.into(), "成功").code(0)
    }

    /// `{"code":…,"msg":…}` with status 200.
    pub(super) fn refuse(&self, refusal: &Refusal) -> Reply {
        self.envelope(refusal.code.into(), &refusal.message).code(refusal.code)
    }

    /// Code and message in this style.
    pub(super) fn envelope(&self, code: Value, message: &str) -> Reply {
        self.with_members(code, message, Value::Null)
    }

    /// A token, or an OAuth error, in this style.
    pub(super) fn token(&self, token: Result<(&str, Option<u64>), &Refusal>) -> Reply {
        match token {
            Ok((token, expires_in)) => {
                let mut data = json!({"access_token": token, "token_type": "Bearer"});
                if let (Some(seconds), Some(members)) = (expires_in, data.as_object_mut()) {
                    let seconds = if self.mode == Mode::Quirky { json!(seconds.to_string()) } else { json!(seconds) };
                    members.insert("expires_in".to_owned(), seconds);
                }
                let reply =
                    if self.wrapped_tokens { self.with_members(0.into(), "成功", data) } else { self.json(&data) };
                // RFC 6749 §5.1: a token must not be cached.
                reply.header("cache-control", "no-store").code(0)
            }
            Err(refusal) if self.wrapped_tokens => self.refuse(refusal),
            Err(refusal) => {
                let (status, error) = match refusal.code {
                    codes::OAUTH_CLIENT => (401, "invalid_client"),
                    codes::OAUTH_GRANT => (400, "unsupported_grant_type"),
                    _ => (400, "invalid_request"),
                };
                let body = json!({"error": error, "error_description": refusal.message, "code": refusal.code});
                self.json(&body).status(status).header("cache-control", "no-store").code(refusal.code)
            }
        }
    }

    fn with_members(&self, code: Value, message: &str, data: Value) -> Reply {
        if self.mode == Mode::Strict {
            let body = if data.is_null() {
                json!({"code": code, "msg": message})
            } else {
                json!({"code": code, "msg": message, "data": data})
            };
            return self.json(&body);
        }
        let code = code.as_u64().map_or(code, |number| number.to_string().into());
        let success = code == "0";
        self.json(
            &json!({"code": code, "msg": message, "data": data, "success": success, "traceId": "0", "total": null}),
        )
    }

    fn json(&self, body: &Value) -> Reply {
        let reply = Reply::json(body);
        match self.mode {
            Mode::Strict => reply,
            Mode::Quirky => Reply { content_type: "text/html;charset=UTF-8", ..reply },
        }
    }
}
