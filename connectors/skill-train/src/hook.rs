//! What both hooks have in common: the envelope of an inbound request, the token if the link asks for one, and answers
//! in the upstream's own form. A refusal never quotes what was received; why something failed inside goes to the log.

use duijie_sdk::{
    Failure, HookRequest, HookResponse, Link,
    crypto::{self, Algorithm},
    json, log,
    secret::Secret,
};
use serde_json::{Value, json};

use crate::{HOOK_TOKEN, config::Config, operation::Part};

/// Why a request is not answered with success.
pub enum Refused {
    /// The upstream may know: it can send something else.
    Because(String),
    /// It may not: something failed on our side.
    Failed(Failure),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Answers a request with what `run` makes of its `data`.
///
/// # Errors
/// `config` when hooks are not the link's role: the host says that it cannot answer now.
pub fn answer(
    link: &Link<Config>,
    request: &HookRequest,
    run: &dyn Fn(&Value) -> Result<Value, Refused>,
) -> Result<HookResponse, Failure> {
    Part::Learning.allowed_by(link.config())?;
    let refusal = match opened(link.config(), request).and_then(|data| run(&data)) {
        Ok(reply) => return HookResponse::json(200, &reply),
        Err(Refused::Because(reason)) => reason,
        Err(Refused::Failed(failure)) => {
            let class = format!("{:?}", failure.class);
            log::warn("a hook failed", &[("hook", &request.hook), ("class", &class), ("why", &failure.message)]);
            "处理未完成,请稍后重试".to_owned()
        }
    };
    HookResponse::json(200, &json!({ "returnCode": "1", "returnMsg": refusal }))
}

fn opened(config: &Config, request: &HookRequest) -> Result<Value, Refused> {
    // One text for whoever is not the upstream.
    let not_accepted = || Refused::Because("请求未被接受".to_owned());
    let mut body: Value = request.json().map_err(|_| not_accepted())?;
    if config.hook.check_token {
        let token = json::first(&body, &["/headers/userToken", "/headers/user_token"]).and_then(json::text);
        let shown = crypto::hash(Algorithm::Sha256, token.unwrap_or_default()).map_err(Failure::from)?;
        let is_right = crypto::verify_hash(Algorithm::Sha256, Secret::raw(HOOK_TOKEN), &shown);
        if !is_right.map_err(Failure::from)? {
            return Err(not_accepted());
        }
    }
    body.get_mut("data").map(Value::take).ok_or_else(not_accepted)
}
