//! The body of a letter: RFC 8188 `aes128gcm`.
//!
//! Promises: a record is authenticated before any byte of it is released; a body that was cut, stretched,
//! reordered, repeated or altered is refused and says which record; memory stays at a couple of records
//! whatever the length; nothing here reads a clock, a random source or a stream.
//!
//! The command line uses [`Sealer`] and [`Opener`]. The edge and the browser decrypt with WebCrypto and take
//! only [`Header::parse_letter`], [`RecordKeys`], [`check_delimiter`] and the plan (`seal::plan`) from here.

mod header;
mod opener;
mod record;
mod sealer;

pub use header::{HEADER_LENGTH, Header, HeaderError};
pub use opener::{OpenError, Opener};
pub use record::{DelimiterError, RecordKeys, check_delimiter};
pub use sealer::{SealError, Sealer};

/// Bytes of an AES-GCM tag at the end of every record.
pub const TAG_LENGTH: u32 = 16;

/// What each record costs beyond its data: one delimiter byte and the tag.
pub const RECORD_OVERHEAD: u32 = 1 + TAG_LENGTH;

/// The smallest record size a letter may have, in bytes of ciphertext.
pub const MIN_RECORD_SIZE: u32 = 4_096;

/// The largest record size a letter may have, in bytes of ciphertext.
pub const MAX_RECORD_SIZE: u32 = 1_048_576;

/// The record size we write, in bytes of ciphertext. Measured in `docs/SEAL.md`.
pub const RECORD_SIZE: u32 = 65_536;

/// The longest plaintext of a letter: 1 TiB.
///
/// 2^36 AES blocks under one key keep the chance of telling AES-128-GCM from random below 2^-56, and every
/// sum of offsets stays far below 2^53, the largest integer JSON and JavaScript carry exactly.
pub const MAX_LENGTH: u64 = 1 << 40;
