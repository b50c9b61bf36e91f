//! Part 2: what a business platform registers — teachers (2.1), courses (2.2), students (2.3), classes (2.4) — and what
//! was studied (2.5). Keeps nothing.

mod wire;

use duijie_sdk::{Failure, Link, input::Violations, json, typed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    call,
    class::ClassCourse,
    config::Config,
    input::{check_card_no, check_url},
    model::{Accepted, Code},
    operation::Operation,
};

/// What `teacher.push` takes.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Teacher {
    /// The teacher.
    pub tea_code: Code,
    /// Name.
    #[schemars(length(min = 1, max = 64))]
    pub tea_name: String,
    /// The department above, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dep_code: Option<Code>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub dep_name: Option<String>,
    /// The training organisation.
    pub org_code: Code,
    /// Identity number.
    #[schemars(length(min = 1, max = 64))]
    pub tea_card: String,
    /// Mobile number.
    #[schemars(length(min = 1, max = 20))]
    pub mobile: String,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub remark: Option<String>,
}

/// What `course.info` takes. In part 2 a section is what is a chapter elsewhere, and the reverse.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CourseInfo {
    /// The course's name; there is no code.
    #[schemars(length(min = 1, max = 200))]
    pub course_name: String,
    /// Address of its poster.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2048))]
    pub course_poster: Option<String>,
    /// Its sections (章).
    #[schemars(length(min = 1, max = 500))]
    pub section_list: Vec<InfoSection>,
}

/// A section (章) of a course of part 2.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InfoSection {
    /// Its name.
    #[schemars(length(min = 1, max = 200))]
    pub section_name: String,
    /// Its place in the course.
    #[schemars(range(max = 1_000_000))]
    pub section_sort: u32,
    /// Its chapters (节).
    #[schemars(length(max = 500))]
    pub section_source_list: Vec<InfoChapter>,
}

/// A chapter (节) of a course of part 2: one video.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InfoChapter {
    /// Its name.
    #[schemars(length(min = 1, max = 200))]
    pub chapter_name: String,
    /// Its address.
    #[schemars(length(min = 1, max = 2048))]
    pub video_url: String,
    /// Its place in its section.
    #[schemars(range(max = 1_000_000))]
    pub chapter_sort: u32,
    /// How long it is, in seconds.
    #[schemars(range(max = 604_800))]
    pub duration: u32,
}

/// What `student.push` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Students {
    /// The students; the upstream takes all of them or none and says nothing of each.
    #[schemars(length(min = 1, max = 500))]
    pub students: Vec<BusinessStudent>,
}

/// A student of a business platform.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BusinessStudent {
    /// The student.
    pub stu_code: Code,
    /// Name.
    #[schemars(length(min = 1, max = 64))]
    pub stu_name: String,
    /// Identity number.
    #[schemars(length(min = 1, max = 64))]
    pub stu_card: String,
    /// Mobile number.
    #[schemars(length(min = 1, max = 20))]
    pub mobile: String,
    /// Address of the two-inch photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub ercun_photos: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub remark: Option<String>,
}

/// What `class.push` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BusinessClass {
    /// The class.
    pub class_code: Code,
    /// Its name.
    #[schemars(length(min = 1, max = 200))]
    pub train_class_name: String,
    /// The training organisation.
    pub org_code: Code,
    /// Its name.
    #[schemars(length(min = 1, max = 200))]
    pub org_name: String,
    /// The courses.
    #[schemars(length(min = 1, max = 200))]
    pub courses: Vec<ClassCourse>,
    /// The learners.
    #[schemars(length(min = 1, max = 2000))]
    pub students: Vec<ClassStudent>,
}

/// A learner of a class of a business platform.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClassStudent {
    /// Identity number.
    #[schemars(length(min = 1, max = 64))]
    pub card_no: String,
    /// The student.
    pub student_code: Code,
    /// Name.
    #[schemars(length(min = 1, max = 64))]
    pub student_name: String,
    /// Address of the two-inch photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub ercun_photos: Option<String>,
}

/// What `class.study-records` takes.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClassRef {
    /// The class.
    pub class_code: Code,
}

/// What `class.study-records` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StudyRecords {
    /// One for each learner and video; the upstream has no pages.
    pub records: Vec<StudyRecord>,
}

/// How long a learner has studied a video.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StudyRecord {
    /// The video.
    #[serde(deserialize_with = "json::as_text")]
    pub res_code: String,
    /// The section; null when there is none.
    #[serde(default, deserialize_with = "json::as_text_option")]
    pub section_code: Option<String>,
    /// The class.
    #[serde(default, deserialize_with = "json::as_text_option")]
    pub class_code: Option<String>,
    /// The course.
    #[serde(default, deserialize_with = "json::as_text_option")]
    pub course_code: Option<String>,
    /// The learner (`userCode` at the upstream).
    #[serde(alias = "userCode", deserialize_with = "json::as_text")]
    pub student_user_code: String,
    /// Seconds studied.
    #[serde(deserialize_with = "json::as_integer")]
    pub play_time: i64,
}

/// 2.1: a teacher.
///
/// # Errors
/// `invalid-input`; as [`call::learning`].
pub fn push_teacher(link: &Link<Config>, teacher: Teacher) -> Result<Accepted, Failure> {
    let mut wrong = Violations::default();
    check_card_no(&mut wrong, link.config(), "/teaCard", &teacher.tea_card);
    wrong.none()?;
    let data = wire::teacher(link.config(), &teacher);
    Ok(call::business(link, Operation::TeacherPush, &data)?.into())
}

/// 2.2: a course.
///
/// # Errors
/// As [`push_teacher`].
pub fn push_course(link: &Link<Config>, course: CourseInfo) -> Result<Accepted, Failure> {
    let mut wrong = Violations::default();
    if let Some(text) = &course.course_poster {
        check_url(&mut wrong, "/coursePoster", text);
    }
    for (n, section) in course.section_list.iter().enumerate() {
        for (m, chapter) in section.section_source_list.iter().enumerate() {
            check_url(&mut wrong, &format!("/sectionList/{n}/sectionSourceList/{m}/videoUrl"), &chapter.video_url);
        }
    }
    wrong.none()?;
    let data = wire::course(link.config(), &course);
    Ok(call::business(link, Operation::CourseInfo, &data)?.into())
}

/// 2.3: students.
///
/// # Errors
/// As [`push_teacher`].
pub fn push_students(link: &Link<Config>, input: Students) -> Result<Accepted, Failure> {
    let mut wrong = Violations::default();
    for (n, student) in input.students.iter().enumerate() {
        check_card_no(&mut wrong, link.config(), &format!("/students/{n}/stuCard"), &student.stu_card);
        if let Some(text) = &student.ercun_photos {
            check_url(&mut wrong, &format!("/students/{n}/ercunPhotos"), text);
        }
    }
    wrong.none()?;
    let data = input.students.iter().map(|student| wire::student(link.config(), student)).collect();
    Ok(call::business(link, Operation::StudentPush, &data)?.into())
}

/// 2.4: a class.
///
/// # Errors
/// As [`push_teacher`].
pub fn push_class(link: &Link<Config>, class: BusinessClass) -> Result<Accepted, Failure> {
    let mut wrong = Violations::default();
    for (n, student) in class.students.iter().enumerate() {
        check_card_no(&mut wrong, link.config(), &format!("/students/{n}/cardNo"), &student.card_no);
        if let Some(text) = &student.ercun_photos {
            check_url(&mut wrong, &format!("/students/{n}/ercunPhotos"), text);
        }
    }
    for (n, course) in class.courses.iter().enumerate() {
        for (m, chapter) in course.chapters.iter().enumerate() {
            for (k, resource) in chapter.resources.iter().enumerate() {
                let at = format!("/courses/{n}/chapters/{m}/resources/{k}/videoUrl");
                check_url(&mut wrong, &at, &resource.video_url);
            }
        }
    }
    wrong.none()?;
    let data = wire::class(link.config(), &class);
    Ok(call::business(link, Operation::ClassPush, &data)?.into())
}

/// 2.5: what the learners of a class have studied.
///
/// # Errors
/// As [`call::learning`]; `protocol` when the answer is no list of records.
pub fn study_records(link: &Link<Config>, class: ClassRef) -> Result<StudyRecords, Failure> {
    let data = serde_json::to_value(&class).unwrap_or_default();
    let answer = call::business(link, Operation::StudyRecords, &data)?;
    let records = match answer.data {
        Value::Null => Vec::new(),
        list => typed::from_value(list)
            .map_err(|_| Failure::protocol("the upstream says success, but returnData is no list of study records"))?,
    };
    Ok(StudyRecords { records })
}
