//! From a platform's input to a job that is ours: checked, sealed, its place in the order found, and durable before
//! anybody is told. What is refused here was never accepted.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

use super::{Push, PushError, coalesce, now, payload_of};
use crate::{
    failpoint,
    id::PlatformName,
    link::{CallError, Link},
    runtime::{Operation, Violation, manifest},
    seal::DataKey,
    store::{Accepted, At, Fold, Idempotency, JobId, Merged, NewJob, Newer, Repeat, StoreError},
};

/// For how long an idempotency key is remembered after its job may have waited longest: longer than any sane client tries
/// (reliability.md E4).
const IDEMPOTENCY: Duration = Duration::from_secs(7 * 86_400);
/// The longest idempotency key, in bytes.
pub(crate) const IDEMPOTENCY_KEY_MAX: usize = 255;

/// A record as it comes in.
pub(crate) struct Ask<'a> {
    /// Whose it is.
    pub(crate) platform: &'a PlatformName,
    /// The link's id, as given.
    pub(crate) link: &'a str,
    /// The operation's name, as given.
    pub(crate) operation: &'a str,
    /// The input, not yet parsed.
    pub(crate) input: Bytes,
    /// The platform's word for this request, 1 to [`IDEMPOTENCY_KEY_MAX`] bytes.
    pub(crate) idempotency: Option<&'a str>,
    /// Names the request in every log line.
    pub(crate) request_id: &'a str,
}

/// A record that is ours now, or was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// The job.
    pub(crate) id: JobId,
    /// Was it accepted before, under the same idempotency key?
    pub(crate) replay: bool,
}

/// Where records of one batch or schedule go: what they share.
pub(super) struct Lane {
    pub(super) link: Arc<Link>,
    pub(super) operation: String,
    pub(super) platform: PlatformName,
    key: Arc<DataKey>,
    callback: bool,
    parks_at: At,
}

impl Push {
    /// Accepts one record: when this answers, it is durable.
    ///
    /// # Errors
    /// `Call` when it cannot be made or the input does not fit; `KeyReused`; `Store` when it cannot be kept.
    pub(crate) async fn accept(&self, ask: Ask<'_>) -> Result<Ticket, PushError> {
        let (link, value) = self.dispatcher.examine(ask.link, ask.operation, &ask.input)?;
        let lane = self.lane(link, ask.operation, ask.platform).await?;
        let mut job = lane.job(self, &value, &ask.input, ask.request_id)?;
        job.idempotency = ask.idempotency.map(|key| self.idempotency(ask.platform, key, &lane, &ask.input));
        let id = job.id;
        // Of a store that is broken already nothing is hoped for; what it breaks with may be on the disk.
        if let Some(why) = self.store.is_broken() {
            return Err(StoreError::Broken(why).into());
        }
        let accepted = self.store.accept(now(), vec![job]).await.map_err(|error| match error {
            StoreError::Broken(_) => PushError::InDoubt,
            error => error.into(),
        })?;
        failpoint::pass("push.accepted");
        metrics::counter!("duijie_pushes_total", "connector" => lane.link.connector.manifest.name.to_string())
            .increment(1);
        match accepted.into_iter().next() {
            Some(Accepted::New { superseded, .. }) => {
                superseded.into_iter().for_each(|old| self.ended(old));
                self.wake.notify_one();
                Ok(Ticket { id, replay: false })
            }
            Some(Accepted::Replay(id)) => Ok(Ticket { id, replay: true }),
            Some(Accepted::Conflict(id)) => Err(PushError::KeyReused(id)),
            None => Err(PushError::Lost),
        }
    }

    /// What all records of this operation share.
    pub(super) async fn lane(
        &self,
        link: Arc<Link>,
        operation: &str,
        platform: &PlatformName,
    ) -> Result<Lane, PushError> {
        if link.connector.operation(operation).is_some_and(|known| known.spec.direct_only) {
            return Err(PushError::DirectOnly(operation.to_owned()));
        }
        let key = self.sealer.key(&link.id).await?;
        let callback = self.webhooks.wants(platform);
        let parks_at = now().plus(link.push.max_age);
        Ok(Lane { link, operation: operation.to_owned(), platform: platform.clone(), key, callback, parks_at })
    }

    fn idempotency(&self, platform: &PlatformName, key: &str, lane: &Lane, input: &[u8]) -> Idempotency {
        Idempotency {
            key: self.sealer.request(platform, key),
            body: self.sealer.body(&lane.link.id, &lane.operation, input),
            until: lane.parks_at.plus(IDEMPOTENCY),
        }
    }
}

impl Lane {
    /// What seals its records.
    pub(super) fn key(&self) -> &DataKey {
        &self.key
    }

    /// The operation, as the link has it now.
    pub(super) fn spec(&self) -> Result<&Operation, PushError> {
        let unknown = || CallError::unknown_operation(&self.link, &self.operation);
        self.link.connector.operation(&self.operation).ok_or_else(|| unknown().into())
    }

    /// All that does not fit in this input.
    pub(super) fn violations(&self, value: &Value) -> Result<Vec<Violation>, PushError> {
        Ok(self.spec()?.violations(value))
    }

    /// The job of one valid input.
    pub(super) fn job(&self, push: &Push, value: &Value, input: &[u8], request_id: &str) -> Result<NewJob, PushError> {
        let spec = &self.spec()?.spec;
        let id = JobId(Uuid::now_v7());
        let is_safe = spec.repeat == manifest::Repeat::Safe;
        let resend = is_safe || self.link.resend.contains(&self.operation);
        let named = match (spec.effect, &spec.key, &spec.line) {
            // What changes nothing has no order to keep.
            (manifest::Effect::Read, _, _) | (_, None, None) => None,
            (_, Some(pointer), _) => record_key(value, pointer),
            // All of them are one line.
            (_, None, Some(_)) => Some(String::new()),
        };
        let newer = match (&named, &spec.coalesce) {
            (Some(_), Some(_)) if self.link.push.coalesce => self.fold(push),
            (Some(_), None) if is_safe && spec.key.is_some() && !spec.every_version => Newer::Supersede,
            _ => Newer::Keep,
        };
        Ok(NewJob {
            id,
            link: self.link.id.clone(),
            connector: self.link.connector.manifest.name.clone(),
            operation: self.operation.clone(),
            platform: self.platform.clone(),
            key: named.map(|key| match &spec.line {
                Some(line) => push.sealer.line(&self.link.id, line, &key),
                None => push.sealer.record(&self.link.id, &self.operation, &key),
            }),
            repeat: if resend { Repeat::Safe } else { Repeat::Unsafe },
            newer,
            payload: self.key.seal(payload_of(&self.link.id, &id), input)?,
            body: push.sealer.body(&self.link.id, &self.operation, input),
            due: now(),
            parks_at: Some(self.parks_at),
            idempotency: None,
            callback: self.callback,
            request_id: request_id.to_owned(),
        })
    }

    /// Folds a waiting record into a newer one; on the store's thread, so it only opens, adds and seals.
    fn fold(&self, push: &Push) -> Newer {
        let (key, link, operation) = (self.key.clone(), self.link.clone(), self.operation.clone());
        let sealer = push.sealer.clone();
        Newer::Coalesce(Arc::new(move |fold: Fold<'_>| {
            let spec = link.connector.operation(&operation)?;
            let read = |id: JobId, sealed| {
                let bytes = key.open(payload_of(&link.id, &id), sealed).ok()?;
                serde_json::from_slice::<Value>(&bytes).ok()
            };
            let (old, new) = (read(fold.old, fold.old_payload)?, read(fold.new, fold.new_payload)?);
            let merged = coalesce::merge(spec.spec.coalesce.as_ref()?, &old, &new)?;
            // A sum may be over what the operation takes of one report.
            if !spec.violations(&merged).is_empty() {
                return None;
            }
            let bytes = serde_json::to_vec(&merged).ok()?;
            let payload = key.seal(payload_of(&link.id, &fold.new), &bytes).ok()?;
            Some(Merged { payload, body: sealer.body(&link.id, &operation, &bytes) })
        }))
    }
}

/// What names the record: text or a whole number. Anything else names nothing, and there is no order to keep.
fn record_key(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
