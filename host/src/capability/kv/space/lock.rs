//! Named locks of one link: fair, and free again after a time whatever the holder does.
//!
//! A guest's lock is a convenience for single flight, not a safeguard: after its hold it is gone, and the next one has
//! it while the first may still be at work. So a holder that comes late must not free its successor's, and does not:
//! each acquisition has its own permit.
//!
//! Bounded by [`LOCKS_MAX`] and [`WAITERS_MAX`]; each lock that is held costs one timer task.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::AbortHandle,
    time::sleep,
};

use super::{KvError, Space};

/// Names that may be locked or waited for at once, per link.
const LOCKS_MAX: usize = 1_024;

/// Calls that may wait at once, per link: far over any concurrency limit, and far under what would hurt.
const WAITERS_MAX: usize = 4_096;

/// The locks of one link.
#[derive(Default)]
pub(super) struct Locks {
    /// Each name's queue; its holder and waiters keep it alive.
    queues: Mutex<HashMap<Box<str>, Weak<Semaphore>>>,
    waiters: AtomicUsize,
}

impl Locks {
    fn queue(&self, name: &str) -> Result<Arc<Semaphore>, KvError> {
        let mut queues = self.queues.lock();
        if let Some(queue) = queues.get(name).and_then(Weak::upgrade) {
            return Ok(queue);
        }
        if queues.len() >= LOCKS_MAX {
            queues.retain(|_, queue| queue.strong_count() > 0);
        }
        if queues.len() >= LOCKS_MAX {
            return Err(KvError::Unavailable("the link holds 1024 locks already"));
        }
        let queue = Arc::new(Semaphore::new(1));
        queues.insert(name.into(), Arc::downgrade(&queue));
        Ok(queue)
    }

    /// Forgets the name if nobody holds it or waits for it.
    fn tidy(&self, name: &str) {
        let mut queues = self.queues.lock();
        if queues.get(name).is_some_and(|queue| queue.strong_count() == 0) {
            queues.remove(name);
        }
        if queues.is_empty() {
            queues.shrink_to_fit();
        }
    }
}

/// A lock that is held, until dropped or until its time is over.
pub(crate) struct Lock {
    held: Arc<Held>,
    timer: AbortHandle,
}

/// One acquisition, shared by the lock and its timer; the permit goes once.
struct Held {
    space: Arc<Space>,
    name: Box<str>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Held {
    fn free(&self) {
        let permit = self.permit.lock().take();
        if let Some(permit) = permit {
            drop(permit);
            self.space.locks.tidy(&self.name);
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.timer.abort();
        self.held.free();
    }
}

pub(super) async fn acquire(space: &Arc<Space>, name: &str, hold: Duration) -> Result<Lock, KvError> {
    let queue = space.locks.queue(name)?;
    let waiting = Waiting::new(&space.locks.waiters)?;
    // The queue is closed by nobody.
    let permit = queue.acquire_owned().await.map_err(|_| KvError::Unavailable("the lock is gone"))?;
    drop(waiting);
    let held = Arc::new(Held { space: space.clone(), name: name.into(), permit: Mutex::new(Some(permit)) });
    let timed = held.clone();
    let timer = tokio::spawn(async move {
        sleep(hold).await;
        timed.free();
    });
    Ok(Lock { held, timer: timer.abort_handle() })
}

/// Counts a waiter, also one that gives up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(waiters: &'a AtomicUsize) -> Result<Self, KvError> {
        let waiting = Self(waiters);
        if waiters.fetch_add(1, Ordering::Relaxed) >= WAITERS_MAX {
            return Err(KvError::Unavailable("4096 calls of the link wait for locks already"));
        }
        Ok(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
