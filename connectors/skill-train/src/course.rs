//! The course catalogue: pushed (1.13), kept in the link's store, or pulled by the upstream (1.14). One type for all
//! three; codes of parents follow from where something stands.

mod pull;
mod store;
mod wire;

use duijie_sdk::{Failure, Link, input::Violations};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    call,
    config::Config,
    input::check_url,
    model::{Accepted, Code},
    operation::Operation,
};

pub use pull::pull;
pub use store::{Stored, store};

/// How deep chapters may be nested.
const DEPTH_MAX: usize = 8;

/// What `course.push` and `course.store` take.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Courses {
    /// The courses; the upstream takes all of them or none.
    #[schemars(length(min = 1, max = 200))]
    pub courses: Vec<Course>,
}

/// One course.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Course {
    /// Its code.
    pub course_code: Code,
    /// Its name.
    #[schemars(length(min = 1, max = 200))]
    pub course_name: String,
    /// The occupation it is for.
    #[schemars(length(min = 1, max = 200))]
    pub work_name: String,
    /// What is to be done with it.
    #[serde(default)]
    pub course_status: Status,
    /// Address of its poster.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2048))]
    pub course_poster: Option<String>,
    /// Its chapters.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub chapter_list: Vec<Chapter>,
}

/// What is to be done with a course.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Status {
    /// It is new.
    #[default]
    #[serde(rename = "0")]
    Add,
    /// It is no more.
    #[serde(rename = "1")]
    Delete,
    /// It has changed.
    #[serde(rename = "2")]
    Modify,
}

/// A chapter: sections, or chapters again, at most 8 deep.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Chapter {
    /// Its code.
    pub chapter_code: Code,
    /// Its name.
    #[schemars(length(min = 1, max = 200))]
    pub chapter_name: String,
    /// Its place among those of its parent.
    #[schemars(range(max = 1_000_000))]
    pub chapter_sort: u32,
    /// Its sections.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub section_list: Vec<Section>,
    /// Chapters inside it.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub chapter_list: Vec<Chapter>,
}

/// A section.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Section {
    /// Its code.
    pub section_code: Code,
    /// Its name.
    #[schemars(length(min = 1, max = 200))]
    pub section_name: String,
    /// Its place in its chapter.
    #[schemars(range(max = 1_000_000))]
    pub section_sort: u32,
    /// Its videos.
    #[schemars(length(max = 500))]
    pub section_source_list: Vec<Source>,
}

/// A video of a section.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Source {
    /// Its code.
    pub res_code: Code,
    /// Its name.
    #[schemars(length(min = 1, max = 200))]
    pub res_name: String,
    /// Its address.
    #[schemars(length(min = 1, max = 2048))]
    pub video_url: String,
    /// Its place in its section.
    #[schemars(range(max = 1_000_000))]
    pub res_sort: u32,
    /// How long it is, in seconds.
    #[schemars(range(max = 604_800))]
    pub duration: u32,
}

/// 1.13: courses that are new, have changed or are no more.
///
/// # Errors
/// `invalid-input` for addresses that are none and chapters nested too deep; as [`call::learning`].
pub fn push(link: &Link<Config>, input: Courses) -> Result<Accepted, Failure> {
    let config = link.config();
    check(&input.courses)?;
    let as_text = config.writes_text(Operation::CoursePush, true);
    let answer = call::learning_with(link, Operation::CoursePush, &|code| {
        input.courses.iter().map(|course| wire::with_platform(wire::course(course, as_text), code)).collect::<Value>()
    })?;
    Ok(answer.into())
}

/// What a schema cannot check.
fn check(courses: &[Course]) -> Result<(), Failure> {
    let mut wrong = Violations::default();
    for (n, course) in courses.iter().enumerate() {
        if let Some(text) = &course.course_poster {
            check_url(&mut wrong, &format!("/courses/{n}/coursePoster"), text);
        }
        check_chapters(&course.chapter_list, &format!("/courses/{n}/chapterList"), 1, &mut wrong);
    }
    wrong.none()
}

fn check_chapters(chapters: &[Chapter], at: &str, depth: usize, wrong: &mut Violations) {
    if depth > DEPTH_MAX && !chapters.is_empty() {
        return wrong.add(at, &format!("chapters may be nested {DEPTH_MAX} deep"));
    }
    for (n, chapter) in chapters.iter().enumerate() {
        for (m, section) in chapter.section_list.iter().enumerate() {
            for (k, source) in section.section_source_list.iter().enumerate() {
                let at = format!("{at}/{n}/sectionList/{m}/sectionSourceList/{k}/videoUrl");
                check_url(wrong, &at, &source.video_url);
            }
        }
        check_chapters(&chapter.chapter_list, &format!("{at}/{n}/chapterList"), depth + 1, wrong);
    }
}
