//! A log-in that goes through somebody else's page and lands here: a `state` that is random, used once, and good for a
//! while goes out with the link (RFC 6749 §10.12); the browser comes back with it, and is sent on to the platform with a
//! one-time `code` for what was learnt. So no session, ticket or name ever stands in an address of the platform.
//!
//! The platform compares the `state` that comes back with the one it put into that browser's own session: only that
//! stops a log-in which somebody else began.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Failure, HookResponse, once,
    url::{Authority, with_query},
};

/// What states and codes are kept as.
const STATE: &str = "landing/state";
const CODE: &str = "landing/code";
/// How long a person may take on the other page.
const STATE_TTL_MS: u64 = 600_000;
/// How long the platform may take to redeem a code.
const CODE_TTL_MS: u64 = 60_000;

/// What a state stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Where the browser goes in the end: a page of the platform's.
    pub return_to: String,
}

/// What a platform redeems.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redeem {
    /// The `code` that the browser brought.
    #[schemars(length(min = 1, max = 128))]
    pub code: String,
}

/// Begins a log-in that ends at `return_to`, which must stand below one of the pages that the operator `allowed`; the
/// state to put into the link.
///
/// # Errors
/// `invalid-input` for a page that is not allowed; the store's.
pub fn begin(return_to: &str, allowed: &[String]) -> Result<String, Failure> {
    if !is_below(return_to, allowed) {
        let message = "return_to is none of the pages that the link allows (login.return_urls)";
        return Err(Failure::invalid_input(message).detail_fields([("/return_to", "is not allowed by the link")]));
    }
    once::put(STATE, &Begun { return_to: return_to.to_owned() }, STATE_TTL_MS)
}

/// What a state stands for, once; `None` when it is unknown, used or over its time, which look the same.
///
/// # Errors
/// The store's.
pub fn arrive(state: &str) -> Result<Option<Begun>, Failure> {
    once::take(STATE, state)
}

/// Sends the browser on to the platform with this state and a one-time code for `learnt`.
///
/// # Errors
/// The store's.
pub fn hand_over(begun: &Begun, state: &str, learnt: &impl Serialize) -> Result<HookResponse, Failure> {
    let code = once::put(CODE, learnt, CODE_TTL_MS)?;
    Ok(HookResponse::redirect(&with_query(&begun.return_to, [("code", code.as_str()), ("state", state)])))
}

/// Sends a browser that nobody here sent out on to this page, with a one-time code for `learnt` and without a state:
/// that there is none tells the platform so. Somebody else may have begun this log-in; the platform asks the person
/// before it lets such an arrival take the place of a session or binds it to an account.
///
/// # Errors
/// The store's.
pub fn hand_over_unasked(return_to: &str, learnt: &impl Serialize) -> Result<HookResponse, Failure> {
    let code = once::put(CODE, learnt, CODE_TTL_MS)?;
    Ok(HookResponse::redirect(&with_query(return_to, [("code", code.as_str())])))
}

/// The page for a browser that arrives with nothing good: the same whatever is wrong.
pub fn refusal() -> HookResponse {
    HookResponse::page(400, "登录未完成", "登录链接无效或已过期,请返回原系统重新登录。")
}

/// What a code stands for, once.
///
/// # Errors
/// `session-invalid` when it is unknown, used or over its time; the store's.
pub fn redeem<T: DeserializeOwned>(code: &str) -> Result<T, Failure> {
    let invalid =
        || Failure::session_invalid("the code is unknown, used or over its time; let the person log in again");
    once::take(CODE, code)?.ok_or_else(|| invalid().outcome(crate::Outcome::NotSent))
}

/// Is a page one of these, or below one of them? Compared by scheme, host and port as a whole and by whole path segments.
pub fn is_below(page: &str, allowed: &[String]) -> bool {
    if page.bytes().any(|byte| byte.is_ascii_control()) {
        return false;
    }
    let page = page.split(['?', '#']).next().unwrap_or_default();
    let has_dots =
        page.split('/').any(|segment| matches!(segment, "." | "..") || segment.to_ascii_lowercase().contains("%2e"));
    if Authority::of(page).is_err() || has_dots {
        return false;
    }
    allowed.iter().any(|base| {
        let base = base.trim_end_matches('/');
        page.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, testing::TestHost};

    fn allowed() -> Vec<String> {
        vec!["https://campus.example/login/".to_owned()]
    }

    #[test]
    fn a_state_and_a_code_are_good_once() {
        let _host = TestHost::new();
        let state = begin("https://campus.example/login/done?x=1", &allowed()).unwrap();
        let begun = arrive(&state).unwrap().unwrap();
        assert_eq!(arrive(&state).unwrap(), None);
        let response = hand_over(&begun, &state, &"learnt").unwrap();
        let (_, to) = response.headers.iter().find(|(name, _)| name == "location").unwrap();
        let code = to.strip_prefix("https://campus.example/login/done?x=1&code=").unwrap().split('&').next().unwrap();
        assert_eq!(redeem::<String>(code).unwrap(), "learnt");
        assert_eq!(redeem::<String>(code).unwrap_err().class, Class::SessionInvalid);
    }

    #[test]
    fn an_arrival_that_nobody_began_has_a_code_and_no_state() {
        let _host = TestHost::new();
        let response = hand_over_unasked("https://campus.example/arrive", &"learnt").unwrap();
        let (_, to) = response.headers.iter().find(|(name, _)| name == "location").unwrap();
        let code = to.strip_prefix("https://campus.example/arrive?code=").unwrap();
        assert_eq!(redeem::<String>(code).unwrap(), "learnt");
    }

    #[test]
    fn a_state_ends_by_its_time() {
        let host = TestHost::new();
        let state = begin("https://campus.example/login", &allowed()).unwrap();
        host.advance_ms(STATE_TTL_MS);
        assert_eq!(arrive(&state).unwrap(), None);
    }

    #[test]
    fn a_browser_is_sent_to_pages_of_the_platform_only() {
        let _host = TestHost::new();
        for bad in [
            "https://campus.example.evil/login/",
            "https://campus.example/loginx",
            "https://campus.example/login/../admin",
            "https://campus.example/login/%2E%2e/admin",
            "https://u@campus.example/login/",
            "//campus.example/login/",
            "https://campus.example/login/\r\nx: y",
            "https://campus.example/login/?x=\r\nSet-Cookie: a=b",
            "javascript:alert(1)",
        ] {
            assert_eq!(begin(bad, &allowed()).unwrap_err().class, Class::InvalidInput, "{bad}");
        }
    }
}
