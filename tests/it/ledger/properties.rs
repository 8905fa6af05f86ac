//! Random lives of a letter, with clocks that jump, keep the promises of the ledger.
use super::common::{Book, END, LETTER, SEAL, START, consent};
use proptest::prelude::*;
use waxseal::ledger::{
    Actor, Answer, Binding, Command, ConsentId, EndReason, EventId, Kind, MAX_LEDGER_EVENTS, Snapshot, State,
    UNDO_MILLIS, verify_chain_exact,
};
use waxseal::types::{UnixMillis, UnixSeconds};

/// A step before its consent ids are known: `Pick(n)` names the n-th consent given so far, or a stranger's.
#[derive(Clone, Copy, Debug)]
enum Step {
    Seal,
    Open(Pick, Option<u8>),
    Consent(u64, Pick),
    Decline(Option<u8>),
    Undo(u8),
    Withdraw,
    Report(Pick, bool),
    Suspect,
    Message(Pick),
    PinFailed,
    Export,
    Streamed(Pick, u64, bool),
    Accept(Pick),
    Cancel,
    Reissue(u64),
    Expire,
    ExpiredOpen,
    Erase,
}

#[derive(Clone, Copy, Debug)]
enum Pick {
    Nobody,
    Stranger,
    Nth(usize),
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![Just(Pick::Nobody), Just(Pick::Stranger), (0usize..6).prop_map(Pick::Nth)]
}

/// Whoever can do what a recipient can.
fn someone() -> impl Strategy<Value = Actor> {
    prop_oneof![
        Just(Actor::Recipient),
        Just(Actor::MailProgram),
        Just(Actor::Robot),
        Just(Actor::SenderForRecipient)
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Seal),
        8 => (pick(), proptest::option::of(0u8..20)).prop_map(|(p, t)| Step::Open(p, t)),
        12 => (0u64..12, pick()).prop_map(|(form, browser)| Step::Consent(form, browser)),
        2 => proptest::option::of(0u8..2).prop_map(Step::Decline),
        4 => (0u8..2).prop_map(Step::Undo),
        2 => Just(Step::Withdraw),
        8 => (pick(), any::<bool>()).prop_map(|(p, begin)| Step::Report(p, begin)),
        2 => Just(Step::Suspect),
        2 => pick().prop_map(Step::Message),
        1 => Just(Step::PinFailed),
        1 => Just(Step::Export),
        4 => (pick(), any::<u64>(), any::<bool>()).prop_map(|(p, n, c)| Step::Streamed(p, n, c)),
        2 => pick().prop_map(Step::Accept),
        1 => Just(Step::Cancel),
        2 => (0u64..900).prop_map(Step::Reissue),
        2 => Just(Step::Expire),
        2 => Just(Step::ExpiredOpen),
        1 => Just(Step::Erase),
    ]
}

/// Times around the letter's life, with jumps both ways.
fn time() -> impl Strategy<Value = UnixMillis> {
    let hours = |most: u64| (0..most).prop_map(|hour| UnixMillis(START.0 + hour * 3_600_000 + hour));
    prop_oneof![
        16 => hours(700),
        16 => (0u64..60).prop_map(|minute| UnixMillis(START.0 + minute * 60_000)),
        1 => hours(800),
        1 => Just(END),
        1 => Just(UnixMillis(END.0 - 1)),
        1 => Just(UnixMillis(0)),
    ]
}

fn resolve(step: Step, given: &[ConsentId]) -> Command {
    let stranger = ConsentId(EventId([0xdd; 16]));
    let browser = |pick| match pick {
        Pick::Nobody => None,
        Pick::Stranger => Some(stranger),
        Pick::Nth(n) => given.get(n).copied(),
    };
    let one = |pick| browser(pick).unwrap_or(stranger);
    match step {
        Step::Seal => SEAL,
        Step::Open(p, t) => Command::Open { browser: browser(p), terms: t.map(|t| [t; 32]) },
        Step::Suspect => Command::Suspect { terms: [7; 32], form: super::common::form(9_999) },
        Step::Message(p) => Command::Message { consent: browser(p) },
        Step::PinFailed => Command::PinFailed,
        Step::Export => Command::Export,
        Step::Consent(n, p) => match consent(n) {
            Command::Consent { terms, form, .. } => Command::Consent { terms, form, browser: browser(p) },
            other => other,
        },
        Step::Decline(browser) => {
            Command::Decline { terms: None, form: None, browser: browser.map(|b| Binding([b; 8])) }
        }
        Step::Undo(browser) => Command::Undo { browser: Binding([browser; 8]) },
        Step::Withdraw => Command::Withdraw,
        Step::Report(p, begin) => Command::Report { consent: one(p), begin },
        Step::Streamed(p, bytes, complete) => Command::Streamed { consent: one(p), bytes, complete },
        Step::Accept(p) => Command::Accept { consent: one(p) },
        Step::Cancel => Command::Cancel,
        Step::Reissue(hour) => {
            let not_after = UnixSeconds(START.seconds().0 + hour * 3_600);
            Command::Reissue { not_after, ends_soon: Some(UnixSeconds(not_after.0 - 36_000)) }
        }
        Step::Expire => Command::Expire,
        Step::ExpiredOpen => Command::ExpiredOpen,
        Step::Erase => Command::Erase,
    }
}

/// The record alone, read without the state machine: which consents stand after these events.
fn standing(book: &Book) -> Vec<ConsentId> {
    let (mut live, mut before_no) = (Vec::new(), Vec::new());
    for event in &book.events {
        match event.kind {
            Kind::ConsentWithdrawn => before_no = core::mem::take(&mut live),
            Kind::WithdrawalRevoked => live = core::mem::take(&mut before_no),
            Kind::ConsentGiven => live.push(ConsentId(event.id)),
            Kind::ConsentRefused | Kind::Cancelled | Kind::Expired | Kind::Erased => {
                live.clear();
            }
            _ => {}
        }
    }
    live
}

/// Commands that, sent again at the same time, have to change nothing at all.
fn repeats_quietly(command: &Command) -> bool {
    !matches!(
        command,
        Command::Streamed { .. }
            | Command::Suspect { .. }
            | Command::Message { .. }
            | Command::PinFailed
            | Command::Export
    )
}

fn facts(snapshot: &Snapshot) -> (State, Option<EndReason>) {
    (snapshot.state, snapshot.end_reason)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn random_lives_keep_every_promise(
        sealed in prop::bool::weighted(0.9),
        steps in prop::collection::vec((step(), someone(), time()), 1..60),
    ) {
        let mut book = if sealed { Book::sealed() } else { Book::empty() };
        let mut given: Vec<ConsentId> = Vec::new();
        let mut no_more_consent = false;
        // The last no: when, by whom, and which browser may take it back.
        let mut no: Option<(UnixMillis, Actor, Option<Binding>)> = None;
        for (step, by, now) in steps {
            let command = resolve(step, &given);
            let before = book.events.len();
            let was = facts(&book.snapshot);
            let not_after = book.snapshot.not_after;
            let answer = book.run_by(by, command, now);

            // The record says what was answered.
            let live = standing(&book);
            for event in &book.events[before..] {
                // The id's own time, and that of the consent it names, is the event's.
                prop_assert_eq!(&event.id.0[..6], &event.at.0.to_be_bytes()[2..]);
                let named = book.snapshot.consents.iter().find(|live| live.id.0 == event.id);
                prop_assert!(named.is_none_or(|live| live.at == event.at));
            }
            prop_assert_eq!(&live, &book.snapshot.consents.iter().map(|c| c.id).collect::<Vec<_>>());
            match answer {
                Answer::Letter(id) => {
                    prop_assert!(live.contains(&id));
                    prop_assert!(now < book.snapshot.not_after.millis());
                    let asked = match command {
                        Command::Open { browser, .. } => browser,
                        Command::Report { consent, .. } => Some(consent),
                        _ => None,
                    };
                    prop_assert_eq!(asked, Some(id));
                }
                Answer::Consented(id) => {
                    prop_assert!(live.contains(&id));
                    if !given.contains(&id) {
                        given.push(id);
                    }
                }
                Answer::Closed(_)
                | Answer::Cancelled
                | Answer::Expired
                | Answer::Erased
                | Answer::Refused
                | Answer::Withdrawn => {
                    // A token's own end leaves the letter and its consents alone.
                    prop_assert!(live.is_empty() || matches!(command, Command::ExpiredOpen));
                }
                _ => {}
            }
            if let Command::Report { consent, .. } = command {
                // And the other way round: who has a standing consent gets the letter.
                prop_assert_eq!(matches!(answer, Answer::Letter(_)), live.contains(&consent));
            }

            // No consent after a no or an end. An end is never undone, and a no by its own browser alone, within ten minutes.
            let mut undone = false;
            for event in &book.events[before..] {
                match event.kind {
                    Kind::RefusalRevoked | Kind::WithdrawalRevoked => {
                        let (at, by, browser) = no.unwrap();
                        prop_assert!(event.at.0 - at.0 < UNDO_MILLIS && by == Actor::Recipient);
                        prop_assert_eq!(command, Command::Undo { browser: browser.unwrap() });
                        prop_assert!(was.1.is_none());
                        (undone, no_more_consent) = (true, false);
                    }
                    Kind::ConsentGiven | Kind::Accepted => prop_assert!(!no_more_consent),
                    Kind::ConsentRefused | Kind::ConsentWithdrawn => {
                        no_more_consent = true;
                        let browser = match command {
                            Command::Decline { browser, .. } => browser,
                            _ => None,
                        };
                        no = Some((event.at, event.actor, browser));
                    }
                    Kind::Cancelled | Kind::Expired | Kind::Erased => no_more_consent = true,
                    // The sender undoes an end, but no no and no erasure, and never makes a letter end earlier.
                    Kind::Reissued => {
                        prop_assert!(!matches!(was.0, State::Refused | State::Withdrawn));
                        prop_assert!(was.1 != Some(EndReason::Erased) && not_after < book.snapshot.not_after || was.1.is_some());
                        prop_assert!(book.snapshot.not_after.millis() > now);
                        (undone, no_more_consent) = (true, false);
                    }
                    _ => {}
                }
            }
            // By the mail program or the sender it is final, also where it was said before.
            if matches!(command, Command::Withdraw | Command::Decline { browser: None, .. }) {
                no = no.map(|(at, by, _)| (at, by, None));
            }
            let is = facts(&book.snapshot);
            if !undone && matches!(was.0, State::Refused | State::Withdrawn) {
                prop_assert_eq!(is.0, was.0);
            }
            if let Some(reason) = was.1.filter(|_| !undone) {
                prop_assert!(is.1 == Some(reason) || is.1 == Some(EndReason::Erased));
            }

            // Once more, at the same time: nothing.
            if repeats_quietly(&command) {
                let again = book.decide_by(by, command, now);
                prop_assert!(!again.changed(), "{:?} again: {:?}", command, again.events);
                prop_assert_eq!(&again.next, &book.snapshot);
                prop_assert_eq!(again.answer, answer);
            }
        }

        // The chain is whole, in order of time, bounded; every detail opens; at most one of what happens once.
        let rows = book.rows();
        prop_assert!(verify_chain_exact(LETTER, &rows, &book.snapshot.head).is_ok());
        prop_assert!(book.events.windows(2).all(|pair| pair[0].at <= pair[1].at));
        prop_assert!(book.events.len() as u64 <= MAX_LEDGER_EVENTS);
        for kind in [
            Kind::Sealed, Kind::Accepted, Kind::Cancelled, Kind::Expired, Kind::Ignored, Kind::Erased, Kind::EndsSoon,
        ] {
            let often = if matches!(kind, Kind::Sealed | Kind::Accepted | Kind::Erased) { 1 } else { 1 + usize::from(book.snapshot.reissues) };
            prop_assert!(book.events.iter().filter(|event| event.kind == kind).count() <= often, "{}", kind);
        }
        if let Some(key) = &book.key {
            for event in &book.events {
                let details = key.open(LETTER, event).unwrap();
                prop_assert_eq!(details.is_some(), event.actor != Actor::System);
            }
        }

        // And one byte anywhere gives it away.
        let line = rows.len() / 2;
        if let Some(row) = rows.get(line) {
            let mut forged = rows.clone();
            forged[line].at = row.at ^ 1;
            let error = verify_chain_exact(LETTER, &forged, &book.snapshot.head).unwrap_err();
            prop_assert_eq!(error.seq, line as u64 + 1);
        }
    }
}
