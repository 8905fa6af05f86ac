//! Byte ranges: reading just the planned part of a body gives exactly the slice that was asked for.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce};
use proptest::prelude::*;
use waxseal::seal::{
    Framing, Header, RangeAnswer, RangePlan, RecordKeys, Sealer, check_delimiter, parse_range,
};

const IKM: &[u8] = &[42; 16];

fn plaintext(length: u64) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8 ^ (i / 4_096) as u8).collect()
}

fn seal(data: &[u8], record_size: u32) -> Vec<u8> {
    let mut sealer = Sealer::new(IKM, [5; 16], record_size).unwrap();
    let mut body = Vec::new();
    sealer.push(data, &mut body).unwrap();
    sealer.finish(&mut body).unwrap();
    body
}

/// Does what the edge does: the header for the keys, then only the planned bytes.
fn read(body: &[u8], record_size: u32, plan: &RangePlan) -> Vec<u8> {
    let header = Header::parse_letter(&body[..21], record_size).unwrap();
    let keys = RecordKeys::derive(IKM, &header.salt);
    let cipher = Aes128Gcm::new(keys.cek().into());
    let start = plan.body_start as usize;
    let mut rest = &body[start..start + plan.body_length as usize];
    let mut out = Vec::new();
    for index in 0.. {
        let Some(record) = plan.record(index) else { break };
        let (sealed, after) = rest.split_at(record.sealed_length as usize);
        rest = after;
        let opened = cipher.decrypt(&Nonce::from(keys.nonce(record.seq)), sealed).unwrap();
        assert_eq!(check_delimiter(&opened[opened.len() - 1..], record.is_last), Ok(()));
        if index == 0 {
            assert_eq!(record.seq, plan.first_record);
            assert_eq!(record.keep.start, plan.skip);
        }
        assert!((record.keep.end as usize) < opened.len(), "the delimiter is never sent");
        out.extend_from_slice(&opened[record.keep.start as usize..record.keep.end as usize]);
    }
    assert!(rest.is_empty(), "nothing is read that is not decrypted");
    assert_eq!(out.len() as u64, plan.length);
    out
}

#[test]
fn every_range_over_small_letters_with_a_boundary_inside() {
    let record_size = 4_096;
    for length in [1u64, 4_078, 4_079, 4_080, 8_158, 8_159] {
        let data = plaintext(length);
        let body = seal(&data, record_size);
        let framing = Framing::new(length, record_size).unwrap();
        let edges = [0, 1, 2, 4_077, 4_078, 4_079, 4_080, 4_081, 8_157, 8_158, 8_159];
        for start in edges {
            for end in edges.into_iter().filter(|end| start < *end && *end <= length) {
                let plan = framing.range(start, end).unwrap();
                assert_eq!(
                    read(&body, record_size, &plan),
                    data[start as usize..end as usize],
                    "{start}..{end}"
                );
            }
        }
    }
}

#[test]
fn the_whole_of_an_empty_letter_is_nothing() {
    assert_eq!(read(&seal(b"", 4_096), 4_096, &Framing::new(0, 4_096).unwrap().whole()), b"");
}

#[test]
fn a_plan_reads_no_record_it_does_not_need() {
    let framing = Framing::new(1 << 40, 65_536).unwrap();
    let plan = framing.range(1 << 39, (1 << 39) + 1).unwrap();
    assert_eq!(plan.records, 1);
    assert_eq!(plan.body_length, 65_536);
    let plan = framing.range(65_518, 65_520).unwrap();
    assert_eq!((plan.first_record, plan.records, plan.skip, plan.body_start), (0, 2, 65_518, 21));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn planned_ranges_give_exactly_the_slice(
        length in 0..30_000u64,
        record_size in 4_096..6_000u32,
        a in any::<prop::sample::Index>(),
        b in any::<prop::sample::Index>(),
    ) {
        let data = plaintext(length);
        let body = seal(&data, record_size);
        let framing = Framing::new(length, record_size).unwrap();
        prop_assert_eq!(framing.body_length(), body.len() as u64);
        prop_assert_eq!(read(&body, record_size, &framing.whole()), &data[..]);
        let (a, b) = (a.index(length as usize + 1), b.index(length as usize + 1));
        let (start, end) = (a.min(b), a.max(b));
        match framing.range(start as u64, end as u64) {
            Some(plan) => prop_assert_eq!(read(&body, record_size, &plan), &data[start..end]),
            None => prop_assert_eq!(start, end),
        }
    }

    #[test]
    fn plans_of_any_numbers_stay_inside_the_body(
        length in 0..=1u64 << 40,
        record_size in 4_096..=1_048_576u32,
        start in any::<u64>(),
        end in any::<u64>(),
    ) {
        let framing = Framing::new(length, record_size).unwrap();
        for (start, end) in [(start, end), (start % (length + 1), end % (length + 1))] {
            let Some(plan) = framing.range(start, end) else { continue };
            prop_assert!(plan.body_start >= 21);
            prop_assert!(plan.body_start + plan.body_length <= framing.body_length());
            prop_assert_eq!(plan.length, end - start);
            let last = plan.record(plan.records - 1).unwrap();
            prop_assert_eq!(last.is_last, plan.body_start + plan.body_length == framing.body_length());
            prop_assert_eq!(plan.record(plan.records), None);
            prop_assert_eq!(plan.record(u64::MAX), None);
        }
    }

    #[test]
    fn framing_never_panics(length in any::<u64>(), record_size in any::<u32>()) {
        let _ = Framing::new(length, record_size).map(|framing| framing.whole().record(u64::MAX));
    }

    #[test]
    fn hostile_range_headers_never_panic_and_stay_inside(
        header in prop_oneof![
            any::<String>(),
            "(bytes|BYTES|bits)?[ \t]*=?[-0-9, \t]{0,80}",
            "bytes=[0-9]{0,25}-[0-9]{0,25}",
            "bytes=[0-9]{1,3}-[0-9]{1,3}",
        ],
        length in prop_oneof![0..2_000u64, any::<u64>()],
    ) {
        if let RangeAnswer::Part { start, end } = parse_range(&header, length) {
            prop_assert!(start < end && end <= length, "{start}..{end} of {length}");
        }
    }

    #[test]
    fn range_headers_agree_with_the_plain_reading(
        first in any::<u128>(),
        last in any::<u128>(),
        small in any::<bool>(),
        length in 1..1_000u64,
    ) {
        let (first, last) = if small { (first % 1_500, last % 1_500) } else { (first, last) };
        let whole = u128::from(length);
        let answer = |range: Option<(u128, u128)>| range.map_or(RangeAnswer::Unsatisfiable, |(start, end)| {
            RangeAnswer::Part { start: start as u64, end: end as u64 }
        });
        let open = (first < whole).then_some((first, whole));
        prop_assert_eq!(parse_range(&format!("bytes={first}-"), length), answer(open));
        let suffix = (last > 0).then_some((whole.saturating_sub(last), whole));
        prop_assert_eq!(parse_range(&format!("bytes=-{last}"), length), answer(suffix));
        // Positions beyond 64 bits are all one to us, so their order is only known below.
        if last <= u128::from(u64::MAX) {
            let closed = if last < first {
                RangeAnswer::Whole
            } else {
                answer((first < whole).then(|| (first, whole.min(last.saturating_add(1)))))
            };
            prop_assert_eq!(parse_range(&format!("bytes={first}-{last}"), length), closed);
        }
    }
}
