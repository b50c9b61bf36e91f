//! An attempt's place in the traffic: given up when it ends, however it ends. One that were kept for ever would count
//! against its link, and others would wait for what it was to find out.

use std::{sync::Arc, time::Instant};

use super::{
    Push,
    traffic::{Begun, How},
};
use crate::id::LinkId;

/// The place of one attempt.
pub(super) struct Place {
    push: Arc<Push>,
    begun: Option<Begun>,
}

impl Place {
    /// For an attempt of this link, which is about to begin.
    pub(super) fn take(push: &Arc<Push>, link: &LinkId) -> Self {
        let begun = push.traffic.lock().begin(link, Instant::now());
        Self { push: push.clone(), begun: Some(begun) }
    }

    /// What [`super::traffic::Traffic::ended`] wants, for whoever knows how it went; none: it has been told already.
    pub(super) fn end(&mut self) -> Option<Begun> {
        self.begun.take()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(begun) = self.begun.take() {
            self.push.traffic.lock().ended(begun, None, How::NotAsked, None, Instant::now());
        }
    }
}
