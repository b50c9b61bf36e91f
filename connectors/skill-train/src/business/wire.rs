//! The records of part 2 in the upstream's form: its own API's address where the link has one, numbers as its examples
//! write them unless the link says otherwise.

use serde::Serialize;
use serde_json::{Value, json};

use super::{BusinessClass, BusinessStudent, CourseInfo, Teacher};
use crate::{
    class::{ClassChapter, ClassCourse, ClassResource},
    config::Config,
    input::card_no,
    model::{number, set},
    operation::Operation,
};

/// A teacher.
pub(super) fn teacher(config: &Config, teacher: &Teacher) -> Value {
    let mut record = with_api_url(config, teacher);
    set(&mut record, "teaCard", card_no(&teacher.tea_card));
    record
}

/// A student.
pub(super) fn student(config: &Config, student: &BusinessStudent) -> Value {
    let mut record = with_api_url(config, student);
    set(&mut record, "stuCard", card_no(&student.stu_card));
    trim_photo(&mut record);
    record
}

/// A course.
pub(super) fn course(config: &Config, course: &CourseInfo) -> Value {
    let as_text = config.writes_text(Operation::CourseInfo, true);
    let sections = course.section_list.iter().map(|section| {
        let chapters = section.section_source_list.iter().map(|chapter| {
            json!({
                "chapterName": chapter.chapter_name,
                "videoUrl": chapter.video_url.trim(),
                "chapterSort": number(chapter.chapter_sort, as_text),
                "duration": number(chapter.duration, as_text),
            })
        });
        json!({
            "sectionName": section.section_name,
            "sectionSort": number(section.section_sort, as_text),
            "sectionSourceList": chapters.collect::<Value>(),
        })
    });
    let record = json!({ "courseName": course.course_name, "sectionList": sections.collect::<Value>() });
    let mut record = with_api_url(config, &record);
    if let Some(poster) = &course.course_poster {
        set(&mut record, "coursePoster", poster.trim());
    }
    record
}

/// A class.
pub(super) fn class(config: &Config, class: &BusinessClass) -> Value {
    let students = class.students.iter().map(|student| {
        let mut record = serde_json::to_value(student).unwrap_or_default();
        set(&mut record, "cardNo", card_no(&student.card_no));
        trim_photo(&mut record);
        record
    });
    let record = json!({
        "classCode": class.class_code,
        "trainClassName": class.train_class_name,
        "orgCode": class.org_code,
        "orgName": class.org_name,
        "thirdClassCourseInfoVoList": class.courses.iter().map(|course| class_course(config, course)).collect::<Value>(),
        "thirdClassStudentInfoVoList": students.collect::<Value>(),
    });
    with_api_url(config, &record)
}

fn class_course(config: &Config, course: &ClassCourse) -> Value {
    json!({
        "courseCode": course.course_code,
        "title": course.title,
        "sort": number(course.sort, config.writes_text(Operation::ClassPush, false)),
        "children": course.chapters.iter().map(|chapter| class_chapter(config, chapter)).collect::<Value>(),
    })
}

fn class_chapter(config: &Config, chapter: &ClassChapter) -> Value {
    json!({
        "chapterCode": chapter.chapter_code,
        "title": chapter.title,
        "sort": number(chapter.sort, config.writes_text(Operation::ClassPush, false)),
        "children": chapter.resources.iter().map(|resource| class_resource(config, resource)).collect::<Value>(),
    })
}

/// In the document's example places are numbers and lengths are text.
fn class_resource(config: &Config, resource: &ClassResource) -> Value {
    let (minutes, seconds) = (resource.duration_s / 60, resource.duration_s % 60);
    json!({
        "resCode": resource.res_code,
        "resType": resource.res_type,
        "sort": number(resource.sort, config.writes_text(Operation::ClassPush, false)),
        "spread": true,
        "title": resource.title,
        "videoShowTimeLength": format!("{minutes}分钟{seconds}秒"),
        "videoTimeLength": number(resource.duration_s, config.writes_text(Operation::ClassPush, true)),
        "videoUrl": resource.video_url.trim(),
    })
}

fn with_api_url(config: &Config, record: &impl Serialize) -> Value {
    let mut record = serde_json::to_value(record).unwrap_or_default();
    if let Some(url) = &config.part2.api_url {
        set(&mut record, "studyPlatformApiUrl", url.as_str());
    }
    record
}

fn trim_photo(record: &mut Value) {
    if let Some(Value::String(photo)) = record.get_mut("ercunPhotos") {
        *photo = photo.trim().to_owned();
    }
}
