//! Body in, plaintext out, one authenticated record at a time.

use core::fmt;

use zeroize::Zeroizing;

use super::record::{DelimiterError, LAST, MORE, RecordCipher, check_delimiter};
use super::{Header, HeaderError, MAX_LENGTH, MAX_RECORD_SIZE, RECORD_OVERHEAD, TAG_LENGTH};
use crate::seal::plan::Framing;

/// What a reader accepts.
#[derive(Clone, Copy)]
enum Rules {
    /// A letter of this framing: its record size and length, no key id, no padding, no empty record after
    /// the first.
    Letter(Framing),
    /// Any RFC 8188 message with records of at most 1 MiB: padding and key ids are read too.
    Any,
}

impl Rules {
    fn check_header(self, record_size: u32, key_id_length: u8) -> Result<(), HeaderError> {
        match self {
            Self::Letter(_) if key_id_length != 0 => Err(HeaderError::KeyId),
            Self::Letter(framing) if framing.record_size() == record_size => Ok(()),
            Self::Any if (RECORD_OVERHEAD + 1..=MAX_RECORD_SIZE).contains(&record_size) => Ok(()),
            _ => Err(HeaderError::RecordSize(record_size)),
        }
    }

    /// Checks the plaintext's length with the record at hand included.
    fn check_length(self, found: u64, is_last: bool) -> Result<(), OpenError> {
        match self {
            Self::Letter(framing) => {
                let expected = framing.length();
                let fits = if is_last { found == expected } else { found <= expected };
                if fits { Ok(()) } else { Err(OpenError::Length { expected, found }) }
            }
            Self::Any if found > MAX_LENGTH => Err(OpenError::TooLong),
            Self::Any => Ok(()),
        }
    }
}

/// Why a body was refused. Records are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The header is missing or not a letter's.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The key is wrong, or the record was altered, moved, repeated or cut.
    #[error("record {record} does not authenticate: the key is wrong or the body was altered")]
    NotAuthentic {
        /// The record that was refused.
        record: u64,
    },
    /// The body ends where a record cannot.
    #[error("the body ends inside record {record}")]
    CutRecord {
        /// The record that was refused.
        record: u64,
    },
    /// The record is authentic but ends wrongly.
    #[error("record {record}: {reason}")]
    Delimiter {
        /// The record that was refused.
        record: u64,
        /// What is wrong with its end.
        reason: DelimiterError,
    },
    /// A letter's last record holds data, unless the letter is empty.
    #[error("record {record} is empty, which only the single record of an empty letter may be")]
    EmptyRecord {
        /// The record that was refused.
        record: u64,
    },
    /// The plaintext is not as long as the manifest says.
    #[error("the plaintext has {found} bytes so far; the manifest says {expected} in all")]
    Length {
        /// Bytes the manifest calls for.
        expected: u64,
        /// Bytes up to and with the refused record.
        found: u64,
    },
    /// More than [`MAX_LENGTH`] bytes of plaintext.
    #[error("the plaintext is longer than {MAX_LENGTH} bytes")]
    TooLong,
}

impl OpenError {
    /// A stable name for logs and machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Header(reason) => reason.code(),
            Self::NotAuthentic { .. } => "not_authentic",
            Self::CutRecord { .. } => "truncated",
            Self::Delimiter { reason, .. } => reason.code(),
            Self::EmptyRecord { .. } => "empty_record",
            Self::Length { .. } => "length",
            Self::TooLong => "too_long",
        }
    }
}

/// Reads a body: push ciphertext in pieces of any size, take plaintext as it is authenticated.
///
/// Holds at most one record. A record that fills the record size is kept until a further byte or the end
/// tells whether it is the last one, so that a wrong last-record mark is found before release. After an
/// error nothing more is released and every call returns that error.
pub struct Opener {
    state: State,
    rules: Rules,
    /// Header bytes, then the record being collected. Ciphertext only.
    pending: Vec<u8>,
    length: u64,
}

enum State {
    Header { ikm: Zeroizing<Vec<u8>> },
    Records { reader: Box<Reader> },
    Failed(OpenError),
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Opener {
    /// A reader for the body of one letter, under its input keying material and its manifest's framing.
    pub fn new(ikm: &[u8], framing: Framing) -> Self {
        Self::with_rules(ikm, Rules::Letter(framing))
    }

    /// A reader for any RFC 8188 message with records of at most 1 MiB.
    pub fn any_message(ikm: &[u8]) -> Self {
        Self::with_rules(ikm, Rules::Any)
    }

    fn with_rules(ikm: &[u8], rules: Rules) -> Self {
        Self {
            state: State::Header { ikm: Zeroizing::new(ikm.to_vec()) },
            rules,
            pending: Vec::new(),
            length: 0,
        }
    }

    /// Plaintext bytes released so far.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Takes ciphertext and appends the plaintext of every record it completes to `out`.
    ///
    /// # Errors
    /// The first fault found. Records before it are in `out`; not a byte of the bad one is.
    pub fn push(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        let start = out.len();
        let result = self.try_push(data, out);
        self.settle(start, out, result)
    }

    /// Ends the body and releases its last record. Returns the length of the whole plaintext in bytes.
    ///
    /// # Errors
    /// The first fault found; a body that ends too early is one.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<u64, OpenError> {
        let start = out.len();
        let result = match &mut self.state {
            State::Header { .. } => Err(HeaderError::Truncated.into()),
            State::Failed(error) => Err(*error),
            State::Records { reader } => reader.open(&self.pending, true, self.rules, out),
        };
        self.settle(start, out, result)?;
        Ok(self.length)
    }

    fn settle(&mut self, start: usize, out: &[u8], result: Result<(), OpenError>) -> Result<(), OpenError> {
        self.length = self.length.saturating_add(out.len().saturating_sub(start) as u64);
        if let Err(error) = result {
            self.state = State::Failed(error);
            self.pending = Vec::new();
        }
        result
    }

    fn try_push(&mut self, mut data: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        let rules = self.rules;
        if let State::Header { ikm } = &self.state {
            let Some((header, rest)) = take_header(&mut self.pending, data, rules)? else { return Ok(()) };
            let record_size = header.record_size as usize;
            let cipher = RecordCipher::new(ikm, &header.salt);
            self.state =
                State::Records { reader: Box::new(Reader { cipher, record_size, seq: 0, length: 0 }) };
            self.pending = Vec::with_capacity(record_size);
            data = rest;
        }
        let reader = match &mut self.state {
            State::Records { reader } => reader,
            State::Failed(error) => return Err(*error),
            State::Header { .. } => return Ok(()),
        };
        if !self.pending.is_empty() {
            let room = reader.record_size.saturating_sub(self.pending.len());
            let (fill, rest) = data.split_at(room.min(data.len()));
            self.pending.extend_from_slice(fill);
            data = rest;
            if data.is_empty() {
                return Ok(());
            }
            reader.open(&self.pending, false, rules, out)?;
            self.pending.clear();
        }
        while data.len() > reader.record_size {
            let (record, rest) = data.split_at(reader.record_size);
            reader.open(record, false, rules, out)?;
            data = rest;
        }
        self.pending.extend_from_slice(data);
        Ok(())
    }
}

/// Collects the header in `pending`; gives it back with the bytes of `data` beyond it once it is whole.
fn take_header<'d>(
    pending: &mut Vec<u8>,
    data: &'d [u8],
    rules: Rules,
) -> Result<Option<(Header, &'d [u8])>, OpenError> {
    /// The fixed part and the longest key id.
    const MAX_HEADER_BYTES: usize = super::HEADER_LENGTH + 255;
    let before = pending.len();
    let (head, _) = data.split_at(data.len().min(MAX_HEADER_BYTES.saturating_sub(before)));
    pending.extend_from_slice(head);
    let Some((header, key_id_length)) = Header::split(pending) else { return Ok(None) };
    rules.check_header(header.record_size, key_id_length)?;
    let whole = super::HEADER_LENGTH + usize::from(key_id_length);
    if pending.len() < whole {
        return Ok(None);
    }
    Ok(data.get(whole.saturating_sub(before)..).map(|rest| (header, rest)))
}

/// What is needed to open the next record.
struct Reader {
    cipher: RecordCipher,
    record_size: usize,
    seq: u64,
    length: u64,
}

impl Reader {
    /// Authenticates, decrypts and appends the data of one record, or appends nothing.
    fn open(
        &mut self,
        sealed: &[u8],
        is_last: bool,
        rules: Rules,
        out: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        let record = self.seq;
        if sealed.is_empty() && record > 0 {
            // `push` never leaves nothing pending once a record has been opened; kept as the safe answer.
            return Err(OpenError::Delimiter { record, reason: DelimiterError::Truncated });
        }
        let Some((ciphertext, tag)) = sealed.split_last_chunk::<{ TAG_LENGTH as usize }>() else {
            return Err(OpenError::CutRecord { record });
        };
        if ciphertext.is_empty() {
            return Err(OpenError::CutRecord { record });
        }
        let start = out.len();
        out.extend_from_slice(ciphertext);
        let opened = self.open_in_place(out.get_mut(start..).unwrap_or_default(), tag, is_last, rules);
        let kept = match &opened {
            Ok(data) => *data,
            Err(_) => 0,
        };
        out.truncate(start + kept);
        opened?;
        self.seq += 1;
        Ok(())
    }

    /// Decrypts in place and returns how many bytes of the record are data.
    fn open_in_place(
        &mut self,
        bytes: &mut [u8],
        tag: &[u8; 16],
        is_last: bool,
        rules: Rules,
    ) -> Result<usize, OpenError> {
        let record = self.seq;
        self.cipher.open(record, bytes, tag).map_err(|_| OpenError::NotAuthentic { record })?;
        let at = |reason| OpenError::Delimiter { record, reason };
        let data = match rules {
            Rules::Letter(_) => {
                check_delimiter(bytes, is_last).map_err(at)?;
                let data = bytes.len().saturating_sub(1);
                if data == 0 && record > 0 {
                    return Err(OpenError::EmptyRecord { record });
                }
                data
            }
            Rules::Any => unpadded_length(bytes, is_last).map_err(at)?,
        };
        self.length = self.length.saturating_add(data as u64);
        rules.check_length(self.length, is_last)?;
        Ok(data)
    }
}

/// The length of the data in a record that may be padded: all before the last byte that is not zero.
fn unpadded_length(record: &[u8], is_last: bool) -> Result<usize, DelimiterError> {
    let at = record.iter().rposition(|byte| *byte != 0).ok_or(DelimiterError::Missing)?;
    match (record.get(at).copied(), is_last) {
        (Some(MORE), false) | (Some(LAST), true) => Ok(at),
        (Some(MORE), true) => Err(DelimiterError::Truncated),
        (Some(LAST), false) => Err(DelimiterError::Extended),
        _ => Err(DelimiterError::Missing),
    }
}
