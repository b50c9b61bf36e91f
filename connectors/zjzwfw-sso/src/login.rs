//! Log-in by redirect: the link goes out with a state inside the return address, the browser comes back with a ticket,
//! the ticket is redeemed at once, and the platform gets a one-time code. The ticket itself goes nowhere but to the SSO.

use duijie_sdk::{
    Failure, HookRequest, HookResponse, Outcome, encode, landing, log, template, time,
    url::{percent, with_query},
};

use crate::{
    config::Config,
    model::{Login, LoginInput, LoginLink, LogoutInput, LogoutLink},
    session, user,
};

/// A ticket is redeemed within this time of its landing, person included.
const REDEEM_MS: u32 = 5_000;
/// Bytes of a ticket at the most.
const TICKET_BYTES_MAX: usize = 512;
/// What installations call the ticket in the query.
const TICKET_NAMES: [&str; 3] = ["ticket", "st", "ticketId"];
/// Variables of the templates.
const VARIABLES: [&str; 3] = ["base", "servicecode", "goto"];

/// A link to log in with.
///
/// # Errors
/// `invalid-input` for a page that the link does not allow; `config` without `login.landing_url`.
pub(crate) fn link(config: &Config, input: &LoginInput) -> Result<LoginLink, Failure> {
    let landing_url = config.login.landing_url.as_deref().ok_or_else(|| {
        Failure::config("login.landing_url is not set: it is the public address of this link's hook login-landing")
    })?;
    let state = landing::begin(&input.return_to, &config.login.return_urls)?;
    let goto = with_query(landing_url, [("state", state.as_str())]);
    let url = render(&config.login.url_template, config, &goto);
    let url = url.map_err(|message| Failure::config(format!("login.url_template {message}")))?;
    Ok(LoginLink { url, state })
}

/// A link to log out with.
///
/// # Errors
/// `invalid-input` for a page that the link does not allow; `config` without `logout.url_template`.
pub(crate) fn logout(config: &Config, input: &LogoutInput) -> Result<LogoutLink, Failure> {
    let template = config.logout.url_template.as_deref().ok_or_else(|| {
        Failure::config("logout.url_template is not set: the document does not print it, ask the administrator")
    })?;
    let return_to = input.return_to.as_deref().unwrap_or_default();
    if !return_to.is_empty() && !landing::is_below(return_to, &config.login.return_urls) {
        let message = "return_to is none of the pages that the link allows (login.return_urls)";
        return Err(Failure::invalid_input(message).detail_fields([("/return_to", "is not allowed by the link")]));
    }
    let url = render(template, config, return_to);
    Ok(LogoutLink { url: url.map_err(|message| Failure::config(format!("logout.url_template {message}")))? })
}

/// Is a template fit? Says what is wrong.
///
/// # Errors
/// What is wrong.
pub(crate) fn check_template(template: &str, needs_goto: bool) -> Result<(), String> {
    template::render(template, &VARIABLES, |name| VARIABLES.contains(&name).then(String::new), |value| value)?;
    if needs_goto && !template.contains("${goto}") {
        return Err("has no ${goto}, so no browser would come back".to_owned());
    }
    Ok(())
}

/// A browser that comes back.
///
/// # Errors
/// The store's; whatever is wrong with ticket or state is one page for all.
pub(crate) fn land(config: &Config, request: &HookRequest) -> Result<HookResponse, Failure> {
    let landed_ms = time::now_ms();
    let (Some(ticket), Some(state)) = (ticket(request), state(request)) else { return Ok(landing::refusal()) };
    let Some(begun) = landing::arrive(&state)? else { return Ok(landing::refusal()) };
    let left_ms = || {
        let spent_ms = time::now_ms().saturating_sub(landed_ms);
        u64::from(REDEEM_MS).saturating_sub(spent_ms).min(config.http.timeout_ms.into()).try_into().unwrap_or(0)
    };
    let session = match session::validate(config, &ticket, left_ms()) {
        Ok(session) => session,
        Err(failure) => {
            tell("a log-in ends because its ticket is not accepted", &failure);
            return Ok(landing::refusal());
        }
    };
    // The ticket is spent and the person known: without the details the log-in is still one.
    let user = match left_ms() {
        0 => Err(Failure::timeout("no time is left").outcome(Outcome::NotSent)),
        left_ms => user::info(config, &session.token, left_ms),
    };
    let user = user.inspect_err(|failure| tell("a log-in goes on without the person's details", failure)).ok();
    landing::hand_over(&begun, &state, &Login { session, user })
}

fn ticket(request: &HookRequest) -> Option<String> {
    let ticket = TICKET_NAMES.iter().find_map(|name| request.query_value(name).filter(|value| !value.is_empty()))?;
    let is_sound = ticket.len() <= TICKET_BYTES_MAX && ticket.chars().all(|c| c.is_ascii_graphic());
    is_sound.then_some(ticket)
}

/// The state stands in our query, or in that of the return address which some installations hand back as `sp`.
fn state(request: &HookRequest) -> Option<String> {
    request.query_value("state").or_else(|| {
        let goto = request.query_value("sp")?;
        let (_, query) = goto.split_once('?')?;
        encode::form_pairs(query).find(|(name, _)| name == "state").map(|(_, state)| state)
    })
}

fn render(template: &str, config: &Config, goto: &str) -> Result<String, String> {
    let value = |name: &str| match name {
        "base" => Some(config.base.trim_end_matches('/').to_owned()),
        "servicecode" => Some(percent(&config.servicecode)),
        "goto" => Some(percent(goto)),
        _ => None,
    };
    template::render(template, &VARIABLES, value, |value| value)
}

/// The upstream's words may be personal: only class and code are logged.
fn tell(what: &str, failure: &Failure) {
    let class = format!("{:?}", failure.class);
    log::warn(what, &[("class", &class), ("code", failure.upstream_code.as_deref().unwrap_or_default())]);
}
