//! A learner at a video: start (1.3), end (1.4), progress (1.10) and recording (1.9). Counts nothing itself: increments
//! are the platform's.

use duijie_sdk::{Failure, Link, input::Violations};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    call,
    config::Config,
    input::check_url,
    model::{Accepted, Code, number, set},
    operation::Operation,
};

/// What `study.start` takes.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Start {
    /// The resource (video).
    pub res_code: Code,
    /// The learner.
    pub student_user_code: Code,
    /// The section, if the resource is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_code: Option<Code>,
    /// The class.
    pub class_code: Code,
    /// The course.
    pub course_code: Code,
}

/// Who watches what: what `study.end`, `face.config` and `popup.get` take.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Viewing {
    /// The resource (video).
    pub res_code: Code,
    /// The learner.
    pub student_user_code: Code,
    /// The class.
    pub class_code: Code,
}

/// What `progress.report` takes.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Progress {
    /// The resource (video).
    pub res_code: Code,
    /// The learner.
    pub student_user_code: Code,
    /// The section, if the resource is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_code: Option<Code>,
    /// The class.
    pub class_code: Code,
    /// The course.
    pub course_code: Code,
    /// Position in the video, in seconds.
    #[schemars(range(max = 604_800))]
    pub play_time: u32,
    /// Seconds watched since the report before this one.
    #[schemars(range(max = 604_800))]
    pub progress_time: u32,
}

/// What `record.submit` takes.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Recording {
    /// The resource (video).
    pub res_code: Code,
    /// The learner.
    pub student_user_code: Code,
    /// The section, if the resource is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_code: Option<Code>,
    /// The class.
    pub class_code: Code,
    /// The course.
    pub course_code: Code,
    /// Address of the recording. The upstream fetches it later: it must stay reachable.
    #[schemars(length(min = 1, max = 2048))]
    pub record_video_url: String,
}

/// 1.3: a viewing begins.
///
/// # Errors
/// As [`call::learning`].
pub fn start(link: &Link<Config>, start: Start) -> Result<Accepted, Failure> {
    Ok(call::learning(link, Operation::StudyStart, &start)?.into())
}

/// 1.4: a video is finished.
///
/// # Errors
/// As [`call::learning`].
pub fn end(link: &Link<Config>, viewing: Viewing) -> Result<Accepted, Failure> {
    Ok(call::learning(link, Operation::StudyEnd, &viewing)?.into())
}

/// 1.10: what was watched since the last report.
///
/// # Errors
/// As [`call::learning`].
pub fn progress(link: &Link<Config>, progress: Progress) -> Result<Accepted, Failure> {
    let as_text = link.config().writes_text(Operation::ProgressReport, false);
    let mut data = serde_json::to_value(&progress).unwrap_or_default();
    for (name, value) in [("playTime", progress.play_time), ("progressTime", progress.progress_time)] {
        set(&mut data, name, number(value, as_text));
    }
    Ok(call::learning(link, Operation::ProgressReport, &data)?.into())
}

/// 1.9: where the recording of a viewing is.
///
/// # Errors
/// As [`call::learning`].
pub fn submit_recording(link: &Link<Config>, recording: Recording) -> Result<Accepted, Failure> {
    let mut wrong = Violations::default();
    check_url(&mut wrong, "/recordVideoUrl", &recording.record_video_url);
    wrong.none()?;
    Ok(call::learning(link, Operation::RecordSubmit, &recording)?.into())
}
