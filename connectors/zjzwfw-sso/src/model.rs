//! What goes in and out of the operations, which is also their published schema. All text, as the SSO has it; absent
//! and empty are the same and become null.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::Title;

/// What `login.link` takes. The name of its member is that of the landing's messages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginInput {
    /// The platform's page that the browser ends at; it stands in or below one of `login.return_urls`.
    #[schemars(length(min = 1, max = 2048))]
    pub return_to: String,
}

/// A link to log in with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LoginLink {
    /// Where to send the browser.
    pub url: String,
    /// Comes back with the browser; the platform compares it with what it keeps in that browser's session.
    pub state: String,
}

/// What `logout.link` takes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogoutInput {
    /// The platform's page that the browser ends at, if the link's template has a place for it.
    #[serde(default)]
    #[schemars(length(max = 2048))]
    pub return_to: Option<String>,
}

/// A link to log out with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LogoutLink {
    /// Where to send the browser.
    pub url: String,
}

/// A ticket to validate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// The ticket (`st`) as the browser brought it; it is good once, and for minutes.
    #[schemars(length(min = 1, max = 512))]
    pub ticket: String,
}

/// A person who has just been recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The person's token, for `user.info` and `ticket.generate`.
    pub token: String,
    /// How long the token may be taken to live, in seconds: `token.default_ttl_s`, because the SSO does not say.
    pub token_ttl_s: u32,
    /// The SSO's id of the person.
    pub user_id: Option<String>,
    /// Log-in name.
    pub login_name: Option<String>,
    /// Real name.
    pub user_name: Option<String>,
    /// Code of the organisation, which is its only primary key.
    pub org_coding: Option<String>,
}

/// A person's token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenInput {
    /// As `ticket.validate` gave it.
    #[schemars(length(min = 1, max = 512))]
    pub token: String,
}

/// What the SSO knows of a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// The SSO's id of the person.
    pub user_id: Option<String>,
    /// Log-in name.
    pub login_name: Option<String>,
    /// Real name.
    pub user_name: Option<String>,
    /// Kind of the identity document; `1` is the identity card.
    pub id_type: Option<String>,
    /// Number of the identity document.
    pub id_number: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// Code of the organisation.
    pub org_coding: Option<String>,
    /// Members that the SSO sends and nobody has documented, under its own names; at most 64 of them and 16 KiB.
    pub extra: Map<String, Value>,
}

/// A log-in as the platform redeems it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Login {
    /// What the ticket was worth.
    pub session: Session,
    /// What `user.info` says; null when it did not answer in time, and may be asked again.
    pub user: Option<UserInfo>,
}

/// A name and password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Authenticate {
    /// Log-in name.
    #[schemars(length(min = 1, max = 128))]
    pub login_name: String,
    /// Code of the organisation; empty where names are unique without it.
    #[serde(default)]
    #[schemars(length(max = 128))]
    pub org_coding: String,
    /// The password as typed. It is sent as it is, over https.
    #[schemars(length(min = 1, max = 256))]
    pub password: String,
}

/// A ticket for another resource.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Generate {
    /// The other resource's servicecode.
    #[schemars(length(min = 1, max = 128))]
    pub proxy_app: String,
    /// The person's token.
    #[schemars(length(min = 1, max = 512))]
    pub token: String,
}

/// A ticket that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Generated {
    /// The ticket, for the other resource alone.
    pub ticket: String,
}

/// A person by the SSO's id.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UserId {
    /// The id; only people of this link's own resource are found.
    #[schemars(length(min = 1, max = 128))]
    pub user_id: String,
}

/// A person that the SSO has taken over.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Synced {
    /// Always true: a refusal is a failure.
    pub accepted: bool,
    /// The SSO's id of the person, if its answer says it.
    pub user_id: Option<String>,
    /// The SSO's words.
    pub message: String,
}

/// A call of a method whose wire form is not known.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallInput {
    /// The document's title; its method's name is in the link's `method`. Either this or `method`.
    #[serde(default)]
    pub title: Option<Title>,
    /// The method's name as the SSO spells it.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub method: Option<String>,
    /// The method's parameters; names are lower-case, and the common ones are added.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 32))]
    pub params: BTreeMap<String, String>,
    /// Which servlet or service serves it.
    #[serde(default)]
    pub servlet: Servlet,
    /// A path instead of the servlet's: below `base`, or the whole path at the gateway, which needs one.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub path: Option<String>,
}

/// A servlet or service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Servlet {
    /// Log-in, tickets and tokens.
    #[default]
    Auth,
    /// User management.
    Users,
}

/// An answer as it came.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CallOutput {
    /// The SSO's `result`: `0`, or null when the answer has none.
    pub result: Option<String>,
    /// The SSO's words; empty when it has none.
    pub message: String,
    /// All members, under the SSO's own names; XML as the JSON that says the same.
    #[schemars(with = "AnyObject")]
    pub reply: Value,
}

/// Any object.
struct AnyObject;

impl JsonSchema for AnyObject {
    fn schema_name() -> Cow<'static, str> {
        "Reply".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "object" })
    }
}

/// The schema of a person to send: only types, because what is required and how long it may be is in the mapping, which
/// the connector checks and reports as a whole.
pub fn user_schema() -> Value {
    serde_json::from_slice(include_bytes!("user.schema.json")).unwrap_or_default()
}
