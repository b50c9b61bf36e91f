//! The three envelopes of the 体系, as documented in strict mode, with the oddities of its documents and of its older
//! installations in quirky mode. Never decides what to answer.

use serde_json::{Map, Value, json};

use super::super::profile::{Mode, Reply};
use super::operation::{Family, Operation};
use super::{Refusal, codes};

/// How replies are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) mode: Mode,
}

impl Style {
    /// `{"retCode":"000000","retDesc":"success","data":{…}}`.
    pub(super) fn data(self, operation: Operation, data: Value) -> Reply {
        self.flat(operation, json!({"data": data}))
    }

    /// Code and text with these members beside them.
    pub(super) fn flat(self, operation: Operation, members: Value) -> Reply {
        self.write(operation, codes::OK, "success", members).code(codes::OK)
    }

    /// A refusal in the operation's own envelope.
    pub(super) fn refuse(self, operation: Operation, refusal: &Refusal) -> Reply {
        let members = match &refusal.cert_url {
            Some(url) => json!({"data": {"certUrl": url}}),
            None => Value::Null,
        };
        let reply = self.write(operation, &refusal.code, &refusal.message, members);
        reply.status(refusal.status).code(&refusal.code)
    }

    /// The first in strict mode, the second in quirky mode.
    pub(super) fn either<T>(self, strict: T, quirky: T) -> T {
        match self.mode {
            Mode::Strict => strict,
            Mode::Quirky => quirky,
        }
    }

    /// A number as documented, or as text.
    pub(super) fn number(self, number: usize) -> Value {
        self.either(json!(number), json!(number.to_string()))
    }

    fn write(self, operation: Operation, code: &str, text: &str, members: Value) -> Reply {
        let (code_name, text_name) = match operation.family() {
            Family::Gateway => ("retCode", "retDesc"),
            Family::Aamif => ("result", "desc"),
        };
        let mut body = Map::new();
        body.insert(code_name.to_owned(), code.into());
        body.insert(text_name.to_owned(), text.into());
        if let Value::Object(members) = members {
            body.extend(members);
        }
        let body = Value::Object(body);
        if self.mode == Mode::Strict {
            return Reply::json(&body);
        }
        let mut text = format!("\u{feff}{body}");
        if operation.has_trailing_comma() {
            text.insert(text.len() - 1, ',');
        }
        Reply::new("text/html;charset=UTF-8", text)
    }
}
