//! "Are you still there?": a code to show (1.7) and what the learner typed (1.8). Keeps neither.

use duijie_sdk::{Failure, Link, json, time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    call,
    config::Config,
    envelope::RFC3339,
    model::{Accepted, Code, number},
    operation::Operation,
    study::Viewing,
};

/// What `popup.get` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Popup {
    /// What this check is called when it is submitted.
    pub biz_code: String,
    /// What to show to the learner.
    pub verification_code: String,
    /// Until when it may be submitted, RFC 3339 in China time; null when the upstream does not say.
    pub expires_at: Option<String>,
}

/// What `popup.submit` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Typed {
    /// From `popup.get`; it carries the learner too.
    pub biz_code: Code,
    /// What the learner typed.
    #[schemars(length(min = 1, max = 64))]
    pub verification_code: String,
    /// Position in the video, in seconds.
    #[schemars(range(max = 604_800))]
    pub video_study_time: u32,
}

/// 1.7: a code to show.
///
/// # Errors
/// As [`call::learning`]; `protocol` when the answer has no code.
pub fn get(link: &Link<Config>, viewing: Viewing) -> Result<Popup, Failure> {
    let asked_ms = time::now_ms();
    let data = call::learning(link, Operation::PopupGet, &viewing)?.data;
    Ok(Popup {
        biz_code: needed(&data, "/bizCode")?,
        verification_code: needed(&data, "/verificationCode")?,
        expires_at: expires_at(asked_ms, &data),
    })
}

/// 1.8: what the learner typed.
///
/// # Errors
/// As [`call::learning`].
pub fn submit(link: &Link<Config>, typed: Typed) -> Result<Accepted, Failure> {
    let as_text = link.config().writes_text(Operation::PopupSubmit, false);
    let data = json!({
        "bizCode": typed.biz_code,
        "verificationCode": typed.verification_code,
        "videoStudyTime": number(typed.video_study_time, as_text),
    });
    Ok(call::learning(link, Operation::PopupSubmit, &data)?.into())
}

/// A text that an answer must have.
///
/// # Errors
/// `protocol` when it has not; nothing of the answer is in the message.
pub fn needed(data: &Value, pointer: &str) -> Result<String, Failure> {
    let found = json::first(data, &[pointer]).and_then(json::text).filter(|text| !text.is_empty());
    found.ok_or_else(|| Failure::protocol(format!("the upstream says success without returnData{pointer}")))
}

/// When a check ends: `expiresTime` minutes after it was asked for, so rather early than late.
pub fn expires_at(asked_ms: u64, data: &Value) -> Option<String> {
    let minutes = json::integer(data.get("expiresTime")?).and_then(|minutes| u64::try_from(minutes).ok())?;
    let ends_ms = asked_ms.checked_add(minutes.checked_mul(60_000)?)?;
    Some(time::format(ends_ms, RFC3339))
}
