//! Who did what: people, programs, the sender on the recipient's word.
use super::common::{Book, END, LETTER, SEAL, START, TERMS, consent, consented, form};
use waxseal::ledger::{Actor, Answer, Command, Kind, State, StoredEvent};
use waxseal::types::UnixMillis;

const OPEN: Command = Command::Open { browser: None, terms: None };

fn later(minutes: u64) -> UnixMillis {
    UnixMillis(START.0 + minutes * 60_000)
}

#[test]
fn every_event_says_who_did_it() {
    use Actor::{MailProgram, Recipient, Robot, Sender, SenderForRecipient, System};
    let done = |kind: &str, expected: Actor, by: Actor, commands: &[Command], at: UnixMillis| {
        let mut book = Book::sealed();
        let (last, before) = commands.split_last().unwrap();
        for command in before {
            book.run_by(by, *command, START);
        }
        book.run_by(by, *last, at);
        let event = book.events.iter().rev().find(|event| event.kind.as_str() == kind).unwrap();
        assert_eq!(event.actor, expected, "{kind} by {by}");
        // In the clear, and in the hash.
        let mut row = StoredEvent::from(event);
        assert_eq!((row.actor.as_str(), row.computed_hash(LETTER)), (expected.as_str(), event.hash));
        row.actor = Actor::ALL.iter().find(|other| **other != expected).unwrap().as_str().to_owned();
        assert_ne!(row.computed_hash(LETTER), event.hash);
    };
    let (refuse, yes) = (Command::Decline { terms: None, form: None, browser: None }, consent(1));
    for by in [Recipient, MailProgram, Robot, SenderForRecipient] {
        done("consent_refused", by, by, &[refuse], START);
        done("consent_refused", by, by, &[Command::Withdraw], START);
        done("consent_withdrawn", by, by, &[yes, Command::Withdraw], START);
        done("consent_withdrawn", by, by, &[yes, refuse], END);
    }
    for by in [Recipient, Robot] {
        let shown = Command::Open { browser: None, terms: Some(TERMS) };
        let doubted = Command::Suspect { terms: TERMS, form: form(2) };
        let right = Command::Confirm { terms: TERMS, question: form(3), right: true, browser: None };
        done("consent_given", by, by, &[shown, yes], START);
        done("consent_given", by, by, &[right], START);
        done("robot_suspected", Robot, by, &[doubted], START);
        // What the clock does is the clock's, whoever came first after the end.
        done("expired", System, by, &[shown], END);
        done("ignored", System, by, &[shown], END);
        done("sealed", Sender, by, &[SEAL], START);
        done("cancelled", Sender, by, &[Command::Cancel], START);
        done("evidence_exported", Sender, by, &[Command::Export], START);
    }
    for by in [Sender, System] {
        done("erased", by, by, &[Command::Erase], START);
    }
}

#[test]
fn what_a_program_fetches_was_not_opened_and_not_shown() {
    let mut book = Book::sealed();
    let show = Command::Open { browser: None, terms: Some(TERMS) };
    assert_eq!(book.run_by(Actor::Robot, show, START), Answer::Envelope);
    assert_eq!(book.kinds(), ["sealed", "fetched"]);
    assert_eq!((book.snapshot.state, book.events[1].actor), (State::Sealed, Actor::Robot));
    // It does not keep the person off the record, who comes within the same hour.
    assert_eq!(book.run(show, later(1)), Answer::Envelope);
    assert_eq!(book.run_by(Actor::Robot, show, later(2)), Answer::Envelope);
    assert_eq!(book.kinds(), ["sealed", "fetched", "opened", "notice_shown"]);
    assert_eq!(book.snapshot.state, State::Opened);
    // After the end a program fetches still, and a person attempts to open.
    book.run_by(Actor::Robot, OPEN, END);
    book.run(OPEN, END);
    assert_eq!(book.kinds()[4..], ["expired", "ignored", "fetched", "expired_open_attempt"]);
}

#[test]
fn a_form_that_comes_back_shows_that_its_terms_were_seen() {
    let shown = |book: &Book| -> Vec<_> {
        let shown = book.events.iter().filter(|event| event.kind == Kind::NoticeShown);
        shown.map(|event| (event.seq, event.actor, event.terms)).collect()
    };
    for by in [Actor::Recipient, Actor::Robot] {
        // A browser had fetched the page ahead, and did not ask again when its reader came.
        let mut book = Book::sealed();
        book.run_by(Actor::Robot, Command::Open { browser: None, terms: Some(TERMS) }, START);
        assert_eq!(shown(&book), []);
        consented(book.run_by(by, consent(1), later(1)));
        assert_eq!(book.kinds(), ["sealed", "fetched", "notice_shown", "consent_given"]);
        assert_eq!(shown(&book), [(3, by, Some(TERMS))]);
        consented(book.run_by(by, consent(2), later(5)));
        assert_eq!(shown(&book).len(), 1);
    }
    // A no says the same: the reader's, and no program's.
    for (by, command, seen) in [
        (Actor::Recipient, Command::Decline { terms: Some(TERMS), form: None, browser: None }, true),
        (Actor::Robot, Command::Decline { terms: Some(TERMS), form: None, browser: None }, false),
        (Actor::Recipient, Command::Decline { terms: None, form: None, browser: None }, false),
        (Actor::MailProgram, Command::Withdraw, false),
        (Actor::SenderForRecipient, Command::Withdraw, false),
    ] {
        let mut book = Book::sealed();
        book.run_by(Actor::Robot, Command::Open { browser: None, terms: Some(TERMS) }, START);
        book.run_by(by, command, later(1));
        let notice = if seen { vec!["notice_shown"] } else { vec![] };
        assert_eq!(
            book.kinds(),
            [&["sealed", "fetched"], &notice[..], &["consent_refused"]].concat(),
            "{by}"
        );
        assert_eq!(shown(&book), if seen { vec![(3, by, Some(TERMS))] } else { vec![] }, "{by}");
    }
    let mut book = Book::sealed();
    for terms in 0..40 {
        book.run_by(Actor::Robot, Command::Open { browser: None, terms: Some([terms; 32]) }, START);
    }
    assert_eq!(book.snapshot.unseen.len(), 16);
}
