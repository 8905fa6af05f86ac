//! A no that is taken back, a robot's no, the terms that a consent may name, and what programs cannot use up.
use super::common::{Book, END, LETTER, NOT_AFTER, START, TERMS, consent, consented, form};
use proptest::prelude::*;
use waxseal::ledger::{
    Actor, Answer, Binding, ClosedReason, Command, Kind, MAX_CONSENTS, MAX_DOUBTED, MAX_NOTICED,
    MAX_PROGRAM_CONSENTS, MAX_UNDONE, MAX_WRONG, PROGRAM_CONSENTS_PER_HOUR, REPEAT_MILLIS, State,
    UNDO_MILLIS, verify_chain_exact,
};
use waxseal::types::UnixMillis;

const BROWSER: Binding = Binding([0xb0; 8]);
const OTHER: Binding = Binding([0xb1; 8]);
const NO: Command = Command::Decline { terms: Some(TERMS), form: None, browser: Some(BROWSER) };
const UNDO: Command = Command::Undo { browser: BROWSER };
const OPEN: Command = Command::Open { browser: None, terms: None };

fn later(millis: u64) -> UnixMillis {
    UnixMillis(START.0 + millis)
}

#[test]
fn a_refusal_is_taken_back_by_its_browser_and_both_stay_on_record() {
    let mut book = Book::sealed();
    book.run(OPEN, START);
    assert_eq!(book.run(NO, START), Answer::Refused);
    assert_eq!(book.snapshot.undoable(START), Some((BROWSER, later(UNDO_MILLIS))));
    assert_eq!(book.run(UNDO, later(UNDO_MILLIS - 1)), Answer::Undone);
    assert_eq!(book.kinds(), ["sealed", "opened", "consent_refused", "refusal_revoked"]);
    assert_eq!((book.snapshot.state, book.snapshot.undoable(START)), (State::Opened, None));
    let revoked = &book.events[3];
    assert_eq!((revoked.terms, revoked.actor), (Some(TERMS), Actor::Recipient));
    assert!(!book.decide(UNDO, later(UNDO_MILLIS)).changed(), "twice is once");
    consented(book.run(consent(1), later(UNDO_MILLIS)));
    verify_chain_exact(LETTER, &book.rows(), &book.snapshot.head).unwrap();
}

#[test]
fn a_withdrawal_that_is_taken_back_leaves_every_consent_as_it_was() {
    let mut book = Book::sealed();
    let ids = [1, 2].map(|n| consented(book.run(consent(n), START)));
    book.run(Command::Accept { consent: ids[0] }, START);
    let before = book.snapshot.clone();
    assert_eq!(book.run(NO, START), Answer::Withdrawn);
    assert_eq!(book.run(UNDO, later(1)), Answer::Undone);
    assert_eq!((book.snapshot.state, &book.snapshot.consents), (State::Accepted, &before.consents));
    for id in ids {
        assert_eq!(book.run(Command::Report { consent: id, begin: false }, later(2)), Answer::Letter(id));
    }
    assert_eq!(book.kinds()[4..], ["consent_withdrawn", "withdrawal_revoked"]);
}

#[test]
fn nobody_else_takes_a_no_back_and_after_ten_minutes_nobody_does() {
    let closed = Answer::Closed(ClosedReason::Refused);
    let mut book = Book::sealed();
    book.run(NO, START);
    assert_eq!(book.run(Command::Undo { browser: OTHER }, later(1)), closed);
    assert_eq!(book.run(UNDO, later(UNDO_MILLIS)), closed);
    // A clock that is put back opens nothing again.
    book.run(Command::Export, later(UNDO_MILLIS));
    assert_eq!(book.run(UNDO, later(1)), closed);
    assert_eq!(book.snapshot.undoable(later(UNDO_MILLIS)), None);

    // By the mail program, by the sender, by a program, and from a browser without the cookie it is final at once.
    for (command, by) in [
        (Command::Withdraw, Actor::MailProgram),
        (Command::Withdraw, Actor::SenderForRecipient),
        (NO, Actor::Robot),
        (Command::Decline { terms: None, form: None, browser: None }, Actor::Recipient),
    ] {
        let mut book = Book::sealed();
        book.run_by(by, command, START);
        assert_eq!(book.snapshot.undoable(START), None, "{by}");
        assert_eq!(book.run(UNDO, later(1)), closed, "{by}");
    }
    // Also where the browser had said it before.
    let mut book = Book::sealed();
    book.run(NO, START);
    assert_eq!(book.run_by(Actor::MailProgram, Command::Withdraw, later(1)), Answer::Refused);
    assert_eq!(book.run(UNDO, later(2)), closed);
    assert_eq!(book.kinds(), ["sealed", "consent_refused"]);
}

#[test]
fn what_is_over_is_not_opened_by_taking_a_no_back() {
    for (end, at, reason) in [
        (Command::Cancel, later(1), ClosedReason::Cancelled),
        (Command::Expire, END, ClosedReason::Expired),
        (Command::Erase, later(1), ClosedReason::Erased),
    ] {
        let mut book = Book::sealed();
        book.run(consent(1), UnixMillis(at.0 - 1));
        book.run(NO, UnixMillis(at.0 - 1));
        book.run_by(Actor::Sender, end, at);
        assert_eq!(book.run(UNDO, at), Answer::Closed(reason));
        assert!(book.snapshot.consents.is_empty() && book.snapshot.declined.is_none());
    }
    // A no to what is over was final from the start.
    let mut book = Book::sealed();
    book.run(Command::Cancel, START);
    book.run(NO, START);
    assert_eq!(book.snapshot.declined, None);
}

#[test]
fn yes_and_no_do_not_go_on_for_ever() {
    let mut book = Book::sealed();
    for _ in 0..MAX_UNDONE {
        assert_eq!(book.run(NO, START), Answer::Refused);
        assert_eq!(book.run(UNDO, START), Answer::Undone);
    }
    assert_eq!(book.run(NO, START), Answer::Refused);
    assert_eq!(book.run(UNDO, START), Answer::Closed(ClosedReason::Refused));
}

#[test]
fn a_no_that_looks_like_a_robots_is_asked_about_and_never_shut_out() {
    let mut book = Book::sealed();
    let suspect = |n| Command::SuspectDecline { terms: Some(TERMS), form: form(n) };
    let answer = |n, right| Command::ConfirmDecline {
        terms: Some(TERMS),
        question: form(n),
        right,
        browser: Some(BROWSER),
    };
    assert_eq!(book.run(suspect(1), START), Answer::Suspected);
    assert_eq!(book.events[1].kind, Kind::RobotSuspected);
    // Sent again, the form is doubted again, however long it waited.
    let again = Command::Decline { terms: Some(TERMS), form: Some(form(1)), browser: Some(BROWSER) };
    assert_eq!(book.run(again, later(600_000)), Answer::Suspected);
    // As many wrong answers as one likes: the next question still takes the right one, and a used one does not.
    for n in 10..10 + 4 * MAX_WRONG as u64 {
        assert_eq!(book.run(answer(n, false), later(n)), Answer::Suspected);
        assert_eq!(book.run(answer(n, true), later(n)), Answer::Suspected, "one question, one answer");
    }
    assert_eq!(book.snapshot.state, State::Sealed);
    assert_eq!(book.run(answer(99, true), later(99)), Answer::Refused);
    assert_eq!(book.run(UNDO, later(100)), Answer::Undone);
    // On a letter that is over it is heard as well.
    book.run(Command::Cancel, later(101));
    assert_eq!(book.run(suspect(2), later(102)), Answer::Suspected);
    assert_eq!(book.run(answer(100, true), later(103)), Answer::Refused);
    assert_eq!(book.run(suspect(3), later(104)), Answer::Refused);
    // Wrong answers to it shut nobody out who consents.
    assert!(book.snapshot.challenge.0.is_empty());
}

#[test]
fn a_form_that_was_doubted_gives_no_consent_however_often_it_is_sent() {
    let mut book = Book::sealed();
    assert_eq!(book.run(Command::Suspect { terms: TERMS, form: form(1) }, START), Answer::Suspected);
    for millis in [1, 60_000, 3_000_000] {
        assert_eq!(book.run(consent(1), later(millis)), Answer::Suspected);
    }
    assert!(book.snapshot.consents.is_empty() && !book.kinds().contains(&"consent_given"));
    assert_eq!(book.kinds().iter().filter(|kind| **kind == "robot_suspected").count(), 4);
    consented(book.run(consent(2), later(3_000_001)));
    assert!(book.snapshot.doubted.len() <= MAX_DOUBTED);
}

#[test]
fn a_consent_is_to_the_terms_that_the_letter_pins() {
    let mut book = Book::sealed();
    let other = [0x11; 32];
    // Not even where they were shown by mistake.
    book.run(Command::Open { browser: None, terms: Some(other) }, START);
    let to = |terms, n| Command::Consent { terms, form: form(n), browser: None };
    assert_eq!(book.run(to(other, 1), START), Answer::OtherTerms);
    let right = Command::Confirm { terms: other, question: form(2), right: true, browser: None };
    assert_eq!(book.run(right, START), Answer::OtherTerms);
    assert!(!book.kinds().contains(&"consent_given"));
    consented(book.run(to(TERMS, 3), START));
}

#[test]
fn a_consent_to_a_letter_without_pinned_terms_is_to_terms_that_were_shown() {
    let mut book = Book::empty();
    book.run(
        Command::Seal {
            not_after: NOT_AFTER,
            retention_days: 366,
            names: [5; 32],
            terms: None,
            ends_soon: None,
        },
        START,
    );
    let to = |terms: u8, n| Command::Consent { terms: [terms; 32], form: form(n), browser: None };
    let show = |terms: u8| Command::Open { browser: None, terms: Some([terms; 32]) };
    assert_eq!(book.run(to(1, 1), START), Answer::OtherTerms, "nothing was shown");
    book.run(show(1), START);
    assert_eq!(book.run(to(2, 2), START), Answer::OtherTerms);
    consented(book.run(to(1, 3), START));
    // The last ones shown are known, whatever is on record of them.
    for terms in 2..2 + MAX_NOTICED as u8 {
        book.run(show(terms), later(1));
        consented(book.run(to(terms, u64::from(terms) + 10), later(2)));
    }
    assert_eq!(book.run(to(1, 90), later(3)), Answer::OtherTerms);
    assert_eq!(book.snapshot.noticed.len(), MAX_NOTICED);
}

#[test]
fn programs_have_an_allowance_of_their_own() {
    let mut book = Book::sealed();
    let robot = |book: &mut Book, n, at| book.run_by(Actor::Robot, consent(n), at);
    for n in 0..u64::from(PROGRAM_CONSENTS_PER_HOUR) {
        consented(robot(&mut book, n, START));
    }
    assert_eq!(robot(&mut book, 50, later(REPEAT_MILLIS - 1)), Answer::ProgramLimit);
    consented(robot(&mut book, 51, later(REPEAT_MILLIS)));
    let mut at = REPEAT_MILLIS;
    for n in 100..400 {
        at += REPEAT_MILLIS / 5;
        robot(&mut book, n, later(at));
    }
    assert_eq!(book.snapshot.program_consents.given, MAX_PROGRAM_CONSENTS);
    assert_eq!(robot(&mut book, 500, later(at + 2 * REPEAT_MILLIS)), Answer::ProgramLimit);
    // And people have all of theirs.
    for n in 1_000..1_000 + u64::from(MAX_CONSENTS) {
        consented(book.run(consent(n), later(at)));
    }
    assert_eq!(book.run(consent(9_000), later(at)), Answer::ConsentLimit);
    assert!(serde_json::to_string(&book.snapshot).unwrap().len() < 32 * 1024);
}

/// What somebody does who holds the link and has a program.
fn hostile() -> impl Strategy<Value = Command> {
    let (terms, browser) = (TERMS, None);
    prop_oneof![
        6 => (0u64..1_000).prop_map(consent),
        2 => (0u64..1_000).prop_map(move |n| Command::Suspect { terms, form: form(n) }),
        4 => (0u64..1_000, any::<bool>())
            .prop_map(move |(n, right)| Command::Confirm { terms, question: form(n), right, browser }),
        1 => (0u64..1_000).prop_map(move |n| Command::SuspectDecline { terms: None, form: form(n) }),
        1 => (0u8..30).prop_map(|terms| Command::Open { browser: None, terms: Some([terms; 32]) }),
        1 => Just(Command::ExpiredOpen),
        1 => Just(Command::PinFailed),
        1 => Just(UNDO),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Whatever programs do short of a no, a person consents, and one who is suspected is asked and heard.
    #[test]
    fn programs_use_up_nothing_of_peoples(steps in prop::collection::vec((hostile(), 0u64..600_000), 1..400)) {
        let mut book = Book::sealed();
        let mut at = 0;
        for (command, pause) in steps {
            at += pause;
            book.run_by(Actor::Robot, command, later(at));
        }
        let suspected = book.run(Command::Suspect { terms: TERMS, form: form(5_000) }, later(at));
        prop_assert_eq!(suspected, Answer::Suspected);
        let right = Command::Confirm { terms: TERMS, question: form(5_001), right: true, browser: None };
        prop_assert!(matches!(book.run(right, later(at)), Answer::Consented(_)));
        prop_assert!(matches!(book.run(consent(5_002), later(at)), Answer::Consented(_)));
        prop_assert_eq!(book.snapshot.consents_given, 2);
    }
}
