//! What a simulator counted and what it saw, for assertions. Never holds a body, a header, a query or a business key:
//! keys appear as hashes, and the journal is bounded.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

/// Entries kept; older ones are dropped.
const JOURNAL_ENTRIES_MAX: usize = 100_000;
/// How long a wait may take before it is a failed test.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Totals since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Requests received, by operation; `unknown` for paths without one.
    pub requests: BTreeMap<String, u64>,
    /// Faults applied, by kind.
    pub faults: BTreeMap<String, u64>,
    /// Access tokens issued.
    pub tokens_issued: u64,
    /// Token requests refused.
    pub credential_rejections: u64,
    /// Business requests refused for their token: missing, unknown, revoked or expired.
    pub token_rejections: u64,
    /// Records stored, overwrites included.
    pub records_accepted: u64,
    /// Records that replaced an earlier version.
    pub overwrites: u64,
    /// Records refused for their envelope or their fields.
    pub records_rejected: u64,
    /// Bodies whose signature or encryption did not hold.
    pub crypto_failures: u64,
    /// Connections accepted, those of the admin surface included.
    pub connections_accepted: u64,
    /// Requests being answered now, up to the head of the answer.
    pub in_flight: u64,
    /// The most requests that were ever answered at once.
    pub in_flight_max: u64,
}

impl Counters {
    /// Requests of one operation.
    pub fn requests_of(&self, operation: &str) -> u64 {
        self.requests.get(operation).copied().unwrap_or(0)
    }

    /// Faults applied of one kind.
    pub fn faults_of(&self, kind: &str) -> u64 {
        self.faults.get(kind).copied().unwrap_or(0)
    }
}

/// One request in the journal. A caller that gives up before the answer is ready leaves no entry, only its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Order of arrival, from 1.
    pub sequence: u64,
    /// Time of arrival by the machine's clock, RFC 3339.
    pub time: String,
    /// Operation, or `unknown`.
    pub operation: String,
    /// HTTP method.
    pub method: String,
    /// Path without query, at most 256 characters.
    pub path: String,
    /// HTTP status of the upstream's answer, even if a fault then withheld it; none when it was not processed at all
    /// (`reset-before`, `hang`).
    pub status: Option<u16>,
    /// The upstream's own result code.
    pub code: Option<String>,
    /// First 16 hexadecimal digits of the SHA-256 of the business key.
    pub key_hash: Option<String>,
    /// Faults applied, as they were written, joined with ` + `.
    pub fault: Option<String>,
}

/// A wait that did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error("still waiting after {} s; counters: {counters:?}", WAIT_MAX.as_secs())]
pub struct StillWaiting {
    /// The counters at the end.
    pub counters: Counters,
}

/// Counters and journal of one simulator.
#[derive(Debug)]
pub struct Ledger {
    counters: watch::Sender<Counters>,
    journal: Mutex<Journal>,
}

#[derive(Debug, Default)]
struct Journal {
    next: u64,
    entries: VecDeque<Entry>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self { counters: watch::Sender::new(Counters::default()), journal: Mutex::default() }
    }

    /// Changes the counters and wakes those who wait for them.
    pub fn count(&self, change: impl FnOnce(&mut Counters)) {
        self.counters.send_modify(change);
    }

    /// A copy of the counters.
    pub fn counters(&self) -> Counters {
        self.counters.borrow().clone()
    }

    /// Waits until the counters satisfy `condition`, at most 30 s; returns them.
    ///
    /// # Errors
    /// [`StillWaiting`] with the counters as they stand.
    pub async fn wait_until(&self, condition: impl FnMut(&Counters) -> bool) -> Result<Counters, StillWaiting> {
        let mut receiver = self.counters.subscribe();
        let waited = tokio::time::timeout(WAIT_MAX, receiver.wait_for(condition)).await;
        match waited {
            Ok(Ok(counters)) => Ok(counters.clone()),
            _ => Err(StillWaiting { counters: self.counters() }),
        }
    }

    /// The journal in order of arrival.
    pub fn journal(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.journal.lock().entries.iter().cloned().collect();
        // Entries are written when a request ends, which is not the order of arrival.
        entries.sort_by_key(|entry| entry.sequence);
        entries
    }

    /// The sequence number of the next request.
    pub(super) fn arrive(&self) -> u64 {
        let mut journal = self.journal.lock();
        journal.next += 1;
        journal.next
    }

    pub(super) fn write(&self, entry: Entry) {
        let mut journal = self.journal.lock();
        if journal.entries.len() >= JOURNAL_ENTRIES_MAX {
            journal.entries.pop_front();
        }
        journal.entries.push_back(entry);
    }

    /// Forgets all; requests still open stay counted as open.
    pub(super) fn reset(&self) {
        self.count(|counters| {
            let in_flight = counters.in_flight;
            *counters = Counters { in_flight, in_flight_max: in_flight, ..Counters::default() };
        });
        *self.journal.lock() = Journal::default();
    }
}

/// How a business key appears in the journal: the first 16 hexadecimal digits of its SHA-256.
pub(super) fn key_hash(key: &str) -> String {
    let mut hash = hex::encode(Sha256::digest(key));
    hash.truncate(16);
    hash
}
