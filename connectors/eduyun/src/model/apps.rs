//! Applications, the way into them, and organisations.

use duijie_sdk::paging::PageQuery;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An application that an upper level has chosen.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// Its id.
    pub app_id: String,
    /// Its name.
    pub app_name: String,
    /// Address of its icon; null when it has none.
    pub app_image: Option<String>,
    /// Whom it is for: codes as of userIdentity (0 student, 1 teacher, 2 parent, 3 school staff).
    pub person_scope: Vec<String>,
    /// Is it put into the users' space? Inferred: the upstream writes 1.
    pub into_space: bool,
    /// Its class: a code of the upstream's dictionary, for instance `app_classify_02`.
    pub app_classification: Option<String>,
    /// Its address for `link.app`; null when the upstream does not say, which is the rule.
    pub app_url: Option<String>,
}

/// A ticket that opens applications.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AppTicket {
    /// The ticket: good once, and for two minutes.
    pub ticket: String,
}

/// What `link.app` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LinkInput {
    /// The application's address, http or https; it may have a query and a fragment.
    #[schemars(length(min = 1, max = 2048))]
    pub app_url: String,
    /// A ticket of `session.exchange` or `ticket.create`.
    #[schemars(length(min = 1, max = 1024))]
    pub ticket: String,
}

/// A link for a browser.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Link {
    /// Where to send it. It holds a ticket: for this user's browser only, never for a log.
    pub url: String,
}

/// Who stands behind a ticket.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppUser {
    /// The user's id at the upstream.
    pub user_id: String,
    /// The user's name.
    pub name: Option<String>,
    /// 1 male, 2 female, 0 unknown.
    pub gender: Option<String>,
}

/// Which organisations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OrgQuery {
    /// Code of the province, six digits (GB/T 2260).
    #[serde(default)]
    #[schemars(regex(pattern = "^[0-9]{6}$"))]
    pub province_code: Option<String>,
    /// Code of the city, six digits.
    #[serde(default)]
    #[schemars(regex(pattern = "^[0-9]{6}$"))]
    pub city_code: Option<String>,
    /// Code of the area, six digits.
    #[serde(default)]
    #[schemars(regex(pattern = "^[0-9]{6}$"))]
    pub area_code: Option<String>,
    /// The organisation's national code; its length is not fixed.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    pub org_code: Option<String>,
    /// A part of the organisation's name.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    pub org_name: Option<String>,
    /// Which page of them.
    #[serde(flatten)]
    pub page: PageQuery,
}

/// An organisation.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Org {
    /// Its id.
    pub org_id: String,
    /// Its name.
    pub org_name: String,
    /// Its national code, which `user.verify` takes.
    pub org_code: String,
    /// 1 institution, 2 school.
    pub org_type: Option<String>,
    /// Code of its province.
    pub province_code: Option<String>,
    /// Code of its city.
    pub city_code: Option<String>,
    /// Code of its area.
    pub area_code: Option<String>,
}
