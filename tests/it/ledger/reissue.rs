//! A new end for a letter, over or not, and the event that its end is near.
use super::common::{Book, END, ENDS_SOON, NOT_AFTER, SEAL, START, TERMS, consent, consented, form};
use waxseal::ledger::{
    Actor, Answer, Binding, ClosedReason, Command, Deadline, MAX_LEDGER_EVENTS, MAX_REISSUES, REPEAT_MILLIS,
    TermsHash,
};
use waxseal::types::{UnixMillis, UnixSeconds};

const LATER: UnixSeconds = UnixSeconds(NOT_AFTER.0 + 30 * 86_400);

fn reissue(not_after: UnixSeconds) -> Command {
    Command::Reissue { not_after, ends_soon: Some(UnixSeconds(not_after.0.saturating_sub(3 * 86_400))) }
}

#[test]
fn what_is_over_is_open_again_with_a_new_end_for_consents_anew() {
    for end in [Command::Expire, Command::Cancel] {
        let mut book = Book::sealed();
        let id = consented(book.run(consent(1), START));
        let kept = book.snapshot.delete_after.0 - NOT_AFTER.0;
        book.run(end, END);
        let ended = book.snapshot.end_reason.unwrap();
        assert_eq!(book.run(reissue(LATER), END), Answer::Reissued(LATER), "{ended}");
        assert_eq!(book.run(Command::Report { consent: id, begin: false }, END), Answer::Envelope);
        let anew = consented(book.run(consent(2), END));
        let before = UnixMillis(LATER.millis().0 - 1);
        assert_eq!(book.run(Command::Report { consent: anew, begin: false }, before), Answer::Letter(anew));
        assert_eq!(book.snapshot.delete_after.0 - LATER.0, kept);
        let closed = Answer::Closed(ClosedReason::Expired);
        assert_eq!(book.run(Command::Report { consent: anew, begin: false }, LATER.millis()), closed);
    }
}

#[test]
fn an_open_letter_gets_a_later_end_never_an_earlier_one_and_keeps_its_consents() {
    let mut book = Book::sealed();
    let id = consented(book.run(consent(1), START));
    for end in [
        UnixSeconds(0),
        START.seconds(),
        UnixSeconds(NOT_AFTER.0 - 1),
        NOT_AFTER,
        UnixSeconds(NOT_AFTER.0 + 60),
    ] {
        assert!(!book.decide(reissue(end), START).changed());
        assert_eq!(book.run(reissue(end), START), Answer::Reissued(NOT_AFTER));
    }
    assert_eq!(book.run(reissue(LATER), START), Answer::Reissued(LATER));
    assert_eq!(book.run(Command::Report { consent: id, begin: false }, END), Answer::Letter(id));
    assert_eq!(book.kinds(), ["sealed", "consent_given", "reissued"]);
}

#[test]
fn a_no_and_an_erasure_stand_whatever_is_reissued_and_so_does_an_end_that_is_past() {
    let mut refused = Book::sealed();
    refused.run(Command::Withdraw, START);
    let mut withdrawn = Book::sealed();
    consented(withdrawn.run(consent(1), START));
    withdrawn.run(Command::Withdraw, START);
    let mut erased = Book::sealed();
    erased.run(Command::Erase, START);
    let mut expired = Book::sealed();
    expired.run(Command::Expire, END);
    let mut deleted = Book::sealed();
    deleted.run(Command::Expire, deleted.snapshot.delete_after.millis());
    let ever = UnixSeconds(deleted.snapshot.delete_after.0 + 86_400);
    for (mut book, end, reason) in [
        (deleted, ever, ClosedReason::Expired),
        (refused, LATER, ClosedReason::Refused),
        (withdrawn, LATER, ClosedReason::Withdrawn),
        (erased, LATER, ClosedReason::Erased),
        (expired, NOT_AFTER, ClosedReason::Expired),
    ] {
        for at in [START, END] {
            let kinds = book.kinds().len();
            let answer = book.run(reissue(end), at);
            // An end that comes meanwhile is recorded; the no behind it stands.
            assert_eq!(answer, Answer::Closed(reason), "{reason}");
            assert!(!book.kinds().iter().skip(kinds).any(|kind| *kind == "reissued"));
        }
    }
}

#[test]
fn a_letter_is_reissued_so_often_and_no_more() {
    let mut book = Book::sealed();
    for n in 1..=u64::from(MAX_REISSUES) {
        let end = UnixSeconds(NOT_AFTER.0 + 61 * n);
        assert_eq!(book.run(reissue(end), START), Answer::Reissued(end));
    }
    assert_eq!(book.run(reissue(LATER), START), Answer::Limit);
}

#[test]
fn a_link_that_is_over_leads_on_once_its_letter_was_reissued_and_only_then() {
    let mut book = Book::sealed();
    assert_eq!(book.run(Command::ExpiredOpen, START), Answer::Closed(ClosedReason::Expired));
    book.run(reissue(LATER), START);
    assert_eq!(book.run(Command::ExpiredOpen, END), Answer::Reissued(LATER));
    assert_eq!(book.kinds(), ["sealed", "expired_open_attempt", "reissued"]);
    let over = LATER.millis();
    assert_eq!(book.run(Command::ExpiredOpen, over), Answer::Closed(ClosedReason::Expired));
    let mut refused = Book::sealed();
    refused.run(reissue(LATER), START);
    refused.run(Command::Withdraw, START);
    assert_eq!(refused.run(Command::ExpiredOpen, END), Answer::Closed(ClosedReason::Refused));
}

#[test]
fn a_near_end_is_recorded_once_while_it_matters() {
    let soon = ENDS_SOON.millis();
    let mut book = Book::sealed();
    assert_eq!(book.snapshot.deadline(), Some(Deadline::Expire(soon)));
    assert_eq!(book.run(Command::Expire, UnixMillis(soon.0 - 1)), Answer::NotDue);
    assert_eq!(book.run(Command::Expire, soon), Answer::NotDue);
    assert_eq!(book.run(Command::Expire, soon), Answer::NotDue);
    assert_eq!(book.kinds(), ["sealed", "ends_soon"]);
    assert_eq!(book.snapshot.deadline(), Some(Deadline::Expire(END)));
    // A new end, and a new time before it.
    book.run(reissue(LATER), soon);
    assert_eq!(book.run(Command::Expire, UnixMillis(LATER.millis().0 - 1)), Answer::NotDue);
    assert_eq!(book.kinds(), ["sealed", "ends_soon", "reissued", "ends_soon"]);

    let mut refused = Book::sealed();
    refused.run(Command::Withdraw, START);
    let mut accepted = Book::sealed();
    let id = consented(accepted.run(consent(1), START));
    accepted.run(Command::Accept { consent: id }, START);
    let mut late = Book::sealed();
    late.run(Command::Expire, END);
    for mut book in [refused, accepted, late] {
        book.run(Command::Expire, soon);
        assert!(!book.kinds().contains(&"ends_soon"));
        assert_ne!(book.snapshot.deadline(), Some(Deadline::Expire(soon)));
    }
    // Sealed for less than that: it is near from the beginning.
    let mut short = Book::empty();
    short.run(SEAL, soon);
    assert_eq!(short.snapshot.deadline(), Some(Deadline::Expire(END)));
}

#[test]
fn the_longest_possible_record_is_exactly_the_stated_limit() {
    let mut book = Book::empty();
    // Long enough for every repeating kind to reach its cap at one an hour: those of the end behind it.
    let not_after = UnixSeconds(START.0 / 1000 + 600 * 3600);
    let seconds = |n: u64| UnixSeconds(START.0 / 1000 + n);
    let (first, ends_soon) = (seconds(2), Some(seconds(1)));
    let terms = Some(TermsHash(TERMS));
    book.run(Command::Seal { not_after: first, retention_days: 1, names: [5; 32], terms, ends_soon }, START);
    for n in 1..=u64::from(MAX_REISSUES) {
        book.run(Command::Expire, seconds(3 * n - 2).millis());
        book.run(Command::Expire, seconds(3 * n - 1).millis());
        let end = if n < u64::from(MAX_REISSUES) { seconds(3 * n + 2) } else { not_after };
        let again = Command::Reissue { not_after: end, ends_soon: Some(seconds(3 * n + 1)) };
        assert_eq!(book.run(again, seconds(3 * n).millis()), Answer::Reissued(end));
    }
    book.run(Command::Expire, seconds(100).millis());
    let browser = Binding([1; 8]);
    for _ in 0..10 {
        book.run(Command::Decline { terms: None, form: None, browser: Some(browser) }, START);
        book.run(Command::Undo { browser }, START);
    }
    let id = consented(book.run(consent(0), START));
    for n in 1..200 {
        book.run(consent(n), START);
    }
    assert_eq!(book.run(consent(777), START), Answer::ConsentLimit);
    assert_eq!(book.snapshot.consents.len(), 100);
    assert!(serde_json::to_string(&book.snapshot).unwrap().len() < 16_384);
    book.run(Command::Accept { consent: id }, START);
    let given: Vec<_> = book.snapshot.consents.iter().map(|live| live.id).collect();
    for consent in given {
        book.run(Command::Report { consent, begin: true }, START);
    }
    for hour in 0..1_110 {
        let now = UnixMillis(START.0 + 200_000 + hour * REPEAT_MILLIS);
        book.run(Command::Open { browser: None, terms: Some([hour as u8; 32]) }, now);
        book.run_by(Actor::Robot, Command::Open { browser: None, terms: None }, now);
        book.run(Command::Suspect { terms: [1; 32], form: form(9_999) }, now);
        book.run_by(Actor::Sender, Command::Message { consent: None }, now);
        book.run(Command::PinFailed, now);
        book.run(Command::Export, now);
        book.run(Command::Streamed { consent: id, bytes: u64::MAX, complete: true }, now);
        book.run(Command::ExpiredOpen, now);
        if let Answer::Consented(consent) = book.run_by(Actor::Robot, consent(10_000 + hour), now) {
            book.run(Command::Report { consent, begin: true }, now);
        }
    }
    book.run(Command::Withdraw, END);
    book.run_by(Actor::Sender, Command::Erase, END);
    // No `ignored`: that and a consent exclude each other.
    assert_eq!(book.events.len() as u64, MAX_LEDGER_EVENTS - 1);
}
