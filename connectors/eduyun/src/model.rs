//! What goes in and out of the operations: published as their schemas. Inputs have the upstream's names; outputs say
//! the same in one style, whatever envelope and spelling it came in. Codes stay the upstream's codes.

mod aamif;
mod apps;
mod login;
mod people;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use aamif::{Logo, Person, Ticketed};
pub use apps::{App, AppTicket, AppUser, Link, LinkInput, Org, OrgQuery};
pub use login::{AccessTicket, Began, Begin, LoggedIn, OrgOfUser, Redeemed, UserInfo, Via};
pub use people::{
    Certificate, Certificates, CodeSent, Exchange, Exchanged, Identity, PhoneInput, SessionQuery, Validation, Verified,
    Verify,
};

/// Takes nothing: an empty object.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A valid token is at hand.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenState {
    /// Until when by what the upstream said, RFC 3339 in China time; null when it says that the token it gives is over.
    pub valid_until: Option<String>,
}

/// A user's session with the upstream.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SessionInput {
    /// The session's id (usessionId).
    #[schemars(length(min = 1, max = 256))]
    pub usession_id: String,
}

/// A ticket to be validated. It is used up by that.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketInput {
    /// The ticket, decoded from the address it came in.
    #[schemars(length(min = 1, max = 1024))]
    pub ticket: String,
}
