//! Reads a call, whichever way it came: method, parameters, and in what form the answer is wanted. Strict mode refuses
//! names that are not in lower case and parameters that are not where they belong. Never checks who is calling.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;

use super::super::profile::{Mode, Received};
use super::{Refusal, codes, soap};

/// How data is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Datatype {
    /// JSON.
    #[default]
    Json,
    /// XML.
    Xml,
}

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: String,
    parameters: BTreeMap<String, String>,
}

impl Call {
    /// From a servlet's query or form.
    pub(super) fn of_http(received: &Received, mode: Mode) -> Result<Self, Refusal> {
        let strict = mode == Mode::Strict;
        let post = received.method == Method::POST;
        if !post && received.method != Method::GET {
            return Err(Refusal::new(codes::HTTP, "只支持 GET 和 POST"));
        }
        if strict && post {
            if received.media_type() != "application/x-www-form-urlencoded" {
                return Err(Refusal::new(codes::HTTP, "Content-Type 应为 application/x-www-form-urlencoded"));
            }
            if !received.query.is_empty() {
                return Err(Refusal::new(codes::MALFORMED, "POST 的参数应在请求体中"));
            }
        }
        let mut parameters = BTreeMap::new();
        let pairs = url::form_urlencoded::parse(received.query.as_bytes());
        for (name, value) in pairs.chain(url::form_urlencoded::parse(&received.body)) {
            put(&mut parameters, &name, value.into_owned(), strict)?;
        }
        let method = parameters.remove("method").filter(|method| !method.is_empty());
        Ok(Self { method: method.ok_or_else(|| Refusal::missing("method"))?, parameters })
    }

    /// From the body of a SOAP envelope: the method's element, a child for each parameter.
    pub(super) fn of_soap(envelope: soap::Asked, mode: Mode) -> Result<Self, Refusal> {
        let mut parameters = BTreeMap::new();
        for (name, value) in envelope.parameters {
            put(&mut parameters, &name, value, mode == Mode::Strict)?;
        }
        Ok(Self { method: envelope.method, parameters })
    }

    /// A parameter that must be there and not be empty.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.optional(name).ok_or_else(|| Refusal::missing(name))
    }

    /// A parameter that is there and not empty.
    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// In what form the answer is wanted.
    pub(super) fn datatype(&self, mode: Mode) -> Result<Datatype, Refusal> {
        match self.optional("datatype") {
            Some("json") => Ok(Datatype::Json),
            Some("xml") => Ok(Datatype::Xml),
            None if mode == Mode::Quirky => Ok(Datatype::Json),
            None => Err(Refusal::missing("datatype")),
            Some(other) if mode == Mode::Quirky && other.eq_ignore_ascii_case("xml") => Ok(Datatype::Xml),
            Some(_) if mode == Mode::Quirky => Ok(Datatype::Json),
            Some(_) => Err(Refusal::new(codes::DATATYPE, "参数 datatype 应为 json 或 xml")),
        }
    }
}

fn put(parameters: &mut BTreeMap<String, String>, name: &str, value: String, strict: bool) -> Result<(), Refusal> {
    if strict && name.chars().any(|character| character.is_ascii_uppercase()) {
        // The name is the caller's text, and could be anything: it is not repeated.
        return Err(Refusal::new(codes::MALFORMED, "参数名应全部小写"));
    }
    let repeated = parameters.insert(name.to_ascii_lowercase(), value).is_some();
    if strict && repeated {
        return Err(Refusal::new(codes::MALFORMED, "参数重复"));
    }
    Ok(())
}
