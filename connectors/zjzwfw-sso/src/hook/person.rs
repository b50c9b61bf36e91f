//! A person as the SSO sends one, in the platform's terms. The document's table is lost: the names are those of our
//! simulator and of the SSO's answers, and what has another name is passed on under it.

use duijie_sdk::json;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Change;
use crate::user;

/// The data of the events `user.sync` and `user.delete`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person {
    /// The SSO's word for what happened (`add`, `modify`), if it says one.
    operation: Option<String>,
    pub(super) user_id: String,
    login_name: Option<String>,
    user_name: Option<String>,
    org_coding: Option<String>,
    id_number: Option<String>,
    mobile: Option<String>,
    sex: Option<String>,
    /// May the person log in? Null when the SSO does not say, or not understandably.
    enabled: Option<bool>,
    extra: Map<String, Value>,
}

impl Person {
    /// Reads `args`.
    ///
    /// # Errors
    /// The reason for the SSO, always the same for the same lack.
    pub(super) fn read(args: Value, change: Change) -> Result<Self, &'static str> {
        let Value::Object(mut members) = args else { return Err("args 无法解析") };
        let mut take = |name: &str| members.remove(name).as_ref().and_then(json::text).filter(|text| !text.is_empty());
        let user_id = take("userid").ok_or("userid 不能为空")?;
        let login_name = take("loginname");
        if change == Change::Sync && login_name.is_none() {
            return Err("loginname 不能为空");
        }
        let enabled = match take("useable").as_deref() {
            Some("1" | "true") => Some(true),
            Some("0" | "false") => Some(false),
            _ => None,
        };
        let person = Self {
            operation: take("opttype"),
            user_id,
            login_name,
            user_name: take("username"),
            org_coding: take("orgcoding"),
            id_number: take("idnum"),
            mobile: take("mobile"),
            sex: take("sex"),
            enabled,
            extra: Map::new(),
        };
        Ok(Self { extra: user::bounded(members), ..person })
    }
}
