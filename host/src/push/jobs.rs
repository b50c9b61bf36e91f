//! What people ask of a job that is there: its output, again, not at all.

use bytes::Bytes;

use super::{Push, PushError, now, result_of};
use crate::{
    id::PlatformName,
    store::{Job, Retried},
};

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
        let parks_at = now().plus(self.spec(&job.link).max_age);
        if let Retried::Superseded(_) = self.store.retry(now(), job.id, Some(parks_at)).await? {
            self.ended(job.id);
        }
        self.wake();
        self.store.job(job.id).await?.ok_or(PushError::UnknownJob)
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
