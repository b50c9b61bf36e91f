//! The forms of a reply: as sim-v1 has them in strict mode, with the oddities of real systems in quirky mode.
//! Never decides what to answer.

use serde_json::{Value, json};

use super::super::profile::Reply;
use super::{Mode, Refusal, codes};

/// How replies are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) mode: Mode,
}

impl Style {
    /// `{"code":0,"message":"ok","data":…}`.
    pub(super) fn accept(self, data: Value) -> Reply {
        self.envelope(codes::OK.into(), "ok", data).code(codes::OK)
    }

    /// A refusal: HTTP 200; quirky, the status that the code begins with.
    pub(super) fn refuse(self, refusal: &Refusal) -> Reply {
        let reply = self.envelope(refusal.code.into(), &refusal.message, json!({})).code(refusal.code);
        match self.mode {
            Mode::Strict => reply,
            Mode::Quirky => {
                let status = u16::try_from(refusal.code / 100).unwrap_or(500);
                let reply = reply.status(status);
                if refusal.code == codes::TOO_FAST { reply.header("retry-after", "60") } else { reply }
            }
        }
    }

    /// Code, message and data in this style.
    pub(super) fn envelope(self, code: Value, message: &str, data: Value) -> Reply {
        match self.mode {
            Mode::Strict => Reply::json(&json!({"code": code, "message": message, "data": data})),
            Mode::Quirky => {
                let empty = data.as_object().is_some_and(serde_json::Map::is_empty);
                let data = if empty { Value::Null } else { stringly(data) };
                let reply = Reply::json(&json!({
                    "code": stringly(code),
                    "message": message,
                    "data": data,
                    "success": null,
                    "traceId": "0",
                }));
                Reply { content_type: "text/html;charset=UTF-8", ..reply }
            }
        }
    }
}

/// Every number as a string.
fn stringly(value: Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        Value::Array(values) => values.into_iter().map(stringly).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, stringly(value))).collect(),
        other => other,
    }
}
