//! Part 1 but for courses and faces: real names, studying, popups, recordings, photos. Never keeps a name or the
//! digits of a popup.

use serde_json::json;

use super::fields::{Field, Kind, may, must};
use super::operation::Operation;
use super::study::Step;
use super::{Accepted, Call, Refusal, SkillTrain, codes};

const PLATFORM: Field = must("studyPlatformCode", Kind::Platform);
const RESOURCE: Field = must("resCode", Kind::Code);
const STUDENT: Field = must("studentUserCode", Kind::Code).or(&["student UserCode"]);
const CLASS: Field = must("classCode", Kind::Code);
const COURSE: Field = must("courseCode", Kind::Code);
const SECTION: Field = may("sectionCode", Kind::Code);

const AUTHENTICATE: &[Field] = &[PLATFORM, must("cardNo", Kind::Card), must("name", Kind::Text(50))];
const START: &[Field] = &[PLATFORM, RESOURCE, STUDENT, SECTION, CLASS, COURSE];
const END: &[Field] = &[PLATFORM, RESOURCE, STUDENT, CLASS];
/// 1.5 and 1.7.
pub(super) const LEARNER: &[Field] = END;
const PROGRESS: &[Field] = &[
    PLATFORM,
    RESOURCE,
    STUDENT,
    SECTION,
    CLASS,
    COURSE,
    must("playTime", Kind::Number),
    must("progressTime", Kind::Number),
];
const POPUP_SUBMIT: &[Field] = &[
    PLATFORM,
    must("bizCode", Kind::Code),
    must("verificationCode", Kind::Text(16)),
    must("videoStudyTime", Kind::Number),
];
const RECORD_SUBMIT: &[Field] =
    &[PLATFORM, RESOURCE, STUDENT, SECTION, CLASS, COURSE, must("recordVideoUrl", Kind::Url)];
const PHOTO_UPDATE: &[Field] =
    &[PLATFORM, must("cardNo", Kind::Card), must("ercunPhotoUrl", Kind::Url).or(&["ercunPhotos", "ercunPhotosUrl"])];

impl SkillTrain {
    /// 1.2.
    pub(super) fn authenticate(&self, call: &Call) -> Result<Accepted, Refusal> {
        let read = call.rules.read("data", call.data, AUTHENTICATE)?;
        if self.live.lock().real_name_refused.contains(read.text("cardNo")) {
            return Err(Refusal::new(codes::REAL_NAME, "姓名与身份证号码不一致"));
        }
        Ok(Accepted::read(read.text("cardNo")))
    }

    /// 1.3, 1.4 and 1.10.
    pub(super) fn study_step(&self, call: &Call, operation: Operation) -> Result<Accepted, Refusal> {
        let (step, fields) = match operation {
            Operation::StartStudy => (Step::Start, START),
            Operation::Progress => (Step::Progress, PROGRESS),
            _ => (Step::End, END),
        };
        let read = call.rules.read("data", call.data, fields)?;
        self.studies.take(step, &read, self.settings.in_order)?;
        Ok(Accepted::stored(&learner_key(read.text("studentUserCode"), read.text("resCode")), 1))
    }

    /// 1.7.
    pub(super) fn popup_get(&self, call: &Call) -> Result<Accepted, Refusal> {
        let read = call.rules.read("data", call.data, LEARNER)?;
        let (code, digits) = self.biz_codes.popup(call.now_ms, self.biz_code_expires_ms(call.now_ms))?;
        let expires = self.settings.biz_code_ttl_min.to_string();
        let key = learner_key(read.text("studentUserCode"), read.text("resCode"));
        let data = json!({"expiresTime": expires, "verificationCode": digits, "bizCode": code});
        Ok(Accepted::read(&key).data(data))
    }

    /// 1.8.
    pub(super) fn popup_submit(&self, call: &Call) -> Result<Accepted, Refusal> {
        let read = call.rules.read("data", call.data, POPUP_SUBMIT)?;
        self.biz_codes.settle_popup(read.text("bizCode"), read.text("verificationCode"), call.now_ms)?;
        Ok(Accepted::read(read.text("bizCode")))
    }

    /// 1.9.
    pub(super) fn record_submit(&self, call: &Call) -> Result<Accepted, Refusal> {
        let read = call.rules.read("data", call.data, RECORD_SUBMIT)?;
        self.store(call, &learner_key(read.text("studentUserCode"), read.text("resCode")), call.data)
    }

    /// 1.11.
    pub(super) fn photo_update(&self, call: &Call) -> Result<Accepted, Refusal> {
        let read = call.rules.read("data", call.data, PHOTO_UPDATE)?;
        self.store(call, read.text("cardNo"), call.data)
    }
}

/// The key of one learner at one resource.
pub(super) fn learner_key(student: &str, resource: &str) -> String {
    format!("{student}/{resource}")
}
