//! Says when credentials come to their end: a gauge for each, and a log line when one gets within a number of days that
//! its link names, and when it is over. Stops nothing itself.

use std::collections::{HashMap, HashSet};

use jiff::{Timestamp, tz::Offset};

use super::table::{Entry, Link, Table};
use crate::{
    capability::credential::{Validity, now_ms},
    id::LinkId,
};

/// One credential: its link and its slot.
type Which = (LinkId, String);

/// What has been said so far.
#[derive(Default)]
pub(crate) struct Expiry {
    told: HashMap<Which, (Validity, Option<u32>)>,
}

impl Expiry {
    /// Looks at every credential of the table; links of which one has been renewed since the last look.
    pub(crate) fn look(&mut self, table: &Table) -> HashSet<LinkId> {
        let now_ms = now_ms();
        let (mut seen, mut renewed) = (HashSet::new(), HashSet::new());
        for (id, entry) in table.iter() {
            let Entry::Serving(serving) = entry else { continue };
            let link = &serving.stable;
            for (slot, term, validity) in link.grant.credentials().all(id) {
                let which = (id.clone(), slot.to_owned());
                let left_s = (validity.expires_at_ms as f64 - now_ms as f64) / 1e3;
                gauge(&which).set(left_s);
                let warning = term.warning(validity, now_ms);
                let told = self.told.insert(which.clone(), (validity, warning));
                if told.is_some_and(|(before, _)| before != validity) {
                    renewed.insert(id.clone());
                }
                if told != Some((validity, warning)) {
                    say(&which, warning, left_s);
                }
                seen.insert(which);
            }
        }
        self.told.retain(|which, _| {
            let stays = seen.contains(which);
            if !stays {
                // What is no longer tracked has no time left, neither much nor little.
                gauge(which).set(f64::NAN);
            }
            stays
        });
        renewed
    }
}

/// How one credential of a link stands.
pub(crate) struct Standing {
    /// The secret slot.
    pub(crate) slot: String,
    /// Within how many days of its end it is, of those that its link names; 0 when it is over.
    pub(crate) warning: Option<u32>,
    /// Since when it is valid, RFC 3339, in China time.
    pub(crate) issued_at: String,
    /// Until when.
    pub(crate) expires_at: String,
    /// Seconds until then; 0 when it is over.
    pub(crate) expires_in_s: u64,
}

/// How the credentials of a link stand that end by themselves.
pub(crate) fn standings(link: &Link) -> impl Iterator<Item = Standing> {
    let now_ms = now_ms();
    link.grant.credentials().all(&link.id).map(move |(slot, term, validity)| Standing {
        slot: slot.to_owned(),
        warning: term.warning(validity, now_ms),
        issued_at: china_time(validity.issued_at_ms),
        expires_at: china_time(validity.expires_at_ms),
        expires_in_s: validity.expires_at_ms.saturating_sub(now_ms) / 1000,
    })
}

fn china_time(ms: u64) -> String {
    let at = Timestamp::from_millisecond(i64::try_from(ms).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX);
    at.display_with_offset(Offset::constant(8)).to_string()
}

fn gauge((link, slot): &Which) -> metrics::Gauge {
    metrics::gauge!("duijie_credential_expires_seconds", "link" => link.to_string(), "slot" => slot.clone())
}

fn say((link, slot): &Which, warning: Option<u32>, left_s: f64) {
    let days_left = (left_s / 86_400.0).floor();
    match warning {
        None => {}
        Some(0) => tracing::error!(%link, slot, "credential expired; renew it at the upstream, then confirm it here"),
        Some(within_days) => {
            tracing::warn!(%link, slot, within_days, days_left, "credential expires soon; renew it at the upstream");
        }
    }
}
