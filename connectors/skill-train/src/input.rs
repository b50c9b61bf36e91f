//! Checks of inputs that a schema cannot make, before anything is sent. No message holds a value.

use duijie_sdk::{identity, input::Violations};

use crate::config::Config;

/// An identity number, if the link checks them.
pub fn check_card_no(wrong: &mut Violations, config: &Config, pointer: &str, text: &str) {
    let holds = !config.validate.card_no || identity::id_number(text).is_some();
    wrong.unless(holds, pointer, "must be an identity number of 18 characters with its check digit (validate.card_no)");
}

/// An address that the upstream will fetch: http or https, blanks around it apart.
pub fn check_url(wrong: &mut Violations, pointer: &str, text: &str) {
    let text = text.trim();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let has_host = rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '['));
    let is_one_word = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    wrong.unless(has_host && is_one_word, pointer, "must be an http:// or https:// address");
}

/// An identity number as sent: a check character in upper case.
pub fn card_no(text: &str) -> String {
    identity::id_number(text).unwrap_or_else(|| text.to_owned())
}
