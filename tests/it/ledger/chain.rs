//! Tampering with stored events: every kind of it, and the line that is named.
use super::common::{Book, END, LETTER, START, TERMS, consent};
use waxseal::ledger::chain::Broken;
use waxseal::ledger::{
    Actor, ChainError, Command, Head, Snapshot, StoredEvent, verify_chain, verify_chain_exact,
    verify_chain_from,
};
use waxseal::types::{LetterId, UnixMillis};

fn book() -> Book {
    let mut book = Book::sealed();
    book.run(Command::Open { browser: None, terms: None }, START);
    book.run(consent(1), UnixMillis(START.0 + 5));
    book.run(Command::Withdraw, UnixMillis(START.0 + 9));
    book.run(Command::Expire, END);
    book.run(Command::ExpiredOpen, END);
    assert_eq!(book.events.len(), 6);
    book
}

fn broken(seq: u64, reason: Broken) -> Result<Head, ChainError> {
    Err(ChainError { seq, reason })
}

/// Computes the hash of a line again, as a forger would.
fn rehash(row: &mut StoredEvent) {
    row.hash = row.computed_hash(LETTER).to_vec();
}

#[test]
fn a_whole_chain_verifies_to_its_head_and_to_every_older_head() {
    let book = book();
    let rows = book.rows();
    let head = book.snapshot.head;
    assert_eq!(verify_chain(LETTER, &rows), Ok(head));
    assert_eq!(verify_chain_exact(LETTER, &rows, &head), Ok(head));
    for length in 0..=rows.len() {
        let older = verify_chain(LETTER, &rows[..length]).unwrap();
        assert_eq!(verify_chain_from(LETTER, &rows, &older), Ok(head));
    }
    assert_eq!(verify_chain(LETTER, &[]), Ok(Head::GENESIS));
}

#[test]
fn any_single_changed_bit_of_any_stored_field_names_its_line() {
    let rows = book().rows();
    let head = verify_chain(LETTER, &rows).unwrap();
    let mut cases = 0;
    for line in 0..rows.len() {
        for (field, mutants) in mutants(&rows[line]) {
            for mutant in mutants {
                let mut changed = rows.clone();
                changed[line] = mutant;
                let error = verify_chain_exact(LETTER, &changed, &head).unwrap_err();
                assert_eq!(error.seq, line as u64 + 1, "{field}: {error}");
                cases += 1;
            }
        }
    }
    assert!(cases > 5_000, "{cases}");
}

type Mutants = (&'static str, Vec<StoredEvent>);
type Change = fn(&mut StoredEvent);

/// Every event that differs from this one in one bit of one field, or has a field one byte shorter or longer.
fn mutants(row: &StoredEvent) -> Vec<Mutants> {
    let numbers = |set: fn(&mut StoredEvent, u32)| {
        (0..64).map(move |bit| {
            let mut mutant = row.clone();
            set(&mut mutant, bit);
            mutant
        })
    };
    let blob = |get: fn(&mut StoredEvent) -> &mut Vec<u8>| {
        let mut out = Vec::new();
        let length = get(&mut row.clone()).len();
        for bit in 0..length * 8 {
            let mut mutant = row.clone();
            get(&mut mutant)[bit / 8] ^= 1 << (bit % 8);
            out.push(mutant);
        }
        let mut longer = row.clone();
        get(&mut longer).push(0);
        out.push(longer);
        if length > 0 {
            let mut shorter = row.clone();
            get(&mut shorter).pop();
            out.push(shorter);
        }
        out
    };
    let text = |get: fn(&mut StoredEvent) -> &mut String| {
        let mut out = Vec::new();
        for at in 0..get(&mut row.clone()).len() {
            for bit in 0..7 {
                let mut mutant = row.clone();
                let field = get(&mut mutant);
                let mut bytes = field.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                *field = String::from_utf8(bytes).unwrap();
                out.push(mutant);
            }
        }
        out
    };
    let terms = match &row.terms {
        Some(_) => {
            let mut out = blob(|row| row.terms.as_mut().unwrap());
            out.push(StoredEvent { terms: None, ..row.clone() });
            out
        }
        None => [vec![], vec![0], vec![0; 32]]
            .map(|terms| StoredEvent { terms: Some(terms), ..row.clone() })
            .to_vec(),
    };
    vec![
        ("seq", numbers(|row, bit| row.seq ^= 1 << bit).collect()),
        ("id", blob(|row| &mut row.id)),
        ("kind", text(|row| &mut row.kind)),
        ("at", numbers(|row, bit| row.at ^= 1 << bit).collect()),
        ("actor", text(|row| &mut row.actor)),
        ("terms", terms),
        ("sealed", blob(|row| &mut row.sealed)),
        ("prev", blob(|row| &mut row.prev)),
        ("hash", blob(|row| &mut row.hash)),
    ]
}

#[test]
fn a_deleted_line_is_named() {
    let rows = book().rows();
    for line in 0..rows.len() - 1 {
        let mut cut = rows.clone();
        cut.remove(line);
        assert_eq!(verify_chain(LETTER, &cut), broken(line as u64 + 1, Broken::Missing));
    }
}

#[test]
fn swapped_repeated_and_renumbered_lines_are_named() {
    let rows = book().rows();
    let mut swapped = rows.clone();
    swapped.swap(2, 3);
    assert_eq!(verify_chain(LETTER, &swapped), broken(3, Broken::Missing));

    let mut repeated = rows.clone();
    repeated.insert(3, rows[2].clone());
    assert_eq!(verify_chain(LETTER, &repeated), broken(4, Broken::OutOfOrder));

    // Swapped and renumbered to fit: the numbers are hashed too.
    let mut renumbered = rows.clone();
    renumbered.swap(2, 3);
    renumbered[2].seq = 3;
    renumbered[3].seq = 4;
    assert_eq!(verify_chain(LETTER, &renumbered), broken(3, Broken::Altered));
    rehash(&mut renumbered[2]);
    assert_eq!(verify_chain(LETTER, &renumbered), broken(3, Broken::Unlinked));
}

#[test]
fn a_cut_tail_is_seen_by_whoever_knows_the_head() {
    let book = book();
    let rows = book.rows();
    let head = book.snapshot.head;
    for length in 0..rows.len() {
        let cut = &rows[..length];
        assert!(verify_chain(LETTER, cut).is_ok());
        assert_eq!(verify_chain_exact(LETTER, cut, &head), broken(length as u64 + 1, Broken::Truncated));
        assert_eq!(verify_chain_from(LETTER, cut, &head), broken(length as u64 + 1, Broken::Truncated));
    }
}

#[test]
fn a_line_added_behind_the_head_is_named() {
    let rows = book().rows();
    let older = verify_chain(LETTER, &rows[..4]).unwrap();
    assert_eq!(verify_chain_exact(LETTER, &rows, &older), broken(5, Broken::Added));
}

#[test]
fn a_rewritten_line_is_named_by_the_next_and_a_rewritten_end_by_the_head() {
    let book = book();
    let rows = book.rows();
    let mut forged = rows.clone();
    forged[2].terms = Some(vec![0xbb; 32]);
    assert_eq!(verify_chain(LETTER, &forged), broken(3, Broken::Altered));
    rehash(&mut forged[2]);
    assert_eq!(verify_chain(LETTER, &forged), broken(4, Broken::Unlinked));

    // Everything after it rewritten as well: the chain is whole, but not the one that was known.
    for line in 3..forged.len() {
        forged[line].prev = forged[line - 1].hash.clone();
        rehash(&mut forged[line]);
    }
    assert!(verify_chain(LETTER, &forged).is_ok());
    assert_eq!(verify_chain_exact(LETTER, &forged, &book.snapshot.head), broken(6, Broken::Replaced));
    let older = verify_chain(LETTER, &rows[..3]).unwrap();
    assert_eq!(verify_chain_from(LETTER, &forged, &older), broken(3, Broken::Replaced));
}

#[test]
fn lines_that_this_software_never_writes_are_named_even_with_a_right_hash() {
    let rows = book().rows();
    let last = rows.len() - 1;
    let wrong: [(Change, Broken); 6] = [
        (|row| row.kind = "consent_sold".into(), Broken::Malformed),
        (|row| row.actor = String::new(), Broken::Malformed),
        (|row| row.id = vec![1; 15], Broken::Malformed),
        (|row| row.terms = Some(vec![]), Broken::Malformed),
        (|row| row.prev = vec![0; 32], Broken::Unlinked),
        (|row| row.at = 1, Broken::TimeBackwards),
    ];
    for (change, reason) in wrong {
        let mut forged = rows.clone();
        change(&mut forged[last]);
        rehash(&mut forged[last]);
        assert_eq!(verify_chain(LETTER, &forged), broken(last as u64 + 1, reason));
    }
}

#[test]
fn a_chain_belongs_to_its_letter() {
    assert_eq!(verify_chain(LetterId([8; 16]), &book().rows()), broken(1, Broken::Altered));
}

#[test]
fn the_hash_is_built_as_documented() {
    // Built here from the words of docs/LEDGER.md and nothing of the product.
    use sha2::{Digest, Sha256};
    let row = StoredEvent {
        seq: 1,
        id: vec![0x11; 16],
        kind: "consent_given".into(),
        at: 1_700_000_000_123,
        actor: "recipient".into(),
        terms: Some(TERMS.to_vec()),
        sealed: vec![0x55; 40],
        prev: vec![0; 32],
        hash: Vec::new(),
    };
    let mut bytes = b"waxseal/v1/event\0".to_vec();
    let mut field = |x: &[u8]| {
        bytes.extend((x.len() as u32).to_be_bytes());
        bytes.extend(x);
    };
    field(&[7; 16]);
    field(&[0, 0, 0, 0, 0, 0, 0, 1]);
    field(&[0x11; 16]);
    field(b"consent_given");
    field(&[0x00, 0x00, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b]);
    field(b"recipient");
    field(&[0x7e; 32]);
    field(&[0x55; 40]);
    field(&[0; 32]);
    assert_eq!(row.computed_hash(LETTER), <[u8; 32]>::from(Sha256::digest(&bytes)));
    let hex = data_encoding::HEXLOWER.encode(&row.computed_hash(LETTER));
    assert!(
        include_str!("../../../docs/LEDGER.md").contains(&hex),
        "the worked example ought to end in {hex}"
    );
}

#[test]
fn errors_speak_in_sentences_and_codes() {
    let error = ChainError { seq: 3, reason: Broken::Altered };
    assert_eq!(error.to_string(), "event 3: what is stored is not what was recorded");
    assert_eq!(error.code(), "altered");
}

#[test]
fn a_stored_snapshot_that_does_not_say_what_ended_the_letter_is_not_read_as_open() {
    let mut book = Book::sealed();
    book.run_by(Actor::Sender, Command::Cancel, START);
    let mut stored = serde_json::to_value(&book.snapshot).unwrap();
    assert_eq!(serde_json::from_value::<Snapshot>(stored.clone()).unwrap(), book.snapshot);
    let reason = stored.as_object_mut().unwrap().remove("end_reason").unwrap();
    assert!(serde_json::from_value::<Snapshot>(stored.clone()).is_err());
    stored["over"] = reason;
    assert_eq!(serde_json::from_value::<Snapshot>(stored).unwrap(), book.snapshot, "as it was called before");
}
