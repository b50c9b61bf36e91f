//! The simulated 职业技能培训在线学习监管服务平台: both halves of its document, and the two calls that it makes itself.
//! Operations, fields and replies are the document's; the result codes, the rules for `bizCode` and every life but the
//! token's are this project's invention. Never keeps a face photo, only its size.

mod admin;
mod biz;
mod builder;
mod business;
mod class;
pub mod codes;
mod courses;
mod envelope;
mod face;
mod fields;
mod hooks;
mod identity;
mod learning;
mod operation;
mod pushed;
mod reply;
mod serve;
mod study;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use http::Method;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::ledger::Ledger;
use super::profile::{Mode, Profile, Received, Reply};
use super::tokens::Tokens;

pub use builder::{Builder, Part2Token};
pub use codes::Refusal;
pub use face::FaceCheck;
pub use hooks::{ClassAnswer, CoursePage, Hook, HookError, Page};
pub use identity::identity_number;
pub use operation::Spelling;
pub use pushed::{Pushed, PushedSummary};
pub use study::Study;

use biz::BizCodes;
use builder::Settings;
use face::FaceAnswers;
use fields::Rules;
use operation::{ENDPOINTS, Endpoint, Operation};
use pushed::Records;
use reply::Style;
use study::Studies;

/// Account known to a simulator that was given none.
pub const DEMO_ACCOUNT: &str = "demo-academy";
/// Its password.
pub const DEMO_PASSWORD: &str = "demo-password-0000";

/// The profile: settings, tokens, and what was received.
#[derive(Debug)]
pub struct SkillTrain {
    settings: Settings,
    tokens: Tokens,
    logins: AtomicUsize,
    biz_codes: BizCodes,
    studies: Studies,
    records: Records,
    live: Mutex<Live>,
}

/// What a test changes while the simulator runs, and small lists.
#[derive(Debug)]
struct Live {
    face: FaceAnswers,
    face_checks: VecDeque<FaceCheck>,
    real_name_refused: BTreeSet<String>,
    hooks: BTreeMap<Hook, String>,
    accounts: BTreeMap<String, BTreeMap<String, String>>,
}

/// One authenticated request.
struct Call<'a> {
    operation: &'static str,
    rules: Rules<'a>,
    data: &'a Value,
    now_ms: i64,
}

/// What came of one.
struct Accepted {
    data: Option<Value>,
    /// Business key; of several records, all of them.
    key: String,
    /// Records stored, overwrites included.
    stored: u64,
    overwrites: u64,
}

impl Accepted {
    fn read(key: &str) -> Self {
        Self { data: None, key: key.to_owned(), stored: 0, overwrites: 0 }
    }

    /// Stored as this version, from 1.
    fn stored(key: &str, version: u64) -> Self {
        Self { stored: 1, overwrites: u64::from(version > 1), ..Self::read(key) }
    }

    fn data(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }

    fn and(mut self, other: Self) -> Self {
        self.key += &other.key;
        self.stored += other.stored;
        self.overwrites += other.overwrites;
        self
    }
}

impl SkillTrain {
    /// Settings to start from: strict, one demo account, tokens for two hours.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The `studyPlatformCode` of an account.
    pub fn platform_code(account: &str) -> String {
        class::code_of(&format!("studyPlatformCode {account}"))
    }

    /// What a learner did at a resource.
    pub fn study(&self, student_user_code: &str, res_code: &str) -> Option<Study> {
        self.studies.get(student_user_code, res_code)
    }

    /// What all learners did, by learner and resource.
    pub fn studies(&self) -> Vec<Study> {
        self.studies.list(|_| true)
    }

    /// Sum of every `progressTime` accepted, in seconds.
    pub fn progress_sum(&self) -> u64 {
        self.studies.progress_s()
    }

    /// The face checks made, oldest first; the last 10 000.
    pub fn face_checks(&self) -> Vec<FaceCheck> {
        self.live.lock().face_checks.iter().cloned().collect()
    }

    /// The last version of what was pushed by an operation under a key: `courseCode` (`course.push`), `classCode`
    /// (`class.push`), `teaCode`, `stuCode`, `cardNo` (`photo.update`), `courseName` (`course.info`), or
    /// `studentUserCode/resCode` (`record.submit`).
    pub fn pushed(&self, operation: &str, key: &str) -> Option<Pushed> {
        self.records.get(operation, key)
    }

    /// All that was pushed, without contents.
    pub fn pushed_list(&self) -> Vec<PushedSummary> {
        self.records.list()
    }

    /// Whether 1.5 finds learners on line; so at the start.
    pub fn set_online(&self, online: bool) {
        self.live.lock().face.online = online;
    }

    /// Whether 1.6 finds the right face; so at the start.
    pub fn set_face_matches(&self, matches: bool) {
        self.live.lock().face.matches = matches;
    }

    /// Whether 1.2 finds that this identity number belongs to the name; so for all at the start.
    pub fn set_real_name(&self, card_no: &str, verified: bool) {
        let refused = &mut self.live.lock().real_name_refused;
        if verified {
            refused.remove(card_no);
        } else {
            refused.insert(card_no.to_owned());
        }
    }

    fn new(settings: Settings) -> Self {
        let (tokens, biz_codes) = (Tokens::new(settings.seed), BizCodes::new(settings.seed));
        let live = Live {
            face: FaceAnswers { online: true, matches: true },
            face_checks: VecDeque::new(),
            real_name_refused: BTreeSet::new(),
            hooks: BTreeMap::new(),
            accounts: BTreeMap::new(),
        };
        Self {
            settings,
            tokens,
            logins: AtomicUsize::new(0),
            biz_codes,
            studies: Studies::default(),
            records: Records::default(),
            live: Mutex::new(live),
        }
    }

    fn style(&self) -> Style {
        Style { mode: self.settings.mode }
    }

    fn rules<'a>(&self, platform: &'a str) -> Rules<'a> {
        Rules { mode: self.settings.mode, platform, refuse_unknown: self.settings.refuse_unknown }
    }

    fn biz_code_expires_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(i64::from(self.settings.biz_code_ttl_min) * 60_000)
    }

    fn store(&self, call: &Call, key: &str, record: &Value) -> Result<Accepted, Refusal> {
        Ok(Accepted::stored(key, self.records.put(call.operation, key, record)?))
    }
}

impl Profile for SkillTrain {
    const NAME: &'static str = "skill-train";

    fn summary(&self) -> String {
        let mut summary = format!(
            "Mode: {mode:?}. Accounts: {accounts}. Tokens live {ttl} s. Misprinted paths: {spelling:?}.\n",
            mode = self.settings.mode,
            accounts = self.settings.accounts.keys().cloned().collect::<Vec<_>>().join(", "),
            ttl = self.settings.token_ttl.as_secs(),
            spelling = self.settings.spelling,
        );
        for endpoint in &ENDPOINTS {
            // Writing to a string cannot fail.
            let _ = writeln!(summary, "{:<5} POST {:<36} {}", endpoint.number, endpoint.path, endpoint.name);
        }
        summary + "\n" + admin::HELP
    }

    fn operation(&self, path: &str) -> Option<&'static str> {
        Endpoint::of_path(path, self.settings.spelling).map(|endpoint| endpoint.name)
    }

    async fn answer(&self, received: &Received, ledger: &Ledger) -> Reply {
        let Some(endpoint) = Endpoint::of_path(&received.path, self.settings.spelling) else {
            return Reply::json(&json!({"error": "not found"})).status(404);
        };
        self.serve(endpoint, received, ledger).unwrap_or_else(|refusal| {
            ledger.count(|counters| match (refusal.code, endpoint.operation) {
                (_, Operation::Login) => counters.credential_rejections += 1,
                (codes::TOKEN | codes::TOKEN_EXPIRED, _) => counters.token_rejections += 1,
                _ => counters.records_rejected += 1,
            });
            self.style().refuse(&refusal)
        })
    }

    fn refuse(&self, code: &str, message: &str) -> Reply {
        self.style().envelope(code, message, None)
    }

    fn revoke_tokens(&self) -> usize {
        self.tokens.revoke_all()
    }

    fn inspect(&self, path: &str, _query: &str) -> Option<Reply> {
        self.inspect_below(path)
    }

    async fn act(&self, method: &Method, path: &str, body: &Bytes) -> Option<Reply> {
        self.act_below(method, path, body).await
    }

    /// Also what face and real-name checks answer; not where the platform calls.
    fn reset(&self) {
        self.tokens.revoke_all();
        self.biz_codes.clear();
        self.studies.clear();
        self.records.clear();
        let mut live = self.live.lock();
        live.face = FaceAnswers { online: true, matches: true };
        live.face_checks.clear();
        live.real_name_refused.clear();
        live.accounts.clear();
    }
}
