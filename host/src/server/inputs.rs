//! Bytes of inputs held at a time: many connections with a large body each must not be the host's memory, and the bodies
//! of one (platform or link) must not be what the others wait for.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

/// One may hold this part of all.
const SHARE: usize = 4;

/// The room for inputs, in bytes: bounded over all and for each, by name.
pub(super) struct Inputs {
    max: usize,
    held: Mutex<Held>,
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
        Self { max, held: Mutex::default() }
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

    #[test]
    fn no_length_overflows_the_count() {
        let inputs = Arc::new(Inputs::new(400));
        let _room = inputs.take("a", 1).unwrap();
        assert!(inputs.take("a", usize::MAX).is_none());
    }
}
