//! Answers in the SSO's own shape, JSON or XML, under the content type that it demands of both.

use duijie_sdk::{Failure, HookResponse, xml::Element};
use serde::Serialize;

use crate::config::{Config, Datatype};

/// What the SSO is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Done, now or before.
    Done,
    /// Not this person, not so, and not later either: with the reason.
    Refused(String),
    /// Who asks is not believed, whatever the cause.
    NotAccepted,
    /// Not now.
    Later,
}

#[derive(Serialize)]
struct Body<'a> {
    result: &'a str,
    errmsg: &'a str,
}

/// The answer as a response.
pub(super) fn response(config: &Config, datatype: Datatype, answer: &Answer) -> Result<HookResponse, Failure> {
    let (status, result, errmsg) = match answer {
        Answer::Done => (200, "0", "成功"),
        Answer::Refused(reason) => (200, "1", reason.as_str()),
        Answer::NotAccepted => (200, "1", "验证失败"),
        Answer::Later => (503, "1", "暂时无法处理,请稍后重试"),
    };
    let unwritable = || Failure::internal("the hook's answer cannot be written");
    let body = match datatype {
        Datatype::Json => serde_json::to_string(&Body { result, errmsg }).map_err(|_| unwritable())?,
        Datatype::Xml => {
            let root = Element::new("SSO").with(Element::text("result", result)).with(Element::text("errmsg", errmsg));
            root.to_xml().map_err(|_| unwritable())?
        }
    };
    Ok(HookResponse::new(status, &config.hook.content_type, body))
}
