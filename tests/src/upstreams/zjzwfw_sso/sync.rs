//! The SSO as caller: it tells a resource about a change of a user, with a signature that holds or with one that does
//! not, and it can repeat its last call to the letter. Never retries by itself.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::super::caller::{Called, call};
use super::super::exchange::now_ms;
use super::super::hook::HookError;
use super::request::Datatype;
use super::{ZjzwfwSso, sign, xml};

/// How much too old a stale call is, in milliseconds: twice what a resource may tolerate.
const STALE_MS: i64 = 600_000;

/// HTTP method of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Parameters in the query.
    Get,
    /// Parameters in a form.
    #[default]
    Post,
}

/// What is wrong with a call, if anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signature {
    /// As it should be.
    #[default]
    Valid,
    /// Right for its time, which is ten minutes ago.
    Stale,
    /// Made with another password.
    Wrong,
}

/// A call to the platform's hook.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserPush {
    /// `synchronizeUser` or `deleteUser`; anything else is sent as well.
    pub method: String,
    /// Which resource is called, by its servicecode; the one the builder was told first when none is named.
    pub servicecode: Option<String>,
    /// HTTP method.
    pub verb: Verb,
    /// How `args` is written.
    pub datatype: Datatype,
    /// Whether the signature holds.
    pub signature: Signature,
    /// The user: an object of texts.
    pub args: Value,
}

impl Default for UserPush {
    fn default() -> Self {
        Self {
            method: "synchronizeUser".to_owned(),
            servicecode: None,
            verb: Verb::Post,
            datatype: Datatype::Json,
            signature: Signature::Valid,
            args: json!({
                "opttype": "add", "userid": "demoUser0003", "loginname": "zhence3", "username": "甄测生",
                "orgcoding": "001006", "idnum": "999999198506150036", "mobile": "13800000003", "sex": "1",
                "useable": "1",
            }),
        }
    }
}

/// A request as it was sent.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    verb: Verb,
    url: String,
    form: String,
}

impl ZjzwfwSso {
    /// Signs a call and sends it to the hook; the raw answer.
    ///
    /// # Errors
    /// [`HookError`]: no URL is set, or no complete answer came in time.
    pub async fn push_user(&self, push: &UserPush) -> Result<Called, HookError> {
        let sent = self.compose(push, self.hook.url()?);
        *self.last_sent.lock() = Some(sent.clone());
        self.send(&sent).await
    }

    /// Sends the last call again, to the letter; the raw answer.
    ///
    /// # Errors
    /// [`HookError`]: nothing was sent yet, or no complete answer came in time.
    pub async fn repeat_push(&self) -> Result<Called, HookError> {
        let last = self.last_sent.lock().clone();
        self.send(&last.ok_or(HookError::NothingSent)?).await
    }

    fn compose(&self, push: &UserPush, hook: String) -> Sent {
        let code = push.servicecode.as_deref().unwrap_or(&self.settings.main);
        // A code that is nobody's is signed as well: the platform must refuse it.
        let pwd = self.settings.services.get(code).map_or("", String::as_str);
        let age_ms = if push.signature == Signature::Stale { STALE_MS } else { 0 };
        let time = sign::beijing(now_ms().saturating_sub(age_ms));
        let pwd = if push.signature == Signature::Wrong { format!("{pwd}-other") } else { pwd.to_owned() };
        let (datatype, args) = match push.datatype {
            Datatype::Json => ("json", push.args.to_string()),
            Datatype::Xml => {
                let members = push.args.as_object().into_iter().flatten();
                ("xml", xml::sso(members.map(|(name, value)| (name.as_str(), value)), true))
            }
        };
        let parameters = [
            ("method", push.method.as_str()),
            ("servicecode", code),
            ("time", &time),
            ("sign", &sign::sign(code, &pwd, &time)),
            ("datatype", datatype),
            ("args", &args),
        ];
        let form = Serializer::new(String::new()).extend_pairs(parameters).finish();
        match push.verb {
            Verb::Post => Sent { verb: Verb::Post, url: hook, form },
            Verb::Get => {
                let joint = if hook.contains('?') { '&' } else { '?' };
                Sent { verb: Verb::Get, url: format!("{hook}{joint}{form}"), form: String::new() }
            }
        }
    }

    async fn send(&self, sent: &Sent) -> Result<Called, HookError> {
        let form = [("content-type", "application/x-www-form-urlencoded;charset=utf-8")];
        let (method, headers) = match sent.verb {
            Verb::Get => (Method::GET, &[][..]),
            Verb::Post => (Method::POST, &form[..]),
        };
        Ok(call(method, &sent.url, headers, sent.form.clone(), self.settings.hook_deadline).await?)
    }
}
