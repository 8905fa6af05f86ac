//! Which message goes next: a letter's in their order, as many letters side by side as the receiver bears.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::retry::{Verdict, hold};
use crate::types::{LetterId, UnixMillis};

/// So many messages are under way to a receiver at a time.
pub const CONCURRENCY: usize = 6;

/// When the receiver failed at so many messages and none has arrived since, it is the receiver that fails: from then on one message at a time asks
/// whether it is back.
pub const TRIPS_AT: usize = 5;

/// A message that has not arrived yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its place: what happened earlier has a smaller one.
    pub number: u64,
    /// Its letter.
    pub letter: Option<LetterId>,
    /// How often it was sent.
    pub attempts: u32,
    /// When the receiver failed at it last; nothing where it was the message that was refused.
    pub tried_at: Option<UnixMillis>,
    /// It went at once when the receiver was back, and failed: the next time it keeps its own.
    pub released: bool,
    /// When it is to be sent.
    pub due: UnixMillis,
}

/// How a receiver does, on the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Failures since a message arrived.
    pub failures: u32,
    /// Those of them that were the receiver's, and no refusal of a message.
    #[serde(default)]
    pub faults: u32,
    /// When the first failure was.
    pub failing_since: Option<UnixMillis>,
    /// When the last message arrived that came behind a failure.
    pub ok_at: UnixMillis,
    /// What was tried before then goes at once, and once: it was the receiver that had failed.
    pub recovered_at: UnixMillis,
    /// Nothing is sent before.
    pub hold_until: UnixMillis,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Send the message of this number.
    Send(u64),
    /// Nothing before this time, unless something else happens.
    Until(UnixMillis),
    /// Nothing, until something happens.
    Nothing,
}

impl Waiting {
    /// It failed at `now`, and is sent again at `due`; `health` as it was before.
    pub fn failed(&mut self, now: UnixMillis, verdict: Verdict, due: UnixMillis, health: &Health) {
        self.released |= self.is_released(health);
        self.attempts = self.attempts.saturating_add(1);
        self.tried_at = (verdict == Verdict::Failed).then_some(now);
        self.due = due;
    }

    /// Whether it goes at once because the receiver is back.
    fn is_released(&self, health: &Health) -> bool {
        !self.released && self.tried_at.is_some_and(|at| at < health.recovered_at)
    }
}

impl Health {
    /// Of a receiver that nothing is known of.
    pub const NEW: Self = Self {
        failures: 0,
        faults: 0,
        failing_since: None,
        ok_at: UnixMillis(0),
        recovered_at: UnixMillis(0),
        hold_until: UnixMillis(0),
    };

    /// Whether it is the receiver that fails, and not some of the messages.
    pub fn is_tripped(&self, waiting: &[Waiting]) -> bool {
        self.faults > 0
            && waiting.iter().filter(|it| it.tried_at.is_some_and(|at| at > self.ok_at)).count() >= TRIPS_AT
    }

    /// A message arrived at `now`; `tripped` as it was before.
    pub const fn succeeded(self, now: UnixMillis, tripped: bool) -> Self {
        match self.failures {
            0 => self,
            _ => {
                Self { ok_at: now, recovered_at: if tripped { now } else { self.recovered_at }, ..Self::NEW }
            }
        }
    }

    /// A message was refused at `now`: that says nothing of the others.
    pub fn refused(self, now: UnixMillis) -> Self {
        let failing_since = self.failing_since.or(Some(now));
        Self { failures: self.failures.saturating_add(1), failing_since, ..self }
    }

    /// The receiver failed at `now`, at a message of these that wait, where that is noted. `retry_after`: the wait that it asked for, in
    /// milliseconds.
    pub fn failed(self, now: UnixMillis, waiting: &[Waiting], retry_after: Option<u64>, random: u16) -> Self {
        let failing = Self { faults: self.faults.saturating_add(1), ..self.refused(now) };
        let over = failing.faults.saturating_sub(u32::try_from(TRIPS_AT).unwrap_or(0));
        let wait =
            if failing.is_tripped(waiting) { hold(over, random) } else { 0 }.max(retry_after.unwrap_or(0));
        let hold_until = self.hold_until.max(UnixMillis(now.0.saturating_add(wait)));
        Self { hold_until, ..failing }
    }
}

/// Which message of those that wait, the oldest first, goes now, while these `running` are under way.
pub fn choose(waiting: &[Waiting], running: &BTreeSet<u64>, health: &Health, now: UnixMillis) -> Choice {
    let tripped = health.is_tripped(waiting);
    if running.len() >= if tripped { 1 } else { CONCURRENCY } {
        return Choice::Nothing;
    }
    if health.hold_until > now && waiting.len() > running.len() {
        return Choice::Until(health.hold_until);
    }
    let mut letters = BTreeSet::new();
    // Of each letter the first one alone, under way or not.
    let firsts = waiting.iter().filter(|it| it.letter.is_none_or(|letter| letters.insert(letter)));
    let due = |it: &Waiting| match it.tried_at {
        // It was refused: the wait is the message's.
        None if it.attempts > 0 => it.due,
        // The receiver is asked with whatever else there is: the wait is the receiver's.
        _ if tripped => UnixMillis(0),
        _ if it.is_released(health) => UnixMillis(0),
        _ => it.due,
    };
    let idle = firsts.filter(|it| !running.contains(&it.number));
    // Where the receiver may be at fault, one that it never saw tells most.
    let next = idle.map(|it| (due(it), it.attempts, it.number)).min();
    match next {
        Some((due, _, number)) if due <= now => Choice::Send(number),
        Some((due, ..)) => Choice::Until(due),
        None => Choice::Nothing,
    }
}
