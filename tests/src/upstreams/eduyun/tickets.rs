//! Tickets for applications and access tickets for the login page: each is good once. A ticket is base64 of a few
//! random characters, an id and the time, as the documented examples are; a client must not look inside.
//! Bounds: 100,000 of each kind.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;

use super::super::random::Random;
use super::people::uuid;

const ENTRIES_MAX: usize = 100_000;

/// The tickets that can still be used.
#[derive(Debug)]
pub(super) struct Tickets {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    random: Random,
    tickets: HashMap<String, Ticket>,
    /// Access tickets, with the time of issue: how old one may be is not documented, so age alone ends none.
    access: HashMap<String, i64>,
}

#[derive(Debug)]
struct Ticket {
    session_id: String,
    expires_ms: i64,
}

impl Tickets {
    pub(super) fn new(seed: u64) -> Self {
        let state = State { random: Random::new(seed ^ 0x71c7), tickets: HashMap::new(), access: HashMap::new() };
        Self { state: Mutex::new(state) }
    }

    /// A ticket for the session, good once until `expires_ms`.
    pub(super) fn issue(&self, session_id: &str, now_ms: i64, expires_ms: i64) -> String {
        let mut state = self.state.lock();
        if state.tickets.len() >= ENTRIES_MAX {
            state.tickets.retain(|_, ticket| ticket.expires_ms > now_ms);
        }
        if state.tickets.len() >= ENTRIES_MAX {
            state.tickets.clear();
        }
        let ticket = write(&mut state.random, now_ms);
        state.tickets.insert(ticket.clone(), Ticket { session_id: session_id.to_owned(), expires_ms });
        ticket
    }

    /// Uses a ticket up; its session, if it was still good.
    pub(super) fn redeem(&self, ticket: &str, now_ms: i64) -> Option<String> {
        let found = self.state.lock().tickets.remove(ticket)?;
        (found.expires_ms > now_ms).then_some(found.session_id)
    }

    /// An access ticket.
    pub(super) fn issue_access(&self, now_ms: i64) -> String {
        let mut state = self.state.lock();
        if state.access.len() >= ENTRIES_MAX {
            // The older half goes: whoever has not used one by now has gone away.
            let mut times: Vec<i64> = state.access.values().copied().collect();
            let middle = times.len() / 2;
            let (_, middle, _) = times.select_nth_unstable(middle);
            let middle = *middle;
            state.access.retain(|_, issued_ms| *issued_ms > middle);
        }
        let ticket = state.random.hex128();
        state.access.insert(ticket.clone(), now_ms);
        ticket
    }

    /// Uses an access ticket up; whether it was still good.
    pub(super) fn redeem_access(&self, ticket: &str) -> bool {
        self.state.lock().access.remove(ticket).is_some()
    }

    pub(super) fn clear(&self) {
        let mut state = self.state.lock();
        state.tickets.clear();
        state.access.clear();
    }
}

/// A new ticket. Every length below leaves padding, and every third ticket has a character that becomes `+` or `/`.
fn write(random: &mut Random, now_ms: i64) -> String {
    let id = random.hex128();
    let letter = |random: &mut Random| pick(random, b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    let (prefix, id) = match random.between(0, 2) {
        0 => (String::from(letter(random)), id),
        1 => (String::from_iter([letter(random), letter(random)]), id),
        // In ASCII only the last character of three can give the two signs, and only these characters do.
        _ => (String::from_iter([letter(random), letter(random), pick(random, b">~?")]), uuid(&id)),
    };
    anatomy(&prefix, &id, now_ms)
}

/// Base64 of the three parts.
pub(super) fn anatomy(prefix: &str, id: &str, now_ms: i64) -> String {
    STANDARD.encode(format!("{prefix}{id}{now_ms:013}"))
}

fn pick(random: &mut Random, from: &[u8]) -> char {
    let at = random.between(0, from.len().saturating_sub(1) as u64);
    usize::try_from(at).ok().and_then(|at| from.get(at)).map_or('0', |byte| char::from(*byte))
}
