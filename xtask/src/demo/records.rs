//! The records of the demo: made up, short enough to be read, and of every kind the connector pushes.

/// What should become of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// The upstream stores its first version.
    Delivered,
    /// The upstream stores its second version.
    Overwrites,
    /// The host refuses it; the upstream hears nothing.
    Refused,
}

/// One push.
pub(super) struct Step {
    /// The operation.
    pub(super) operation: &'static str,
    /// What a person should know about it.
    pub(super) about: &'static str,
    /// The record, as JSON that a person can read.
    pub(super) record: fn() -> String,
    /// What should become of it.
    pub(super) expect: Expect,
    /// Is what the upstream decrypted shown in full?
    pub(super) is_shown: bool,
}

/// The pushes, in order.
pub(super) const STEPS: [Step; 5] = [
    Step {
        operation: "record.push-one",
        about: "a talk with one student (一对一谈心谈话)",
        record: || ONE.to_owned(),
        expect: Expect::Delivered,
        is_shown: true,
    },
    Step {
        operation: "record.push-multi",
        about: "one talk with several students (一对多)",
        record: || MULTI.to_owned(),
        expect: Expect::Delivered,
        is_shown: false,
    },
    Step {
        operation: "record.push-patriarch",
        about: "a contact with a parent (家校联系)",
        record: || PATRIARCH.to_owned(),
        expect: Expect::Delivered,
        is_shown: false,
    },
    Step {
        operation: "record.push-one",
        about: "a record that does not fit the schema: refused before anything is sent",
        record: || UNFIT.to_owned(),
        expect: Expect::Refused,
        is_shown: false,
    },
    Step {
        operation: "record.push-one",
        about: "the first record again, corrected: overwrites (更正后再次递交即覆盖)",
        record: || ONE.replace("两周", "一周"),
        expect: Expect::Overwrites,
        is_shown: false,
    },
];

/// What the log of the host must not hold: words of the records, and the people of the other flows.
pub(super) const PERSONAL: [&str; 15] = [
    "示例老师",
    "学生甲",
    "学生乙",
    "学生丙",
    "家长甲",
    "14200000001",
    "已约好",
    "调剂",
    "住校情况",
    "甄测",
    "999999199001010016",
    "999999198506150036",
    "13800000001",
    "13800000003",
    "zhence",
];

/// A talk with one student.
pub(super) const ONE: &str = r#"{
  "recordId": "DEMO-ONE-1",
  "schoolCode": "99999",
  "teacherNo": "T0001", "teacherName": "示例老师",
  "students": [{ "studentNo": "S0001", "studentName": "学生甲" }],
  "talkTime": "2026-03-02 14:30:00",
  "talkPlace": "谈话室", "talkType": "日常", "talkTopic": "学业",
  "content": "适应得不错，作息规律；已约好两周后再谈。",
  "attention": 0
}"#;

const MULTI: &str = r#"{
  "recordId": "DEMO-MULTI-1",
  "schoolCode": "99999",
  "teacherNo": "T0001", "teacherName": "示例老师",
  "students": [
    { "studentNo": "S0001", "studentName": "学生甲" },
    { "studentNo": "S0002", "studentName": "学生乙" },
    { "studentNo": "S0003", "studentName": "学生丙" }
  ],
  "talkTime": "2026-03-03 19:00:00",
  "content": "宿舍座谈：相处融洽，希望调剂一张书桌。",
  "attention": 1
}"#;

const PATRIARCH: &str = r#"{
  "recordId": "DEMO-PATRIARCH-1",
  "schoolCode": "99999",
  "teacherNo": "T0001", "teacherName": "示例老师",
  "students": [{ "studentNo": "S0002", "studentName": "学生乙" }],
  "parentName": "家长甲", "parentRelation": "母亲", "parentPhone": "14200000001",
  "talkTime": "2026-03-04 20:15:00",
  "content": "电话沟通：介绍住校情况，家长表示支持。👍"
}"#;

const UNFIT: &str = r#"{
  "recordId": "DEMO-UNFIT-1",
  "schoolCode": "99999",
  "teacherNo": "T0001", "teacherName": 10086,
  "students": [{ "studentNo": "S0001", "studentName": ["学生甲"] }],
  "talkTime": "2026-03-05 09:00:00",
  "content": "",
  "attention": 7
}"#;
