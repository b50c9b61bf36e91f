//! Checks of inputs that a schema cannot make. Every violation is reported with a JSON Pointer into the input, before
//! anything is sent; no message holds a value.

use duijie_sdk::{Failure, identity};

use crate::config::Config;

/// Everything wrong with an input.
pub struct Violations<'a> {
    config: &'a Config,
    found: Vec<(String, String)>,
}

impl<'a> Violations<'a> {
    /// None as yet, by the rules of this link.
    pub fn new(config: &'a Config) -> Self {
        Self { config, found: Vec::new() }
    }

    /// Adds one.
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.found.push((pointer.into(), message.into()));
    }

    /// An identity number, if the link checks them.
    pub fn card_no(&mut self, pointer: impl Into<String>, text: &str) {
        if self.config.validate.card_no && identity::id_number(text).is_none() {
            self.add(pointer, "must be an identity number of 18 characters with its check digit (validate.card_no)");
        }
    }

    /// An address that the upstream will fetch: http or https.
    pub fn url(&mut self, pointer: impl Into<String>, text: &str) {
        let text = text.trim();
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let has_host = rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '['));
        if !has_host || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            self.add(pointer, "must be an http:// or https:// address");
        }
    }

    /// The same where there may be none.
    pub fn url_option(&mut self, pointer: impl Into<String>, text: Option<&str>) {
        if let Some(text) = text {
            self.url(pointer, text);
        }
    }

    /// Is anything wrong?
    ///
    /// # Errors
    /// `invalid-input` with all of it.
    pub fn none(self) -> Result<(), Failure> {
        if self.found.is_empty() {
            return Ok(());
        }
        let count = self.found.len();
        Err(Failure::invalid_input(format!("the input does not fit: {count} violation(s), see detail"))
            .detail_fields(self.found))
    }
}

/// An identity number as sent: a check character in upper case.
pub fn card_no(text: &str) -> String {
    identity::id_number(text).unwrap_or_else(|| text.to_owned())
}
