//! What people ask of a job that is there: its output, again, not at all.

use bytes::Bytes;
use futures_util::future::join_all;

use super::{Push, PushError, now, result_of};
use crate::{
    id::PlatformName,
    store::{Job, Retried},
};

/// Jobs that are sent again in one go: so many may share a commit.
const TOGETHER: usize = 64;

impl Push {
    /// The output of a job that is done, as long as it is kept.
    ///
    /// # Errors
    /// `Store`, `Seal`.
    pub(crate) async fn result(&self, job: &Job) -> Result<Option<Bytes>, PushError> {
        let Some(sealed) = self.store.result(job.id).await? else { return Ok(None) };
        let key = self.sealer.key(&job.link).await?;
        Ok(Some(Bytes::copy_from_slice(&key.open(result_of(&job.link, &job.id), &sealed)?)))
    }

    /// The record of a job, as long as it is kept: what a test asks.
    #[cfg(test)]
    pub(crate) async fn payload(&self, job: &Job) -> Result<Option<Bytes>, PushError> {
        let Some(sealed) = self.store.payload(job.id).await? else { return Ok(None) };
        let key = self.sealer.key(&job.link).await?;
        Ok(Some(Bytes::copy_from_slice(&key.open(super::payload_of(&job.link, &job.id), &sealed)?)))
    }

    /// Sends it again; how it stands then.
    ///
    /// # Errors
    /// `State` if it is under way or over for good; `Gone` if its record is; `UnknownJob`.
    pub(crate) async fn retry(&self, job: &Job) -> Result<Job, PushError> {
        self.requeue(job).await?;
        self.wake();
        self.store.job(job.id).await?.ok_or(PushError::UnknownJob)
    }

    /// Sends these again; how many they are. What has gone on meanwhile is left as it is.
    ///
    /// # Errors
    /// `Store`; some may be sent again then.
    pub(crate) async fn retry_all(&self, jobs: &[Job]) -> Result<u64, PushError> {
        let mut retried = 0_u64;
        for some in jobs.chunks(TOGETHER) {
            for ended in join_all(some.iter().map(|job| self.requeue(job))).await {
                match ended {
                    Ok(()) => retried = retried.saturating_add(1),
                    Err(PushError::State(_) | PushError::UnknownJob | PushError::Gone) => {}
                    Err(error) => return Err(error),
                }
            }
            self.wake();
        }
        Ok(retried)
    }

    async fn requeue(&self, job: &Job) -> Result<(), PushError> {
        let parks_at = now().plus(self.spec(&job.link).max_age);
        if let Retried::Superseded(_) = self.store.retry(now(), job.id, Some(parks_at)).await? {
            self.ended(job.id);
        }
        Ok(())
    }

    /// Delivers the events again that were given up, of this platform; how many they are.
    ///
    /// # Errors
    /// `Store`.
    pub(crate) async fn retry_webhooks(&self, platform: PlatformName) -> Result<u64, PushError> {
        let retried = self.store.events_retry(now(), platform).await?;
        self.events.notify_one();
        Ok(retried)
    }

    /// Takes it back; how it stands then.
    ///
    /// # Errors
    /// `State` if it is under way or has ended well; `UnknownJob`.
    pub(crate) async fn cancel(&self, job: &Job) -> Result<Job, PushError> {
        self.store.cancel(now(), job.id).await?;
        self.ended(job.id);
        self.wake();
        self.store.job(job.id).await?.ok_or(PushError::UnknownJob)
    }
}
