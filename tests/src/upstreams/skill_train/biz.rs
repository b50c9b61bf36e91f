//! What `bizCode` stands for: one face check or one popup of one learner, with its end. Used up by its success.
//! Bounds: 100 000 codes; those over for an hour are forgotten.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::super::random::Random;
use super::{Refusal, codes};

const CODES_MAX: usize = 100_000;
/// So that "too late" can be told from "never issued".
const REMEMBER_MS: i64 = 3_600_000;

/// What is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Check {
    /// The face of the learner with this key.
    Face(String),
    /// The four digits shown.
    Popup(String),
}

/// The codes issued.
#[derive(Debug)]
pub(super) struct BizCodes {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    random: Random,
    issued: HashMap<String, (Check, i64)>,
}

impl BizCodes {
    pub(super) fn new(seed: u64) -> Self {
        // Not the stream of the tokens: a code must never look like one.
        let random = Random::new(seed.wrapping_add(1));
        Self { inner: Mutex::new(Inner { random, issued: HashMap::new() }) }
    }

    /// A code for a face check.
    pub(super) fn face(&self, learner_key: &str, now_ms: i64, expires_ms: i64) -> Result<String, Refusal> {
        self.inner.lock().issue(Check::Face(learner_key.to_owned()), now_ms, expires_ms)
    }

    /// A code for a popup, and the digits to show.
    pub(super) fn popup(&self, now_ms: i64, expires_ms: i64) -> Result<(String, String), Refusal> {
        let mut inner = self.inner.lock();
        let digits = format!("{:04}", inner.random.between(0, 9999));
        let code = inner.issue(Check::Popup(digits.clone()), now_ms, expires_ms)?;
        Ok((code, digits))
    }

    /// Takes the result of a face check; a face that matched uses the code up.
    pub(super) fn settle_face(&self, code: &str, learner_key: &str, matched: bool, now_ms: i64) -> Result<(), Refusal> {
        let mut inner = self.inner.lock();
        if *inner.valid(code, now_ms)? != Check::Face(learner_key.to_owned()) {
            return Err(not_issued());
        }
        if matched {
            inner.issued.remove(code);
        }
        Ok(())
    }

    /// Takes the digits that a learner typed; the right ones use the code up.
    pub(super) fn settle_popup(&self, code: &str, typed: &str, now_ms: i64) -> Result<(), Refusal> {
        let mut inner = self.inner.lock();
        match inner.valid(code, now_ms)? {
            Check::Popup(shown) if shown == typed => {}
            Check::Popup(_) => {
                return Err(Refusal::new(codes::VERIFICATION_CODE, "字段 data.verificationCode 不正确"));
            }
            Check::Face(_) => return Err(not_issued()),
        }
        inner.issued.remove(code);
        Ok(())
    }

    pub(super) fn clear(&self) {
        self.inner.lock().issued.clear();
    }
}

impl Inner {
    fn issue(&mut self, check: Check, now_ms: i64, expires_ms: i64) -> Result<String, Refusal> {
        if self.issued.len() >= CODES_MAX {
            self.issued.retain(|_, (_, expires_ms)| expires_ms.saturating_add(REMEMBER_MS) > now_ms);
        }
        if self.issued.len() >= CODES_MAX {
            return Err(Refusal::new(codes::STORE_FULL, "模拟器存储已满"));
        }
        let code = self.random.hex128();
        self.issued.insert(code.clone(), (check, expires_ms));
        Ok(code)
    }

    fn valid(&self, code: &str, now_ms: i64) -> Result<&Check, Refusal> {
        let (check, expires_ms) = self.issued.get(code).ok_or_else(not_issued)?;
        if *expires_ms <= now_ms {
            return Err(Refusal::new(codes::BIZ_CODE_LATE, "字段 data.bizCode 已超时"));
        }
        Ok(check)
    }
}

fn not_issued() -> Refusal {
    Refusal::new(codes::BIZ_CODE, "字段 data.bizCode 未签发或已使用")
}
