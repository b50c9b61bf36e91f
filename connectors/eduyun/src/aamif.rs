//! The aamif service of regional and central platforms: tickets between platforms, and users who arrive with one. Its
//! envelope is flat, and it writes usessionid where the gateway writes usessionId.

use duijie_sdk::{Failure, HookRequest, HookResponse, Link, fields::Fields, landing};
use serde_json::{Value, json};

use crate::{
    config::{Config, Validator},
    gateway,
    model::{AppTicket, LoggedIn, Logo, Person, SessionInput, TicketInput, Ticketed, Via},
};

/// `aamif.ticket-create`.
///
/// # Errors
/// `session-invalid` for a session that is over; the service's.
pub fn create(link: &Link<Config>, input: SessionInput) -> Result<AppTicket, Failure> {
    let body = json!({ "usessionid": input.usession_id });
    let reply = gateway::post_aamif(link.config(), "/aamif/rest/area/createTicket", &body)?;
    Ok(AppTicket { ticket: Fields::of(&reply).required("ticket")? })
}

/// `aamif.ticket-validate-area`.
///
/// # Errors
/// `session-invalid` or `upstream-rejected` for a ticket that is none any more; the service's.
pub fn validate_area(link: &Link<Config>, input: TicketInput) -> Result<Ticketed, Failure> {
    validate(link.config(), Validator::Area, &input.ticket)
}

/// `aamif.ticket-validate-central`.
///
/// # Errors
/// As [`validate_area`].
pub fn validate_central(link: &Link<Config>, input: TicketInput) -> Result<Ticketed, Failure> {
    validate(link.config(), Validator::Central, &input.ticket)
}

fn validate(config: &Config, validator: Validator, ticket: &str) -> Result<Ticketed, Failure> {
    let reply = match validator {
        // The path really is "valida".
        Validator::Area => gateway::post_aamif(config, "/aamif/rest/area/validaTicket", &json!({ "ticket": ticket })),
        Validator::Central => {
            let body = json!({ "ticket": ticket, "platformcode": config.platform_code() });
            gateway::post_aamif(config, "/aamif/rest/validaTicket", &body)
        }
    }?;
    ticketed(&reply)
}

/// The hook `ticket-landing`: a browser that another platform has sent.
///
/// # Errors
/// `config` without `login.ticket_return_url`; the store's, and the service's when it is not the ticket that it refuses.
pub fn land(link: &Link<Config>, request: HookRequest) -> Result<HookResponse, Failure> {
    let config = link.config();
    let page = config.login.ticket_return_url.as_deref();
    let page = page.ok_or_else(|| Failure::config("login.ticket_return_url is not set, so no arrival has a page"))?;
    // A ticket is base64 and holds no space: what came as one was a "+" that nobody encoded.
    let ticket = request.query_value("ticket").unwrap_or_default().replace(' ', "+");
    if ticket.is_empty() {
        return Ok(landing::refusal());
    }
    match validate(config, config.login.ticket_validator, &ticket) {
        Ok(Ticketed { usession_id, person }) => {
            let learnt = LoggedIn { via: Via::Ticket, usession_id, user: None, person: Some(person) };
            landing::hand_over_unasked(page, &learnt)
        }
        Err(failure) if gateway::refuses_user(&failure) => Ok(landing::refusal()),
        Err(failure) => Err(failure),
    }
}

fn ticketed(reply: &Value) -> Result<Ticketed, Failure> {
    let reply = Fields::of(reply);
    // Declared as a list, and seen as an object.
    let users = reply.list("userinfo");
    let user = users.first().ok_or_else(|| Failure::protocol("the upstream's answer lacks userinfo"))?;
    let logo = |fields: Fields<'_>| Some(Logo { size: fields.text(&["logotype"]), url: fields.text(&["logourl"])? });
    let person = Person {
        person_id: user.required("personid")?,
        account: user.text(&["account"]),
        name: user.text(&["name"]),
        birthday: user.text(&["birthday"]),
        user_type: user.text(&["usertype"]),
        registered_at: user.text(&["regiTime"]),
        come_from: user.text(&["comefrom"]),
        // Declared as text, and seen as a number.
        fans: user.integer(&["fnascount"]),
        is_leader: user.text(&["isleader"]),
        is_famous_teacher: user.text(&["isfamousteacher"]),
        logos: user.list("userlogolist").into_iter().filter_map(logo).collect(),
    };
    Ok(Ticketed { usession_id: reply.required("usessionid")?, person })
}
