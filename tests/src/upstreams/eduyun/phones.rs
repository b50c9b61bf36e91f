//! Phone codes: six digits that follow from the seed, not sent again to a phone within two minutes, good for one
//! verification. Nothing is sent anywhere; the admin surface shows the code. Bounds: 100,000 phones.

use std::collections::HashMap;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::{Refusal, codes};

/// A code is not sent again within this time.
const RESEND_MS: i64 = 120_000;
const PHONES_MAX: usize = 100_000;

/// The last code of each phone.
#[derive(Debug)]
pub(super) struct Phones {
    seed: u64,
    phones: Mutex<HashMap<String, Phone>>,
}

#[derive(Debug)]
struct Phone {
    code: String,
    used: bool,
    sent_ms: i64,
    times: u64,
}

impl Phones {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, phones: Mutex::default() }
    }

    /// Makes a new code for the phone.
    pub(super) fn send(&self, phone: &str, now_ms: i64) -> Result<(), Refusal> {
        let mut phones = self.phones.lock();
        let times = match phones.get(phone) {
            Some(last) if now_ms.saturating_sub(last.sent_ms) < RESEND_MS => {
                return Err(Refusal::new(codes::FAILED, "2分钟内不能重复发送验证码"));
            }
            Some(last) => last.times + 1,
            None if phones.len() >= PHONES_MAX => return Err(Refusal::new(codes::FAILED, "模拟器已满")),
            None => 1,
        };
        let code = code(self.seed, phone, times);
        phones.insert(phone.to_owned(), Phone { code, used: false, sent_ms: now_ms, times });
        Ok(())
    }

    /// The last code sent to the phone.
    pub(super) fn last(&self, phone: &str) -> Option<String> {
        self.phones.lock().get(phone).map(|phone| phone.code.clone())
    }

    /// Whether this is the phone's code and has not been used.
    pub(super) fn is_good(&self, phone: &str, code: &str) -> bool {
        self.phones.lock().get(phone).is_some_and(|phone| !phone.used && phone.code == code)
    }

    /// The phone's code has served.
    pub(super) fn use_up(&self, phone: &str) {
        if let Some(phone) = self.phones.lock().get_mut(phone) {
            phone.used = true;
        }
    }

    pub(super) fn clear(&self) {
        self.phones.lock().clear();
    }
}

/// The code depends on the phone and not on the order of the calls, so that parallel tests see the same ones.
fn code(seed: u64, phone: &str, times: u64) -> String {
    let digest = Sha256::digest(format!("{seed}/{phone}/{times}"));
    let number = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{:06}", number % 1_000_000)
}
