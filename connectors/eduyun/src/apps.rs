//! Applications: which there are, and how a user opens one without a second log-in. A ticket is opaque here, and used
//! once by whoever it is for.

use duijie_sdk::{
    Failure, Link as Of,
    fields::Fields,
    input::Violations,
    paging::{Page, PageQuery},
    url::{Authority, with_query},
};
use serde_json::json;

use crate::{
    config::Config,
    gateway, lists,
    model::{App, AppTicket, AppUser, Link, LinkInput, SessionInput, TicketInput},
};

/// `app.list`.
///
/// # Errors
/// `invalid-input` for a page out of bounds; the gateway's.
pub fn list(link: &Of<Config>, query: PageQuery) -> Result<Page<App>, Failure> {
    lists::check(query, Violations::default())?;
    let body = json!({ "pageNo": query.page, "pageSize": query.size });
    let reply = gateway::post(link.config(), "/appInfo/getAppList", &body)?;
    lists::page(&reply, query, app)
}

fn app(fields: Fields<'_>) -> Result<App, Failure> {
    let scope = fields.text(&["personScope"]).unwrap_or_default();
    let codes = scope.split(',').map(str::trim).filter(|code| !code.is_empty());
    Ok(App {
        app_id: fields.required("appId")?,
        app_name: fields.required("appName")?,
        app_image: fields.text(&["appImage"]),
        person_scope: codes.map(str::to_owned).collect(),
        into_space: matches!(fields.text(&["intoSpace"]).as_deref(), Some("1" | "true")),
        app_classification: fields.text(&["appClassification"]),
        app_url: fields.text(&["appUrl", "url"]),
    })
}

/// `ticket.create`.
///
/// # Errors
/// `session-invalid` for a session that is over; the gateway's.
pub fn ticket(link: &Of<Config>, input: SessionInput) -> Result<AppTicket, Failure> {
    let body = json!({ "usessionId": input.usession_id });
    let reply = gateway::post(link.config(), "/userSession/createTicket", &body)?;
    Ok(AppTicket { ticket: Fields::of(&reply).object("data").required("ticket")? })
}

/// `link.app`: the application's address with ticket and sysCode; nothing is sent.
///
/// # Errors
/// `invalid-input` for what is no address of a page.
pub fn open(link: &Of<Config>, input: LinkInput) -> Result<Link, Failure> {
    let page = input.app_url.split(['?', '#']).next().unwrap_or_default();
    let is_clean = !input.app_url.chars().any(|c| c.is_control() || c.is_whitespace());
    let mut wrong = Violations::default();
    wrong.unless(is_clean && Authority::of(page).is_ok(), "/appUrl", "must be an http or https address");
    wrong.none()?;
    let parameters = [("ticket", input.ticket.as_str()), ("sysCode", link.config().sys_code.as_str())];
    Ok(Link { url: with_query(&input.app_url, parameters) })
}

/// `app.ticket-validate`: what an application does with the ticket of its link. It is used up by that.
///
/// # Errors
/// `session-invalid` for a ticket that is none any more; the gateway's.
pub fn validate(link: &Of<Config>, input: TicketInput) -> Result<AppUser, Failure> {
    let reply = gateway::post(link.config(), "/userSession/validaTicket", &json!({ "ticket": input.ticket }))?;
    let data = Fields::of(&reply).object("data");
    Ok(AppUser { user_id: data.required("userId")?, name: data.text(&["name"]), gender: data.text(&["gender"]) })
}
