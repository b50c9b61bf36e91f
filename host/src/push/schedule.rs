//! What links do by themselves: each run of a schedule is a job like any other. A run is due once, however often the host
//! starts; of those that were missed while it was down one is made up for. In China time (UTC+8, no daylight saving).

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::{
    SignedDuration, Timestamp, Zoned,
    tz::{Offset, TimeZone},
};

use super::{Push, PushError, now};
use crate::{
    id::{LinkId, PlatformName},
    link::{Entry, ScheduleSpec},
    shutdown::Drain,
    store::{At, SCHEDULE, Value},
};

/// Between two looks at the clock: cron's grain is a minute.
const LOOK: Duration = Duration::from_secs(1);
/// A note that is further ahead of the clock is not believed.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// Whose jobs these are: no platform can have this name (`server/auth.rs`).
pub(crate) const OWNER: &str = "schedule";

/// Runs until told to stop.
pub(crate) async fn run(push: Arc<Push>, mut drain: Drain) {
    let Ok(owner) = OWNER.parse::<PlatformName>() else { return };
    let mut runs = Runs::new(push, owner);
    while !drain.begun() {
        runs.look(Timestamp::now()).await;
        tokio::select! {
            () = drain.wait() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// One schedule of one link.
type Which = (LinkId, String);

/// When a schedule runs next.
struct Next {
    /// The expression that the moment was found by.
    pattern: String,
    /// The moment up to which nothing is owed any more, as it is noted; it names the run that comes after it.
    settled: Timestamp,
    /// The run; none: there is none.
    due: Option<Timestamp>,
}

struct Runs {
    push: Arc<Push>,
    owner: PlatformName,
    next: HashMap<Which, Next>,
}

impl Runs {
    fn new(push: Arc<Push>, owner: PlatformName) -> Self {
        Self { push, owner, next: HashMap::new() }
    }

    /// Makes a job of every run that is due.
    async fn look(&mut self, at: Timestamp) {
        let table = self.push.dispatcher.table();
        let mut seen = HashMap::with_capacity(self.next.len());
        for (id, entry) in table.iter() {
            let Entry::Serving(serving) = entry else { continue };
            for (name, schedule) in &serving.stable.schedules {
                let which = (id.clone(), name.clone());
                // A clock that was set back while it was watched must not keep it back either.
                let known = self.next.remove(&which).filter(|next| next.settled.duration_since(at) <= AHEAD);
                match self.turn(&which, schedule, known, at).await {
                    Ok(next) => {
                        seen.insert(which, next);
                    }
                    // The note says at the next look what is owed.
                    Err(error) => {
                        tracing::warn!(link = %which.0, schedule = which.1, %error, "a scheduled run could not be queued; it is tried again");
                    }
                }
            }
        }
        self.next = seen;
    }

    /// One look at one schedule: its run, if that is due.
    async fn turn(
        &self,
        which: &Which,
        schedule: &ScheduleSpec,
        known: Option<Next>,
        at: Timestamp,
    ) -> Result<Next, PushError> {
        let pattern = schedule.cron.pattern.to_string();
        let next = match known {
            Some(next) if next.pattern == pattern || next.due.is_some_and(|due| due <= at) => next,
            // Written otherwise while it was watched: nothing was missed of what it says now.
            Some(_) => self.settle(which, schedule, pattern, at).await?,
            None => match self.noted(which).await? {
                Some(settled) if settled.duration_since(at) <= AHEAD => {
                    Next { due: after(schedule, settled), pattern, settled }
                }
                // Never seen before, or by a clock that was far ahead, which must not keep the schedule back for as long:
                // nothing was missed. From now on it would be.
                _ => self.settle(which, schedule, pattern, at).await?,
            },
        };
        match next.due {
            Some(due) if due <= at => {
                self.make(which, schedule, due, next.settled).await?;
                // Not the run's own moment: of many that were missed, the others are not owed any more.
                self.settle(which, schedule, next.pattern, at).await
            }
            _ => Ok(next),
        }
    }

    /// Notes that nothing is owed up to this moment.
    async fn settle(
        &self,
        (link, name): &Which,
        schedule: &ScheduleSpec,
        pattern: String,
        at: Timestamp,
    ) -> Result<Next, PushError> {
        let value = Value { key: key(name), value: at.as_millisecond().to_string().into_bytes(), expires: None };
        self.push.store.value_set(At::from(at), link.clone(), value).await?;
        let settled = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        Ok(Next { pattern, settled, due: after(schedule, at) })
    }

    async fn noted(&self, (link, name): &Which) -> Result<Option<Timestamp>, PushError> {
        let value = self.push.store.value(now(), link.clone(), key(name)).await?;
        let millis = value.and_then(|value| String::from_utf8(value).ok()?.parse().ok());
        Ok(millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
    }

    /// Queues the run. It is noted only then, so a host that dies in between queues it again: under the same key, which is
    /// made of the note and not of the run's moment, since that may have become another one meanwhile.
    async fn make(
        &self,
        (link, name): &Which,
        schedule: &ScheduleSpec,
        due: Timestamp,
        settled: Timestamp,
    ) -> Result<(), PushError> {
        let input = serde_json::to_vec(&schedule.input).unwrap_or_default();
        let run = format!("{link}/{name}/{}", due.as_millisecond());
        let once = format!("{link}/{name}/after/{}", settled.as_millisecond());
        let ask = super::Ask {
            platform: &self.owner,
            link,
            operation: &schedule.operation,
            input: input.into(),
            idempotency: Some(&once),
            request_id: &run,
        };
        match self.push.accept(ask).await {
            Ok(ticket) => tracing::info!(%link, schedule = name, job = %ticket.id, "a scheduled run is queued"),
            // It was queued before the host died, and its input was written otherwise since.
            Err(PushError::KeyReused(job)) => {
                tracing::info!(%link, schedule = name, %job, "a scheduled run was queued before");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Under which a schedule's note lies among the values of its link.
fn key(name: &str) -> Vec<u8> {
    format!("{SCHEDULE}{name}").into_bytes()
}

/// The first moment after this one.
fn after(schedule: &ScheduleSpec, at: Timestamp) -> Option<Timestamp> {
    let china: Zoned = at.to_zoned(TimeZone::fixed(Offset::constant(8)));
    schedule.cron.find_next_occurrence(&china, false).ok().map(|next| next.timestamp())
}

#[cfg(test)]
mod tests;
