//! 1.5 and 1.6: face checks. Of a photo only its size is kept; what it shows is decided by the test, not by looking.
//! Bounds: the last 10 000 checks.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Serialize;
use serde_json::json;

use super::fields::{Field, Kind, may, must};
use super::learning::{LEARNER, learner_key};
use super::{Accepted, Call, Mode, Refusal, SkillTrain, codes};

pub(super) const CHECKS_MAX: usize = 10_000;
/// Of a URL or a photo: what a body may hold is the frame's limit.
const TARGET_CHARS_MAX: usize = 16 * 1024 * 1024;

const COMPARE: &[Field] = &[
    must("compareMode", Kind::OneOf(&["0", "1", "2"])),
    must("target", Kind::Text(TARGET_CHARS_MAX)),
    must("studyPlatformCode", Kind::Platform),
    must("studentUserCode", Kind::Code),
    must("resCode", Kind::Code),
    must("classCode", Kind::Code),
    must("videoStudyTime", Kind::Number),
    may("bizCode", Kind::Code),
];

/// One comparison that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FaceCheck {
    /// The learner.
    pub student_user_code: String,
    /// The resource.
    pub res_code: String,
    /// Bytes of the photo; none when the target was a URL.
    pub photo_bytes: Option<usize>,
    /// Position in the video, in seconds.
    pub video_study_time_s: u64,
    /// The answer given.
    pub matched: bool,
    /// Without a `bizCode`, as the document's example is; only in quirky mode.
    pub without_biz_code: bool,
}

/// What the next comparisons answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FaceAnswers {
    pub(super) online: bool,
    pub(super) matches: bool,
}

impl SkillTrain {
    /// 1.5.
    pub(super) fn face_config(&self, call: &Call) -> Result<Accepted, Refusal> {
        let read = call.rules.read("data", call.data, LEARNER)?;
        if !self.live.lock().face.online {
            return Err(Refusal::new(codes::OFFLINE, "不在线"));
        }
        let key = learner_key(read.text("studentUserCode"), read.text("resCode"));
        let code = self.biz_codes.face(&key, call.now_ms, self.biz_code_expires_ms(call.now_ms))?;
        let expires = self.settings.biz_code_ttl_min.to_string();
        Ok(Accepted::read(&key).data(json!({"expiresTime": expires, "bizCode": code})))
    }

    /// 1.6.
    pub(super) fn face_compare(&self, call: &Call) -> Result<Accepted, Refusal> {
        let read = call.rules.read("data", call.data, COMPARE)?;
        let photo_bytes = self.photo_bytes(read.text("compareMode"), read.text("target"))?;
        let key = learner_key(read.text("studentUserCode"), read.text("resCode"));
        let code = read.text("bizCode");
        let matched = self.live.lock().face.matches;
        match code {
            "" if self.settings.mode == Mode::Strict => {
                return Err(Refusal::new(codes::FIELD_MISSING, "字段 data.bizCode 必填"));
            }
            "" => {}
            code => self.biz_codes.settle_face(code, &key, matched, call.now_ms)?,
        }
        let mut live = self.live.lock();
        if live.face_checks.len() >= CHECKS_MAX {
            live.face_checks.pop_front();
        }
        live.face_checks.push_back(FaceCheck {
            student_user_code: read.text("studentUserCode").to_owned(),
            res_code: read.text("resCode").to_owned(),
            photo_bytes,
            video_study_time_s: read.number("videoStudyTime"),
            matched,
            without_biz_code: code.is_empty(),
        });
        let (msg, result) = if matched { ("人脸比对通过！", 1) } else { ("人脸比对不通过！", 2) };
        Ok(Accepted::read(&key).data(json!({"msg": msg, "result": result})))
    }

    /// Bytes of the photo in a target; none for a URL.
    fn photo_bytes(&self, compare_mode: &str, target: &str) -> Result<Option<usize>, Refusal> {
        let is_url = target.starts_with("http://") || target.starts_with("https://");
        match (compare_mode, is_url) {
            ("1", true) | ("2", true) => return Ok(None),
            ("1", false) => return Err(Refusal::new(codes::FIELD_FORMAT, "字段 data.target 应为 http 或 https 地址")),
            _ => {}
        }
        let bytes =
            self.decode(target).ok_or_else(|| Refusal::new(codes::PHOTO_BASE64, "字段 data.target 不是 BASE64"))?;
        if bytes > self.settings.face_bytes_max {
            return Err(Refusal::new(codes::PHOTO_SIZE, "字段 data.target 超过 2M"));
        }
        Ok(Some(bytes))
    }

    /// How many bytes this base64 holds. Quirky: also as a data URL, in lines, without padding.
    fn decode(&self, target: &str) -> Option<usize> {
        if self.settings.mode == Mode::Strict {
            return STANDARD.decode(target).ok().map(|photo| photo.len());
        }
        const FORGIVING: GeneralPurpose = GeneralPurpose::new(
            &alphabet::STANDARD,
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
        );
        let base64 = target.split_once(";base64,").map_or(target, |(_, base64)| base64);
        let base64: String = base64.split_ascii_whitespace().collect();
        FORGIVING.decode(base64).ok().map(|photo| photo.len())
    }
}
