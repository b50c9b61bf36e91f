//! The operations of the simulated 体系: where each is, and which family it belongs to. Never serves one.

/// An operation by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Token,
    Apps,
    Exchange,
    CreateTicket,
    SendCode,
    Verify,
    Orgs,
    OauthTicket,
    Login,
    UserInfo,
    AamifCreate,
    AamifValidateArea,
    AamifValidateCentral,
    ValidateTicket,
    ValidateSession,
    Certificates,
}

/// The envelope of an operation's replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// `retCode`, `retDesc`, `data`.
    Gateway,
    /// `result`, `desc`, and the rest beside them.
    Aamif,
}

/// Every operation with its path and the connector's name for it.
const TABLE: [(Operation, &str, &str); 16] = [
    (Operation::Token, "/apigateway/getAccessToken", "token.get"),
    (Operation::Apps, "/appInfo/getAppList", "app.list"),
    (Operation::Exchange, "/userSession/sessionInterchange", "session.exchange"),
    (Operation::CreateTicket, "/userSession/createTicket", "ticket.create"),
    (Operation::SendCode, "/cert/sendPhoneVerifyCode", "phone.send-code"),
    (Operation::Verify, "/cert/validateUser", "user.verify"),
    (Operation::Orgs, "/baseInfo/getOrgList", "org.list"),
    (Operation::OauthTicket, "/oauth/createOauthTicket", "oauth.ticket"),
    (Operation::Login, "/bmp-oauth", "oauth.login"),
    (Operation::UserInfo, "/userSession/getLoginUserInfo", "user.info"),
    (Operation::AamifCreate, "/aamif/rest/area/createTicket", "aamif.ticket.create"),
    (Operation::AamifValidateArea, "/aamif/rest/area/validaTicket", "aamif.ticket.validate-area"),
    (Operation::AamifValidateCentral, "/aamif/rest/validaTicket", "aamif.ticket.validate-central"),
    (Operation::ValidateTicket, "/userSession/validaTicket", "ticket.validate"),
    (Operation::ValidateSession, "/userSession/validateSession", "session.validate"),
    (Operation::Certificates, "/cert/getCertInfo", "cert.info"),
];

impl Operation {
    /// The operation at this path; `any_case` also takes the spelling of the 2015 generation.
    pub(super) fn of_path(path: &str, any_case: bool) -> Option<Self> {
        let at = |known: &str| path == known || (any_case && path.eq_ignore_ascii_case(known));
        TABLE.iter().find(|(_, known, _)| at(known)).map(|(operation, _, _)| *operation)
    }

    /// The connector's name for it.
    pub(super) fn name(self) -> &'static str {
        TABLE.iter().find(|(operation, _, _)| *operation == self).map_or("unknown", |(_, _, name)| name)
    }

    pub(super) fn family(self) -> Family {
        match self {
            Self::AamifCreate | Self::AamifValidateArea | Self::AamifValidateCentral => Family::Aamif,
            _ => Family::Gateway,
        }
    }

    /// The operations whose examples in the interface document end an object with a comma.
    pub(super) fn has_trailing_comma(self) -> bool {
        matches!(self, Self::SendCode | Self::Verify | Self::Orgs)
    }
}

/// Every path, for the front page.
pub(super) fn paths() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|(_, path, name)| (*path, *name))
}
