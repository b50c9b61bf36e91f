//! What is pushed and where the host is killed: made of numbers alone, so that the same arguments make the same soak.

use std::ops::Range;

/// Keys that come up often enough for several versions to wait at the same time.
const HOT_KEYS: u64 = 60;
/// All keys of the link that may repeat.
const KEYS: u64 = 4_000;
/// Keys of the other: each has a line that nothing may overtake.
const LINES: u64 = 400;
/// Records that are sent one by one after each batch.
const SINGLES: u64 = 4;
/// Of a hundred records, those that go to the upstream that overwrites.
const SAFE_SHARE: u64 = 60;

/// Where the host can be killed. Of each there are as many kills.
pub(super) const GROUPS: [Group; 8] = [
    Group::Accepted,
    Group::Leased,
    Group::Sending,
    Group::Sent,
    Group::Answered,
    Group::Written,
    Group::Webhook,
    Group::Random,
];

/// A step of a record's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// It is durable, and nobody has been told.
    Accepted,
    /// It is leased.
    Leased,
    /// It is marked as being sent.
    Sending,
    /// The upstream has the request and does not answer.
    Sent,
    /// The answer was read.
    Answered,
    /// What became of it is written.
    Written,
    /// The platform has the event, and that is not yet noted.
    Webhook,
    /// Any moment.
    Random,
}

/// How that is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kill {
    /// By itself, when it passes this point for the so-many-th time.
    Point(&'static str, u64),
    /// By us, when this upstream has so many requests that it does not answer.
    Unanswered(Link, usize),
    /// By us, this share of the time from being ready to having nothing left to do.
    Moment(f64),
}

/// The links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Link {
    /// Its upstream overwrites: a record may be sent twice, and a newer version takes the place of one that waits.
    Safe,
    /// Its upstream adds up: no record may be sent twice, and none may overtake another of its key.
    Unsafe,
}

impl Group {
    /// As printed.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Leased => "leased",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Answered => "answered",
            Self::Written => "written",
            Self::Webhook => "webhook",
            Self::Random => "random",
        }
    }

    /// How it is done the so-many-th time: on the first passings, and on later ones.
    pub(super) fn kill(self, turn: u64) -> Kill {
        let pass = |every: u64, most: u64| turn.wrapping_mul(every) % most + 1;
        match self {
            Self::Accepted if turn.is_multiple_of(4) => Kill::Point("batch.step", turn / 4 % 2 + 1),
            Self::Accepted => Kill::Point("push.accepted", pass(5, 2 * SINGLES - 1)),
            Self::Leased => Kill::Point("push.leased", pass(5, 9)),
            Self::Sending => Kill::Point("push.sending", pass(17, 60)),
            Self::Answered => Kill::Point("push.answered", pass(13, 50)),
            Self::Written => Kill::Point("push.written", pass(11, 50)),
            Self::Webhook => Kill::Point("webhook.sent", pass(3, 11)),
            Self::Sent => {
                let link = if turn.is_multiple_of(2) { Link::Unsafe } else { Link::Safe };
                Kill::Unanswered(link, usize::try_from(turn / 2 % 4 + 1).unwrap_or(1))
            }
            // The golden section, whose multiples spread evenly.
            Self::Random => Kill::Moment((turn as f64 * 0.618_033_988_75).fract()),
        }
    }
}

/// One request of a platform: records that follow each other on one link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Post {
    /// Their numbers on this link.
    pub(super) records: Range<u64>,
    /// Do they come as a batch?
    pub(super) batch: bool,
}

impl Link {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Safe, Self::Unsafe];

    /// Its id.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
        }
    }

    /// How many of these records are its own.
    pub(super) fn share(self, records: u64) -> u64 {
        let safe = records.saturating_mul(SAFE_SHARE) / 100;
        match self {
            Self::Safe => safe,
            Self::Unsafe => records - safe,
        }
    }

    /// The key of a record.
    pub(super) fn key(self, record: u64) -> u64 {
        let random = mixed(record.wrapping_mul(2).wrapping_add(u64::from(self == Self::Unsafe)));
        match self {
            Self::Safe if random & 1 == 0 => (random >> 1) % HOT_KEYS,
            Self::Safe => HOT_KEYS + (random >> 1) % (KEYS - HOT_KEYS),
            Self::Unsafe => (random >> 1) % LINES,
        }
    }

    /// Its requests: of every slice of so many records one batch and a few single ones after it.
    pub(super) fn posts(self, records: u64, slice: u64) -> Vec<Post> {
        let (all, slice) = (self.share(records), self.share(slice).max(SINGLES + 1));
        let mut posts = Vec::new();
        let mut begin = 0;
        while begin < all {
            let end = (begin + slice).min(all);
            let singles = (end - SINGLES.min(end - begin))..end;
            if begin < singles.start {
                posts.push(Post { records: begin..singles.start, batch: true });
            }
            posts.extend(singles.map(|record| Post { records: record..record + 1, batch: false }));
            begin = end;
        }
        posts
    }
}

/// Requests of one slice on one link.
pub(super) const POSTS_OF_SLICE: usize = SINGLES as usize + 1;

/// A number that looks like any other (splitmix64).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_in_one_post_and_in_order() {
        for (records, slice) in [(100_000, 100), (1000, 33), (7, 100), (1, 1)] {
            for link in Link::ALL {
                let posts = link.posts(records, slice);
                let all: Vec<u64> = posts.iter().flat_map(|post| post.records.clone()).collect();
                assert_eq!(all, (0..link.share(records)).collect::<Vec<_>>(), "{link:?} {records} {slice}");
                assert!(posts.iter().all(|post| post.batch || post.records.end == post.records.start + 1));
            }
        }
        assert_eq!(Link::Safe.share(100) + Link::Unsafe.share(100), 100);
    }

    #[test]
    fn keys_come_up_again_within_a_slice_and_later() {
        let within = (0..60).map(|record| Link::Safe.key(record)).collect::<std::collections::BTreeSet<_>>().len();
        assert!((30..58).contains(&within), "{within}");
        assert!((0..1000).all(|record| Link::Unsafe.key(record) < LINES));
    }

    #[test]
    fn each_step_is_killed_at_on_its_first_passing_and_on_later_ones() {
        for group in GROUPS {
            let kills: Vec<Kill> = (0..60).map(|turn| group.kill(turn)).collect();
            let first = |kill: &Kill| matches!(kill, Kill::Point(_, 1) | Kill::Unanswered(_, 1) | Kill::Moment(_));
            assert!(kills.iter().any(first) && kills.iter().any(|kill| kills.first() != Some(kill)), "{group:?}");
        }
    }
}
