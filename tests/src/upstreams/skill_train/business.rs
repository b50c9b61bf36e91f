//! Part 2: teachers, students and classes of the business platform, and what was studied in a class.
//! Bounds of the class registry: those of the records.

use serde_json::{Value, json};

use super::courses::{check_class_courses, children, rows};
use super::fields::{Field, Kind, may, must, refused};
use super::{Accepted, Call, Mode, Refusal, SkillTrain, codes};

const NAME: Kind = Kind::Text(100);
const API_URL: Field = may("studyPlatformApiUrl", Kind::Url);

const TEACHER: &[Field] = &[
    API_URL,
    must("teaCode", Kind::Code),
    must("teaName", NAME),
    may("depCode", Kind::Code),
    may("depName", NAME),
    must("orgCode", Kind::Code),
    must("teaCard", Kind::Card),
    must("mobile", Kind::Text(20)),
    may("remark", Kind::Text(500)),
];
const STUDENT: &[Field] = &[
    API_URL,
    must("stuCode", Kind::Code),
    must("stuName", NAME),
    must("stuCard", Kind::Card),
    must("mobile", Kind::Text(20)),
    may("ercunPhotos", Kind::Url).or(&["ercunPhotoUrl"]),
    may("remark", Kind::Text(500)),
];
const CLASS: &[Field] = &[
    API_URL,
    must("classCode", Kind::Code),
    must("trainClassName", NAME),
    must("orgCode", Kind::Code),
    must("orgName", NAME),
    must("thirdClassCourseInfoVoList", Kind::Elsewhere),
    must("thirdClassStudentInfoVoList", Kind::Elsewhere),
];
const CLASS_STUDENT: &[Field] = &[
    must("cardNo", Kind::Card),
    must("studentCode", Kind::Code).or(&["studentUserCode", "student UserCode"]),
    must("studentName", NAME),
    may("studentPhone", Kind::Text(20)),
    may("ercunPhotos", Kind::Url),
];
const STUDY_RECORDS: &[Field] = &[must("classCode", Kind::Code)];

impl SkillTrain {
    /// 2.1.
    pub(super) fn teacher_push(&self, call: &Call) -> Result<Accepted, Refusal> {
        let read = call.rules.read("data", call.data, TEACHER)?;
        self.check_api_url("data", call.data)?;
        self.store(call, read.text("teaCode"), call.data)
    }

    /// 2.3: an array of students, all of them or none.
    pub(super) fn student_push(&self, call: &Call) -> Result<Accepted, Refusal> {
        let students = rows(&call.rules, call.data)?;
        let mut checked = Vec::with_capacity(students.len());
        for (at, student) in students.iter().enumerate() {
            let path = format!("data[{at}]");
            let read = call.rules.read(&path, student, STUDENT)?;
            self.check_api_url(&path, student)?;
            checked.push((read.text("stuCode").to_owned(), student));
        }
        let mut accepted = Accepted::read("");
        for (code, student) in checked {
            accepted = accepted.and(self.store(call, &code, student)?);
        }
        Ok(accepted)
    }

    /// 2.4.
    pub(super) fn class_push(&self, call: &Call) -> Result<Accepted, Refusal> {
        let read = call.rules.read("data", call.data, CLASS)?;
        check_class_courses(&call.rules, call.data)?;
        for (path, student) in children(&call.rules, "data", call.data, "thirdClassStudentInfoVoList")? {
            call.rules.read(&path, student, CLASS_STUDENT)?;
        }
        self.store(call, read.text("classCode"), call.data)
    }

    /// 2.5. A class is known when 2.4 registered it or the platform pushed it (1.12).
    pub(super) fn study_records(&self, call: &Call) -> Result<Accepted, Refusal> {
        let read = call.rules.read("data", call.data, STUDY_RECORDS)?;
        let class_code = read.text("classCode");
        let known = self.records.get("class.push", class_code).is_some() || self.accounts(class_code).is_some();
        if !known && self.settings.mode == Mode::Strict {
            return Err(Refusal::new(codes::CLASS, "字段 data.classCode 无此班级"));
        }
        let studies = self.studies.list(|study| study.class_code == class_code);
        let rows = studies.into_iter().map(|study| {
            json!({
                "resCode": study.res_code,
                "playTime": study.progress_s.to_string(),
                "sectionCode": study.section_code,
                "classCode": study.class_code,
                "courseCode": study.course_code,
                "userCode": study.student_user_code,
            })
        });
        Ok(Accepted::read(class_code).data(rows.collect()))
    }

    /// The table's `studyPlatformApiUrl`, when the simulator was told to want it.
    pub(super) fn check_api_url(&self, path: &str, value: &Value) -> Result<(), Refusal> {
        if self.settings.require_api_url && value.get("studyPlatformApiUrl").is_none() {
            return Err(refused(codes::FIELD_MISSING, path, "studyPlatformApiUrl", "必填"));
        }
        Ok(())
    }
}
