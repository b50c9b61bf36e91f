//! Whom the simulated SSO knows: its own users, the users that resources pushed to it, and the tickets in flight. In
//! memory only. Bounds: 100,000 each of users, pushed users and tickets.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::random::Random;
use super::{Refusal, codes};

const ENTRIES_MAX: usize = 100_000;

/// Someone with an account at the SSO. Only synthetic people belong here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Key of the user.
    pub userid: String,
    /// Name to log in with.
    pub loginname: String,
    /// Real name.
    pub username: String,
    /// Organisation.
    pub orgcoding: String,
    /// Identity number.
    pub idnum: String,
    /// Mobile number.
    pub mobile: String,
    /// Password.
    pub password: String,
}

impl User {
    /// The users known to a simulator that was given none.
    pub fn demo() -> Vec<Self> {
        let user = |n: u32, username: &str, idnum: &str| Self {
            userid: format!("demoUser{n:04}"),
            loginname: format!("zhence{n}"),
            username: username.to_owned(),
            orgcoding: "001006".to_owned(),
            idnum: idnum.to_owned(),
            mobile: format!("1380000{n:04}"),
            password: format!("demo-password-{n}"),
        };
        vec![user(1, "甄测生", "999999199001010016"), user(2, "甄测师", "99999920000101002X")]
    }
}

/// A user that a resource pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// The resource.
    pub servicecode: String,
    /// Key of the user.
    pub userid: String,
    /// `args` as last pushed, its `userid` filled in.
    pub args: Map<String, Value>,
    /// How often it was pushed.
    pub versions: u64,
}

/// The registry.
#[derive(Debug)]
pub(super) struct Directory {
    original: Vec<User>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    random: Random,
    users: BTreeMap<String, User>,
    login: Option<String>,
    tickets: HashMap<String, Ticket>,
    /// By resource and user.
    pushed: BTreeMap<(String, String), Pushed>,
}

#[derive(Debug)]
struct Ticket {
    servicecode: String,
    userid: String,
    expires_ms: i64,
}

impl Directory {
    pub(super) fn new(users: Vec<User>, seed: u64) -> Self {
        let state = State {
            random: Random::new(seed ^ 0x550),
            users: BTreeMap::new(),
            login: None,
            tickets: HashMap::new(),
            pushed: BTreeMap::new(),
        };
        let directory = Self { original: users, state: Mutex::new(state) };
        directory.reset();
        directory
    }

    pub(super) fn user(&self, userid: &str) -> Option<User> {
        self.state.lock().users.get(userid).cloned()
    }

    pub(super) fn users(&self) -> Vec<User> {
        self.state.lock().users.values().cloned().collect()
    }

    /// The user of this name in this organisation.
    pub(super) fn named(&self, loginname: &str, orgcoding: &str) -> Option<User> {
        let state = self.state.lock();
        state.users.values().find(|user| user.loginname == loginname && user.orgcoding == orgcoding).cloned()
    }

    /// Chooses who is logged in at the login page; false when there is no such user.
    pub(super) fn log_in(&self, userid: &str) -> bool {
        let mut state = self.state.lock();
        let known = state.users.contains_key(userid);
        if known {
            state.login = Some(userid.to_owned());
        }
        known
    }

    /// Who is logged in: the one chosen, or the first.
    pub(super) fn at_login(&self) -> Option<User> {
        let state = self.state.lock();
        match &state.login {
            Some(userid) => state.users.get(userid).cloned(),
            None => state.users.values().next().cloned(),
        }
    }

    /// A ticket for the resource, good once until `expires_ms`.
    pub(super) fn issue(&self, servicecode: &str, userid: &str, now_ms: i64, expires_ms: i64) -> String {
        let mut state = self.state.lock();
        if state.tickets.len() >= ENTRIES_MAX {
            state.tickets.retain(|_, ticket| ticket.expires_ms > now_ms);
        }
        if state.tickets.len() >= ENTRIES_MAX {
            state.tickets.clear();
        }
        let ticket = format!("{}-ticket", state.random.hex128());
        let entry = Ticket { servicecode: servicecode.to_owned(), userid: userid.to_owned(), expires_ms };
        state.tickets.insert(ticket.clone(), entry);
        ticket
    }

    /// Uses a ticket up; the user, if it was good and this resource's. Another resource's stays as it is.
    pub(super) fn redeem(&self, ticket: &str, servicecode: &str, now_ms: i64) -> Option<User> {
        let mut state = self.state.lock();
        state.tickets.get(ticket).filter(|ticket| ticket.servicecode == servicecode)?;
        let used = state.tickets.remove(ticket).filter(|ticket| ticket.expires_ms > now_ms)?;
        state.users.get(&used.userid).cloned()
    }

    /// Adds or changes a user of the resource: its key, and which version this is. A login name is one user's only.
    pub(super) fn push(&self, servicecode: &str, mut args: Map<String, Value>) -> Result<(String, u64), Refusal> {
        let text = |args: &Map<String, Value>, name: &str| {
            args.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (mut userid, loginname) = (text(&args, "userid"), text(&args, "loginname"));
        let mut state = self.state.lock();
        if userid.is_empty() {
            // A repeat of an addition whose answer was lost finds what the first one made.
            let same =
                |pushed: &&Pushed| pushed.servicecode == servicecode && text(&pushed.args, "loginname") == loginname;
            let known = state.pushed.values().find(same).map(|pushed| pushed.userid.clone());
            userid = known.unwrap_or_else(|| state.random.hex128());
        }
        let key = (servicecode.to_owned(), userid.clone());
        if text(&args, "opttype") == "modify" && !state.pushed.contains_key(&key) {
            return Err(Refusal::new(codes::USER, "用户不存在"));
        }
        let taken = state.users.values().any(|user| user.loginname == loginname)
            || state.pushed.values().any(|other| {
                text(&other.args, "loginname") == loginname
                    && (other.servicecode.as_str(), &other.userid) != (servicecode, &userid)
            });
        if taken {
            return Err(Refusal::new(codes::LOGINNAME, "loginname 在同一后缀域名下已存在"));
        }
        if state.pushed.len() >= ENTRIES_MAX {
            return Err(Refusal::new(codes::FULL, "模拟器已满"));
        }
        args.insert("userid".to_owned(), userid.as_str().into());
        let pushed = state.pushed.entry(key).or_insert_with(|| Pushed {
            servicecode: servicecode.to_owned(),
            userid: userid.clone(),
            args: Map::new(),
            versions: 0,
        });
        pushed.args = args;
        pushed.versions += 1;
        Ok((userid, pushed.versions))
    }

    /// A user that this resource pushed.
    pub(super) fn pushed(&self, servicecode: &str, userid: &str) -> Option<Pushed> {
        self.state.lock().pushed.get(&(servicecode.to_owned(), userid.to_owned())).cloned()
    }

    /// All pushed users, by resource and key.
    pub(super) fn all_pushed(&self) -> Vec<Pushed> {
        self.state.lock().pushed.values().cloned().collect()
    }

    pub(super) fn reset(&self) {
        let mut state = self.state.lock();
        state.users = self.original.iter().map(|user| (user.userid.clone(), user.clone())).collect();
        state.login = None;
        state.tickets.clear();
        state.pushed.clear();
    }
}
