//! Following a batch to its end: asks how far it is twice a second. A host that restarts meanwhile is waited for, since
//! nothing of the batch is lost.

use std::time::Duration;

use http::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::bar::Bar;
use crate::{
    cli::{
        Ended,
        remote::Remote,
        status::{number, word},
    },
    store::State,
};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// How long the host may be away.
const AWAY_MAX: Duration = Duration::from_secs(60);

/// States in which a person must look at a row.
const TROUBLED: [State; 3] = [State::Failed, State::Parked, State::Unknown];

/// A batch that came to its end.
#[derive(Debug)]
pub(super) struct Followed {
    /// As the host shows it.
    pub(super) batch: Value,
}

/// Waits until nothing of the batch will change by itself.
pub(super) async fn follow(remote: &Remote, id: &str, bar: &Bar) -> Result<Followed, Ended> {
    let path = format!("/v1/batches/{id}");
    let mut heard = Instant::now();
    let mut held = String::new();
    loop {
        match remote.ask(Method::GET, &path).await {
            Ok(batch) => {
                heard = Instant::now();
                let followed = Followed { batch };
                let rows = number(&followed.batch, "rows");
                let since = word(&followed.batch, "held_since");
                if since != held {
                    bar.say(&hold(word(&followed.batch, "link"), since));
                    held = since.to_owned();
                }
                bar.ended(rows.saturating_sub(followed.waiting()), rows, &followed.counts());
                if word(&followed.batch, "state") == "settled" {
                    bar.clear();
                    return Ok(followed);
                }
            }
            Err(Ended::Because(why)) if heard.elapsed() > AWAY_MAX => {
                bar.clear();
                let accepted = format!("batch {id} is accepted and goes on by itself");
                return Err(Ended::Because(format!("{why} {accepted}; run the same command again to follow it")));
            }
            Err(Ended::Because(_)) => {}
            Err(other) => return Err(other),
        }
        sleep(LOOK).await;
    }
}

/// What is said when the link's queue is held back, or goes on.
fn hold(link: &str, since: &str) -> String {
    if since.is_empty() {
        return format!("{link} is no longer held");
    }
    format!(
        "{link} is held since {since}: what waits is kept and goes on when the operator lets it (duijie resume {link}). \
         This command may be ended: the same one again follows it"
    )
}

impl Followed {
    /// Rows that a person must look at.
    pub(super) fn troubled(&self) -> u64 {
        let failed = TROUBLED.into_iter().map(|state| self.count(state));
        failed.fold(self.refused(), u64::saturating_add)
    }

    /// Are there rows that the host keeps and may send again?
    pub(super) fn may_be_sent_again(&self) -> bool {
        self.count(State::Parked) > 0 || self.count(State::Unknown) > 0
    }

    /// How it ended, in one line.
    pub(super) fn summary(&self) -> String {
        format!("{} rows: {}", number(&self.batch, "rows"), self.counts())
    }

    fn refused(&self) -> u64 {
        number(&self.batch, "refused").saturating_add(number(&self.batch, "conflicts"))
    }

    fn waiting(&self) -> u64 {
        self.count(State::Queued).saturating_add(self.count(State::Sending))
    }

    fn count(&self, state: State) -> u64 {
        let count = self.batch.pointer(&format!("/jobs/{}", state.as_str()));
        count.and_then(Value::as_u64).unwrap_or_default()
    }

    fn counts(&self) -> String {
        let states = State::ALL.into_iter().map(|state| (self.count(state), state.as_str()));
        let all = states.chain([(self.refused(), "refused")]).filter(|(count, _)| *count > 0);
        let counts: Vec<String> = all.map(|(count, name)| format!("{count} {name}")).collect();
        if counts.is_empty() { "nothing".into() } else { counts.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hold_is_said_with_what_ends_it() {
        let text = hold("zj.a", "2026-11-28T08:00:00.000Z");
        assert!(text.contains("held since 2026-11-28") && text.contains("duijie resume zj.a"), "{text}");
        assert_eq!(hold("zj.a", ""), "zj.a is no longer held");
    }

    #[test]
    fn a_batch_is_counted_by_state_and_by_who_must_act() {
        let jobs = json!({ "done": 14, "parked": 1, "superseded": 2 });
        let followed = Followed { batch: json!({ "rows": 20, "refused": 2, "conflicts": 1, "jobs": jobs }) };
        assert_eq!(followed.summary(), "20 rows: 14 done, 1 parked, 2 superseded, 3 refused");
        assert_eq!((followed.troubled(), followed.may_be_sent_again()), (4, true));
        let followed = Followed { batch: json!({ "rows": 1, "jobs": { "done": 1 } }) };
        assert_eq!((followed.troubled(), followed.may_be_sent_again()), (0, false));
    }
}
