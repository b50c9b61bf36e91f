//! What a link says of how requests get to the SSO: family, transport, gateway, paths.

use schemars::JsonSchema;
use serde::Deserialize;

/// The IRS gateway's address on the internet, as public clients have it.
pub const IRS_BASE: &str = "https://ibcdsg.zj.gov.cn:8443";

/// A family of interfaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Interface {
    /// `simpleauth` (chapter 2.4, easyAuth).
    #[default]
    Simple,
    /// `ssoauth` (chapter 2.3).
    Standard,
}

/// How requests travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Parameters in a form or a query.
    #[default]
    Http,
    /// Parameters in a SOAP envelope.
    Soap,
}

/// What stands between us and the SSO.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Gateway {
    /// Nothing: requests go to `base`.
    #[default]
    None,
    /// The province's IRS gateway (2022 and later): requests go to `irs.base` with `X-BG-HMAC-*` headers.
    Irs,
}

/// Of the transport `http`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// How parameters are sent. A `GET` writes sign, token and ticket into addresses, and so into logs on the way.
    pub verb: Verb,
    /// Milliseconds for each request, whatever the transport; the call's deadline cuts it.
    #[schemars(range(min = 1, max = 600_000))]
    pub timeout_ms: u32,
}

/// How parameters are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// As a form.
    #[default]
    Post,
    /// In the query.
    Get,
}

/// Of the transport `soap`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Soap {
    /// The WSDL's target namespace. The portal does not print it: read it from the WSDL.
    pub namespace: Option<String>,
    /// The element of the reply that holds the value.
    pub out: String,
}

/// Of the gateway `irs`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Irs {
    /// Scheme, host and port; on the government extranet the host is `bcdsg.zj.gov.cn`.
    #[schemars(length(min = 1, max = 512))]
    pub base: String,
    /// The access key as issued.
    pub access_key: Option<String>,
    /// Whole paths of the gateway, one an operation: every published interface has a number of its own.
    pub path: IrsPaths,
}

/// Whole paths of the gateway.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IrsPaths {
    /// Of `ticket.validate`.
    pub ticket_validate: Option<String>,
    /// Of `user.info`.
    pub user_info: Option<String>,
    /// Of `user.authenticate`.
    pub user_authenticate: Option<String>,
    /// Of `ticket.generate`.
    pub ticket_generate: Option<String>,
    /// Of `user.sync-out`.
    pub user_sync: Option<String>,
    /// Of `user.by-id`.
    pub user_by_id: Option<String>,
}

/// Paths below `base`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    /// Of log-in, tickets and tokens; by interface and transport when left out.
    pub auth: Option<String>,
    /// Of user management; `/servlet/organduser` over http, the service of `auth` over SOAP when left out.
    pub users: Option<String>,
}

impl Default for Http {
    fn default() -> Self {
        Self { verb: Verb::Post, timeout_ms: 5_000 }
    }
}

impl Default for Soap {
    fn default() -> Self {
        Self { namespace: None, out: "out".to_owned() }
    }
}

impl Default for Irs {
    fn default() -> Self {
        Self { base: IRS_BASE.to_owned(), access_key: None, path: IrsPaths::default() }
    }
}

impl Default for IrsPaths {
    fn default() -> Self {
        let path = |number: u8| Some(format!("/restapi/prod/IC3300002022022800000{number}/sso/servlet/simpleauth"));
        let (user_authenticate, ticket_generate, user_sync, user_by_id) = (None, None, None, None);
        let (ticket_validate, user_info) = (path(2), path(4));
        Self { ticket_validate, user_info, user_authenticate, ticket_generate, user_sync, user_by_id }
    }
}
