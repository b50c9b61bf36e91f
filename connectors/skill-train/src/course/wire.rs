//! A course in the upstream's form: parents by code, numbers as text unless the link says otherwise.

use serde_json::{Value, json};

use super::{Chapter, Course, Section, Source};
use crate::model::{Code, number, set};

/// A course without the platform's code.
pub(super) fn course(course: &Course, as_text: bool) -> Value {
    let status = serde_json::to_value(course.course_status).unwrap_or_default();
    let status = if as_text { status } else { status.as_str().and_then(|text| text.parse::<u32>().ok()).into() };
    let mut members = json!({
        "courseName": course.course_name,
        "courseCode": course.course_code,
        "workName": course.work_name,
        "courseStatus": status,
        "chapterList": chapters(&course.chapter_list, &course.course_code, as_text),
    });
    if let Some(poster) = &course.course_poster {
        set(&mut members, "coursePoster", poster.trim());
    }
    members
}

/// A course with the platform's code.
pub(super) fn with_platform(mut course: Value, code: &str) -> Value {
    set(&mut course, "studyPlatformCode", code);
    course
}

fn chapters(chapters: &[Chapter], parent: &Code, as_text: bool) -> Value {
    chapters.iter().map(|chapter| one_chapter(chapter, parent, as_text)).collect()
}

fn one_chapter(chapter: &Chapter, parent: &Code, as_text: bool) -> Value {
    let mut members = json!({
        "chapterName": chapter.chapter_name,
        "chapterCode": chapter.chapter_code,
        "parentChapterCode": parent,
        "chapterSort": number(chapter.chapter_sort, as_text),
    });
    // One of the two stands in each of the document's chapters.
    if !chapter.chapter_list.is_empty() {
        set(&mut members, "chapterList", chapters(&chapter.chapter_list, &chapter.chapter_code, as_text));
    }
    if !chapter.section_list.is_empty() || chapter.chapter_list.is_empty() {
        let sections = chapter.section_list.iter().map(|section| one_section(section, &chapter.chapter_code, as_text));
        set(&mut members, "sectionList", sections.collect::<Value>());
    }
    members
}

fn one_section(section: &Section, parent: &Code, as_text: bool) -> Value {
    json!({
        "sectionName": section.section_name,
        "sectionCode": section.section_code,
        "parentSectionCode": parent,
        "sectionSort": number(section.section_sort, as_text),
        "sectionSourceList": section.section_source_list.iter().map(|source| one_source(source, as_text)).collect::<Value>(),
    })
}

fn one_source(source: &Source, as_text: bool) -> Value {
    json!({
        "resName": source.res_name,
        "resCode": source.res_code,
        "videoUrl": source.video_url.trim(),
        "resSort": number(source.res_sort, as_text),
        "duration": number(source.duration, as_text),
    })
}
