//! Plaintext in, body out.

use core::fmt;

use zeroize::Zeroizing;

use super::record::{LAST, MORE, RecordCipher};
use super::{Header, MAX_LENGTH, MAX_RECORD_SIZE, MIN_RECORD_SIZE, RECORD_OVERHEAD};

/// Why a body could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SealError {
    /// The record size is outside what readers of letters take.
    #[error("record size {0} is outside {MIN_RECORD_SIZE} to {MAX_RECORD_SIZE} bytes")]
    RecordSize(u32),
    /// More than [`MAX_LENGTH`] bytes were pushed.
    #[error("the plaintext is longer than {MAX_LENGTH} bytes")]
    TooLong,
}

codes!(SealError);

/// Writes the body of a letter: push plaintext in pieces of any size, take ciphertext as it comes.
///
/// Holds at most one record of plaintext, because only the end of the input tells which record is the last.
pub struct Sealer {
    cipher: RecordCipher,
    header: Option<Header>,
    data_per_record: usize,
    pending: Zeroizing<Vec<u8>>,
    seq: u64,
    length: u64,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("seq", &self.seq).field("length", &self.length).finish_non_exhaustive()
    }
}

impl Sealer {
    /// A sealer for one body. `salt` must be 16 fresh random bytes: the same input key with the same salt
    /// would repeat nonces.
    ///
    /// # Errors
    /// [`SealError::RecordSize`] outside 4 KiB to 1 MiB.
    pub fn new(ikm: &[u8], salt: [u8; 16], record_size: u32) -> Result<Self, SealError> {
        if !(MIN_RECORD_SIZE..=MAX_RECORD_SIZE).contains(&record_size) {
            return Err(SealError::RecordSize(record_size));
        }
        let data_per_record = (record_size - RECORD_OVERHEAD) as usize;
        Ok(Self {
            cipher: RecordCipher::new(ikm, &salt),
            header: Some(Header { salt, record_size }),
            data_per_record,
            // Never grows beyond this, so no copy of plaintext is left behind by a reallocation.
            pending: Zeroizing::new(Vec::with_capacity(data_per_record)),
            seq: 0,
            length: 0,
        })
    }

    /// Plaintext bytes pushed so far.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Takes plaintext and appends whatever records are complete to `out`.
    ///
    /// # Errors
    /// [`SealError::TooLong`] beyond [`MAX_LENGTH`]; the body must then be thrown away.
    pub fn push(&mut self, mut data: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        self.length = self.length.saturating_add(data.len() as u64);
        if self.length > MAX_LENGTH {
            return Err(SealError::TooLong);
        }
        self.start(out);
        if !self.pending.is_empty() {
            let room = self.data_per_record.saturating_sub(self.pending.len());
            let (fill, rest) = data.split_at(room.min(data.len()));
            self.pending.extend_from_slice(fill);
            data = rest;
            if data.is_empty() {
                return Ok(());
            }
            seal_record(&self.cipher, &mut self.seq, &self.pending, MORE, out)?;
            self.pending.clear();
        }
        while data.len() > self.data_per_record {
            let (record, rest) = data.split_at(self.data_per_record);
            seal_record(&self.cipher, &mut self.seq, record, MORE, out)?;
            data = rest;
        }
        self.pending.extend_from_slice(data);
        Ok(())
    }

    /// Ends the body: appends the last record. Returns the number of plaintext bytes sealed.
    ///
    /// # Errors
    /// [`SealError::TooLong`] as in [`Sealer::push`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<u64, SealError> {
        if self.length > MAX_LENGTH {
            return Err(SealError::TooLong);
        }
        self.start(out);
        seal_record(&self.cipher, &mut self.seq, &self.pending, LAST, out)?;
        Ok(self.length)
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if let Some(header) = self.header.take() {
            out.extend_from_slice(&header.to_bytes());
        }
    }
}

/// Appends one record: data, delimiter, encrypted where it lies, then the tag.
fn seal_record(
    cipher: &RecordCipher,
    seq: &mut u64,
    data: &[u8],
    delimiter: u8,
    out: &mut Vec<u8>,
) -> Result<(), SealError> {
    let start = out.len();
    out.reserve(data.len() + RECORD_OVERHEAD as usize);
    out.extend_from_slice(data);
    out.push(delimiter);
    let record = out.get_mut(start..).unwrap_or_default();
    match cipher.seal(*seq, record) {
        Ok(tag) => out.extend_from_slice(&tag),
        Err(_) => {
            // Unreachable with records of at most 1 MiB; plaintext must not stay behind all the same.
            out.truncate(start);
            return Err(SealError::TooLong);
        }
    }
    *seq += 1;
    Ok(())
}
