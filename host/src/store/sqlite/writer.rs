//! The one thread that writes. It takes all changes that wait, up to a bound, runs each in a savepoint of one transaction,
//! commits once, and only then answers: a sync costs the same for one as for many. A change that is refused is undone
//! alone; an error of the disk breaks the store, and everyone in that commit is told so.

use std::{
    collections::VecDeque,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{Options, audit::Anchor, latch::Latch};
use crate::store::StoreError;

/// How long one commit goes on taking changes: a thousand rows of a batch must not wait for 255 others of their kind.
const GROUP_TIME: Duration = Duration::from_millis(50);

/// What a change may use.
pub(in crate::store) struct Tx<'a> {
    /// Inside a savepoint.
    pub(super) db: &'a Connection,
    /// The link that was served last. Only a hint, so it needs no undoing.
    pub(super) turn: &'a mut String,
    /// The audit log's anchor and key.
    pub(super) anchor: &'a Anchor,
}

/// The way to the thread, which ends when this is dropped and all changes have run.
pub(super) struct Writer {
    queue: mpsc::Sender<Box<dyn Change>>,
    latch: Latch,
}

impl Writer {
    /// Starts the thread, which holds the lock as long as it lives.
    pub(super) fn start(
        connection: Connection,
        lock: File,
        options: &Arc<Options>,
        latch: &Latch,
        anchor: Arc<Anchor>,
    ) -> Result<Self, StoreError> {
        let (queue, changes) = mpsc::channel(options.queue_max.max(1));
        let (of_thread, options) = (latch.clone(), options.clone());
        let run = move || {
            let ran = catch_unwind(AssertUnwindSafe(|| run(connection, changes, &options, &of_thread, &anchor)));
            if ran.is_err() {
                of_thread.set(&"the writer panicked".into());
            }
            drop(lock);
        };
        thread::Builder::new().name("store".into()).spawn(run).map_err(|error| super::io("writer", &error))?;
        Ok(Self { queue, latch: latch.clone() })
    }

    /// Hands a change over and waits until it is durable or refused.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.latch.check()?;
        let (answer, answered) = oneshot::channel();
        let change = One { work: Some(work), result: None, answer };
        let gone = || StoreError::Broken(self.latch.get().unwrap_or_else(|| "the writer has ended".into()));
        self.queue.send(Box::new(change)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// A change of whatever result.
trait Change: Send {
    /// Runs it; an error means that it is to be undone.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    /// Answers with what `run` gave if the commit went well.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct One<T, W> {
    work: Option<W>,
    result: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, W: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send> Change for One<T, W> {
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let Some(work) = self.work.take() else { return Ok(()) };
        // A bug in one change must not look like a store that has quietly ended.
        let ran = catch_unwind(AssertUnwindSafe(|| work(tx)));
        let result = ran.unwrap_or_else(|_| Err(StoreError::Broken("a change panicked".into())));
        let end = result.as_ref().map(|_| ()).map_err(Clone::clone);
        self.result = Some(result);
        end
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { result, answer, .. } = *self;
        let never = || Err(StoreError::Broken("the change did not run".into()));
        // Whoever asked may have gone; the change is made all the same.
        let _ = answer.send(committed.and_then(|()| result.unwrap_or_else(never)));
    }
}

fn run(
    connection: Connection,
    mut changes: mpsc::Receiver<Box<dyn Change>>,
    options: &Options,
    latch: &Latch,
    anchor: &Anchor,
) {
    let (mut turn, mut waiting) = (String::new(), VecDeque::new());
    loop {
        if waiting.is_empty() {
            match changes.blocking_recv() {
                Some(change) => waiting.push_back(change),
                None => return,
            }
        }
        while waiting.len() < options.group_max
            && let Ok(change) = changes.try_recv()
        {
            waiting.push_back(change);
        }
        let (mut tx, mut group) = (Tx { db: &connection, turn: &mut turn, anchor }, Vec::new());
        let committed = latch.check().and_then(|()| latch.watch(commit(&mut tx, &mut waiting, &mut group)));
        if committed.is_ok() {
            if let Some(heard) = &options.on_commit {
                heard(group.len());
            }
        } else {
            // What has not run never will.
            group.extend(waiting.drain(..));
            if !connection.is_autocommit() {
                // For the sake of those that read; if this fails too, nothing is lost by it.
                let _ = connection.execute_batch("ROLLBACK");
            }
        }
        for change in group {
            change.answer(committed.clone());
        }
    }
}

/// Runs what waits, until it is all or long enough, and commits. What has run is in the group.
fn commit(
    tx: &mut Tx<'_>,
    waiting: &mut VecDeque<Box<dyn Change>>,
    group: &mut Vec<Box<dyn Change>>,
) -> Result<(), StoreError> {
    let started = Instant::now();
    tx.db.execute_batch("BEGIN IMMEDIATE")?;
    while let Some(mut change) = waiting.pop_front() {
        tx.db.prepare_cached("SAVEPOINT change")?.execute([])?;
        let end = change.run(tx);
        group.push(change);
        match end {
            Ok(()) => {}
            Err(StoreError::Broken(reason)) => return Err(StoreError::Broken(reason)),
            Err(_) => {
                tx.db.prepare_cached("ROLLBACK TO change")?.execute([])?;
            }
        }
        tx.db.prepare_cached("RELEASE change")?.execute([])?;
        if started.elapsed() > GROUP_TIME {
            break;
        }
    }
    tx.db.execute_batch("COMMIT")?;
    tx.anchor.write()
}
