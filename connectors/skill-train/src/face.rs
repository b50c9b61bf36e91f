//! Is it the right face? A check is asked for (1.5), then a photo compared (1.6). The photo is biometric: it is moved
//! from the input into the request's body, never copied, kept, decoded or written into a log or message.

mod photo;

use duijie_sdk::{Class, Failure, Link, input::Violations, json, secret::Part as Text, template::inside_json, time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call,
    config::Config,
    envelope,
    model::{Code, number},
    operation::Operation,
    popup::{expires_at, needed},
    study::Viewing,
};

/// What `face.config` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What this check is called when a photo is compared.
    pub biz_code: String,
    /// Until when a photo may be compared, RFC 3339 in China time; null when the upstream does not say.
    pub expires_at: Option<String>,
}

/// What a photo comes as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum CompareMode {
    /// Base64.
    #[serde(rename = "0")]
    Base64,
    /// An address that the upstream fetches.
    #[serde(rename = "1")]
    Url,
    /// Either.
    #[serde(rename = "2")]
    Mixed,
}

/// What `face.compare` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Compare {
    /// From `face.config`.
    pub biz_code: Code,
    /// The resource (video).
    pub res_code: Code,
    /// The learner.
    pub student_user_code: Code,
    /// The class.
    pub class_code: Code,
    /// Position in the video, in seconds.
    #[schemars(range(max = 604_800))]
    pub video_study_time: u32,
    /// What the photo comes as: "0" base64, "1" address, "2" either.
    pub compare_mode: CompareMode,
    /// The photo: standard base64 with padding and without line breaks, of at most `face.max_bytes` bytes, or an
    /// address.
    #[schemars(length(min = 1, max = 4_000_000))]
    pub target: String,
}

/// What `face.compare` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Compared {
    /// Is it the learner's face? If not, let the learner take another photo.
    pub matched: bool,
    /// The upstream's text for the learner; may be empty.
    pub message: String,
}

/// 1.5: a face check begins.
///
/// # Errors
/// As [`call::learning`]; `upstream-rejected` with the detail `{"sub_code":"offline"}` when the learner is not on line;
/// `protocol` when the answer has no `bizCode`.
pub fn config(link: &Link<Config>, viewing: Viewing) -> Result<Check, Failure> {
    let asked_ms = time::now_ms();
    let answer = call::learning(link, Operation::FaceConfig, &viewing).map_err(|failure| match failure.class {
        // "0=在线,1=不在线"
        Class::UpstreamRejected => failure.sub_code("offline"),
        _ => failure,
    })?;
    Ok(Check { biz_code: needed(&answer.data, "/bizCode")?, expires_at: expires_at(asked_ms, &answer.data) })
}

/// 1.6: is it the right face? "No" is an answer.
///
/// # Errors
/// `invalid-input` for a photo that is too large or none; as [`call::learning`]; `protocol` when the answer is neither
/// yes nor no.
pub fn compare(link: &Link<Config>, compare: Compare) -> Result<Compared, Failure> {
    let config = link.config();
    let mut wrong = Violations::default();
    photo::check(&config.face, compare.compare_mode, &compare.target, &mut wrong);
    wrong.none()?;

    let rest = json!({
        "compareMode": compare.compare_mode,
        "studentUserCode": compare.student_user_code,
        "resCode": compare.res_code,
        "classCode": compare.class_code,
        "videoStudyTime": number(compare.video_study_time, config.writes_text(Operation::FaceCompare, false)),
        "bizCode": compare.biz_code,
    })
    .to_string();
    // The head and the platform's code change with a new log-in; the photo between them stays where it is.
    let tail = format!(r#"",{}}}"#, rest.strip_prefix('{').unwrap_or_default());
    // Base64 is the inside of a JSON string as it is.
    let target = if photo::is_url(&compare.target) { inside_json(compare.target) } else { compare.target };
    let mut request =
        envelope::post(config, Operation::FaceCompare).body([Text::text(""), Text::text(target), Text::text(tail)]);
    let answer = call::authorized(link, Operation::FaceCompare, &mut request, &|request, head, code| {
        let opened = format!(r#"{{"studyPlatformCode":"{}","target":""#, inside_json(code.to_owned()));
        request.set_body_part(0, head + &opened);
    })?;
    let matched = match answer.data.get("result").and_then(json::integer) {
        Some(1) => true,
        Some(2) => false,
        _ => return Err(Failure::protocol("the upstream says success, but neither match nor mismatch")),
    };
    Ok(Compared { matched, message: answer.data.get("msg").and_then(json::text).unwrap_or_default() })
}
