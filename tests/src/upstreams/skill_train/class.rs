//! The class that 1.12 pushes: courses as in the document's example, students who do not exist. The same code and
//! number always make the same class. Never uses a code or a name of the real world.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Mode, identity_number};

pub(super) const STUDENTS_MAX: usize = 1000;

/// 32 hexadecimal digits that follow from a text.
pub(super) fn code_of(text: &str) -> String {
    let mut code = hex::encode(Sha256::digest(text));
    code.truncate(32);
    code
}

/// `data` of 1.12. Strict: numbers as strings and `chapetCode`, as the example prints them; quirky: numbers where the
/// table declares them, its own spelling of the chapter's code, a blank before URLs.
pub(super) fn data(students: usize, class_code: &str, mode: Mode) -> Value {
    let number = |number: u32| match mode {
        Mode::Strict => Value::from(number.to_string()),
        Mode::Quirky => number.into(),
    };
    let blank = if mode == Mode::Quirky { " " } else { "" };
    let chapter_code = match mode {
        Mode::Strict => "chapetCode",
        Mode::Quirky => "chapterCode",
    };
    let resource = json!({
        "resCode": code_of(&format!("{class_code} resource")),
        "resType": "TYPE_VIDEO",
        "sort": 1,
        "spread": true,
        "title": "模拟资源",
        "videoShowTimeLength": "27分钟55秒",
        "videoTimeLength": number(1675),
        "videoUrl": format!("{blank}http://vod.example.com/a.mov"),
    });
    let chapter = json!({
        chapter_code: code_of(&format!("{class_code} chapter")),
        "children": [resource],
        "sort": 1,
        "title": "第一部分",
    });
    let course = json!({
        "courseCode": code_of(&format!("{class_code} course")),
        "children": [chapter],
        "sort": 0,
        "title": "模拟课程",
    });
    json!({
        "classCode": class_code,
        "trainClassName": "模拟培训班",
        "realNameAuthentication": number(1),
        "studyHourLimit": number(8),
        "faceTimeLimit": number(1),
        "videoOnHook": number(2),
        "videoOnHookDetail": {"triggerType": number(1), "triggervValue": number(10)},
        "videoPlayRecord": number(0),
        "orgCode": code_of("organisation"),
        "workName": "焊工",
        "orgName": "模拟机构",
        "thirdClassCourseInfoVoList": [course],
        "thirdClassStudentInfoVoList": (0..students).map(|n| student(n, blank)).collect::<Vec<_>>(),
    })
}

fn student(n: usize, blank: &str) -> Value {
    let card = identity_number(n);
    json!({
        "studentUserCode": code_of(&card),
        "cardNo": card,
        "studentName": format!("甄测生{}", n + 1),
        "studentPhone": format!("138{:08}", n + 1),
        "ercunPhotos": format!("{blank}http://img.example.com/f{n}.jpg"),
    })
}
