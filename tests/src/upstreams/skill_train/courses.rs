//! Courses: 1.13, 2.2 and those in a class of 2.4. Three forms of the same tree. Bounds: chapters nested 8 deep.

use serde_json::Value;

use super::fields::{Field, Kind, Rules, may, must, object, refused};
use super::{Accepted, Call, Mode, Refusal, SkillTrain, codes};

const DEPTH_MAX: usize = 8;
const TITLE: Kind = Kind::Text(200);

const COURSE: &[Field] = &[
    must("studyPlatformCode", Kind::Platform),
    must("courseName", TITLE),
    must("courseCode", Kind::Code),
    may("workName", TITLE),
    must("courseStatus", Kind::OneOf(&["0", "1", "2"])),
    may("coursePoster", Kind::Url),
    may("chapterList", Kind::Elsewhere),
];
const DELETE: &str = "1";
const CHAPTER: &[Field] = &[
    must("chapterName", TITLE),
    must("chapterCode", Kind::Code),
    must("parentChapterCode", Kind::Code).or(&["parentChapertCode"]),
    must("chapterSort", Kind::Digits),
    may("sectionList", Kind::Elsewhere),
    may("chapterList", Kind::Elsewhere),
];
const SECTION: &[Field] = &[
    must("sectionName", TITLE),
    must("sectionCode", Kind::Code),
    must("parentSectionCode", Kind::Code),
    must("sectionSort", Kind::Digits),
    must("sectionSourceList", Kind::Elsewhere),
];
const RESOURCE: &[Field] = &[
    must("resName", TITLE),
    must("resCode", Kind::Code),
    must("videoUrl", Kind::Url),
    must("resSort", Kind::Digits),
    must("duration", Kind::Digits),
];

/// 2.2 calls a chapter a section, and a section a chapter.
const COURSE_INFO: &[Field] = &[
    may("studyPlatformApiUrl", Kind::Url),
    must("courseName", TITLE),
    may("coursePoster", Kind::Url),
    must("sectionList", Kind::Elsewhere),
];
const INFO_CHAPTER: &[Field] =
    &[must("sectionName", TITLE), must("sectionSort", Kind::Digits), must("sectionSourceList", Kind::Elsewhere)];
const INFO_SECTION: &[Field] = &[
    must("chapterName", TITLE),
    must("videoUrl", Kind::Url),
    must("chapterSort", Kind::Digits),
    must("duration", Kind::Digits),
];

const CLASS_COURSE: &[Field] = &[
    must("courseCode", Kind::Code),
    must("title", TITLE),
    may("sort", Kind::Number),
    must("children", Kind::Elsewhere),
];
const CLASS_CHAPTER: &[Field] = &[
    must("chapterCode", Kind::Code).or(&["chapetCode", "chapertCode"]),
    must("title", TITLE),
    may("sort", Kind::Number),
    must("children", Kind::Elsewhere),
];
const CLASS_RESOURCE: &[Field] = &[
    must("resCode", Kind::Code),
    may("resType", Kind::Text(20)),
    may("sort", Kind::Number),
    may("spread", Kind::Elsewhere),
    must("title", TITLE),
    may("videoShowTimeLength", Kind::Text(20)),
    may("videoTimeLength", Kind::Digits),
    must("videoUrl", Kind::Url),
];

impl SkillTrain {
    /// 1.13: an array of courses, all of them or none.
    pub(super) fn course_push(&self, call: &Call) -> Result<Accepted, Refusal> {
        let rules = &call.rules;
        let courses = rows(rules, call.data)?;
        let mut changes = Vec::with_capacity(courses.len());
        for (at, course) in courses.iter().enumerate() {
            let path = format!("data[{at}]");
            let read = rules.read(&path, course, COURSE)?;
            let (code, delete) = (read.text("courseCode").to_owned(), read.text("courseStatus") == DELETE);
            match rules.list(&path, course, "chapterList")? {
                Some(chapters) => chapters_of(rules, &format!("{path}.chapterList"), chapters, &code, 1)?,
                None if delete || rules.mode == Mode::Quirky => {}
                None => return Err(refused(codes::FIELD_MISSING, &path, "chapterList", "必填")),
            }
            changes.push((code, delete, course));
        }
        let mut accepted = Accepted::read("");
        for (code, delete, course) in changes {
            accepted = accepted.and(if delete {
                self.records.remove(call.operation, &code);
                Accepted::stored(&code, 1)
            } else {
                self.store(call, &code, course)?
            });
        }
        Ok(accepted)
    }

    /// 2.2.
    pub(super) fn course_info(&self, call: &Call) -> Result<Accepted, Refusal> {
        let rules = &call.rules;
        let read = rules.read("data", call.data, COURSE_INFO)?;
        self.check_api_url("data", call.data)?;
        for (path, chapter) in children(rules, "data", call.data, "sectionList")? {
            rules.read(&path, chapter, INFO_CHAPTER)?;
            for (path, section) in children(rules, &path, chapter, "sectionSourceList")? {
                rules.read(&path, section, INFO_SECTION)?;
            }
        }
        self.store(call, read.text("courseName"), call.data)
    }
}

/// The courses of a class in 2.4, below `data`.
pub(super) fn check_class_courses(rules: &Rules, data: &Value) -> Result<(), Refusal> {
    for (path, course) in children(rules, "data", data, "thirdClassCourseInfoVoList")? {
        rules.read(&path, course, CLASS_COURSE)?;
        for (path, chapter) in children(rules, &path, course, "children")? {
            rules.read(&path, chapter, CLASS_CHAPTER)?;
            for (path, resource) in children(rules, &path, chapter, "children")? {
                rules.read(&path, resource, CLASS_RESOURCE)?;
            }
        }
    }
    Ok(())
}

/// `data` where it is an array; quirky takes one object for an array of one.
pub(super) fn rows<'v>(rules: &Rules, data: &'v Value) -> Result<&'v [Value], Refusal> {
    match data {
        Value::Array(rows) if !rows.is_empty() => Ok(rows),
        Value::Array(_) => Err(Refusal::new(codes::FIELD_FORMAT, "字段 data 不应为空")),
        Value::Object(_) if rules.mode == Mode::Quirky => Ok(std::slice::from_ref(data)),
        _ => Err(Refusal::new(codes::FIELD_TYPE, "字段 data 应为数组")),
    }
}

/// The elements of a list that must be there, each with its path.
pub(super) fn children<'v>(
    rules: &Rules,
    path: &str,
    value: &'v Value,
    name: &str,
) -> Result<Vec<(String, &'v Value)>, Refusal> {
    object(path, value)?;
    let list = rules.list(path, value, name)?;
    let list = list.ok_or_else(|| refused(codes::FIELD_MISSING, path, name, "必填"))?;
    Ok(list.iter().enumerate().map(|(at, child)| (format!("{path}.{name}[{at}]"), child)).collect())
}

fn chapters_of(rules: &Rules, path: &str, chapters: &[Value], parent: &str, depth: usize) -> Result<(), Refusal> {
    if depth > DEPTH_MAX {
        return Err(Refusal::new(codes::DEPTH, "章节嵌套过深"));
    }
    for (at, chapter) in chapters.iter().enumerate() {
        let path = format!("{path}[{at}]");
        let read = rules.read(&path, chapter, CHAPTER)?;
        in_parent(rules, &path, "parentChapterCode", read.text("parentChapterCode"), parent)?;
        let code = read.text("chapterCode");
        let nested = rules.list(&path, chapter, "chapterList")?;
        let sections = rules.list(&path, chapter, "sectionList")?;
        if nested.is_none() && sections.is_none() && rules.mode == Mode::Strict {
            return Err(refused(codes::FIELD_MISSING, &path, "sectionList", "必填"));
        }
        if let Some(nested) = nested {
            chapters_of(rules, &format!("{path}.chapterList"), nested, code, depth + 1)?;
        }
        for (at, section) in sections.unwrap_or_default().iter().enumerate() {
            let path = format!("{path}.sectionList[{at}]");
            let read = rules.read(&path, section, SECTION)?;
            in_parent(rules, &path, "parentSectionCode", read.text("parentSectionCode"), code)?;
            for (path, resource) in children(rules, &path, section, "sectionSourceList")? {
                rules.read(&path, resource, RESOURCE)?;
            }
        }
    }
    Ok(())
}

fn in_parent(rules: &Rules, path: &str, name: &str, named: &str, parent: &str) -> Result<(), Refusal> {
    if rules.mode == Mode::Strict && named != parent {
        return Err(refused(codes::PARENT, path, name, "与上级编码不符"));
    }
    Ok(())
}
