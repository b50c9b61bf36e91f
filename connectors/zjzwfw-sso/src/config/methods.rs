//! Names of the upstream's methods. They are case-sensitive. Some stand in the document, some are known from public
//! clients, and of the titles whose tables were lost nothing is known until an operator learns it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Config;

/// Names of the upstream's methods.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Methods {
    /// 2.3.1 and 2.4.1 票据认证.
    pub ticket_validate: String,
    /// 2.4.4 根据令牌获取用户详细信息.
    pub user_info: String,
    /// 2.4.3 用户认证.
    pub user_authenticate: String,
    /// 2.4.2 根据令牌获取第三方接入资源票据.
    pub ticket_generate: String,
    /// 2.2.1 用户增加修改.
    pub user_sync: String,
    /// 2.1.2 根据SSO用户id获取用户详细信息.
    pub user_by_id: String,
    /// 3.2.1 用户增加修改, which the SSO calls here.
    pub hook_user_sync: String,
    /// 3.2.2 用户删除, which the SSO calls here.
    pub hook_user_delete: String,
    /// 2.3.2 根据授权码获取令牌.
    pub token_by_code: Option<String>,
    /// 2.3.3 更新接入资源令牌.
    pub token_refresh: Option<String>,
    /// 2.3.4 根据代理令牌获取第三方接入资源票据.
    pub ticket_by_proxy_token: Option<String>,
    /// 2.3.5 根据访问令牌获取票据.
    pub ticket_by_token: Option<String>,
    /// 2.3.6 用户认证.
    pub standard_authenticate: Option<String>,
    /// 2.3.7 根据访问令牌获取用户详细信息.
    pub user_by_token: Option<String>,
    /// 2.3.10 用户可访问系统列表.
    pub systems: Option<String>,
    /// 2.3.13 修改密码.
    pub password_change: Option<String>,
    /// 2.3.14 修改个人信息.
    pub profile_change: Option<String>,
    /// 2.4.5 获取用户角色.
    pub roles: Option<String>,
}

impl Default for Methods {
    fn default() -> Self {
        Self {
            ticket_validate: "ticketValidation".to_owned(),
            user_info: "getUserInfo".to_owned(),
            user_authenticate: "idValidation".to_owned(),
            ticket_generate: "generateST".to_owned(),
            user_sync: "synchronizeUser".to_owned(),
            user_by_id: "getUserInfoById".to_owned(),
            hook_user_sync: "synchronizeUser".to_owned(),
            hook_user_delete: "deleteUser".to_owned(),
            token_by_code: Some("getAccessToken".to_owned()),
            token_refresh: None,
            ticket_by_proxy_token: None,
            ticket_by_token: None,
            standard_authenticate: None,
            user_by_token: None,
            systems: None,
            password_change: None,
            profile_change: None,
            roles: None,
        }
    }
}

/// A method with an operation of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keys of `Methods`, which are documented")]
pub enum Method {
    TicketValidate,
    UserInfo,
    UserAuthenticate,
    TicketGenerate,
    UserSync,
    UserById,
}

impl Method {
    /// Its key in `method` and in `irs.path`, its name on the wire, and its whole path at the gateway.
    pub fn of(self, config: &Config) -> (&'static str, &str, Option<&str>) {
        let (names, paths) = (&config.method, &config.irs.path);
        let (key, name, path) = match self {
            Self::TicketValidate => ("ticket_validate", &names.ticket_validate, &paths.ticket_validate),
            Self::UserInfo => ("user_info", &names.user_info, &paths.user_info),
            Self::UserAuthenticate => ("user_authenticate", &names.user_authenticate, &paths.user_authenticate),
            Self::TicketGenerate => ("ticket_generate", &names.ticket_generate, &paths.ticket_generate),
            Self::UserSync => ("user_sync", &names.user_sync, &paths.user_sync),
            Self::UserById => ("user_by_id", &names.user_by_id, &paths.user_by_id),
        };
        (key, name, path.as_deref())
    }

    /// Does user management serve it, rather than log-in?
    pub fn is_of_users(self) -> bool {
        matches!(self, Self::UserSync | Self::UserById)
    }
}

/// A title of the document whose wire form is unknown: only `call` reaches it, under the name that the operator learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Title {
    /// 2.3.2 根据授权码获取令牌.
    TokenByCode,
    /// 2.3.3 更新接入资源令牌.
    TokenRefresh,
    /// 2.3.4 根据代理令牌获取第三方接入资源票据.
    TicketByProxyToken,
    /// 2.3.5 根据访问令牌获取票据.
    TicketByToken,
    /// 2.3.6 用户认证.
    StandardAuthenticate,
    /// 2.3.7 根据访问令牌获取用户详细信息.
    UserByToken,
    /// 2.3.10 用户可访问系统列表.
    Systems,
    /// 2.3.13 修改密码.
    PasswordChange,
    /// 2.3.14 修改个人信息.
    ProfileChange,
    /// 2.4.5 获取用户角色.
    Roles,
}

impl Title {
    /// Its key in `method`, and the name there if the operator knows it.
    pub fn of(self, names: &Methods) -> (&'static str, Option<&str>) {
        let (key, name) = match self {
            Self::TokenByCode => ("token_by_code", &names.token_by_code),
            Self::TokenRefresh => ("token_refresh", &names.token_refresh),
            Self::TicketByProxyToken => ("ticket_by_proxy_token", &names.ticket_by_proxy_token),
            Self::TicketByToken => ("ticket_by_token", &names.ticket_by_token),
            Self::StandardAuthenticate => ("standard_authenticate", &names.standard_authenticate),
            Self::UserByToken => ("user_by_token", &names.user_by_token),
            Self::Systems => ("systems", &names.systems),
            Self::PasswordChange => ("password_change", &names.password_change),
            Self::ProfileChange => ("profile_change", &names.profile_change),
            Self::Roles => ("roles", &names.roles),
        };
        (key, name.as_deref())
    }

    /// Does it carry a password?
    pub fn carries_password(self) -> bool {
        matches!(self, Self::StandardAuthenticate | Self::PasswordChange)
    }
}
