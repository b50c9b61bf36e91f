//! Waiting for a job's end, for those who asked with `Prefer: wait`. Nobody who waits holds anything up.

use std::time::Duration;

use tokio::{sync::broadcast::error::RecvError, time::timeout};

use super::{Push, PushError};
use crate::store::{Job, JobId, State};

/// The longest wait that is granted.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(60);

impl Push {
    /// The job as soon as it is over, or as it stands after this time.
    ///
    /// # Errors
    /// `UnknownJob` if there is none; `Store`.
    pub(crate) async fn wait(&self, id: JobId, time: Duration) -> Result<Job, PushError> {
        // Heard from now on, asked afterwards: an end in between is not missed.
        let (mut ended, mut drain) = (self.ended.subscribe(), self.drain());
        let over = async {
            loop {
                let job = self.find(id).await?;
                // A host that is going down ends what is under way and begins nothing more.
                if is_over(&job) || (drain.begun() && job.stage.state() == State::Queued) {
                    return Ok(job);
                }
                loop {
                    tokio::select! {
                        heard = ended.recv() => match heard {
                            Ok(other) if other != id => {}
                            // That it was missed is no news that it did not happen.
                            Ok(_) | Err(RecvError::Lagged(_)) => break,
                            Err(RecvError::Closed) => return self.find(id).await,
                        },
                        () = drain.wait(), if !drain.begun() => break,
                    }
                }
            }
        };
        match timeout(time.min(WAIT_MAX), over).await {
            Ok(job) => job,
            Err(_) => self.find(id).await,
        }
    }

    async fn find(&self, id: JobId) -> Result<Job, PushError> {
        self.store.job(id).await?.ok_or(PushError::UnknownJob)
    }
}

/// Will nothing happen to it by itself any more?
pub(crate) fn is_over(job: &Job) -> bool {
    !matches!(job.stage.state(), State::Queued | State::Sending)
}
