//! Envelopes: an upstream that answers HTTP 200 with a code of its own in the body. Which members hold code and text,
//! which codes mean success and what the others mean is the connector's knowledge; judging is the same for all.

use serde_json::Value;

use crate::{Class, Failure, Outcome, http::Response, json};

/// How one upstream says what became of a request.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Where the code may be: JSON Pointers, the first that is there counts.
    pub code: &'a [&'a str],
    /// Where its text may be.
    pub message: &'a [&'a str],
    /// Codes that mean success; compared as text, so that 0 and "0" are the same.
    pub success: &'a [&'a str],
    /// What other codes mean; one that is not listed is `upstream-rejected`.
    pub classes: &'a [(&'a str, Class)],
}

impl Envelope<'_> {
    /// The JSON of an answer that says success, read leniently ([`json::parse`]).
    ///
    /// # Errors
    /// "Not now" statuses ([`Response::not_now`]), what is no JSON, and whatever [`Envelope::judge`] finds.
    pub fn open(&self, response: &Response) -> Result<Value, Failure> {
        if let Some(failure) = response.not_now() {
            return Err(failure);
        }
        let reply = response.json_lenient()?;
        self.judge(response.status, &reply)?;
        Ok(reply)
    }

    /// Is this an answer of success?
    ///
    /// # Errors
    /// The class of its code, with the upstream's text; `protocol` without a code, or when status and code contradict
    /// each other. A server that fails while it answers (5xx) may have acted: then the outcome is `unknown`.
    pub fn judge(&self, status: u16, reply: &Value) -> Result<(), Failure> {
        let Some(code) = self.code(reply) else {
            return Err(Failure::protocol(format!("the upstream's answer has no code (HTTP {status})")));
        };
        if self.success.contains(&code.as_str()) {
            return match status {
                200..300 => Ok(()),
                _ => Err(Failure::protocol(format!("the upstream says success with HTTP {status}"))),
            };
        }
        let class =
            self.classes.iter().find(|(known, _)| *known == code).map_or(Class::UpstreamRejected, |(_, class)| *class);
        let outcome = if status >= 500 { Outcome::Unknown } else { Outcome::Rejected };
        let message = self.message(reply);
        let message = if message.is_empty() { "it says no more" } else { &message };
        Err(Failure::new(class, format!("the upstream refuses (code {code:.64}): {message}"))
            .outcome(outcome)
            .upstream_code(code))
    }

    /// The answer's code, as text.
    pub fn code(&self, reply: &Value) -> Option<String> {
        json::first(reply, self.code).and_then(json::text)
    }

    /// The answer's text; empty when it has none. It may quote what was sent: the host masks what the manifest declares
    /// as personal.
    pub fn message(&self, reply: &Value) -> String {
        json::first(reply, self.message).and_then(json::text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENVELOPE: Envelope<'_> = Envelope {
        code: &["/retCode", "/result"],
        message: &["/retDesc", "/desc"],
        success: &["0", "000000"],
        classes: &[("300006", Class::SessionInvalid)],
    };

    fn judged(status: u16, reply: Value) -> (Class, Outcome, Option<String>) {
        let failure = ENVELOPE.judge(status, &reply).unwrap_err();
        (failure.class, failure.outcome, failure.upstream_code)
    }

    #[test]
    fn success_is_success_as_number_and_as_text() {
        for reply in [json!({ "retCode": "000000" }), json!({ "result": 0 }), json!({ "result": "0" })] {
            assert_eq!(ENVELOPE.judge(200, &reply), Ok(()));
        }
    }

    #[test]
    fn a_listed_code_has_its_class_and_any_other_is_a_refusal() {
        let code = |code: &str| Some(code.to_owned());
        assert_eq!(
            judged(200, json!({ "retCode": "300006" })),
            (Class::SessionInvalid, Outcome::Rejected, code("300006"))
        );
        assert_eq!(judged(200, json!({ "result": 9 })), (Class::UpstreamRejected, Outcome::Rejected, code("9")));
        assert_eq!(judged(500, json!({ "result": 9 })).1, Outcome::Unknown);
    }

    #[test]
    fn status_and_code_that_contradict_each_other_are_not_understood() {
        assert_eq!(judged(404, json!({ "result": 0 })).0, Class::Protocol);
        assert_eq!(judged(200, json!({ "data": 0 })).0, Class::Protocol);
    }
}
