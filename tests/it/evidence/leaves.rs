//! Entries of the log: bytes, blinding, and what they show of two histories.

use proptest::prelude::*;
use waxseal::evidence::leaf::{LEAF_BYTES, Leaf, ParseLeafError, Sighting, Watch, slot};
use waxseal::ledger::{Command, Event, StoredEvent};
use waxseal::types::{LetterId, UnixMillis};

use super::common::{hash, hex};
use crate::ledger::common::{Book, LETTER, START, TERMS, consent};

fn leaves(book: &Book) -> Vec<Leaf> {
    book.events.iter().map(|event| Leaf::of(LETTER, event)).collect()
}

fn book() -> Book {
    let mut book = Book::sealed();
    for (after, command) in
        [(1, Command::Open { browser: None, terms: None }), (2, consent(1)), (3, Command::Withdraw)]
    {
        book.run(command, UnixMillis(START.0 + after));
    }
    assert_eq!(book.kinds(), ["sealed", "opened", "consent_given", "consent_withdrawn"]);
    book
}

#[test]
fn an_entry_has_the_bytes_of_the_documentation() {
    let event = StoredEvent {
        seq: 1,
        id: vec![0x11; 16],
        kind: "consent_given".into(),
        at: 1_700_000_000_123,
        actor: "recipient".into(),
        terms: Some(vec![0x7e; 32]),
        sealed: vec![0x55; 40],
        prev: vec![0; 32],
        hash: hex("bd32b6d1488c2976086bb64f6dee70807cc5ed481e95857502c19c4246dc8380"),
    };
    let event = Event::try_from(&event).unwrap();
    let leaf = Leaf::of(LetterId([7; 16]), &event);
    let text = data_encoding::HEXLOWER.encode(&leaf.to_bytes());
    let page = std::fs::read_to_string("docs/EVIDENCE.md").unwrap();
    let page: String = page.split_whitespace().collect();
    assert!(page.contains(&text), "docs/EVIDENCE.md ought to have\n{text}");
    assert_eq!(&text[..2], "01");
    assert_eq!(&text[66..], "bd32b6d1488c2976086bb64f6dee70807cc5ed481e95857502c19c4246dc8380");
    let tree_hash = leaf.tree_hash();
    assert_eq!(tree_hash, hash(&data_encoding::HEXLOWER.encode(&tree_hash.0)));
    assert!(page.contains(&data_encoding::HEXLOWER.encode(&tree_hash.0)), "and its leaf hash {tree_hash:?}");
    assert_eq!(Leaf::from_bytes(&leaf.to_bytes()), Ok(leaf));
}

#[test]
fn what_is_not_an_entry_is_refused() {
    let bytes = leaves(&book())[0].to_bytes();
    for cut in 0..LEAF_BYTES {
        assert_eq!(Leaf::from_bytes(&bytes[..cut]), Err(ParseLeafError));
    }
    assert_eq!(Leaf::from_bytes(&[&bytes[..], &[0]].concat()), Err(ParseLeafError));
    let mut later = bytes;
    later[0] = 2;
    assert_eq!(Leaf::from_bytes(&later), Err(ParseLeafError));
}

#[test]
fn an_entry_shows_neither_letter_nor_person_and_entries_do_not_show_that_they_belong_together() {
    let book = book();
    let all: Vec<u8> = leaves(&book).iter().flat_map(Leaf::to_bytes).collect();
    let secrets: [&[u8]; 4] = [&LETTER.as_bytes()[..4], &TERMS[..4], b"203.0.113.9", b"consent"];
    for secret in secrets {
        assert!(!all.windows(secret.len()).any(|window| window == secret));
    }
    // No hash of one entry is in another one.
    let parts: Vec<_> = leaves(&book).into_iter().flat_map(|leaf| [leaf.slot, leaf.event]).collect();
    let distinct: std::collections::BTreeSet<_> = parts.iter().collect();
    assert_eq!(distinct.len(), parts.len());
}

#[test]
fn one_event_has_one_entry_and_another_letter_another() {
    let book = book();
    assert_eq!(leaves(&book), leaves(&book));
    assert_ne!(slot(LETTER, &[0; 32]), slot(LetterId([8; 16]), &[0; 32]));
}

#[test]
fn a_rewritten_history_meets_the_first_one_in_the_log() {
    let (first, mut second) = (book(), Book::sealed());
    // The same beginning, then an acceptance where the reader had withdrawn.
    second.run(Command::Open { browser: None, terms: None }, UnixMillis(START.0 + 1));
    second.run(consent(1), UnixMillis(START.0 + 2));
    assert_eq!(leaves(&first)[..3], leaves(&second)[..3]);
    let log: Vec<_> = leaves(&first);
    let watch = Watch::new(LETTER, &second.rows());
    let seen: Vec<_> = (0..).zip(&log).filter_map(|(index, leaf)| watch.look(index, leaf)).collect();
    assert_eq!(seen, [Sighting::Continued { index: 3, seq: 4 }]);

    second.run(Command::Cancel, UnixMillis(START.0 + 3));
    let watch = Watch::new(LETTER, &second.rows());
    let seen: Vec<_> = (0..).zip(&log).filter_map(|(index, leaf)| watch.look(index, leaf)).collect();
    assert_eq!(seen, [Sighting::Fork { index: 3, seq: 4 }]);

    // All of it written anew, from the first event.
    let mut third = Book::empty();
    let _ = third.entropy();
    third.run(crate::ledger::common::SEAL, START);
    let watch = Watch::new(LETTER, &third.rows());
    let seen: Vec<_> = (0..).zip(&log).filter_map(|(index, leaf)| watch.look(index, leaf)).collect();
    assert_eq!(seen, [Sighting::Fork { index: 0, seq: 1 }]);
}

#[test]
fn a_whole_history_is_seen_without_remark() {
    let book = book();
    let watch = Watch::new(LETTER, &book.rows());
    let twice = leaves(&book).into_iter().chain(leaves(&book));
    for (index, leaf) in (0..).zip(twice) {
        assert_eq!(watch.look(index, &leaf), None, "an event that came twice is no fork");
    }
    let watch = Watch::new(LETTER, &[]);
    assert_eq!(watch.look(9, &leaves(&book)[0]), Some(Sighting::Continued { index: 9, seq: 1 }));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(leaf) = Leaf::from_bytes(&bytes) {
            prop_assert_eq!(leaf.to_bytes().to_vec(), bytes);
        }
    }
}
