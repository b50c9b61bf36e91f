//! The record fields of the simulator profile and their rules. The profile is invented: it is what the connector maps
//! to until the real one is known. Refusals name the field by its path and never quote a value.
//! Lengths are in Unicode scalar values.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Refusal, codes};

const RECORD_ID_CHARS_MAX: usize = 64;
const CONTENT_CHARS_MAX: usize = 5000;

/// Where a record is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Endpoint {
    /// One teacher with one student.
    #[serde(rename = "one")]
    One,
    /// One teacher with 2 to 200 students.
    #[serde(rename = "multi")]
    Multi,
    /// Contact with a student's parent.
    #[serde(rename = "patriarch")]
    Patriarch,
}

impl Endpoint {
    /// The path on the upstream.
    pub fn path(self) -> &'static str {
        match self {
            Self::One => "/api/talk-record/one",
            Self::Multi => "/api/talk-record/multi",
            Self::Patriarch => "/api/talk-record/patriarch",
        }
    }

    /// The connector's operation.
    pub fn operation(self) -> &'static str {
        match self {
            Self::One => "record.push-one",
            Self::Multi => "record.push-multi",
            Self::Patriarch => "record.push-patriarch",
        }
    }

    /// The endpoint at this path.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        [Self::One, Self::Multi, Self::Patriarch].into_iter().find(|endpoint| endpoint.path() == path)
    }

    fn students(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::One | Self::Patriarch => 1..=1,
            Self::Multi => 2..=200,
        }
    }
}

/// Fields of a record besides those of the parent.
const FIELDS: [&str; 11] = [
    "recordId",
    "schoolCode",
    "teacherNo",
    "teacherName",
    "students",
    "talkTime",
    "talkPlace",
    "talkType",
    "talkTopic",
    "content",
    "attention",
];
const PARENT_FIELDS: [&str; 3] = ["parentName", "parentRelation", "parentPhone"];
const STUDENT_FIELDS: [&str; 2] = ["studentNo", "studentName"];

/// The overwrite key, which even the lenient mode cannot do without.
pub(super) fn key(fields: &Map<String, Value>) -> Result<&str, Refusal> {
    required(fields, "", "recordId", RECORD_ID_CHARS_MAX)
}

/// Checks every field; the overwrite key.
pub(super) fn validate(endpoint: Endpoint, fields: &Map<String, Value>, refuse_unknown: bool) -> Result<&str, Refusal> {
    let record_id = key(fields)?;
    for name in ["schoolCode", "teacherNo", "teacherName"] {
        required(fields, "", name, usize::MAX)?;
    }
    students(endpoint, fields, refuse_unknown)?;
    if endpoint == Endpoint::Patriarch {
        for name in PARENT_FIELDS {
            required(fields, "", name, usize::MAX).map_err(|refusal| match refusal.code {
                codes::FIELD_MISSING => Refusal { code: codes::FIELD_PARENT, ..refusal },
                _ => refusal,
            })?;
        }
    }
    if !is_time(required(fields, "", "talkTime", usize::MAX)?) {
        return Err(field(codes::FIELD_TIME, "talkTime", "格式应为 yyyy-MM-dd HH:mm:ss"));
    }
    required(fields, "", "content", CONTENT_CHARS_MAX)?;
    for name in ["talkPlace", "talkType", "talkTopic"] {
        if fields.get(name).is_some_and(|value| !value.is_string()) {
            return Err(field(codes::FIELD_TYPE, name, "应为字符串"));
        }
    }
    match fields.get("attention") {
        None => {}
        Some(Value::Number(number)) if matches!(number.as_u64(), Some(0..=2)) => {}
        Some(Value::Number(_)) => {
            return Err(field(codes::FIELD_ENUM, "attention", "应为 0、1 或 2"));
        }
        Some(_) => return Err(field(codes::FIELD_TYPE, "attention", "应为数字")),
    }
    if refuse_unknown {
        let parent: &[&str] = if endpoint == Endpoint::Patriarch { &PARENT_FIELDS } else { &[] };
        known_only(fields, "", &[&FIELDS, parent])?;
    }
    Ok(record_id)
}

fn students(endpoint: Endpoint, fields: &Map<String, Value>, refuse_unknown: bool) -> Result<(), Refusal> {
    let students = match fields.get("students") {
        Some(Value::Array(students)) => students,
        None | Some(Value::Null) => return Err(field(codes::FIELD_MISSING, "students", "必填")),
        Some(_) => return Err(field(codes::FIELD_TYPE, "students", "应为数组")),
    };
    if !endpoint.students().contains(&students.len()) {
        let (min, max) = (endpoint.students().start().to_owned(), endpoint.students().end().to_owned());
        return Err(field(codes::FIELD_STUDENTS, "students", &format!("人数应为 {min} 至 {max}")));
    }
    for (index, student) in students.iter().enumerate() {
        let prefix = format!("students[{index}]");
        let Value::Object(student) = student else {
            return Err(field(codes::FIELD_TYPE, &prefix, "应为对象"));
        };
        for name in STUDENT_FIELDS {
            required(student, &format!("{prefix}."), name, usize::MAX)?;
        }
        if refuse_unknown {
            known_only(student, &format!("{prefix}."), &[&STUDENT_FIELDS])?;
        }
    }
    Ok(())
}

/// A string of 1 to `chars_max` characters that must be there.
fn required<'a>(
    fields: &'a Map<String, Value>,
    prefix: &str,
    name: &str,
    chars_max: usize,
) -> Result<&'a str, Refusal> {
    let path = format!("{prefix}{name}");
    let text = match fields.get(name) {
        Some(Value::String(text)) => text,
        None | Some(Value::Null) => return Err(field(codes::FIELD_MISSING, &path, "必填")),
        Some(_) => return Err(field(codes::FIELD_TYPE, &path, "应为字符串")),
    };
    if text.is_empty() || text.chars().count() > chars_max {
        return Err(field(codes::FIELD_LENGTH, &path, "长度超限"));
    }
    Ok(text)
}

fn known_only(fields: &Map<String, Value>, prefix: &str, known: &[&[&str]]) -> Result<(), Refusal> {
    match fields.keys().position(|name| !known.iter().any(|list| list.contains(&name.as_str()))) {
        // The name of an unknown field is the caller's text, and could be anything: it is not repeated.
        Some(_) => Err(Refusal::new(codes::FIELD_UNKNOWN, format!("{prefix}含有未知字段"))),
        None => Ok(()),
    }
}

/// `yyyy-MM-dd HH:mm:ss`, and a time that exists.
fn is_time(text: &str) -> bool {
    let shape = "dddd-dd-dd dd:dd:dd";
    let shaped = text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(
            |(byte, want)| {
                if want == b'd' { byte.is_ascii_digit() } else { byte == want }
            },
        );
    // The parser takes a leap second; Beijing time as people write it has none.
    shaped && !text.ends_with("60") && jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", text).is_ok()
}

fn field(code: u32, path: &str, rule: &str) -> Refusal {
    Refusal::new(code, format!("字段 {path} {rule}"))
}
