//! Log-in with a national account: a ticket for the upstream's page, the link to it, and the landing. Of what a browser
//! brings back only the session's id is believed, and only after the upstream has said whose it is: the userId in the
//! address could be anybody's.

use duijie_sdk::{
    Failure, HookRequest, HookResponse, Link, encode,
    fields::Fields,
    http::Request,
    landing::{self, Redeem},
    url::with_query,
};
use serde_json::json;

use crate::{
    config::{Config, TicketMethod},
    gateway,
    model::{AccessTicket, Began, Begin, LoggedIn, Nothing, OrgOfUser, Redeemed, SessionInput, UserInfo, Via},
};

/// `oauth.ticket`.
///
/// # Errors
/// The gateway's.
pub fn ticket(link: &Link<Config>, _: Nothing) -> Result<AccessTicket, Failure> {
    Ok(AccessTicket { access_ticket: access_ticket(link.config())? })
}

fn access_ticket(config: &Config) -> Result<String, Failure> {
    let url = config.gateway_url("/oauth/createOauthTicket");
    let reply = gateway::with_token(config, &|access| match config.oauth.ticket_method {
        TicketMethod::Post => {
            Request::post(url.as_str()).query("accessToken", access).json(&json!({ "accessToken": access }))
        }
        TicketMethod::Get => Ok(Request::get(url.as_str()).query("accessToken", access)),
    })?;
    // The document's reply is flat, unlike all others of the gateway.
    let (flat, data) = (Fields::of(&reply), Fields::of(&reply).object("data"));
    flat.text(&["accessTicket"]).map_or_else(|| data.required("accessTicket"), Ok)
}

/// `oauth.link`: begins a log-in.
///
/// # Errors
/// `config` without `oauth.redirect_uri`; `invalid-input` for a page that is not allowed; the gateway's.
pub fn begin(link: &Link<Config>, input: Begin) -> Result<Began, Failure> {
    let config = link.config();
    let landing = config.oauth.redirect_uri.as_deref();
    let landing =
        landing.ok_or_else(|| Failure::config("oauth.redirect_uri is not set, so no log-in can land here"))?;
    let state = landing::begin(&input.return_to, &config.login.return_urls)?;
    // The protocol has no state of its own, so it rides in our address.
    let redirect_uri = with_query(landing, [("state", state.as_str())]);
    let ticket = access_ticket(config)?;
    let parameters = [("accessTicket", ticket.as_str()), ("redirect_uri", redirect_uri.as_str())];
    Ok(Began { url: with_query(&config.gateway_url("/bmp-oauth"), parameters), state })
}

/// The hook `oauth-landing`.
///
/// # Errors
/// The store's, and the gateway's when it does not say who the user is for a reason that is not the user's.
pub fn land(link: &Link<Config>, request: HookRequest) -> Result<HookResponse, Failure> {
    // An upstream that puts "?usessionid=" behind an address that has a query already is understood too.
    let query = request.query.replace('?', "&");
    let brought = |wanted: &str| {
        encode::form_pairs(&query).find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    let state = brought("state").unwrap_or_default();
    let Some(begun) = landing::arrive(&state)? else { return Ok(landing::refusal()) };
    let Some(usession_id) = brought("usessionid").filter(|id| !id.is_empty()) else { return Ok(landing::refusal()) };
    match user_info(link.config(), &usession_id) {
        Ok(user) => {
            let learnt = LoggedIn { via: Via::Oauth, usession_id, user: Some(user), person: None };
            landing::hand_over(&begun, &state, &learnt)
        }
        Err(failure) if gateway::refuses_user(&failure) => Ok(landing::refusal()),
        Err(failure) => Err(failure),
    }
}

/// `login.redeem`.
///
/// # Errors
/// `session-invalid` for a code that is unknown, used or over its time; the store's.
pub fn redeem(_: &Link<Config>, input: Redeem) -> Result<Redeemed, Failure> {
    landing::redeem(&input.code).map(Redeemed)
}

/// `user.info`.
///
/// # Errors
/// `session-invalid` for a session that is over; the gateway's.
pub fn user(link: &Link<Config>, input: SessionInput) -> Result<UserInfo, Failure> {
    user_info(link.config(), &input.usession_id)
}

fn user_info(config: &Config, usession_id: &str) -> Result<UserInfo, Failure> {
    let reply = gateway::post(config, "/userSession/getLoginUserInfo", &json!({ "usessionId": usession_id }))?;
    let data = Fields::of(&reply).object("data");
    let org = |fields: Fields<'_>| OrgOfUser {
        org_code: fields.text(&["orgCode"]),
        org_name: fields.text(&["orgName"]),
        org_identity: fields.text(&["orgIdentity"]),
    };
    Ok(UserInfo {
        user_id: data.required("userId")?,
        name: data.text(&["name"]),
        gender: data.text(&["gender"]),
        // The document's spelling, and the one it means.
        default_identity: data.text(&["dafaultIdentity", "defaultIdentity"]),
        orgs: data.list("orgRelList").into_iter().map(org).collect(),
    })
}
