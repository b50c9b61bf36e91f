//! The forms of a reply: as documented in strict mode, with the document's own oddities in quirky mode.
//! Never decides what to answer.

use http::Method;
use serde_json::{Map, Value, json};

use super::super::profile::Reply;
use super::{Mode, Refusal, codes};

/// How replies are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) mode: Mode,
}

impl Style {
    /// `{"returnCode":"0","returnMsg":"success","returnData":…}`; without `returnData` when there is none.
    pub(super) fn accept(self, data: Option<Value>) -> Reply {
        self.envelope(codes::SUCCESS, "success", data)
    }

    /// A refusal: HTTP 200 as the document has it; quirky, a status that fits, with the same body.
    pub(super) fn refuse(self, refusal: &Refusal) -> Reply {
        let status = match (refusal.code, self.mode) {
            (codes::METHOD, _) => 405,
            (_, Mode::Strict) => 200,
            (codes::CREDENTIALS | codes::TOKEN | codes::TOKEN_EXPIRED, Mode::Quirky) => 401,
            // Not on line is an answer of the document, not an error.
            (codes::OFFLINE, Mode::Quirky) => 200,
            // As a path that is not there, but for the body.
            (codes::BIZ_CODE, Mode::Quirky) => 404,
            (_, Mode::Quirky) => 400,
        };
        self.envelope(refusal.code, &refusal.message, None).status(status)
    }

    /// Code and message in this style.
    pub(super) fn envelope(self, code: &str, message: &str, data: Option<Value>) -> Reply {
        let mut body = Map::new();
        body.insert("returnCode".to_owned(), self.number(code));
        body.insert("returnMsg".to_owned(), message.into());
        match (data, self.mode) {
            (Some(data), Mode::Strict) => drop(body.insert("returnData".to_owned(), data)),
            (Some(data), Mode::Quirky) => drop(body.insert("returnData".to_owned(), swap(data))),
            (None, Mode::Strict) => {}
            (None, Mode::Quirky) => drop(body.insert("returnData".to_owned(), Value::Null)),
        }
        let reply = Reply::json(&Value::Object(body)).code(code);
        match self.mode {
            Mode::Strict => reply,
            Mode::Quirky => Reply { content_type: "text/html;charset=UTF-8", ..reply },
        }
    }

    fn number(self, code: &str) -> Value {
        match self.mode {
            Mode::Strict => code.into(),
            Mode::Quirky => swap(code.into()),
        }
    }
}

/// A list whose last row is followed by a comma, as the document's example of 2.5 has one too many.
pub(super) fn with_trailing_comma(reply: Reply) -> Reply {
    let text = String::from_utf8_lossy(&reply.body).replacen("}]", "},]", 1);
    Reply { body: text.into(), ..reply }
}

/// The refusal of a method that is not POST.
pub(super) fn only_post(method: &Method) -> Result<(), Refusal> {
    if method == Method::POST { Ok(()) } else { Err(Refusal::new(codes::METHOD, "只支持 POST")) }
}

/// Strings of digits become numbers, and numbers strings.
fn swap(value: Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        // Leading zeroes would be lost: such a string stays one, which is a trap of its own.
        Value::String(text) if text == "0" || (text.len() < 10 && !text.starts_with('0')) => {
            text.parse::<u32>().map_or_else(|_| json!(text), Value::from)
        }
        Value::Array(values) => values.into_iter().map(swap).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, swap(value))).collect(),
        other => other,
    }
}
