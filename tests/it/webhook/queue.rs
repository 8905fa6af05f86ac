//! The queue of one endpoint, lived through in a clock of its own.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use waxseal::types::{LetterId, UnixMillis};
use waxseal::webhook::{
    CONCURRENCY, Choice, GIVE_UP_MS, Health, TRIPS_AT, Verdict, Waiting, choose, next_attempt, verdict,
};

const START: u64 = 1_796_040_000_000;
const HOUR: u64 = 3_600_000;

/// A receiver, and what came to it.
struct Sim<F> {
    now: u64,
    waiting: Vec<Waiting>,
    first_at: BTreeMap<u64, UnixMillis>,
    health: Health,
    /// Number, letter, when and with which status.
    calls: Vec<(u64, Option<LetterId>, u64, u16)>,
    arrived: Vec<(u64, Option<LetterId>)>,
    given_up: Vec<u64>,
    answer: F,
}

impl<F: FnMut(u64, Option<LetterId>, u64) -> u16> Sim<F> {
    fn new(answer: F) -> Self {
        Self {
            now: START,
            waiting: Vec::new(),
            first_at: BTreeMap::new(),
            health: Health::NEW,
            calls: Vec::new(),
            arrived: Vec::new(),
            given_up: Vec::new(),
            answer,
        }
    }

    fn add(&mut self, number: u64, letter: Option<u8>) {
        let letter = letter.map(|byte| LetterId([byte; 16]));
        let due = UnixMillis(self.now);
        self.waiting.push(Waiting { number, letter, attempts: 0, tried_at: None, released: false, due });
    }

    /// Sends all that is due up to this time; each takes 10 ms.
    fn run(&mut self, until: u64) {
        loop {
            let now = UnixMillis(self.now);
            match choose(&self.waiting, &BTreeSet::new(), &self.health, now) {
                Choice::Send(number) => self.send(number),
                Choice::Until(at) if at.0 <= until => {
                    assert!(at.0 > self.now, "it gets on");
                    self.now = at.0;
                }
                Choice::Until(_) | Choice::Nothing => break,
            }
        }
        self.now = self.now.max(until);
    }

    fn send(&mut self, number: u64) {
        let at = self.waiting.iter().position(|it| it.number == number).unwrap();
        let letter = self.waiting[at].letter;
        assert!(
            letter.is_none() || self.waiting[..at].iter().all(|it| it.letter != letter),
            "the oldest of its letter"
        );
        let status = (self.answer)(number, letter, self.now);
        self.calls.push((number, letter, self.now, status));
        self.now += 10;
        let now = UnixMillis(self.now);
        if verdict(status) == Verdict::Delivered {
            self.health = self.health.succeeded(now, self.health.is_tripped(&self.waiting));
            self.waiting.remove(at);
            self.arrived.push((number, letter));
            return;
        }
        let first = *self.first_at.entry(number).or_insert(now);
        let it = &mut self.waiting[at];
        let next = next_attempt(first, now, it.attempts + 1, 200);
        it.failed(now, verdict(status), next.unwrap_or(it.due), &self.health);
        self.health = match verdict(status) {
            Verdict::Failed => self.health.failed(now, &self.waiting, None, 200),
            _ => self.health.refused(now),
        };
        let dead = now.0 - self.health.failing_since.unwrap().0 >= GIVE_UP_MS;
        let gone: Vec<_> = self
            .waiting
            .iter()
            .map(|it| it.number)
            .filter(|it| (*it == number && next.is_none()) || dead)
            .collect();
        self.waiting.retain(|it| !gone.contains(&it.number));
        self.given_up.extend(gone);
    }
}

#[test]
fn a_receiver_that_never_answers_is_asked_no_more_often_however_much_waits() {
    let calls = |messages: u64| {
        let mut sim = Sim::new(|_, _, _| 500);
        (0..messages).for_each(|number| sim.add(number, Some((number % 200) as u8)));
        sim.run(START + 4 * 24 * HOUR);
        assert_eq!(sim.given_up.len() as u64, messages, "each is given up");
        sim.calls.len()
    };
    let (few, many) = (calls(10), calls(2_000));
    assert!(many <= few + 10 && many <= 120, "{few} calls for ten messages, {many} for two thousand");
}

#[test]
fn a_receiver_that_comes_back_gets_everything_at_once_in_order() {
    let back = START + 5 * HOUR;
    let mut sim = Sim::new(move |_, _, now| if now < back { 503 } else { 204 });
    (0..600).for_each(|number| sim.add(number, Some((number % 60) as u8)));
    sim.run(back);
    assert!(sim.arrived.is_empty());
    sim.run(back + HOUR * 5 / 4);
    assert_eq!((sim.arrived.len(), sim.waiting.len()), (600, 0), "within the longest wait for a receiver");
    for letter in 0..60u8 {
        let numbers: Vec<_> =
            sim.arrived.iter().filter(|it| it.1 == Some(LetterId([letter; 16]))).map(|it| it.0).collect();
        assert!(numbers.is_sorted());
    }
}

#[test]
fn a_letter_that_is_always_refused_holds_up_itself_alone() {
    let poison = Some(LetterId([9; 16]));
    let mut sim = Sim::new(move |number, letter, _| if letter == poison && number == 0 { 400 } else { 200 });
    sim.add(0, Some(9));
    sim.add(1, Some(9));
    for hour in 0..80u64 {
        sim.add(100 + hour, Some(hour as u8 + 10));
        let added = sim.now;
        sim.run(START + (hour + 1) * HOUR);
        let call = sim.calls.iter().find(|it| it.0 == 100 + hour).unwrap();
        assert!(call.2 - added < 1_000, "the others are sent at once");
    }
    assert_eq!(sim.given_up, [0]);
    let first = sim.calls.iter().find(|it| it.0 == 1).unwrap().2;
    assert!(
        first >= START + GIVE_UP_MS && sim.arrived.contains(&(1, poison)),
        "then the next one of that letter"
    );
    assert!(sim.calls.iter().filter(|it| it.0 == 0).count() <= 40);
}

#[test]
fn many_letters_that_are_always_refused_hold_up_themselves_alone() {
    // A receiver that refuses them, and one that falls over them.
    for (status, longest) in [(400, 1_000), (500, 60_000)] {
        let mut sim = Sim::new(move |number, _, _| if number < 6 { status } else { 200 });
        (0..6).for_each(|number| sim.add(number, Some(number as u8)));
        for minute in 0..80 * 60 {
            sim.add(100 + minute, None);
            sim.run(START + (minute + 1) * 60_000);
        }
        let waits = sim.calls.iter().filter(|it| it.0 >= 100).map(|it| it.2 - START - (it.0 - 100) * 60_000);
        assert!(waits.max().unwrap() < longest, "{status}: the others go on");
        for number in 0..6 {
            let calls: Vec<_> = sim.calls.iter().filter(|it| it.0 == number).map(|it| it.2).collect();
            assert!(*calls.last().unwrap() >= START + GIVE_UP_MS, "{status}: three days are three days");
            assert!(calls.len() <= 30, "{status}: {} calls", calls.len());
        }
        assert_eq!(sim.waiting.len(), 0);
    }
}

#[test]
fn what_is_under_way_bounds_what_is_sent() {
    let now = UnixMillis(START);
    let waiting: Vec<_> = (0..20)
        .map(|number| Waiting {
            number,
            letter: Some(LetterId([number as u8; 16])),
            attempts: 0,
            tried_at: None,
            released: false,
            due: now,
        })
        .collect();
    let mut running = BTreeSet::new();
    while let Choice::Send(number) = choose(&waiting, &running, &Health::NEW, now) {
        assert!(running.insert(number));
    }
    assert_eq!(running.len(), CONCURRENCY);
    // One at a time asks a receiver that fails, and not before it is time.
    let tripped: Vec<_> = waiting
        .iter()
        .map(|it| Waiting { tried_at: (it.number < TRIPS_AT as u64).then_some(now), attempts: 1, ..*it })
        .collect();
    let health = Health {
        failures: 5,
        faults: 5,
        ok_at: UnixMillis(START - 1),
        hold_until: UnixMillis(START + 9),
        ..Health::NEW
    };
    assert_eq!(choose(&tripped, &BTreeSet::new(), &health, now), Choice::Until(UnixMillis(START + 9)));
    let later = UnixMillis(START + 9);
    let Choice::Send(number) = choose(&tripped, &BTreeSet::new(), &health, later) else { panic!() };
    assert_eq!(choose(&tripped, &BTreeSet::from([number]), &health, later), Choice::Nothing);
    assert_eq!(
        choose(&[], &BTreeSet::new(), &health, now),
        Choice::Nothing,
        "nothing waits, nothing to wake for"
    );
}

#[test]
fn a_receiver_that_asks_for_time_gets_it() {
    let mut sim = Sim::new(|_, _, _| 200);
    sim.health = sim.health.failed(UnixMillis(START), &[], Some(90_000), 0);
    sim.add(1, None);
    sim.run(START + 2 * HOUR);
    assert_eq!(sim.calls.iter().map(|it| it.2).collect::<Vec<_>>(), [START + 90_000]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever it answers: each message arrives once or is given up, a letter's in their order.
    #[test]
    fn nothing_is_lost_and_nothing_overtakes(letters in prop::collection::vec(prop::option::of(0u8..5), 1..60), seed: u64) {
        let mut state = seed | 1;
        let mut sim = Sim::new(move |_, _, _| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            [200, 204, 500, 429, 302, 400, 0][(state % 7) as usize]
        });
        for (number, letter) in (0..).zip(&letters) {
            sim.add(number, *letter);
            let until = sim.now + seed % 50_000;
            sim.run(until);
        }
        sim.run(START + 40 * 24 * HOUR);
        prop_assert!(sim.waiting.is_empty());
        let mut over: Vec<_> = sim.arrived.iter().map(|it| it.0).chain(sim.given_up.iter().copied()).collect();
        over.sort_unstable();
        prop_assert_eq!(over, (0..letters.len() as u64).collect::<Vec<_>>());
        for letter in 0..5u8 {
            let first: Vec<_> = sim.calls.iter().filter(|it| it.1 == Some(LetterId([letter; 16]))).map(|it| it.0).collect();
            prop_assert!(first.is_sorted(), "{:?}", first);
        }
    }
}
