//! The score whatever comes, and the question: what is taken, and how often a guess is right.

use crate::ledger::common::{LETTER, START, TERMS, form, keyring};
use proptest::prelude::*;
use waxseal::bots::challenge::{CHOICES, ChallengeState, MIN_ANSWER_MILLIS, Verdict, WORDS, ask, check};
use waxseal::bots::{Signals, THRESHOLD, score};
use waxseal::lang::Lang;
use waxseal::ledger::{
    Answer, Binding, Command, Form, FormError, FormId, FormPurpose, Kind, MAX_WRONG, WRONG_MILLIS,
};
use waxseal::pages::{question, words};
use waxseal::types::{Kid, LetterId, UnixMillis};

use crate::ledger::common::Book;

const STATE: ChallengeState = ChallengeState {
    form: FormId([4; 8]),
    terms: TERMS,
    points: 160,
    round: 1,
    decline: false,
    browser: Binding([6; 8]),
};

fn later(millis: u64) -> UnixMillis {
    UnixMillis(START.0 + millis)
}

#[test]
fn a_question_takes_the_word_it_names_and_no_other() {
    let ring = keyring();
    let asked = ask(ring.active(), LETTER, &STATE, START, form(1));
    for choice in 0..CHOICES {
        let text = choice.to_string();
        let answered = check(&asked.nonce, Some(&text), &ring, LETTER, later(MIN_ANSWER_MILLIS)).unwrap();
        let expected = if choice == asked.right { Verdict::Right } else { Verdict::Wrong };
        assert_eq!(answered.verdict, expected);
        assert_eq!((answered.id, answered.asked_at, answered.state), (form(1), START, STATE));
    }
    let verdict = |choice: Option<&str>, at| check(&asked.nonce, choice, &ring, LETTER, at).unwrap().verdict;
    assert_eq!(verdict(None, later(9_000)), Verdict::Nothing);
    assert_eq!(verdict(Some(""), later(0)), Verdict::Nothing);
    for choice in ["6", "9", "-1", "00", "1 ", "x", "é", "１"] {
        assert_eq!(verdict(Some(choice), later(9_000)), Verdict::Wrong, "{choice}");
    }
    // Too early says nothing of right and wrong.
    for choice in 0..CHOICES {
        assert_eq!(verdict(Some(&choice.to_string()), later(MIN_ANSWER_MILLIS - 1)), Verdict::Early);
    }
    let at =
        |millis| check(&asked.nonce, Some("0"), &ring, LETTER, later(millis)).map(|answered| answered.id);
    assert_eq!(at(3_599_999), Ok(form(1)));
    assert_eq!(at(3_600_000), Err(FormError::Expired));
}

#[test]
fn a_question_of_another_letter_key_or_with_a_changed_bit_is_forged() {
    let ring = keyring();
    let asked = ask(ring.active(), LETTER, &STATE, START, form(1));
    let other = LetterId([8; 16]);
    assert_eq!(check(&asked.nonce, Some("0"), &ring, other, later(3_000)), Err(FormError::Forged));
    for at in 0..asked.nonce.len() {
        let mut changed = asked.nonce.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(check(&changed, Some("0"), &ring, LETTER, later(3_000)), Err(FormError::Forged));
    }
    let stranger = waxseal::token::SiteKey::new(Kid(7), [0xee; 32], None);
    let theirs = ask(&stranger, LETTER, &STATE, START, form(1));
    assert_eq!(check(&theirs.nonce, Some("0"), &ring, LETTER, later(3_000)), Err(FormError::Forged));
    // A form's nonce is no question's, and the other way round.
    for purpose in [FormPurpose::Consent, FormPurpose::Decline] {
        let plain = Form { id: form(1), issued_at: START, browser: Binding::default(), terms: TERMS };
        let plain = waxseal::ledger::mint_form(ring.active(), LETTER, purpose, &plain).to_string();
        assert_eq!(check(&plain, Some("0"), &ring, LETTER, later(3_000)), Err(FormError::Forged));
        let forged = Err(FormError::Forged);
        assert_eq!(waxseal::ledger::check_form(&asked.nonce, &ring, LETTER, purpose, START), forged);
    }
}

/// Whoever guesses is right once in six, wherever the guess falls, and no word is named much more often than another.
#[test]
fn a_guess_is_worth_a_sixth() {
    let ring = keyring();
    let rounds = 6_000;
    let (mut places, mut named) = ([0u32; CHOICES], [0u32; WORDS]);
    for n in 0..rounds {
        let asked = ask(ring.active(), LETTER, &STATE, START, form(n));
        let mut sorted = asked.words;
        sorted.sort_unstable();
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]) && sorted[CHOICES - 1] < WORDS);
        places[asked.right] += 1;
        named[asked.words[asked.right]] += 1;
    }
    assert!(places.iter().all(|count| (850..1_150).contains(count)), "{places:?}");
    assert!(named.iter().all(|count| (400..600).contains(count)), "{named:?}");
}

#[test]
fn every_language_has_its_words_and_names_one_of_them() {
    for lang in Lang::ALL {
        let mut all = words(lang);
        assert_eq!(all.len(), WORDS, "{lang}");
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), WORDS, "{lang} has a word twice");
        // None is part of another, so that no sentence names two.
        assert!(all.iter().all(|a| all.iter().filter(|b| b.contains(*a)).count() == 1), "{lang}");
        let choices: Vec<usize> = (0..CHOICES).collect();
        for right in 0..CHOICES {
            let (shown, sentence) = question(lang, &choices, right);
            let in_it = shown.iter().filter(|word| sentence.contains(**word)).count();
            assert!(in_it == 1 && sentence.contains(shown[right]), "{lang}: {sentence}");
        }
    }
}

#[test]
fn the_right_word_is_an_ordinary_consent_and_once() {
    let mut book = Book::sealed();
    assert_eq!(book.run(Command::Suspect { terms: TERMS, form: form(99) }, START), Answer::Suspected);
    let yes = |n| Command::Confirm { terms: TERMS, question: form(n), right: true, browser: None };
    let Answer::Consented(id) = book.run(yes(1), later(9_000)) else { panic!("not a consent") };
    assert_eq!(book.run(yes(1), later(9_500)), Answer::Consented(id), "sent twice, it is one consent");
    let kinds: Vec<_> = book.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [Kind::Sealed, Kind::RobotSuspected, Kind::ConsentGiven]);
    assert_eq!(book.events[2].terms, Some(TERMS));
}

/// Six posts of one question, one for each word, are worth one guess; and after three wrong ones nothing is taken.
#[test]
fn whoever_tries_every_word_is_stopped() {
    let mut book = Book::sealed();
    let answer = |n, right| Command::Confirm { terms: TERMS, question: form(n), right, browser: None };
    assert_eq!(book.run(answer(1, false), later(1)), Answer::Suspected);
    assert_eq!(book.run(answer(1, true), later(2)), Answer::Suspected, "the question is used up");
    for n in 2..=MAX_WRONG as u64 {
        let expected = if n < MAX_WRONG as u64 { Answer::Suspected } else { Answer::Limit };
        assert_eq!(book.run(answer(n, false), later(n)), expected);
    }
    assert_eq!(book.run(answer(50, true), later(60_000)), Answer::Limit, "right, but too late");
    assert_eq!(book.run(Command::Suspect { terms: TERMS, form: form(99) }, later(60_001)), Answer::Limit);
    assert!(book.events.iter().all(|event| event.kind != Kind::ConsentGiven));
    // Whoever is not suspected is not held up by it.
    assert!(matches!(book.run(crate::ledger::common::consent(9), later(70_000)), Answer::Consented(_)));
    // When the first wrong answer no longer counts, one is taken again.
    assert_eq!(book.run(answer(51, true), later(WRONG_MILLIS)), Answer::Limit);
    assert!(matches!(book.run(answer(52, true), later(WRONG_MILLIS + 1)), Answer::Consented(_)));
    // A used question stays used for as long as it could be answered.
    assert_eq!(book.run(answer(3, true), later(WRONG_MILLIS + 2)), Answer::Suspected);
}

#[test]
fn a_closed_letter_takes_no_answer() {
    let mut book = Book::sealed();
    book.run(Command::Cancel, START);
    for right in [true, false] {
        let command = Command::Confirm { terms: TERMS, question: form(1), right, browser: None };
        assert!(matches!(book.run(command, later(1)), Answer::Closed(_)));
    }
}

fn header() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof![
        any::<String>(),
        "[ -~]{0,80}",
        Just("navigate".to_owned()),
        Just("document".to_owned()),
        Just("same-origin".to_owned()),
        Just("?1".to_owned()),
        Just("null".to_owned()),
        Just("text/html".to_owned()),
        Just("application/json".to_owned()),
        Just("application/x-www-form-urlencoded".to_owned()),
        Just("Mozilla/5.0 Chrome/141.0 Safari/537.36".to_owned()),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// Total, the same every time, and its points are the sum of its reasons.
    #[test]
    fn any_headers_are_scored(
        texts in proptest::collection::vec(header(), 12),
        asn in proptest::option::of(any::<u32>()),
        referrer in any::<bool>(),
        bound in any::<bool>(),
        dwell in proptest::option::of(0u64..10_000_000),
    ) {
        let text = |n: usize| texts[n].as_deref();
        let signals = Signals {
            agent: text(0), brands: text(1), asn, organisation: text(2), site: text(3), mode: text(4),
            dest: text(5), user: text(6), accept: text(7), language: text(8), origin: text(9),
            own_origin: "https://letters.example", referrer, content_type: text(10), dwell, bound,
        };
        let found = score(&signals);
        prop_assert_eq!(&found, &score(&signals));
        let weights = waxseal::bots::Reason::ALL;
        let sum: u16 = found
            .reasons
            .iter()
            .map(|name| weights.iter().find(|reason| reason.code() == *name).unwrap().points())
            .sum();
        prop_assert_eq!(sum, found.points);
        prop_assert_eq!(found.is_suspected(), found.points >= THRESHOLD);
        // The page's cookie never makes it worse, and taking longer does not.
        let with_cookie = score(&Signals { bound: true, ..signals });
        prop_assert!(with_cookie.points <= found.points);
        if let Some(dwell) = dwell {
            let patient = score(&Signals { dwell: Some(dwell + 10_000), ..signals });
            prop_assert!(patient.points <= found.points);
        }
    }

    #[test]
    fn hostile_answers_never_panic_and_never_pass(nonce in any::<String>(), choice in proptest::option::of(any::<String>())) {
        let ring = keyring();
        prop_assert_eq!(check(&nonce, choice.as_deref(), &ring, LETTER, START), Err(FormError::Forged));
    }

    #[test]
    fn every_question_comes_back_as_it_was_asked(
        id in any::<[u8; 8]>(), of in any::<[u8; 8]>(), terms in any::<[u8; 32]>(), letter in any::<[u8; 16]>(),
        points in any::<u16>(), round in any::<u8>(), decline in any::<bool>(), browser in any::<[u8; 8]>(),
        now in 0u64..1 << 47,
    ) {
        let ring = keyring();
        let state = ChallengeState { form: FormId(of), terms, points, round, decline, browser: Binding(browser) };
        let asked = ask(ring.active(), LetterId(letter), &state, UnixMillis(now), FormId(id));
        prop_assert_eq!(asked.nonce.len(), 111);
        let choice = asked.right.to_string();
        let at = UnixMillis(now + MIN_ANSWER_MILLIS);
        let answered = check(&asked.nonce, Some(&choice), &ring, LetterId(letter), at).unwrap();
        prop_assert_eq!((answered.id, answered.state, answered.verdict), (FormId(id), state, Verdict::Right));
    }
}
