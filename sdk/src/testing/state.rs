//! What a test host holds, behind one lock, and which host serves this thread.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

use super::{KeyEncoding, script::Script};
use crate::{
    Use,
    bindings::duijie::{kv::store::Error as KvError, log::logger::Level},
    credential::Validity,
    forward::ForwardError,
};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
}

/// A log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its level.
    pub level: Level,
    /// Its message.
    pub message: String,
    /// Its fields, by name and value.
    pub fields: Vec<(String, String)>,
}

/// An event that a platform was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The event's name.
    pub event: String,
    /// Its key.
    pub key: Option<String>,
    /// Its data.
    pub data: Value,
}

/// What of the host may be used now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Nothing.
    Describe,
    /// The config.
    Check,
    /// Everything.
    Call,
}

/// A filled slot.
pub(crate) struct Secret {
    pub(crate) text: String,
    pub(crate) encoding: KeyEncoding,
}

/// A stored value, and when it vanishes.
pub(crate) struct Entry {
    pub(crate) value: Vec<u8>,
    pub(crate) until_ms: Option<u64>,
}

/// A held lock: whose, and when it frees itself.
pub(crate) struct Held {
    pub(crate) holder: u64,
    pub(crate) until_ms: u64,
}

/// All that a host holds.
pub(crate) struct State {
    pub(crate) phase: Phase,
    pub(crate) config: Value,
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) uses: BTreeMap<String, Vec<Use>>,
    pub(crate) now_ms: u64,
    pub(crate) random: u64,
    pub(crate) kv: BTreeMap<String, Entry>,
    pub(crate) kv_keys_max: usize,
    pub(crate) locks: BTreeMap<String, Held>,
    pub(crate) holders: u64,
    pub(crate) script: Script,
    pub(crate) logs: Vec<Logged>,
    pub(crate) platform: BTreeMap<String, VecDeque<Result<Value, ForwardError>>>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) validity: BTreeMap<String, Validity>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            phase: Phase::Call,
            config: json!({}),
            secrets: BTreeMap::new(),
            uses: BTreeMap::new(),
            now_ms: 1_700_000_000_000,
            random: 0x9e37_79b9_7f4a_7c15,
            kv: BTreeMap::new(),
            kv_keys_max: usize::MAX,
            locks: BTreeMap::new(),
            holders: 0,
            script: Script::default(),
            logs: Vec::new(),
            platform: BTreeMap::new(),
            asked: Vec::new(),
            validity: BTreeMap::new(),
        }
    }
}

impl State {
    /// The value under a key, if it is not over its time.
    pub(crate) fn live(&mut self, key: &str) -> Option<&mut Entry> {
        let now_ms = self.now_ms;
        self.kv.get_mut(key).filter(|entry| entry.until_ms.is_none_or(|until_ms| now_ms < until_ms))
    }

    /// Puts an entry, if there is room for it.
    pub(crate) fn put(&mut self, key: &str, entry: Entry) -> Result<(), KvError> {
        if self.live(key).is_none() && self.kv_keys().len() >= self.kv_keys_max {
            return Err(KvError::Quota(format!("{} keys", self.kv_keys_max)));
        }
        self.kv.insert(key.to_owned(), entry);
        Ok(())
    }

    /// Every key that is not over its time.
    pub(crate) fn kv_keys(&mut self) -> Vec<String> {
        let keys: Vec<_> = self.kv.keys().cloned().collect();
        keys.into_iter().filter(|key| self.live(key).is_some()).collect()
    }
}

/// A state, and the bell that rings when a lock comes free.
#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) freed: Condvar,
}

impl Shared {
    /// The state. A test that has panicked elsewhere does not keep others from finishing.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes this the host of this thread.
pub(crate) fn enter(shared: Arc<Shared>) {
    CURRENT.set(Some(shared));
}

/// The host of this thread.
#[expect(clippy::panic, reason = "a test without a host cannot go on")]
pub(crate) fn current() -> Arc<Shared> {
    match CURRENT.with_borrow(Clone::clone) {
        Some(shared) => shared,
        None => panic!("no TestHost serves this thread: make one, or enter one"),
    }
}

/// The host of this thread, for an import that may be used from this phase on.
#[expect(clippy::panic, reason = "this is what the host does: it traps")]
pub(crate) fn import(name: &str, from: Phase) -> Arc<Shared> {
    let shared = current();
    let phase = shared.lock().phase;
    if phase < from {
        panic!("{name} may not be used here: the host traps");
    }
    shared
}
