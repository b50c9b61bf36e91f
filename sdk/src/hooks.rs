//! Registration and look-up of hooks, and what makes requests and answers of hooks pleasant. In a call only the wanted
//! name is compared, as with operations.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Connector, Failure, HookRequest, HookResponse, Link, encode,
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

    /// The body as JSON.
    ///
    /// # Errors
    /// `invalid-input` without any of the body's content, when it does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body)
            .map_err(|_| Failure::invalid_input("the hook's body is not the JSON expected"))
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

    /// A 302 to this URL.
    pub fn redirect(url: &str) -> Self {
        Self { status: 302, headers: vec![("location".to_owned(), url.to_owned())], body: Vec::new() }
    }

    fn of(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self { status, headers: vec![("content-type".to_owned(), content_type.to_owned())], body }
    }
}
