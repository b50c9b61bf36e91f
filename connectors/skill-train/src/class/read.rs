//! Reads a class however it is spelt: every spelling of the document's tables and examples, numbers as text and the
//! reverse. A refusal names a field by its path and never quotes a value. Bounds: 2000 learners.

use duijie_sdk::json;
use serde_json::Value;

use super::{Class, ClassChapter, ClassCourse, ClassResource, IdleCheck, Student, Trigger, TriggerKind, video};
use crate::{hook::Refused, model::Code};

const STUDENTS_MAX: usize = 2000;

/// A class out of the `data` of a request.
pub(super) fn class(data: &Value) -> Result<Class, Refused> {
    let root = Node { value: data, at: "data".to_owned() };
    let idle_check = match root.number(&["videoOnHook"])?.unwrap_or(0) {
        0 => IdleCheck::None,
        1 => IdleCheck::Popup,
        2 => IdleCheck::Face,
        _ => return Err(root.wrong("videoOnHook", "取值不在范围内")),
    };
    let students = root.list("thirdClassStudentInfoVoList", student)?;
    if students.is_empty() || students.len() > STUDENTS_MAX {
        return Err(root.wrong("thirdClassStudentInfoVoList", &format!("应有 1 至 {STUDENTS_MAX} 名学员")));
    }
    Ok(Class {
        class_code: root.needed(&["classCode"])?,
        class_name: root.text(&["trainClassName"]),
        org_code: root.text(&["orgCode"]),
        org_name: root.text(&["orgName"]),
        work_name: root.text(&["workName"]),
        real_name_required: root.flag("realNameAuthentication")?,
        daily_hours_max: root.number(&["studyHourLimit"])?.filter(|&hours| hours > 0),
        idle_check,
        idle_trigger: if idle_check == IdleCheck::None { None } else { trigger(&root)? },
        face_at_start: root.flag("videoStartFace")?,
        face_time_limit: root.number(&["faceTimeLimit"])?,
        record_video: root.flag("videoPlayRecord")?,
        courses: root.list("thirdClassCourseInfoVoList", course)?,
        students,
    })
}

fn trigger(root: &Node<'_>) -> Result<Option<Trigger>, Refused> {
    let Some(detail) = root.value.get("videoOnHookDetail").filter(|detail| detail.is_object()) else {
        return Ok(None);
    };
    let detail = Node { value: detail, at: format!("{}.videoOnHookDetail", root.at) };
    let kind = match detail.number(&["triggerType"])? {
        None => return Ok(None),
        Some(0) => TriggerKind::Count,
        Some(1) => TriggerKind::Interval,
        Some(2) => TriggerKind::Growing,
        Some(_) => return Err(detail.wrong("triggerType", "取值不在范围内")),
    };
    Ok(Some(Trigger { kind, value: detail.number(&["triggervValue", "triggerValue"])?.unwrap_or(0) }))
}

fn course(node: Node<'_>) -> Result<ClassCourse, Refused> {
    Ok(ClassCourse {
        course_code: node.code(&["courseCode"])?,
        title: node.text(&["title", "courseName"]),
        sort: node.number(&["sort"])?.unwrap_or(0),
        chapters: node.list("children", chapter)?,
    })
}

fn chapter(node: Node<'_>) -> Result<ClassChapter, Refused> {
    Ok(ClassChapter {
        chapter_code: node.code(&["chapterCode", "chapetCode", "chapertCode"])?,
        title: node.text(&["title", "chapterName"]),
        sort: node.number(&["sort"])?.unwrap_or(0),
        resources: node.list("children", resource)?,
    })
}

fn resource(node: Node<'_>) -> Result<ClassResource, Refused> {
    let kind = node.text(&["resType"]);
    Ok(ClassResource {
        res_code: node.code(&["resCode"])?,
        res_type: if kind.is_empty() { video() } else { kind },
        title: node.text(&["title", "resName"]),
        sort: node.number(&["sort"])?.unwrap_or(0),
        duration_s: node.number(&["videoTimeLength", "duration"])?.unwrap_or(0),
        video_url: node.text(&["videoUrl"]),
    })
}

fn student(node: Node<'_>) -> Result<Student, Refused> {
    Ok(Student {
        card_no: node.needed(&["cardNo"])?,
        student_user_code: node.needed(&["studentUserCode", "student UserCode", "studentCode"])?,
        student_name: node.text(&["studentName"]),
        student_phone: node.text(&["studentPhone", "mobile"]),
        photo_url: node.text(&["ercunPhotos", "ercunPhotoUrl", "ercunPhotosUrl"]),
        account: None,
    })
}

/// A value, and where it stands.
struct Node<'a> {
    value: &'a Value,
    at: String,
}

impl Node<'_> {
    fn wrong(&self, name: &str, rule: &str) -> Refused {
        Refused::Because(format!("字段 {}.{name} {rule}", self.at))
    }

    fn find(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.value.get(name).filter(|found| !found.is_null()))
    }

    /// A text under the first of these names; empty when there is none. Blanks around it are slips.
    fn text(&self, names: &[&str]) -> String {
        self.find(names).and_then(json::text).unwrap_or_default().trim().to_owned()
    }

    fn needed(&self, names: &[&str]) -> Result<String, Refused> {
        let text = self.text(names);
        match text.chars().count() {
            1..=64 => Ok(text),
            _ => Err(self.wrong(names.first().copied().unwrap_or_default(), "应为 1 至 64 个字符")),
        }
    }

    fn code(&self, names: &[&str]) -> Result<Code, Refused> {
        let wrong = |_| self.wrong(names.first().copied().unwrap_or_default(), "不能为空");
        Code::try_from(self.needed(names)?).map_err(wrong)
    }

    /// A number that may stand in quotes; empty text is none.
    fn number(&self, names: &[&str]) -> Result<Option<u32>, Refused> {
        let Some(value) = self.find(names).filter(|value| value.as_str() != Some("")) else { return Ok(None) };
        let number = json::integer(value).and_then(|number| u32::try_from(number).ok());
        number.map(Some).ok_or_else(|| self.wrong(names.first().copied().unwrap_or_default(), "应为非负整数"))
    }

    fn flag(&self, name: &str) -> Result<bool, Refused> {
        match self.number(&[name])? {
            None | Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(_) => Err(self.wrong(name, "取值不在范围内")),
        }
    }

    /// A list's elements; none when there is no list.
    fn list<T>(&self, name: &str, read: impl Fn(Node<'_>) -> Result<T, Refused>) -> Result<Vec<T>, Refused> {
        let elements = match self.find(&[name]) {
            None => return Ok(Vec::new()),
            Some(value) => value.as_array().ok_or_else(|| self.wrong(name, "应为数组"))?,
        };
        let node = |(at, value)| Node { value, at: format!("{}.{name}[{at}]", self.at) };
        elements.iter().enumerate().map(|element| read(node(element))).collect()
    }
}
