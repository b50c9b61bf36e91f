//! The upstream's operations: what each is called in a config, where it is, and which half of the document it is of.

use duijie_sdk::Failure;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{Config, Role};

/// An outgoing operation, by its name in `[config.path]` and `[config.numbers.as_string]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operation {
    #[serde(rename = "login")]
    Login,
    #[serde(rename = "student.authenticate")]
    Authenticate,
    #[serde(rename = "study.start")]
    StudyStart,
    #[serde(rename = "study.end")]
    StudyEnd,
    #[serde(rename = "face.config")]
    FaceConfig,
    #[serde(rename = "face.compare")]
    FaceCompare,
    #[serde(rename = "popup.get")]
    PopupGet,
    #[serde(rename = "popup.submit")]
    PopupSubmit,
    #[serde(rename = "record.submit")]
    RecordSubmit,
    #[serde(rename = "progress.report")]
    ProgressReport,
    #[serde(rename = "photo.update")]
    PhotoUpdate,
    #[serde(rename = "course.push")]
    CoursePush,
    #[serde(rename = "teacher.push")]
    TeacherPush,
    #[serde(rename = "course.info")]
    CourseInfo,
    #[serde(rename = "student.push")]
    StudentPush,
    #[serde(rename = "class.push")]
    ClassPush,
    #[serde(rename = "class.study-records")]
    StudyRecords,
}

/// A half of the upstream's document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Part 1: learning platform and supervision platform.
    Learning,
    /// Part 2: business platform to supervision platform.
    Business,
}

impl Operation {
    /// Its name in config and messages.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Its path, with the document's slips repaired.
    pub fn path(self) -> &'static str {
        self.row().1
    }

    /// Which half it is of.
    pub fn part(self) -> Part {
        match self {
            Self::TeacherPush | Self::CourseInfo | Self::StudentPush | Self::ClassPush | Self::StudyRecords => {
                Part::Business
            }
            _ => Part::Learning,
        }
    }

    /// Its path as printed, where that differs: tried once when the repaired one is not found.
    pub fn path_as_printed(self) -> Option<&'static str> {
        match self {
            // Printed with a blank after "/api/", which no address can hold.
            Self::StudyStart => Some("/api/startStudy"),
            Self::FaceCompare => Some("/api/v1thirdFaceCompare"),
            _ => None,
        }
    }

    /// Does it send numbers that a link may want as text, or the reverse?
    pub fn has_numbers(self) -> bool {
        matches!(
            self,
            Self::FaceCompare
                | Self::PopupSubmit
                | Self::ProgressReport
                | Self::CoursePush
                | Self::CourseInfo
                | Self::ClassPush
        )
    }

    fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::Login => ("login", "/api/v1/thlogin"),
            Self::Authenticate => ("student.authenticate", "/api/v1/authentication"),
            Self::StudyStart => ("study.start", "/api/v1/startStudy"),
            Self::StudyEnd => ("study.end", "/api/v1/endStudy"),
            Self::FaceConfig => ("face.config", "/api/v1/getFaceCompareConfig"),
            Self::FaceCompare => ("face.compare", "/api/v1/thirdFaceCompare"),
            Self::PopupGet => ("popup.get", "/api/v1/getVerificationCode"),
            Self::PopupSubmit => ("popup.submit", "/api/v1/submitVerificationCode"),
            Self::RecordSubmit => ("record.submit", "/api/v1/submitRecordVideoUrl"),
            Self::ProgressReport => ("progress.report", "/api/v1/studyHour"),
            Self::PhotoUpdate => ("photo.update", "/api/v1/updateErcunPhotosUrl"),
            Self::CoursePush => ("course.push", "/api/v1/thirdCoursePush"),
            Self::TeacherPush => ("teacher.push", "/api/user/v1/teacherInfo"),
            Self::CourseInfo => ("course.info", "/api/course/v1/courseInfo"),
            Self::StudentPush => ("student.push", "/api/user/v1/studentInfo"),
            Self::ClassPush => ("class.push", "/api/class/v1/pushClassInfo"),
            Self::StudyRecords => ("class.study-records", "/api/class/v1/classStudentStudy"),
        }
    }
}

impl Part {
    /// Is this half the link's?
    ///
    /// # Errors
    /// `config` when the link has the other role.
    pub fn allowed_by(self, config: &Config) -> Result<(), Failure> {
        let (is_allowed, needed) = match self {
            Self::Learning => (config.role != Role::Business, "learning"),
            Self::Business => (config.role != Role::Learning, "business"),
        };
        if is_allowed {
            return Ok(());
        }
        Err(Failure::config(format!("this needs the role \"{needed}\" (or \"both\"), which the link does not have")))
    }
}
