//! What is sealed, what opens it, and that erasure is the end of it.
use super::common::{Book, LETTER, START, consent, keyring};
use waxseal::ledger::privacy::{MAX_FIELD_BYTES, MAX_HEADER_BYTES, WRAPPED_BYTES};
use waxseal::ledger::{
    Command, Details, Event, EventId, Kind, LetterKey, PrivacyError, WrappedKey, verify_chain_exact,
};
use waxseal::types::{Kid, LetterId};

const OTHER: LetterId = LetterId([8; 16]);

fn details() -> Details {
    Details {
        ip: Some("2001:db8::17".into()),
        user_agent: Some("Mozilla/5.0 (Testphone)".into()),
        asn: Some(64_500),
        as_name: Some("Example Telecom".into()),
        country: Some("NL".into()),
        accept_language: Some("nl-NL,nl;q=0.9".into()),
        referrer_present: Some(false),
        sec_fetch_mode: Some("navigate".into()),
        ..Details::default()
    }
}

#[test]
fn details_come_back_for_their_own_event_only() {
    let mut book = Book::sealed();
    book.details = details();
    book.run(consent(1), START);
    book.run(Command::Withdraw, START);
    let key = book.key.as_ref().unwrap();
    let given = &book.events[1];
    assert_eq!(key.open(LETTER, given), Ok(Some(details())));
    let withdrawn = key.open(LETTER, &book.events[2]).unwrap().unwrap();
    assert_eq!(withdrawn, details());

    let closed = Err(PrivacyError::Open);
    assert_eq!(key.open(OTHER, given), closed);
    let mut moved = given.clone();
    moved.sealed = book.events[2].sealed.clone();
    assert_eq!(key.open(LETTER, &moved), closed);
    for moved in [
        Event { seq: 3, ..given.clone() },
        Event { id: EventId([0; 16]), ..given.clone() },
        Event { kind: Kind::ConsentRefused, ..given.clone() },
    ] {
        assert_eq!(key.open(LETTER, &moved), closed);
    }
    for at in 0..given.sealed.len() {
        let mut flipped = given.clone();
        flipped.sealed[at] ^= 1;
        assert_eq!(key.open(LETTER, &flipped), closed);
    }
    for length in 1..given.sealed.len() {
        let mut cut = given.clone();
        cut.sealed.truncate(length);
        assert_eq!(key.open(LETTER, &cut), closed);
    }
    assert_eq!(LetterKey::new(&mut [1; 32]).open(LETTER, given), closed);
}

#[test]
fn no_detail_is_readable_in_what_is_stored() {
    let mut book = Book::sealed();
    book.details = details();
    book.run(consent(1), START);
    let mut stored = serde_json::to_vec(&book.snapshot).unwrap();
    for row in book.rows() {
        stored.extend([row.sealed, row.id, row.hash, row.prev, row.kind.into_bytes()].concat());
    }
    for secret in ["2001:db8", "Testphone", "Telecom", "nl-NL", "navigate"] {
        let found = stored.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret}");
    }
}

#[test]
fn hostile_headers_are_cut_at_a_character() {
    let mut book = Book::sealed();
    book.details = Details {
        user_agent: Some("é".repeat(100_000)),
        accept_language: Some("x".repeat(100_000)),
        country: Some("€".repeat(1_000)),
        ..Details::default()
    };
    book.run(consent(1), START);
    let kept = book.key.as_ref().unwrap().open(LETTER, &book.events[1]).unwrap().unwrap();
    assert_eq!(kept.user_agent.unwrap().len(), MAX_HEADER_BYTES);
    assert_eq!(kept.accept_language.unwrap().len(), MAX_HEADER_BYTES);
    assert_eq!(kept.country.unwrap().len(), MAX_FIELD_BYTES - MAX_FIELD_BYTES % 3);

    // Even control characters, which JSON writes as six bytes, cannot make a row large.
    let worst = |most: usize| Some("\u{1}".repeat(most * 2));
    book.details = Details {
        ip: worst(128),
        user_agent: worst(512),
        as_name: worst(128),
        country: worst(128),
        accept_language: worst(512),
        sec_fetch_site: worst(128),
        sec_fetch_mode: worst(128),
        sec_fetch_dest: worst(128),
        sec_fetch_user: worst(128),
        language: worst(128),
        sha256: worst(128),
        ..Details::default()
    };
    book.run(consent(2), START);
    assert!(book.events[2].sealed.len() < 16_384, "{}", book.events[2].sealed.len());
}

#[test]
fn a_letter_key_unwraps_for_its_letter_under_its_site_key_only() {
    let ring = keyring();
    let mut book = Book::sealed();
    book.details = details();
    book.run(consent(1), START);
    for kid in [7, 6] {
        // Key 6 is past its date; what it wrapped still unwraps.
        let wrapped =
            book.key.as_ref().unwrap().wrap(ring.get(Kid(kid)).unwrap(), LETTER, [kid; 12]).unwrap();
        assert_eq!((wrapped.kid, wrapped.bytes.len()), (Kid(kid), WRAPPED_BYTES));
        let stored = WrappedKey::from_stored(wrapped.kid, &wrapped.bytes).unwrap();
        let key = stored.unwrap(&ring, LETTER).unwrap();
        assert_eq!(key.open(LETTER, &book.events[1]), Ok(Some(details())));

        assert_eq!(stored.unwrap(&ring, OTHER).unwrap_err(), PrivacyError::Unwrap);
        let other = WrappedKey { kid: Kid(13 - kid), ..stored.clone() };
        assert_eq!(other.unwrap(&ring, LETTER).unwrap_err(), PrivacyError::Unwrap);
        let unknown = WrappedKey { kid: Kid(99), ..stored.clone() };
        assert_eq!(unknown.unwrap(&ring, LETTER).unwrap_err(), PrivacyError::UnknownKey(Kid(99)));
        for at in 0..WRAPPED_BYTES {
            let mut flipped = stored.clone();
            flipped.bytes[at] ^= 0x80;
            assert_eq!(flipped.unwrap(&ring, LETTER).unwrap_err(), PrivacyError::Unwrap);
        }
    }
    for length in [0, 12, 59, 61, 1000] {
        assert_eq!(WrappedKey::from_stored(Kid(7), &vec![0; length]).unwrap_err(), PrivacyError::Unwrap);
    }
    let mut random = [5; 32];
    let key = LetterKey::new(&mut random);
    assert_eq!(random, [0; 32]);
    assert_eq!(format!("{key:?}"), "LetterKey(..)");
}

#[test]
fn after_erasure_the_chain_verifies_and_nothing_new_is_sealed() {
    let mut book = Book::sealed();
    book.details = details();
    book.run(consent(1), START);
    let before = book.rows();
    book.run(Command::Erase, START);
    assert!(book.key.is_none());
    assert_eq!(before[..], book.rows()[..2]);
    assert!(book.events[2].sealed.is_empty());
    verify_chain_exact(LETTER, &book.rows(), &book.snapshot.head).unwrap();
}
