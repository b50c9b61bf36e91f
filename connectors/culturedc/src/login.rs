//! Logging in to the platform with an account of the national cloud (layer ④): a link out, the landing, and what the
//! platform redeems. The upstream's code is exchanged as the browser lands, because it lives a minute; what was learnt
//! waits a minute more, and is read once. Nothing of the user stands in an address or a log.

use duijie_sdk::{
    Class, Failure, HookRequest, HookResponse,
    landing::{self, Redeem},
    template::render,
    url::{join, percent, with_query},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    config::Config,
    model::text_at,
    upstream::{Upstream, Variable, part},
};

/// The variables of the link.
const NAMES: [&str; 4] = ["ak", "redirect_uri", "state", "redirect_uri_with_state"];

/// Begins a log-in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Begin {
    /// The platform's page on which it ends, with `code` and `state` added; one of the link's `login.return_urls` or below.
    #[schemars(length(min = 1, max = 2048))]
    pub return_to: String,
}

/// A log-in that has begun.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Begun {
    /// Where to send the browser.
    pub url: String,
    /// What comes back with it: the platform compares it with what it keeps in that browser's session. Good for 10 minutes.
    pub state: String,
}

/// A user of the national cloud.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The upstream's id of the user for this institution.
    pub open_id: String,
    /// How the user is called there.
    pub nickname: Option<String>,
    /// The mobile number, if the user lets the upstream tell it.
    pub phone: Option<String>,
}

/// A link to the upstream's log-in page.
///
/// # Errors
/// `config` without `login.redirect_uri`; `invalid-input` for a page that the link does not allow.
pub fn link(config: &Config, begin: &Begin) -> Result<Begun, Failure> {
    let upstream = Upstream::of(config)?;
    let authorize = part(&upstream.profile.authorize, "authorize")?;
    let Some(redirect_uri) = &config.login.redirect_uri else {
        return Err(Failure::config("login.redirect_uri is not set: the public address of the hook login-landing"));
    };
    let base = match &config.login.base_url {
        Some(base) => base,
        None => config.base_url()?,
    };
    let state = landing::begin(&begin.return_to, &config.login.return_urls)?;
    let value = |name: &str| {
        Some(match name {
            "ak" => config.access_key().to_owned(),
            "redirect_uri" => redirect_uri.clone(),
            "state" => state.clone(),
            "redirect_uri_with_state" => {
                with_query(redirect_uri, [(authorize.state_parameter.as_str(), state.as_str())])
            }
            _ => return None,
        })
    };
    let link = render(&authorize.link, &NAMES, value, |value| percent(&value))
        .map_err(|message| Failure::config(format!("wire.authorize.link {message}")))?;
    Ok(Begun { url: join(base, &link), state })
}

/// The browser is back: the state is ours, the code becomes a user, and the browser goes on to the platform.
///
/// # Errors
/// What the operator must see: the upstream cannot be reached or refuses the AK/SK. The browser is told no more than by
/// the refusal that everything else gets.
pub fn landing(config: &Config, request: &HookRequest) -> Result<HookResponse, Failure> {
    let upstream = Upstream::of(config)?;
    let authorize = part(&upstream.profile.authorize, "authorize")?;
    let codes = request.query_value(&authorize.code_parameter).zip(request.query_value(&authorize.state_parameter));
    let Some((code, state)) = codes.filter(|(code, _)| !code.is_empty()) else {
        return Ok(landing::refusal());
    };
    let Some(begun) = landing::arrive(&state)? else {
        return Ok(landing::refusal());
    };
    match exchanged(&upstream, &code) {
        Ok(user) => landing::hand_over(&begun, &state, &user),
        Err(failure) => match failure.class {
            // The code is unknown, used or over its time.
            Class::InvalidInput | Class::SessionInvalid | Class::UpstreamRejected => Ok(landing::refusal()),
            _ => Err(failure),
        },
    }
}

/// Who has logged in, once.
///
/// # Errors
/// `session-invalid` for a code that is unknown, used or over its time.
pub fn redeem(redeem: &Redeem) -> Result<User, Failure> {
    landing::redeem(&redeem.code)
}

fn exchanged(upstream: &Upstream<'_>, code: &str) -> Result<User, Failure> {
    let call = part(&upstream.profile.exchange, "exchange")?;
    let reply = upstream.ask(call, &[("code", Variable::Text(code))]).map_err(without_words)?;
    Ok(User {
        open_id: text_at(&reply, call.at("open_id"))
            .ok_or_else(|| Failure::protocol("the upstream's answer has no user"))?,
        nickname: text_at(&reply, call.at("nickname")),
        phone: text_at(&reply, call.at("phone")),
    })
}

/// The upstream's own words may name the person or the code, and for a hook no manifest declares them personal, so the
/// host would not mask them in its log. The upstream's code is all that an operator needs.
fn without_words(failure: Failure) -> Failure {
    match &failure.upstream_code {
        Some(code) => Failure {
            message: format!("the upstream refuses to exchange a log-in's code (code {code:.64})"),
            ..failure
        },
        None => failure,
    }
}
