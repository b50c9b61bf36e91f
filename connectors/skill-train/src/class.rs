//! A class that the upstream pushes (1.12), in clean names, and what becomes of it: every learner gets an account, or
//! nobody does. Of a class only hashes and accounts are kept.

pub(crate) mod accounts;
mod memory;
mod push;
mod read;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Code;

pub use push::push;

/// A class: the `data` of the event `class.push`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Class {
    /// The class.
    pub class_code: String,
    /// Its name.
    pub class_name: String,
    /// The training organisation.
    pub org_code: String,
    /// Its name.
    pub org_name: String,
    /// The occupation.
    pub work_name: String,
    /// Must a learner's name be verified (`student.authenticate`)?
    pub real_name_required: bool,
    /// Hours a learner may study a day; null = no limit.
    pub daily_hours_max: Option<u32>,
    /// Which check keeps learners awake.
    pub idle_check: IdleCheck,
    /// When that check comes; null when there is none or the upstream does not say.
    pub idle_trigger: Option<Trigger>,
    /// Is a face compared when a video starts?
    pub face_at_start: bool,
    /// As received: the document does not say what it means. Null when it was not sent.
    pub face_time_limit: Option<u32>,
    /// Are viewings recorded (`record.submit`)?
    pub record_video: bool,
    /// The courses.
    pub courses: Vec<ClassCourse>,
    /// The learners.
    pub students: Vec<Student>,
}

/// Which check keeps learners awake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IdleCheck {
    /// None.
    None,
    /// A code to type (`popup.get`, `popup.submit`).
    Popup,
    /// A face to compare (`face.config`, `face.compare`).
    Face,
}

/// When a check comes.
#[derive(Debug, Serialize)]
pub struct Trigger {
    /// How `value` counts.
    pub kind: TriggerKind,
    /// Times a video, or minutes.
    pub value: u32,
}

/// How the value of a [`Trigger`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerKind {
    /// So many times in each video.
    Count,
    /// Every so many minutes.
    Interval,
    /// In minutes, every gap longer than the last: the n-th is n times the value.
    Growing,
}

/// A learner.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Student {
    /// Identity number.
    pub card_no: String,
    /// The learner's code at the upstream.
    pub student_user_code: String,
    /// Name.
    pub student_name: String,
    /// Mobile number; may be empty.
    pub student_phone: String,
    /// Address of the two-inch photo; may be empty.
    pub photo_url: String,
    /// The account, where this connector makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A course of a class.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClassCourse {
    /// Its code.
    pub course_code: Code,
    /// Its title.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// Its place in the class.
    #[serde(default)]
    pub sort: u32,
    /// Its chapters.
    #[schemars(length(max = 500))]
    pub chapters: Vec<ClassChapter>,
}

/// A chapter of a course of a class.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClassChapter {
    /// Its code.
    pub chapter_code: Code,
    /// Its title.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// Its place in the course.
    #[serde(default)]
    pub sort: u32,
    /// Its videos.
    #[schemars(length(max = 500))]
    pub resources: Vec<ClassResource>,
}

/// A video of a chapter.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClassResource {
    /// Its code.
    pub res_code: Code,
    /// Its kind.
    #[serde(default = "video")]
    #[schemars(length(min = 1, max = 32))]
    pub res_type: String,
    /// Its title.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// Its place in the chapter.
    #[serde(default)]
    pub sort: u32,
    /// How long it is, in seconds.
    #[schemars(range(max = 604_800))]
    pub duration_s: u32,
    /// Its address.
    #[schemars(length(min = 1, max = 2048))]
    pub video_url: String,
}

fn video() -> String {
    "TYPE_VIDEO".to_owned()
}
