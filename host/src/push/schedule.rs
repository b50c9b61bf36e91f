//! What links do by themselves: each run of a schedule is a job like any other. A run is due once, however often the host
//! starts; one that was missed while it was down is made up for once. In China time (UTC+8, no daylight saving).

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::{
    Timestamp, Zoned,
    tz::{Offset, TimeZone},
};

use super::{Push, PushError, now};
use crate::{
    id::{LinkId, PlatformName},
    link::{Entry, ScheduleSpec},
    shutdown::Drain,
    store::{At, Value},
};

/// Between two looks at the clock: cron's grain is a minute.
const LOOK: Duration = Duration::from_secs(1);
/// Whose jobs these are: no platform can have this name (`server/auth.rs`).
pub(crate) const OWNER: &str = "schedule";
/// Under which a schedule's last run lies among the values of its link, before the schedule's name.
const LAST_RUN: &str = "hschedule/";

/// Runs until told to stop.
pub(crate) async fn run(push: Arc<Push>, mut drain: Drain) {
    let Ok(owner) = OWNER.parse::<PlatformName>() else { return };
    let mut runs = Runs { push, owner, next: HashMap::new() };
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

struct Runs {
    push: Arc<Push>,
    owner: PlatformName,
    /// The expression that the moment was found by, and the moment.
    next: HashMap<Which, (String, Option<Timestamp>)>,
}

impl Runs {
    /// Makes a job of every run that is due.
    async fn look(&mut self, at: Timestamp) {
        let table = self.push.dispatcher.table();
        let mut seen = HashMap::with_capacity(self.next.len());
        for (id, entry) in table.iter() {
            let Entry::Serving(serving) = entry else { continue };
            for (name, schedule) in &serving.stable.schedules {
                let which = (id.clone(), name.clone());
                let pattern = schedule.cron.pattern.to_string();
                let known = self.next.remove(&which).filter(|(known, _)| *known == pattern);
                let next = match known {
                    Some((_, next)) => next,
                    None => self.first(&which, schedule, at).await,
                };
                let next = match next {
                    Some(due) if due <= at => match self.make(&which, schedule, due).await {
                        Ok(()) => after(schedule, at),
                        Err(error) => {
                            tracing::warn!(link = %which.0, schedule = which.1, %error, "a scheduled run could not be queued; it is tried again");
                            Some(due)
                        }
                    },
                    other => other,
                };
                seen.insert(which, (pattern, next));
            }
        }
        self.next = seen;
    }

    /// The first run of a schedule that was not known: at once, if one was due since the last one that there was.
    async fn first(&self, which: &Which, schedule: &ScheduleSpec, at: Timestamp) -> Option<Timestamp> {
        let last = match self.last(which).await {
            Ok(Some(last)) => last,
            // Never run before: nothing was missed.
            Ok(None) => return after(schedule, at),
            Err(error) => {
                tracing::error!(link = %which.0, schedule = which.1, %error, "when a schedule ran last is not known");
                return after(schedule, at);
            }
        };
        let missed = after(schedule, last)?;
        Some(if missed <= at { at.min(missed.max(last)) } else { missed })
    }

    async fn last(&self, (link, name): &Which) -> Result<Option<Timestamp>, PushError> {
        let key = format!("{LAST_RUN}{name}").into_bytes();
        let value = self.push.store.value(now(), link.clone(), key).await?;
        let millis = value.and_then(|value| String::from_utf8(value).ok()?.parse().ok());
        Ok(millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
    }

    /// Queues the run, then notes it. In this order: a host that dies in between queues it again under the same key, and
    /// the store knows that it has it.
    async fn make(&self, (link, name): &Which, schedule: &ScheduleSpec, due: Timestamp) -> Result<(), PushError> {
        let input = serde_json::to_vec(&schedule.input).unwrap_or_default();
        let run = format!("{link}/{name}/{}", due.as_millisecond());
        let ask = super::Ask {
            platform: &self.owner,
            link,
            operation: &schedule.operation,
            input: input.into(),
            idempotency: Some(&run),
            request_id: &run,
        };
        let ticket = self.push.accept(ask).await?;
        tracing::info!(%link, schedule = name, job = %ticket.id, "a scheduled run is queued");
        let key = format!("{LAST_RUN}{name}").into_bytes();
        let value = Value { key, value: due.as_millisecond().to_string().into_bytes(), expires: None };
        Ok(self.push.store.value_set(At::from(due), link.clone(), value).await?)
    }
}

/// The first moment after this one.
fn after(schedule: &ScheduleSpec, at: Timestamp) -> Option<Timestamp> {
    let china: Zoned = at.to_zoned(TimeZone::fixed(Offset::constant(8)));
    schedule.cron.find_next_occurrence(&china, false).ok().map(|next| next.timestamp())
}
