//! Log-ins: with a national account, and of users who arrive with a ticket.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Person;

/// A ticket for the upstream's log-in page.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessTicket {
    /// The ticket: good once. One for each click; never kept.
    pub access_ticket: String,
}

/// Where a log-in ends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// The platform's page that the browser comes to in the end, with `code` and `state`; below one of `login.return_urls`.
    #[schemars(length(min = 1, max = 2048))]
    pub return_to: String,
}

/// A log-in has begun.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Began {
    /// The upstream's log-in page for this browser.
    pub url: String,
    /// Comes back with the browser: keep it in the browser's own session, and refuse an arrival with another.
    pub state: String,
}

/// Who has logged in.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoggedIn {
    /// Which way. Of an arrival by `ticket` nobody here knows who began it.
    pub via: Via,
    /// The session's id (usessionId).
    pub usession_id: String,
    /// The user, as of `user.info`; only with `oauth`.
    pub user: Option<UserInfo>,
    /// The user, as of `aamif.ticket-validate-…`; only with `ticket`.
    pub person: Option<Person>,
}

/// What a code stands for: a [`LoggedIn`] as it was kept.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Redeemed(#[schemars(with = "LoggedIn")] pub Value);

/// Which way a user has logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// Sent out by `oauth.link`, with a national account.
    Oauth,
    /// Arrived from another platform with a ticket.
    Ticket,
}

/// A user of the upstream.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// The user's id at the upstream.
    pub user_id: String,
    /// The user's name.
    pub name: Option<String>,
    /// 1 male, 2 female, 0 unknown.
    pub gender: Option<String>,
    /// What the user is first of all: a code of userIdentity.
    pub default_identity: Option<String>,
    /// The user's organisations.
    pub orgs: Vec<OrgOfUser>,
}

/// A user in an organisation.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrgOfUser {
    /// The organisation's national code.
    pub org_code: Option<String>,
    /// The organisation's name.
    pub org_name: Option<String>,
    /// What the user is there: a code of userIdentity.
    pub org_identity: Option<String>,
}
