//! Bytes of inputs held at a time: many connections with a large body each must not be the host's memory, and the bodies
//! of one (platform or link) must not be what the others wait for.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::timeout};

/// One may hold this part of all.
const SHARE: usize = 4;

/// The room for inputs, in bytes: bounded over all and for each, by name.
pub(super) struct Inputs {
    max: usize,
    held: Mutex<Held>,
    /// Told whenever something is given back.
    freed: Notify,
}

#[derive(Default)]
struct Held {
    all: usize,
    /// Only those that hold something. By name, since a platform may have several keys and its record is replaced
    /// when keys are read again.
    each: HashMap<Arc<str>, usize>,
}

/// Room that is held; given back when dropped.
pub(super) struct Room {
    inputs: Arc<Inputs>,
    who: Arc<str>,
    bytes: usize,
}

impl Inputs {
    /// Room for so many bytes over all.
    pub(super) fn new(max: usize) -> Self {
        Self { max, held: Mutex::default(), freed: Notify::new() }
    }

    /// The same, and waits as long as this for others to give room back. Nothing of the input has been read by then, so that
    /// whoever waits costs a connection.
    pub(super) async fn wait(self: &Arc<Self>, who: &str, bytes: usize, at_most: Duration) -> Option<Room> {
        if bytes > self.max / SHARE {
            return None;
        }
        let found = async {
            loop {
                let freed = self.freed.notified();
                tokio::pin!(freed);
                // From now on: what is given back between the look and the wait is heard, too.
                freed.as_mut().enable();
                if let Some(room) = self.take(who, bytes) {
                    return room;
                }
                freed.await;
            }
        };
        timeout(at_most, found).await.ok()
    }

    /// Room for this input, if there is any for whoever sends it.
    pub(super) fn take(self: &Arc<Self>, who: &str, bytes: usize) -> Option<Room> {
        let mut held = self.held.lock();
        let all = held.all.checked_add(bytes).filter(|all| *all <= self.max)?;
        let own = held.each.get(who).copied().unwrap_or(0).checked_add(bytes)?;
        if own > self.max / SHARE {
            return None;
        }
        held.all = all;
        let who: Arc<str> = who.into();
        held.each.insert(who.clone(), own);
        Some(Room { inputs: self.clone(), who, bytes })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut held = self.inputs.held.lock();
        held.all -= self.bytes;
        let left = held.each.get(&self.who).copied().unwrap_or(0).saturating_sub(self.bytes);
        if left == 0 {
            held.each.remove(&self.who);
        } else {
            held.each.insert(self.who.clone(), left);
        }
        drop(held);
        self.inputs.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_platform_holds_a_quarter_and_the_others_theirs() {
        let inputs = Arc::new(Inputs::new(400));
        let names = ["a", "b", "c", "d", "e"];
        let first = inputs.take(names[0], 60).unwrap();
        let second = inputs.take(names[0], 40).unwrap();
        assert!(inputs.take(names[0], 1).is_none(), "beyond its quarter");
        let others: Vec<Room> = names[1..4].iter().map(|name| inputs.take(name, 100).unwrap()).collect();
        assert!(inputs.take(names[4], 1).is_none(), "beyond all");
        drop(first);
        assert!(inputs.take(names[0], 61).is_none() && inputs.take(names[4], 60).is_some());
        assert!(inputs.take(names[0], 60).is_some(), "what was given back is there again");
        drop((second, others));
        assert!(inputs.held.lock().each.is_empty() && inputs.held.lock().all == 0);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_no_room_waits_for_it_and_not_for_ever() {
        let inputs = Arc::new(Inputs::new(400));
        let first = inputs.take("a", 100).unwrap();
        let waiting = tokio::spawn({
            let inputs = inputs.clone();
            async move { inputs.wait("a", 60, Duration::from_secs(5)).await.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(inputs.wait("a", 60, Duration::from_secs(1)).await.is_none(), "nobody gave anything back");
        drop(first);
        assert!(waiting.await.unwrap());
        let begun = tokio::time::Instant::now();
        assert!(inputs.wait("a", 101, Duration::from_secs(5)).await.is_none());
        assert_eq!(begun.elapsed(), Duration::ZERO, "what never fits is not waited for");
    }

    #[test]
    fn no_length_overflows_the_count() {
        let inputs = Arc::new(Inputs::new(400));
        let _room = inputs.take("a", 1).unwrap();
        assert!(inputs.take("a", usize::MAX).is_none());
    }
}
