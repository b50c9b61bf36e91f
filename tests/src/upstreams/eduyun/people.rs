//! The people whom the simulated 体系 knows, their sessions, and what was said of them when they were verified.
//! In memory only. Bounds: 100,000 each of people, sessions and verifications.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::super::random::Random;
use super::catalogue::DEMO_ORG_CODE;
use super::{Refusal, codes};

const ENTRIES_MAX: usize = 100_000;

/// Someone with an account at the 体系. Only synthetic people belong here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Person {
    /// Key of the person.
    pub user_id: String,
    /// Account at the 体系.
    pub account: String,
    /// Real name.
    pub name: String,
    /// Identity number, 18 characters.
    pub id_card_no: String,
    /// One digit: 0 student, 1 teacher, 2 parent, 3 school staff, 4 institution staff, 5 other.
    pub identity: String,
    /// Organisation, by its code.
    pub org_code: String,
    /// Whether real-name verified.
    pub verified: bool,
}

impl Person {
    /// The people known to a simulator that was given none: a teacher and a student who are verified, and a student
    /// who is not.
    pub fn demo() -> Vec<Self> {
        let person = |n: u32, name: &str, id_card_no: &str, identity: &str, verified| Self {
            user_id: format!("demoUser{n:04}"),
            account: format!("demo_{n}"),
            name: name.to_owned(),
            id_card_no: id_card_no.to_owned(),
            identity: identity.to_owned(),
            org_code: DEMO_ORG_CODE.to_owned(),
            verified,
        };
        vec![
            person(1, "甄测师", "999999199001010016", "1", true),
            person(2, "甄测生", "99999920000101002X", "0", true),
            person(3, "甄测生乙", "999999198506150036", "0", false),
        ]
    }
}

/// One accepted `validateUser`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Who was verified, by the key at the 体系.
    pub user_id: String,
    /// Account at the platform that asked.
    pub login_account: String,
    /// System code of the platform that asked.
    pub sys_code: String,
    /// Phone that got the code.
    pub phone: String,
    /// As claimed: name.
    pub name: String,
    /// As claimed: identity number.
    pub id_card_no: String,
    /// As claimed: identity.
    pub user_identity: String,
    /// As claimed: organisation, empty when none was given.
    pub org_code: String,
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
}

/// The registry.
#[derive(Debug)]
pub(super) struct People {
    /// Who is known after a reset.
    original: Vec<Person>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    random: Random,
    people: BTreeMap<String, Person>,
    sessions: HashMap<String, Session>,
    verifications: Vec<Verification>,
    login: Option<String>,
}

#[derive(Debug)]
struct Session {
    user_id: String,
    expires_ms: i64,
}

/// How a session id is written: each way of getting one has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionForm {
    /// 32 digits in upper case, from an exchange.
    Digits,
    /// A UUID, from a login.
    Uuid,
}

impl People {
    pub(super) fn new(people: Vec<Person>, seed: u64) -> Self {
        let state = State {
            random: Random::new(seed ^ 0x5e55),
            people: BTreeMap::new(),
            sessions: HashMap::new(),
            verifications: Vec::new(),
            login: None,
        };
        let registry = Self { original: people, state: Mutex::new(state) };
        registry.reset();
        registry
    }

    /// Adds a person, or replaces the one with this key; false when there is no room.
    pub(super) fn put(&self, person: Person) -> bool {
        let mut state = self.state.lock();
        if state.people.len() >= ENTRIES_MAX && !state.people.contains_key(&person.user_id) {
            return false;
        }
        state.people.insert(person.user_id.clone(), person);
        true
    }

    pub(super) fn get(&self, user_id: &str) -> Option<Person> {
        self.state.lock().people.get(user_id).cloned()
    }

    pub(super) fn list(&self) -> Vec<Person> {
        self.state.lock().people.values().cloned().collect()
    }

    /// The verified person with this number, name and identity.
    pub(super) fn verified(&self, id_card_no: &str, name: &str, identity: &str) -> Result<Person, Refusal> {
        let state = self.state.lock();
        let claimed = |person: &&Person| {
            person.verified && person.id_card_no == id_card_no && person.name == name && person.identity == identity
        };
        state.people.values().find(claimed).cloned().ok_or_else(Refusal::unverified)
    }

    /// Whom the login page takes for logged in: the one chosen, or the first.
    pub(super) fn at_login(&self) -> Option<Person> {
        let state = self.state.lock();
        match &state.login {
            Some(user_id) => state.people.get(user_id).cloned(),
            None => state.people.values().next().cloned(),
        }
    }

    /// Chooses who is logged in; false when there is no such person.
    pub(super) fn log_in(&self, user_id: &str) -> bool {
        let mut state = self.state.lock();
        let known = state.people.contains_key(user_id);
        if known {
            state.login = Some(user_id.to_owned());
        }
        known
    }

    /// A new session of this person, until `expires_ms`.
    pub(super) fn open(&self, user_id: &str, form: SessionForm, now_ms: i64, expires_ms: i64) -> String {
        let mut state = self.state.lock();
        if state.sessions.len() >= ENTRIES_MAX {
            state.sessions.retain(|_, session| session.expires_ms > now_ms);
        }
        if state.sessions.len() >= ENTRIES_MAX {
            // All alive: sessions end early at an upstream that is this full.
            state.sessions.clear();
        }
        let id = match form {
            SessionForm::Digits => state.random.hex128().to_ascii_uppercase(),
            SessionForm::Uuid => uuid(&state.random.hex128()),
        };
        state.sessions.insert(id.clone(), Session { user_id: user_id.to_owned(), expires_ms });
        id
    }

    /// The person of a session that is alive.
    pub(super) fn of_session(&self, session_id: &str, now_ms: i64) -> Option<Person> {
        let state = self.state.lock();
        let session = state.sessions.get(session_id).filter(|session| session.expires_ms > now_ms)?;
        state.people.get(&session.user_id).cloned()
    }

    /// Ends all sessions; says how many there were.
    pub(super) fn end_sessions(&self) -> usize {
        let mut state = self.state.lock();
        let count = state.sessions.len();
        state.sessions.clear();
        count
    }

    /// Makes the claimed person a verified one, a new one if the number is new.
    pub(super) fn verify(&self, mut claim: Verification) -> Result<Verification, Refusal> {
        let mut state = self.state.lock();
        if state.verifications.len() >= ENTRIES_MAX || state.people.len() >= ENTRIES_MAX {
            return Err(Refusal::new(codes::FAILED, "模拟器已满"));
        }
        let known = state.people.values_mut().find(|person| person.id_card_no == claim.id_card_no);
        match known {
            Some(person) if person.name == claim.name => {
                person.verified = true;
                claim.user_id.clone_from(&person.user_id);
            }
            Some(_) => return Err(Refusal::new(codes::FAILED, "姓名与身份证号不一致")),
            None => {
                claim.user_id = state.random.hex128();
                let person = Person {
                    user_id: claim.user_id.clone(),
                    account: claim.login_account.clone(),
                    name: claim.name.clone(),
                    id_card_no: claim.id_card_no.clone(),
                    identity: claim.user_identity.clone(),
                    org_code: claim.org_code.clone(),
                    verified: true,
                };
                state.people.insert(claim.user_id.clone(), person);
            }
        }
        state.verifications.push(claim.clone());
        Ok(claim)
    }

    pub(super) fn verifications(&self) -> Vec<Verification> {
        self.state.lock().verifications.clone()
    }

    /// Back to the people of the start, without sessions and verifications.
    pub(super) fn reset(&self) {
        let mut state = self.state.lock();
        state.people = self.original.iter().map(|person| (person.user_id.clone(), person.clone())).collect();
        state.sessions.clear();
        state.verifications.clear();
        state.login = None;
    }
}

/// 32 hexadecimal digits in the groups of a UUID.
pub(super) fn uuid(hex: &str) -> String {
    let mut text = String::with_capacity(36);
    for (at, digit) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}
