//! Registration and look-up of hooks, and what makes requests and answers of hooks pleasant. In a call only the wanted
//! name is compared, as with operations.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Connector, Failure, HookRequest, HookResponse, Link, encode, json,
    manifest::{self, Summary},
};

/// Answers one inbound request.
pub(crate) type Answer<C> =
    Box<dyn FnOnce(&Link<<C as Connector>::Config>, HookRequest) -> Result<HookResponse, Failure>>;

/// Where a connector registers its hooks.
pub struct Hooks<C: Connector> {
    mode: Mode<C>,
}

enum Mode<C: Connector> {
    Describe(Vec<manifest::Hook>),
    Find { name: String, found: Option<Answer<C>> },
}

impl<C: Connector> Hooks<C> {
    pub(crate) fn describing() -> Self {
        Self { mode: Mode::Describe(Vec::new()) }
    }

    pub(crate) fn finding(name: String) -> Self {
        Self { mode: Mode::Find { name, found: None } }
    }

    pub(crate) fn described(self) -> Vec<manifest::Hook> {
        match self.mode {
            Mode::Describe(hooks) => hooks,
            Mode::Find { .. } => Vec::new(),
        }
    }

    pub(crate) fn found(self) -> Option<Answer<C>> {
        match self.mode {
            Mode::Describe(_) => None,
            Mode::Find { found, .. } => found,
        }
    }

    /// Adds a hook: a name as [`Connector::NAME`], and a method of `GET`, `POST`, `PUT`, `DELETE` or `ANY`. Until the
    /// builder says otherwise the upstream's servers call it.
    pub fn add<F>(&mut self, name: &'static str, method: &'static str, answer: F) -> HookEntry<'_>
    where
        F: Fn(&Link<C::Config>, HookRequest) -> Result<HookResponse, Failure> + 'static,
    {
        match &mut self.mode {
            Mode::Describe(hooks) => {
                hooks.push(manifest::Hook { name, method, summary: Summary::default(), caller: "upstream" });
                HookEntry(hooks.last_mut())
            }
            Mode::Find { name: wanted, found } => {
                if found.is_none() && wanted == name {
                    *found = Some(Box::new(answer));
                }
                HookEntry(None)
            }
        }
    }
}

/// The hook just added: says the rest about it.
pub struct HookEntry<'a>(Option<&'a mut manifest::Hook>);

impl HookEntry<'_> {
    /// One or two sentences in English and in Chinese, at most 1024 characters each.
    pub fn summary(mut self, en: &str, zh: &str) -> Self {
        if let Some(hook) = &mut self.0 {
            hook.summary = Summary { en: en.to_owned(), zh: zh.to_owned() };
        }
        self
    }

    /// A person's browser lands here, instead of the upstream's servers calling.
    pub fn from_browser(mut self) -> Self {
        if let Some(hook) = &mut self.0 {
            hook.caller = "browser";
        }
        self
    }
}

impl HookRequest {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first query parameter of this name, decoded.
    pub fn query_value(&self, name: &str) -> Option<String> {
        encode::form_pairs(&self.query).find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The parameters of a GET's query or of a form body, decoded, in the order received; those of the body after
    /// those of the query.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let body = String::from_utf8_lossy(&self.body);
        let media_type = self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let is_form = media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        let form = encode::form_pairs(if is_form { &body } else { "" });
        encode::form_pairs(&self.query).chain(form).collect()
    }

    /// The body as JSON, read leniently ([`json::parse`]).
    ///
    /// # Errors
    /// `invalid-input` without any of the body's content, when it does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json::parse(&self.body).map_err(|_| Failure::invalid_input("the hook's body is not the JSON expected"))
    }
}

impl HookResponse {
    /// An answer of this status (200 to 599) with plain text.
    pub fn text(status: u16, body: &str) -> Self {
        Self::of(status, "text/plain; charset=utf-8", body.as_bytes().to_vec())
    }

    /// An answer of this status (200 to 599) with JSON.
    ///
    /// # Errors
    /// `internal` when the value cannot be written as JSON.
    pub fn json(status: u16, body: &impl Serialize) -> Result<Self, Failure> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Failure::internal(format!("the hook's answer is not JSON: {error}")))?;
        Ok(Self::of(status, "application/json; charset=utf-8", body))
    }

    /// A small page for a person: a heading and a sentence, both as text.
    pub fn page(status: u16, heading: &str, sentence: &str) -> Self {
        let (heading, sentence) = (escaped(heading), escaped(sentence));
        let html = format!(
            "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
            <meta name=\"viewport\" content=\"width=device-width\"><title>{heading}</title></head>\
            <body><h1>{heading}</h1><p>{sentence}</p></body></html>\n"
        );
        Self::of(status, "text/html; charset=utf-8", html.into_bytes())
            // Nothing of the page loads anything, and no frame of another site holds it.
            .header("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
    }

    /// An answer of this status and content type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::of(status, content_type, body.into())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A 302 to this URL.
    pub fn redirect(url: &str) -> Self {
        Self { status: 302, headers: vec![("location".to_owned(), url.to_owned())], body: Vec::new() }
            // What is in this address is for one browser, once.
            .header("referrer-policy", "no-referrer")
    }

    fn of(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self { status, headers: vec![("content-type".to_owned(), content_type.to_owned())], body }
    }
}

/// Text as the text of an HTML element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
