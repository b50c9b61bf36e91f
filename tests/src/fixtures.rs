//! Synthetic talk records for the tests and the demo: deterministic, valid for the strict simulator, and made to break
//! whatever mishandles text. Never a real person: names are built from the word for "test", phone numbers have a
//! prefix that is not allotted, identity numbers have a region that does not exist.

use serde_json::{Value, json};

/// Fields of a record, as the platform sends them and the simulator stores them.
pub type Record = Value;

/// Students that exist; also the most that one record may have.
pub const STUDENTS: usize = 200;
/// Characters of the longest content, and of the longest recordId.
pub const CONTENT_CHARS_MAX: usize = 5000;
/// Characters of the longest recordId.
pub const RECORD_ID_CHARS_MAX: usize = 64;

/// Every content begins with this: no log may contain it.
pub const CONTENT_MARK: &str = "谈心谈话样本正文";

/// Synthetic identity numbers: the region code 999999 does not exist, the check digits hold.
const IDENTITY_NUMBERS: [&str; 4] =
    ["999999199001010016", "99999920000101002X", "999999198506150036", "999999200312110041"];

const TEACHERS: [(&str, &str); 4] =
    [("JS99990001", "甄测师甲"), ("JS99990002", "甄测师乙"), ("JS99990003", "甄测师丙"), ("JS99990004", "欧阳测师𠀀")];
const PARENTS: [(&str, &str, &str); 3] = [
    ("甄测家长甲", "父亲", "14200000001"),
    ("甄测家长乙", "母亲", "14200000002"),
    ("Zhēn Cè·Jiāzhǎng", "其他监护人", "14200000003"),
];
const PLACES: [&str; 3] = ["样本谈话室壹号", "样本操场看台", "样本线上会议"];
const TOPICS: [&str; 3] = ["样本主题学业压力", "样本主题人际关系", "样本主题家庭变故"];
const DIGITS: [char; 10] = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖'];

/// Text that is easy to damage, each with what it tests.
pub const HARD_TEXTS: [(&str, &str); 14] = [
    ("plain Chinese", "近期情绪平稳，作息规律。"),
    ("CJK extension B, outside the BMP", "𠀀𠮷𡈽𪚥𪜈"),
    ("emoji joined by ZWJ, flags, skin tones", "👩‍👩‍👧‍👦🏳️‍🌈👍🏽🇨🇳"),
    ("right to left", "שלום עולם مرحبا بالعالم"),
    ("bidirectional override", "\u{202e}反向\u{202c}\u{2066}隔离\u{2069}"),
    ("combining marks, not normalised", "e\u{301}\u{323} a\u{308}\u{304} ก็็็ ä vs a\u{308}"),
    ("control characters", "\u{1}\u{2}\u{7}\u{8}\u{b}\u{c}\u{e}\u{1b}[31m\u{1f}\u{7f}\u{85}"),
    ("white space", "行一\r\n行二\n\t缩进\u{3000}全角\u{a0}不换行"),
    ("line and paragraph separators", "前\u{2028}中\u{2029}后"),
    ("NUL", "前\0后"),
    ("characters that JSON, HTML and shells escape", "\"\\/<>&'`$(id)${x}%00\\u0000"),
    ("zero width and byte order mark", "\u{feff}零\u{200b}宽\u{200d}连\u{2060}接"),
    ("non-characters and the last code point", "\u{fffe}\u{ffff}\u{fdd0}\u{10ffff}"),
    ("full width", "ＡＢＣ１２３，。｛｝＂：＂"),
];

/// A talk of one teacher with one student; `n` chooses everything in it.
pub fn talk_one(n: usize) -> Record {
    let mut record = common("ONE", n);
    set(&mut record, "students", json!([student(n)]));
    record
}

/// One talk with several students, 2 to 200 of them.
pub fn talk_multi(n: usize, students: usize) -> Record {
    let mut record = common("MULTI", n);
    let students: Vec<Value> = (n..n.saturating_add(students)).map(student).collect();
    set(&mut record, "students", students.into());
    record
}

/// A contact with a student's parent.
pub fn talk_patriarch(n: usize) -> Record {
    let mut record = common("PATRIARCH", n);
    let (name, relation, phone) = pick(&PARENTS, n).copied().unwrap_or_default();
    set(&mut record, "students", json!([student(n)]));
    set(&mut record, "parentName", name.into());
    set(&mut record, "parentRelation", relation.into());
    set(&mut record, "parentPhone", phone.into());
    record
}

/// The longest record: a recordId of 64 characters, a content of exactly 5000 characters of four bytes each.
pub fn talk_longest(n: usize) -> Record {
    let mut record = talk_one(n);
    let id = format!("LONG-{n:0width$}", width = RECORD_ID_CHARS_MAX - "LONG-".len());
    let room = CONTENT_CHARS_MAX - CONTENT_MARK.chars().count();
    set(&mut record, "recordId", id.into());
    set(&mut record, "content", format!("{CONTENT_MARK}{}", "𠀀".repeat(room)).into());
    record
}

/// The smallest record that is valid: required fields only, one character where one is enough.
pub fn talk_shortest(n: usize) -> Record {
    json!({
        "recordId": format!("S{n}"),
        "schoolCode": "1",
        "teacherNo": "1",
        "teacherName": "师",
        "students": [{"studentNo": "1", "studentName": "生"}],
        "talkTime": "2024-02-29 00:00:00",
        "content": "谈",
    })
}

/// The same record with its content edited: what a teacher submits again.
pub fn revise(record: &Record, version: usize) -> Record {
    let mut revised = record.clone();
    set(&mut revised, "content", format!("{CONTENT_MARK}修订{version}").into());
    revised
}

/// `count` records of all three kinds in turn, each with the operation that pushes it. Keys are distinct.
pub fn mixed(count: usize) -> Vec<(&'static str, Record)> {
    let record = |n: usize| match n % 3 {
        0 => ("record.push-one", talk_one(n)),
        1 => ("record.push-multi", talk_multi(n, 2 + n % 7)),
        _ => ("record.push-patriarch", talk_patriarch(n)),
    };
    (0..count).map(record).collect()
}

/// Every string of the records above that names a person or tells of one: none may occur in any log, error, metric or
/// file in clear. [`talk_shortest`] is left out, for its values are single characters.
pub fn personal_values() -> Vec<String> {
    let mut values = vec![CONTENT_MARK.to_owned()];
    values.extend(IDENTITY_NUMBERS.map(str::to_owned));
    values.extend(TEACHERS.iter().flat_map(|(number, name)| [number.to_string(), name.to_string()]));
    values.extend(PARENTS.iter().flat_map(|(name, _, phone)| [name.to_string(), phone.to_string()]));
    values.extend(PLACES.map(str::to_owned));
    values.extend(TOPICS.map(str::to_owned));
    values.extend((0..STUDENTS).flat_map(|n| [student_number(n), student_name(n)]));
    values
}

fn common(kind: &str, n: usize) -> Record {
    let (teacher_number, teacher_name) = pick(&TEACHERS, n).copied().unwrap_or_default();
    let (_, hard) = pick(&HARD_TEXTS, n).copied().unwrap_or_default();
    let identity = pick(&IDENTITY_NUMBERS, n).copied().unwrap_or_default();
    json!({
        "recordId": format!("{kind}-{n:06}"),
        "schoolCode": "99999",
        "teacherNo": teacher_number,
        "teacherName": teacher_name,
        // Days 1 to 28 exist in every month.
        "talkTime": format!("2024-{:02}-{:02} {:02}:{:02}:{:02}", n % 12 + 1, n % 28 + 1, n % 24, n % 60, n % 60),
        "talkPlace": pick(&PLACES, n),
        "talkType": "日常",
        "talkTopic": pick(&TOPICS, n),
        "content": format!("{CONTENT_MARK}{n}：{hard}（证件号{identity}）"),
        "attention": n % 3,
    })
}

fn student(n: usize) -> Value {
    json!({"studentNo": student_number(n), "studentName": student_name(n)})
}

fn student_number(n: usize) -> String {
    format!("XS9999{:04}", n % STUDENTS)
}

fn student_name(n: usize) -> String {
    let n = n % STUDENTS;
    let digits: String = [n / 100, n / 10, n].iter().filter_map(|digit| pick(&DIGITS, *digit)).collect();
    format!("甄测生{digits}")
}

fn pick<T>(list: &[T], n: usize) -> Option<&T> {
    list.get(n % list.len().max(1))
}

fn set(record: &mut Record, name: &str, value: Value) {
    if let Some(fields) = record.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_longest_record_is_exactly_at_the_limits() {
        let record = talk_longest(1);
        let chars = |name: &str| record.get(name).and_then(Value::as_str).map(|text| text.chars().count());
        assert_eq!(chars("content"), Some(CONTENT_CHARS_MAX));
        assert_eq!(chars("recordId"), Some(RECORD_ID_CHARS_MAX));
    }

    #[test]
    fn records_are_deterministic_and_keys_distinct() {
        let records = mixed(500);
        assert_eq!(records, mixed(500));
        let keys: BTreeSet<String> = records.iter().map(|(_, record)| record["recordId"].to_string()).collect();
        assert_eq!(keys.len(), 500);
    }

    #[test]
    fn every_person_in_a_record_is_a_personal_value() {
        let values = personal_values();
        let listed = |value: &Value| values.iter().any(|known| Some(known.as_str()) == value.as_str());
        for (_, record) in mixed(300).into_iter().chain([("", talk_multi(0, STUDENTS)), ("", talk_longest(7))]) {
            for name in ["teacherNo", "teacherName", "parentName", "parentPhone", "talkPlace", "talkTopic"] {
                assert!(record.get(name).is_none_or(listed), "{name} of {record}");
            }
            for student in record["students"].as_array().expect("an array") {
                assert!(listed(&student["studentNo"]) && listed(&student["studentName"]), "{student}");
            }
            let content = record["content"].as_str().expect("a string");
            assert!(content.starts_with(CONTENT_MARK));
        }
    }

    #[test]
    fn hard_texts_survive_json() {
        for (what, text) in HARD_TEXTS {
            let json = serde_json::to_string(text).expect("serialises");
            assert!(json.bytes().all(|byte| byte >= 0x20), "{what}: control characters are escaped");
            assert_eq!(serde_json::from_str::<String>(&json).expect("parses"), text, "{what}");
        }
    }
}
