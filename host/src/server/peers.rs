//! Counts open connections per peer address, so that one peer cannot take them all. Holds an entry only for peers that
//! have a connection open: bounded by the number of connections.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parking_lot::Mutex;

/// Open connections by peer.
pub(super) struct Peers {
    each_max: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place; gives it back when dropped.
pub(super) struct Slot {
    peers: Arc<Peers>,
    peer: IpAddr,
}

impl Peers {
    pub(super) fn new(each_max: usize) -> Self {
        Self { each_max, open: Mutex::default() }
    }

    /// A place for one more connection of this peer, unless it has all it may.
    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Slot> {
        let mut open = self.open.lock();
        let count = open.entry(peer).or_insert(0);
        if *count >= self.each_max {
            return None;
        }
        *count += 1;
        Some(Slot { peers: self.clone(), peer })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.peers.open.lock();
        if let Some(count) = open.get_mut(&self.peer) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_its_share_and_leaves_nothing_behind() {
        let peers = Arc::new(Peers::new(2));
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let first = peers.enter(one).unwrap();
        let second = peers.enter(one).unwrap();
        assert!(peers.enter(one).is_none());
        assert!(peers.enter(other).is_some(), "another peer is not touched by it");
        drop(first);
        let third = peers.enter(one);
        assert!(third.is_some());
        drop((second, third));
        assert!(peers.open.lock().is_empty());
    }
}
