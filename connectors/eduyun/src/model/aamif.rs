//! What the aamif service tells of the user behind a ticket.

use schemars::JsonSchema;
use serde::Serialize;

/// Who stands behind a ticket, and the session.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticketed {
    /// The session's id (usessionid).
    pub usession_id: String,
    /// The user.
    pub person: Person,
}

/// A user as the aamif service has them.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The user's id.
    pub person_id: String,
    /// The user's account.
    pub account: Option<String>,
    /// The user's name.
    pub name: Option<String>,
    /// The date of birth as the upstream writes it.
    pub birthday: Option<String>,
    /// 0 student, 1 teacher, 2 parent.
    pub user_type: Option<String>,
    /// When the user registered: `yyyy-MM-dd HH:mm:ss.S` in China time.
    pub registered_at: Option<String>,
    /// Where the user came from: the upstream's code.
    pub come_from: Option<String>,
    /// How many follow the user.
    pub fans: Option<i64>,
    /// Is the user a leader? 0 no, 1 yes, 3 recommended.
    pub is_leader: Option<String>,
    /// Is the user a famous teacher? 0 no, 1 yes, 3 recommended.
    pub is_famous_teacher: Option<String>,
    /// The user's pictures.
    pub logos: Vec<Logo>,
}

/// A picture of a user.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Logo {
    /// 1 small, 2 middle, 3 big.
    pub size: Option<String>,
    /// Where it is.
    pub url: String,
}
