//! What the ledger answers and records, case by case.
use super::common::{Book, END, ENDS_SOON, LETTER, NOT_AFTER, SEAL, START, TERMS, consent, consented, form};
use waxseal::ledger::{
    Actor, Answer, ClosedReason, Command, ConsentId, Deadline, Details, EndReason, EventId, Kind,
    MAX_LEDGER_EVENTS, REPEAT_MILLIS, Snapshot, State, decide, verify_chain_exact,
};
use waxseal::types::{UnixMillis, UnixSeconds};

const NO: Command = Command::Decline { terms: None, form: None, browser: None };
const OPEN: Command = Command::Open { browser: None, terms: None };

fn later(minutes: u64) -> UnixMillis {
    UnixMillis(START.0 + minutes * 60_000)
}

#[test]
fn a_letter_is_sealed_opened_consented_and_read() {
    let mut book = Book::sealed();
    assert_eq!(book.run(OPEN, later(1)), Answer::Envelope);
    let id = consented(book.run(consent(1), later(2)));
    assert_eq!(book.run(Command::Open { browser: Some(id), terms: None }, later(3)), Answer::Letter(id));
    assert_eq!(book.run(Command::Report { consent: id, begin: false }, later(3)), Answer::Letter(id));
    let streamed = Command::Streamed { consent: id, bytes: 1234, complete: true };
    assert_eq!(book.run(streamed, later(4)), Answer::Counted);
    assert_eq!(book.kinds(), ["sealed", "opened", "consent_given", "report_streamed"]);
    let event = &book.events[2];
    assert_eq!((event.terms, event.actor, ConsentId(event.id)), (Some(TERMS), Actor::Recipient, id));
    let told = book.key.as_ref().unwrap().open(LETTER, &book.events[3]).unwrap().unwrap();
    assert_eq!((told.bytes, told.complete, told.consent), (Some(1234), Some(true), Some(id)));
    assert_eq!(told.ip.as_deref(), Some("203.0.113.9"));
    verify_chain_exact(LETTER, &book.rows(), &book.snapshot.head).unwrap();
}

#[test]
fn nothing_is_known_before_the_letter_is_sealed() {
    let mut book = Book::empty();
    let missing = Answer::Closed(ClosedReason::Missing);
    for command in [
        OPEN,
        consent(1),
        NO,
        Command::Withdraw,
        Command::Report { consent: ConsentId(EventId([1; 16])), begin: true },
        Command::Cancel,
        Command::Expire,
        Command::ExpiredOpen,
        Command::Erase,
    ] {
        assert_eq!(book.run(command, START), missing, "{command:?}");
    }
    assert_eq!(book.snapshot, Snapshot::new(LETTER));
    assert!(book.snapshot.deadline().is_none());
}

#[test]
fn another_browser_is_asked_again_and_may_consent_too() {
    let mut book = Book::sealed();
    let first = consented(book.run(consent(1), START));
    assert_eq!(book.run(OPEN, START), Answer::Envelope);
    let second = consented(book.run(consent(2), later(1)));
    assert_ne!(first, second);
    for id in [first, second] {
        assert_eq!(book.run(Command::Report { consent: id, begin: false }, later(2)), Answer::Letter(id));
    }
    let stranger = ConsentId(EventId([3; 16]));
    assert_eq!(book.run(Command::Report { consent: stranger, begin: false }, later(2)), Answer::Envelope);
}

#[test]
fn a_form_sent_twice_is_one_consent_and_so_is_one_from_a_browser_that_has_it() {
    let mut book = Book::sealed();
    let id = consented(book.run(consent(1), START));
    assert_eq!(book.run(consent(1), later(1)), Answer::Consented(id));
    let again = Command::Consent { terms: TERMS, form: form(9), browser: Some(id) };
    assert!(!book.decide(again, later(2)).changed());
    assert_eq!(book.run(again, later(2)), Answer::Consented(id));
    assert_eq!(book.kinds(), ["sealed", "consent_given"]);
}

#[test]
fn a_copy_of_a_form_that_comes_later_is_a_consent_of_its_own() {
    let mut book = Book::sealed();
    let first = consented(book.run(consent(1), START));
    assert_eq!(book.run(consent(1), later(2)), Answer::Consented(first));
    let second = consented(book.run(consent(1), UnixMillis(later(2).0 + 1)));
    assert_ne!(first, second);
    assert_eq!(book.kinds(), ["sealed", "consent_given", "consent_given"]);
}

#[test]
fn a_refusal_is_final_and_says_which_terms() {
    let mut book = Book::sealed();
    book.run(OPEN, START);
    let refuse = Command::Decline { terms: Some(TERMS), form: None, browser: None };
    assert_eq!(book.run(refuse, START), Answer::Refused);
    assert_eq!(book.run(refuse, START), Answer::Refused);
    assert_eq!(book.run_by(Actor::MailProgram, Command::Withdraw, START), Answer::Refused);
    assert_eq!(book.run(consent(1), START), Answer::Closed(ClosedReason::Refused));
    assert_eq!(book.run(OPEN, later(600)), Answer::Closed(ClosedReason::Refused));
    assert_eq!(book.kinds(), ["sealed", "opened", "consent_refused"]);
    assert_eq!(book.events[2].terms, Some(TERMS));
}

#[test]
fn a_withdrawal_before_any_consent_is_a_refusal() {
    let mut book = Book::sealed();
    assert_eq!(book.run_by(Actor::MailProgram, Command::Withdraw, START), Answer::Refused);
    assert_eq!(book.kinds(), ["sealed", "consent_refused"]);
}

#[test]
fn a_withdrawal_shuts_every_browser_out_at_once() {
    let mut book = Book::sealed();
    let ids = [1, 2, 3].map(|n| consented(book.run(consent(n), START)));
    assert_eq!(book.run_by(Actor::MailProgram, Command::Withdraw, START), Answer::Withdrawn);
    for id in ids {
        let closed = Answer::Closed(ClosedReason::Withdrawn);
        assert_eq!(book.run(Command::Report { consent: id, begin: false }, START), closed);
        assert_eq!(book.run(Command::Open { browser: Some(id), terms: None }, START), closed);
    }
    assert_eq!(book.run(consent(1), START), Answer::Closed(ClosedReason::Withdrawn));
    assert_eq!(book.events.last().unwrap().kind, Kind::ConsentWithdrawn);
    assert_eq!(book.events.last().unwrap().terms, Some(TERMS));
}

#[test]
fn a_no_from_another_browser_after_a_yes_is_a_withdrawal() {
    let mut book = Book::sealed();
    book.run(consent(1), START);
    assert_eq!(book.run(NO, START), Answer::Withdrawn);
}

#[test]
fn cancelling_closes_and_is_recorded_once() {
    let mut book = Book::sealed();
    let id = consented(book.run(consent(1), START));
    assert!(book.decide(Command::Cancel, START).changed());
    assert_eq!(book.run(Command::Cancel, START), Answer::Cancelled);
    assert!(!book.decide(Command::Cancel, START).changed());
    assert_eq!(book.run(Command::Cancel, START), Answer::Cancelled);
    let closed = Answer::Closed(ClosedReason::Cancelled);
    assert_eq!(book.run(Command::Report { consent: id, begin: false }, START), closed);
    assert_eq!(book.run(consent(2), START), closed);
    assert_eq!(book.run(Command::Expire, END), closed);
    assert_eq!(book.kinds(), ["sealed", "consent_given", "cancelled", "opened"]);
}

#[test]
fn a_letter_expires_at_the_exact_millisecond_without_an_alarm() {
    let mut book = Book::sealed();
    let id = consented(book.run(consent(1), START));
    let before = UnixMillis(END.0 - 1);
    assert_eq!(book.run(Command::Report { consent: id, begin: false }, before), Answer::Letter(id));
    assert_eq!(book.run(Command::Expire, before), Answer::NotDue);
    let closed = Answer::Closed(ClosedReason::Expired);
    assert_eq!(book.run(Command::Report { consent: id, begin: false }, END), closed);
    assert_eq!(book.run(Command::Expire, END), Answer::Expired);
    assert_eq!(book.run(Command::Cancel, END), closed);
    // The clock steps back an hour: over is over.
    assert_eq!(book.run(Command::Report { consent: id, begin: false }, before), closed);
    assert_eq!(book.run(consent(2), before), closed);
    assert_eq!(book.kinds(), ["sealed", "consent_given", "ends_soon", "expired", "expired_open_attempt"]);
}

#[test]
fn an_unanswered_letter_is_ignored_when_it_expires() {
    for opens in [0, 1] {
        let mut book = Book::sealed();
        for _ in 0..opens {
            book.run(OPEN, START);
        }
        assert_eq!(book.run(Command::Expire, END), Answer::Expired);
        assert!(!book.decide(Command::Expire, END).changed());
        assert_eq!(book.kinds()[1 + opens..], ["expired", "ignored"]);
        assert!(book.events[1 + opens..].iter().all(|e| e.actor == Actor::System && e.sealed.is_empty()));
    }
}

#[test]
fn a_no_is_heard_after_the_end() {
    let mut book = Book::sealed();
    book.run(consent(1), START);
    assert_eq!(book.run_by(Actor::MailProgram, Command::Withdraw, END), Answer::Withdrawn);
    assert_eq!(book.kinds(), ["sealed", "consent_given", "expired", "consent_withdrawn"]);
    assert_eq!((book.snapshot.state, book.snapshot.end_reason), (State::Withdrawn, Some(EndReason::Expired)));
    assert_eq!(book.run(OPEN, END), Answer::Closed(ClosedReason::Expired));
}

#[test]
fn a_token_may_end_before_its_letter() {
    let mut book = Book::sealed();
    assert_eq!(book.run(Command::ExpiredOpen, later(1)), Answer::Closed(ClosedReason::Expired));
    assert_eq!(book.run(OPEN, later(2)), Answer::Envelope);
    book.run(Command::Cancel, later(3));
    assert_eq!(book.run(Command::ExpiredOpen, later(4)), Answer::Closed(ClosedReason::Cancelled));
    assert_eq!(book.kinds(), ["sealed", "expired_open_attempt", "opened", "cancelled"]);
}

#[test]
fn erasure_ends_everything_and_keeps_the_chain() {
    let mut book = Book::sealed();
    book.run(consent(1), START);
    assert_eq!(book.snapshot.deadline(), Some(Deadline::Expire(ENDS_SOON.millis())));
    book.run(Command::Cancel, START);
    let delete = UnixSeconds(NOT_AFTER.0 + 366 * 86_400).millis();
    assert_eq!(book.snapshot.deadline(), Some(Deadline::Erase(delete)));
    assert_eq!(book.run_by(Actor::System, Command::Erase, delete), Answer::Erased);
    assert_eq!(book.run_by(Actor::Sender, Command::Erase, delete), Answer::Erased);
    let closed = Answer::Closed(ClosedReason::Erased);
    for command in [OPEN, consent(3), Command::Withdraw, Command::Cancel, Command::ExpiredOpen] {
        assert_eq!(book.run(command, delete), closed, "{command:?}");
    }
    assert_eq!(book.kinds(), ["sealed", "consent_given", "cancelled", "erased"]);
    assert!(book.events[3].sealed.is_empty());
    assert!(book.snapshot.deadline().is_none());
    verify_chain_exact(LETTER, &book.rows(), &book.snapshot.head).unwrap();
}

#[test]
fn acceptance_needs_a_standing_consent_and_is_recorded_once() {
    let mut book = Book::sealed();
    let stranger = ConsentId(EventId([3; 16]));
    assert_eq!(book.run(Command::Accept { consent: stranger }, START), Answer::Envelope);
    let id = consented(book.run(consent(1), START));
    assert_eq!(book.run(Command::Accept { consent: id }, START), Answer::Accepted);
    assert_eq!(book.run(Command::Accept { consent: id }, START), Answer::Accepted);
    consented(book.run(consent(2), START));
    assert_eq!(book.snapshot.state, State::Accepted);
    book.run(Command::Withdraw, START);
    assert_eq!(book.kinds().iter().filter(|kind| **kind == "accepted").count(), 1);
    assert_eq!(book.run(Command::Accept { consent: id }, START), Answer::Closed(ClosedReason::Withdrawn));
}

#[test]
fn a_second_sealing_changes_nothing() {
    let mut book = Book::sealed();
    let before = book.snapshot.clone();
    let other = Command::Seal {
        not_after: UnixSeconds(1),
        retention_days: 1,
        names: [5; 32],
        terms: None,
        ends_soon: None,
    };
    assert_eq!(book.run(other, END), Answer::Sealed);
    assert_eq!(book.snapshot, before);
}

#[test]
fn streams_are_told_first_and_then_summed_by_the_hour() {
    let mut book = Book::sealed();
    let a = consented(book.run(consent(1), START));
    let b = consented(book.run(consent(2), START));
    for (id, minute) in [(a, 0), (a, 1), (b, 2), (a, 3), (b, 4), (a, 62), (a, 63)] {
        book.run(Command::Streamed { consent: id, bytes: 10, complete: false }, later(minute));
    }
    let key = book.key.as_ref().unwrap();
    let streams = book.events.iter().filter(|e| e.kind == Kind::ReportStreamed);
    let told: Vec<_> = streams.map(|e| key.open(LETTER, e).unwrap().unwrap().bytes.unwrap()).collect();
    assert_eq!(told, [10, 20, 30]);
    assert_eq!(book.snapshot.untold_bytes, 10);
}

#[test]
fn a_million_opens_stay_within_bounds() {
    let mut book = Book::sealed();
    let id = consented(book.run(consent(0), START));
    let mut at = START.0;
    let mut entropy = book.entropy();
    for i in 0..1_000_000u64 {
        // Thirty days of knocking, then as long again after the end, at uneven steps.
        at += 5_000 + i % 377;
        let command = match i % 3 {
            0 => OPEN,
            1 => Command::Open { browser: Some(id), terms: None },
            _ => Command::ExpiredOpen,
        };
        let by = if i % 2 == 0 { Actor::Recipient } else { Actor::Robot };
        let decision = decide(&book.snapshot, &command, by, UnixMillis(at), &entropy);
        if decision.changed() {
            let finished = decision.finish(&Details::default(), None).unwrap();
            book.snapshot = finished.snapshot;
            book.events.extend(finished.events);
            entropy = book.entropy();
        }
    }
    let count = |kind| book.events.iter().filter(|e| e.kind == kind).count();
    assert_eq!(count(Kind::Opened), 500);
    assert_eq!(count(Kind::Fetched), 500);
    assert_eq!(count(Kind::ExpiredOpenAttempt), 500);
    let opened: Vec<_> = book.events.iter().filter(|e| e.kind == Kind::Opened).map(|e| e.at.0).collect();
    assert!(opened.windows(2).all(|pair| pair[1] - pair[0] >= REPEAT_MILLIS));
    assert_eq!(book.snapshot.end_reason, Some(EndReason::Expired));
    assert!((book.events.len() as u64) < MAX_LEDGER_EVENTS);
    verify_chain_exact(LETTER, &book.rows(), &book.snapshot.head).unwrap();
}

#[test]
fn terms_are_recorded_when_they_are_shown_and_again_only_when_they_differ_or_an_hour_later() {
    let mut book = Book::sealed();
    let show = |terms: u8| Command::Open { browser: None, terms: Some([terms; 32]) };
    assert_eq!(book.run(show(1), START), Answer::Envelope);
    assert_eq!(book.run(show(1), later(1)), Answer::Envelope);
    assert_eq!(book.run(show(2), later(2)), Answer::Envelope);
    assert_eq!(book.run(show(1), later(3)), Answer::Envelope);
    let shown = |book: &Book| -> Vec<_> {
        book.events.iter().filter(|e| e.kind == Kind::NoticeShown).map(|e| e.terms.unwrap()[0]).collect()
    };
    assert_eq!(shown(&book), [1, 2]);
    book.run(show(1), UnixMillis(later(2).0 + REPEAT_MILLIS));
    assert_eq!(shown(&book), [1, 2, 1]);
    // Who has consented is shown the letter and no terms; nor is anybody after a no.
    let id = consented(book.run(consent(0), later(5)));
    book.run(Command::Open { browser: Some(id), terms: Some([3; 32]) }, later(6));
    book.run(Command::Withdraw, later(7));
    book.run(show(4), later(8));
    assert_eq!(shown(&book), [1, 2, 1]);
}

#[test]
fn a_suspected_post_is_recorded_and_opens_nothing() {
    let mut book = Book::sealed();
    for _ in 0..3 {
        assert_eq!(
            book.run(Command::Suspect { terms: [9; 32], form: form(9_999) }, START),
            Answer::Suspected
        );
    }
    let suspected: Vec<_> = book.events.iter().filter(|e| e.kind == Kind::RobotSuspected).collect();
    assert_eq!(suspected.len(), 3);
    assert!(suspected.iter().all(|event| event.terms == Some([9; 32])));
    assert!(book.snapshot.consents.is_empty());
    book.run(Command::Cancel, START);
    let closed = Answer::Closed(ClosedReason::Cancelled);
    assert_eq!(book.run(Command::Suspect { terms: [9; 32], form: form(9_999) }, START), closed);
}

#[test]
fn what_goes_out_across_the_end_is_told_with_all_that_was_not() {
    let ends = [Command::Withdraw, Command::Cancel, Command::Expire];
    for end in ends {
        let mut book = Book::sealed();
        let id = consented(book.run(consent(0), START));
        let streamed = |bytes| Command::Streamed { consent: id, bytes, complete: false };
        // The second is within the hour, so the next event would tell it.
        book.run(streamed(5), later(1));
        book.run(streamed(7), later(2));
        let at = if matches!(end, Command::Expire) { END } else { later(3) };
        book.run(end, at);
        assert_eq!(book.run(streamed(9), at), Answer::Counted, "{end:?}");
        let (key, events) = (book.key.as_ref().unwrap(), &book.events);
        let streams = events.iter().filter(|event| event.kind == Kind::ReportStreamed);
        let bytes: Vec<_> = streams.map(|event| key.open(LETTER, event).unwrap().unwrap().bytes).collect();
        assert_eq!(bytes, [Some(5), Some(16)], "{end:?}");
    }
}

#[test]
fn the_beginning_of_the_report_is_recorded_once_for_each_consent_before_any_byte() {
    let mut book = Book::sealed();
    let id = consented(book.run(consent(0), START));
    assert_eq!(book.run(Command::Report { consent: id, begin: false }, START), Answer::Letter(id));
    assert!(!book.kinds().contains(&"report_streamed"));
    assert_eq!(book.run(Command::Report { consent: id, begin: true }, START), Answer::Letter(id));
    assert_eq!(book.run(Command::Report { consent: id, begin: true }, later(1)), Answer::Letter(id));
    let told = |book: &Book| -> Vec<_> {
        let sent = book.events.iter().filter(|e| e.kind == Kind::ReportStreamed);
        sent.map(|event| book.details(event)).map(|d| (d.bytes.unwrap(), d.complete.unwrap())).collect()
    };
    assert_eq!(told(&book), [(0, false)]);
    // How it ended is told at once, and not an hour later.
    book.run(Command::Streamed { consent: id, bytes: 70, complete: true }, later(2));
    assert_eq!(told(&book), [(0, false), (70, true)]);
}

#[test]
fn messages_pins_and_exports_are_recorded_as_far_as_they_go() {
    let mut book = Book::sealed();
    let nobody = ConsentId(EventId([1; 16]));
    assert_eq!(book.run(Command::Message { consent: None }, START), Answer::Envelope);
    let stranger = Command::Message { consent: Some(nobody) };
    assert_eq!(book.run(stranger, START), Answer::Envelope);
    let id = consented(book.run(consent(0), START));
    let ours = Command::Message { consent: Some(id) };
    assert_eq!(book.run(ours, START), Answer::Noted);
    assert_eq!(book.run_by(Actor::Sender, Command::Message { consent: None }, START), Answer::Noted);
    for nth in 0..101 {
        let expected = if nth < 100 { Answer::Noted } else { Answer::Limit };
        assert_eq!(book.run(Command::PinFailed, START), expected);
    }
    // What is over can be exported, erased or not.
    book.run_by(Actor::Sender, Command::Erase, START);
    assert_eq!(book.run(Command::PinFailed, START), Answer::Closed(ClosedReason::Erased));
    for _ in 0..201 {
        assert_eq!(book.run(Command::Export, START), Answer::Exported);
    }
    assert_eq!(book.kinds().iter().filter(|kind| **kind == "evidence_exported").count(), 200);
    assert_eq!(book.kinds().last(), Some(&"evidence_exported"));
}

#[test]
fn the_longest_commands_record_all_they_mean() {
    let overdue = |command, last| {
        let mut book = Book::sealed();
        book.run(command, END);
        assert_eq!(book.kinds(), ["sealed", "expired", "ignored", last], "{command:?}");
    };
    overdue(OPEN, "expired_open_attempt");
    overdue(consent(1), "expired_open_attempt");
    overdue(Command::Report { consent: ConsentId(EventId([1; 16])), begin: true }, "expired_open_attempt");
    overdue(Command::ExpiredOpen, "expired_open_attempt");
    overdue(NO, "consent_refused");
    overdue(Command::Withdraw, "consent_refused");
    overdue(Command::Erase, "erased");
}

#[test]
fn no_time_makes_it_panic_or_go_back() {
    let mut book = Book::sealed();
    book.run(OPEN, UnixMillis(0));
    assert_eq!(book.events[1].at, START);
    book.run(SEAL, UnixMillis(u64::MAX));
    book.run(OPEN, UnixMillis(u64::MAX));
    book.run(OPEN, UnixMillis(0));
    let last = book.events.last().unwrap();
    assert_eq!((last.kind, last.at.0), (Kind::ExpiredOpenAttempt, (1 << 48) - 1));
    assert!(book.events.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[test]
fn the_stored_words_are_the_documented_ones() {
    let doc = include_str!("../../../docs/LEDGER.md");
    let words = |all: Vec<&'static str>| {
        for word in all {
            assert!(doc.contains(&format!("`{word}`")), "docs/LEDGER.md does not explain {word}");
        }
    };
    words(Kind::ALL.iter().map(|k| k.as_str()).collect());
    words(State::ALL.iter().map(|k| k.as_str()).collect());
    words(EndReason::ALL.iter().map(|k| k.as_str()).collect());
    words(Actor::ALL.iter().map(|k| k.as_str()).collect());
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(*kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    assert!("Sealed".parse::<Kind>().is_err());
}
