//! Arithmetic between plaintext and body: lengths, records, and what to read for a range.
//!
//! A letter's records are full but for the last and never padded, so the place of every plaintext byte
//! follows from the length and the record size alone.

use core::ops::Range;

use super::aes128gcm::{
    HEADER_LENGTH, MAX_LENGTH, MAX_RECORD_SIZE, MIN_RECORD_SIZE, RECORD_OVERHEAD, TAG_LENGTH,
};

const HEADER: u64 = HEADER_LENGTH as u64;

/// The shape of one body: its plaintext length and record size, both within the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    length: u64,
    record_size: u32,
}

/// Why a length and record size cannot describe a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum FramingError {
    /// The record size is outside what readers of letters take.
    #[error("record size {0} is outside {MIN_RECORD_SIZE} to {MAX_RECORD_SIZE} bytes")]
    RecordSize(u32),
    /// The plaintext is longer than a letter may be.
    #[error("a length of {0} bytes is more than {MAX_LENGTH}")]
    TooLong(u64),
}

codes!(FramingError);

/// What to read and decrypt for a range of the plaintext.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangePlan {
    framing: Framing,
    wanted: Range<u64>,
    /// Number of the first record to decrypt, from 0.
    pub first_record: u64,
    /// How many records to decrypt; at least one.
    pub records: u64,
    /// Offset of the first byte to read in the body object, header included.
    pub body_start: u64,
    /// How many bytes to read from there; whole records only.
    pub body_length: u64,
    /// Plaintext bytes to drop from the front of the first record.
    pub skip: u32,
    /// Plaintext bytes to send in all.
    pub length: u64,
}

/// One record of a [`RangePlan`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRecord {
    /// Its number in the body, from 0; the argument of `RecordKeys::nonce`.
    pub seq: u64,
    /// Bytes of ciphertext, tag included.
    pub sealed_length: u32,
    /// Whether it must carry the last-record mark; the argument of `check_delimiter`.
    pub is_last: bool,
    /// The part of the decrypted record to send, counted from its first byte; never the delimiter.
    pub keep: Range<u32>,
}

impl Framing {
    /// The framing of `length` plaintext bytes in records of `record_size` bytes.
    ///
    /// # Errors
    /// A record size outside 4 KiB to 1 MiB; a length above 1 TiB.
    pub const fn new(length: u64, record_size: u32) -> Result<Self, FramingError> {
        if record_size < MIN_RECORD_SIZE || record_size > MAX_RECORD_SIZE {
            return Err(FramingError::RecordSize(record_size));
        }
        if length > MAX_LENGTH {
            return Err(FramingError::TooLong(length));
        }
        Ok(Self { length, record_size })
    }

    /// Plaintext length in bytes.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Record size in bytes of ciphertext.
    pub const fn record_size(&self) -> u32 {
        self.record_size
    }

    /// Plaintext bytes in every record but the last.
    pub const fn data_per_record(&self) -> u32 {
        self.record_size - RECORD_OVERHEAD
    }

    /// Number of records: one even for an empty letter.
    pub const fn records(&self) -> u64 {
        if self.length == 0 { 1 } else { self.length.div_ceil(self.data_per_record() as u64) }
    }

    /// Length of the whole body object in bytes, header included.
    pub const fn body_length(&self) -> u64 {
        HEADER + self.length + self.records() * RECORD_OVERHEAD as u64
    }

    /// The plan for the whole plaintext.
    pub const fn whole(&self) -> RangePlan {
        self.planned(0..self.length)
    }

    /// The plan for the plaintext bytes from `start` up to, but without, `end`.
    ///
    /// `None` when the range is empty or reaches beyond the plaintext; an empty letter has only
    /// [`Framing::whole`].
    pub const fn range(&self, start: u64, end: u64) -> Option<RangePlan> {
        if start >= end || end > self.length {
            return None;
        }
        Some(self.planned(start..end))
    }

    /// `wanted` lies within the plaintext, and is empty only for an empty letter.
    const fn planned(&self, wanted: Range<u64>) -> RangePlan {
        let data = self.data_per_record() as u64;
        let size = self.record_size as u64;
        let first_record = wanted.start / data;
        let last_record = if wanted.end == 0 { 0 } else { (wanted.end - 1) / data };
        let body_start = HEADER + first_record * size;
        let full_end = HEADER + (last_record + 1) * size;
        let body_end = if full_end < self.body_length() { full_end } else { self.body_length() };
        RangePlan {
            framing: *self,
            first_record,
            records: last_record - first_record + 1,
            body_start,
            body_length: body_end - body_start,
            // Below the record size, so it fits.
            skip: (wanted.start % data) as u32,
            length: wanted.end - wanted.start,
            wanted,
        }
    }
}

impl RangePlan {
    /// The `index`-th record to decrypt, from 0; `None` after the last one.
    pub const fn record(&self, index: u64) -> Option<PlannedRecord> {
        if index >= self.records {
            return None;
        }
        let data = self.framing.data_per_record() as u64;
        let seq = self.first_record + index;
        let is_last = seq + 1 == self.framing.records();
        let start = seq * data;
        let held = if is_last { self.framing.length - start } else { data };
        let from = self.wanted.start.saturating_sub(start);
        let until = if self.wanted.end - start < held { self.wanted.end - start } else { held };
        Some(PlannedRecord {
            seq,
            // All below the record size, so they fit.
            sealed_length: held as u32 + (1 + TAG_LENGTH),
            is_last,
            keep: from as u32..until as u32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_letter_has_one_record_and_a_full_one_no_empty_tail() {
        let data = u64::from(MIN_RECORD_SIZE - RECORD_OVERHEAD);
        let empty = Framing::new(0, MIN_RECORD_SIZE).unwrap();
        assert_eq!((empty.records(), empty.body_length()), (1, 21 + 17));
        let full = Framing::new(data, MIN_RECORD_SIZE).unwrap();
        assert_eq!((full.records(), full.body_length()), (1, 21 + 4096));
        let more = Framing::new(data + 1, MIN_RECORD_SIZE).unwrap();
        assert_eq!((more.records(), more.body_length()), (2, 21 + 4096 + 18));
    }

    #[test]
    fn the_plan_of_an_empty_letter_keeps_nothing_of_its_record() {
        let plan = Framing::new(0, MIN_RECORD_SIZE).unwrap().whole();
        assert_eq!((plan.body_start, plan.body_length, plan.length), (21, 17, 0));
        let record = PlannedRecord { seq: 0, sealed_length: 17, is_last: true, keep: 0..0 };
        assert_eq!(plan.record(0), Some(record));
        assert_eq!(plan.record(1), None);
    }

    #[test]
    fn ranges_outside_the_plaintext_have_no_plan() {
        let framing = Framing::new(10, MIN_RECORD_SIZE).unwrap();
        assert_eq!(framing.range(0, 0), None);
        assert_eq!(framing.range(5, 5), None);
        assert_eq!(framing.range(6, 5), None);
        assert_eq!(framing.range(0, 11), None);
        assert_eq!(framing.range(u64::MAX, u64::MAX), None);
        assert!(framing.range(9, 10).is_some());
    }

    #[test]
    fn the_largest_letter_stays_far_below_what_javascript_counts_exactly() {
        let largest = Framing::new(MAX_LENGTH, MIN_RECORD_SIZE).unwrap();
        assert!(largest.body_length() < 1 << 53);
        assert_eq!(largest.whole().body_length, largest.body_length() - 21);
        assert_eq!(Framing::new(MAX_LENGTH + 1, MIN_RECORD_SIZE), Err(FramingError::TooLong(MAX_LENGTH + 1)));
        assert_eq!(Framing::new(0, 4_095), Err(FramingError::RecordSize(4_095)));
        assert_eq!(Framing::new(0, 1_048_577), Err(FramingError::RecordSize(1_048_577)));
    }
}
