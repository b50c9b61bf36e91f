//! One link's values as the store has them: sealed under the link's data key, each under a digest of its name, for names may
//! be those of people. Neither name nor value is readable there; times and lengths are.

use std::{sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use tokio::sync::{Mutex, MutexGuard};

use super::{Clock, Entry, KvError};
use crate::{
    id::LinkId,
    seal::{DataKey, Kind, SealError, Sealer, What},
    store::{At, Digest, Sealed, Store, StoreError, Value},
};

/// What the keys of guests' values begin with in the store.
const GUEST: u8 = b'g';
/// Keys of a link whose changes may be on their way to the disk at once: of two that share a turn one waits.
const TURNS: usize = 32;
/// How a value without an end is written.
const NEVER: At = At(i64::MAX);

/// Where all links' values are kept, and by which clock they end.
pub(super) struct Kept {
    pub(super) store: Arc<dyn Store>,
    pub(super) sealer: Arc<Sealer>,
    pub(super) clock: Clock,
}

/// What a space has once its values were read.
pub(super) struct Ready {
    pub(super) key: Arc<DataKey>,
    turns: Box<[Mutex<()>; TURNS]>,
}

impl Ready {
    /// Waits until no other change of this key is under way.
    pub(super) async fn turn(&self, id: Digest) -> Option<MutexGuard<'_, ()>> {
        let [first, ..] = id.0;
        Some(self.turns.get(usize::from(first) % TURNS)?.lock().await)
    }
}

impl Kept {
    /// Reads all values of a link that are not over their time.
    pub(super) async fn load(&self, link: &LinkId) -> Result<(Ready, Vec<(Arc<str>, Entry)>), KvError> {
        let key = self.sealer.key(link).await.map_err(|error| failed(link, &error))?;
        let now = self.clock.now();
        let stored = self.store.values(now, link.clone()).await.map_err(|error| failed(link, &error.into()))?;
        let (link_too, key_too) = (link.clone(), key.clone());
        // Up to 16 MiB are opened here.
        let opening = move || stored.into_iter().filter_map(|value| open(&link_too, &key_too, value, now)).collect();
        let opened: Vec<Opened> =
            tokio::task::spawn_blocking(opening).await.map_err(|_| KvError::Unavailable("the values were not read"))?;
        // Their new time must last, or they would be back after each restart.
        let shorter = opened.iter().filter(|opened| opened.is_shorter);
        try_join_all(
            shorter.map(|Opened { id, name, entry, .. }| {
                self.put(link, &key, *id, (name, &entry.value, entry.expires), now)
            }),
        )
        .await?;
        let entries = opened.into_iter().map(|opened| (opened.name, opened.entry)).collect();
        Ok((Ready { key, turns: Box::default() }, entries))
    }

    /// Stores a value, with its name and its end.
    pub(super) async fn put(
        &self,
        link: &LinkId,
        key: &DataKey,
        id: Digest,
        (name, value, expires): (&str, &[u8], Option<At>),
        now: At,
    ) -> Result<(), KvError> {
        let name_bytes = u16::try_from(name.len()).map_err(|_| KvError::KeyLength(name.len()))?.to_be_bytes();
        let (set, end) = (now.0.to_be_bytes(), expires.unwrap_or(NEVER).0.to_be_bytes());
        let plain = zeroize::Zeroizing::new([&set[..], &end, &name_bytes, name.as_bytes(), value].concat());
        let sealed = key.seal(place(link, &id), &plain).map_err(|error| failed(link, &error))?;
        let value = Value { key: stored_key(&id), value: sealed.0.to_vec(), expires };
        let written = self.store.value_set(now, link.clone(), value).await;
        written.map_err(|error| failed(link, &error.into()))
    }

    /// Deletes a value.
    pub(super) async fn remove(&self, link: &LinkId, id: Digest) -> Result<(), KvError> {
        let deleted = self.store.value_delete(link.clone(), stored_key(&id)).await;
        deleted.map_err(|error| failed(link, &error.into()))
    }
}

/// A value as it was read.
struct Opened {
    id: Digest,
    name: Arc<str>,
    entry: Entry,
    /// Its end is sooner than the store says.
    is_shorter: bool,
}

/// Opens a guest's value. One that cannot be opened is as good as lost; the others must not be lost with it.
fn open(link: &LinkId, key: &DataKey, stored: Value, now: At) -> Option<Opened> {
    let id = Digest(stored.key.strip_prefix(&[GUEST])?.try_into().ok()?);
    let plain = match key.open(place(link, &id), &Sealed(stored.value.into())) {
        Ok(plain) => plain,
        Err(error) => {
            tracing::error!(%link, %error, "a value of this link cannot be read and is left out");
            return None;
        }
    };
    let (set, rest) = plain.split_first_chunk()?;
    let (end, rest) = rest.split_first_chunk()?;
    let (name_bytes, rest) = rest.split_first_chunk()?;
    let (name, value) = rest.split_at_checked(u16::from_be_bytes(*name_bytes).into())?;
    let (set, end) = (At(i64::from_be_bytes(*set)), At(i64::from_be_bytes(*end)));
    // Set in what is now the future: the clock was put back since. How long ago is not known; but it may live no longer than
    // it was to live then.
    let life = Duration::from_millis(u64::try_from(end.0.saturating_sub(set.0)).unwrap_or(0));
    let is_shorter = end != NEVER && set > now;
    let end = if is_shorter { now.plus(life) } else { end };
    let entry = Entry { value: value.into(), expires: (end != NEVER).then_some(end) };
    // What is sealed counts, not what the table says beside it.
    entry.live(now).then_some(Opened { id, name: std::str::from_utf8(name).ok()?.into(), entry, is_shorter })
}

fn place<'a>(link: &'a LinkId, id: &'a Digest) -> What<'a> {
    What { kind: Kind::Value, link, id: &id.0 }
}

fn stored_key(id: &Digest) -> Vec<u8> {
    [&[GUEST], id.0.as_slice()].concat()
}

fn failed(link: &LinkId, error: &SealError) -> KvError {
    // A broken store has said so itself, once.
    if !matches!(error, SealError::Store(StoreError::Broken(_))) {
        tracing::error!(%link, %error, "the values of this link cannot be used");
    }
    KvError::Unavailable("the host's store has failed")
}
