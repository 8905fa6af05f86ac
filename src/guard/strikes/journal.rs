//! What happened lately, for operators who watch.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::state::{MAX_DAY_SECONDS, end_of_day};
use crate::guard::address::Network;
use crate::guard::reason::{Reason, coded};
use crate::types::{UnixMillis, UnixSeconds};

coded! {
    /// What happened.
    EventKind {
        /// Strikes banned a client.
        Banned = 1, "banned";
        /// Strikes banned a network.
        NetworkBanned = 2, "network_banned";
        /// Operators banned somebody by hand.
        BannedByOps = 3, "banned_by_ops";
        /// Operators lifted a ban by hand.
        Lifted = 4, "lifted";
    }
}

/// Places in the journal stay below 2^53 up to the year 2255, which is as far as this goes.
const LATEST_MILLIS: u64 = 9_000_000_000_000;

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Where it stands: grows with time, never used twice.
    pub seq: u64,
    /// When.
    pub at: UnixMillis,
    /// What.
    pub kind: EventKind,
    /// To whom.
    pub target: Network,
    /// Why the ban was made. [`Reason::Lifted`] where no ban of just this target was lifted but some inside it.
    pub reason: Reason,
    /// The AS number, when known.
    pub asn: Option<u32>,
    /// When it is forgotten: the end of the day.
    pub forget_at: UnixSeconds,
}

/// What to note: an [`Event`] without its place.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent {
    /// What.
    pub kind: EventKind,
    /// To whom.
    pub target: Network,
    /// Why the ban was made.
    pub reason: Reason,
    /// The AS number, when known.
    pub asn: Option<u32>,
}

/// The events of one sentinel, oldest first; never more than its cap.
#[derive(Clone, Debug)]
pub struct Journal {
    events: VecDeque<Event>,
    cap: usize,
}

impl Journal {
    /// How many events one sentinel keeps.
    pub const CAP: usize = 500;

    /// Nothing has happened yet.
    pub const fn new(cap: usize) -> Self {
        Self { events: VecDeque::new(), cap }
    }

    /// What stored events say, oldest first.
    pub fn restore(cap: usize, events: impl IntoIterator<Item = Event>) -> Self {
        Self { events: events.into_iter().collect(), cap }
    }

    /// Notes what happened. Returns the event to store, and the numbers of those to forget for it.
    pub fn note(&mut self, new: NewEvent, at: UnixMillis, day_ends_at: UnixSeconds) -> (Event, Vec<u64>) {
        // Made from the time, so that a reader's place holds when everything was forgotten in between.
        let by_time = at.0.min(LATEST_MILLIS).saturating_mul(1_000);
        let seq = self.events.back().map_or(by_time, |last| by_time.max(last.seq.saturating_add(1)));
        let NewEvent { kind, target, reason, asn } = new;
        let event = Event { seq, at, kind, target, reason, asn, forget_at: end_of_day(at, day_ends_at) };
        self.events.push_back(event);
        let surplus = self.events.len().saturating_sub(self.cap);
        (event, self.events.drain(..surplus).map(|event| event.seq).collect())
    }

    /// Up to `most` events, oldest first, and whether there are more behind them: those after a place, or the newest.
    pub fn after(&self, place: Option<u64>, most: usize) -> (Vec<Event>, bool) {
        let from = match place {
            Some(place) => self.events.partition_point(|event| event.seq <= place),
            None => self.events.len().saturating_sub(most),
        };
        let page: Vec<Event> = self.events.iter().skip(from).take(most).copied().collect();
        let more = from.saturating_add(page.len()) < self.events.len();
        (page, more)
    }

    /// Forgets the events of a day that is over, and those that a clock noted that was far ahead. Returns their
    /// numbers.
    pub fn sweep(&mut self, now: UnixMillis) -> Vec<u64> {
        let now = now.seconds();
        let latest = UnixSeconds(now.0.saturating_add(MAX_DAY_SECONDS).saturating_add(3_600));
        let mut gone = Vec::new();
        self.events.retain(|event| {
            let keep = now < event.forget_at && event.forget_at <= latest;
            if !keep {
                gone.push(event.seq);
            }
            keep
        });
        gone
    }

    /// When the next event is forgotten.
    pub fn next_end(&self) -> Option<UnixSeconds> {
        self.events.iter().map(|event| event.forget_at).min()
    }

    /// Whether nothing is noted.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;
    const MIDNIGHT: UnixSeconds = UnixSeconds(1_800_040_000);

    fn note(journal: &mut Journal, at: u64) -> (Event, Vec<u64>) {
        let new = NewEvent {
            kind: EventKind::Banned,
            target: "192.0.2.7".parse().unwrap(),
            reason: Reason::Forged,
            asn: None,
        };
        journal.note(new, UnixMillis(at), MIDNIGHT)
    }

    fn places(page: &[Event]) -> Vec<u64> {
        page.iter().map(|event| event.seq - NOW * 1_000).collect()
    }

    #[test]
    fn places_grow_whatever_the_clock_does() {
        let mut journal = Journal::new(3);
        let mut seen = Vec::new();
        for at in [0, NOW, NOW, NOW - 5_000, NOW + 1, u64::MAX, u64::MAX] {
            let (event, gone) = note(&mut journal, at);
            assert!(seen.last().is_none_or(|last| *last < event.seq));
            assert!(event.seq < 1 << 53, "a database and a script hold it");
            seen.push(event.seq);
            let forgotten = seen.len().checked_sub(4).map(|at| seen[at]);
            assert_eq!(gone, forgotten.into_iter().collect::<Vec<_>>(), "the oldest goes for the fourth");
        }
    }

    #[test]
    fn readers_go_on_where_they_were() {
        let mut journal = Journal::new(10);
        for n in 0..4 {
            note(&mut journal, NOW + n);
        }
        let base = NOW * 1_000;
        let (newest, more) = journal.after(None, 3);
        assert_eq!((places(&newest), more), (vec![1_000, 2_000, 3_000], false));
        let (first, more) = journal.after(Some(0), 3);
        assert_eq!((places(&first), more), (vec![0, 1_000, 2_000], true));
        let (rest, more) = journal.after(Some(base + 2_500), 3);
        assert_eq!((places(&rest), more), (vec![3_000], false));
        assert_eq!(journal.after(Some(u64::MAX), 3), (Vec::new(), false));
        let again = Journal::restore(10, journal.after(Some(0), 10).0);
        assert_eq!(again.after(None, 10), journal.after(None, 10));
    }

    #[test]
    fn everything_is_forgotten_at_the_end_of_the_day() {
        let mut journal = Journal::new(10);
        note(&mut journal, NOW);
        note(&mut journal, NOW + 1);
        assert_eq!(journal.next_end(), Some(MIDNIGHT));
        assert!(journal.sweep(UnixMillis(MIDNIGHT.millis().0 - 1)).is_empty());
        assert_eq!(journal.sweep(MIDNIGHT.millis()).len(), 2);
        assert!(journal.is_empty() && journal.next_end().is_none());
        // Noted by a clock that was a year ahead, and gone once it is right.
        note(&mut journal, NOW + 365 * 86_400_000);
        assert_eq!(journal.sweep(UnixMillis(NOW)).len(), 1);
    }
}
