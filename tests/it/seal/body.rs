//! Bodies: what we write we read, in pieces of any size; what was damaged is refused before release.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce};
use proptest::prelude::*;
use waxseal::seal::{
    DelimiterError, Framing, Header, HeaderError, OpenError, Opener, RecordKeys, SealError, Sealer,
};

const IKM: &[u8] = &[42; 32];
const SALT: [u8; 16] = [9; 16];
const SIZE: usize = 4_096;
const DATA: usize = SIZE - 17;

/// Bytes that differ from record to record.
fn plaintext(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8 ^ (i / DATA) as u8).collect()
}

fn seal_with(ikm: &[u8], salt: [u8; 16], record_size: u32, data: &[u8], pieces: &[usize]) -> Vec<u8> {
    let mut sealer = Sealer::new(ikm, salt, record_size).unwrap();
    let mut out = Vec::new();
    for piece in Pieces::new(data, pieces) {
        sealer.push(piece, &mut out).unwrap();
    }
    assert_eq!(sealer.finish(&mut out), Ok(data.len() as u64));
    out
}

fn seal(data: &[u8]) -> Vec<u8> {
    seal_with(IKM, SALT, SIZE as u32, data, &[])
}

fn framing(length: usize, record_size: u32) -> Framing {
    Framing::new(length as u64, record_size).unwrap()
}

/// Opens as a letter of `length` bytes in records of `SIZE`.
fn open(length: usize, body: &[u8], pieces: &[usize]) -> (Vec<u8>, Result<u64, OpenError>) {
    open_as(framing(length, SIZE as u32), body, pieces)
}

/// What was released, and the verdict. A failed opener must stay failed and silent.
fn open_as(framing: Framing, body: &[u8], pieces: &[usize]) -> (Vec<u8>, Result<u64, OpenError>) {
    let mut opener = Opener::new(IKM, framing);
    let mut out = Vec::new();
    for piece in Pieces::new(body, pieces) {
        if let Err(error) = opener.push(piece, &mut out) {
            let released = out.len();
            assert_eq!(opener.length(), released as u64);
            assert_eq!(opener.push(body, &mut out), Err(error));
            assert_eq!(opener.finish(&mut out), Err(error));
            assert_eq!(out.len(), released);
            return (out, Err(error));
        }
    }
    let result = opener.finish(&mut out);
    (out, result)
}

/// Cuts data into pieces of the given sizes, over and over; no sizes mean one piece.
struct Pieces<'a> {
    rest: &'a [u8],
    sizes: Vec<usize>,
    next: usize,
}

impl<'a> Pieces<'a> {
    fn new(rest: &'a [u8], sizes: &[usize]) -> Self {
        let sizes = if sizes.is_empty() { vec![rest.len().max(1)] } else { sizes.to_vec() };
        Self { rest, sizes, next: 0 }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let size = self.sizes[self.next % self.sizes.len()].max(1).min(self.rest.len());
        self.next += 1;
        let (piece, rest) = self.rest.split_at(size);
        self.rest = rest;
        Some(piece)
    }
}

#[test]
fn lengths_around_the_record_boundary_round_trip_and_match_the_plan() {
    for length in [0, 1, DATA - 1, DATA, DATA + 1, 2 * DATA - 1, 2 * DATA, 2 * DATA + 1, 5 * DATA] {
        let data = plaintext(length);
        let body = seal(&data);
        assert_eq!(body.len() as u64, framing(length, SIZE as u32).body_length(), "{length}");
        for pieces in [&[][..], &[1], &[SIZE], &[21, SIZE], &[SIZE + 1], &[20, 1, 7]] {
            let (out, result) = open(length, &body, pieces);
            assert_eq!(result, Ok(length as u64), "{length} in {pieces:?}");
            assert_eq!(out, data);
        }
    }
}

#[test]
fn pushing_nothing_changes_nothing() {
    let data = plaintext(DATA);
    let mut sealer = Sealer::new(IKM, SALT, SIZE as u32).unwrap();
    let mut body = Vec::new();
    sealer.push(b"", &mut body).unwrap();
    sealer.push(&data, &mut body).unwrap();
    sealer.push(b"", &mut body).unwrap();
    sealer.finish(&mut body).unwrap();
    assert_eq!(body, seal(&data));

    let mut opener = Opener::new(IKM, framing(DATA, SIZE as u32));
    let mut out = Vec::new();
    opener.push(b"", &mut out).unwrap();
    opener.push(&body, &mut out).unwrap();
    opener.push(b"", &mut out).unwrap();
    assert_eq!(out, b"", "the only record is held until the end");
    assert_eq!(opener.finish(&mut out), Ok(DATA as u64));
    assert_eq!(out, data);
}

#[test]
fn output_is_appended_and_what_was_there_stays() {
    let body = seal(b"report");
    let mut out = b"before ".to_vec();
    let mut opener = Opener::new(IKM, framing(6, SIZE as u32));
    opener.push(&body, &mut out).unwrap();
    opener.finish(&mut out).unwrap();
    assert_eq!(out, b"before report");

    let mut damaged = body;
    *damaged.last_mut().unwrap() ^= 1;
    let mut out = b"before".to_vec();
    let mut opener = Opener::new(IKM, framing(6, SIZE as u32));
    opener.push(&damaged, &mut out).unwrap();
    assert_eq!(opener.finish(&mut out), Err(OpenError::NotAuthentic { record: 0 }));
    assert_eq!(out, b"before");
}

#[test]
fn record_sizes_outside_the_limits_are_refused_by_writer_and_reader() {
    for size in [0, 17, 18, 4_095, 1_048_577, u32::MAX] {
        assert_eq!(Sealer::new(IKM, SALT, size).unwrap_err(), SealError::RecordSize(size));
        assert!(Framing::new(1, size).is_err(), "so no opener can be made for it");
    }
    for size in [4_096, 1_048_576] {
        let body = seal_with(IKM, SALT, size, b"x", &[]);
        assert_eq!(open_as(framing(1, size), &body, &[]), (b"x".to_vec(), Ok(1)));
    }
}

#[test]
fn a_header_that_differs_from_the_manifest_is_refused() {
    for size in [0, 18, 4_095, 4_097, 1_048_576, u32::MAX] {
        let mut body = seal(b"x");
        body[..21].copy_from_slice(&Header { salt: SALT, record_size: size }.to_bytes());
        assert_eq!(open(1, &body, &[]), (vec![], Err(OpenError::Header(HeaderError::RecordSize(size)))));
    }
}

#[test]
fn a_body_of_another_length_than_the_manifest_says_is_refused() {
    let length = |expected, found| Err(OpenError::Length { expected, found });
    let body = seal(&plaintext(2 * DATA));
    assert_eq!(open(2 * DATA + 1, &body, &[]).1, length(2 * DATA as u64 + 1, 2 * DATA as u64));
    assert_eq!(open(2 * DATA - 1, &body, &[]).1, length(2 * DATA as u64 - 1, 2 * DATA as u64));
    assert_eq!(open(1, &body, &[]), (vec![], length(1, DATA as u64)));
}

/// Writes records with plaintexts of our choosing: what a broken or hostile sender could make.
fn raw_body(records: &[&[u8]]) -> Vec<u8> {
    let keys = RecordKeys::derive(IKM, &SALT);
    let cipher = Aes128Gcm::new(keys.cek().into());
    let mut body = Header { salt: SALT, record_size: SIZE as u32 }.to_bytes().to_vec();
    for (seq, record) in records.iter().enumerate() {
        body.extend(cipher.encrypt(&Nonce::from(keys.nonce(seq as u64)), *record).unwrap());
    }
    body
}

#[test]
fn authentic_records_with_wrong_ends_are_refused() {
    let full = |end: u8| {
        let mut record = vec![7; DATA];
        record.push(end);
        record
    };
    let at = |record, reason| Err(OpenError::Delimiter { record, reason });
    let padded = |length: usize| {
        let mut record = b"data\x01".to_vec();
        record.resize(length, 0);
        record
    };
    for (records, released, verdict) in [
        (vec![full(1)], 0, at(0, DelimiterError::Truncated)),
        (vec![full(1), full(1)], DATA, at(1, DelimiterError::Truncated)),
        (vec![full(2), full(2)], 0, at(0, DelimiterError::Extended)),
        (vec![full(1), full(3)], DATA, at(1, DelimiterError::Missing)),
        (vec![padded(DATA + 1), full(2)], 0, at(0, DelimiterError::Padded)),
        (vec![vec![0; 10]], 0, at(0, DelimiterError::Padded)),
        (vec![full(1), vec![2]], DATA, Err(OpenError::EmptyRecord { record: 1 })),
        (vec![vec![]], 0, Err(OpenError::CutRecord { record: 0 })),
        (vec![], 0, Err(OpenError::CutRecord { record: 0 })),
    ] {
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let (out, result) = open(
            released + records.last().map_or(0, |r| r.len().saturating_sub(1)),
            &raw_body(&records),
            &[],
        );
        assert_eq!((out.len(), result), (released, verdict), "{} records", records.len());
    }
    assert_eq!(open(4, &raw_body(&[b"data\x02"]), &[]), (b"data".to_vec(), Ok(4)));
}

#[test]
fn every_refusal_has_its_own_code() {
    let codes = [
        OpenError::Header(HeaderError::Truncated).code(),
        OpenError::Header(HeaderError::RecordSize(0)).code(),
        OpenError::Header(HeaderError::KeyId).code(),
        OpenError::NotAuthentic { record: 0 }.code(),
        OpenError::Delimiter { record: 0, reason: DelimiterError::Truncated }.code(),
        OpenError::Delimiter { record: 0, reason: DelimiterError::Extended }.code(),
        OpenError::Delimiter { record: 0, reason: DelimiterError::Padded }.code(),
        OpenError::Delimiter { record: 0, reason: DelimiterError::Missing }.code(),
        OpenError::EmptyRecord { record: 0 }.code(),
        OpenError::Length { expected: 0, found: 1 }.code(),
        OpenError::TooLong.code(),
    ];
    let distinct: std::collections::BTreeSet<_> = codes.iter().collect();
    assert_eq!(distinct.len(), codes.len());
    // A cut inside a record and a cut between records are the same thing to a person.
    assert_eq!(OpenError::CutRecord { record: 0 }.code(), "truncated");
}

/// One way to damage a body.
#[derive(Clone, Debug)]
enum Damage {
    Truncate(prop::sample::Index),
    TruncateAtBoundary(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Duplicate(prop::sample::Index),
    Remove(prop::sample::Index),
    Extend(Vec<u8>),
    Append(prop::sample::Index),
    Flip(prop::sample::Index, u8),
    Splice(prop::sample::Index),
    WrongKey,
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        at().prop_map(Damage::Truncate),
        at().prop_map(Damage::TruncateAtBoundary),
        (at(), at()).prop_map(|(a, b)| Damage::Swap(a, b)),
        at().prop_map(Damage::Duplicate),
        at().prop_map(Damage::Remove),
        prop::collection::vec(any::<u8>(), 1..2 * SIZE).prop_map(Damage::Extend),
        at().prop_map(Damage::Append),
        (at(), 0..8u8).prop_map(|(a, bit)| Damage::Flip(a, bit)),
        at().prop_map(Damage::Splice),
        Just(Damage::WrongKey),
    ]
}

/// The damaged body and the first record that must not be released; `None` when nothing was changed.
fn apply(damage: &Damage, data: &[u8], body: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (header, rest) = body.split_at(21);
    let mut records: Vec<Vec<u8>> = rest.chunks(SIZE).map(<[u8]>::to_vec).collect();
    let count = records.len();
    let whole = |records: Vec<Vec<u8>>| [header.to_vec(), records.concat()].concat();
    Some(match damage {
        Damage::Truncate(at) => {
            let keep = at.index(body.len());
            (body[..keep].to_vec(), keep.saturating_sub(21).div_ceil(SIZE).saturating_sub(1))
        }
        Damage::TruncateAtBoundary(at) => {
            let keep = at.index(count);
            records.truncate(keep);
            (whole(records), keep.saturating_sub(1))
        }
        Damage::Swap(a, b) => {
            let (a, b) = (a.index(count), b.index(count));
            if a == b {
                return None;
            }
            records.swap(a, b);
            (whole(records), a.min(b))
        }
        Damage::Duplicate(at) => {
            let at = at.index(count);
            records.insert(at, records[at].clone());
            (whole(records), if at + 1 == count { at } else { at + 1 })
        }
        Damage::Remove(at) => {
            let at = at.index(count);
            records.remove(at);
            (whole(records), if at + 1 == count { at.saturating_sub(1) } else { at })
        }
        Damage::Extend(extra) => ([body, extra].concat(), count - 1),
        Damage::Append(at) => {
            records.push(records[at.index(count)].clone());
            (whole(records), count - 1)
        }
        Damage::Flip(at, bit) => {
            let at = at.index(body.len());
            let mut flipped = body.to_vec();
            flipped[at] ^= 1 << bit;
            (flipped, at.saturating_sub(21) / SIZE)
        }
        Damage::Splice(at) => {
            let at = at.index(count);
            let other = seal_with(IKM, [8; 16], SIZE as u32, data, &[]);
            records[at] = other[21..].chunks(SIZE).nth(at).unwrap().to_vec();
            (whole(records), at)
        }
        Damage::WrongKey => (seal_with(&[43; 32], SALT, SIZE as u32, data, &[]), 0),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn pieces_of_any_size_give_the_same_body_and_plaintext(
        length in 0..5 * DATA,
        record_size in 4_096..9_000u32,
        sealed_in in prop::collection::vec(1..10_000usize, 0..5),
        opened_in in prop::collection::vec(1..10_000usize, 0..5),
    ) {
        let data = plaintext(length);
        let body = seal_with(IKM, SALT, record_size, &data, &sealed_in);
        prop_assert_eq!(&body, &seal_with(IKM, SALT, record_size, &data, &[]));
        let (out, result) = open_as(framing(length, record_size), &body, &opened_in);
        prop_assert_eq!(result, Ok(length as u64));
        prop_assert_eq!(out, data);
    }

    #[test]
    fn damage_of_every_kind_is_refused_before_the_bad_record(
        length in prop_oneof![0..5 * DATA, (0..5usize).prop_map(|n| n * DATA)],
        damage in damage(),
        pieces in prop::collection::vec(1..10_000usize, 0..4),
    ) {
        let data = plaintext(length);
        let body = seal(&data);
        let Some((damaged, bad)) = apply(&damage, &data, &body) else { return Ok(()) };
        let (out, result) = open(length, &damaged, &pieces);
        prop_assert!(result.is_err(), "{damage:?}");
        prop_assert!(out.len() <= bad * DATA, "{} bytes released, record {bad} is bad", out.len());
        prop_assert_eq!(&out[..], &data[..out.len()]);
        // Everything before the bad record is good and is not held back, unless the header itself was hit.
        if damaged.get(..21) == body.get(..21) {
            prop_assert_eq!(out.len(), bad * DATA);
        }
    }
}
