//! The small values of each link: in memory to be read, in the store to last. A change is answered, and seen by others, only
//! when it is durable, so what a guest was told survives whatever ends the process.
//!
//! A link's [`Space`] outlives every revision and is seen by no other link. Its values are read from the store when it is
//! first used, and from then on memory is asked alone. Changes of one key run one after the other; those of others meet in
//! one commit. Nothing is evicted to make room: what does not fit is refused, and what is over its time is gone whether or
//! not it has been swept.
//!
//! Bounded per link by a [`Quota`], [`KEY_MAX`], [`VALUE_MAX`] and the bounds in `lock.rs`; locks are memory alone. A space
//! that was never used costs a few hundred bytes, so thousands of idle links cost nothing to speak of.

mod clock;
mod kept;
mod lock;
mod state;

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use self::{
    clock::Clock,
    kept::{Kept, Ready},
    state::{Entry, State},
};
pub(crate) use self::{lock::Lock, state::Quota};
use crate::{
    id::LinkId,
    seal::Sealer,
    store::{At, Store},
};

/// Most bytes of a key or of a lock's name.
pub(crate) const KEY_MAX: usize = 512;

/// Most bytes of a value.
pub(crate) const VALUE_MAX: usize = 64 << 10;

/// Why it was not done. The texts go to the guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KvError {
    /// A key or lock name that is empty or over [`KEY_MAX`].
    #[error("a key is 1 to 512 bytes, this one is {0}")]
    KeyLength(usize),
    /// A value over [`VALUE_MAX`].
    #[error("a value is at most 65536 bytes, this one is {0}")]
    ValueLength(usize),
    /// [`Quota::keys`] is used up.
    #[error("the link's quota of {0} keys is used up")]
    QuotaKeys(usize),
    /// [`Quota::bytes`] is used up.
    #[error("the link's quota of {0} bytes is used up")]
    QuotaBytes(usize),
    /// What is stored is not decimal text of 64 bits, or the sum would not be.
    #[error("the value is not a counter, or it would overflow")]
    NotANumber,
    /// The store has failed, or more locks or waiters than a link may have.
    #[error("{0}")]
    Unavailable(&'static str),
}

/// The spaces of all links.
pub(crate) struct Kv {
    kept: Arc<Kept>,
    spaces: Mutex<HashMap<LinkId, Arc<Space>>>,
}

impl Kv {
    /// Over what this store keeps.
    pub(crate) fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>) -> Self {
        Self::with_clock(store, sealer, Clock::new(Box::new(|| jiff::Timestamp::now().into())))
    }

    fn with_clock(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: Clock) -> Self {
        Self { kept: Arc::new(Kept { store, sealer, clock }), spaces: Mutex::default() }
    }

    /// The space of this link, made when first asked for, under this quota from now on. A quota that is lowered takes
    /// nothing away; it stops growth.
    pub(crate) fn space(&self, link: &LinkId, quota: Quota) -> Arc<Space> {
        let mut spaces = self.spaces.lock();
        if let Some(space) = spaces.get(link) {
            space.state.lock().quota = quota;
            return space.clone();
        }
        let space = Arc::new(Space {
            link: link.clone(),
            kept: self.kept.clone(),
            ready: OnceCell::new(),
            state: Mutex::new(State::new(quota)),
            locks: lock::Locks::default(),
        });
        spaces.insert(link.clone(), space.clone());
        space
    }

    /// Clears away entries that are over their time, at most so many in memory and as many in the store, and says how many
    /// they were in memory. For a timer: without it, expired values of idle links would stay for ever.
    pub(crate) async fn sweep(&self, entries_max: usize) -> usize {
        let spaces: Vec<_> = self.spaces.lock().values().cloned().collect();
        let (now, mut left) = (self.kept.clock.now(), entries_max);
        for space in spaces {
            left = left.saturating_sub(space.state.lock().purge(now, left));
        }
        // A store that fails here says so itself, and whoever changes something next is told.
        let _ = self.kept.store.values_sweep(now, entries_max).await;
        entries_max.saturating_sub(left)
    }
}

/// The values and locks of one link.
pub(crate) struct Space {
    link: LinkId,
    kept: Arc<Kept>,
    /// Set once the values have been read from the store.
    ready: OnceCell<Ready>,
    state: Mutex<State>,
    locks: lock::Locks,
}

/// What a change does to its key.
enum Step {
    Put(Box<[u8]>, Option<At>),
    Remove,
}

impl Space {
    /// The value, unless absent or over its time.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        check_key(key)?;
        self.ready().await?;
        let now = self.kept.clock.now();
        Ok(self.state.lock().live(key, now).map(|entry| entry.value.to_vec()))
    }

    /// Stores a value; it vanishes after `ttl`. Replaces value and time. A time too long for the clock is none.
    pub(crate) async fn set(self: &Arc<Self>, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), KvError> {
        check_value(key, value)?;
        let value: Box<[u8]> = value.into();
        self.change(key, move |_, now| Ok((Some(Step::Put(value, until(now, ttl))), ()))).await
    }

    /// Forgets a key; an absent one is no error.
    pub(crate) async fn delete(self: &Arc<Self>, key: &str) -> Result<(), KvError> {
        self.change(key, |found, _| Ok((found.map(|_| Step::Remove), ()))).await
    }

    /// Returns the value and deletes it, in one step: of many takers one gets it.
    pub(crate) async fn take(self: &Arc<Self>, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        self.change(key, |found, _| Ok((found.map(|_| Step::Remove), found.map(|entry| entry.value.to_vec())))).await
    }

    /// Stores only if absent; true if it was stored: of many adders one is told so.
    pub(crate) async fn add(self: &Arc<Self>, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<bool, KvError> {
        check_value(key, value)?;
        let value: Box<[u8]> = value.into();
        self.change(key, move |found, now| match found {
            Some(_) => Ok((None, false)),
            None => Ok((Some(Step::Put(value, until(now, ttl))), true)),
        })
        .await
    }

    /// Adds to a counter, kept as decimal text, and returns the sum. An absent one is 0 and gets this time to live; one
    /// that exists keeps its own.
    pub(crate) async fn increment(self: &Arc<Self>, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, KvError> {
        self.change(key, move |found, now| {
            let (old, expires) = match found {
                Some(entry) => (entry.number().ok_or(KvError::NotANumber)?, entry.expires),
                None => (0, until(now, ttl)),
            };
            let sum = old.checked_add(by).ok_or(KvError::NotANumber)?;
            Ok((Some(Step::Put(sum.to_string().into_bytes().into(), expires)), sum))
        })
        .await
    }

    /// Waits for the lock of this name, in the order of asking, as long as the caller waits. It frees itself after
    /// `hold`, or when dropped, whichever is first.
    pub(crate) async fn acquire(self: &Arc<Self>, name: &str, hold: Duration) -> Result<Lock, KvError> {
        check_key(name)?;
        lock::acquire(self, name, hold).await
    }

    /// Changes one key: decided by what is there, durable, then seen.
    async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        key: &str,
        decide: impl FnOnce(Option<&Entry>, At) -> Result<(Option<Step>, T), KvError> + Send + 'static,
    ) -> Result<T, KvError> {
        check_key(key)?;
        let (space, key) = (self.clone(), Arc::from(key));
        // On a task of its own: what the store was handed it does, also when the caller goes away meanwhile, and then memory
        // must follow it.
        let changed = tokio::spawn(async move { space.change_to_the_end(key, decide).await });
        changed.await.unwrap_or(Err(KvError::Unavailable("the change was cut off")))
    }

    async fn change_to_the_end<T>(
        &self,
        key: Arc<str>,
        decide: impl FnOnce(Option<&Entry>, At) -> Result<(Option<Step>, T), KvError>,
    ) -> Result<T, KvError> {
        let ready = self.ready().await?;
        let id = self.kept.sealer.value_key(&self.link, &key);
        let _turn = ready.turn(id).await;
        let now = self.kept.clock.now();
        let (step, answer, growth) = {
            let mut state = self.state.lock();
            let (step, answer) = decide(state.live(&key, now), now)?;
            let growth = match &step {
                Some(Step::Put(value, _)) => state.reserve(&key, value, now)?,
                _ => state::Growth::default(),
            };
            (step, answer, growth)
        };
        let Some(step) = step else { return Ok(answer) };
        let written = match &step {
            Step::Put(value, expires) => self.kept.put(&self.link, &ready.key, id, (&key, value, *expires), now).await,
            Step::Remove => self.kept.remove(&self.link, id).await,
        };
        let mut state = self.state.lock();
        state.release(growth);
        written?;
        match step {
            Step::Put(value, expires) => state.insert(key, Entry { value, expires }),
            Step::Remove => drop(state.remove(&key)),
        }
        Ok(answer)
    }

    /// Reads the values from the store, once.
    async fn ready(&self) -> Result<&Ready, KvError> {
        let load = || async {
            let (ready, entries) = self.kept.load(&self.link).await?;
            let mut state = self.state.lock();
            entries.into_iter().for_each(|(key, entry)| state.insert(key, entry));
            Ok(ready)
        };
        self.ready.get_or_try_init(load).await
    }
}

fn until(now: At, ttl: Option<Duration>) -> Option<At> {
    ttl.map(|ttl| now.plus(ttl)).filter(|end| *end < At(i64::MAX))
}

fn check_key(key: &str) -> Result<(), KvError> {
    if key.is_empty() || key.len() > KEY_MAX { Err(KvError::KeyLength(key.len())) } else { Ok(()) }
}

fn check_value(key: &str, value: &[u8]) -> Result<(), KvError> {
    check_key(key)?;
    if value.len() > VALUE_MAX { Err(KvError::ValueLength(value.len())) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
