//! Requests from their envelope to their reply: the login, whose token it is, which operation. Never looks at `data`
//! but the login's.

use std::sync::atomic::Ordering;

use serde_json::{Map, Value};

use super::super::ledger::{Ledger, key_hash};
use super::super::profile::{Received, Reply};
use super::super::tokens::TokenError;
use super::envelope::Envelope;
use super::fields::{Field, Kind, must};
use super::operation::{Endpoint, Operation, Part};
use super::reply::{only_post, with_trailing_comma};
use super::{Accepted, Call, Mode, Part2Token, Refusal, SkillTrain, codes};

const LOGIN: &[Field] = &[
    must("studyPlatformAcount", Kind::Text(64)).or(&["studyPlatformAccount"]),
    must("passWord", Kind::Text(128)).or(&["password"]),
];
/// Names of the token in a quirky login's reply, given in turn.
const TOKEN_MEMBERS: [&str; 3] = ["accessToken", "userToken", "token"];

impl SkillTrain {
    /// Answers one request.
    pub(super) fn serve(&self, endpoint: &Endpoint, received: &Received, ledger: &Ledger) -> Result<Reply, Refusal> {
        only_post(&received.method)?;
        let (mode, window) = (self.settings.mode, self.settings.timestamp_window);
        let envelope = Envelope::open(received, endpoint.part(), mode)?;
        if endpoint.operation == Operation::Login {
            envelope.check_time(window, received.now_ms)?;
            return self.login(&envelope.data, received.now_ms, ledger);
        }
        // Before the time: a clock that jumped past the token's life is to show an expired token.
        let platform = self.platform_of(endpoint.part(), &envelope.token, received.now_ms)?;
        envelope.check_time(window, received.now_ms)?;
        let call = Call {
            operation: endpoint.name,
            rules: self.rules(&platform),
            data: &envelope.data,
            now_ms: received.now_ms,
        };
        let accepted = self.dispatch(endpoint.operation, &call)?;
        if accepted.stored > 0 {
            ledger.count(|counters| {
                counters.records_accepted += accepted.stored;
                counters.overwrites += accepted.overwrites;
            });
        }
        let mut reply = self.style().accept(accepted.data);
        if endpoint.operation == Operation::StudyRecords && mode == Mode::Quirky && !self.settings.well_formed {
            reply = with_trailing_comma(reply);
        }
        let key_hash = (!accepted.key.is_empty()).then(|| key_hash(&accepted.key));
        Ok(Reply { key_hash, ..reply })
    }

    fn dispatch(&self, operation: Operation, call: &Call) -> Result<Accepted, Refusal> {
        match operation {
            // It has no token, and was answered before.
            Operation::Login => Ok(Accepted::read("")),
            Operation::Authenticate => self.authenticate(call),
            Operation::StartStudy | Operation::EndStudy | Operation::Progress => self.study_step(call, operation),
            Operation::FaceConfig => self.face_config(call),
            Operation::FaceCompare => self.face_compare(call),
            Operation::PopupGet => self.popup_get(call),
            Operation::PopupSubmit => self.popup_submit(call),
            Operation::RecordSubmit => self.record_submit(call),
            Operation::PhotoUpdate => self.photo_update(call),
            Operation::CoursePush => self.course_push(call),
            Operation::TeacherPush => self.teacher_push(call),
            Operation::CourseInfo => self.course_info(call),
            Operation::StudentPush => self.student_push(call),
            Operation::ClassPush => self.class_push(call),
            Operation::StudyRecords => self.study_records(call),
        }
    }

    /// 1.1.
    fn login(&self, data: &Value, now_ms: i64, ledger: &Ledger) -> Result<Reply, Refusal> {
        let rules = self.rules("");
        let read = rules.read("data", data, LOGIN)?;
        let account = read.text("studyPlatformAcount");
        if self.settings.accounts.get(account).map(String::as_str) != Some(read.text("passWord")) {
            return Err(Refusal::new(codes::CREDENTIALS, "账号或密码错误"));
        }
        let token = self.tokens.issue(account, self.settings.token_ttl, now_ms);
        ledger.count(|counters| counters.tokens_issued += 1);
        let logins = self.logins.fetch_add(1, Ordering::Relaxed);
        let member = match self.settings.mode {
            Mode::Strict => "acceptToken",
            Mode::Quirky => TOKEN_MEMBERS.get(logins % TOKEN_MEMBERS.len()).copied().unwrap_or_default(),
        };
        let mut reply = Map::new();
        reply.insert(member.to_owned(), token.into());
        reply.insert("studyPlatformCode".to_owned(), Self::platform_code(account).into());
        reply.insert("studyPlatformName".to_owned(), format!("模拟学习平台 {account}").into());
        Ok(self.style().accept(Some(Value::Object(reply))))
    }

    /// The `studyPlatformCode` of whose token this is; empty where part 2 has no login.
    fn platform_of(&self, part: Part, token: &str, now_ms: i64) -> Result<String, Refusal> {
        let invalid = || Refusal::new(codes::TOKEN, "token失效");
        match (part, &self.settings.part2_token) {
            (Part::Business, Part2Token::Unchecked) => return Ok(String::new()),
            (Part::Business, Part2Token::Static(known)) if known == token => return Ok(String::new()),
            (Part::Business, Part2Token::Static(_)) => return Err(invalid()),
            _ => {}
        }
        match self.tokens.check(token, now_ms) {
            Ok(account) => Ok(Self::platform_code(&account)),
            Err(TokenError::Unknown) => Err(invalid()),
            Err(TokenError::Expired) => Err(Refusal::new(codes::TOKEN_EXPIRED, "token已过期，请重新登录")),
        }
    }
}
