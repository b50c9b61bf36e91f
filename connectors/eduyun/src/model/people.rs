//! Real names: who a person is, how that is verified, and the session that a verified person gets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a person is (userIdentity).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Identity {
    /// Student (学生).
    #[serde(rename = "0")]
    Student,
    /// Teacher (老师).
    #[serde(rename = "1")]
    Teacher,
    /// Parent (家长).
    #[serde(rename = "2")]
    Parent,
    /// Staff of a school (学校工作人员).
    #[serde(rename = "3")]
    SchoolStaff,
    /// Staff of an institution (机构工作人员).
    #[serde(rename = "4")]
    OrgStaff,
    /// Any other (其他).
    #[serde(rename = "5")]
    Other,
}

impl Identity {
    /// Must it name its organisation to be verified?
    pub fn needs_org(self) -> bool {
        match self {
            Self::Student | Self::Teacher | Self::SchoolStaff | Self::OrgStaff => true,
            Self::Parent | Self::Other => false,
        }
    }
}

/// Whose session to exchange. With `hook.identity_source = "kv"` the person: `name`, `idCardNo` and `userIdentity`; with
/// `"platform"` only `subject`, by which the platform is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Exchange {
    /// The real name.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    pub name: Option<String>,
    /// The identity number, 18 characters.
    #[serde(default)]
    #[schemars(length(min = 18, max = 18))]
    pub id_card_no: Option<String>,
    /// What the person is.
    #[serde(default)]
    pub user_identity: Option<Identity>,
    /// The platform's own reference of its user.
    #[serde(default)]
    #[schemars(length(min = 1, max = 256))]
    pub subject: Option<String>,
}

/// A session with the upstream, and a first ticket.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exchanged {
    /// The session's id (usessionId): for `ticket.create` and `user.info`. Never for a log.
    pub usession_id: String,
    /// A ticket for `link.app`: good once, and for two minutes.
    pub ticket: String,
}

/// Where to send a code.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhoneInput {
    /// A mobile number of 11 digits.
    #[schemars(length(min = 11, max = 11))]
    pub phone: String,
}

/// A code is on its way.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodeSent {
    /// Always true: a refusal is a failure.
    pub sent: bool,
    /// Seconds until this number may get another.
    pub next_in_s: u64,
}

/// A person to be verified.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Verify {
    /// The code that the phone got, 6 digits.
    #[schemars(regex(pattern = "^[0-9]{6}$"))]
    pub verify_code: String,
    /// The mobile number that got it.
    #[schemars(length(min = 11, max = 11))]
    pub phone: String,
    /// The real name.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// The identity number, 18 characters; a trailing x is sent in upper case.
    #[schemars(length(min = 18, max = 18))]
    pub id_card_no: String,
    /// What the person is.
    pub user_identity: Identity,
    /// The national code of the organisation; required for 0, 1, 3 and 4.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    pub org_code: Option<String>,
    /// The person's account on the platform.
    #[schemars(length(min = 1, max = 128))]
    pub login_account: String,
}

/// The person is verified.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Verified {
    /// Always true: a refusal is a failure.
    pub verified: bool,
}

/// Whose verification to ask for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SessionQuery {
    /// The user's id at the upstream.
    #[schemars(length(min = 1, max = 128))]
    pub user_id: String,
    /// The user's account on the platform.
    #[schemars(length(min = 1, max = 128))]
    pub login_account: String,
}

/// Is a user verified? "No" is an answer, not a failure.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// Is the user verified?
    pub verified: bool,
    /// Where a user who is not gets verified, if the upstream says.
    pub cert_url: Option<String>,
}

/// A user's verifications.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Certificates {
    /// One for every platform that had the user verified.
    pub certificates: Vec<Certificate>,
}

/// One verification.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// When, as the upstream writes it.
    pub create_time: Option<String>,
    /// The user's name.
    pub name: Option<String>,
    /// The system code of the platform.
    pub sys_code: Option<String>,
    /// The user's account on that platform.
    pub login_account: Option<String>,
    /// Where the user came from: the upstream's code.
    pub come_from: Option<String>,
}
